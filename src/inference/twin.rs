//! Finding the others of a family: the quantized twins of a model, or the model that a quantized one was made from.

use crate::onnx::{self, Precision, Summary};
use crate::runtime::catalog::sha256_of;
use std::path::{Path, PathBuf};

/// Key of a model's metadata under which the SHA-256 of the FP32 file that it was made from stands.
pub const PARENT_SHA256: &str = "quantscope.parent_sha256";
/// Key of a model's metadata under which the size of that file stands, in bytes.
pub const PARENT_BYTES: &str = "quantscope.parent_bytes";
/// The same: about how many weights it has, by which some families tell what a file leaves open.
pub const PARENT_WEIGHTS: &str = "quantscope.parent_weights";

/// About how many weights a network has: what its full-precision parent had, so that both are read alike; else told from the
/// file's bytes and the width of its numbers.
pub fn weights(summary: &Summary) -> u64 {
    if let Some(of_parent) = summary.metadata.get(PARENT_WEIGHTS).and_then(|count| count.parse().ok()) {
        return of_parent;
    }
    let bytes_each = match summary.precision {
        Precision::Fp32 => 4,
        Precision::Fp16 | Precision::Mixed => 2,
        Precision::Int8 => 1,
    };
    summary.bytes / bytes_each
}

/// What a file is, told by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is named as a full-precision model, or just plainly.
    FullPrecision,
    /// It is named as a model in 16-bit floats.
    HalfPrecision,
    /// It is named as a quantized model.
    Quantized,
}

/// A file of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub role: Role,
}

/// Endings of the names of quantized models, most likely twin first.
const QUANTIZED: [&str; 14] = [
    "int8",
    "int8bq",
    "qdq",
    "quant",
    "quantized",
    "uint8",
    "u8s8",
    "s8s8",
    "w8a8",
    "i8",
    "q8",
    "qoperator",
    "qat",
    "dynamic",
];

/// Endings of the names of models in 16-bit floats.
const HALF_PRECISION: [&str; 4] = ["fp16", "float16", "f16", "half"];

/// Endings of the names of full-precision models.
const FULL_PRECISION: [&str; 4] = ["fp32", "float32", "f32", "float"];

/// What may stand before an ending.
const SEPARATORS: [char; 3] = ['.', '-', '_'];

/// The files beside `path`, itself among them, whose names differ in an ending for a precision only, as `x.onnx`,
/// `x.fp16.onnx`, `x.int8.onnx`, `x-qat.onnx`, `x_quant.onnx`, upper and lower case being the same: full precision first,
/// then half, then quantized. Of the same role the order is always the same: by the order of the endings above (a plain
/// name before any), then `.`, `-`, `_`, then by name.
pub fn family(path: &Path) -> Vec<Twin> {
    let Some(own) = Name::of(path) else { return Vec::new() };
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut members: Vec<_> = std::fs::read_dir(listed)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((Name::of(Path::new(&entry.file_name()))?, entry.file_name())))
        .filter(|(name, file)| name.stem == own.stem && folder.join(file).is_file())
        .collect();
    members.sort_by(|(a, a_file), (b, b_file)| (a.role, a.rank, a_file).cmp(&(b.role, b.rank, b_file)));
    members.into_iter().map(|(name, file)| Twin { path: folder.join(file), role: name.role }).collect()
}

/// The model beside `path` that it was made from, or that was made from it, by what their metadata says, whatever their
/// names are. Files are read as a whole only where their sizes fit.
pub fn find_by_content(path: &Path) -> Option<Twin> {
    let origin = |file: &Path| {
        let mut metadata = onnx::metadata(file).ok()?;
        Some((metadata.remove(PARENT_SHA256)?, metadata.remove(PARENT_BYTES)?.parse::<u64>().ok()?))
    };
    let is_of = |file: &Path, (sha256, bytes): &(String, u64)| {
        file.metadata().is_ok_and(|file| file.len() == *bytes) && sha256_of(file).is_ok_and(|sum| sum == *sha256)
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut others: Vec<PathBuf> = entries
        .filter(|file| file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")))
        .filter(|file| file.is_file() && file.file_name() != path.file_name())
        .collect();
    others.sort();
    let beside = |file: PathBuf, role| Twin { path: path.with_file_name(file.file_name().unwrap_or_default()), role };
    match origin(path) {
        Some(own) => others.into_iter().find(|file| is_of(file, &own)).map(|file| beside(file, Role::FullPrecision)),
        None => {
            let made_from_it = |file: &PathBuf| origin(file).is_some_and(|parent| is_of(path, &parent));
            others.into_iter().find(made_from_it).map(|file| beside(file, Role::Quantized))
        }
    }
}

/// The first of the family that is quantized where `path` is not, or full precision where it is quantized.
pub fn find(path: &Path) -> Option<Twin> {
    let wanted = match Name::of(path)?.role {
        Role::Quantized => Role::FullPrecision,
        Role::FullPrecision | Role::HalfPrecision => Role::Quantized,
    };
    family(path).into_iter().find(|member| member.role == wanted)
}

/// The ending of a file's name that tells its precision, as `qat` of `x.qat.onnx`.
pub fn ending(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?.to_lowercase();
    let stem = file.strip_suffix(".onnx")?;
    let (shorter, ..) = without_ending(stem)?;
    Some(stem[shorter.len() + 1..].to_owned())
}

/// A file name taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// What is left without endings, in lower case.
    stem: String,
    role: Role,
    /// The lower, the likelier.
    rank: usize,
}

impl Name {
    /// None for what is no `.onnx` file.
    fn of(path: &Path) -> Option<Self> {
        let file = path.file_name()?.to_str()?.to_lowercase();
        let mut stem = file.strip_suffix(".onnx").filter(|stem| !stem.is_empty())?;
        let (mut role, mut rank) = (Role::FullPrecision, 0);
        // Some names carry two endings, as x_int8_qdq; the last one that is taken off ranks.
        while let Some((shorter, found, place)) = without_ending(stem) {
            if found >= role {
                (role, rank) = (found, place);
            }
            stem = shorter;
        }
        Some(Self { stem: stem.to_owned(), role, rank })
    }
}

fn without_ending(stem: &str) -> Option<(&str, Role, usize)> {
    let (at, separator) = stem.char_indices().rev().find(|(_, character)| SEPARATORS.contains(character))?;
    let (shorter, ending) = (&stem[..at], &stem[at + 1..]);
    if shorter.is_empty() {
        return None;
    }
    let place_of = |endings: &[&str]| endings.iter().position(|known| *known == ending);
    let roles: [(Role, &[&str]); 3] =
        [(Role::Quantized, &QUANTIZED), (Role::HalfPrecision, &HALF_PRECISION), (Role::FullPrecision, &FULL_PRECISION)];
    let (role, place) = roles.into_iter().find_map(|(role, endings)| Some((role, place_of(endings)?)))?;
    let by_separator = SEPARATORS.iter().position(|known| *known == separator).unwrap_or(0);
    // A plain name has rank 0, so that ranks begin at 1.
    Some((shorter, role, 1 + place * SEPARATORS.len() + by_separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The twin's file name in a folder that holds `files`.
    fn twin_among(files: &[&str], of: &str) -> Option<(String, Role)> {
        let folder = tempfile::tempdir().unwrap();
        for file in files.iter().chain([&of]) {
            std::fs::write(folder.path().join(file), b"x").unwrap();
        }
        let twin = find(&folder.path().join(of))?;
        assert_eq!(twin.path.parent(), Some(folder.path()));
        Some((twin.path.file_name()?.to_str()?.to_owned(), twin.role))
    }

    #[test]
    fn a_model_and_its_twin_find_each_other() {
        for quantized in [
            "x.int8.onnx",
            "x-int8.onnx",
            "x_int8.onnx",
            "x_quant.onnx",
            "x.quant.onnx",
            "x_quantized.onnx",
            "x-qdq.onnx",
            "x_uint8.onnx",
            "X_INT8.ONNX",
            "x_int8_qdq.onnx",
        ] {
            for full in ["x.onnx", "x.fp32.onnx", "x_fp32.onnx", "X.onnx", "x-float32.onnx"] {
                assert_eq!(twin_among(&[quantized], full), Some((quantized.into(), Role::Quantized)), "{full}");
                assert_eq!(twin_among(&[full], quantized), Some((full.into(), Role::FullPrecision)), "{quantized}");
            }
        }
    }

    #[test]
    fn of_several_the_choice_is_always_the_same() {
        let all = ["x_quant.onnx", "x_int8.onnx", "x-int8.onnx", "x.int8.onnx", "x_dynamic.onnx", "y.int8.onnx"];
        let name = |files: &[&str], of| twin_among(files, of).map(|(name, _)| name);
        assert_eq!(name(&all, "x.onnx").as_deref(), Some("x.int8.onnx"));
        assert_eq!(name(&all[..3], "x.onnx").as_deref(), Some("x-int8.onnx"));
        assert_eq!(name(&["x_fp32.onnx", "x.onnx", "x.fp32.onnx"], "x.int8.onnx").as_deref(), Some("x.onnx"));
        assert_eq!(name(&["x_fp32.onnx", "x.fp32.onnx"], "x.int8.onnx").as_deref(), Some("x.fp32.onnx"));
    }

    #[test]
    fn twins_are_known_by_content_whatever_they_are_called() {
        use crate::onnx::proto::{ModelProto, StringStringEntryProto};
        use prost::Message;
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("parent.onnx"), "the weights").unwrap();
        std::fs::write(file("other.onnx"), "of the size").unwrap();
        let sha256 = sha256_of(&file("parent.onnx")).unwrap();
        let pair = |key: &str, value: String| StringStringEntryProto { key: key.into(), value, ..Default::default() };
        let metadata_props = vec![pair(PARENT_SHA256, sha256), pair(PARENT_BYTES, "11".into())];
        let twin = ModelProto { ir_version: 8, metadata_props, ..Default::default() };
        std::fs::write(file("made.onnx"), twin.encode_to_vec()).unwrap();
        let found = |name: &str| find_by_content(&file(name)).map(|twin| (twin.path, twin.role));
        assert_eq!(found("parent.onnx"), Some((file("made.onnx"), Role::Quantized)));
        assert_eq!(found("made.onnx"), Some((file("parent.onnx"), Role::FullPrecision)));
        assert_eq!(found("other.onnx"), None);
    }

    #[test]
    fn a_family_is_listed_from_full_precision_to_quantized() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["x.qat.onnx", "x.onnx", "x.int8.onnx", "x_fp16.onnx", "xy.onnx", "x.toml"] {
            std::fs::write(folder.path().join(file), b"x").unwrap();
        }
        for of in ["x.onnx", "x.qat.onnx", "x_fp16.onnx"] {
            let names: Vec<_> = family(&folder.path().join(of))
                .iter()
                .map(|member| member.path.file_name().unwrap().to_str().unwrap().to_owned())
                .collect();
            assert_eq!(names, ["x.onnx", "x_fp16.onnx", "x.int8.onnx", "x.qat.onnx"], "{of}");
        }
        let twin = find(&folder.path().join("x_fp16.onnx")).unwrap();
        assert_eq!((twin.path.ends_with("x.int8.onnx"), twin.role), (true, Role::Quantized));
        assert_eq!(ending(Path::new("a/x.QAT.onnx")).as_deref(), Some("qat"));
        assert_eq!(ending(Path::new("x.onnx")), None);
    }

    #[test]
    fn what_only_looks_alike_is_no_twin() {
        for (other, of) in [
            ("xint8.onnx", "x.onnx"),
            ("x_int8.txt", "x.onnx"),
            ("y_int8.onnx", "x.onnx"),
            ("x_fp32.onnx", "x.onnx"),
            ("x_uint8_nhwc.onnx", "x.onnx"),
            ("x.onnx", "x_int8.txt"),
            (".onnx", "_int8.onnx"),
        ] {
            assert_eq!(twin_among(&[other], of), None, "{other} for {of}");
        }
        assert_eq!(find(Path::new("/no/such/folder/x.onnx")), None);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("x.int8.onnx")).unwrap();
        assert_eq!(find(&folder.path().join("x.onnx")), None, "a folder is no twin");
    }
}
