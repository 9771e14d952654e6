//! What the figures come to, in words.

use crate::inference::ModelInfo;
use crate::pipeline::Statistics;

/// Frames that a lane must have run on before its latency is judged, and that both must have run on before their
/// agreement is.
pub const FRAMES_NEEDED: usize = 60;
/// Ratios nearer to one than this are called equal: timing noise is of that order.
const EQUAL_WITHIN: f32 = 0.02;

/// The judgement of model B against model A.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are no two models to judge.
    NeedsModels,
    /// Too few frames yet: how many of [`FRAMES_NEEDED`].
    Measuring {
        /// Frames so far.
        frames: usize,
    },
    /// A sentence.
    Said {
        /// Such as "INT8 is 1.8× faster, 3.4× smaller, agrees on 97 % of boxes".
        sentence: String,
        /// What is still missing and how to get it.
        missing: Option<&'static str>,
    },
}

impl Verdict {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::NeedsModels => "Open two models to compare them.".to_owned(),
            Self::Measuring { frames } => format!("Measuring… {frames} of {FRAMES_NEEDED} frames"),
            Self::Said { sentence, .. } => sentence.clone(),
        }
    }
}

/// Judges B against A.
///
/// Speed is the ratio of the medians of the total latency (preprocessing, inference, postprocessing); size that of
/// the files; agreement the F1 of boxes of the same label at IoU 0.5.
pub fn verdict(statistics: &Statistics, models: [Option<&ModelInfo>; 2]) -> Verdict {
    let [Some(a), Some(b)] = models else { return Verdict::NeedsModels };
    let [lane_a, lane_b] = &statistics.lanes;
    let timed = lane_a.frames.min(lane_b.frames);
    if timed < FRAMES_NEEDED {
        // A lane that has never run is not being measured: what is missing is a look at it.
        let frames = if timed == 0 { lane_a.frames.max(lane_b.frames).min(FRAMES_NEEDED - 1) } else { timed };
        if timed == 0 && lane_a.frames.max(lane_b.frames) >= FRAMES_NEEDED {
            let sentence = format!("{} is {}", name(a, b), size_words(a.bytes, b.bytes));
            return Verdict::Said { sentence, missing: Some("Turn on Compare to measure speed and agreement.") };
        }
        return Verdict::Measuring { frames };
    }
    let speed = ratio_words(lane_a.total.p50_ms, lane_b.total.p50_ms, ["faster", "slower", "as fast"]);
    let size = size_words(a.bytes, b.bytes);
    let (agreement, missing) = match &statistics.agreement {
        // A window that is shorter than that was asked for.
        Some(agreement) if agreement.frames < FRAMES_NEEDED.min(agreement.window) => {
            (None, Some("Agreement is still being measured."))
        }
        Some(agreement) if agreement.reference_boxes == 0 => (None, Some("No boxes yet to agree on.")),
        Some(agreement) => (Some(agreement_words(agreement.f1)), None),
        None => (None, Some("Turn on Compare to measure agreement.")),
    };
    let facts: Vec<String> = speed.into_iter().chain([size]).chain(agreement).collect();
    Verdict::Said { sentence: format!("{} is {}", name(a, b), facts.join(", ")), missing }
}

/// A hundred in a hundred is only said where it is all of them.
fn agreement_words(f1: f32) -> String {
    let percent = f1 * 100.0;
    let shown = if percent >= 99.0 && f1 < 1.0 { (percent * 10.0).floor() / 10.0 } else { percent.round() };
    format!("agrees on {shown} % of boxes")
}

/// What B is called: its precision where that tells it from A.
fn name(a: &ModelInfo, b: &ModelInfo) -> String {
    if a.precision == b.precision { "Model B".to_owned() } else { b.precision.to_string() }
}

fn size_words(a: u64, b: u64) -> String {
    ratio_words(a as f32, b as f32, ["smaller", "larger", "the same size"])
        .unwrap_or_else(|| "of unknown size".to_owned())
}

/// "1.8× faster" when `a` is 1.8 times `b`, "1.2× slower" when it is the other way round, "as fast" when they are
/// equal within 2 %. None when a figure is missing.
fn ratio_words(a: f32, b: f32, [more, less, same]: [&str; 3]) -> Option<String> {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) {
        return None;
    }
    let ratio = a / b;
    let (factor, word) = if ratio >= 1.0 { (ratio, more) } else { (1.0 / ratio, less) };
    if factor - 1.0 <= EQUAL_WITHIN {
        return Some(same.to_owned());
    }
    // One decimal would turn 1.04 into "1.0× faster".
    Some(if factor < 1.1 { format!("{factor:.2}× {word}") } else { format!("{factor:.1}× {word}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::model_info;
    use crate::inference::Precision;
    use crate::pipeline::{AgreementStatistics, LaneStatistics, LatencySummary};

    fn lane(frames: usize, p50_ms: f32) -> LaneStatistics {
        LaneStatistics {
            frames,
            total: LatencySummary { p50_ms, p95_ms: p50_ms * 1.2, count: frames },
            ..Default::default()
        }
    }

    fn agreement(frames: usize, f1: f32, reference_boxes: usize) -> Option<AgreementStatistics> {
        Some(AgreementStatistics {
            precision: f1,
            recall: f1,
            f1,
            f1_interval: None,
            mean_iou: 0.9,
            mean_score_delta: 0.02,
            frames,
            window: 300,
            reference_boxes,
            candidate_boxes: reference_boxes,
        })
    }

    fn judge(
        lanes: [LaneStatistics; 2],
        agreement: Option<AgreementStatistics>,
        bytes: [u64; 2],
        precisions: [Precision; 2],
    ) -> Verdict {
        let a = model_info("a.onnx", precisions[0], bytes[0]);
        let b = model_info("b.onnx", precisions[1], bytes[1]);
        verdict(&Statistics { lanes, agreement, ..Default::default() }, [Some(&a), Some(&b)])
    }

    #[test]
    fn the_sentence_says_what_the_figures_say() {
        const PAIR: [Precision; 2] = [Precision::Fp32, Precision::Int8];
        const SAME: [Precision; 2] = [Precision::Fp32, Precision::Fp32];
        let table = [
            ([18.0, 10.0], [3_400, 1_000], 0.97, PAIR, "INT8 is 1.8× faster, 3.4× smaller, agrees on 97 % of boxes"),
            ([10.0, 12.0], [3_400, 1_000], 0.5, PAIR, "INT8 is 1.2× slower, 3.4× smaller, agrees on 50 % of boxes"),
            (
                [18.0, 10.0],
                [3_400, 1_000],
                0.9959,
                PAIR,
                "INT8 is 1.8× faster, 3.4× smaller, agrees on 99.5 % of boxes",
            ),
            ([10.0, 10.1], [1_000, 1_000], 1.0, SAME, "Model B is as fast, the same size, agrees on 100 % of boxes"),
            ([10.4, 10.0], [1_000, 2_000], 0.0, SAME, "Model B is 1.04× faster, 2.0× larger, agrees on 0 % of boxes"),
            ([0.0, 10.0], [2_000, 1_000], 0.9, PAIR, "INT8 is 2.0× smaller, agrees on 90 % of boxes"),
        ];
        for ([a, b], bytes, f1, precisions, sentence) in table {
            let said = judge([lane(60, a), lane(300, b)], agreement(60, f1, 9), bytes, precisions);
            assert_eq!(said, Verdict::Said { sentence: sentence.to_owned(), missing: None });
        }
    }

    #[test]
    fn too_little_data_is_called_that() {
        const PAIR: [Precision; 2] = [Precision::Fp32, Precision::Int8];
        let sizes = [2_000, 1_000];
        let judged = judge([lane(300, 2.0), lane(12, 1.0)], None, sizes, PAIR);
        assert_eq!(judged.text(), "Measuring… 12 of 60 frames");
        let judged = judge([lane(7, 2.0), lane(0, 0.0)], None, sizes, PAIR);
        assert_eq!(judged.text(), "Measuring… 7 of 60 frames");
        let judged = judge([lane(0, 0.0), lane(0, 0.0)], None, sizes, PAIR);
        assert_eq!(judged.text(), "Measuring… 0 of 60 frames");
        let judged = judge([lane(300, 2.0), lane(0, 0.0)], None, sizes, PAIR);
        assert_eq!(judged.text(), "INT8 is 2.0× smaller");
        assert!(matches!(judged, Verdict::Said { missing: Some(_), .. }));
        for (agreement, said) in [(None, true), (agreement(10, 0.9, 5), true), (agreement(80, 0.0, 0), true)] {
            let judged = judge([lane(60, 2.0), lane(60, 1.0)], agreement, sizes, PAIR);
            assert_eq!(judged.text(), "INT8 is 2.0× faster, 2.0× smaller");
            assert_eq!(matches!(judged, Verdict::Said { missing: Some(_), .. }), said);
        }
    }

    #[test]
    fn a_short_window_that_is_full_is_enough() {
        const PAIR: [Precision; 2] = [Precision::Fp32, Precision::Int8];
        let short = |frames| agreement(frames, 0.9, 5).map(|a| AgreementStatistics { window: 30, ..a });
        let text = |frames| judge([lane(60, 2.0), lane(60, 1.0)], short(frames), [2, 1], PAIR).text();
        assert!(text(30).ends_with("agrees on 90 % of boxes") && !text(29).contains("agrees"));
    }

    #[test]
    fn one_model_is_not_judged() {
        let a = model_info("a.onnx", Precision::Fp32, 1);
        assert_eq!(verdict(&Statistics::default(), [Some(&a), None]), Verdict::NeedsModels);
    }
}
