//! Whether the machine was quiet enough to tell models apart.

use super::conclusions::names;
use super::{BenchmarkedModel, Disturbance};
use crate::runtime::own_processor_time;
use std::path::Path;
use std::time::Duration;

/// Above these a measurement was disturbed: processor time of others, processor time that the hypervisor kept (both as
/// shares of all processors), and how far the middle half of the rounds is apart.
const OTHERS_MOST: f64 = 0.10;
const STOLEN_MOST: f64 = 0.02;
const SPREAD_MOST: f64 = 0.15;
/// An interval around 1 that is wider says nothing; a narrower one says that two models are equally fast.
pub(super) const UNSURE: f64 = 0.10;

/// What the system counted since its start, in ticks of all processors together (`man 5 proc_stat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    busy: u64,
    stolen: u64,
    all: u64,
    processors: u64,
    own: Duration,
}

impl Load {
    /// Now; None where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::read(Path::new("/proc/stat"), own_processor_time()?)
    }

    fn read(path: &Path, own: Duration) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let total = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = total.split_whitespace().map_while(|number| number.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user already.
        let [user, nice, system, idle, waiting, irq, softirq, stolen] = *ticks.get(..8)? else { return None };
        let busy = user + nice + system + irq + softirq;
        let is_one =
            |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let processors = text.lines().filter(is_one).count().max(1) as u64;
        Some(Self { busy, stolen, all: busy + idle + waiting + stolen, processors, own })
    }

    /// What went on beside this process since `before`; None when that is too short to tell.
    pub fn since(&self, before: &Self, elapsed: Duration) -> Option<Disturbance> {
        let all = self.all.checked_sub(before.all).filter(|ticks| *ticks >= 20)? as f64;
        let capacity = elapsed.as_secs_f64() * self.processors as f64;
        let own = self.own.saturating_sub(before.own).as_secs_f64() / capacity.max(1e-9);
        let busy = self.busy.saturating_sub(before.busy) as f64 / all;
        let stolen = self.stolen.saturating_sub(before.stolen) as f64 / all;
        Some(Disturbance { others: (busy - own).clamp(0.0, 1.0), stolen })
    }
}

/// The sentence that warns of small differences; None when the machine was quiet.
pub fn noise(disturbance: Option<&Disturbance>, models: &[BenchmarkedModel]) -> Option<String> {
    let names = names(models);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut causes = Vec::new();
    if let Some(others) = disturbance.map(|d| d.others).filter(|share| *share > OTHERS_MOST) {
        causes.push(format!("other programs used {} of the processor", percent(others)));
    }
    if let Some(stolen) = disturbance.map(|d| d.stolen).filter(|share| *share > STOLEN_MOST) {
        causes.push(format!("the hypervisor kept back {} of it", percent(stolen)));
    }
    let widest = models.iter().zip(&names).max_by(|(a, _), (b, _)| a.spread.total_cmp(&b.spread));
    if let Some((model, name)) = widest.filter(|(model, _)| model.spread > SPREAD_MOST) {
        causes.push(format!("the rounds of {name} are {} apart", percent(model.spread)));
    }
    let width = |model: &BenchmarkedModel| model.latency_ratio_interval[1] - model.latency_ratio_interval[0];
    let unsure = models.iter().zip(&names).skip(1).find(|(model, _)| {
        let [low, high] = model.latency_ratio_interval;
        low <= 1.0 && high >= 1.0 && high - low > UNSURE
    });
    let untold = unsure.map(|(model, name)| {
        let [low, high] = model.latency_ratio_interval;
        format!("whether {name} is faster than {} cannot be told (ratio {low:.2} to {high:.2})", names[0])
    });
    let remedy = "Close other programs, or measure more frames with --frames";
    if causes.is_empty() {
        return untold.map(|untold| format!("{}. {remedy}.", capital(&untold)));
    }
    let half = models.iter().skip(1).map(|model| width(model) / 2.0).fold(0.0, f64::max);
    let effect = untold.unwrap_or_else(|| match models.len() {
        0 | 1 => "latencies may be too long".to_owned(),
        _ => format!("ratios are good to ±{half:.2} at best"),
    });
    Some(format!("The machine was noisy: {}; {effect}. {remedy}.", causes.join(", ")))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, interval: [f64; 2], spread: f64) -> BenchmarkedModel {
        let zero = Default::default();
        BenchmarkedModel {
            path: name.into(),
            precision: "fp32".into(),
            numbers: "FP32".into(),
            bytes: 1,
            sha256: String::new(),
            provider: "cpu".into(),
            threads: 1,
            acceleration: Default::default(),
            frames: 1,
            fps: 1.0,
            session_only_fps: 1.0,
            pipeline_efficiency: 1.0,
            stages_ms: Default::default(),
            session_only_ms: zero,
            latency_ratio: (interval[0] + interval[1]) / 2.0,
            latency_ratio_interval: interval,
            spread,
            cpu_ms_per_frame: None,
            millijoule_per_frame: None,
            peak_rss_bytes: None,
        }
    }

    #[test]
    fn a_quiet_machine_is_not_warned_of() {
        let quiet = Disturbance { others: 0.03, stolen: 0.0 };
        let first = model("a.onnx", [1.0; 2], 0.02);
        assert_eq!(noise(Some(&quiet), &[first.clone(), model("b.onnx", [0.49, 0.51], 0.03)]), None);
        assert_eq!(noise(None, &[first, model("b.onnx", [0.98, 1.02], 0.03)]), None, "equally fast, surely");
    }

    #[test]
    fn every_cause_and_the_effect_are_said() {
        let busy = Disturbance { others: 0.43, stolen: 0.05 };
        let models = [model("a.onnx", [1.0; 2], 0.02), model("b.onnx", [0.46, 0.54], 0.22)];
        let said = noise(Some(&busy), &models).unwrap();
        for part in ["43 % of the processor", "kept back 5 %", "rounds of b.onnx are 22 % apart", "±0.04"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(noise(Some(&busy), &models[..1]).unwrap().contains("latencies may be too long"));
        let unsure = [model("a.onnx", [1.0; 2], 0.02), model("b.onnx", [0.90, 1.08], 0.02)];
        let said = noise(None, &unsure).unwrap();
        assert!(said.starts_with("Whether b.onnx is faster than a.onnx cannot be told (ratio 0.90 to 1.08)"), "{said}");
        let mut sweep = [model("a.onnx", [1.0; 2], 0.02), model("a.onnx", [0.90, 1.08], 0.02)];
        sweep[1].threads = 2;
        let said = noise(None, &sweep).unwrap();
        assert!(said.starts_with("Whether a.onnx with 2 threads is faster than a.onnx with 1 thread cannot"), "{said}");
    }

    #[test]
    fn the_load_of_others_is_what_is_left_of_the_busy_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stat");
        let at = |text: &str, own| {
            std::fs::write(&path, text).unwrap();
            Load::read(&path, Duration::from_secs(own)).unwrap()
        };
        // Two processors for ten seconds: 2000 ticks. 1500 busy, of which 10 s are ours (half of the machine); 100 stolen.
        let before = at("cpu  100 0 50 1000 10 0 0 0 0 0\ncpu0 1 1\ncpu1 1 1\nctxt 5\n", 3);
        let after = at("cpu  1300 100 200 1350 60 20 30 100 0 0\ncpu0 1 1\ncpu1 1 1\n", 13);
        let told = after.since(&before, Duration::from_secs(10)).unwrap();
        assert!((told.others - 0.25).abs() < 1e-9 && (told.stolen - 0.05).abs() < 1e-9, "{told:?}");
        assert_eq!(after.since(&after, Duration::from_secs(1)), None);
        std::fs::write(&path, "cpu  1 2 3\n").unwrap();
        assert_eq!(Load::read(&path, Duration::ZERO), None);
    }
}
