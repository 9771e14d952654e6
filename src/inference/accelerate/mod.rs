//! Makes a quantized model faster without changing a bit of what it says.
//!
//! Between two convolutions in integers stands an activation function, which ONNX Runtime computes in several passes over
//! the tensor, partly in floats. But whatever is computed, element by element, from one byte to one byte is a table of 256.
//! So: ONNX Runtime optimizes the file at its highest level and writes the graph; `chains` finds such functions in it by
//! structure; ONNX Runtime itself computes their tables, by the very nodes they replace; `rewrite` puts a look-up in
//! their place, and the session is built on that graph. The file stays as it is.
//!
//! The accelerated session takes the plain one's place only where both give the same outputs, bit for bit, for pictures of
//! `check`, and where it is not slower. Everything else is told, see [`Acceleration`], and the plain session stays. What
//! was made of a model is kept by `cache`.

mod cache;
mod chains;
mod check;
mod concats;
mod moves;
mod repeats;
mod rewrite;

pub use cache::CACHE_VARIABLE;
pub use chains::Byte;
pub use moves::{MOVE_ATTRIBUTES, move_name};
pub use repeats::{FACTORS, repeat_name};
pub use rewrite::{DOMAIN, TableInput, look_up_name};

use super::bytes::Kernel;
use super::session::{ModelSource, Session, SessionError, SessionOptions, tables};
use super::{InputRecognition, ModelCard};
use crate::onnx::proto::{ModelProto, NodeProto};
use crate::onnx::{self, Executed, OnnxError, Summary};
use cache::{Cache, Entry, Facts};
use check::{Check, Shown};
use moves::{Moves, Places};
use prost::Message;
use serde::Serialize;
use std::path::{Path, PathBuf};

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
        /// Conversions between bytes and floats (`QuantizeLinear`, `DequantizeLinear`) that are left.
        conversions: usize,
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

    /// In a word or two, such as `57, 1.50×`.
    pub fn in_short(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::NothingToDo => "none".to_owned(),
            Self::Done { look_ups, gain, .. } => format!("{look_ups}, {gain:.2}×"),
            Self::Declined { .. } => "declined".to_owned(),
        }
    }

    /// In words, such as `57 look-ups folded (avx2), 7 conversions left; outputs equal, 1.50 times as fast`; None where
    /// there is nothing to say.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Off => Some("off".to_owned()),
            Self::NothingToDo => None,
            Self::Done { look_ups, conversions, gain, kernel, .. } => {
                let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
                let (folded, left) = (many(*look_ups, "look-up"), many(*conversions, "conversion"));
                Some(format!("{folded} folded ({kernel}), {left} left; outputs equal, {gain:.2} times as fast"))
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

/// Builds the session of a model: an accelerated one where it was made before, else a plain one. What is left to do
/// when the model has run once and is recognised is [`Begun`].
///
/// # Errors
///
/// When the plain session does not load.
pub(super) fn begin<'a>(
    source: ModelSource<'a>,
    summary: &Summary,
    input: &InputRecognition,
    options: &SessionOptions,
) -> Result<(Session, Begun<'a>), SessionError> {
    let plain = |options: &SessionOptions| Session::load(source, summary.opset, input, options);
    let settled = |acceleration| Ok((plain(options)?, Begun::Settled(acceleration)));
    if !options.accelerate || options.optimized_to.is_some() {
        return settled(Acceleration::Off);
    }
    let suits = summary.quantization.is_worth_a_look() && summary.bytes <= Executed::MODEL_BYTES_MAX;
    let Some(folder) = suits.then(|| tempfile::Builder::new().prefix("quantscope-").tempdir().ok()).flatten() else {
        return settled(Acceleration::NothingToDo);
    };
    let path = source.path();
    let how = format!("{} threads, input {:?}", options.threads, input.relaxed_from);
    let kept = Cache::of_environment().and_then(|cache| {
        let place = cache.place(path, summary.bytes, &how)?;
        Some((cache, place))
    });
    let accelerator = Accelerator { path, opset: summary.opset, options: options.clone(), folder, kept };
    match accelerator.remembered(input) {
        Some((Some(session), acceleration)) => Ok((session, Begun::Settled(acceleration))),
        Some((None, acceleration)) => settled(acceleration),
        None => {
            let options = SessionOptions { optimized_to: Some(accelerator.optimized()), ..options.clone() };
            Ok((plain(&options)?, Begun::Open(accelerator)))
        }
    }
}

/// What is left to do for a faster session.
pub(super) enum Begun<'a> {
    /// Nothing.
    Settled(Acceleration),
    /// The plain session was built in a way that it can be accelerated.
    Open(Accelerator<'a>),
}

impl Begun<'_> {
    /// Puts an accelerated session in the place of `session` if it gives the same and is not slower.
    pub fn finish(self, session: &mut Session, input: &InputRecognition, card: &ModelCard) -> Acceleration {
        let accelerator = match self {
            Self::Settled(acceleration) => return acceleration,
            Self::Open(accelerator) => accelerator,
        };
        accelerator.try_to(session, Shown::new(input, card), input).unwrap_or_else(|declined| {
            let reason = declined.to_string();
            tracing::info!("{} is not accelerated: {reason}", accelerator.path.display());
            Acceleration::Declined { reason }
        })
    }
}

/// The wish to accelerate a model.
pub(super) struct Accelerator<'a> {
    /// The file, for messages.
    path: &'a Path,
    opset: i64,
    options: SessionOptions,
    /// Where ONNX Runtime is to write the graph.
    folder: tempfile::TempDir,
    /// Where the outcome is kept.
    kept: Option<(Cache, PathBuf)>,
}

impl Accelerator<'_> {
    /// Where the plain session leaves its graph.
    fn optimized(&self) -> PathBuf {
        self.folder.path().join("optimized.onnx")
    }

    /// What was made of the model before: the session if it still gives what the plain one gave, or that there is nothing
    /// to fold.
    fn remembered(&self, input: &InputRecognition) -> Option<(Option<Session>, Acceleration)> {
        let (cache, place) = self.kept.as_ref()?;
        let Entry { facts, graph } = cache.find(place)?;
        if facts.look_ups == 0 {
            return Some((None, Acceleration::NothingToDo));
        }
        let build = || {
            let mut session = Session::load(ModelSource::Folded(&graph, self.path), self.opset, input, &self.options)?;
            let fingerprint = Check::new(&facts.shown).fingerprint(&mut session)?;
            if fingerprint == facts.fingerprint { Ok(session) } else { Err(Declined::Differs) }
        };
        match build() {
            Ok(session) => Some((Some(session), facts.acceleration())),
            Err(declined) => {
                tracing::warn!("{}: its acceleration is made again: {declined}", self.path.display());
                cache.forget(place);
                None
            }
        }
    }

    fn try_to(&self, session: &mut Session, shown: Shown, input: &InputRecognition) -> Result<Acceleration, Declined> {
        let optimized = onnx::read(&self.optimized())?;
        let Some(folded) = fold(optimized)? else {
            let (look_ups, nodes, conversions, fingerprint) = Default::default();
            let facts = Facts { look_ups, nodes, conversions, gain: 1.0, shown, fingerprint };
            self.keep(&Entry { facts, graph: Vec::new() });
            return Ok(Acceleration::NothingToDo);
        };
        let source = ModelSource::Folded(&folded.graph, self.path);
        let mut accelerated = Session::load(source, self.opset, input, &self.options)?;
        let check = Check::new(&shown);
        let fingerprint = check.fingerprint(session)?;
        if check.fingerprint(&mut accelerated)? != fingerprint {
            return Err(Declined::Differs);
        }
        let times = check.times(session, &mut accelerated)?;
        let gain = times.gain();
        if times.is_slower() {
            return Err(Declined::Slower { gain });
        }
        *session = accelerated;
        let Folded { graph, look_ups, nodes, conversions } = folded;
        let facts = Facts { look_ups, nodes, conversions, gain, shown, fingerprint };
        let acceleration = facts.acceleration();
        self.keep(&Entry { facts, graph });
        Ok(acceleration)
    }

    fn keep(&self, entry: &Entry) {
        if let Some((cache, place)) = &self.kept {
            cache.store(place, entry);
        }
    }
}

impl Facts {
    fn acceleration(&self) -> Acceleration {
        let Self { look_ups, nodes, conversions, gain, .. } = *self;
        Acceleration::Done { look_ups, nodes, conversions, kernel: Kernel::best().name(), gain }
    }
}

/// A graph with look-ups in it.
struct Folded {
    graph: Vec<u8>,
    look_ups: usize,
    /// Nodes that are gone.
    nodes: usize,
    /// Conversions that are left.
    conversions: usize,
}

/// Moves the picture in one step, where that can be; what fails here is only slower.
fn move_at_once(model: &mut ModelProto) {
    let Some(moves) = model.graph.as_ref().and_then(Moves::find) else { return };
    let moving = moves.model(model).encode_to_vec();
    match tables::numbered(&moving, (&moves.picture, &moves.shape), &moves.moved) {
        Ok((shape, numbers)) => {
            if let (Some(places), Some(graph)) = (Places::of(&shape, &numbers), &mut model.graph) {
                moves.replace(graph, &places);
            }
        }
        Err(error) => tracing::debug!("the picture stays to be moved step by step: {error}"),
    }
}

/// Folds what is a function of a byte; None where nothing is.
fn fold(mut model: ModelProto) -> Result<Option<Folded>, Declined> {
    model.graph.iter_mut().for_each(|graph| {
        repeats::replace(graph);
        concats::take_apart(graph);
    });
    move_at_once(&mut model);
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
    let converts = |node: &&NodeProto| matches!(node.op_type.as_str(), "QuantizeLinear" | "DequantizeLinear");
    let conversions = model.graph.iter().flat_map(|graph| &graph.node).filter(converts).count();
    Ok(Some(Folded { graph: model.encode_to_vec(), look_ups: chains.len(), nodes, conversions }))
}

#[cfg(test)]
mod tests;
