use super::*;
use crate::onnx::precision::tests::{model, node, with_number};
use crate::onnx::proto::{AttributeProto, FunctionProto};

#[test]
fn weights_are_summed_up_by_type() {
    let weights = [
        ("a", DataType::Float, 10),
        ("b", DataType::Float16, 10),
        ("c", DataType::Bfloat16, 1),
        ("d", DataType::Int8, 7),
        ("e", DataType::Uint4, 3),
        ("f", DataType::Int64, 2),
        ("g", DataType::Int32, 1),
        ("packed", DataType::Uint8, 5),
    ];
    let product = with_number(node("MatMulNBits", &["x", "packed", "s"], "y"), "bits", 4);
    let bytes = Quantization::of(&model(vec![product], &weights)).weights;
    let want = WeightBytes { float32: 40, float16: 22, int8: 7, int4: 2 + 5, other: 16 + 4 };
    assert_eq!(bytes, want);
    let text = WeightBytes { float32: 300_000, int8: 3_900_000, ..Default::default() }.to_string();
    assert_eq!(text, "float32 0.30 MB, int8 3.90 MB");
    assert_eq!(WeightBytes::default().to_string(), "none");
    // Shapes that no memory could hold are no reason to stop.
    let lie = [("a", DataType::Float, i64::MAX), ("b", DataType::Float, i64::MAX), ("c", DataType::Float, -1)];
    assert_eq!(Quantization::of(&model(vec![], &lie)).weights.float32, (u64::MAX / 8 + 1).saturating_mul(2));
}

#[test]
fn subgraphs_see_the_weights_around_them_and_functions_count() {
    let inner = GraphProto {
        node: vec![node("DequantizeLinear", &["w", "s"], "wd"), node("MatMul", &["x", "wd"], "y")],
        ..Default::default()
    };
    let mut branch = node("If", &["c"], "y");
    branch.attribute = vec![AttributeProto { g: Some(inner), ..Default::default() }];
    let mut model = model(vec![branch], &[("w", DataType::Int8, 10)]);
    model.functions = vec![FunctionProto { node: vec![node("ConvInteger", &["x", "w"], "y")], ..Default::default() }];
    let counts = Quantization::of(&model);
    assert_eq!((counts.products, counts.weight_only_products, counts.quantized_products), (1, 1, 0));
    assert_eq!((counts.convolutions, counts.quantized_convolutions), (1, 1));
}

#[test]
fn the_name_of_a_precision_says_its_form() {
    let named = |precision, form, weight_only_products| {
        Quantization { form, weight_only_products, ..Default::default() }.name_with(precision)
    };
    assert_eq!(named(Precision::Int8, Some(Form::Qdq), 0), "INT8 (QDQ)");
    assert_eq!(named(Precision::Mixed, Some(Form::Dynamic), 0), "mixed (dynamic)");
    assert_eq!(named(Precision::Fp32, Some(Form::WeightOnly), 3), "FP32, INT8 weights");
    assert_eq!(named(Precision::Fp16, None, 0), "FP16");
}
