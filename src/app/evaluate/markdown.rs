//! The tables of an evaluation as markdown, to be pasted into an issue or a page.

use super::words::{share, signed};
use crate::app::format;
use crate::evaluate::Evaluation;
use crate::inference::Acceleration;

/// The summary: a row a model, and a row a candidate for the agreement.
pub fn summary(evaluation: &Evaluation) -> String {
    let dataset = &evaluation.dataset;
    let mut text = format!(
        "{}: {} pictures, {}{}\n",
        dataset.path.display(),
        dataset.images,
        dataset.objects_in_words(),
        if evaluation.complete { "" } else { " (partial: stopped before the end)" }
    );
    let named = evaluation.models.iter().map(|model| (escaped(&format::file_name(&model.path)), &model.acceleration));
    text.extend(Acceleration::of_all(named).map(|told| format!("Acceleration: {told}\n")));
    text.push_str("\n| model | precision | size | AP | AP50 | AP75 | AP small | AP medium | AP large | AR100 | ms |\n");
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for model in &evaluation.models {
        let coco = &model.coco;
        let shares = [coco.ap, coco.ap50, coco.ap75, coco.ap_small, coco.ap_medium, coco.ap_large, coco.ar100];
        let name = escaped(&format::file_name(&model.path));
        text.push_str(&format!("| {name} | {} | {} |", escaped(&model.numbers), format::bytes(model.bytes)));
        for value in shares {
            text.push_str(&format!(" {} |", share(value)));
        }
        text.push_str(&format!(" {:.1} |\n", model.latency_ms.p50));
    }
    if !evaluation.agreement.is_empty() {
        text.push_str("\n| candidate | AP difference | 95 % interval | F1 | 95 % interval | IoU | score change |\n");
        text.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
    }
    for compared in &evaluation.agreement {
        let Some(model) = evaluation.models.get(compared.candidate) else { continue };
        let figures = &compared.details.all;
        let difference = compared.ap_difference.map_or_else(|| format::NONE.to_owned(), signed);
        let range = compared.ap_difference_interval;
        let range =
            range.map_or_else(|| format::NONE.to_owned(), |[low, high]| format!("{} … {}", signed(low), signed(high)));
        let [low, high] = compared.details.f1_interval;
        text.push_str(&format!(
            "| {} | {difference} | {range} | {:.3} | {low:.3} … {high:.3} | {:.3} | {:.3} |\n",
            escaped(&format::file_name(&model.path)),
            figures.f1,
            figures.mean_iou,
            figures.mean_score_delta,
        ));
    }
    text
}

/// A bar ends a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::test_support::evaluation;

    #[test]
    fn every_row_has_the_cells_of_its_head() {
        let mut evaluation = evaluation();
        evaluation.models[1].path = "/m/a|b.onnx".into();
        let text = summary(&evaluation);
        let tables: Vec<Vec<&str>> = text.split("\n\n").skip(1).map(|table| table.lines().collect()).collect();
        assert_eq!(tables.iter().map(Vec::len).collect::<Vec<_>>(), [5, 4]);
        for table in tables {
            let cells = |line: &str| line.replace("\\|", "").matches('|').count();
            assert!(table.iter().all(|line| cells(line) == cells(table[0])), "{table:#?}");
        }
        assert!(text.contains("| a\\|b.onnx | INT8 (QDQ) | 1.0 MB | 0.830 |"), "{text}");
        assert!(text.starts_with("/data/signs.json: 200 pictures, 90 objects\n"), "{text}");
    }
}
