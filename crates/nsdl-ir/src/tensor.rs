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
    /// The most dimensions of one: nobody has more, and what recurses over them needs no guard.
    const DIMENSIONS: usize = 64;

    /// `None` if there are not as many numbers as the shape holds, if one is NaN, and for more than 64 dimensions.
    /// An empty tensor has the shape `[0]`, whatever it was: it prints as `[]`.
    pub fn new(mut shape: Vec<usize>, mut data: Vec<f64>) -> Option<Tensor> {
        let size = shape
            .iter()
            .try_fold(1usize, |size, dim| size.checked_mul(*dim))?;
        if size != data.len()
            || shape.len() > Tensor::DIMENSIONS
            || data.iter().any(|value| value.is_nan())
        {
            return None;
        }
        if data.is_empty() {
            shape = vec![0];
        }
        data.iter_mut().for_each(|value| *value += 0.0);
        Some(Tensor { shape, data })
    }

    /// A single number, without dimensions; `None` for NaN.
    pub fn scalar(number: f64) -> Option<Tensor> {
        Tensor::new(Vec::new(), vec![number])
    }

    /// Nested brackets, as `Display` writes them; integers may stand for floats.
    pub fn parse(text: &str) -> Option<Tensor> {
        let (mut shape, mut data) = (Vec::new(), Vec::new());
        let rest = read(text, 0, &mut shape, &mut data)?;
        let shape = shape.into_iter().map(Option::unwrap_or_default).collect();
        rest.trim().is_empty().then(|| Tensor::new(shape, data))?
    }

    /// The tensors of one shape, side by side in a new first dimension; `None` if their shapes differ.
    pub fn stack(parts: &[Tensor]) -> Option<Tensor> {
        let mut shape = vec![parts.len()];
        shape.extend(parts.first().map_or(&[][..], |part| &part.shape));
        if parts.iter().any(|part| shape.get(1..) != Some(&part.shape)) {
            return None;
        }
        let data = parts.iter().flat_map(|part| &part.data).copied();
        Tensor::new(shape, data.collect())
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

/// Reads a number, or brackets with what is inside them, at dimension `depth`; returns what follows.
fn read<'t>(
    text: &'t str,
    depth: usize,
    shape: &mut Vec<Option<usize>>,
    data: &mut Vec<f64>,
) -> Option<&'t str> {
    let text = text.trim_start();
    let Some(mut rest) = text.strip_prefix('[') else {
        // All numbers are equally deep.
        if depth != shape.len() {
            return None;
        }
        let end = text.find([',', ']', ' ', '\n', '\t']).unwrap_or(text.len());
        let (number, rest) = text.split_at_checked(end)?;
        data.push(number.parse().ok()?);
        return Some(rest);
    };
    if depth == shape.len() {
        if !data.is_empty() || depth == Tensor::DIMENSIONS {
            return None;
        }
        shape.push(None);
    }
    let mut count = 0;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            let known = shape.get_mut(depth)?;
            return (*known.get_or_insert(count) == count).then_some(after);
        }
        if count > 0 {
            rest = rest.strip_prefix(',')?;
        }
        rest = read(rest, depth + 1, shape, data)?;
        count += 1;
    }
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
        assert_eq!(Tensor::new(vec![0, 7], vec![]).unwrap().to_string(), "[]");
    }

    #[test]
    fn a_tensor_reads_back() {
        for text in [
            "[]",
            "1.5",
            "[1.0, -2.0]",
            "[[1.0, 0.0], [3.5, 4.0]]",
            "[[[inf]]]",
        ] {
            assert_eq!(Tensor::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Tensor::parse(" [ 1,2 ] ").unwrap().to_string(),
            "[1.0, 2.0]"
        );
        for text in [
            "",
            "[",
            "[1",
            "[1]]",
            "[1 2]",
            "[[1], 2]",
            "[1, [2]]",
            "[[1], [2, 3]]",
            "[nan]",
            "[a]",
            "[1,]",
            "[,1]",
            "[[], [1]]",
        ] {
            assert_eq!(Tensor::parse(text), None, "{text}");
        }
        assert_eq!(Tensor::parse(&"[".repeat(100_000)), None);
        let rows = [
            Tensor::parse("[1, 2]").unwrap(),
            Tensor::parse("[3, 4]").unwrap(),
        ];
        assert_eq!(Tensor::stack(&rows), Tensor::parse("[[1, 2], [3, 4]]"));
        let uneven = [
            Tensor::parse("[1, 2]").unwrap(),
            Tensor::parse("[3]").unwrap(),
        ];
        assert_eq!(Tensor::stack(&uneven), None);
    }
}
