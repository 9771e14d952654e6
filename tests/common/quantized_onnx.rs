//! The tiny detector with convolutions and products between its input and its outputs, quantized in every form there is.

use super::tiny_onnx::{detector_with, floats, integer, node};
use quantscope::onnx::proto::{DataType, ModelProto, NodeProto, TensorProto};

/// Two convolutions in 32-bit floats.
pub fn floats_only() -> ModelProto {
    let nodes = vec![convolution("images", "w", "c"), convolution("c", "v", "d")];
    finished(nodes, vec![floats("w", &[4, 3, 3, 3], &[0.1; 108]), floats("v", &[4, 4, 1, 1], &[0.1; 16])], "d")
}

/// The same in 16-bit floats between two casts.
pub fn halves() -> ModelProto {
    let cast = |input: &str, kind: DataType, output: &str| {
        node("Cast", &[input], output, vec![integer("to", i64::from(kind as i32))])
    };
    let nodes = vec![
        cast("images", DataType::Float16, "h"),
        convolution("h", "w", "c"),
        convolution("c", "v", "d"),
        cast("d", DataType::Float, "e"),
    ];
    let half = half::f16::from_f32(0.1).to_le_bytes();
    let weight = |name: &str, shape: &[i64]| raw(name, DataType::Float16, shape, half.repeat(volume(shape)));
    finished(nodes, vec![weight("w", &[64, 3, 3, 3]), weight("v", &[4, 64, 1, 1])], "e")
}

/// Two convolutions between `DequantizeLinear` and `QuantizeLinear`.
pub fn qdq() -> ModelProto {
    let mut nodes = around("images");
    nodes.extend([dequantize("w", "zi", "wd"), convolution("images_d", "wd", "c")]);
    nodes.extend(around("c"));
    nodes.extend([dequantize("v", "zi", "vd"), convolution("c_d", "vd", "d")]);
    nodes.extend(around("d"));
    finished(nodes, integer_weights(), "d_d")
}

/// The same, but the first one's output stays a float, as where a tool leaves out what it takes for unimportant.
pub fn qdq_with_a_gap() -> ModelProto {
    let mut nodes = around("images");
    nodes.extend([dequantize("w", "zi", "wd"), convolution("images_d", "wd", "c")]);
    nodes.push(node("Sigmoid", &["c"], "f", vec![]));
    nodes.extend(around("f"));
    nodes.extend([dequantize("v", "zi", "vd"), convolution("f_d", "vd", "d")]);
    nodes.extend(around("d"));
    finished(nodes, integer_weights(), "d_d")
}

/// One convolution quantized (QDQ), one in floats.
pub fn half_quantized() -> ModelProto {
    let mut nodes = around("images");
    nodes.extend([dequantize("w", "zi", "wd"), convolution("images_d", "wd", "c")]);
    nodes.extend(around("c"));
    nodes.push(convolution("c_d", "f", "d"));
    let mut weights = integer_weights();
    weights.push(floats("f", &[4, 4, 1, 1], &[0.1; 16]));
    finished(nodes, weights, "d")
}

/// Two `QLinearConv`.
pub fn q_operator() -> ModelProto {
    let convolution = |input: &str, weight: &str, output: &str| {
        node("QLinearConv", &[input, "s", "zu", weight, "s", "zi", "s", "zu"], output, vec![])
    };
    let nodes = vec![
        node("QuantizeLinear", &["images", "s", "zu"], "q", vec![]),
        convolution("q", "w", "c"),
        convolution("c", "v", "d"),
        dequantize("d", "zu", "e"),
    ];
    finished(nodes, integer_weights(), "e")
}

/// A `ConvInteger` and a `MatMulInteger` on data that is quantized in every run.
pub fn dynamic() -> ModelProto {
    let quantize = |input: &str, name: &str| NodeProto {
        output: ["", "_s", "_z"].map(|part| format!("{name}{part}")).to_vec(),
        ..node("DynamicQuantizeLinear", &[input], name, vec![])
    };
    let cast = |input: &str, output: &str| node("Cast", &[input], output, vec![integer("to", 1)]);
    let nodes = vec![
        quantize("images", "q"),
        node("ConvInteger", &["q", "wu", "q_z", "zu"], "ci", vec![]),
        cast("ci", "c"),
        node("GlobalAveragePool", &["c"], "g", vec![]),
        node("Flatten", &["g"], "flat", vec![]),
        quantize("flat", "p"),
        node("MatMulInteger", &["p", "mu", "p_z", "zu"], "mi", vec![]),
        cast("mi", "m"),
    ];
    let bytes = |name: &str, shape: &[i64]| raw(name, DataType::Uint8, shape, vec![130; volume(shape)]);
    let weights = vec![bytes("wu", &[4, 3, 3, 3]), bytes("mu", &[4, 10]), raw("zu", DataType::Uint8, &[], vec![128])];
    finished(nodes, weights, "m")
}

/// Functions of a byte that [`activated`] has: what follows its last convolution is one.
pub const ACTIVATIONS: usize = 4;

/// Convolutions with an activation function of every kind between them, whose values move the detector's boxes.
pub fn activated() -> ModelProto {
    let mut nodes = between("images", "one", "nil");
    nodes.extend([scaled("w", "w_s", "wd"), convolution("images_d", "wd", "a")]);
    nodes.extend(between("a", "half", "zu"));
    // SiLU, with a rounding inside.
    nodes.push(node("Sigmoid", &["a_d"], "a_g", vec![]));
    nodes.extend(between("a_g", "part", "nil"));
    nodes.push(node("Mul", &["a_d", "a_g_d"], "b", vec![]));
    nodes.extend(between("b", "half", "zu"));
    nodes.extend([scaled("v", "v_s", "vd"), convolution("b_d", "vd", "c")]);
    nodes.extend(between("c", "half", "zu"));
    // Leaky ReLU, to bytes with sign.
    nodes.push(node("LeakyRelu", &["c_d"], "d", vec![]));
    nodes.extend(between("d", "half", "zi"));
    nodes.extend([scaled("v", "v_s", "ve"), convolution("d_d", "ve", "e")]);
    nodes.extend(between("e", "half", "zi"));
    // Hard swish as exporters write it.
    nodes.extend([
        node("Add", &["e_d", "three"], "e_3", vec![]),
        node("Clip", &["e_3", "nought_f", "six"], "e_6", vec![]),
        node("Mul", &["e_d", "e_6"], "e_x", vec![]),
        node("Div", &["e_x", "six"], "f", vec![]),
    ]);
    nodes.extend(between("f", "half", "zu"));
    nodes.extend([scaled("v", "v_s", "vf"), convolution("f_d", "vf", "g")]);
    nodes.extend(between("g", "half", "zu"));
    // Mish, and at once an absolute value of the same tensor.
    nodes.extend([
        node("Softplus", &["g_d"], "g_p", vec![]),
        node("Tanh", &["g_p"], "g_t", vec![]),
        node("Mul", &["g_d", "g_t"], "h", vec![]),
        node("Abs", &["g_d"], "i", vec![]),
    ]);
    nodes.extend(between("h", "half", "zi"));
    nodes.extend(between("i", "half", "nil"));
    nodes.push(node("Add", &["h_d", "i_d"], "j", vec![]));
    // And a requantization.
    nodes.extend(between("j", "half", "zu"));
    nodes.push(node("Clip", &["j_d", "nought_f", "six"], "k", vec![]));
    nodes.extend(between("k", "part", "nil"));
    nodes.push(node("ReduceMean", &["k_d"], "last_mean", vec![integer("keepdims", 0)]));
    nodes.push(node("Mul", &["last_mean", "three"], "moved", vec![]));
    let mut model = detector_with(nodes, "moved");
    model.graph.as_mut().unwrap().initializer.extend(weights_of_activated());
    model
}

fn weights_of_activated() -> Vec<TensorProto> {
    let varied = |name: &str, shape: &[i64]| {
        raw(name, DataType::Int8, shape, (0..volume(shape)).map(|place| (place * 89 % 255 + 129) as u8).collect())
    };
    let number = |name: &str, value: f32| floats(name, &[], &[value]);
    vec![
        varied("w", &[4, 3, 3, 3]),
        varied("v", &[4, 4, 1, 1]),
        number("one", 1.0),
        number("half", 0.5),
        number("part", 1.0 / 256.0),
        number("w_s", 0.0004),
        number("v_s", 0.012),
        number("nought_f", 0.0),
        number("three", 3.0),
        number("six", 6.0),
        raw("nil", DataType::Uint8, &[], vec![0]),
        raw("zu", DataType::Uint8, &[], vec![128]),
        raw("zi", DataType::Int8, &[], vec![0]),
    ]
}

fn scaled(weight: &str, scale: &str, output: &str) -> NodeProto {
    node("DequantizeLinear", &[weight, scale, "zi"], output, vec![])
}

/// To 8 bits of this scale and zero point and back: `x` to `x_d`.
fn between(name: &str, scale: &str, zero: &str) -> Vec<NodeProto> {
    let (quantized, back) = (format!("{name}_q"), format!("{name}_d"));
    vec![
        node("QuantizeLinear", &[name, scale, zero], &quantized, vec![]),
        node("DequantizeLinear", &[&quantized, scale, zero], &back, vec![]),
    ]
}

/// Two convolutions in floats whose weights are stored as 8-bit integers.
pub fn weights_of_8_bits() -> ModelProto {
    let nodes = vec![
        dequantize("w", "zi", "wd"),
        convolution("images", "wd", "c"),
        dequantize("v", "zi", "vd"),
        convolution("c", "vd", "d"),
    ];
    finished(nodes, integer_weights(), "d")
}

/// A product in floats whose weights are stored as 4-bit integers.
pub fn weights_of_4_bits() -> ModelProto {
    let nodes = vec![
        node("GlobalAveragePool", &["images"], "g", vec![]),
        node("Flatten", &["g"], "flat", vec![]),
        node("DequantizeLinear", &["n", "s"], "nd", vec![]),
        node("MatMul", &["flat", "nd"], "m", vec![]),
    ];
    let weights = vec![raw("n", DataType::Int4, &[3, 64], vec![0x21; 96]), floats("s", &[], &[0.02])];
    let mut model = finished(nodes, weights, "m");
    model.opset_import[0].version = Some(21);
    model.ir_version = 10;
    model
}

fn convolution(input: &str, weight: &str, output: &str) -> NodeProto {
    node("Conv", &[input, weight], output, vec![])
}

fn dequantize(input: &str, zero: &str, output: &str) -> NodeProto {
    node("DequantizeLinear", &[input, "s", zero], output, vec![])
}

/// To 8 bits and back: `x` to `x_d`.
fn around(name: &str) -> Vec<NodeProto> {
    let (quantized, back) = (format!("{name}_q"), format!("{name}_d"));
    vec![node("QuantizeLinear", &[name, "s", "zu"], &quantized, vec![]), dequantize(&quantized, "zu", &back)]
}

fn integer_weights() -> Vec<TensorProto> {
    let bytes = |name: &str, shape: &[i64]| raw(name, DataType::Int8, shape, vec![3; volume(shape)]);
    vec![
        bytes("w", &[4, 3, 3, 3]),
        bytes("v", &[4, 4, 1, 1]),
        floats("s", &[], &[0.02]),
        raw("zu", DataType::Uint8, &[], vec![128]),
        raw("zi", DataType::Int8, &[], vec![0]),
    ]
}

fn raw(name: &str, kind: DataType, shape: &[i64], data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: shape.to_vec(),
        data_type: kind as i32,
        raw_data: Some(data),
        ..Default::default()
    }
}

fn volume(shape: &[i64]) -> usize {
    shape.iter().product::<i64>() as usize
}

/// The detector, whose boxes and scores depend on `last` without being changed by it.
fn finished(mut nodes: Vec<NodeProto>, weights: Vec<TensorProto>, last: &str) -> ModelProto {
    nodes.push(node("ReduceMean", &[last], "last_mean", vec![integer("keepdims", 0)]));
    nodes.push(node("Mul", &["last_mean", "nought"], "nothing", vec![]));
    let mut model = detector_with(nodes, "nothing");
    if let Some(graph) = &mut model.graph {
        graph.initializer.extend(weights);
    }
    model
}
