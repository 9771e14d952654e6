//! Weights kept in files of their own: where they are allowed to be, and whether they are there.

use super::OnnxError;
use super::proto::{
    AttributeProto, DataLocation, DataType, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Checks that every external data file lies in the model's folder, exists, and is long enough.
/// Returns the sizes of these files added up, each counted once.
///
/// What lies there may be exchanged between this check and the moment when ONNX Runtime opens it, by whoever may write
/// into that folder; ONNX Runtime looks at the path a second time.
pub(super) fn check(model: &ModelProto, path: &Path) -> Result<u64, OnnxError> {
    let mut needed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut refused = None;
    for_each_tensor(model, &mut |tensor| {
        let is_external = tensor.data_location.is_some_and(|place| place != DataLocation::Default as i32);
        if refused.is_some() || !is_external {
            return;
        }
        match place_of(tensor, path) {
            Ok((location, _, end)) => {
                let known = needed.entry(location).or_default();
                *known = (*known).max(end);
            }
            Err(error) => refused = Some(error),
        }
    });
    if let Some(error) = refused {
        return Err(error);
    }
    let mut total = 0u64;
    for (location, end) in needed {
        total = total.saturating_add(checked_size(path, location, end)?);
    }
    Ok(total)
}

/// The file that a tensor lies in, and where in it the tensor begins and ends.
pub(super) fn place_of<'a>(tensor: &'a TensorProto, path: &Path) -> Result<(&'a str, u64, u64), OnnxError> {
    let tensor_name = || super::words::shown(&tensor.name).into_owned();
    let unclear =
        |reason: String| Err(OnnxError::ExternalDataUnclear { path: path.to_owned(), tensor: tensor_name(), reason });
    // Of a key that is given twice some readers take the first and others the last.
    for key in ["location", "offset", "length"] {
        if tensor.external_data.iter().filter(|pair| pair.key == key).count() > 1 {
            return unclear(format!("{key} is given more than once"));
        }
    }
    let location = entry(tensor, "location").unwrap_or_default();
    if !is_plain_relative(location) {
        let location = super::words::shown(location).into_owned();
        return Err(OnnxError::ExternalDataOutside { path: path.to_owned(), tensor: tensor_name(), location });
    }
    let mut numbers = [0u64, bytes_of_shape(tensor)];
    for (key, number) in ["offset", "length"].into_iter().zip(&mut numbers) {
        if let Some(text) = entry(tensor, key) {
            match text.trim().parse() {
                Ok(value) => *number = value,
                Err(_) => return unclear(format!("{key} is no number of bytes")),
            }
        }
    }
    Ok((location, numbers[0], numbers[0].saturating_add(numbers[1])))
}

/// Bytes that a tensor of this shape has; 0 where its type does not say.
fn bytes_of_shape(tensor: &TensorProto) -> u64 {
    let bits = DataType::try_from(tensor.data_type).ok().and_then(DataType::bits).unwrap_or(0);
    let sides = tensor.dims.iter().map(|side| u64::try_from(*side).unwrap_or(0));
    sides.fold(1u64, u64::saturating_mul).saturating_mul(bits).div_ceil(8)
}

/// Size of one external data file, after the checks that need the file system.
fn checked_size(path: &Path, location: &str, end: u64) -> Result<u64, OnnxError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let shown = || super::words::shown(location).into_owned();
    let missing = || OnnxError::ExternalDataMissing { path: path.to_owned(), location: shown() };
    let real = folder.join(location).canonicalize().map_err(|_| missing())?;
    // A link may lead to where the model itself really lies (a download cache links both), nowhere else.
    let homes = [folder.canonicalize().ok(), path.canonicalize().ok().and_then(|p| p.parent().map(Path::to_owned))];
    if !homes.iter().flatten().any(|home| real.starts_with(home)) {
        let (path, tensor) = (path.to_owned(), String::from("(all)"));
        return Err(OnnxError::ExternalDataOutside { path, tensor, location: shown() });
    }
    let metadata = real.metadata().map_err(|_| missing())?;
    if !metadata.is_file() {
        return Err(missing());
    }
    if metadata.len() < end {
        return Err(OnnxError::ExternalDataTruncated {
            path: path.to_owned(),
            location: shown(),
            expected: end,
            found: metadata.len(),
        });
    }
    Ok(metadata.len())
}

/// Whether a location is a relative path without a way up, on every operating system. ONNX Runtime takes some locations
/// that begin with a star for addresses in its own memory.
fn is_plain_relative(location: &str) -> bool {
    let up_or_drive = location.split(['/', '\\']).any(|part| part == "..") || location.contains(':');
    !location.is_empty()
        && !location.starts_with(['/', '\\', '*'])
        && !location.contains('\0')
        && !up_or_drive
        && Path::new(location).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    tensor.external_data.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str())
}

/// Calls `visit` for every tensor of a model: initializers, attributes, subgraphs, functions, training graphs.
pub(super) fn for_each_tensor<'a>(model: &'a ModelProto, visit: &mut impl FnMut(&'a TensorProto)) {
    let training = model.training_info.iter().flat_map(|info| [&info.initialization, &info.algorithm]);
    for graph in model.graph.iter().chain(training.flatten()) {
        in_graph(graph, visit);
    }
    for function in &model.functions {
        in_nodes(&function.node, visit);
        function.attribute_proto.iter().for_each(|attribute| in_attribute(attribute, visit));
    }
}

fn in_graph<'a>(graph: &'a GraphProto, visit: &mut impl FnMut(&'a TensorProto)) {
    graph.initializer.iter().for_each(&mut *visit);
    graph.sparse_initializer.iter().for_each(|sparse| in_sparse(sparse, visit));
    in_nodes(&graph.node, visit);
}

fn in_nodes<'a>(nodes: &'a [NodeProto], visit: &mut impl FnMut(&'a TensorProto)) {
    nodes.iter().flat_map(|node| &node.attribute).for_each(|attribute| in_attribute(attribute, visit));
}

fn in_attribute<'a>(attribute: &'a AttributeProto, visit: &mut impl FnMut(&'a TensorProto)) {
    attribute.t.iter().chain(&attribute.tensors).for_each(&mut *visit);
    attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors).for_each(|sparse| in_sparse(sparse, visit));
    attribute.g.iter().chain(&attribute.graphs).for_each(|graph| in_graph(graph, visit));
}

fn in_sparse<'a>(sparse: &'a SparseTensorProto, visit: &mut impl FnMut(&'a TensorProto)) {
    sparse.values.iter().chain(&sparse.indices).for_each(visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_relative_path_may_name_weights() {
        for good in ["weights.bin", "data/weights.bin", "./weights.bin", "a..b.data"] {
            assert!(is_plain_relative(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../weights.bin",
            "a/../../b",
            "..\\b",
            "C:\\weights",
            "\\\\host\\b",
            "a/..",
            "*/_ORT_MEM_ADDR_/*",
            "a\0b",
        ] {
            assert!(!is_plain_relative(bad), "{bad}");
        }
    }
}
