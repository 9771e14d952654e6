//! YOLO: a yaml with the names of the classes and where the pictures are, a text file with the objects of each picture
//! (<https://docs.ultralytics.com/datasets/detect/>).

mod config;
mod labels;

pub(super) use config::Config;
pub(super) use labels::read_labels;

use super::entries::{Pictures, short_name};
use super::picture::{has_picture_ending, local, pictures_below, read_text};
use super::problem::{ProblemKind, Problems, quoted};
use super::{DatasetClass, DatasetError, LabelledPicture};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

const CONFIG_MEGABYTES: u64 = 4;
const LABELS_MEGABYTES: u64 = 16;
const LIST_MEGABYTES: u64 = 256;
/// How deep pictures may lie below a split's folder.
const DEPTH: usize = 6;
/// The split that is read when none was asked for: the first that there is.
const SPLITS: [&str; 3] = ["val", "test", "train"];

/// Reads a data.yaml and the labels of a split; `all` are all splits.
pub(super) fn read(
    path: &Path,
    images: Option<&Path>,
    split: Option<&str>,
    problems: &mut Problems,
) -> Result<(Vec<DatasetClass>, Vec<LabelledPicture>), DatasetError> {
    let (text, damaged) = read_text(path, CONFIG_MEGABYTES)?;
    if damaged {
        problems.add(ProblemKind::UnreadableLabels, || format!("{} is no UTF-8 in places", path.display()));
    }
    let not_understood = |reason| DatasetError::NotUnderstood { path: path.to_owned(), reason };
    let config = Config::parse(&text).map_err(not_understood)?;
    let files = match images {
        Some(folder) => pictures_below(folder, DEPTH)?,
        None => split_files(path, &config, split, problems)?,
    };
    let mut pictures = Pictures::default();
    let mut labels_found = 0;
    let mut visited = HashSet::new();
    for file in &files {
        let Some(index) = pictures.add(file.clone(), None, problems) else { continue };
        if visited.insert(index) {
            labels_found += usize::from(add_labels(&mut pictures.list[index], config.names.len(), problems)?);
        }
    }
    let pictures = pictures.list;
    if let (Some(first), 0) = (pictures.first(), labels_found) {
        let looked = label_files(&first.path).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        let reason = format!(
            "none of its {} pictures has a label file. The first was looked for as {}",
            pictures.len(),
            looked.join(" and as ")
        );
        return Err(DatasetError::NoPictures { path: path.to_owned(), reason });
    }
    let classes = config.names.into_iter().enumerate().map(|(id, name)| DatasetClass { name, id: id as u64 });
    Ok((classes.collect(), pictures))
}

/// Reads the labels of a picture; false when there is no file.
fn add_labels(picture: &mut LabelledPicture, classes: usize, problems: &mut Problems) -> Result<bool, DatasetError> {
    let Some(file) = label_files(&picture.path).into_iter().find(|file| file.is_file()) else {
        let text = || format!("{} has no label file; a picture without objects", picture.path.display());
        problems.add(ProblemKind::EmptyLabels, text);
        return Ok(false);
    };
    match read_text(&file, LABELS_MEGABYTES) {
        Ok((text, _)) => picture.boxes = read_labels(&text, picture.size, classes, &short_name(&file), problems),
        Err(error) => {
            let text = || format!("{error}; a picture without objects");
            problems.add(ProblemKind::UnreadableLabels, text);
        }
    }
    Ok(true)
}

/// Where the labels of a picture may be: in `labels` in place of the last `images` of its path, or beside it.
fn label_files(picture: &Path) -> Vec<PathBuf> {
    let beside = picture.with_extension("txt");
    let parts: Vec<Component<'_>> = beside.components().collect();
    let folders = parts.len().saturating_sub(1);
    let Some(at) = parts[..folders].iter().rposition(|part| part.as_os_str() == "images") else { return vec![beside] };
    let replaced =
        parts.iter().enumerate().map(|(index, part)| if index == at { "labels".as_ref() } else { part.as_os_str() });
    vec![replaced.collect(), beside.clone()]
}

/// The pictures of the split.
fn split_files(
    path: &Path,
    config: &Config,
    wanted: Option<&str>,
    problems: &mut Problems,
) -> Result<Vec<PathBuf>, DatasetError> {
    let known = || config.splits.keys().cloned().collect::<Vec<_>>().join(", ");
    let no_split = |wanted: &str| DatasetError::NoSplit {
        path: path.to_owned(),
        wanted: wanted.to_owned(),
        known: if config.splits.is_empty() { "none, it names no pictures".to_owned() } else { known() },
    };
    let names: Vec<&str> = match wanted {
        Some("all") => config.splits.keys().map(String::as_str).collect(),
        Some(name) => vec![name],
        None => SPLITS.into_iter().filter(|name| config.splits.contains_key(*name)).take(1).collect(),
    };
    if names.is_empty() {
        return Err(no_split(wanted.unwrap_or(SPLITS[0])));
    }
    let roots = roots(path, config);
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for name in &names {
        for place in config.splits.get(*name).ok_or_else(|| no_split(name))? {
            match find_place(&roots, place) {
                // Splits may share their pictures.
                Some(found) if !seen.insert(found.clone()) => {}
                Some(found) => files.extend(place_files(&found, problems)?),
                None => problems.add(ProblemKind::MissingPicture, || {
                    format!("{name}: {} is not there; its pictures are left out", quoted(place))
                }),
            }
        }
    }
    if files.is_empty() {
        let first = problems.first_of(ProblemKind::MissingPicture);
        let looked: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
        let reason = format!(
            "{}. Correct \"path\" or {} in it, or name the folder with --images DIR. Looked below {}",
            first.unwrap_or_else(|| "its folders hold none".to_owned()),
            names.join(", "),
            looked.join(", ")
        );
        return Err(DatasetError::NoPictures { path: path.to_owned(), reason });
    }
    Ok(files)
}

/// What the places of splits are relative to: `path` of the yaml as seen from its folder, else the folder.
fn roots(path: &Path, config: &Config) -> Vec<PathBuf> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let given = config.root.as_ref().map(|root| folder.join(local(root)));
    given.into_iter().chain([folder]).collect()
}

/// A folder or a list of pictures. A leading `../` is dropped where it leads nowhere, for some tools write one too many.
fn find_place(roots: &[PathBuf], place: &str) -> Option<PathBuf> {
    let place = local(place);
    let shorter = place.strip_prefix("..").ok().map(Path::to_owned);
    let places = std::iter::once(&place).chain(shorter.as_ref());
    places.flat_map(|place| roots.iter().map(move |root| root.join(place))).find(|path| path.exists())
}

fn place_files(place: &Path, problems: &mut Problems) -> Result<Vec<PathBuf>, DatasetError> {
    if place.is_dir() {
        return pictures_below(place, DEPTH);
    }
    if has_picture_ending(place) {
        return Ok(vec![place.to_owned()]);
    }
    let (text, _) = read_text(place, LIST_MEGABYTES)?;
    let folder = place.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let name = local(line);
        // As written, from the list's folder, or, as tools of the family do, from the folder above.
        let candidates = [folder.join(&name), folder.join("..").join(&name)];
        match candidates.into_iter().find(|path| path.is_file()) {
            Some(file) => files.push(plain(&file)),
            None => problems.add(ProblemKind::MissingPicture, || {
                format!("{} lists {}, which is not there; left out", short_name(place), quoted(line))
            }),
        }
    }
    Ok(files)
}

/// The path without `.`, so that a picture that is listed in two ways is one.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests;
