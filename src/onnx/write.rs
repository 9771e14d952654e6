//! Writing a model: all of it or nothing.

use super::proto::ModelProto;
use super::{OnnxError, read::MAX_BYTES};
use prost::Message;
use std::io::Write;
use std::path::Path;

/// The bytes of a model, as they are written.
///
/// # Errors
/// When there would be more than a message may have. `path` is named then; nothing is written.
pub fn encoded(model: &ModelProto, path: &Path) -> Result<Vec<u8>, OnnxError> {
    let bytes = model.encoded_len() as u64;
    if bytes > MAX_BYTES {
        return Err(OnnxError::TooLargeToWrite { path: path.to_owned(), bytes });
    }
    Ok(model.encode_to_vec())
}

/// Writes a model to `path`, in place of what is there. It is written beside it first and then renamed, so that there is
/// never half a model under that name.
///
/// # Errors
/// When it would have more than 2 GiB, or cannot be written there.
pub fn write(model: &ModelProto, path: &Path) -> Result<(), OnnxError> {
    let bytes = encoded(model, path)?;
    write_bytes(&bytes, path).map_err(|source| OnnxError::Write { path: path.to_owned(), source })
}

fn write_bytes(bytes: &[u8], path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".quantscope-").suffix(".onnx.part");
    // Temporary files are for their owner alone; a model is a file like others, or like the one that it replaces.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map_or(0o644, |old| old.permissions().mode() & 0o777);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
    use crate::onnx::{parse, read};

    fn model() -> ModelProto {
        let node = NodeProto { op_type: "Relu".into(), output: vec!["y".into()], ..Default::default() };
        let output = ValueInfoProto { name: "y".into(), ..Default::default() };
        let graph = GraphProto { node: vec![node], output: vec![output], ..Default::default() };
        ModelProto { ir_version: 2, graph: Some(graph), ..Default::default() }
    }

    #[test]
    fn a_model_replaces_the_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.onnx");
        std::fs::write(&path, b"before").unwrap();
        write(&model(), &path).unwrap();
        assert_eq!(read(&path).unwrap(), model());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write(&model(), &folder.path().join("none/a.onnx")).unwrap_err().to_string();
        assert!(error.contains("a.onnx cannot be written"), "{error}");
    }

    #[test]
    fn more_than_two_gibibytes_are_refused_before_they_are_encoded() {
        // A zeroed gigabyte takes no memory until it is touched.
        let tensor = || TensorProto { raw_data: Some(vec![0; 1 << 30]), ..Default::default() };
        let mut model = model();
        model.graph.as_mut().unwrap().initializer = vec![tensor(), tensor()];
        let error = encoded(&model, Path::new("large.onnx")).unwrap_err().to_string();
        assert!(error.contains("large.onnx") && error.contains("2 GiB"), "{error}");
    }

    /// A field that no version of the format has: its number, and a text.
    fn unknown(number: u32, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        prost::encoding::string::encode(number, &text.to_owned(), &mut bytes);
        bytes
    }

    /// The encoded message with another field of a message appended.
    fn with(mut bytes: Vec<u8>, number: u32, inner: &[u8]) -> Vec<u8> {
        prost::encoding::bytes::encode(number, &inner.to_vec(), &mut bytes);
        bytes
    }

    #[test]
    fn unknown_fields_survive_at_every_level() {
        let attribute = with(AttributeProto::default().encode_to_vec(), 5, &unknown(77, "in a tensor"));
        let attribute = [attribute, unknown(1000, "in an attribute")].concat();
        let node = with(NodeProto { op_type: "Relu".into(), ..Default::default() }.encode_to_vec(), 5, &attribute);
        let mut node = [node, unknown(33, "in a node")].concat();
        prost::encoding::uint64::encode(34, &300, &mut node);
        prost::encoding::fixed64::encode(35, &7, &mut node);
        prost::encoding::fixed32::encode(36, &8, &mut node);
        // doc_string, explicitly empty: to protobuf not the same as absent.
        prost::encoding::string::encode(6, &String::new(), &mut node);
        let output = ValueInfoProto { name: "y".into(), ..Default::default() }.encode_to_vec();
        let graph = with(with(unknown(99, "in the graph"), 1, &node), 12, &output);
        let head = ModelProto { ir_version: 2, ..Default::default() }.encode_to_vec();
        let bytes = [with(head, 7, &graph), unknown(50, "in the model")].concat();
        let mut model = parse(bytes.clone(), Path::new("a.onnx")).unwrap();
        let written = model.encode_to_vec();
        assert_eq!(written.len(), bytes.len());
        assert_eq!(parse(written.clone(), Path::new("a.onnx")).unwrap(), model);
        for text in ["in a tensor", "in an attribute", "in a node", "in the graph", "in the model"] {
            assert!(written.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
        // An edit of a field that was explicitly empty is not undone by what was kept.
        model.graph.as_mut().unwrap().node[0].doc_string = "edited".into();
        let edited = parse(model.encode_to_vec(), Path::new("a.onnx")).unwrap();
        assert_eq!(edited.graph.unwrap().node[0].doc_string, "edited");
    }
}
