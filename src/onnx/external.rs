//! Weights kept in files of their own: where they are allowed to be, and whether they are there.

use super::OnnxError;
use super::proto::{DataLocation, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Checks that every external data file lies in the model's folder, exists, and is long enough.
/// Returns the sizes of these files added up, each counted once.
pub(super) fn check(model: &ModelProto, path: &Path) -> Result<u64, OnnxError> {
    let mut needed: BTreeMap<String, u64> = BTreeMap::new();
    let mut refused = None;
    for_each_tensor(model, &mut |tensor| {
        if tensor.data_location != Some(DataLocation::External as i32) || refused.is_some() {
            return;
        }
        let location = entry(tensor, "location").unwrap_or_default();
        if !is_plain_relative(location) {
            refused = Some((tensor.name.clone(), location.to_owned()));
            return;
        }
        let number = |key| entry(tensor, key).and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
        let end = number("offset").saturating_add(number("length"));
        let known = needed.entry(location.to_owned()).or_default();
        *known = (*known).max(end);
    });
    if let Some((tensor, location)) = refused {
        return Err(OnnxError::ExternalDataOutside { path: path.to_owned(), tensor, location });
    }
    let mut total = 0u64;
    for (location, end) in &needed {
        total = total.saturating_add(checked_size(path, location, *end)?);
    }
    Ok(total)
}

/// Size of one external data file, after the checks that need the file system.
fn checked_size(path: &Path, location: &str, end: u64) -> Result<u64, OnnxError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let missing = || OnnxError::ExternalDataMissing { path: path.to_owned(), location: location.to_owned() };
    let real = folder.join(location).canonicalize().map_err(|_| missing())?;
    // A link may lead to where the model itself really lies (a download cache links both), nowhere else.
    let homes = [folder.canonicalize().ok(), path.canonicalize().ok().and_then(|p| p.parent().map(Path::to_owned))];
    if !homes.iter().flatten().any(|home| real.starts_with(home)) {
        let (tensor, location) = (String::from("(all)"), location.to_owned());
        return Err(OnnxError::ExternalDataOutside { path: path.to_owned(), tensor, location });
    }
    let metadata = real.metadata().map_err(|_| missing())?;
    if !metadata.is_file() {
        return Err(missing());
    }
    if metadata.len() < end {
        return Err(OnnxError::ExternalDataTruncated {
            path: path.to_owned(),
            location: location.to_owned(),
            expected: end,
            found: metadata.len(),
        });
    }
    Ok(metadata.len())
}

/// Whether a location is a relative path without a way up, on every operating system.
fn is_plain_relative(location: &str) -> bool {
    let up_or_drive = location.split(['/', '\\']).any(|part| part == "..") || location.contains(':');
    !location.is_empty()
        && !location.starts_with(['/', '\\'])
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
    }
}

fn in_graph<'a>(graph: &'a GraphProto, visit: &mut impl FnMut(&'a TensorProto)) {
    graph.initializer.iter().for_each(&mut *visit);
    graph.sparse_initializer.iter().for_each(|sparse| in_sparse(sparse, visit));
    in_nodes(&graph.node, visit);
}

fn in_nodes<'a>(nodes: &'a [NodeProto], visit: &mut impl FnMut(&'a TensorProto)) {
    for attribute in nodes.iter().flat_map(|node| &node.attribute) {
        attribute.t.iter().chain(&attribute.tensors).for_each(&mut *visit);
        attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors).for_each(|sparse| in_sparse(sparse, visit));
        attribute.g.iter().chain(&attribute.graphs).for_each(|graph| in_graph(graph, visit));
    }
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
        for bad in ["", "/etc/passwd", "../weights.bin", "a/../../b", "..\\b", "C:\\weights", "\\\\host\\b", "a/.."] {
            assert!(!is_plain_relative(bad), "{bad}");
        }
    }
}
