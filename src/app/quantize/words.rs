//! What came of it, in sentences.

use super::state::{Results, Saved};
use crate::app::format;
use crate::quantize::{Mode, Outcome, Point, Times};

/// The tiles above the tabs: what is measured, its value, and what that means.
pub fn tiles(results: &Results) -> Vec<(&'static str, String, String)> {
    let (point, outcome) = (results.point(), &results.outcome);
    let agreement = point.measured.agreement;
    let seen = format!(
        "on {} pictures ({} boxes) that the ranges were not chosen by",
        agreement.pictures,
        format::count(agreement.boxes as u64)
    );
    let times = &point.measured.times;
    let [own, float] = times.judged.ms;
    let other = times.other.map(|other| format!(". {:.2} {}", other.ratio, times.judged_by.other().place()));
    let mut tiles = vec![
        (
            "of the FP32 time",
            format!("{:.2}", times.judged.ratio),
            format!(
                "{} a run {} where FP32 takes {}, taking turns on one picture; below 1 it is faster{}",
                format::milliseconds(own as f32),
                times.judged_by.place(),
                format::milliseconds(float as f32),
                other.unwrap_or_default()
            ),
        ),
        (
            "agreement (F1)",
            format!("{:.3}", agreement.f1),
            format!("Boxes above the confidence threshold that both models find, {seen}; 1 is the same"),
        ),
        (
            "closeness",
            format!("{:.3}", agreement.closeness),
            format!("How near boxes and scores come to those of FP32, {seen}; 1 is the same"),
        ),
        (
            "size",
            format::bytes(point.bytes.len() as u64),
            format!("The file; the FP32 model has {}", format::bytes(outcome.float_bytes)),
        ),
    ];
    if let Some([own, float]) = point.measured.ap {
        let tip = format!("Average precision on the labels of the same pictures; the FP32 model has {float:.3}");
        tiles.insert(3, ("AP", format!("{own:.3}"), tip));
    }
    tiles
}

/// What the model that is shown is: "25 of 37 layers in integers: float before stride 8".
pub fn what(outcome: &Outcome, point: &Point) -> String {
    if point.choice.form != Mode::Static {
        return format!("The whole model: {}", point.choice.form.in_words());
    }
    format!("{} of {} layers in integers: {}", point.integers, outcome.layers.len(), choice(point))
}

/// What a model leaves in floats, short.
pub fn choice(point: &Point) -> String {
    point.choice.in_words()
}

/// Its time, and where that was taken.
pub fn ways(results: &Results) -> String {
    let times = &results.point().measured.times;
    match &times.not_accelerated {
        Some(reason) => format!("{}; quantscope does not accelerate it: {reason}.", times.in_words()),
        None => format!("{}.", times.in_words()),
    }
}

/// Why it is this one, or what a person should know before using it.
pub fn why(results: &Results) -> String {
    let point = results.point();
    if let Some(reason) = results.failed(point) {
        return format!("It does not pass: {reason}.");
    }
    if point.measured.ratio() >= 1.0 {
        return no_gain(&point.measured.times);
    }
    if results.shown != results.outcome.best {
        return "Chosen by hand; it passes what was asked for.".to_owned();
    }
    match results.outcome.points.len() {
        1 => "It passes what was asked for.".to_owned(),
        tried => format!(
            "Of {tried} models tried it is the fastest of those that pass and agree with FP32 as well as is looked for, \
             or else as well as the best of them."
        ),
    }
}

/// That FP32 is the faster one, and where the other way of running both tells otherwise.
fn no_gain(times: &Times) -> String {
    let place = times.judged_by.place();
    let begin = format!("On this machine integers do not pay for this model: FP32 is faster {place}.");
    match times.other.filter(|other| other.ratio < 1.0) {
        Some(other) => {
            let there = times.judged_by.other().place();
            format!("{begin} It takes {:.2} of the FP32 time {there}: use it there, or keep FP32.", other.ratio)
        }
        None => format!("{begin} Keep FP32, unless the smaller file is what you want."),
    }
}

/// What became of the file, and whether that is bad news.
pub fn saved(results: &Results) -> (String, bool) {
    let path = results.run.output.display();
    match &results.saved {
        Saved::No => {
            let asked = results.failed(results.outcome.best()).unwrap_or_default();
            let text = format!(
                "Nothing is saved, for the best model does not pass: {asked}. Ask for less, give more pictures, or take a \
                 model below as it is."
            );
            (text, true)
        }
        Saved::Writing => (format!("Writing {path}…"), false),
        Saved::Yes => match results.failed(results.point()) {
            Some(reason) => (format!("Saved as {path}, although it does not pass: {reason}."), true),
            None => (format!("Saved as {path}"), false),
        },
        Saved::Failed(reason) => (format!("Not saved. {reason}"), true),
    }
}

/// What a point of the chart is, for its tip and for who cannot see it.
pub fn of_point(results: &Results, index: usize) -> String {
    let Some(point) = results.outcome.points.get(index) else { return String::new() };
    let measured = &point.measured;
    let mut text = format!(
        "{}\n{} of {} layers in integers · {}\n{}\nagreement {:.3} · closeness {:.3}",
        choice(point),
        point.integers,
        results.outcome.layers.len(),
        format::bytes(point.bytes.len() as u64),
        measured.times.in_words(),
        measured.agreement.f1,
        measured.agreement.closeness
    );
    if let Some([own, float]) = measured.ap {
        text.push_str(&format!("\nAP {own:.3}, FP32 {float:.3}"));
    }
    if let Some(reason) = results.failed(point) {
        text.push_str(&format!("\nDoes not pass: {reason}"));
    } else if !results.outcome.front.contains(&index) {
        text.push_str("\nAnother one is faster and agrees as well");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::quantize::test_support::{outcome, run};
    use crate::quantize::Speed;

    #[test]
    fn results_are_told_in_words() {
        let mut results = Results::new(run(), outcome());
        assert_eq!(what(&results.outcome, results.point()), "2 of 3 layers in integers: 1 more layers float");
        assert!(why(&results).contains("Of 3 models tried"), "{}", why(&results));
        let values = |results: &Results| tiles(results).into_iter().map(|(_, value, _)| value).collect::<Vec<_>>();
        assert_eq!(values(&results), ["0.70", "0.950", "0.930", "1.0 kB"]);
        results.outcome.points[1].measured.ap = Some([0.345, 0.347]);
        assert_eq!(values(&results), ["0.70", "0.950", "0.930", "0.345", "1.0 kB"]);
        assert_eq!(ways(&results), "0.70 of the FP32 time in quantscope.");
        let times = &mut results.outcome.points[1].measured.times;
        times.other = Some(Speed { ratio: 0.95, ms: [9.5, 10.0] });
        times.not_accelerated = Some("it would be no faster here (0.90 times as fast)".to_owned());
        let told = ways(&results);
        assert!(told.starts_with("0.70 of the FP32 time in quantscope, 0.95 in plain ONNX Runtime;"), "{told}");
        assert!(told.contains("does not accelerate it: it would be no faster"), "{told}");
        assert!(of_point(&results, 1).contains("0.95 in plain ONNX Runtime"));
        assert!(of_point(&results, 2).contains("Another one is faster"));
        assert!(of_point(&results, 0).contains("Does not pass: its agreement"));
        results.show(0);
        assert!(why(&results).starts_with("It does not pass"));
        results.saved = Saved::Yes;
        assert!(saved(&results).0.contains("although it does not pass") && saved(&results).1);
        results.show(2);
        assert!(why(&results).starts_with("Chosen by hand"));
        results.saved = Saved::Failed("There is no room.".to_owned());
        assert_eq!(saved(&results), ("Not saved. There is no room.".to_owned(), true));
    }

    #[test]
    fn integers_that_do_not_pay_are_not_praised() {
        let mut results = Results::new(run(), outcome());
        results.outcome.points[1].measured.times.judged.ratio = 1.3;
        assert!(why(&results).contains("FP32 is faster in quantscope") && why(&results).contains("Keep FP32"));
        results.outcome.points[1].measured.times.other = Some(Speed { ratio: 0.8, ms: [8.0, 10.0] });
        assert!(why(&results).contains("0.80 of the FP32 time in plain ONNX Runtime"), "{}", why(&results));
        let mut failed = outcome();
        failed.failed = Some("x".to_owned());
        failed.points[1].measured.agreement.f1 = 0.3;
        let results = Results::new(run(), failed);
        assert_eq!(results.saved, Saved::No);
        assert!(saved(&results).0.contains("agreement with the FP32 model is 0.300"));
    }
}
