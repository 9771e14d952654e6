use super::*;
use crate::onnx::precision::tests::{model, node, with_number};

const INT8: (&str, DataType, i64) = ("w", DataType::Int8, 10);
const FULL: (&str, DataType, i64) = ("f", DataType::Float, 10);
const HALF: (&str, DataType, i64) = ("h", DataType::Float16, 10);

#[test]
fn operators_of_an_optimized_graph_are_counted_by_what_they_compute_in() {
    let nodes = vec![
        node("QLinearConv", &["x", "s", "z", "w"], "a"),
        node("FusedConv", &["a", "f"], "b"),
        node("Conv", &["b", "h"], "c"),
        node("DequantizeLinear", &["a", "s"], "d"),
        node("MatMulIntegerToFloat", &["x", "w"], "e"),
        node("MatMul", &["x", "f"], "g"),
        node("MatMul", &["x", "y"], "between values"),
        with_number(node("MatMulNBits", &["x", "w"], "i"), "accuracy_level", 4),
        with_number(node("MatMulNBits", &["x", "w"], "j"), "accuracy_level", 1),
    ];
    let counts = Executed::of(&model(nodes, &[INT8, FULL, HALF]));
    let want = Executed {
        convolutions: 3,
        integer_convolutions: 1,
        half_convolutions: 1,
        products: 4,
        integer_products: 2,
        half_products: 0,
        dequantize_left: 1,
    };
    assert_eq!(counts, want);
    assert_eq!(counts.in_words(), "1 of 3 convolutions and 2 of 4 matrix products run in integers");
    assert_eq!(Executed::default().in_words(), "nothing in it could run in integers");
}

#[test]
fn a_warning_is_given_only_where_less_runs_in_small_numbers_than_the_file_says() {
    let file = |convolutions, quantized_convolutions| Quantization {
        convolutions,
        quantized_convolutions,
        ..Default::default()
    };
    let runs = |convolutions, integer_convolutions, half_convolutions| Executed {
        convolutions,
        integer_convolutions,
        half_convolutions,
        ..Default::default()
    };
    let warning = |precision, file: Quantization, runs: Executed| runs.warning(precision, &file);
    assert_eq!(warning(Precision::Int8, file(47, 47), runs(47, 47, 0)), None);
    // The float first layer that the file has is no surprise, and an operator that was removed neither.
    assert_eq!(warning(Precision::Int8, file(47, 46), runs(47, 46, 0)), None);
    assert_eq!(warning(Precision::Int8, file(47, 47), runs(40, 40, 0)), None);
    let text = warning(Precision::Int8, file(47, 47), runs(47, 39, 0)).unwrap();
    assert!(text.contains("marks 47 of 47 convolutions as INT8"), "{text}");
    assert!(text.contains("only 39 of 47 convolutions run in integers"), "{text}");
    assert!(warning(Precision::Mixed, file(4, 2), runs(4, 0, 0)).is_some());
    assert_eq!(warning(Precision::Fp16, file(4, 0), runs(4, 0, 4)), None);
    let text = warning(Precision::Fp16, file(4, 0), runs(4, 0, 1)).unwrap();
    assert!(text.contains("3 of 4 operators into 32-bit"), "{text}");
    assert_eq!(warning(Precision::Fp32, file(4, 0), runs(4, 0, 0)), None);
}
