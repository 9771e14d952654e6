//! How much memory a model takes once it is decoded, told from its bytes before they are.
//!
//! In a file an empty node is two bytes; decoded it is some hundreds. A small file made of nothing else would take all
//! memory there is, so its parts are counted first, by the same table of fields as in `proto.rs`.

use super::proto;
use std::mem::size_of;

/// Deeper than the decoder goes (100): what it decodes is counted, whatever it refuses need not be.
const DEPTH_MAX: usize = 110;
/// A list that grows holds room for twice its elements.
const GROWTH: u64 = 2;
/// What the allocator adds to each text.
const TEXT_OVERHEAD: u64 = 16;

/// Bytes that the parts of an encoded `ModelProto` take in memory, without the text and raw weights in them, which take
/// what they take in the file. Counting ends above `limit`; bytes that are no message count up to where they go wrong,
/// as the decoder stops there, too. None where they hold groups, which no ONNX file does and the decoder skips.
pub(super) fn of_parts(bytes: &[u8], limit: u64) -> Option<u64> {
    let mut count = Count { total: 0, limit, groups: false };
    let _ = count.message(bytes, Kind::Model, DEPTH_MAX);
    (!count.groups).then_some(count.total)
}

/// The messages that can hold many parts.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Value,
    Type,
    TensorType,
    ElementOf,
    Map,
    Shape,
    Side,
    Pair,
    OpsetId,
    Training,
    Function,
    Annotation,
    Device,
    NodeDevice,
    Sharding,
    IntIntList,
    ShardedDim,
    SimpleShard,
}

impl Kind {
    /// The message in a field, if it holds one.
    fn inside(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) | (Self::Training, 1 | 2) => Self::Graph,
            (Self::Model, 8) | (Self::Function, 9) => Self::OpsetId,
            (Self::Model, 14) | (Self::Graph, 16) | (Self::Node, 9) | (Self::Value, 4) => Self::Pair,
            (Self::Tensor, 13 | 16) | (Self::Annotation, 2) | (Self::Training, 3 | 4) => Self::Pair,
            (Self::Function, 14) => Self::Pair,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Model, 26) => Self::Device,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Self::Tensor,
            (Self::Graph, 11..=13) | (Self::Function, 12) => Self::Value,
            (Self::Graph, 14) => Self::Annotation,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::Sparse,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Node, 10) => Self::NodeDevice,
            (Self::Attribute, 14 | 15) | (Self::Value, 2) | (Self::ElementOf, 1) | (Self::Map, 2) => Self::Type,
            (Self::Type, 1 | 8) => Self::TensorType,
            (Self::Type, 4 | 9) => Self::ElementOf,
            (Self::Type, 5) => Self::Map,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Side,
            (Self::NodeDevice, 2) => Self::Sharding,
            (Self::Sharding, 3) => Self::IntIntList,
            (Self::Sharding, 4) => Self::ShardedDim,
            (Self::ShardedDim, 2) => Self::SimpleShard,
            _ => return None,
        })
    }

    fn size(self) -> u64 {
        let size = match self {
            Self::Model => size_of::<proto::ModelProto>(),
            Self::Graph => size_of::<proto::GraphProto>(),
            Self::Node => size_of::<proto::NodeProto>(),
            Self::Attribute => size_of::<proto::AttributeProto>(),
            Self::Tensor => size_of::<proto::TensorProto>(),
            Self::Sparse => size_of::<proto::SparseTensorProto>(),
            Self::Value => size_of::<proto::ValueInfoProto>(),
            Self::Type => size_of::<proto::TypeProto>(),
            Self::TensorType => size_of::<proto::TensorType>(),
            Self::ElementOf => size_of::<proto::ElementOf>(),
            Self::Map => size_of::<proto::MapType>(),
            Self::Shape => size_of::<proto::TensorShapeProto>(),
            Self::Side => size_of::<proto::ShapeDimension>(),
            Self::Pair => size_of::<proto::StringStringEntryProto>(),
            Self::OpsetId => size_of::<proto::OperatorSetIdProto>(),
            Self::Training => size_of::<proto::TrainingInfoProto>(),
            Self::Function => size_of::<proto::FunctionProto>(),
            Self::Annotation => size_of::<proto::TensorAnnotation>(),
            Self::Device => size_of::<proto::DeviceConfigurationProto>(),
            Self::NodeDevice => size_of::<proto::NodeDeviceConfigurationProto>(),
            Self::Sharding => size_of::<proto::ShardingSpecProto>(),
            Self::IntIntList => size_of::<proto::IntIntListEntryProto>(),
            Self::ShardedDim => size_of::<proto::ShardedDimProto>(),
            Self::SimpleShard => size_of::<proto::SimpleShardedDimProto>(),
        };
        size as u64
    }

    /// Bytes that each number of a packed list takes in memory.
    fn packed(self, field: u64) -> Option<u64> {
        match (self, field) {
            (Self::Tensor, 4 | 5) | (Self::Attribute, 7) => Some(4),
            (Self::Tensor, 7 | 10 | 11 | 1) | (Self::Attribute, 8) | (Self::Sparse, 3) => Some(8),
            (Self::Sharding, 2) | (Self::IntIntList, 2) => Some(8),
            _ => None,
        }
    }
}

struct Count {
    total: u64,
    limit: u64,
    groups: bool,
}

impl Count {
    fn add(&mut self, bytes: u64) -> Option<()> {
        self.total = self.total.saturating_add(bytes.saturating_mul(GROWTH));
        (self.total <= self.limit).then_some(())
    }

    /// None as soon as the bytes are no message or the limit is exceeded.
    fn message(&mut self, mut bytes: &[u8], kind: Kind, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let field = tag >> 3;
            match tag & 7 {
                0 => {
                    varint(&mut bytes)?;
                    self.add(size_of::<u64>() as u64)?;
                }
                1 => {
                    bytes = bytes.get(8..)?;
                    self.add(size_of::<u64>() as u64)?;
                }
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let (inner, rest) = bytes.split_at_checked(length)?;
                    bytes = rest;
                    self.field(inner, kind, field, depth)?;
                }
                5 => {
                    bytes = bytes.get(4..)?;
                    self.add(size_of::<u32>() as u64)?;
                }
                _ => {
                    self.groups = true;
                    return None;
                }
            }
        }
        Some(())
    }

    fn field(&mut self, inner: &[u8], kind: Kind, field: u64, depth: usize) -> Option<()> {
        if let Some(message) = kind.inside(field) {
            self.add(message.size())?;
            return self.message(inner, message, depth);
        }
        match kind.packed(field) {
            // Floats and doubles are as long in the file; other numbers end with a byte below 128.
            Some(size) if matches!((kind, field), (Kind::Tensor, 4 | 10) | (Kind::Attribute, 7)) => {
                self.add(inner.len() as u64 / size * size)
            }
            Some(size) => self.add(inner.iter().filter(|byte| **byte < 0x80).count() as u64 * size),
            None => self.add(size_of::<String>() as u64 + TEXT_OVERHEAD),
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
#[path = "footprint_tests.rs"]
mod tests;
