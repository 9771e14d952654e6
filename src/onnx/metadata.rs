//! A file's metadata, without the rest of it.

use super::OnnxError;
use super::proto::StringStringEntryProto;
use super::read::varint;
use prost::Message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Longer entries are left out.
const ENTRY_BYTES: u64 = 1 << 20;

/// The metadata of the model at `path`: only its outermost fields are walked, so that it costs next to nothing however
/// large the file is. What is no model has none, or what can be read before it goes wrong.
///
/// # Errors
/// When the file cannot be read.
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, OnnxError> {
    walk(path).map_err(|source| OnnxError::Io { path: path.to_owned(), source })
}

fn walk(path: &Path) -> std::io::Result<BTreeMap<String, String>> {
    const METADATA: u64 = 14 << 3 | 2;
    let mut file = BufReader::new(File::open(path)?);
    let length = file.get_ref().metadata()?.len();
    let (mut position, mut found) = (0u64, BTreeMap::new());
    while position < length {
        let Some(tag) = varint(&mut file, &mut position)? else { break };
        let Some(value) = varint(&mut file, &mut position)? else { break };
        match tag & 7 {
            0 => {}
            2 if value <= length - position.min(length) => {
                position += value;
                if tag == METADATA && value <= ENTRY_BYTES {
                    let mut bytes = Vec::new();
                    file.by_ref().take(value).read_to_end(&mut bytes)?;
                    found.extend(StringStringEntryProto::decode(bytes.as_slice()).map(|pair| (pair.key, pair.value)));
                } else {
                    file.seek_relative(value as i64)?;
                }
            }
            _ => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{GraphProto, ModelProto};

    #[test]
    fn metadata_is_found_behind_a_graph_and_not_in_noise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.onnx");
        let pair = |key: &str| StringStringEntryProto { key: key.into(), value: "v".into(), ..Default::default() };
        let graph = GraphProto { name: "g".repeat(100_000), ..Default::default() };
        let metadata_props = vec![pair("a"), pair("b")];
        let model = ModelProto { ir_version: 8, graph: Some(graph), metadata_props, ..Default::default() };
        std::fs::write(&path, model.encode_to_vec()).unwrap();
        let keys: Vec<String> = metadata(&path).unwrap().into_keys().collect();
        assert_eq!(keys, ["a", "b"]);
        std::fs::write(&path, [0xff; 40]).unwrap();
        assert_eq!(metadata(&path).unwrap().len(), 0);
        assert!(metadata(&folder.path().join("none")).is_err());
    }
}
