//! The numbers of a tensor, wherever the file keeps them, and tensors from numbers.

use super::proto::{DataType, TensorProto};

impl TensorProto {
    /// A tensor of 32-bit floats.
    pub fn of_floats(name: impl Into<String>, dims: &[usize], values: &[f32]) -> Self {
        Self::of_bytes(name, dims, DataType::Float, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// A tensor of 64-bit integers.
    pub fn of_integers(name: impl Into<String>, dims: &[usize], values: &[i64]) -> Self {
        Self::of_bytes(name, dims, DataType::Int64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// A tensor of elements that are given as they lie in a file, little end first.
    pub fn of_bytes(name: impl Into<String>, dims: &[usize], data_type: DataType, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            dims: dims.iter().map(|side| *side as i64).collect(),
            data_type: data_type as i32,
            raw_data: Some(bytes),
            ..Self::default()
        }
    }

    /// Length of every axis; empty for a single number. Negative lengths, which no tensor has, count as 0.
    pub fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect()
    }

    /// Product of all sides; None where it is no number.
    pub fn count(&self) -> Option<usize> {
        self.shape().into_iter().try_fold(1usize, usize::checked_mul)
    }

    /// Its values, if it holds 32-bit floats and as many as its shape says. Not those in an external file.
    pub fn floats(&self) -> Option<Vec<f32>> {
        if self.data_type != DataType::Float as i32 {
            return None;
        }
        let values = match &self.raw_data {
            Some(raw) => raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            None => self.float_data.clone(),
        };
        (Some(values.len()) == self.count()).then_some(values)
    }

    /// Its values, if it holds 64-bit or 32-bit integers and as many as its shape says.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let raw = self.raw_data.as_deref();
        let values: Vec<i64> = if self.data_type == DataType::Int64 as i32 {
            raw.map_or_else(
                || self.int64_data.clone(),
                |raw| raw.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
            )
        } else if self.data_type == DataType::Int32 as i32 {
            raw.map_or_else(
                || self.int32_data.iter().map(|value| i64::from(*value)).collect(),
                |raw| raw.as_chunks::<4>().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes))).collect(),
            )
        } else {
            return None;
        };
        (Some(values.len()) == self.count()).then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_either_place() {
        let raw = TensorProto::of_floats("w", &[2, 1], &[1.5, -2.0]);
        assert_eq!((raw.floats(), raw.count(), raw.integers()), (Some(vec![1.5, -2.0]), Some(2), None));
        let listed = TensorProto { data_type: 1, dims: vec![1], float_data: vec![3.0], ..Default::default() };
        assert_eq!(listed.floats(), Some(vec![3.0]));
        assert_eq!(TensorProto::of_integers("k", &[], &[7]).integers(), Some(vec![7]));
        let small = TensorProto { data_type: 6, dims: vec![2], int32_data: vec![-1, 2], ..Default::default() };
        assert_eq!(small.integers(), Some(vec![-1, 2]));
        let short = TensorProto { dims: vec![3], ..raw.clone() };
        assert_eq!(short.floats(), None);
        let huge = TensorProto { dims: vec![i64::MAX, i64::MAX], ..raw };
        assert_eq!((huge.count(), huge.floats()), (None, None));
    }
}
