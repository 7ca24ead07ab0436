//! Tensors as constants.

use std::cmp::Ordering;
use std::fmt;

/// Numbers in a shape, row-major. Never holds NaN; −0.0 is stored as 0.0, so that equal tensors have equal bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Tensor {
    /// `None` if there are not as many numbers as the shape holds, or one is NaN.
    pub fn new(shape: Vec<usize>, mut data: Vec<f64>) -> Option<Tensor> {
        let size = shape
            .iter()
            .try_fold(1usize, |size, dim| size.checked_mul(*dim))?;
        if size != data.len() || data.iter().any(|value| value.is_nan()) {
            return None;
        }
        data.iter_mut().for_each(|value| *value += 0.0);
        Some(Tensor { shape, data })
    }

    /// Its dimensions; none for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its numbers, row-major.
    pub fn data(&self) -> &[f64] {
        &self.data
    }
}

impl Eq for Tensor {}

/// By shape, then by the numbers.
impl Ord for Tensor {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = || {
            let pairs = std::iter::zip(&self.data, &other.data);
            pairs.map(|(a, b)| a.total_cmp(b)).find(|it| it.is_ne())
        };
        let shapes = self.shape.cmp(&other.shape);
        shapes.then_with(|| numbers().unwrap_or(Ordering::Equal))
    }
}

impl PartialOrd for Tensor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for Tensor {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.shape.hash(state);
        self.data
            .iter()
            .for_each(|value| value.to_bits().hash(state));
    }
}

/// Nested brackets: `[[1.0, 2.0], [3.0, 4.0]]`; a single number is written bare.
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        nested(f, &self.shape, &self.data)
    }
}

fn nested(f: &mut fmt::Formatter<'_>, shape: &[usize], data: &[f64]) -> fmt::Result {
    let Some((count, inner)) = shape.split_first() else {
        let value = data.first().copied().unwrap_or_default();
        return f.write_str(&crate::format_float(value, value.is_finite()));
    };
    let size: usize = inner.iter().product();
    f.write_str("[")?;
    for index in 0..*count {
        if index > 0 {
            f.write_str(", ")?;
        }
        nested(f, inner, data.get(index * size..).unwrap_or_default())?;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_prints_nested() {
        let tensor = Tensor::new(vec![2, 2], vec![1.0, -0.0, 3.5, 4.0]).unwrap();
        assert_eq!(tensor.to_string(), "[[1.0, 0.0], [3.5, 4.0]]");
        assert_eq!(Tensor::new(vec![3], vec![1.0]), None);
        assert_eq!(Tensor::new(vec![1], vec![f64::NAN]), None);
    }
}
