//! The benchmark itself: load, warm up, let all take turns, and work out the figures.

use super::conclusions::{conclusions, file_name};
use super::energy::Rapl;
use super::noise::{Load, noise};
use super::statistics::{quantiles, ratio, spread, turn_median};
use super::stopwatch::{Lap, Stopwatch};
use super::turns::{ROUNDS_LEAST, Turn, rounds_of, take_turns};
use super::{
    Benchmark, BenchmarkError, BenchmarkedModel, Disturbance, ModelFailure, PROVIDERS, Plan, Progress, Setting, Stage,
    StageQuantiles,
};
use crate::evaluate::Versions;
use crate::imaging::ImageSize;
use crate::inference::Detector;
use crate::runtime::MachineInfo;
use crate::runtime::catalog::sha256_of;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// Is told how far it is and says whether to go on.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Measures what `plan` asks for. Blocks; starts only the threads of a lane, for the pipelined part of a turn.
///
/// `tell` is called before each model is loaded and before each turn. When it breaks off, what complete rounds there are
/// is returned. A model that does not load is left out and named in [`Benchmark::failures`].
///
/// # Errors
///
/// When no model loads, one fails on a frame, or it was cancelled before every model had a turn.
pub fn run(plan: &Plan, tell: Tell<'_>) -> Result<Benchmark, BenchmarkError> {
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let settings = plan.settings();
    check(plan, &settings)?;
    let (rapl, mut notes) = match Rapl::find() {
        Ok(rapl) => (rapl, Vec::new()),
        Err(error) => (None, vec![error.to_string()]),
    };
    let watch = Stopwatch { images: &plan.images, thresholds: plan.thresholds, rapl: rapl.as_ref() };
    let (settings, mut detectors, failures) = load(plan, settings, &watch, tell)?;
    let (laps, disturbance) = measure(plan, &mut detectors, &watch, tell)?;
    let wanted = rounds_of(plan.frames).len();
    let complete = laps.len() == wanted;
    if !complete {
        let few = if laps.len() < ROUNDS_LEAST { ", too few for the intervals to be relied on" } else { "" };
        notes.push(format!("It ended after {} of {wanted} rounds{few}.", laps.len()));
    }
    let memory = measure_memory(plan, &settings, &mut notes, tell);
    let models = assemble(&settings, &detectors, &laps, &memory)?;
    notes.extend(different_inputs(&detectors));
    let size = frame_size(plan);
    Ok(Benchmark {
        begun,
        machine: MachineInfo::read(),
        versions: Versions::of_this_run(),
        source: plan.source.clone(),
        frame_size: format!("{}x{}", size.width, size.height),
        command: plan.command.clone(),
        noise: noise(disturbance.as_ref(), &models),
        disturbance,
        rounds: laps.len(),
        complete,
        conclusions: conclusions(&models, &laps),
        models,
        failures,
        notes,
    })
}

fn check(plan: &Plan, settings: &[Setting]) -> Result<(), BenchmarkError> {
    if let Some(name) = plan.providers.iter().find(|name| !PROVIDERS.contains(&name.as_str())) {
        return Err(BenchmarkError::Provider { name: name.clone() });
    }
    if plan.images.is_empty() {
        return Err(BenchmarkError::NoPicture { source_spec: plan.source.clone() });
    }
    if settings.is_empty() || plan.frames == 0 { Err(BenchmarkError::Nothing) } else { Ok(()) }
}

type Loaded = (Vec<Setting>, Vec<Detector>, Vec<ModelFailure>);

/// The rows whose model loads, and why the others do not.
fn load(plan: &Plan, settings: Vec<Setting>, watch: &Stopwatch<'_>, tell: Tell<'_>) -> Result<Loaded, BenchmarkError> {
    let of = settings.len();
    let (mut rows, mut detectors, mut failures) = (Vec::<Setting>::new(), Vec::new(), Vec::<ModelFailure>::new());
    let mut first_error = None;
    for (done, setting) in settings.into_iter().enumerate() {
        if tell(Progress { stage: Stage::Loading, done, of }).is_break() {
            return Err(BenchmarkError::Cancelled);
        }
        if failures.iter().any(|failure| failure.path == setting.model) {
            continue;
        }
        // What came through its trial once need not do so with another number of threads.
        let tried = rows.iter().any(|other| other.model == setting.model);
        match load_one(plan, &setting, tried, watch) {
            Ok(detector) => {
                rows.push(setting);
                detectors.push(detector);
            }
            Err(error) => {
                let failure = ModelFailure { path: setting.model, message: error.to_string() };
                // The trial's process hears Ctrl-C, too: then this is no failure of the model's.
                if tell(Progress { stage: Stage::Failed(failure.message.clone()), done, of }).is_break() {
                    return Err(BenchmarkError::Cancelled);
                }
                failures.push(failure);
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if rows.is_empty() => Err(error),
        _ => Ok((rows, detectors, failures)),
    }
}

fn load_one(plan: &Plan, setting: &Setting, tried: bool, watch: &Stopwatch<'_>) -> Result<Detector, BenchmarkError> {
    let trial = plan.trial.as_ref().filter(|_| !tried);
    let mut detector = Detector::load(&setting.model, &plan.load_options(setting), trial, &mut |_| {})?;
    let warmed = watch.warm_up(&mut detector);
    warmed.map_err(|source| BenchmarkError::Run { path: setting.model.clone(), source })?;
    Ok(detector)
}

/// Models that see pictures of different sizes do not do the same work.
fn different_inputs(detectors: &[Detector]) -> Option<String> {
    let sizes: Vec<(String, ImageSize)> =
        detectors.iter().map(|detector| (file_name(&detector.info().path), detector.info().card.input_size)).collect();
    let first = sizes.first()?.1;
    if sizes.iter().all(|(_, size)| *size == first) {
        return None;
    }
    let mut named: Vec<String> =
        sizes.into_iter().map(|(name, size)| format!("{name} sees {}x{}", size.width, size.height)).collect();
    named.dedup();
    Some(format!("The inputs differ in size, and so does the work: {}.", named.join(", ")))
}

type Measured = (Vec<Vec<Lap>>, Option<Disturbance>);

fn measure(
    plan: &Plan,
    detectors: &mut [Detector],
    watch: &Stopwatch<'_>,
    tell: Tell<'_>,
) -> Result<Measured, BenchmarkError> {
    let rounds = rounds_of(plan.frames);
    let (count, of) = (detectors.len(), rounds.len() * detectors.len());
    let (load, begin) = (Load::now(), Instant::now());
    let go_on = |done: usize| {
        let late = done >= count && plan.time_limit.is_some_and(|limit| begin.elapsed() > limit);
        !late && tell(Progress { stage: Stage::Measuring, done, of }).is_continue()
    };
    let lap = |detector: &mut Detector, turn: Turn| {
        let info = detector.info();
        tracing::debug!("round {}: {}, threads {}", turn.round + 1, file_name(&info.path), info.threads);
        watch.lap(detector, turn).map_err(|source| BenchmarkError::Run { path: detector.info().path.clone(), source })
    };
    let laps = take_turns(detectors, &rounds, lap, go_on)?;
    if laps.is_empty() {
        return Err(BenchmarkError::Cancelled);
    }
    let elapsed = begin.elapsed();
    let disturbance = Load::now().zip(load).and_then(|(after, before)| after.since(&before, elapsed));
    Ok((laps, disturbance))
}

/// By row; none where it is not known, or the rest was cancelled.
fn measure_memory(plan: &Plan, settings: &[Setting], notes: &mut Vec<String>, tell: Tell<'_>) -> Vec<Option<u64>> {
    let mut memory = vec![None; settings.len()];
    let Some(probe) = &plan.memory else { return memory };
    for (done, setting) in settings.iter().enumerate() {
        let mut cancelled = || tell(Progress { stage: Stage::Memory, done, of: settings.len() }).is_break();
        let measured = (!cancelled())
            .then(|| probe.measure(&setting.model, &setting.provider, &plan.load_options(setting), frame_size(plan)));
        match measured {
            Some(Ok(bytes)) => memory[done] = Some(bytes),
            // Its process hears Ctrl-C, too.
            Some(Err(reason)) if !cancelled() => notes.push(reason),
            _ => {
                notes.push("Memory was not measured to the end: it was cancelled.".to_owned());
                break;
            }
        }
    }
    memory
}

fn frame_size(plan: &Plan) -> ImageSize {
    plan.images.first().map_or(ImageSize::new(0, 0), |image| ImageSize::new(image.width(), image.height()))
}

fn assemble(
    settings: &[Setting],
    detectors: &[Detector],
    laps: &[Vec<Lap>],
    memory: &[Option<u64>],
) -> Result<Vec<BenchmarkedModel>, BenchmarkError> {
    let mut sums: BTreeMap<PathBuf, String> = BTreeMap::new();
    let first = round_medians(laps, 0);
    let mut models = Vec::with_capacity(settings.len());
    for (row, (setting, detector)) in settings.iter().zip(detectors).enumerate() {
        let sha256 = match sums.get(&setting.model) {
            Some(sum) => sum.clone(),
            None => sha256_of(&setting.model)
                .map_err(|source| BenchmarkError::File { path: setting.model.clone(), source })?,
        };
        sums.insert(setting.model.clone(), sha256.clone());
        let own: Vec<&Lap> = laps.iter().map(|round| &round[row]).collect();
        let mut model = figures(&own, setting, detector);
        let medians = round_medians(laps, row);
        let against_first = ratio(&medians, &first);
        (model.latency_ratio, model.latency_ratio_interval) = (against_first.value, against_first.interval);
        (model.spread, model.peak_rss_bytes, model.sha256) = (spread(&medians), memory[row], sha256);
        models.push(model);
    }
    Ok(models)
}

/// Median total latency of each round.
pub(super) fn round_medians(laps: &[Vec<Lap>], row: usize) -> Vec<f64> {
    laps.iter().map(|round| turn_median(&round[row].total)).collect()
}

/// Figures of one row alone.
fn figures(laps: &[&Lap], setting: &Setting, detector: &Detector) -> BenchmarkedModel {
    let info = detector.info();
    let frames: usize = laps.iter().map(|lap| lap.frames).sum();
    let all = |part: fn(&Lap) -> &Vec<f32>| quantiles(laps.iter().flat_map(|lap| part(lap).iter().copied()));
    let pipelined: Duration = laps.iter().map(|lap| lap.pipelined).sum();
    let fps = frames as f64 / pipelined.as_secs_f64().max(1e-9);
    let session_ms: f64 = laps.iter().flat_map(|lap| &lap.session_only).map(|ms| f64::from(*ms)).sum();
    let session_only_fps = frames as f64 * 1e3 / session_ms.max(1e-6);
    // The stages and the lane: twice the frames.
    let worked = (2 * frames) as f64;
    let processor: Option<Duration> = laps.iter().map(|lap| lap.processor).sum();
    let microjoules: Option<u64> = laps.iter().map(|lap| lap.microjoules).sum();
    BenchmarkedModel {
        path: info.path.clone(),
        precision: info.precision.to_string().to_lowercase(),
        numbers: info.numbers(),
        bytes: info.bytes,
        sha256: String::new(),
        provider: setting.provider.clone(),
        threads: info.threads,
        acceleration: info.acceleration.clone(),
        frames,
        fps,
        session_only_fps,
        pipeline_efficiency: fps / session_only_fps,
        stages_ms: StageQuantiles {
            preprocess: all(|lap| &lap.preprocess),
            inference: all(|lap| &lap.inference),
            postprocess: all(|lap| &lap.postprocess),
            total: all(|lap| &lap.total),
        },
        session_only_ms: all(|lap| &lap.session_only),
        latency_ratio: 1.0,
        latency_ratio_interval: [1.0; 2],
        spread: 0.0,
        cpu_ms_per_frame: processor.map(|time| time.as_secs_f64() * 1e3 / worked),
        millijoule_per_frame: microjoules.map(|energy| energy as f64 / 1e3 / worked),
        peak_rss_bytes: None,
    }
}
