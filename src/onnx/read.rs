//! Reading a model from a file, with an error that says what is wrong with it.

use super::proto::ModelProto;
use super::{OnnxError, external, footprint};
use prost::Message;
use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Protobuf's own limit for one message.
pub(super) const MAX_BYTES: u64 = (1 << 31) - 1;

/// Memory that the parts of any model may take beside its weights.
const PARTS_BASE: u64 = 256 << 20;
/// The same, for each byte of the file. Lists of numbers take up to eight bytes for one.
const PARTS_PER_BYTE: u64 = 8;
/// The same, however large the file is.
const PARTS_MAX: u64 = 8 << 30;

/// Reads and checks an ONNX file: it is whole, it has a graph with nodes, and its external data files lie in its
/// own folder and are there. The outer fields are walked first, so that noise or a cut-off download of gigabytes is
/// refused without being read; and the parts are counted before they are decoded, so that memory stays in proportion
/// to the size of the file.
///
/// # Errors
/// One sentence that names the file, the reason and the remedy, see [`OnnxError`].
pub fn read(path: &Path) -> Result<ModelProto, OnnxError> {
    let io = |source| OnnxError::Io { path: path.to_owned(), source };
    let length = checked_length(path)?;
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    check_outside(&mut reader, length, path)?;
    let bytes = contents(&mut reader, length).map_err(io)?;
    decode(bytes, path)
}

/// [`read`] of bytes in memory, as if they were those of the file at `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<ModelProto, OnnxError> {
    if bytes.is_empty() {
        return Err(OnnxError::Empty { path: path.to_owned() });
    }
    check_outside(&mut Cursor::new(bytes.as_slice()), bytes.len() as u64, path)?;
    decode(bytes, path)
}

/// Looks at the outermost fields and at the name, without reading what is inside.
fn check_outside<R: Read + Seek>(reader: &mut R, length: u64, path: &Path) -> Result<(), OnnxError> {
    let io = |source| OnnxError::Io { path: path.to_owned(), source };
    // ONNX Runtime goes by the name and would take the file for its own format, which is not checked here.
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ort")) {
        let reason = "files named .ort are in ONNX Runtime's own ORT format".to_owned();
        return Err(OnnxError::NotOnnx { path: path.to_owned(), reason });
    }
    match walk(reader, length).map_err(io)? {
        Walk::Whole => Ok(()),
        Walk::CutOff { expected } => Err(OnnxError::Truncated { path: path.to_owned(), expected, found: length }),
        Walk::Foreign => {
            let reason = what_it_seems(reader);
            Err(OnnxError::NotOnnx { path: path.to_owned(), reason })
        }
    }
}

fn decode(bytes: Vec<u8>, path: &Path) -> Result<ModelProto, OnnxError> {
    let damaged = |reason: String| OnnxError::Damaged { path: path.to_owned(), reason };
    let limit = PARTS_MAX.min(PARTS_BASE + PARTS_PER_BYTE * bytes.len() as u64);
    match footprint::of_parts(&bytes, limit) {
        None => return Err(damaged("it holds groups, which ONNX does not know".into())),
        Some(parts) if parts > limit => {
            return Err(OnnxError::TooManyParts { path: path.to_owned(), limit_mib: limit >> 20 });
        }
        Some(_) => {}
    }
    let model =
        ModelProto::decode(bytes.as_slice()).map_err(|error| damaged(what_the_decoder_means(&error.to_string())))?;
    drop(bytes);
    check_model(&model, path)?;
    external::check(&model, path)?;
    Ok(model)
}

/// The decoder names every level down to where it stumbled.
fn what_the_decoder_means(said: &str) -> String {
    const REASON_CHARACTERS: usize = 200;
    if said.contains("recursion limit") {
        return "it is nested deeper than the format allows (100 levels)".to_owned();
    }
    let reason = said.trim_start_matches("failed to decode Protobuf message: ");
    super::words::clipped(reason, REASON_CHARACTERS).into_owned()
}

fn checked_length(path: &Path) -> Result<u64, OnnxError> {
    let owned = || path.to_owned();
    let metadata = path.metadata().map_err(|source| match source.kind() {
        ErrorKind::NotFound => OnnxError::Missing { path: owned() },
        _ => OnnxError::Io { path: owned(), source },
    })?;
    match metadata.len() {
        _ if metadata.is_dir() => Err(OnnxError::Directory { path: owned() }),
        _ if !metadata.is_file() => Err(OnnxError::NotAFile { path: owned() }),
        0 => Err(OnnxError::Empty { path: owned() }),
        bytes if bytes > MAX_BYTES => Err(OnnxError::TooLarge { path: owned(), bytes }),
        bytes => Ok(bytes),
    }
}

fn contents(reader: &mut BufReader<File>, length: u64) -> std::io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize).map_err(|_| std::io::Error::from(ErrorKind::OutOfMemory))?;
    reader.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_model(model: &ModelProto, path: &Path) -> Result<(), OnnxError> {
    let damaged = |reason: &str| Err(OnnxError::Damaged { path: path.to_owned(), reason: reason.to_owned() });
    let Some(graph) = &model.graph else {
        return Err(OnnxError::NotOnnx { path: path.to_owned(), reason: "it holds no graph".into() });
    };
    if graph.node.is_empty() {
        return Err(OnnxError::NotOnnx { path: path.to_owned(), reason: "its graph holds no operators".into() });
    }
    if graph.output.is_empty() {
        return damaged("its graph has no outputs");
    }
    // Operator sets came with IR version 3; before, there was one only.
    if model.ir_version >= 3 && model.opset_import.is_empty() {
        return damaged("it does not say which operator set it uses");
    }
    Ok(())
}

/// What the outer fields of a file say.
enum Walk {
    /// They end where the file ends.
    Whole,
    /// It begins as a model, but a field goes on to `expected`, behind the end of the file.
    CutOff { expected: u64 },
    /// These are no fields of a model.
    Foreign,
}

/// Goes over the outermost fields without reading what is in them.
fn walk<R: Read + Seek>(reader: &mut R, length: u64) -> std::io::Result<Walk> {
    const VARINT: u64 = 0;
    const DELIMITED: u64 = 2;
    let mut position = 0u64;
    let mut begins_as_model = false;
    while position < length {
        let Some(tag) = varint(reader, &mut position)? else { return Ok(end(begins_as_model, position)) };
        let (field, wire) = (tag >> 3, tag & 7);
        let right = match field {
            1 | 5 => wire == VARINT,
            2..=4 | 6..=8 | 14 | 20 | 25 | 26 | 30 => wire == DELIMITED,
            // Room for fields of later versions of the format.
            9..=100 => wire == VARINT || wire == DELIMITED,
            _ => false,
        };
        if !right {
            return Ok(Walk::Foreign);
        }
        let Some(value) = varint(reader, &mut position)? else { return Ok(end(begins_as_model, position)) };
        // Every writer puts the version of the format first; its numbers are small.
        begins_as_model |= field == 1 && (1..1000).contains(&value);
        if wire == DELIMITED {
            let expected = position.saturating_add(value);
            if expected > length || i64::try_from(value).is_err() {
                return Ok(end(begins_as_model, expected));
            }
            reader.seek_relative(value as i64)?;
            position = expected;
        }
    }
    Ok(Walk::Whole)
}

fn end(begins_as_model: bool, expected: u64) -> Walk {
    if begins_as_model { Walk::CutOff { expected } } else { Walk::Foreign }
}

/// One number of protobuf's variable length; none at the end of the file or where it is longer than 10 bytes.
/// `position` counts one byte more than there is where the file ends inside it.
pub(super) fn varint(reader: &mut impl Read, position: &mut u64) -> std::io::Result<Option<u64>> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0u8];
        *position += 1;
        if reader.read(&mut byte)? == 0 {
            return Ok(None);
        }
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Names the formats that are most often taken for ONNX.
fn what_it_seems<R: Read + Seek>(reader: &mut R) -> String {
    let mut head = [0u8; 64];
    let count = reader.seek(SeekFrom::Start(0)).and_then(|_| reader.read(&mut head)).unwrap_or(0);
    let head = &head[..count];
    let seems = if head.starts_with(b"PK\x03\x04") {
        "it is a ZIP archive, as PyTorch checkpoints (.pt) are"
    } else if head.starts_with(b"version https://git-lfs") {
        "it is a Git LFS pointer, not the file itself"
    } else if head.get(4..8) == Some(b"TFL3") {
        "it is a TensorFlow Lite model"
    } else if head.get(4..8) == Some(b"ORTM") {
        "it is a model in ONNX Runtime's own ORT format"
    } else if head.starts_with(b"\x89HDF") {
        "it is an HDF5 file, as Keras models (.h5) are"
    } else if head.starts_with(b"\x89PNG") || head.starts_with(b"\xff\xd8\xff") {
        "it is a picture"
    } else if head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        "it is a text file"
    } else {
        "its bytes are not those of an ONNX model"
    };
    seems.to_owned()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
