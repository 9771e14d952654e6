//! The report as markdown, fit to paste into an issue.

use super::verdict::findings;
use super::words::{self, NONE, figure, letter, milliseconds};
use super::{Report, details, page, speed, tables};
use crate::benchmark::Benchmark;
use crate::evaluate::Evaluation;

/// Classes in the table: those with the most objects.
const MOST_CLASSES: usize = 20;

/// The whole text.
pub fn markdown(report: &Report<'_>) -> String {
    let mut text = Text(String::new());
    text.line(&format!("# {}", escaped(&page::title(report))));
    text.paragraph(&escaped(&page::subtitle(report)));
    for warning in page::warning_sentences(report) {
        text.paragraph(&format!("> **{}**", escaped(&warning)));
    }
    for finding in findings(report) {
        text.paragraph(&format!("**{}**", escaped(&finding.headline)));
        text.list(finding.details.iter().map(|detail| escaped(detail)));
    }
    if let Some(evaluation) = report.evaluation {
        accuracy(&mut text, evaluation);
    }
    if let Some(benchmark) = report.benchmark {
        speed_table(&mut text, benchmark);
    }
    method(&mut text, report);
    text.0
}

fn accuracy(text: &mut Text, evaluation: &Evaluation) {
    let models = &evaluation.models;
    let names = words::distinct_names(models.iter().map(|model| model.path.as_path()));
    if evaluation.dataset.labelled {
        average_precision(text, evaluation, &names);
    }
    if !evaluation.agreement.is_empty() {
        text.line("## Agreement with the reference");
        let heads = [
            "Candidate",
            "F1",
            "95 % interval",
            "Precision",
            "Recall",
            "Mean IoU",
            "Score change",
            "AP difference",
            "95 % interval",
        ];
        let rows = evaluation.agreement.iter().map(|it| {
            let figures = &it.figures;
            let numbers = [figures.precision, figures.recall, figures.mean_iou, figures.mean_score_delta];
            let name = names.get(it.candidate).map_or(NONE, String::as_str);
            [
                format!("{} {}", letter(it.candidate), code(name)),
                figure(Some(figures.f1)),
                words::interval(it.details.f1_interval, 3),
            ]
            .into_iter()
            .chain(numbers.map(|value| figure(Some(value))))
            .chain([
                it.ap_difference.map_or_else(|| NONE.to_owned(), |value| words::signed(value, 3)),
                it.ap_difference_interval.map_or_else(|| NONE.to_owned(), words::signed_interval),
            ])
            .collect()
        });
        text.table(1, heads.map(str::to_owned).to_vec(), rows);
    }
    let problems = &evaluation.dataset.problems;
    let sentences = details::on_models(evaluation);
    if !problems.is_empty() || !sentences.is_empty() {
        text.line("## What was wrong");
        let counted = problems.iter().map(|problem| {
            let example =
                problem.examples.first().map_or_else(String::new, |example| format!(". {}", escaped(example)));
            format!("{}: {}{example}", details::problem_words(problem.kind), problem.count)
        });
        text.list(counted.chain(sentences.iter().map(|sentence| escaped(sentence))));
    }
}

fn average_precision(text: &mut Text, evaluation: &Evaluation, names: &[String]) {
    let models = &evaluation.models;
    text.line("## Accuracy");
    let heads = names.iter().enumerate().map(|(index, name)| format!("{} {}", letter(index), code(name)));
    let rows = tables::coco_rows().map(|(name, meaning, value)| {
        let cells = models.iter().map(|model| figure(value(&model.coco)));
        std::iter::once(format!("{name}, {meaning}")).chain(cells).collect()
    });
    text.table(1, ["COCO figure".to_owned()].into_iter().chain(heads).collect(), rows.into_iter());
    let classes = tables::class_rows(evaluation);
    if !classes.is_empty() {
        let heads = ["Class", "Objects"].map(str::to_owned).into_iter();
        let heads = heads.chain((0..models.len()).map(|index| format!("{} AP", letter(index)))).collect();
        let rows = classes.iter().take(MOST_CLASSES).map(|row| {
            let aps = row.models.iter().map(|class| figure(class.and_then(|class| class.ap)));
            [code(row.name), row.objects.to_string()].into_iter().chain(aps).collect()
        });
        text.table(1, heads, rows);
        if classes.len() > MOST_CLASSES {
            text.paragraph(&format!("The {MOST_CLASSES} classes with the most objects of {}.", classes.len()));
        }
    }
}

fn speed_table(text: &mut Text, benchmark: &Benchmark) {
    text.line("## Speed");
    text.list(benchmark.conclusions.iter().map(|conclusion| escaped(conclusion)));
    let heads = ["Model", "p50 ms", "p95", "p99", "of the first", "95 % interval", "Frames/s", "Memory"];
    let rows = benchmark.models.iter().zip(speed::entry_names(benchmark)).enumerate().map(|(index, (entry, name))| {
        let total = entry.stages_ms.total;
        let (ratio, interval) = match index {
            0 => (NONE.to_owned(), NONE.to_owned()),
            _ => (words::number(Some(entry.latency_ratio), 2), words::interval(entry.latency_ratio_interval, 2)),
        };
        let memory = entry.peak_rss_bytes.map_or_else(|| NONE.to_owned(), words::bytes);
        let [p50, p95, p99] = [total.p50, total.p95, total.p99].map(milliseconds);
        vec![code(&name), p50, p95, p99, ratio, interval, words::number(Some(entry.fps), 1), memory]
    });
    text.table(1, heads.map(str::to_owned).to_vec(), rows);
    text.list(benchmark.notes.iter().map(|note| escaped(note)));
}

fn method(text: &mut Text, report: &Report<'_>) {
    text.line("## How it was measured");
    text.list(details::facts(report).into_iter().map(|(name, value)| format!("{name}: {}", escaped(&value))));
    let evaluated = report.evaluation.iter().flat_map(|evaluation| &evaluation.models);
    let evaluated = evaluated.map(|model| (&model.path, &model.sha256, &model.numbers, model.bytes));
    let benchmarked = report.benchmark.iter().flat_map(|benchmark| &benchmark.models);
    let benchmarked = benchmarked.map(|entry| (&entry.path, &entry.sha256, &entry.numbers, entry.bytes));
    let mut seen = std::collections::BTreeSet::new();
    let rows = evaluated.chain(benchmarked).filter(|(path, sha256, ..)| seen.insert((*path, *sha256)));
    let rows = rows.map(|(path, sha256, numbers, bytes)| {
        vec![code(&path.to_string_lossy()), escaped(numbers), words::bytes(bytes), code(sha256)]
    });
    text.table(2, ["Model", "Numbers", "Size", "SHA-256"].map(str::to_owned).to_vec(), rows);
    for command in details::commands(report) {
        text.block("sh", command);
    }
}

/// Markdown that grows by parts with an empty line between them.
pub(super) struct Text(pub String);

impl Text {
    pub fn line(&mut self, line: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.line(text);
        }
    }

    pub fn list(&mut self, items: impl Iterator<Item = String>) {
        let items: Vec<String> = items.map(|item| format!("- {item}")).collect();
        self.paragraph(&items.join("\n"));
    }

    /// A table; columns from `figures_from` on stand right.
    pub fn table(&mut self, figures_from: usize, heads: Vec<String>, rows: impl Iterator<Item = Vec<String>>) {
        let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let rule: Vec<String> =
            (0..heads.len()).map(|column| if column < figures_from { "---" } else { "---:" }.to_owned()).collect();
        let lines: Vec<String> = [row(&heads), row(&rule)].into_iter().chain(rows.map(|cells| row(&cells))).collect();
        self.line(&lines.join("\n"));
    }

    /// A block of code in a language, in a fence longer than any in it.
    pub fn block(&mut self, language: &str, code: &str) {
        let fence = "`".repeat(longest_run(code, '`').max(2) + 1);
        self.line(&format!("{fence}{language}\n{code}\n{fence}"));
    }
}

/// Text in which nothing is markup, a mention or a new line, and which fits into a table's cell. What can do no harm, as
/// an underscore inside a word, stays readable.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '_' if before.is_alphanumeric() && next.is_alphanumeric() => escaped.push(c),
            ']' if !['(', '[', ':'].contains(&next) => escaped.push(c),
            '\\' | '`' | '*' | '_' | ']' | '#' | '|' | '~' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// Text as code that fits into a table's cell.
pub(super) fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    if text.is_empty() { NONE.to_owned() } else { format!("{fence}{space}{text}{space}{fence}") }
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(|run| run.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_is_markup() {
        assert_eq!(escaped("<b>a|b\n@all [x](y)"), "&lt;b>a\\|b &#64;all [x\\](y)");
        assert_eq!(escaped("a_b _c_ [0, 1] ~~x~~"), "a_b \\_c\\_ [0, 1] \\~\\~x\\~\\~");
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code(""), NONE);
        let mut text = Text(String::new());
        text.block("sh", "a ```\nb");
        assert!(text.0.starts_with("````sh\n"), "{}", text.0);
    }
}
