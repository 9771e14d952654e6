//! Makes a quantized model faster without changing a bit of what it says.
//!
//! Between two convolutions in integers stands an activation function, which ONNX Runtime computes in several passes over
//! the tensor, partly in floats. But whatever is computed, element by element, from one byte to one byte is a table of 256.
//! So: ONNX Runtime optimizes the file at its highest level and writes the graph; `chains` finds such functions in it by
//! structure; ONNX Runtime itself computes their tables, by the very nodes they replace; `rewrite` puts a look-up in
//! their place, and the session is built on that graph. The file stays as it is.
//!
//! What a graph does to its picture before it computes anything (`moves`) is left to preprocessing, which writes bytes where
//! the graph begins by making some. That is offered to models in floats as well, so that both have the same chances.
//!
//! The accelerated session takes the plain one's place only where both give the same outputs, bit for bit, for pictures of
//! `check`, and where it is not slower. Everything else is told, see [`Acceleration`], and the plain session stays. What
//! was made of a model is kept by `cache`.

mod both;
pub(super) mod cache;
mod chains;
mod check;
mod concats;
mod convs;
mod moves;
mod outcome;
mod repeats;
mod rewrite;

pub use both::Both;
pub use cache::CACHE_VARIABLE;
pub use chains::{Byte, Channels};
pub use convs::{CONVOLUTION, DEPTHWISE, PADS, STRIDES, ZEROS};
pub(super) use moves::moves_floats;
pub use outcome::{Acceleration, PictureForm};
pub use repeats::{FACTORS, repeat_name};
pub use rewrite::{BEHIND, DOMAIN, PASSES, TableInput, TableOutput, look_up_name};

use super::bytes::Kernel;
use super::session::{ModelSource, Session, SessionError, SessionOptions, tables};
use super::{Entrance, InputRecognition, ModelCard};
use crate::onnx::proto::{ModelProto, NodeProto};
use crate::onnx::{self, Executed, OnnxError, Summary};
use cache::{Cache, Entry, Facts};
use check::{Check, Fingerprint, Shown, Times};
use prost::Message;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
/// when the model has run once and is recognised is [`Begun`]. `moves_floats` says what [`moves_floats`] found.
///
/// # Errors
///
/// When the plain session does not load.
pub(super) fn begin<'a>(
    source: ModelSource<'a>,
    summary: &Summary,
    input: &InputRecognition,
    moves_floats: bool,
    options: &SessionOptions,
) -> Result<(Session, Begun<'a>), SessionError> {
    let plain = |options: &SessionOptions| Session::load(source, summary.opset, input, options);
    let settled = |acceleration| Ok((plain(options)?, Begun::Settled(acceleration)));
    if !options.accelerate || options.optimized_to.is_some() {
        return settled(Acceleration::Off);
    }
    let quantized = summary.quantization.is_worth_a_look();
    let suits = (quantized || moves_floats) && summary.bytes <= Executed::MODEL_BYTES_MAX;
    let Some(folder) = suits.then(|| tempfile::Builder::new().prefix("quantscope-").tempdir().ok()).flatten() else {
        return settled(Acceleration::NothingToDo);
    };
    let path = source.path();
    let (threads, kernel) = (options.threads, Kernel::best().name());
    let how = format!("{threads} threads, {kernel}, input {:?} {:?} {}", input.relaxed_from, input.layout, input.size);
    let kept = Cache::of_environment().and_then(|cache| {
        let place = cache.place(path, summary.bytes, &how)?;
        Some((cache, place))
    });
    let accelerator = Accelerator { path, opset: summary.opset, options: options.clone(), quantized, folder, kept };
    match accelerator.remembered(input) {
        Some((Some(session), acceleration)) => Ok((session, Begun::Settled(acceleration))),
        Some((None, acceleration)) => settled(acceleration),
        None => {
            let optimized_to = quantized.then(|| accelerator.optimized());
            let options = SessionOptions { optimized_to, ..options.clone() };
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
        let accelerated = accelerator.accelerated(session, Shown::new(input, card), input);
        let (accelerated, acceleration) = accelerated.unwrap_or_else(|declined| {
            let reason = declined.to_string();
            tracing::info!("{} is not accelerated: {reason}", accelerator.path.display());
            (None, Acceleration::Declined { reason })
        });
        if let Some(accelerated) = accelerated {
            *session = accelerated;
        }
        acceleration
    }
}

/// The wish to accelerate a model.
pub(super) struct Accelerator<'a> {
    /// The file, for messages.
    path: &'a Path,
    opset: i64,
    options: SessionOptions,
    /// Whether there may be functions of a byte in it.
    quantized: bool,
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
        if graph.is_empty() {
            return Some((None, Acceleration::NothingToDo));
        }
        let build = || {
            let mut session = self.build(&graph, facts.entrance.clone(), input)?;
            let fingerprint = Check::new(&facts.shown, facts.entrance.as_ref()).fingerprint(&mut session)?;
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

    /// The accelerated session that may take the place of the plain one, and what there is to say of it; none where there
    /// is nothing to do.
    fn accelerated(
        &self,
        plain: &mut Session,
        shown: Shown,
        input: &InputRecognition,
    ) -> Result<(Option<Session>, Acceleration), Declined> {
        let Some(Made { session: accelerated, facts, graph }) = self.made(plain, shown.clone(), input)? else {
            let (look_ups, convolutions, nodes, conversions, fingerprint) = Default::default();
            let (gain, predicted, entrance) = (1.0, None, None);
            let facts =
                Facts { look_ups, convolutions, nodes, conversions, gain, predicted, shown, fingerprint, entrance };
            self.keep(&Entry { facts, graph: Vec::new() });
            return Ok((None, Acceleration::NothingToDo));
        };
        let acceleration = facts.acceleration();
        self.keep(&Entry { facts, graph });
        Ok((Some(accelerated), acceleration))
    }

    /// The fastest session that gives the same and is not slower; None where there is nothing to do. Convolutions of our own
    /// have to be faster than those of ONNX Runtime, too: there is a session with them and one without.
    fn made(&self, plain: &mut Session, shown: Shown, input: &InputRecognition) -> Result<Option<Made>, Declined> {
        let forms = match self.quantized {
            true => fold(onnx::read(&self.optimized())?, input, Kernel::best().convolves())?,
            false => laid_out(onnx::read(self.path)?, input).into_iter().collect(),
        };
        let Some(first) = forms.first() else { return Ok(None) };
        // All forms take the picture in the same way.
        let check = Check::new(&shown, first.entrance.as_ref());
        let fingerprint = check.fingerprint(plain)?;
        let mut sessions = Vec::new();
        let mut declined = None;
        for form in forms {
            match self.same(&form, &check, &fingerprint, input) {
                Ok((session, spared)) => sessions.push((session, spared, form)),
                Err(reason) => {
                    let convolutions = form.convolutions;
                    tracing::info!("{}: not with {convolutions} convolutions: {reason}", self.path.display());
                    declined = Some(reason);
                }
            }
        }
        if let (true, Some(reason)) = (sessions.is_empty(), declined) {
            return Err(reason);
        }
        let mut all = vec![plain];
        all.extend(sessions.iter_mut().map(|(session, ..)| session));
        let times = check.times(&mut all, self.options.threads)?;
        let [plain, rest @ ..] = times.as_slice() else { return Ok(None) };
        let fastest = rest.iter().zip(sessions).min_by_key(|(time, _)| **time);
        let Some((time, (session, spared, form))) = fastest else { return Ok(None) };
        let times = Times { plain: *plain, accelerated: *time };
        let gain = times.gain();
        if times.is_slower() {
            return Err(Declined::Slower { gain });
        }
        let Folded { graph, look_ups, convolutions, nodes, conversions, entrance } = form;
        let predicted = (look_ups + convolutions > 0).then(|| predicted_gain(times.plain, spared));
        let facts = Facts { look_ups, convolutions, nodes, conversions, gain, predicted, shown, fingerprint, entrance };
        Ok(Some(Made { session, facts, graph }))
    }

    /// The session of a form, if it gives the same as the plain one, and what it spares in a run.
    fn same(
        &self,
        form: &Folded,
        check: &Check,
        fingerprint: &Fingerprint,
        input: &InputRecognition,
    ) -> Result<(Session, [u64; 2]), Declined> {
        let mut session = self.build(&form.graph, form.entrance.clone(), input)?;
        if check.fingerprint(&mut session)? != *fingerprint {
            return Err(Declined::Differs);
        }
        let spared = session.spared().map(|count| count / check.runs());
        Ok((session, spared))
    }

    /// The session of a graph that was made.
    fn build(&self, graph: &[u8], entrance: Option<Entrance>, input: &InputRecognition) -> Result<Session, Declined> {
        let source = match self.quantized {
            true => ModelSource::Folded(graph, self.path),
            false => ModelSource::Memory(graph, self.path),
        };
        if entrance.as_ref().is_some_and(|entrance| !entrance.arrangement.suits(input.size)) {
            return Err(Declined::Differs);
        }
        Ok(Session::load(source, self.opset, input, &self.options)?.entering(entrance))
    }

    fn keep(&self, entry: &Entry) {
        if let Some((cache, place)) = &self.kept {
            cache.store(place, entry);
        }
    }
}

/// An accelerated session, and what is known of it.
struct Made {
    session: Session,
    facts: Facts,
    graph: Vec<u8>,
}

impl Facts {
    fn acceleration(&self) -> Acceleration {
        let Self { look_ups, convolutions, nodes, conversions, gain, predicted, .. } = *self;
        let picture = PictureForm::of(self.entrance.as_ref());
        let kernel = Kernel::best().name();
        Acceleration::Done { look_ups, convolutions, nodes, conversions, kernel, picture, gain, predicted }
    }
}

/// A graph with look-ups in it.
struct Folded {
    graph: Vec<u8>,
    look_ups: usize,
    /// Convolutions that are computed by us.
    convolutions: usize,
    /// Nodes that are gone.
    nodes: usize,
    /// Conversions that are left.
    conversions: usize,
    /// How the picture goes in, where that is not as the file has it.
    entrance: Option<Entrance>,
}

/// Nanoseconds that a node which works element by element takes for a byte, about: `QLinearSigmoid` and `QLinearMul` were
/// measured at 0.3.
const A_PASS_NS: f64 = 0.3;

/// Time of the plain session over what is left of it without the passes over bytes that are spared a run: the bytes that are
/// looked up, and these times the nodes that would have gone over them. One thread.
fn predicted_gain(plain: Duration, [bytes, passes]: [u64; 2]) -> f32 {
    let spared_ns = passes as f64 * A_PASS_NS - bytes as f64 * Kernel::best().nanoseconds();
    let plain_ns = plain.as_secs_f64() * 1e9;
    // However many passes there are, something is left.
    (plain_ns / (plain_ns - spared_ns).max(plain_ns / 10.0)) as f32
}

/// Folds what is a function of a byte and leaves out what preprocessing can do: a graph with convolutions of our own, where
/// that is asked for and there are some, and one without; none where there is nothing to do.
fn fold(mut model: ModelProto, input: &InputRecognition, convolves: bool) -> Result<Vec<Folded>, Declined> {
    let count = |model: &ModelProto| model.graph.as_ref().map_or(0, |graph| graph.node.len());
    model.graph.iter_mut().for_each(|graph| {
        repeats::replace(graph);
        concats::take_apart(graph);
    });
    let before = count(&model);
    let entrance = moves::enter(&mut model, input);
    let chains = model.graph.as_ref().map(chains::chains).unwrap_or_default();
    let (table_model, inputs) = rewrite::table_model(&model, &chains);
    let outputs: Vec<TableOutput<'_>> = chains.iter().map(|chain| TableOutput::of(chain, &inputs)).collect();
    let tables = match chains.as_slice() {
        [] => Vec::new(),
        _ => tables::compute(&table_model.encode_to_vec(), &inputs, &outputs)?,
    };
    rewrite::fold(&mut model, &chains, &tables);
    let (look_ups, nodes) = (chains.len(), (before + chains.len()).saturating_sub(count(&model)));
    let converts = |node: &&NodeProto| matches!(node.op_type.as_str(), "QuantizeLinear" | "DequantizeLinear");
    let conversions = model.graph.iter().flat_map(|graph| &graph.node).filter(converts).count();
    let form = |model: &ModelProto, convolutions| {
        let (graph, entrance) = (model.encode_to_vec(), entrance.clone());
        Folded { graph, look_ups, convolutions, nodes, conversions, entrance }
    };
    let mut forms = Vec::new();
    if look_ups > 0 || entrance.is_some() {
        forms.push(form(&model, 0));
    }
    let convolutions = model.graph.as_mut().filter(|_| convolves).map_or(0, convs::replace);
    if convolutions > 0 {
        forms.insert(0, form(&model, convolutions));
    }
    Ok(forms)
}

/// Leaves out of a model in floats what preprocessing can do; None where that is nothing.
fn laid_out(mut model: ModelProto, input: &InputRecognition) -> Option<Folded> {
    let count = |model: &ModelProto| model.graph.as_ref().map_or(0, |graph| graph.node.len());
    let before = count(&model);
    let entrance = Some(moves::enter(&mut model, input)?);
    let nodes = before - count(&model);
    Some(Folded { graph: model.encode_to_vec(), look_ups: 0, convolutions: 0, nodes, conversions: 0, entrance })
}

#[cfg(test)]
mod channel_tests;
#[cfg(test)]
mod conv_tests;
#[cfg(test)]
mod moves_tests;
#[cfg(test)]
mod tests;
