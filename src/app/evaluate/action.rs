//! Everything a person can ask of the page Evaluate.

use super::classes::{ClassColumn, Measure};
use super::job::DatasetChoice;
use super::state::Tab;
use super::zoom::Zoom;
use crate::inference::Thresholds;
use std::path::PathBuf;

/// One wish on the page.
#[derive(Clone, Debug, PartialEq)]
pub enum EvaluateAction {
    /// Show the page.
    Open,
    /// Show or leave the page.
    Toggle,
    /// One step back: from a large picture to the gallery, else out of the page.
    Back,
    /// Evaluate on these pictures.
    SetDataset(DatasetChoice),
    /// Pictures of the scene to render.
    SetScenePictures(usize),
    /// At most this many pictures of a data set; none: all.
    SetLimit(Option<usize>),
    /// Confidence of agreement and gallery, and overlap of the suppression.
    SetThresholds(Thresholds),
    /// Evaluate this model too.
    AddModel(PathBuf),
    /// Leave this model out.
    RemoveModel(usize),
    /// Compare the others with this model.
    MakeReference(usize),
    /// Begin.
    Start,
    /// Stop; what is done is kept.
    Cancel,
    /// Back to the choices.
    ChooseAgain,
    /// Back to what was found last.
    ShowResults,
    /// Bring a tab to the front.
    Show(Tab),
    /// Sort the classes by a column.
    SortClasses(ClassColumn),
    /// What is compared class by class.
    SetMeasure(Measure),
    /// Show the confusions of this model.
    ConfusionOf(usize),
    /// Whether right detections are left out of the confusions.
    SetOnlyMistakes(bool),
    /// Show only differences of this model; none: of all.
    DifferencesOf(Option<usize>),
    /// Show this picture of the gallery large; none: back to the gallery.
    Enlarge(Option<usize>),
    /// The picture so many places further.
    TurnPage(isize),
    /// Look closer at the large picture.
    SetZoom(Zoom),
    /// Whether the true boxes are drawn.
    SetTruthShown(bool),
    /// Whether both models' boxes are on one picture.
    SetOverlaid(bool),
    /// Make this the confidence threshold of the live view.
    UseThreshold(f32),
    /// Save a report of this kind.
    Report(ReportForm),
    /// The summary as markdown into the clipboard.
    CopyTable,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportForm {
    /// A page that holds everything.
    Html,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For issues and wikis.
    Markdown,
}

impl ReportForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Html, Self::Json, Self::Csv, Self::Markdown];

    /// Ending of the file's name, which tells the form.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "md",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "Web page with charts (html)",
            Self::Json => "Data for programs (json)",
            Self::Csv => "Table for a spreadsheet (csv)",
            Self::Markdown => "Text with tables (md)",
        }
    }

    /// A file's name with an ending that tells a form: one that tells none gets that of this form.
    pub fn complete(self, path: PathBuf) -> PathBuf {
        let known = |ending: &std::ffi::OsStr| {
            Self::ALL.iter().any(|form| ending.eq_ignore_ascii_case(form.ending())) || ending == "htm"
        };
        if path.extension().is_some_and(known) {
            return path;
        }
        let mut name = path.into_os_string();
        name.push(format!(".{}", self.ending()));
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_report_gets_the_ending_that_its_form_has() {
        let named = |path: &str, form: ReportForm| form.complete(path.into());
        assert_eq!(named("/r/report", ReportForm::Html), Path::new("/r/report.html"));
        assert_eq!(named("/r/v1.2", ReportForm::Markdown), Path::new("/r/v1.2.md"));
        assert_eq!(named("/r/a.CSV", ReportForm::Html), Path::new("/r/a.CSV"), "what was typed counts");
    }
}
