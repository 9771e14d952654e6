use super::*;
use crate::onnx::proto::{
    DataLocation, GraphProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use proptest::prelude::*;
use std::path::PathBuf;

/// A model of one node whose weights lie inside (`location` none) or in a file.
fn model(location: Option<(&str, u64)>) -> ModelProto {
    let mut weight = TensorProto { name: "w".into(), dims: vec![64], data_type: 1, ..Default::default() };
    match location {
        None => weight.raw_data = Some(vec![7; 256]),
        Some((location, length)) => {
            weight.data_location = Some(DataLocation::External as i32);
            let pair = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
            weight.external_data = vec![pair("location", location.into()), pair("length", length.to_string())];
        }
    }
    let node = NodeProto {
        op_type: "Add".into(),
        input: vec!["x".into(), "w".into()],
        output: vec!["y".into()],
        ..Default::default()
    };
    let graph = GraphProto {
        node: vec![node],
        initializer: vec![weight],
        input: vec![ValueInfoProto { name: "x".into(), ..Default::default() }],
        output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        producer_name: "test".into(),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: Some(13) }],
        graph: Some(graph),
        ..Default::default()
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The error, whose text must be one line that names the file.
fn refusal(path: &Path) -> OnnxError {
    let error = read(path).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()) && !text.contains('\n'), "{text}");
    error
}

#[test]
fn a_model_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "m.onnx", &model(None).encode_to_vec());
    assert_eq!(read(&path).unwrap(), model(None));
}

#[test]
fn every_kind_of_bad_file_has_its_own_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| write(folder.path(), name, bytes);
    assert!(matches!(refusal(&folder.path().join("none.onnx")), OnnxError::Missing { .. }));
    assert!(matches!(refusal(folder.path()), OnnxError::Directory { .. }));
    assert!(matches!(refusal(&at("empty.onnx", b"")), OnnxError::Empty { .. }));
    let huge = at("huge.onnx", b"");
    File::options().write(true).open(&huge).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert!(matches!(refusal(&huge), OnnxError::TooLarge { .. }));
    for (bytes, word) in [
        (&b"PK\x03\x04........"[..], "ZIP"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x1c\0\0\0TFL3\0\0", "TensorFlow Lite"),
        (b"hello, this is a text\n", "text file"),
        (b"\xff\xfe\xfd\xfc\xfb", "not those of an ONNX model"),
    ] {
        let error = refusal(&at("foreign.onnx", bytes));
        assert!(matches!(&error, OnnxError::NotOnnx { reason, .. } if reason.contains(word)), "{error}");
    }
    let mut no_nodes = model(None);
    no_nodes.graph.as_mut().unwrap().node.clear();
    assert!(matches!(refusal(&at("a.onnx", &no_nodes.encode_to_vec())), OnnxError::NotOnnx { .. }));
    let no_graph = ModelProto { graph: None, ..model(None) };
    assert!(matches!(refusal(&at("b.onnx", &no_graph.encode_to_vec())), OnnxError::NotOnnx { .. }));
    let no_opset = ModelProto { opset_import: vec![], ..model(None) };
    assert!(matches!(refusal(&at("c.onnx", &no_opset.encode_to_vec())), OnnxError::Damaged { .. }));
}

#[test]
fn a_cut_off_file_says_how_much_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = model(None).encode_to_vec();
    let path = write(folder.path(), "m.onnx", &bytes[..bytes.len() / 2]);
    let OnnxError::Truncated { expected, found, .. } = refusal(&path) else { panic!("not seen as truncated") };
    assert_eq!(found as usize, bytes.len() / 2);
    assert!(expected > found && expected as usize <= bytes.len());
}

#[test]
fn two_gigabytes_of_noise_are_refused_without_reading_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "noise.onnx", &[0xa7; 4096]);
    File::options().write(true).open(&path).unwrap().set_len(MAX_BYTES).unwrap();
    let start = std::time::Instant::now();
    assert!(matches!(refusal(&path), OnnxError::NotOnnx { .. }));
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
fn external_data_must_lie_beside_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    write(folder.path(), "secret", &[1; 256]);
    write(&home, "w.data", &[1; 256]);
    let try_location = |location: &str, length| {
        let path = write(&home, "m.onnx", &model(Some((location, length))).encode_to_vec());
        read(&path).map(|_| ())
    };
    try_location("w.data", 256).unwrap();
    assert!(matches!(try_location("w.data", 257), Err(OnnxError::ExternalDataTruncated { .. })));
    assert!(matches!(try_location("gone.data", 1), Err(OnnxError::ExternalDataMissing { .. })));
    let absolute = folder.path().join("secret").display().to_string();
    for outside in ["../secret", &absolute, "x/../../secret", ""] {
        assert!(matches!(try_location(outside, 1), Err(OnnxError::ExternalDataOutside { .. })), "{outside}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_may_not_lead_out_of_the_folder_but_a_linked_pair_is_fine() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (home, store) = (folder.path().join("home"), folder.path().join("store"));
    std::fs::create_dir(&home).unwrap();
    std::fs::create_dir(&store).unwrap();
    write(&store, "w.data", &[1; 256]);
    symlink(store.join("w.data"), home.join("w.data")).unwrap();
    let bytes = model(Some(("w.data", 256))).encode_to_vec();
    let path = write(&home, "m.onnx", &bytes);
    assert!(matches!(refusal(&path), OnnxError::ExternalDataOutside { .. }));
    let stored = write(&store, "m.onnx", &bytes);
    std::fs::remove_file(&path).unwrap();
    symlink(stored, &path).unwrap();
    read(&path).unwrap();
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        prop_assert!(read(&write(folder.path(), "m.onnx", &bytes)).is_err());
    }

    #[test]
    fn a_damaged_model_never_panics(cut in 0usize..400, at in 0usize..400, value in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = model(None).encode_to_vec();
        let index = at % bytes.len();
        bytes[index] = value;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let _ = read(&write(folder.path(), "m.onnx", &bytes));
    }
}
