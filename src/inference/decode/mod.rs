//! From output tensors to candidates, one file a head.

use crate::imaging::ImageSize;

/// One output tensor of a run, as 32-bit floats whatever its own type.
#[derive(Clone, Copy, Debug)]
pub struct OutputTensor<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Its shape on this run.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

/// What a head needs to know beside the tensors.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext {
    /// Width and height of the model's input.
    pub input_size: ImageSize,
    /// Candidates with a lower score are not given out.
    pub score_floor: f32,
}
