//! Writes a detector of the shape of YOLOv8-nano with random weights: 640x640, 80 classes, SiLU behind 57 of its
//! convolutions. It finds nothing; it is what `make bench` measures speed with where no trained model of this kind is at
//! hand, since the time of a network does not depend on its weights.
//!
//! `cargo run --release --example silu_detector -- OUT.onnx`

use prost::Message;
use quantscope::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    ShapeDimension, TensorProto, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

/// Width and height of the input.
const SIDE: i64 = 640;
/// Operator set, the first with a scale a channel.
const OPSET: i64 = 13;
const CLASSES: i64 = 80;
/// Bins of the distribution of a box's edge.
const BINS: i64 = 16;
const STRIDES: [i64; 3] = [8, 16, 32];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = std::env::args().nth(1) else { return Err("name the file to write".into()) };
    std::fs::write(path, detector().encode_to_vec())?;
    Ok(())
}

/// A tensor of the graph: its name and how many channels it has.
#[derive(Clone)]
struct Map(String, i64);

/// The graph in the making.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    chance: fastrand::Rng,
}

fn detector() -> ModelProto {
    let mut graph = Graph { chance: fastrand::Rng::with_seed(8), ..Graph::default() };
    let image = Map("images".to_owned(), 3);
    let levels = graph.neck(&image);
    let rows = graph.head(&levels);
    let anchors: i64 = STRIDES.iter().map(|stride| (SIDE / stride).pow(2)).sum();
    let graph = GraphProto {
        name: "silu_detector".to_owned(),
        node: graph.nodes,
        initializer: graph.weights,
        input: vec![value("images", &[1, 3, SIDE, SIDE])],
        output: vec![value(&rows, &[1, 4 + CLASSES, anchors])],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: 8,
        producer_name: "quantscope".to_owned(),
        opset_import: vec![OperatorSetIdProto { version: Some(OPSET), ..OperatorSetIdProto::default() }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

impl Graph {
    /// Adds a node; its output is named after its place.
    fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = format!("{operator}_{}", self.nodes.len());
        self.nodes.push(NodeProto {
            op_type: operator.to_owned(),
            name: output.clone(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.clone()],
            attribute: attributes,
            ..NodeProto::default()
        });
        output
    }

    fn weight(&mut self, shape: &[i64], data_type: DataType, bytes: Vec<u8>) -> String {
        let name = format!("weight_{}", self.weights.len());
        self.weights.push(TensorProto {
            name: name.clone(),
            dims: shape.to_vec(),
            data_type: data_type as i32,
            raw_data: Some(bytes),
            ..TensorProto::default()
        });
        name
    }

    fn floats(&mut self, shape: &[i64], values: &[f32]) -> String {
        self.weight(shape, DataType::Float, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn whole(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.weight(&[values.len() as i64], DataType::Int64, bytes)
    }

    /// A convolution whose outputs are about as large as its inputs; `bias` for all channels.
    fn linear(&mut self, from: &Map, channels: i64, kernel: i64, stride: i64, bias: f32) -> Map {
        let fan_in = from.1 * kernel * kernel;
        // A uniform number in -1…1 has a variance of a third; SiLU halves what goes through it, about.
        let size = (3.0 * 2.0 / fan_in as f32).sqrt();
        let values: Vec<f32> = (0..channels * fan_in).map(|_| (self.chance.f32() * 2.0 - 1.0) * size).collect();
        let weight = self.floats(&[channels, from.1, kernel, kernel], &values);
        let bias = self.floats(&[channels], &vec![bias; channels as usize]);
        let pad = kernel / 2;
        let attributes = vec![
            integers("kernel_shape", &[kernel, kernel]),
            integers("strides", &[stride, stride]),
            integers("pads", &[pad, pad, pad, pad]),
        ];
        Map(self.node("Conv", &[&from.0, &weight, &bias], attributes), channels)
    }

    /// A convolution and SiLU.
    fn conv(&mut self, from: &Map, channels: i64, kernel: i64, stride: i64) -> Map {
        let sum = self.linear(from, channels, kernel, stride, 0.0);
        let gate = self.node("Sigmoid", &[&sum.0], vec![]);
        Map(self.node("Mul", &[&sum.0, &gate], vec![]), channels)
    }

    fn concat(&mut self, parts: &[&Map]) -> Map {
        let names: Vec<&str> = parts.iter().map(|part| part.0.as_str()).collect();
        Map(self.node("Concat", &names, vec![integer("axis", 1)]), parts.iter().map(|part| part.1).sum())
    }

    /// Two halves, the second through `depth` pairs of convolutions, every step kept.
    fn stage(&mut self, from: &Map, channels: i64, depth: usize, adds: bool) -> Map {
        let half = channels / 2;
        let kept = self.conv(from, half, 1, 1);
        let mut parts = vec![kept, self.conv(from, half, 1, 1)];
        for _ in 0..depth {
            let last = parts[parts.len() - 1].clone();
            let first = self.conv(&last, half, 3, 1);
            let mut next = self.conv(&first, half, 3, 1);
            if adds {
                next.0 = self.node("Add", &[&last.0, &next.0], vec![]);
            }
            parts.push(next);
        }
        let all = self.concat(&parts.iter().collect::<Vec<_>>());
        self.conv(&all, channels, 1, 1)
    }

    fn pooled(&mut self, from: &Map) -> Map {
        let attributes =
            vec![integers("kernel_shape", &[5, 5]), integers("strides", &[1, 1]), integers("pads", &[2, 2, 2, 2])];
        Map(self.node("MaxPool", &[&from.0], attributes), from.1)
    }

    fn doubled(&mut self, from: &Map) -> Map {
        let scales = self.floats(&[4], &[1.0, 1.0, 2.0, 2.0]);
        let attributes = vec![
            text("mode", "nearest"),
            text("nearest_mode", "floor"),
            text("coordinate_transformation_mode", "asymmetric"),
        ];
        Map(self.node("Resize", &[&from.0, "", &scales], attributes), from.1)
    }

    /// From the image to maps at strides 8, 16 and 32: a backbone, then a path up and a path down.
    fn neck(&mut self, image: &Map) -> [Map; 3] {
        let stem = self.conv(image, 16, 3, 2);
        let by_4 = self.conv(&stem, 32, 3, 2);
        let by_4 = self.stage(&by_4, 32, 1, true);
        let by_8 = self.conv(&by_4, 64, 3, 2);
        let by_8 = self.stage(&by_8, 64, 2, true);
        let by_16 = self.conv(&by_8, 128, 3, 2);
        let by_16 = self.stage(&by_16, 128, 2, true);
        let by_32 = self.conv(&by_16, 256, 3, 2);
        let by_32 = self.stage(&by_32, 256, 1, true);
        let near = self.conv(&by_32, 128, 1, 1);
        let wide = self.pooled(&near);
        let wider = self.pooled(&wide);
        let widest = self.pooled(&wider);
        let all = self.concat(&[&near, &wide, &wider, &widest]);
        let by_32 = self.conv(&all, 256, 1, 1);
        let up = self.doubled(&by_32);
        let joined = self.concat(&[&up, &by_16]);
        let by_16 = self.stage(&joined, 128, 1, false);
        let up = self.doubled(&by_16);
        let joined = self.concat(&[&up, &by_8]);
        let by_8 = self.stage(&joined, 64, 1, false);
        let down = self.conv(&by_8, 64, 3, 2);
        let joined = self.concat(&[&down, &by_16]);
        let by_16 = self.stage(&joined, 128, 1, false);
        let down = self.conv(&by_16, 128, 3, 2);
        let joined = self.concat(&[&down, &by_32]);
        let by_32 = self.stage(&joined, 256, 1, false);
        [by_8, by_16, by_32]
    }

    /// Boxes (centre and size, pixels) and scores of all places: [1, 4 + classes, places].
    fn head(&mut self, levels: &[Map; 3]) -> String {
        let mut maps = Vec::new();
        for level in levels {
            let first = self.conv(level, 64, 3, 1);
            let second = self.conv(&first, 64, 3, 1);
            let edges = self.linear(&second, 4 * BINS, 1, 1, 1.0);
            let first = self.conv(level, CLASSES, 3, 1);
            let second = self.conv(&first, CLASSES, 3, 1);
            // So low that a place in thousands is taken for something.
            let scores = self.linear(&second, CLASSES, 1, 1, -8.0);
            let map = self.concat(&[&edges, &scores]);
            let shape = self.whole(&[1, 4 * BINS + CLASSES, -1]);
            maps.push(self.node("Reshape", &[&map.0, &shape], vec![]));
        }
        let names: Vec<&str> = maps.iter().map(String::as_str).collect();
        let all = self.node("Concat", &names, vec![integer("axis", 2)]);
        let edges = self.part(&all, 0, 4 * BINS);
        let scores = self.part(&all, 4 * BINS, 4 * BINS + CLASSES);
        let boxes = self.boxes(&edges);
        let scores = self.node("Sigmoid", &[&scores], vec![]);
        self.node("Concat", &[&boxes, &scores], vec![integer("axis", 1)])
    }

    /// Channels `from` to `to` of [1, channels, places].
    fn part(&mut self, of: &str, from: i64, to: i64) -> String {
        let (from, to, axis) = (self.whole(&[from]), self.whole(&[to]), self.whole(&[1]));
        self.node("Slice", &[of, &from, &to, &axis], vec![])
    }

    /// Distances to the four edges as means of distributions, around the middles of the cells.
    fn boxes(&mut self, edges: &str) -> String {
        let shape = self.whole(&[1, 4, BINS, -1]);
        let bins = self.node("Reshape", &[edges, &shape], vec![]);
        let shares = self.node("Softmax", &[&bins], vec![integer("axis", 2)]);
        let numbers: Vec<f32> = (0..BINS).map(|bin| bin as f32).collect();
        let numbers = self.floats(&[1, 1, BINS, 1], &numbers);
        let weighed = self.node("Mul", &[&shares, &numbers], vec![]);
        let axes = self.whole(&[2]);
        let distances = self.node("ReduceSum", &[&weighed, &axes], vec![integer("keepdims", 0)]);
        let (before, after) = (self.part(&distances, 0, 2), self.part(&distances, 2, 4));
        let (middles, strides) = cells();
        let places = strides.len() as i64;
        let (middles, strides) = (self.floats(&[1, 2, places], &middles), self.floats(&[1, 1, places], &strides));
        let two = self.floats(&[], &[2.0]);
        let low = self.node("Sub", &[&middles, &before], vec![]);
        let high = self.node("Add", &[&middles, &after], vec![]);
        let sum = self.node("Add", &[&low, &high], vec![]);
        let centre = self.node("Div", &[&sum, &two], vec![]);
        let size = self.node("Sub", &[&high, &low], vec![]);
        let both = self.node("Concat", &[&centre, &size], vec![integer("axis", 1)]);
        self.node("Mul", &[&both, &strides], vec![])
    }
}

/// Columns and then rows of the middles of all cells, in cells, and the strides.
fn cells() -> (Vec<f32>, Vec<f32>) {
    let (mut columns, mut rows, mut strides) = (Vec::new(), Vec::new(), Vec::new());
    for stride in STRIDES {
        let side = SIDE / stride;
        for cell in 0..side * side {
            columns.push((cell % side) as f32 + 0.5);
            rows.push((cell / side) as f32 + 0.5);
            strides.push(stride as f32);
        }
    }
    columns.extend(rows);
    (columns, strides)
}

fn integer(name: &str, value: i64) -> AttributeProto {
    let r#type = AttributeType::Int as i32;
    AttributeProto { name: name.to_owned(), i: Some(value), r#type, ..AttributeProto::default() }
}

fn integers(name: &str, values: &[i64]) -> AttributeProto {
    let r#type = AttributeType::Ints as i32;
    AttributeProto { name: name.to_owned(), ints: values.to_vec(), r#type, ..AttributeProto::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    let r#type = AttributeType::String as i32;
    AttributeProto { name: name.to_owned(), s: Some(value.into()), r#type, ..AttributeProto::default() }
}

fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let side = |length: &i64| ShapeDimension { value: Some(DimensionValue::DimValue(*length)), ..Default::default() };
    let shape = TensorShapeProto { dim: shape.iter().map(side).collect(), ..TensorShapeProto::default() };
    let tensor = TensorType { elem_type: DataType::Float as i32, shape: Some(shape), ..TensorType::default() };
    let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}
