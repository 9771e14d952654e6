use super::*;
use prost::Message;

/// A message field: tag, length, contents.
fn field(number: u64, inner: &[u8]) -> Vec<u8> {
    let mut bytes = number_of(number << 3 | 2);
    bytes.extend(number_of(inner.len() as u64));
    bytes.extend(inner);
    bytes
}

fn number_of(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// `count` empty messages at the end of a path of fields.
fn empty_parts(path: &[u64], count: usize) -> Vec<u8> {
    let (last, outer) = path.split_last().unwrap();
    let parts = field(*last, b"").repeat(count);
    outer.iter().rev().fold(parts, |inner, number| field(*number, &inner))
}

#[test]
fn empty_parts_count_with_what_they_take_once_decoded() {
    const COUNT: usize = 1000;
    let table: [(&[u64], usize); 12] = [
        (&[7, 1], size_of::<proto::NodeProto>()),
        (&[7, 1, 5], size_of::<proto::AttributeProto>()),
        (&[7, 1, 5, 10], size_of::<proto::TensorProto>()),
        (&[7, 1, 5, 11], size_of::<proto::GraphProto>()),
        (&[7, 1, 5, 15], size_of::<proto::TypeProto>()),
        (&[7, 1, 5, 11, 5], size_of::<proto::TensorProto>()),
        (&[7, 11], size_of::<proto::ValueInfoProto>()),
        (&[7, 11, 2, 1, 2, 1], size_of::<proto::ShapeDimension>()),
        (&[7, 1, 10, 2, 4, 2], size_of::<proto::SimpleShardedDimProto>()),
        (&[7, 1, 1], size_of::<String>()),
        (&[14], size_of::<proto::StringStringEntryProto>()),
        (&[25, 7], size_of::<proto::NodeProto>()),
    ];
    for (path, size) in table {
        let bytes = empty_parts(path, COUNT);
        // The test itself is right about the path: all of them are decoded.
        let model = proto::ModelProto::decode(bytes.as_slice()).unwrap();
        assert!(model.encoded_len() + 8 >= 2 * COUNT, "{path:?}");
        let counted = of_parts(&bytes, u64::MAX).unwrap();
        assert!(counted >= (COUNT * size) as u64, "{path:?}: {counted}");
        assert!(counted <= (COUNT * size * 4 + 100_000) as u64, "{path:?}: {counted}");
    }
}

#[test]
fn numbers_count_with_their_size_in_memory() {
    let counted = |tensor: proto::TensorProto| {
        let graph = proto::GraphProto { initializer: vec![tensor], ..Default::default() };
        let model = proto::ModelProto { graph: Some(graph), ..Default::default() };
        of_parts(&model.encode_to_vec(), u64::MAX).unwrap()
    };
    let nothing = counted(proto::TensorProto::default());
    let ones = counted(proto::TensorProto { int64_data: vec![1; 1000], ..Default::default() });
    assert_eq!(ones - nothing, 2 * 8 * 1000);
    let negative = counted(proto::TensorProto { int32_data: vec![-1; 1000], ..Default::default() });
    assert_eq!(negative - nothing, 2 * 4 * 1000);
    let floats = counted(proto::TensorProto { float_data: vec![0.5; 1000], ..Default::default() });
    assert_eq!(floats - nothing, 2 * 4 * 1000);
    // Raw weights take what they take in the file.
    let raw = counted(proto::TensorProto { raw_data: Some(vec![1; 1_000_000]), ..Default::default() });
    assert!(raw - nothing < 1000);
}

#[test]
fn counting_ends_at_the_limit_and_at_groups() {
    let bytes = empty_parts(&[7, 1, 5], 1_000_000);
    let begin = std::time::Instant::now();
    let counted = of_parts(&bytes, 1 << 20).unwrap();
    assert!(counted > 1 << 20 && counted < 2 << 20, "{counted}");
    assert!(begin.elapsed().as_millis() < 200, "{:?}", begin.elapsed());
    // A group in a node, and behind it what was not to be seen.
    let group = [number_of(99 << 3 | 3), number_of(99 << 3 | 4)].concat();
    let hidden = field(7, &[field(1, &group), empty_parts(&[1, 5], 1000)].concat());
    proto::ModelProto::decode(hidden.as_slice()).unwrap();
    assert_eq!(of_parts(&hidden, u64::MAX), None);
}

#[test]
fn nesting_is_counted_as_deep_as_it_is_decoded() {
    // node → attribute → graph, again and again.
    let nested = |levels: usize, count: usize| {
        let path: Vec<u64> = [7].into_iter().chain((0..levels).flat_map(|_| [1, 5, 6])).chain([1]).collect();
        empty_parts(&path, count)
    };
    let deepest = (1..60).rev().find(|levels| proto::ModelProto::decode(nested(*levels, 2).as_slice()).is_ok());
    let deepest = deepest.unwrap();
    assert!((20..40).contains(&deepest), "{deepest}");
    let size = size_of::<proto::NodeProto>() as u64;
    assert!(of_parts(&nested(deepest, 1000), u64::MAX).unwrap() >= 1000 * size);
}
