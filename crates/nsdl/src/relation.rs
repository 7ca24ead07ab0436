//! A relation as the caller sees it: typed tuples with tags, in the order of SEMANTICS.md 10.

use std::fmt;
use std::sync::Arc;

use nsdl_ir::{Symbols, Type, Value, Word};
use nsdl_provenance::Extended;
use rustc_hash::FxHashMap;

/// The answers of one relation or query.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Its name, or the canonical text of an atom query.
    pub name: String,
    /// Column types.
    pub types: Vec<Type>,
    /// Tags and tuples, ordered by tuple; a tuple whose tag is zero is not here.
    pub tuples: Vec<(OutputTag, Vec<Value>)>,
    /// How far the tags may be off, tuple by tuple.
    pub bounds: Bounds,
}

/// Intervals around the tags of a relation, one for each of its tuples; equal ends where the tag is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Bounds {
    /// None: the tags are what their provenance says.
    #[default]
    None,
    /// Under `auto` beyond its budget: each contains the probability.
    Certain(Vec<[f64; 2]>),
    /// Under `sample`: each contains the probability in 95 of 100 draws.
    Confident(Vec<[f64; 2]>),
}

impl Bounds {
    /// Those of the tuple at a position.
    pub fn get(&self, tuple: usize) -> Option<[f64; 2]> {
        match self {
            Bounds::None => None,
            Bounds::Certain(bounds) | Bounds::Confident(bounds) => bounds.get(tuple).copied(),
        }
    }
}

/// A row with its tag, and bounds if there are any.
pub(crate) type Row<'a> = (OutputTag, Option<[f64; 2]>, &'a [Word]);

/// The tag of a tuple.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputTag {
    /// Under `unit`: it holds.
    Unit,
    /// Under `bool`: whether it holds.
    Bool(bool),
    /// Under the provenances of probabilities and degrees of truth: how probable or true it is.
    Probability(f64),
    /// Under `natural`: how many derivation trees it has.
    Count(Extended),
    /// Under `tropical`: what its cheapest derivation costs.
    Cost(Extended),
    /// Under `realtropical`: the same.
    RealCost(f64),
    /// Under `proofs` and `why`: the sets of literals from which it follows. Under `lineage`: one set, of the facts
    /// that have a part in it.
    Proofs(Arc<[Vec<OutputLiteral>]>),
}

/// A fact, or the use of a tagged rule, in a proof.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputLiteral {
    /// As programs write it: `edge(0, 1)`.
    pub text: Arc<str>,
    /// Whether it must not hold.
    pub negated: bool,
}

impl fmt::Display for OutputLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negated { "not " } else { "" })?;
        f.write_str(&self.text)
    }
}

impl OutputTag {
    /// True for the tags that text output leaves out: the algebra's one.
    pub fn is_one(&self) -> bool {
        match self {
            OutputTag::Unit => true,
            OutputTag::Bool(holds) => *holds,
            OutputTag::Probability(p) => *p == 1.0,
            OutputTag::Count(n) => *n == Extended::ONE,
            OutputTag::Cost(cost) => *cost == Extended::ZERO,
            OutputTag::RealCost(cost) => *cost == 0.0,
            OutputTag::Proofs(proofs) => matches!(&**proofs, [proof] if proof.is_empty()),
        }
    }

    /// True for the tags of tuples that are not in a relation. (NaN is no zero: it must be seen.)
    pub fn is_zero(&self) -> bool {
        match self {
            OutputTag::Unit => false,
            OutputTag::Bool(holds) => !holds,
            OutputTag::Probability(p) => *p == 0.0,
            OutputTag::Count(n) => *n == Extended::ZERO,
            OutputTag::Cost(cost) => *cost == Extended::Infinite,
            OutputTag::RealCost(cost) => *cost == f64::INFINITY,
            OutputTag::Proofs(proofs) => proofs.is_empty(),
        }
    }

    /// As a number: the probability, count or cost; 1 for `unit` and for proofs, 0 or 1 for `bool`.
    pub fn probability(&self) -> f64 {
        match self {
            OutputTag::Unit | OutputTag::Proofs(_) => 1.0,
            OutputTag::Bool(holds) => f64::from(u8::from(*holds)),
            OutputTag::Probability(p) | OutputTag::RealCost(p) => *p,
            OutputTag::Count(n) | OutputTag::Cost(n) => n.to_f64(),
        }
    }
}

impl Relation {
    /// Relation from rows of words. Sorts them, and drops those of tag zero.
    ///
    /// Cost: one sort of row numbers by integer keys; values are made once, in order.
    pub(crate) fn from_rows<'a>(
        name: &str,
        types: &[Type],
        rows: impl IntoIterator<Item = Row<'a>>,
        symbols: &Symbols,
    ) -> Self {
        let is_zero =
            |row: &Row<'a>| row.0.is_zero() && row.1.is_none_or(|[_, upper]| upper == 0.0);
        let rows: Vec<Row<'a>> = rows.into_iter().filter(|row| !is_zero(row)).collect();
        let mut reader = Reader {
            symbols,
            texts: FxHashMap::default(),
        };
        let mut bounds = Vec::new();
        let tuples = order(types, rows.iter().map(|&(_, _, row)| row), symbols)
            .into_iter()
            .filter_map(|i| rows.get(i as usize))
            .map(|(tag, around, row)| {
                bounds.extend(*around);
                (tag.clone(), reader.tuple(types, row))
            })
            .collect();
        let bounds = match bounds.is_empty() {
            true => Bounds::None,
            false => Bounds::Certain(bounds),
        };
        Self {
            name: name.to_owned(),
            types: types.to_vec(),
            tuples,
            bounds,
        }
    }

    /// Number of tuples.
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether it has no tuples.
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }

    /// The tag of `tuple`, if it is in the relation.
    pub fn tag(&self, tuple: &[Value]) -> Option<OutputTag> {
        let at = self
            .tuples
            .binary_search_by(|(_, t)| t.as_slice().cmp(tuple))
            .ok()?;
        self.tuples.get(at).map(|(tag, _)| tag.clone())
    }
}

/// Makes values of words, reading each text from the interner once.
struct Reader<'a> {
    symbols: &'a Symbols,
    texts: FxHashMap<Word, Arc<str>>,
}

impl Reader<'_> {
    fn tuple(&mut self, types: &[Type], row: &[Word]) -> Vec<Value> {
        types
            .iter()
            .zip(row)
            .map(|(&ty, &word)| match ty {
                Type::String => Value::String(self.text(word)),
                Type::Symbol => Value::Symbol(self.text(word)),
                _ => Value::from_word(word, ty, self.symbols),
            })
            .collect()
    }

    fn text(&mut self, word: Word) -> Arc<str> {
        self.texts
            .entry(word)
            .or_insert_with(|| self.symbols.text(word))
            .clone()
    }
}

/// The values of a row.
pub(crate) fn values(types: &[Type], row: &[Word], symbols: &Symbols) -> Vec<Value> {
    let cells = types.iter().zip(row);
    cells
        .map(|(&ty, &word)| Value::from_word(word, ty, symbols))
        .collect()
}

/// The numbers of `rows` in the order of SEMANTICS.md 10.
pub(crate) fn order<'a>(
    types: &[Type],
    rows: impl IntoIterator<Item = &'a [Word]>,
    symbols: &Symbols,
) -> Vec<u32> {
    let width = types.len();
    let mut keys: Vec<u64> = Vec::new();
    let mut count: u32 = 0;
    for row in rows {
        keys.extend_from_slice(row.get(..width).unwrap_or(row));
        count += 1;
    }
    if width == 0 {
        return (0..count).collect();
    }
    // Words become integers of the same order, column by column.
    for (column, &ty) in types.iter().enumerate() {
        let cells = keys.iter_mut().skip(column).step_by(width);
        match ty {
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Isize | Type::DateTime => {
                cells.for_each(|w| *w ^= 1 << 63);
            }
            // Negative floats order backwards by their bits; words never hold NaN.
            Type::F64 => cells.for_each(|w| *w = if *w >> 63 == 1 { !*w } else { *w | 1 << 63 }),
            Type::F32 => cells.for_each(|w| {
                let bits = *w as u32;
                *w = u64::from(if bits >> 31 == 1 {
                    !bits
                } else {
                    bits | 1 << 31
                });
            }),
            // Words that are ids become ranks.
            Type::String
            | Type::Symbol
            | Type::I128
            | Type::U128
            | Type::Duration
            | Type::Tensor
            | Type::Entity
            | Type::Adt(_)
            | Type::Tuple(_)
            | Type::List(_) => {
                let mut distinct: Vec<(Value, Word)> = Vec::new();
                let mut rank: FxHashMap<Word, u64> = FxHashMap::default();
                for &w in keys.iter().skip(column).step_by(width) {
                    rank.entry(w).or_insert_with(|| {
                        distinct.push((Value::from_word(w, ty, symbols), w));
                        0
                    });
                }
                distinct.sort_unstable();
                for (i, (_, w)) in distinct.iter().enumerate() {
                    rank.insert(*w, i as u64);
                }
                for w in keys.iter_mut().skip(column).step_by(width) {
                    *w = rank.get(w).copied().unwrap_or_default();
                }
            }
            // These order by their words.
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::Usize
            | Type::Bool
            | Type::Char => {}
        }
    }
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_unstable_by_key(|&i| {
        let start = i as usize * width;
        (keys.get(start..start + width), i)
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(ty: Type, values: &[Value]) -> Vec<Value> {
        let symbols = Symbols::new();
        let words: Vec<[Word; 1]> = values
            .iter()
            .map(|v| [v.to_word(&symbols).unwrap()])
            .collect();
        let rows = words.iter().map(|w| (OutputTag::Unit, None, w.as_slice()));
        let relation = Relation::from_rows("r", &[ty], rows, &symbols);
        relation
            .tuples
            .into_iter()
            .map(|(_, mut t)| t.remove(0))
            .collect()
    }

    #[test]
    fn every_type_sorts_as_its_values_do() {
        let text = |s: &str| Value::String(s.into());
        let cases = [
            (
                Type::I32,
                vec![Value::I32(3), Value::I32(-7), Value::I32(0)],
            ),
            (
                Type::U64,
                vec![Value::U64(u64::MAX), Value::U64(0), Value::U64(1 << 63)],
            ),
            (
                Type::I128,
                vec![Value::I128(-1), Value::I128(i128::MIN), Value::I128(5)],
            ),
            (Type::U128, vec![Value::U128(u128::MAX), Value::U128(0)]),
            (
                Type::F64,
                vec![
                    Value::F64(1.5),
                    Value::F64(-2.0),
                    Value::F64(f64::NEG_INFINITY),
                    Value::F64(0.0),
                ],
            ),
            (
                Type::F32,
                vec![
                    Value::F32(1e-3),
                    Value::F32(f32::INFINITY),
                    Value::F32(-1.0),
                    Value::F32(-3.0),
                ],
            ),
            (Type::Bool, vec![Value::Bool(true), Value::Bool(false)]),
            (
                Type::Char,
                vec![Value::Char('é'), Value::Char('a'), Value::Char('Z')],
            ),
            (
                Type::String,
                vec![text("b"), text("a"), text(""), text("é"), text("B")],
            ),
            (
                Type::DateTime,
                ["2020-01-01", "-0044-03-15", "1970-01-01"]
                    .map(|text| Value::DateTime(nsdl_ir::DateTime::parse(text).unwrap()))
                    .to_vec(),
            ),
            (
                Type::Duration,
                ["1 month", "-1 day", "30 days", "31 days"]
                    .map(|text| Value::Duration(nsdl_ir::Duration::parse(text).unwrap()))
                    .to_vec(),
            ),
            (
                Type::Tensor,
                ["[2, 1]", "[1, 2]", "[[1]]", "0"]
                    .map(|text| Value::Tensor(nsdl_ir::Tensor::parse(text).unwrap().into()))
                    .to_vec(),
            ),
            (
                Type::list(Type::I32),
                [&[2][..], &[], &[1, 5], &[1]]
                    .map(|v| {
                        let items: Vec<Value> = v.iter().map(|v| Value::I32(*v)).collect();
                        Value::List(Type::I32, items.into())
                    })
                    .to_vec(),
            ),
            (
                Type::tuple(&[Type::Bool, Type::String]),
                [(true, "a"), (false, "b"), (false, "a")]
                    .map(|(bit, s)| Value::Tuple([Value::Bool(bit), text(s)].into()))
                    .to_vec(),
            ),
        ];
        for (ty, values) in cases {
            let mut expected = values.clone();
            expected.sort();
            assert_eq!(sorted(ty, &values), expected, "{ty}");
        }
    }

    #[test]
    fn tuples_sort_by_column_and_zero_tags_drop() {
        let symbols = Symbols::new();
        let rows: Vec<(OutputTag, [Word; 2])> = vec![
            (OutputTag::Probability(0.5), [1, 0]),
            (OutputTag::Probability(0.0), [0, 0]),
            (OutputTag::Probability(1.0), [0, 2]),
        ];
        let types = [Type::U8, Type::U8];
        let relation = Relation::from_rows(
            "r",
            &types,
            rows.iter().map(|(t, r)| (t.clone(), None, r.as_slice())),
            &symbols,
        );
        assert_eq!(relation.len(), 2);
        assert_eq!(relation.tuples[0].1, [Value::U8(0), Value::U8(2)]);
        assert_eq!(
            relation.tag(&[Value::U8(1), Value::U8(0)]),
            Some(OutputTag::Probability(0.5))
        );
        assert_eq!(relation.tag(&[Value::U8(0), Value::U8(0)]), None);
    }

    #[test]
    fn zero_columns_keep_their_one_tuple() {
        let relation = Relation::from_rows(
            "r",
            &[],
            [(OutputTag::Unit, None, [].as_slice())],
            &Symbols::new(),
        );
        assert_eq!(relation.tuples, [(OutputTag::Unit, vec![])]);
    }
}
