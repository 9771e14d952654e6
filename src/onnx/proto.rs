//! The messages of an ONNX file, by hand from the public specification (`onnx.proto`, IR version 11).
//!
//! Field numbers and names are the specification's. Scalars whose presence carries meaning (an attribute's value,
//! a tensor's raw data) are `Option`s, and lists that the specification leaves unpacked are written unpacked, so
//! that a file that is read and written again means the same to every reader. What a message has beyond the table
//! below stays in its [`Kept`]: `prost`'s derived messages drop it, hence the macro.
//!
//! A line is `name: type = how kind number`, where `how` is one of `plain` (absent is the default), `optional`,
//! `list` (one entry after the other), `packed`, `boxed` (an optional message) and `oneof`.

#![expect(missing_docs, reason = "names and meaning of every field are those of onnx.proto")]

#[macro_use]
mod message;

pub use message::Kept;
use prost::{Enumeration, Oneof};

messages! {
    ModelProto {
        ir_version: i64 = plain int64 1,
        opset_import: Vec<OperatorSetIdProto> = list message 8,
        producer_name: String = plain string 2,
        producer_version: String = plain string 3,
        domain: String = plain string 4,
        model_version: i64 = plain int64 5,
        doc_string: String = plain string 6,
        graph: Option<GraphProto> = optional message 7,
        metadata_props: Vec<StringStringEntryProto> = list message 14,
        training_info: Vec<TrainingInfoProto> = list message 20,
        functions: Vec<FunctionProto> = list message 25,
        configuration: Vec<DeviceConfigurationProto> = list message 26,
    }

    OperatorSetIdProto {
        domain: String = plain string 1,
        version: Option<i64> = optional int64 2,
    }

    StringStringEntryProto {
        key: String = plain string 1,
        value: String = plain string 2,
    }

    GraphProto {
        node: Vec<NodeProto> = list message 1,
        name: String = plain string 2,
        initializer: Vec<TensorProto> = list message 5,
        doc_string: String = plain string 10,
        input: Vec<ValueInfoProto> = list message 11,
        output: Vec<ValueInfoProto> = list message 12,
        value_info: Vec<ValueInfoProto> = list message 13,
        quantization_annotation: Vec<TensorAnnotation> = list message 14,
        sparse_initializer: Vec<SparseTensorProto> = list message 15,
        metadata_props: Vec<StringStringEntryProto> = list message 16,
    }

    NodeProto {
        input: Vec<String> = list string 1,
        output: Vec<String> = list string 2,
        name: String = plain string 3,
        op_type: String = plain string 4,
        attribute: Vec<AttributeProto> = list message 5,
        doc_string: String = plain string 6,
        domain: String = plain string 7,
        overload: String = plain string 8,
        metadata_props: Vec<StringStringEntryProto> = list message 9,
        device_configurations: Vec<NodeDeviceConfigurationProto> = list message 10,
    }

    AttributeProto {
        name: String = plain string 1,
        f: Option<f32> = optional float 2,
        i: Option<i64> = optional int64 3,
        s: Option<Vec<u8>> = optional bytes 4,
        t: Option<TensorProto> = optional message 5,
        g: Option<GraphProto> = optional message 6,
        floats: Vec<f32> = list float 7,
        ints: Vec<i64> = list int64 8,
        strings: Vec<Vec<u8>> = list bytes 9,
        tensors: Vec<TensorProto> = list message 10,
        graphs: Vec<GraphProto> = list message 11,
        doc_string: String = plain string 13,
        tp: Option<TypeProto> = optional message 14,
        type_protos: Vec<TypeProto> = list message 15,
        r#type: i32 = plain int32 20,
        ref_attr_name: String = plain string 21,
        sparse_tensor: Option<SparseTensorProto> = optional message 22,
        sparse_tensors: Vec<SparseTensorProto> = list message 23,
    }

    ValueInfoProto {
        name: String = plain string 1,
        r#type: Option<TypeProto> = optional message 2,
        doc_string: String = plain string 3,
        metadata_props: Vec<StringStringEntryProto> = list message 4,
    }

    TensorProto {
        dims: Vec<i64> = list int64 1,
        /// A number of [`DataType`].
        data_type: i32 = plain int32 2,
        segment: Option<TensorSegment> = optional message 3,
        float_data: Vec<f32> = packed float 4,
        int32_data: Vec<i32> = packed int32 5,
        string_data: Vec<Vec<u8>> = list bytes 6,
        int64_data: Vec<i64> = packed int64 7,
        name: String = plain string 8,
        raw_data: Option<Vec<u8>> = optional bytes 9,
        double_data: Vec<f64> = packed double 10,
        uint64_data: Vec<u64> = packed uint64 11,
        doc_string: String = plain string 12,
        external_data: Vec<StringStringEntryProto> = list message 13,
        data_location: Option<i32> = optional int32 14,
        metadata_props: Vec<StringStringEntryProto> = list message 16,
    }

    TensorSegment {
        begin: i64 = plain int64 1,
        end: i64 = plain int64 2,
    }

    SparseTensorProto {
        values: Option<TensorProto> = optional message 1,
        indices: Option<TensorProto> = optional message 2,
        dims: Vec<i64> = list int64 3,
    }

    TensorAnnotation {
        tensor_name: String = plain string 1,
        quant_parameter_tensor_names: Vec<StringStringEntryProto> = list message 2,
    }

    TensorShapeProto {
        dim: Vec<ShapeDimension> = list message 1,
    }

    ShapeDimension {
        value: Option<DimensionValue> = oneof DimensionValue 1 2,
        denotation: String = plain string 3,
    }

    TypeProto {
        value: Option<TypeValue> = oneof TypeValue 1 4 5 7 8 9,
        denotation: String = plain string 6,
    }

    /// `TypeProto.Tensor` and `TypeProto.SparseTensor`, which are alike.
    TensorType {
        elem_type: i32 = plain int32 1,
        shape: Option<TensorShapeProto> = optional message 2,
    }

    /// `TypeProto.Sequence` and `TypeProto.Optional`, which are alike.
    ElementOf {
        elem_type: Option<Box<TypeProto>> = boxed message 1,
    }

    MapType {
        key_type: i32 = plain int32 1,
        value_type: Option<Box<TypeProto>> = boxed message 2,
    }

    OpaqueType {
        domain: String = plain string 1,
        name: String = plain string 2,
    }

    FunctionProto {
        name: String = plain string 1,
        input: Vec<String> = list string 4,
        output: Vec<String> = list string 5,
        attribute: Vec<String> = list string 6,
        node: Vec<NodeProto> = list message 7,
        doc_string: String = plain string 8,
        opset_import: Vec<OperatorSetIdProto> = list message 9,
        domain: String = plain string 10,
        attribute_proto: Vec<AttributeProto> = list message 11,
        value_info: Vec<ValueInfoProto> = list message 12,
        overload: String = plain string 13,
        metadata_props: Vec<StringStringEntryProto> = list message 14,
    }

    TrainingInfoProto {
        initialization: Option<GraphProto> = optional message 1,
        algorithm: Option<GraphProto> = optional message 2,
        initialization_binding: Vec<StringStringEntryProto> = list message 3,
        update_binding: Vec<StringStringEntryProto> = list message 4,
    }

    DeviceConfigurationProto {
        name: String = plain string 1,
        num_devices: i32 = plain int32 2,
        device: Vec<String> = list string 3,
    }

    NodeDeviceConfigurationProto {
        configuration_id: String = plain string 1,
        sharding_spec: Vec<ShardingSpecProto> = list message 2,
        pipeline_stage: Option<i32> = optional int32 3,
    }

    ShardingSpecProto {
        tensor_name: String = plain string 1,
        device: Vec<i64> = list int64 2,
        index_to_device_group_map: Vec<IntIntListEntryProto> = list message 3,
        sharded_dim: Vec<ShardedDimProto> = list message 4,
    }

    IntIntListEntryProto {
        key: i64 = plain int64 1,
        value: Vec<i64> = list int64 2,
    }

    ShardedDimProto {
        axis: i64 = plain int64 1,
        simple_sharding: Vec<SimpleShardedDimProto> = list message 2,
    }

    SimpleShardedDimProto {
        dim: Option<DimensionValue> = oneof DimensionValue 1 2,
        num_shards: i64 = plain int64 3,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum AttributeType {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    TypeProto = 13,
    TypeProtos = 14,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum DataLocation {
    Default = 0,
    External = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum DataType {
    Undefined = 0,
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    Bfloat16 = 16,
    Float8e4m3fn = 17,
    Float8e4m3fnuz = 18,
    Float8e5m2 = 19,
    Float8e5m2fnuz = 20,
    Uint4 = 21,
    Int4 = 22,
    Float4e2m1 = 23,
    Float8e8m0 = 24,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum DimensionValue {
    #[prost(int64, tag = "1")]
    DimValue(i64),
    #[prost(string, tag = "2")]
    DimParam(String),
}

#[derive(Clone, PartialEq, Oneof)]
pub enum TypeValue {
    #[prost(message, tag = "1")]
    TensorType(TensorType),
    #[prost(message, tag = "4")]
    SequenceType(Box<ElementOf>),
    #[prost(message, tag = "5")]
    MapType(Box<MapType>),
    #[prost(message, tag = "7")]
    OpaqueType(OpaqueType),
    #[prost(message, tag = "8")]
    SparseTensorType(TensorType),
    #[prost(message, tag = "9")]
    OptionalType(Box<ElementOf>),
}
