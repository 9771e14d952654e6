use super::super::layout::Kind;
use super::*;
use crate::onnx::proto::NodeProto;

/// A convolution of two groups, 3x3, that has seen pictures whose neighbours go together.
fn layer() -> Layer {
    let mut node = NodeProto::new("Conv", "c", &["x", "w"], &["y"]);
    node.set_attribute(crate::onnx::proto::AttributeProto::of_integer("group", 2));
    let shape = [6, 2, 3, 3];
    let patches = Patches::of(&node, Kind::Convolution, &shape).unwrap();
    let weights: Vec<f32> = (0..shape.iter().product::<usize>()).map(|place| (place as f32 * 1.7).sin()).collect();
    let moments = Moments::of(patches.blocks(), patches.width);
    let codes = Some(Affine { scale: 0.05, zero: 128 });
    let mut layers = [Layer { node: 3, reads: "x".to_owned(), codes, patches, weights, moments }];
    for picture in 0..4 {
        let wave = |place: usize| {
            let (channel, y, x) = (place / 400, place / 20 % 20, place % 20);
            ((x + picture) as f32 * 0.2).sin() + (y as f32 * 0.3 + channel as f32).cos()
        };
        let values: Vec<f32> = (0..4 * 400).map(wave).collect();
        add(&mut layers, "x", (&[1, 4, 20, 20], &values), picture);
        add(&mut layers, "another", (&[1, 4, 20, 20], &values), picture);
    }
    let [layer] = layers;
    layer
}

#[test]
fn where_neighbours_go_together_less_than_a_third_of_the_error_is_left() {
    let (rounded, share) = layer().solved(127, true).unwrap();
    assert!(share < 1.0 / 3.0, "{share}");
    let again = layer().solved(127, true).unwrap();
    assert_eq!((rounded.clone(), share.to_bits()), (again.0, again.1.to_bits()), "the same comes out again");
    let Layer { weights, patches, .. } = layer();
    let channels = Channels::of(&patches.shape, patches.axis);
    let values = channels.values(&rounded);
    let within = |(place, (value, weight)): (usize, (&f32, &f32))| {
        (value - weight).abs() <= 6.0 * rounded.scales[place / patches.width]
    };
    assert!(values.iter().zip(&weights).enumerate().all(within), "codes belong to their weights");
}

#[test]
fn codes_stay_within_their_limit() {
    let (rounded, _) = layer().solved(63, false).unwrap();
    assert!(rounded.codes.iter().all(|code| code.abs() <= 63), "{:?}", rounded.codes);
    assert!(rounded.codes.iter().any(|code| code.abs() > 50));
}

#[test]
fn nothing_is_learnt_of_what_was_not_seen() {
    let mut layer = layer();
    layer.moments = Moments::of(layer.patches.groups, layer.patches.width);
    assert!(layer.solved(127, true).is_none());
}
