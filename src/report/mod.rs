//! Reports that can be attached to a decision: an evaluation and a benchmark as html, json, csv or markdown.
//!
//! - **html**: one page that needs nothing else: charts and boxes are drawn in it, pictures lie in it, no script runs.
//! - **json**: the evaluation or the benchmark as the command line prints it; with both, an object with the keys
//!   `evaluation` and `benchmark`.
//! - **csv**: one table, told apart by its first column: a row a model (`accuracy`), a row a candidate (`agreement`), a
//!   row a benchmarked setting (`speed`), and a row a model and class (`class`).
//! - **markdown**: the tables, fit to paste into an issue.
//!
//! A quantization has a report of its own in the same forms, see [`Quantized`].
//!
//! Labels, paths and sentences come from files of strangers: nothing of them is ever taken for markup or a formula.

mod chart;
mod confusion;
mod curves;
mod details;
mod markdown;
mod page;
mod pictures;
mod quantized;
mod speed;
mod spreadsheet;
mod tables;
mod verdict;
mod words;

pub use page::warning_sentences;
pub use quantized::{Again, Quantized, asked_for, shell_line, write_quantized};
pub use verdict::{Finding, KeyFigure, Tone, findings};

use crate::benchmark::Benchmark;
use crate::evaluate::Evaluation;
use crate::files;
use std::path::{Path, PathBuf};

/// What a report tells: either, or both of the same models.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Report<'a> {
    /// Accuracy.
    pub evaluation: Option<&'a Evaluation>,
    /// Speed.
    pub benchmark: Option<&'a Benchmark>,
}

/// How a report is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A page with everything in it.
    Html,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For issues and notes.
    Markdown,
}

impl Form {
    /// The form that a name asks for by its ending, `html` or `htm`, `json`, `csv`, `md` or `markdown` in any case.
    ///
    /// # Errors
    ///
    /// When it has another ending or none: ask before an hour of measuring, not after it.
    pub fn of(path: &Path) -> Result<Self, ReportError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => Ok(Self::Html),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "md" | "markdown" => Ok(Self::Markdown),
            _ => Err(ReportError::UnknownForm { path: path.to_owned() }),
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The name has another ending.
    #[error("{}: reports are written as .html, .json, .csv or .md. End the name with one of these", path.display())]
    UnknownForm {
        /// The name.
        path: PathBuf,
    },
    /// Neither an evaluation nor a benchmark was handed over.
    #[error("{}: there is nothing to report yet. Evaluate or benchmark a model first", path.display())]
    Nothing {
        /// Where it was to go.
        path: PathBuf,
    },
    /// The values cannot be put into that form.
    #[error("{}: the report cannot be put into this form ({reason}). Choose .html or .md", path.display())]
    Encode {
        /// Where it was to go.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{}: the report cannot be written ({source}). Check the folder and the space on the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes a report in the form that the name asks for by its ending.
///
/// It is written to a temporary file in the same folder, which then takes the name: a full disk leaves the older report.
/// A page reads the pictures that it shows; a picture that is gone by now is a grey field, no error.
///
/// # Errors
///
/// When the ending is unknown, there is nothing to report, or the file cannot be written.
pub fn write(path: &Path, content: &Report<'_>) -> Result<(), ReportError> {
    let form = Form::of(path)?;
    if content.evaluation.is_none() && content.benchmark.is_none() {
        return Err(ReportError::Nothing { path: path.to_owned() });
    }
    let bytes = encode(form, content).map_err(|reason| ReportError::Encode { path: path.to_owned(), reason })?;
    files::replace(path, &bytes).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn encode(form: Form, content: &Report<'_>) -> Result<Vec<u8>, String> {
    match form {
        Form::Html => Ok(words::visible(&page::page(content)).into_bytes()),
        Form::Markdown => Ok(words::visible(&markdown::markdown(content)).into_bytes()),
        Form::Csv => spreadsheet::spreadsheet(content).map_err(|error| error.to_string()),
        Form::Json => json(content).map_err(|error| error.to_string()),
    }
}

fn json(content: &Report<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = match (content.evaluation, content.benchmark) {
        (Some(evaluation), None) => serde_json::to_vec_pretty(evaluation)?,
        (None, Some(benchmark)) => serde_json::to_vec_pretty(benchmark)?,
        _ => serde_json::to_vec_pretty(content)?,
    };
    bytes.push(b'\n');
    Ok(bytes)
}
