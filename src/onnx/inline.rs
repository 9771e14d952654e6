//! Bringing weights that lie in files of their own into the model.

use super::proto::{AttributeProto, DataLocation, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};
use super::read::MAX_BYTES;
use super::{OnnxError, external};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Reads all external data of the model at `path` into it. Returns how many tensors had some.
///
/// # Errors
/// When a file of it is refused or not there, as in [`super::read`], or all of them would make more than a message may
/// have.
pub fn inline_external(model: &mut ModelProto, path: &Path) -> Result<usize, OnnxError> {
    let bytes = external::check(model, path)?;
    if bytes > MAX_BYTES {
        return Err(OnnxError::TooLargeToWrite { path: path.to_owned(), bytes });
    }
    let (mut count, mut total) = (0, 0u64);
    let mut failed = None;
    let visit = &mut |tensor: &mut TensorProto| {
        let is_external = tensor.data_location.is_some_and(|place| place != DataLocation::Default as i32);
        if is_external && failed.is_none() {
            count += 1;
            // Many tensors may share the same bytes of a file.
            failed = take_in(tensor, path, &mut total).err();
        }
    };
    if let Some(graph) = &mut model.graph {
        in_graph(graph, visit);
    }
    model.functions.iter_mut().for_each(|function| in_nodes(&mut function.node, visit));
    failed.map_or(Ok(count), Err)
}

fn take_in(tensor: &mut TensorProto, path: &Path, total: &mut u64) -> Result<(), OnnxError> {
    let (location, start, end) = external::place_of(tensor, path)?;
    *total = total.saturating_add(end - start);
    if *total > MAX_BYTES {
        return Err(OnnxError::TooLargeToWrite { path: path.to_owned(), bytes: *total });
    }
    let file = path.parent().unwrap_or(Path::new("")).join(location);
    let mut raw = Vec::new();
    let read = File::open(&file).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.take(end - start).read_to_end(&mut raw)
    });
    read.map_err(|source| OnnxError::Io { path: file, source })?;
    tensor.raw_data = Some(raw);
    tensor.data_location = None;
    tensor.external_data.clear();
    Ok(())
}

fn in_graph(graph: &mut GraphProto, visit: &mut impl FnMut(&mut TensorProto)) {
    graph.initializer.iter_mut().for_each(&mut *visit);
    graph.sparse_initializer.iter_mut().for_each(|sparse| in_sparse(sparse, visit));
    in_nodes(&mut graph.node, visit);
}

fn in_nodes(nodes: &mut [NodeProto], visit: &mut impl FnMut(&mut TensorProto)) {
    nodes.iter_mut().flat_map(|node| &mut node.attribute).for_each(|attribute| in_attribute(attribute, visit));
}

fn in_attribute(attribute: &mut AttributeProto, visit: &mut impl FnMut(&mut TensorProto)) {
    attribute.t.iter_mut().chain(&mut attribute.tensors).for_each(&mut *visit);
    let sparse = attribute.sparse_tensor.iter_mut().chain(&mut attribute.sparse_tensors);
    sparse.for_each(|sparse| in_sparse(sparse, visit));
    attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(|graph| in_graph(graph, visit));
}

fn in_sparse(sparse: &mut SparseTensorProto, visit: &mut impl FnMut(&mut TensorProto)) {
    sparse.values.iter_mut().chain(&mut sparse.indices).for_each(visit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{DataType, StringStringEntryProto};

    #[test]
    fn weights_are_taken_from_their_place_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("w.bin"), [9, 9, 9, 9, 0, 0, 128, 63, 7]).unwrap();
        let pair = |key: &str, value: &str| StringStringEntryProto {
            key: key.into(),
            value: value.into(),
            ..Default::default()
        };
        let tensor = TensorProto {
            dims: vec![1],
            data_type: DataType::Float as i32,
            data_location: Some(DataLocation::External as i32),
            external_data: vec![pair("location", "w.bin"), pair("offset", "4")],
            ..Default::default()
        };
        let graph = GraphProto { initializer: vec![tensor], ..Default::default() };
        let mut model = ModelProto { graph: Some(graph), ..Default::default() };
        assert_eq!(inline_external(&mut model, &folder.path().join("m.onnx")).unwrap(), 1);
        let tensor = &model.graph.as_ref().unwrap().initializer[0];
        assert_eq!((tensor.floats(), tensor.external_data.len()), (Some(vec![1.0]), 0));
        assert_eq!(inline_external(&mut model, &folder.path().join("m.onnx")).unwrap(), 0);
    }
}
