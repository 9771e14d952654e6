//! Opening: which form a path is of, and what to name instead of what is no dataset.

use super::entries::Pictures;
use super::picture::{PictureFolders, files_below, has_picture_ending, read_text};
use super::problem::{ProblemKind, Problems};
use super::{Dataset, DatasetError, DatasetForm, coco, voc, yolo};
use std::path::{Path, PathBuf};

/// The largest public json of labels has half of this.
const JSON_MEGABYTES: u64 = 1024;
/// Names of the yaml in a folder.
const YAML_NAMES: [&str; 4] = ["data.yaml", "data.yml", "config.yaml", "dataset.yaml"];
/// How deep in a folder its pictures may lie.
const PICTURES_DEPTH: usize = 1;
const NAME_LABELS: &str = "Name a COCO json, a YOLO data.yaml or a folder of Pascal VOC xml files";

/// What of a dataset is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Folder of the pictures, where it is not where it usually is.
    pub images: Option<PathBuf>,
    /// `train`, `val`, `test` or another split that the dataset has, `all` for all; none: the first of val, test, train.
    /// A COCO json is one split.
    pub split: Option<String>,
}

impl Dataset {
    /// Opens a COCO json, a YOLO data.yaml or a folder of Pascal VOC xml files; `images` is the folder of the pictures,
    /// where it is not where it usually is. Of several splits it is val, else test, else train.
    ///
    /// # Errors
    /// When it is no dataset, or not one picture of it can be used. Whatever else is wrong stands in
    /// [`Dataset::problems`].
    pub fn open(path: &Path, images: Option<&Path>) -> Result<Self, DatasetError> {
        Self::open_with(path, &OpenOptions { images: images.map(Path::to_owned), split: None })
    }

    /// As [`Dataset::open`], with a choice of the split.
    ///
    /// # Errors
    /// As there, and when there is no such split.
    pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Self, DatasetError> {
        if let Some(folder) = options.images.as_ref().filter(|folder| !folder.is_dir()) {
            let source = std::io::Error::other("it is no folder of pictures");
            return Err(DatasetError::Unreadable { path: folder.clone(), source });
        }
        let (form, path) = identify(path)?;
        let mut problems = Problems::default();
        let (images, split) = (options.images.as_deref(), options.split.as_deref());
        let (classes, pictures) = match form {
            DatasetForm::Coco => open_coco(&path, images, split, &mut problems)?,
            DatasetForm::Yolo => yolo::read(&path, images, split, &mut problems)?,
            DatasetForm::Voc => voc::read(&path, images, split, &mut problems)?,
        };
        if pictures.is_empty() {
            let first = problems.first_of(ProblemKind::MissingPicture).unwrap_or_else(|| "it lists none".to_owned());
            return Err(DatasetError::NoPictures { path, reason: first });
        }
        Ok(Self { path, form: Some(form), classes, pictures, problems: problems.into_list() })
    }

    /// The pictures in a folder and in its folders, without labels and classes.
    ///
    /// # Errors
    /// When the folder cannot be read, or not one picture of it.
    pub fn without_labels(folder: &Path) -> Result<Self, DatasetError> {
        let (mut problems, mut pictures) = (Problems::default(), Pictures::default());
        for picture in files_below(folder, PICTURES_DEPTH, &has_picture_ending)? {
            pictures.add(picture, None, &mut problems);
        }
        let (path, pictures) = (folder.to_owned(), pictures.list);
        if pictures.is_empty() {
            let first = problems.first_of(ProblemKind::MissingPicture).unwrap_or_else(|| "there is none".to_owned());
            return Err(DatasetError::NoPictures { path, reason: first });
        }
        Ok(Self { path, form: None, classes: Vec::new(), pictures, problems: problems.into_list() })
    }
}

type Content = (Vec<super::DatasetClass>, Vec<super::LabelledPicture>);

fn open_coco(
    path: &Path,
    images: Option<&Path>,
    split: Option<&str>,
    problems: &mut Problems,
) -> Result<Content, DatasetError> {
    if let Some(wanted) = split.filter(|split| *split != "all") {
        let known = "all, a COCO json is one split by itself".to_owned();
        return Err(DatasetError::NoSplit { path: path.to_owned(), wanted: wanted.to_owned(), known });
    }
    let (text, damaged) = read_text(path, JSON_MEGABYTES)?;
    if damaged {
        problems.add(ProblemKind::UnreadableLabels, || format!("{} is no UTF-8 in places", path.display()));
    }
    let mut folders = match images {
        Some(folder) => PictureFolders::new(vec![folder.to_owned()]),
        None => PictureFolders::new(coco_folders(path)),
    };
    coco::read(&text, path, &mut |name| folders.find(name).ok_or_else(|| folders.described()), problems)
}

/// Where the pictures of a json usually are: beside it, in `images`, or in a folder of the split's name, here or, as in
/// COCO itself, one folder up.
fn coco_folders(path: &Path) -> Vec<PathBuf> {
    let here = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let here = if here.as_os_str().is_empty() { PathBuf::from(".") } else { here };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let splits: Vec<&str> = stem.split('_').filter(|part| !part.is_empty() && *part != "instances").collect();
    let mut folders = vec![here.clone()];
    for base in [here.clone(), here.join("..")] {
        folders.push(base.join("images"));
        for split in &splits {
            folders.extend([base.join("images").join(split), base.join(split), base.join(split).join("images")]);
        }
    }
    folders.push(here.join(".."));
    folders
}

/// The form, and the file or folder that it is.
pub(super) fn identify(path: &Path) -> Result<(DatasetForm, PathBuf), DatasetError> {
    let not_a_dataset =
        |what: &str, remedy| DatasetError::NotADataset { path: path.to_owned(), what: what.to_owned(), remedy };
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DatasetError::NotFound { path: path.to_owned() });
        }
        Err(source) => return Err(DatasetError::Unreadable { path: path.to_owned(), source }),
    };
    if metadata.is_dir() {
        return identify_folder(path);
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "json" => Ok((DatasetForm::Coco, path.to_owned())),
        "yaml" | "yml" => Ok((DatasetForm::Yolo, path.to_owned())),
        "xml" => Ok((DatasetForm::Voc, path.to_owned())),
        "txt" => Err(not_a_dataset(
            "a text file, perhaps a list of pictures or the labels of one",
            "Name the data.yaml that has the names of the classes; its val may be this list",
        )),
        "onnx" => Err(not_a_dataset("a model", "Name it with --model, and here a dataset")),
        _ if has_picture_ending(path) => Err(not_a_dataset("a picture without labels", NAME_LABELS)),
        _ => Err(not_a_dataset("its name has no ending that datasets have", NAME_LABELS)),
    }
}

fn identify_folder(path: &Path) -> Result<(DatasetForm, PathBuf), DatasetError> {
    if let Some(yaml) = YAML_NAMES.iter().map(|name| path.join(name)).find(|yaml| yaml.is_file()) {
        return Ok((DatasetForm::Yolo, yaml));
    }
    let ends_with = |ending: &'static str| {
        move |path: &Path| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
    };
    let has = |folder: &Path, ending| files_below(folder, 0, &ends_with(ending)).is_ok_and(|files| !files.is_empty());
    let splits = ["val", "valid", "test", "train"].map(|name| path.join(name));
    if path.join(voc::ANNOTATIONS).is_dir() || has(path, "xml") || splits.iter().any(|folder| has(folder, "xml")) {
        return Ok((DatasetForm::Voc, path.to_owned()));
    }
    let not_a_dataset = |what: String, remedy| Err(DatasetError::NotADataset { path: path.to_owned(), what, remedy });
    let jsons = files_below(path, 1, &ends_with("json"))?;
    match jsons.as_slice() {
        [json] => return Ok((DatasetForm::Coco, json.clone())),
        [] => {}
        several => {
            let what = format!("a folder with {} json files", several.len());
            return not_a_dataset(what, "Name the one with the labels, as instances_val.json");
        }
    }
    let pictures = files_below(path, PICTURES_DEPTH, &has_picture_ending)?.len();
    if has(path, "txt") || path.join("labels").is_dir() {
        let what = "a folder of YOLO labels without their data.yaml".to_owned();
        return not_a_dataset(what, "Name the data.yaml, or write one with names, path and val");
    }
    if pictures > 0 {
        return Err(DatasetError::NoLabels { path: path.to_owned(), pictures });
    }
    not_a_dataset("a folder without labels".to_owned(), NAME_LABELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the labelled pictures of the shared folder are, if they are there.
    fn shared_coco() -> Option<PathBuf> {
        let shared = std::env::var_os("QUANTSCOPE_SHARED").map(PathBuf::from);
        let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
        Some(shared.join("coco")).filter(|folder| folder.is_dir())
    }

    #[test]
    fn the_same_pictures_as_coco_and_as_yolo() {
        let Some(folder) = shared_coco() else { return eprintln!("skipped: no shared/coco") };
        let started = std::time::Instant::now();
        let coco = Dataset::open(&folder.join("instances_val.json"), None).unwrap();
        let (coco_took, started) = (started.elapsed(), std::time::Instant::now());
        let yolo = Dataset::open(&folder.join("data.yaml"), None).unwrap();
        eprintln!("opened: coco {coco_took:?}, yolo {:?}", started.elapsed());
        assert_eq!(coco.problems, []);
        let count = |dataset: &Dataset| dataset.pictures.iter().map(|picture| picture.boxes.len()).sum::<usize>();
        assert_eq!((coco.pictures.len(), count(&coco), coco.classes.len()), (64, 461, 80));
        assert_eq!((yolo.pictures.len(), count(&yolo), yolo.classes.len()), (64, 461, 80));
        for (a, b) in coco.pictures.iter().zip(&yolo.pictures) {
            assert_eq!((a.path.file_name(), a.size), (b.path.file_name(), b.size));
            for (one, other) in a.boxes.iter().zip(&b.boxes) {
                // The text files have six digits.
                assert!((one.x - other.x).abs() < 0.01 && one.class == other.class, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn five_thousand_pictures_are_opened_at_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("images")).unwrap();
        let mut images = Vec::new();
        let mut objects = Vec::new();
        for id in 0..5000 {
            std::fs::write(folder.path().join(format!("images/{id}.jpg")), "").unwrap();
            images.push(format!(r#"{{"id": {id}, "file_name": "{id}.jpg", "width": 640, "height": 480}}"#));
            let outline = vec!["12.25"; 80].join(",");
            for object in 0..7 {
                let number = id * 7 + object;
                objects.push(format!(
                    r#"{{"id": {number}, "image_id": {id}, "category_id": 1, "bbox": [{object}.5, 3.25, 20, 10], "area": 150, "iscrowd": 0, "segmentation": [[{outline}]]}}"#
                ));
            }
        }
        let text = format!(
            r#"{{"images": [{}], "annotations": [{}], "categories": [{{"id": 1, "name": "person"}}]}}"#,
            images.join(","),
            objects.join(",")
        );
        let json = folder.path().join("instances.json");
        std::fs::write(&json, &text).unwrap();
        let started = std::time::Instant::now();
        let dataset = Dataset::open(&json, None).unwrap();
        eprintln!("opened: {} MB in {:?}", text.len() / 1_000_000, started.elapsed());
        assert_eq!((dataset.pictures.len(), dataset.problems.len()), (5000, 0));
        assert!(dataset.pictures.iter().all(|picture| picture.boxes.len() == 7));
    }
}
