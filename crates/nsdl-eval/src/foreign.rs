//! The results of predicates, nsdl's own and those of the host program: each is asked once for the same inputs.
//!
//! The results of a predicate are the rows of an auxiliary relation, and in a trace its tuples: a result with
//! a probability has a random variable and is a literal of the bodies that use it; one that is certain is not.

use std::fmt;
use std::sync::Arc;

use nsdl_functions::{Answer, AnswerTag, ForeignPredicate, Question, Registry};
use nsdl_ir::{Column, Diagnostic, Plan, Predicate, Step, Symbols, Tagging, Type, Value, Word};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::limits::{Budget, Stop};
use crate::members::Fresh;
use crate::table::{Rows, Table};
use crate::trace::Recorder;

/// By how much the probabilities of exclusive results may exceed 1: they are numbers from outside.
const TOLERANCE: f64 = 1e-4;

/// Results between two looks at the budget.
const WORK: usize = 1 << 12;

/// What a call gave: the numbers of its rows, or the interned text of its failure.
pub(crate) type Outcome = Result<Arc<[u32]>, Word>;

/// The results of all predicates, by their relation.
#[derive(Debug, Default)]
pub(crate) struct Results {
    stores: FxHashMap<usize, Store>,
    /// Rows of all relations.
    rows: usize,
    /// Volatile calls are kept too: what makes a call another one follows its inputs in the key.
    keep_all: bool,
}

/// The results of a predicate at some types.
struct Store {
    predicate: &'static Predicate,
    host: Option<Arc<dyn ForeignPredicate>>,
    types: Vec<Type>,
    rows: Fresh,
    /// By mode and inputs.
    calls: FxHashMap<Box<[Word]>, Outcome>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.predicate.text)
    }
}

/// A result and how probable it is; `None`: certain.
type Found = (Box<[Word]>, Option<f64>);

impl Results {
    pub(crate) fn new(plan: &Plan, registry: &Registry) -> Self {
        let mut results = Self::default();
        for step in plan.rules.iter().flat_map(|rule| &rule.steps) {
            let Step::Foreign {
                predicate,
                relation,
                ..
            } = step
            else {
                continue;
            };
            let types = || plan.relations[relation.index()].columns.clone();
            results
                .stores
                .entry(relation.index())
                .or_insert_with(|| Store {
                    predicate,
                    host: registry.predicate(&predicate.name).cloned(),
                    types: types(),
                    rows: Fresh::new(predicate.columns.len(), true),
                    calls: FxHashMap::default(),
                });
        }
        results
    }

    /// Keeps volatile calls too, see [`Results::keep_all`].
    pub(crate) fn keeping_all(self) -> Self {
        Self {
            keep_all: true,
            ..self
        }
    }

    /// The results for a key: a mode, then its inputs.
    pub(crate) fn ask(
        &mut self,
        relation: usize,
        key: &[Word],
        symbols: &Symbols,
        budget: &Budget,
        recorder: Option<&mut Recorder>,
    ) -> Result<Outcome, Stop> {
        let Some(store) = self.stores.get_mut(&relation) else {
            return Ok(Ok(Arc::from([])));
        };
        let reuse = !store.predicate.volatile || self.keep_all;
        if reuse && let Some(known) = store.calls.get(key) {
            return Ok(known.clone());
        }
        let found = store.call(key, symbols, budget, self.rows)?;
        let first = store.rows.rows.len();
        let outcome = store.keep(relation, key, found, reuse, symbols, recorder);
        self.rows += store.rows.rows.len() - first;
        Ok(outcome)
    }

    /// Asks all questions that were not asked yet at once; they are in one mode.
    pub(crate) fn ask_all(
        &mut self,
        relation: usize,
        keys: &[&[Word]],
        symbols: &Symbols,
        budget: &Budget,
        mut recorder: Option<&mut Recorder>,
    ) -> Result<(), Stop> {
        let Some(store) = self.stores.get_mut(&relation) else {
            return Ok(());
        };
        let new = keys.iter().filter(|key| !store.calls.contains_key(**key));
        let new: Vec<&[Word]> = new.copied().collect();
        budget.check(self.rows, 0)?;
        for (key, answers) in new.iter().zip(store.evaluate_batch(&new, symbols)) {
            let mut answers = match answers {
                Ok(answers) => answers.into_iter().map(Ok).collect(),
                Err(text) => vec![Err(text)],
            };
            let found = store.found(key, &mut answers.drain(..), symbols, budget, self.rows)?;
            let first = store.rows.rows.len();
            // Who asks again is told of a failure.
            let _ = store.keep(relation, key, found, true, symbols, recorder.as_deref_mut());
            self.rows += store.rows.rows.len() - first;
        }
        Ok(())
    }

    /// Whether questions to a predicate are to be collected.
    pub(crate) fn is_batched(&self, relation: usize) -> bool {
        let store = self.stores.get(&relation);
        store.is_some_and(|store| {
            let batched = store.host.as_ref().is_some_and(|host| host.batched());
            batched && !store.predicate.volatile
        })
    }

    /// Binds the new columns of a row; false if the others do not match.
    pub(crate) fn matches(
        &self,
        relation: usize,
        row: u32,
        columns: &[Column],
        slots: &mut [Word],
    ) -> bool {
        let Some(store) = self.stores.get(&relation) else {
            return false;
        };
        let cells = store.rows.rows.row(row);
        std::iter::zip(columns, cells).all(|(column, &word)| match *column {
            Column::Bind(slot) => {
                slots[slot.index()] = word;
                true
            }
            Column::Check(slot) => slots[slot.index()] == word,
            Column::Const(constant) => constant == word,
            Column::Any => true,
        })
    }

    /// The rows of each relation.
    pub(crate) fn into_tables(self) -> impl Iterator<Item = (usize, Table)> {
        let stores = self.stores.into_iter();
        stores.map(|(relation, store)| (relation, Table::new(store.rows.rows, store.rows.members)))
    }
}

impl Store {
    /// The results for a key, or why there are none.
    fn call(
        &self,
        key: &[Word],
        symbols: &Symbols,
        budget: &Budget,
        before: usize,
    ) -> Result<Result<Vec<Found>, String>, Stop> {
        let Some(host) = &self.host else {
            return Ok(Ok(Vec::new()));
        };
        let (mode, inputs) = self.question(key, symbols);
        let question = Question {
            mode,
            types: &self.types,
            inputs: &inputs,
        };
        self.found(key, &mut host.evaluate(question), symbols, budget, before)
    }

    /// Mode and inputs of a key.
    fn question(&self, key: &[Word], symbols: &Symbols) -> (usize, Vec<Value>) {
        let mode = key.first().map_or(0, |mode| *mode as usize);
        let needed = (0..self.types.len()).filter(|column| self.predicate.needs(mode, *column));
        let inputs = std::iter::zip(key.iter().skip(1), needed)
            .map(|(word, column)| Value::from_word(*word, self.types[column], symbols));
        (mode, inputs.collect())
    }

    /// The answers to several questions in one mode.
    fn evaluate_batch(
        &self,
        keys: &[&[Word]],
        symbols: &Symbols,
    ) -> Vec<Result<Vec<Answer>, String>> {
        let Some(host) = self.host.as_ref().filter(|_| !keys.is_empty()) else {
            return Vec::new();
        };
        let inputs: Vec<_> = keys.iter().map(|key| self.question(key, symbols)).collect();
        let questions: Vec<Question<'_>> = inputs
            .iter()
            .map(|(mode, inputs)| Question {
                mode: *mode,
                types: &self.types,
                inputs,
            })
            .collect();
        let mut found = host.evaluate_batch(&questions);
        found.resize_with(keys.len(), || Err("the batch lacks results".into()));
        found
    }

    /// The rows of the answers to a key, or why there are none.
    fn found(
        &self,
        key: &[Word],
        answers: &mut dyn Iterator<Item = Result<Answer, String>>,
        symbols: &Symbols,
        budget: &Budget,
        before: usize,
    ) -> Result<Result<Vec<Found>, String>, Stop> {
        let mode = key.first().map_or(0, |mode| *mode as usize);
        let (mut found, mut sum) = (Vec::new(), 0.0);
        for answer in answers {
            if found.len() % WORK == 0 {
                budget.check(before + found.len(), 0)?;
            }
            let answer = answer.and_then(|answer| self.row(key, mode, answer, symbols));
            match answer {
                Ok(None) => {}
                Ok(Some((row, probability))) => {
                    if let Some(probability) = probability {
                        sum += self.probability(probability, &row, symbols)?;
                    }
                    found.push((row, probability));
                }
                Err(text) => return Ok(Err(text)),
            }
        }
        if self.predicate.tags == Tagging::Exclusive && sum > 1.0 + TOLERANCE {
            let name = &self.predicate.name;
            let message = format!("the exclusive results of one call of `{name}` sum to {sum}");
            return Err(Diagnostic::error("E0652", message)
                .help("at most one of them holds: divide them by their sum")
                .into());
        }
        Ok(Ok(found))
    }

    fn probability(&self, p: f64, row: &[Word], symbols: &Symbols) -> Result<f64, Stop> {
        if (0.0..=1.0).contains(&p) {
            return Ok(p);
        }
        let cells = std::iter::zip(row, &self.types)
            .map(|(word, ty)| Value::from_word(*word, *ty, symbols).to_string());
        let cells = cells.collect::<Vec<_>>().join(", ");
        let message = format!(
            "`{}({cells})` is given the probability {p}",
            self.predicate.name
        );
        Err(Diagnostic::error("E0651", message)
            .help("a probability lies between 0 and 1: scale or clamp it in the host program")
            .into())
    }

    /// The whole row of an answer; `None` if it does not hold.
    fn row(
        &self,
        key: &[Word],
        mode: usize,
        answer: Answer,
        symbols: &Symbols,
    ) -> Result<Option<Found>, String> {
        let probability = match answer.tag {
            AnswerTag::Holds(false) => return Ok(None),
            AnswerTag::Certain | AnswerTag::Holds(true) => None,
            AnswerTag::Probability(_) if self.predicate.tags == Tagging::Certain => {
                return Err("it gives a probability, and is declared without".into());
            }
            AnswerTag::Probability(p) => Some(p),
        };
        let mut inputs = key.iter().skip(1);
        let mut outputs = answer.outputs.iter();
        let mut row = Vec::with_capacity(self.types.len());
        for (column, ty) in self.types.iter().enumerate() {
            if self.predicate.needs(mode, column) {
                row.extend(inputs.next());
                continue;
            }
            let Some(value) = outputs.next() else {
                break;
            };
            if value.ty() != *ty {
                let (found, number) = (value.ty(), column + 1);
                return Err(format!("it gives {found} in column {number}, not {ty}"));
            }
            row.push(value.to_word(symbols).ok_or("it gives NaN")?);
        }
        if row.len() != self.types.len() || outputs.next().is_some() {
            let given = answer.outputs.len();
            return Err(format!("it gives {given} values for its free columns"));
        }
        Ok(Some((row.into(), probability)))
    }

    /// Keeps what a call gave.
    fn keep(
        &mut self,
        relation: usize,
        key: &[Word],
        found: Result<Vec<Found>, String>,
        reuse: bool,
        symbols: &Symbols,
        recorder: Option<&mut Recorder>,
    ) -> Outcome {
        let outcome = match found {
            Ok(found) => Ok(self.add(relation, found, recorder)),
            Err(text) => {
                let name = &self.predicate.name;
                Err(symbols.intern(&format!("`{name}` failed: {text}")))
            }
        };
        if reuse {
            self.calls.insert(key.into(), outcome.clone());
        }
        outcome
    }

    /// Adds the results of a call: the first call that gives a tuple says how probable it is.
    fn add(
        &mut self,
        relation: usize,
        found: Vec<Found>,
        recorder: Option<&mut Recorder>,
    ) -> Arc<[u32]> {
        let none = Rows::new(self.types.len());
        let first = self.rows.rows.len() as u32;
        let mut ids = Vec::with_capacity(found.len());
        let mut own = FxHashSet::default();
        let mut news = Vec::new();
        for (row, probability) in found {
            let id = if self.predicate.volatile {
                self.rows.rows.push(&row);
                self.rows.rows.len() as u32 - 1
            } else {
                self.rows.intern(&none, &row).0
            };
            if own.insert(id) {
                ids.push(id);
            }
            if id >= first {
                news.push((id, probability));
            }
        }
        if let Some(recorder) = recorder {
            let count = self.rows.rows.len() as u32 - first;
            let exclusive = self.predicate.tags == Tagging::Exclusive;
            recorder.add_results(relation, first, count, &news, exclusive);
        }
        ids.into()
    }
}
