//! Makes a quantized model faster without changing a bit of what it says.
//!
//! Between two convolutions in integers stands an activation function, which ONNX Runtime computes in several passes over
//! the tensor, partly in floats. But whatever is computed, element by element, from one byte to one byte is a table of 256.
//! So: ONNX Runtime optimizes the file at its highest level and writes the graph; [`chains`] finds such functions in it by
//! structure; ONNX Runtime itself computes their tables, by the very nodes they replace; [`rewrite`] puts a look-up in
//! their place, and the session is built on that graph. The file stays as it is.
//!
//! The accelerated session takes the plain one's place only where both give the same outputs, bit for bit, for pictures of
//! [`check`], and where it is not slower. Everything else is told, see [`Acceleration`], and the plain session stays.

mod chains;
mod check;
mod rewrite;

pub use chains::Byte;
pub use rewrite::{DOMAIN, TableInput, look_up_name};

use super::bytes::Kernel;
use super::session::{ModelSource, Session, SessionError, SessionOptions, tables};
use super::{InputRecognition, ModelCard};
use crate::onnx::proto::ModelProto;
use crate::onnx::{self, Executed, OnnxError, Summary};
use check::Check;
use prost::Message;
use serde::Serialize;
use std::path::Path;

/// What became of the wish for a faster session.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Acceleration {
    /// It was not wished for.
    #[default]
    Off,
    /// The model is not quantized, or nothing in it can be folded.
    NothingToDo,
    /// The session is accelerated, and its outputs are those of the plain one.
    Done {
        /// Functions of a byte that became a look-up.
        look_ups: usize,
        /// Nodes that these took the place of.
        nodes: usize,
        /// How bytes are looked up on this processor, such as `avx512`.
        kernel: &'static str,
        /// Time of the plain session over that of this one, on the checks.
        gain: f32,
    },
    /// The plain session stays.
    Declined {
        /// Why, as a sentence without its full stop.
        reason: String,
    },
}

impl Acceleration {
    /// Whether the session is an accelerated one.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// In words, such as `57 look-ups folded; outputs equal, 1.5 times as fast`; None where there is nothing to say.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Off => Some("off".to_owned()),
            Self::NothingToDo => None,
            Self::Done { look_ups, gain, kernel, .. } => {
                let s = if *look_ups == 1 { "" } else { "s" };
                Some(format!("{look_ups} look-up{s} folded ({kernel}); outputs equal, {gain:.2} times as fast"))
            }
            Self::Declined { reason } => Some(format!("no: {reason}")),
        }
    }
}

/// Why a session is not accelerated.
#[derive(Debug, thiserror::Error)]
enum Declined {
    /// The graph that ONNX Runtime's optimizer wrote is no model.
    #[error("the optimized graph cannot be read: {0}")]
    Graph(#[from] OnnxError),
    /// ONNX Runtime does not take the folded graph, or it does not run.
    #[error("the folded graph does not run: {0}")]
    Session(#[from] SessionError),
    /// The outputs are not the same.
    #[error("its outputs would differ from those of ONNX Runtime alone")]
    Differs,
    /// It is no faster.
    #[error("it would be no faster here ({gain:.2} times as fast)")]
    Slower {
        /// Time of the plain session over that of the accelerated one.
        gain: f32,
    },
}

/// The wish to accelerate a model.
pub(super) struct Accelerator<'a> {
    /// The file, for messages.
    path: &'a Path,
    opset: i64,
    options: SessionOptions,
    /// Where ONNX Runtime is to write the graph.
    folder: tempfile::TempDir,
}

impl<'a> Accelerator<'a> {
    /// None where there is nothing to accelerate, or it is not wished for.
    pub fn new(path: &'a Path, summary: &Summary, options: &SessionOptions) -> Option<Self> {
        let suits = summary.quantization.is_worth_a_look() && summary.bytes <= Executed::MODEL_BYTES_MAX;
        if !options.accelerate || !suits || options.optimized_to.is_some() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("quantscope-").tempdir().ok()?;
        Some(Self { path, opset: summary.opset, options: options.clone(), folder })
    }

    /// How the plain session is to be built: it leaves the graph that is folded.
    pub fn plain_options(&self) -> SessionOptions {
        SessionOptions { optimized_to: Some(self.folder.path().join("optimized.onnx")), ..self.options.clone() }
    }

    /// Puts an accelerated session in the place of `session`, which was built with [`Self::plain_options`], if that gives
    /// the same and is faster.
    pub fn accelerate(&self, session: &mut Session, input: &InputRecognition, card: &ModelCard) -> Acceleration {
        match self.try_to(session, input, card) {
            Ok(acceleration) => acceleration,
            Err(declined) => {
                let reason = declined.to_string();
                tracing::info!("{} is not accelerated: {reason}", self.path.display());
                Acceleration::Declined { reason }
            }
        }
    }

    fn try_to(
        &self,
        session: &mut Session,
        input: &InputRecognition,
        card: &ModelCard,
    ) -> Result<Acceleration, Declined> {
        let optimized = onnx::read(&self.folder.path().join("optimized.onnx"))?;
        let Some(folded) = fold(optimized)? else { return Ok(Acceleration::NothingToDo) };
        let source = ModelSource::Folded(&folded.graph, self.path);
        let mut accelerated = Session::load(source, self.opset, input, &self.options)?;
        let check = Check::new(input, card);
        if check.fingerprint(session)? != check.fingerprint(&mut accelerated)? {
            return Err(Declined::Differs);
        }
        let gain = check.gain(session, &mut accelerated)?;
        if gain < SLOWEST_GAIN {
            return Err(Declined::Slower { gain });
        }
        *session = accelerated;
        let Folded { look_ups, nodes, .. } = folded;
        Ok(Acceleration::Done { look_ups, nodes, kernel: Kernel::best().name(), gain })
    }
}

/// A session that seems slower than this is not used; a little is left for what disturbs the clock.
const SLOWEST_GAIN: f32 = 0.95;

/// A graph with look-ups in it.
struct Folded {
    graph: Vec<u8>,
    look_ups: usize,
    /// Nodes that are gone.
    nodes: usize,
}

/// Folds what is a function of a byte; None where nothing is.
fn fold(mut model: ModelProto) -> Result<Option<Folded>, Declined> {
    let chains = model.graph.as_ref().map(chains::chains).unwrap_or_default();
    if chains.is_empty() {
        return Ok(None);
    }
    let (table_model, inputs) = rewrite::table_model(&model, &chains);
    let outputs: Vec<_> = chains.iter().map(|chain| (chain.output.as_str(), chain.output_type)).collect();
    let tables = tables::compute(&table_model.encode_to_vec(), &inputs, &outputs)?;
    let count = |model: &ModelProto| model.graph.as_ref().map_or(0, |graph| graph.node.len());
    let before = count(&model);
    rewrite::fold(&mut model, &chains, &tables);
    let nodes = (before + chains.len()).saturating_sub(count(&model));
    Ok(Some(Folded { graph: model.encode_to_vec(), look_ups: chains.len(), nodes }))
}
