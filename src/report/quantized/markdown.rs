//! The same as markdown, fit to paste into an issue.

use super::Quantized;
use super::parts::{self, FLOAT_HEADS, LAYER_HEADS, POINT_HEADS, TIME_HEADS, TimeRow};
use crate::report::details;
use crate::report::markdown::{Text, code, escaped};

/// The whole text.
pub fn markdown(report: &Quantized<'_>) -> String {
    let mut text = Text(String::new());
    text.line(&format!("# {}", escaped(&parts::title(report))));
    text.paragraph(&escaped(&parts::subtitle(report)));
    for warning in parts::warnings(report) {
        text.paragraph(&format!("> **{}**", escaped(&warning)));
    }
    text.paragraph(&format!("**{}**", escaped(&parts::headline(report))));
    tried(&mut text, report);
    if let Some(profile) = report.outcome.profiles.last() {
        text.line("## Where the time goes");
        text.list(parts::said(profile).iter().map(|sentence| escaped(sentence)));
        times(&mut text, "Work", &parts::work_rows(profile));
        times(&mut text, "Operator", &parts::operator_rows(profile));
        if !profile.floats.is_empty() {
            let rows = parts::float_rows(profile).into_iter().map(|cells| cells.map(|cell| escaped(&cell)).to_vec());
            text.table(1, FLOAT_HEADS.map(str::to_owned).to_vec(), rows);
        }
    }
    let layers = parts::layers(report);
    if !layers.is_empty() {
        text.line("## Layers, the most sensitive first");
        let rows = layers.iter().take(parts::LAYERS).map(|layer| {
            let [name, others @ ..] = parts::layer_cells(layer);
            [code(&name)].into_iter().chain(others.map(|cell| escaped(&cell))).collect()
        });
        text.table(2, LAYER_HEADS.map(str::to_owned).to_vec(), rows);
    }
    text.line("## What was done");
    for (name, sentences) in parts::steps(report) {
        text.line(&format!("### {name}"));
        text.list(sentences.iter().map(|sentence| escaped(&parts::sentence(sentence))));
    }
    text.line("## Recipe");
    text.block("toml", report.outcome.recipe.to_toml().trim_end());
    text.line("## How it was made");
    let mut facts = vec![("FP32 model", report.model.to_string_lossy().into_owned())];
    facts.extend(report.asked.iter().cloned());
    facts.extend(details::place(&report.machine, &report.versions));
    text.list(facts.into_iter().map(|(name, value)| format!("{name}: {}", escaped(&value))));
    if !report.command.is_empty() {
        text.block("sh", &report.command);
    }
    text.0
}

fn tried(text: &mut Text, report: &Quantized<'_>) {
    let outcome = report.outcome;
    text.line("## Everything that was tried");
    let mut heads = POINT_HEADS.map(str::to_owned).to_vec();
    heads.push("Front".to_owned());
    let rows = outcome.points.iter().enumerate().map(|(index, point)| {
        let mark = |cell: String| if index == outcome.best { format!("**{cell}**") } else { cell };
        let front = if outcome.front.contains(&index) { "yes" } else { "" };
        let cells = parts::point_cells(report, index, point);
        cells.into_iter().map(|cell| mark(escaped(&cell))).chain([front.to_owned()]).collect()
    });
    text.table(2, heads, rows);
    text.paragraph(&escaped(&format!("{}.", parts::way(report))));
}

fn times(text: &mut Text, name: &str, rows: &[TimeRow]) {
    let heads = [name].into_iter().chain(TIME_HEADS.into_iter().skip(1)).map(str::to_owned).collect();
    let cells = |row: &TimeRow| {
        let [name, others @ ..] = parts::time_cells(row);
        [code(&name)].into_iter().chain(others).collect()
    };
    text.table(1, heads, rows.iter().map(cells));
}
