//! Facts from outside: kept as given, made rows of the column types when the program is known.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use nsdl_compile::External;
use nsdl_ir::{Diagnostic, Fact, Plan, RelationId, Symbols, Type, Word};

use crate::batch::{Batch, Given, Tags, check_sum};
use crate::numbers::Numbers;

/// The relation of that name that users can see.
pub(crate) fn relation_id(plan: &Plan, name: &str) -> Option<RelationId> {
    plan.relations
        .iter()
        .position(|r| !r.auxiliary && r.name == name)
        .map(RelationId::new)
}

/// All facts from outside, in the order they were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    relations: IndexMap<String, Option<Vec<Given>>>,
    batches: Vec<(u32, Arc<Batch>)>,
}

/// What [`Facts::undo`] needs to take back the last batch.
pub(crate) struct Undo {
    relation: usize,
    new: bool,
    before: Option<Vec<Given>>,
}

impl Facts {
    /// Adds a batch.
    ///
    /// # Errors
    /// If its columns cannot have a type in common with those of earlier batches.
    pub(crate) fn push(&mut self, relation: &str, batch: Batch) -> Result<Undo, Diagnostic> {
        let new = !self.relations.contains_key(relation);
        let (index, common) = {
            let entry = self.relations.entry(relation.to_owned());
            let index = entry.index();
            (index, entry.or_default())
        };
        let before = common.clone();
        if batch.len > 0 {
            let joined = match &before {
                None => Some(batch.given.clone()),
                Some(old) if old.len() == batch.given.len() => old
                    .iter()
                    .zip(&batch.given)
                    .map(|(a, b)| a.join(*b))
                    .collect(),
                Some(_) => None,
            };
            let Some(joined) = joined else {
                let types = |given: &[Given]| {
                    given
                        .iter()
                        .map(|g| g.ty.to_string())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                return Err(Diagnostic::error(
                    "E0301",
                    format!(
                        "facts of `{relation}` with columns ({}) beside facts with columns ({})",
                        types(&batch.given),
                        types(before.as_deref().unwrap_or_default())
                    ),
                ));
            };
            *common = Some(joined);
        }
        self.batches.push((index as u32, Arc::new(batch)));
        Ok(Undo {
            relation: index,
            new,
            before,
        })
    }

    /// Makes known that there will be facts of `relation`, of these types, unless there are some.
    pub(crate) fn declare(&mut self, relation: &str, types: &[Type]) {
        let common = self.relations.entry(relation.to_owned()).or_default();
        common.get_or_insert_with(|| types.iter().copied().map(Given::typed).collect());
    }

    /// Takes back the last batch.
    pub(crate) fn undo(&mut self, undo: Undo) {
        self.batches.pop();
        if undo.new {
            self.relations.pop();
        } else if let Some((_, common)) = self.relations.get_index_mut(undo.relation) {
            *common = undo.before;
        }
    }

    /// Number of facts.
    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(|(_, batch)| batch.len).sum()
    }

    /// Number of batches.
    pub(crate) fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether there are facts of `relation`.
    pub(crate) fn contains(&self, relation: &str) -> bool {
        self.relations.contains_key(relation)
    }

    /// Whether any fact is uncertain.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.batches.iter().any(|(_, batch)| batch.is_uncertain())
    }

    /// The relations that the facts fill, for the compiler, with the types that facts alone suggest.
    pub(crate) fn externals(&self) -> Vec<External> {
        self.relations
            .iter()
            .filter_map(|(name, common)| {
                let columns = common
                    .as_ref()?
                    .iter()
                    .map(|given| Some(given.default_type()))
                    .collect();
                Some(External {
                    name: name.clone(),
                    columns,
                })
            })
            .collect()
    }

    /// Checks that the tags of all facts are such `numbers`; needed where they were added as others.
    pub(crate) fn check_numbers(&self, numbers: Numbers) -> Result<(), Diagnostic> {
        for (index, batch) in &self.batches {
            let (Tags::Independent(tags) | Tags::Exclusive(tags)) = &batch.tags else {
                continue;
            };
            let name = self.relations.get_index(*index as usize);
            let name = name.map_or("", |(name, _)| name);
            for &tag in tags {
                numbers.check(tag, || format!("a fact of `{name}`"))?;
            }
            if matches!(batch.tags, Tags::Exclusive(_)) && numbers == Numbers::Probabilities {
                check_sum(name, tags)?;
            }
        }
        Ok(())
    }

    /// Checks that every fact fits the types of its relation.
    pub(crate) fn check(&self, plan: &Plan, symbols: &Symbols) -> Result<(), Diagnostic> {
        self.converted(plan, symbols)
            .try_for_each(|batch| batch.map(drop))
    }

    /// Each batch with its relation, and its rows in the relation's types.
    fn converted<'a>(
        &'a self,
        plan: &'a Plan,
        symbols: &'a Symbols,
    ) -> impl Iterator<Item = Result<(&'a Batch, RelationId, Cow<'a, [Word]>), Diagnostic>> {
        let ids: Vec<Option<RelationId>> = self
            .relations
            .keys()
            .map(|name| {
                let id = relation_id(plan, name)?;
                Some(plan.relations.get(id.index())?.facts.unwrap_or(id))
            })
            .collect();
        self.batches.iter().map(move |(index, batch)| {
            let id = ids.get(*index as usize).copied().flatten();
            if batch.is_empty() {
                return Ok((
                    batch.as_ref(),
                    RelationId::default(),
                    Cow::Borrowed(&[][..]),
                ));
            }
            let (Some(id), Some((name, _))) = (id, self.relations.get_index(*index as usize))
            else {
                return Err(Diagnostic::error(
                    "E0599",
                    "facts of a relation that the plan lost",
                ));
            };
            let types = plan
                .relations
                .get(id.index())
                .map_or(&[][..], |relation| &relation.columns);
            Ok((batch.as_ref(), id, batch.convert(name, types, symbols)?))
        })
    }

    /// Appends all facts to `facts`, which holds those of the program; exclusive groups are numbered on from
    /// theirs. Returns, for each batch, where its facts are.
    pub(crate) fn append(
        &self,
        plan: &Plan,
        symbols: &Symbols,
        facts: &mut Vec<Fact>,
    ) -> Result<Vec<Range<u32>>, Diagnostic> {
        let mut groups = facts
            .iter()
            .filter_map(|fact| Some(fact.tag.group()? + 1))
            .max()
            .unwrap_or(0);
        let mut ranges = Vec::with_capacity(self.batches.len());
        for batch in self.converted(plan, symbols) {
            let (batch, relation, words) = batch?;
            let width = batch.given.len();
            let start = facts.len() as u32;
            for i in 0..batch.len {
                let row = words.get(i * width..(i + 1) * width).unwrap_or_default();
                facts.push(Fact {
                    relation,
                    row: row.into(),
                    tag: batch.tags.tag(i, groups),
                    span: None,
                });
            }
            let exclusive = matches!(batch.tags, Tags::Exclusive(_) | Tags::Shares(_));
            groups += u32::from(exclusive && batch.len > 0);
            ranges.push(start..facts.len() as u32);
        }
        Ok(ranges)
    }
}
