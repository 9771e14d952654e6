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
            let pair =
                |key: &str, value: String| StringStringEntryProto { key: key.into(), value, ..Default::default() };
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
        opset_import: vec![OperatorSetIdProto { version: Some(13), ..Default::default() }],
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

#[test]
fn external_data_must_be_told_clearly_and_be_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "w.data", &[1; 256]);
    let pair =
        |key: &str, value: &str| StringStringEntryProto { key: key.into(), value: value.into(), ..Default::default() };
    let try_entries = |entries: &[(&str, &str)]| {
        let mut model = model(Some(("w.data", 256)));
        let weight = &mut model.graph.as_mut().unwrap().initializer[0];
        weight.external_data = entries.iter().map(|(key, value)| pair(key, value)).collect();
        let path = write(folder.path(), "m.onnx", &model.encode_to_vec());
        read(&path).map(|_| ())
    };
    let place = ("location", "w.data");
    try_entries(&[place, ("checksum", "abc")]).unwrap();
    try_entries(&[place, ("offset", "0"), ("length", "256")]).unwrap();
    // The tensor of 64 floats is as long as it is, whether its length is given or not.
    let late = try_entries(&[place, ("offset", "1")]).unwrap_err();
    assert!(matches!(late, OnnxError::ExternalDataTruncated { expected: 257, found: 256, .. }), "{late}");
    for offset in ["18446744073709551615", "257"] {
        let error = try_entries(&[place, ("offset", offset)]).unwrap_err();
        assert!(matches!(error, OnnxError::ExternalDataTruncated { .. }), "{error}");
    }
    for unclear in [
        &[place, ("offset", "-4")][..],
        &[place, ("length", "many")],
        &[place, ("offset", "18446744073709551616")],
        &[place, ("location", "../secret")],
        &[place, ("length", "4"), ("length", "256")],
    ] {
        let error = try_entries(unclear).unwrap_err();
        assert!(matches!(error, OnnxError::ExternalDataUnclear { .. }), "{error}");
    }
    // Addresses in ONNX Runtime's own memory, even where a file of that name lies there.
    let address = folder.path().join("*/_ORT_MEM_ADDR_");
    std::fs::create_dir_all(&address).unwrap();
    std::fs::write(address.join("*"), [1; 256]).unwrap();
    let error = try_entries(&[("location", "*/_ORT_MEM_ADDR_/*")]).unwrap_err();
    assert!(matches!(error, OnnxError::ExternalDataOutside { .. }), "{error}");
    // A pipe would be waited at for ever.
    let fifo = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    if fifo.is_ok_and(|status| status.success()) {
        let error = try_entries(&[("location", "pipe")]).unwrap_err();
        assert!(matches!(error, OnnxError::ExternalDataMissing { .. }), "{error}");
    }
}

#[test]
fn weights_outside_are_found_wherever_a_tensor_can_hide() {
    use crate::onnx::proto::{AttributeProto, FunctionProto, SparseTensorProto, TrainingInfoProto};
    let folder = tempfile::tempdir().unwrap();
    let tensor = || model(Some(("../secret", 1))).graph.unwrap().initializer.remove(0);
    let attribute = || AttributeProto { t: Some(tensor()), ..Default::default() };
    let graph = || GraphProto { initializer: vec![tensor()], ..Default::default() };
    let sparse = || SparseTensorProto { values: Some(tensor()), ..Default::default() };
    let node = |attribute| NodeProto { attribute: vec![attribute], ..Default::default() };
    let with = |change: &dyn Fn(&mut ModelProto)| {
        let mut model = model(None);
        change(&mut model);
        read(&write(folder.path(), "m.onnx", &model.encode_to_vec()))
    };
    let in_node =
        |attribute: AttributeProto| with(&|model| model.graph.as_mut().unwrap().node.push(node(attribute.clone())));
    let found = [
        in_node(attribute()),
        in_node(AttributeProto { tensors: vec![tensor()], ..Default::default() }),
        in_node(AttributeProto { g: Some(graph()), ..Default::default() }),
        in_node(AttributeProto { graphs: vec![graph()], ..Default::default() }),
        in_node(AttributeProto { sparse_tensor: Some(sparse()), ..Default::default() }),
        with(&|model| model.graph.as_mut().unwrap().sparse_initializer.push(sparse())),
        with(&|model| {
            model.functions = vec![FunctionProto { node: vec![node(attribute())], ..Default::default() }];
        }),
        with(&|model| {
            model.functions = vec![FunctionProto { attribute_proto: vec![attribute()], ..Default::default() }];
        }),
        with(&|model| {
            model.training_info = vec![TrainingInfoProto { algorithm: Some(graph()), ..Default::default() }];
        }),
    ];
    for (number, outcome) in found.into_iter().enumerate() {
        assert!(matches!(outcome, Err(OnnxError::ExternalDataOutside { .. })), "place {number}");
    }
}

#[test]
fn a_file_of_nothing_but_parts_is_refused_before_it_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    // Two bytes each: attributes of a node, which take a thousand times as much once they are decoded.
    let attributes = [0x2a, 0].repeat(4 << 20);
    let mut node = vec![0x0a];
    prost::encoding::encode_varint(attributes.len() as u64, &mut node);
    node.extend(attributes);
    let mut bytes = vec![0x08, 8, 0x3a];
    prost::encoding::encode_varint(node.len() as u64, &mut bytes);
    bytes.extend(node);
    let begin = std::time::Instant::now();
    assert!(matches!(refusal(&write(folder.path(), "m.onnx", &bytes)), OnnxError::TooManyParts { .. }));
    assert!(begin.elapsed().as_millis() < 1000, "{:?}", begin.elapsed());
}

#[test]
fn what_onnx_runtime_would_take_for_its_own_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "m.ORT", &model(None).encode_to_vec());
    assert!(matches!(refusal(&path), OnnxError::NotOnnx { .. }));
}

#[test]
fn names_in_a_refusal_stay_on_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = model(Some(("../a\nb\u{1b}[2J", 1)));
    model.graph.as_mut().unwrap().initializer[0].name = "n\r\n".repeat(1000);
    let text = refusal(&write(folder.path(), "m.onnx", &model.encode_to_vec())).to_string();
    assert!(!text.contains(char::is_control) && text.len() < 1000, "{text:?}");
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
