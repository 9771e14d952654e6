//! Weights of products in 4 bits, a scale a block (`MatMulNBits` of ONNX Runtime, `com.microsoft`). ONNX Runtime has no such
//! form of convolutions; their weights are stored in 8 bits by [`insert`](super::super::insert).

use super::dynamic::turned;
use super::{Draft, MICROSOFT, declare_microsoft};
use crate::onnx::graph::Links;
use crate::onnx::proto::{AttributeProto, DataType, ModelProto, NodeProto, TensorProto};
use crate::quantize::layout::{Kind, Layout};

/// Weights that share a scale.
const BLOCK: usize = 32;
/// Code of 0.
const ZERO: f32 = 8.0;

/// The model with the weights of products in 4 bits, and how many products that are.
pub(in crate::quantize) fn four_bits(model: &ModelProto, layout: &Layout) -> (ModelProto, usize) {
    let Some(graph) = &model.graph else { return (model.clone(), 0) };
    let links = Links::of(graph);
    let mut draft = Draft::of(graph);
    let mut products = 0;
    for (index, node) in graph.node.iter().enumerate() {
        let product = (layout.nodes[index].kind == Kind::Product).then(|| write(&mut draft, &links, node));
        match product.flatten() {
            Some(()) => products += 1,
            None => draft.nodes.push(node.clone()),
        }
    }
    let mut made = draft.finish(model, graph);
    if products > 0 {
        declare_microsoft(&mut made);
    }
    (made, products)
}

fn write(draft: &mut Draft, links: &Links<'_>, node: &NodeProto) -> Option<()> {
    let tensor = links.constant(&node.input[1])?;
    let (values, shape) = (tensor.floats()?, tensor.shape());
    let transposed = node.integer("transB").unwrap_or(0) != 0;
    // A row a result.
    let (values, shape) = if transposed { (values, shape) } else { turned(&values, &shape) };
    let (count, depth) = (shape[0], shape[1]);
    let blocks = depth.div_ceil(BLOCK);
    let (mut packed, mut scales) = (Vec::with_capacity(count * blocks * BLOCK / 2), Vec::new());
    for row in values.chunks_exact(depth) {
        for block in row.chunks(BLOCK) {
            let (scale, codes) = coded(block);
            scales.push(scale);
            packed.extend(codes.chunks_exact(2).map(|pair| pair[0] | pair[1] << 4));
        }
    }
    let base = &tensor.name;
    let packed = TensorProto::of_bytes("", &[count, blocks, BLOCK / 2], DataType::Uint8, packed);
    let packed = draft.keep(&format!("{base}_four_bits"), packed);
    let scales = draft.keep(&format!("{base}_scales"), TensorProto::of_floats("", &[count * blocks], &scales));
    let bias = node.input.get(2).filter(|bias| !bias.is_empty());
    let result = match bias {
        Some(_) => draft.names.fresh(&format!("{}_product", node.output[0])),
        None => node.output[0].clone(),
    };
    let name = draft.names.fresh(&format!("{}_MatMulNBits", node.name));
    let mut made = NodeProto::new("MatMulNBits", name, &[&node.input[0], &packed, &scales], &[&result]);
    made.domain = MICROSOFT.to_owned();
    for (attribute, value) in [("K", depth), ("N", count), ("bits", 4), ("block_size", BLOCK)] {
        made.set_attribute(AttributeProto::of_integer(attribute, value as i64));
    }
    draft.nodes.push(made);
    if let Some(bias) = bias {
        let name = draft.names.fresh(&format!("{}_bias", node.name));
        draft.nodes.push(NodeProto::new("Add", name, &[&result, bias], &[&node.output[0]]));
    }
    Some(())
}

/// A block's scale and its codes 0…15, filled up with those of 0: the value that is farthest from 0 gets the code that is
/// farthest, 0, and the scale its opposite sign, so that all 16 codes are used.
fn coded(block: &[f32]) -> (f32, [u8; BLOCK]) {
    let farthest = block.iter().copied().fold(0.0f32, |far, value| if value.abs() > far.abs() { value } else { far });
    let scale = if farthest == 0.0 { 1.0 } else { farthest / -ZERO };
    let mut codes = [ZERO as u8; BLOCK];
    for (code, value) in codes.iter_mut().zip(block) {
        *code = ((value / scale).round_ties_even() + ZERO).clamp(0.0, 15.0) as u8;
    }
    (scale, codes)
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{model, operators};
    use super::*;

    #[test]
    fn products_are_stored_in_four_bits_and_convolutions_stay() {
        let model = model();
        let layout = Layout::of(model.graph.as_ref().unwrap());
        let (written, products) = four_bits(&model, &layout);
        let graph = written.graph.as_ref().unwrap();
        assert_eq!(products, 1);
        assert_eq!(operators(graph), ["Conv", "Relu", "Conv", "Add", "Reshape", "MatMulNBits", "Add", "Exp"]);
        assert!(written.opset_import.iter().any(|set| set.domain == MICROSOFT && set.version == Some(1)));
        let packed = graph.initializer.iter().find(|tensor| tensor.name == "m_four_bits").unwrap();
        assert_eq!((packed.dims.as_slice(), packed.raw_data.as_ref().unwrap().len()), (&[2, 1, 16][..], 32));
        let (attributes, outputs) = (&graph.node[5], &graph.node[6].output);
        assert_eq!((attributes.integer("K"), attributes.integer("N"), outputs[0].as_str()), (Some(32), Some(2), "g"));
    }

    #[test]
    fn codes_come_close_to_what_they_stand_for() {
        let block: Vec<f32> = (0..BLOCK).map(|place| (place as f32 * 0.37).sin() * 3.0).collect();
        let (scale, codes) = coded(&block);
        for (code, value) in codes.iter().zip(&block) {
            assert!(((f32::from(*code) - ZERO) * scale - value).abs() <= scale.abs() * 1.01, "{code} {value}");
        }
        assert_eq!(coded(&[0.0; 3]), (1.0, [8; BLOCK]));
        assert_eq!(coded(&[-2.0, 1.0]).1[..3], [0, 12, 8]);
    }
}
