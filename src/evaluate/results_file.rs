//! Files of detections in COCO's form of results (<https://cocodataset.org/#format-results>), a file a model, replaced
//! whole, so that a program that is killed leaves the last state.

use super::EvaluateError;
use super::gathered::Gathered;
use crate::files;
use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;

#[derive(Serialize)]
struct Line {
    image_id: u64,
    category_id: u64,
    /// Left, top, width, height in pixels of the picture.
    bbox: [f64; 4],
    score: f64,
}

/// Writes what every model has found so far, into `<name of the model>.json` in `folder`.
pub(super) fn write(folder: &Path, gathered: &Gathered) -> Result<(), EvaluateError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |reason| EvaluateError::Unwritable { path, reason }
    };
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let paths = gathered.models().iter().map(super::gathered::GatheredModel::path);
    for (model, name) in gathered.models().iter().zip(names(paths)) {
        if model.info().is_none() {
            continue;
        }
        let path = folder.join(name);
        files::replace_with(&path, |out| {
            let dataset = gathered.dataset();
            let found =
                dataset.pictures.iter().zip(&model.pictures).filter_map(|(p, found)| Some((p, found.as_ref()?)));
            out.write_all(b"[")?;
            let mut separator = "";
            for (picture, found) in found {
                for scored in &found.scored {
                    let category_id = dataset.classes.get(scored.class).map_or(0, |class| class.id);
                    let line = Line { image_id: picture.id, category_id, bbox: scored.bbox, score: scored.score };
                    writeln!(out, "{separator}")?;
                    serde_json::to_writer(&mut *out, &line)?;
                    separator = ",";
                }
            }
            out.write_all(b"\n]\n")
        })
        .map_err(unwritable(&path))?;
    }
    Ok(())
}

/// A name a model, all different.
fn names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let mut taken = HashSet::new();
    let unique = |path: &Path| {
        let stem = path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
        let mut name = format!("{stem}.json");
        for number in 2.. {
            if taken.insert(name.clone()) {
                break;
            }
            name = format!("{stem}-{number}.json");
        }
        name
    };
    paths.map(unique).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_one_name_get_files_of_their_own() {
        let paths = ["a/m.onnx", "b/m.onnx", "c/n.onnx", "m-2.onnx"].map(Path::new);
        assert_eq!(names(paths.into_iter()), ["m.json", "m-2.json", "n.json", "m-2-2.json"]);
    }
}
