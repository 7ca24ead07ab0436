//! Aggregates of the host program.
//!
//! An incremental one is a chain over the members, with one state per value of its state. Another one is given
//! whole sets of members: its states are those sets, so that few members may be uncertain.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use nsdl_functions::{ForeignAggregate, Incremental};
use nsdl_ir::{AggregateKind, AggregateSignature, Diagnostic, Parameter, Type, Value, Word};

use super::traced::{Derive, Traced};
use super::{GroupRows, Input};
use crate::FailureKind;
use crate::failure::Failures;
use crate::limits::Stop;

/// So many members of a group may be uncertain for an aggregate that is not incremental.
const UNCERTAIN: usize = 12;

/// A state that has none: its aggregate failed.
const FAILED: u32 = u32::MAX;

/// The states of a fold, by number.
struct States<'a> {
    input: Input<'a>,
    signature: &'static AggregateSignature,
    host: &'a dyn ForeignAggregate,
    incremental: Option<&'a dyn Incremental>,
    values: RefCell<Vec<Value>>,
    numbers: RefCell<BTreeMap<Value, u32>>,
    /// What failed, first.
    failure: RefCell<Option<String>>,
}

impl<'a> States<'a> {
    fn new(
        input: &Input<'a>,
        signature: &'static AggregateSignature,
        host: &'a dyn ForeignAggregate,
    ) -> Self {
        Self {
            input: *input,
            signature,
            host,
            incremental: host.incremental(),
            values: RefCell::default(),
            numbers: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    fn number(&self, value: Value) -> u32 {
        let mut numbers = self.numbers.borrow_mut();
        if let Some(number) = numbers.get(&value) {
            return *number;
        }
        let mut values = self.values.borrow_mut();
        let number = values.len() as u32;
        values.push(value.clone());
        numbers.insert(value, number);
        number
    }

    fn value(&self, state: u32) -> Option<Value> {
        self.values.borrow().get(state as usize).cloned()
    }

    fn fail(&self, text: String) {
        self.failure.borrow_mut().get_or_insert(text);
    }

    fn start(&self) -> u32 {
        self.number(match self.incremental {
            Some(incremental) => incremental.start(),
            None => Value::Tuple(Arc::from([])),
        })
    }

    fn add(&self, state: u32, row: u32) -> u32 {
        let Some(value) = self.value(state) else {
            return FAILED;
        };
        let next = match (self.incremental, value) {
            (Some(incremental), value) => incremental.add(&value, &self.input.member(row)),
            (None, Value::Tuple(rows)) => {
                let rows = rows.iter().cloned().chain([Value::U32(row)]);
                Ok(Value::Tuple(rows.collect()))
            }
            (None, _) => Err(String::new()),
        };
        match next {
            Ok(next) => self.number(next),
            Err(text) => {
                self.fail(text);
                FAILED
            }
        }
    }

    fn finish(&self, state: u32) -> Option<Word> {
        let value = self.value(state)?;
        let result = match (self.incremental, value) {
            (Some(incremental), value) => incremental.finish(&value),
            (None, Value::Tuple(rows)) => {
                let rows = rows.iter().filter_map(Value::as_i128);
                let members: Vec<Vec<Value>> =
                    rows.map(|row| self.input.member(row as u32)).collect();
                self.host.evaluate(&members)
            }
            (None, _) => Ok(None),
        };
        let word = result.and_then(|value| {
            let Some(value) = value else {
                return Ok(None);
            };
            match self.result() {
                Some(ty) if value.ty() != ty => {
                    Err(format!("it gives a value of type {}, not {ty}", value.ty()))
                }
                _ => match value.to_word(self.input.symbols) {
                    Some(word) => Ok(Some(word)),
                    None => Err("it gives NaN".into()),
                },
            }
        });
        word.unwrap_or_else(|text| {
            self.fail(text);
            None
        })
    }

    fn result(&self) -> Option<Type> {
        let parameters = self.signature.arguments.iter();
        let parameters = parameters.chain(&self.signature.values);
        let keys = self.input.aggregate.keys as usize;
        let mut columns = std::iter::zip(parameters, self.input.types.iter().skip(keys));
        let variable = columns.find_map(|(parameter, ty)| match (parameter, ty) {
            (Parameter::Variable, ty) => Some(*ty),
            (Parameter::List, Type::List(element)) => Some(**element),
            _ => None,
        });
        match self.signature.result {
            Parameter::Exactly(ty) => Some(ty),
            Parameter::Variable => variable,
            Parameter::List => variable.map(Type::list),
            Parameter::Any => None,
        }
    }

    /// Counts what failed.
    fn report(self, failures: &mut Failures) {
        if let Some(text) = self.failure.into_inner() {
            let text = format!("`{}` failed: {text}", self.signature.name);
            let kind = FailureKind::Foreign(self.input.symbols.intern(&text));
            failures.count(self.input.aggregate.span, kind);
        }
    }
}

impl Input<'_> {
    /// The arguments and values of a member.
    fn member(&self, row: u32) -> Vec<Value> {
        let keys = self.aggregate.keys as usize;
        let cells = self.members.row(row).iter().zip(self.types).skip(keys);
        cells
            .map(|(word, ty)| Value::from_word(*word, *ty, self.symbols))
            .collect()
    }

    /// The members in order of arguments, then of values.
    fn in_order(&self, members: &[u32]) -> Vec<u32> {
        let mut sorted = members.to_vec();
        let keys = self.aggregate.keys as usize;
        sorted.sort_by(|&a, &b| self.compare_from(keys, a, b));
        sorted
    }

    /// The result of members that all hold.
    pub(super) fn foreign(
        &self,
        signature: &'static AggregateSignature,
        members: &[u32],
        failures: &mut Failures,
    ) -> Option<Word> {
        let host = self.registry.aggregate(&signature.name)?;
        let states = States::new(self, signature, host.as_ref());
        let members = self.in_order(members);
        let last = match states.incremental {
            Some(_) => members
                .into_iter()
                .fold(states.start(), |state, row| states.add(state, row)),
            None => {
                let rows = members.into_iter().map(Value::U32);
                states.number(Value::Tuple(rows.collect()))
            }
        };
        let word = states.finish(last);
        states.report(failures);
        word
    }
}

impl Traced<'_> {
    /// A chain over the members.
    pub(super) fn foreign(
        &self,
        signature: &'static AggregateSignature,
        group: &GroupRows<'_>,
        derive: &mut Derive<'_>,
        failures: &mut Failures,
        steps: &mut usize,
    ) -> Result<(Vec<u32>, AggregateKind), Stop> {
        let Some(host) = self.input.registry.aggregate(&signature.name) else {
            let results = Vec::new();
            return Ok((Vec::new(), AggregateKind::Count { results }));
        };
        let states = States::new(&self.input, signature, host.as_ref());
        let uncertain = group.members.iter().filter(|row| !self.is_certain(**row));
        let uncertain = uncertain.count();
        if states.incremental.is_none() && uncertain > UNCERTAIN {
            return Err(too_many(&self.input, &signature.name, uncertain).into());
        }
        let members = self.input.in_order(&group.members);
        let next = |state, row, holds| match holds {
            true => states.add(state, row),
            false => state,
        };
        let (levels, last) = self.chain(&members, states.start(), next, steps)?;
        // A group that exists through its members only has no result without them.
        let empty = (!self.input.exist_empty()).then(|| states.start());
        let words: Vec<Option<Word>> = last
            .iter()
            .map(
                |&state| match Some(state) == empty && uncertain == members.len() {
                    true => None,
                    false => states.finish(state),
                },
            )
            .collect();
        let forced = words.windows(2).all(|pair| pair[0] == pair[1]);
        let results = words
            .into_iter()
            .map(|word| word.map(|word| derive(&[word], forced)))
            .collect();
        states.report(failures);
        Ok((members, AggregateKind::Fold { levels, results }))
    }
}

/// E0653
fn too_many(input: &Input<'_>, name: &str, uncertain: usize) -> Diagnostic {
    let message = format!("`{name}` has {uncertain} uncertain members in one group");
    Diagnostic::error("E0653", message)
        .label(input.aggregate.span, "this aggregate")
        .note(format!(
            "it is called for every set of them: at most {UNCERTAIN} may be uncertain"
        ))
        .help(
            "make it incremental, aggregate fewer members, or disregard how likely they are by `!`",
        )
}
