//! A program whose facts differ from sample to sample: each layout of facts is compiled once and kept.

mod answers;
mod arrange;
mod cache;
mod call;
mod layout;
mod plan;
mod rows;
mod second;
mod together;
mod tuples;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nsdl_ir::{Diagnostic, RelationId, Type, Value};

use crate::error::{Error, Result};
use crate::failure::DROPPED;
use crate::module::build::Blueprint;
use crate::module::{Input, Module, Output};
use crate::provenance::Provenance;
use crate::session::Session;

pub use arrange::Arrangement;
pub use call::BatchTape;
pub use layout::Layout;
pub use second::{Moved, Second};
pub use tuples::Tuples;

use cache::Cache;
use plan::Joined;

/// A program as a batched, differentiable function of facts that each sample has its own of.
///
/// Beside the inputs of a [`Module`](crate::Module), whose tuples are the same in all samples, it has open relations: their facts
/// come with each call ([`Ragged`]). What the facts are, and which of them exclude each other, is the *shape* of a
/// sample. A shape is derived and compiled when it is met and kept as a [`Module`](crate::Module), within a bound on
/// memory, the shapes that were used longest ago going first; the samples of a batch that have one shape are
/// evaluated together. Where many shapes of a batch are met for the first time, they are derived together, with
/// the sample as a column, and kept from the second time on. Probabilities never change a shape.
///
/// ```
/// use nsdl::{BatchTape, Output, Provenance, Ragged, Shapes, Session, Value};
///
/// let shapes = Shapes::from_text(
///     "reach.dl",
///     "type edge(i32, i32)
///      rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))",
///     vec![],
///     vec!["edge".to_owned()],
///     vec![Output { relation: "path".into(), mapping: Some(vec![vec![Value::I64(0), Value::I64(2)]]) }],
///     Provenance::Exact,
/// )?;
/// // Two samples: one with two edges in a row, one with a single edge.
/// let edges = shapes.integers("edge", &[0, 1, 1, 2, 0, 2])?;
/// let edges = Ragged { tuples: &edges, offsets: &[0, 2, 3], groups: None, certain: false };
/// let arrangement = shapes.arrange(2, &[edges])?;
/// let mut tape = BatchTape::default();
/// let mut path = [0.0f64; 2];
/// shapes.forward(&arrangement, &[], &[&[0.5, 0.6, 0.7]], true, &mut tape, &mut [&mut path])?;
/// assert_eq!(path, [0.3, 0.7]);
///
/// let mut gradient = [0.0; 3];
/// shapes.backward(&arrangement, &mut tape, &[&[1.0, 1.0]], &mut [], &mut [&mut gradient])?;
/// assert_eq!(gradient, [0.6, 0.5, 1.0]);
/// assert_eq!(shapes.stats().shapes, 2);
/// # Ok::<(), nsdl::Error>(())
/// ```
pub struct Shapes {
    blueprint: Blueprint,
    relations: Vec<Open>,
    cache: Mutex<Cache>,
    /// The module without any facts of open relations: it knows the parameters.
    base: Module,
    /// The plan for several samples at once, if there is one.
    joined: Option<Joined>,
    /// So many new shapes of a batch are derived together.
    least: AtomicUsize,
    /// What shapes had to say, and how much of it was told.
    found: Mutex<(Vec<Diagnostic>, usize)>,
}

/// A relation whose facts come with each call.
struct Open {
    name: String,
    /// Where its facts go.
    id: RelationId,
    types: Vec<Type>,
    /// What modules know of it.
    input: Arc<Input>,
}

/// The facts of one relation for a batch: those of sample `s` are `offsets[s]..offsets[s + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Ragged<'a> {
    /// The tuples of all samples, one sample after the other.
    pub tuples: &'a Tuples,
    /// From 0 to the number of tuples, never descending; one more than there are samples.
    pub offsets: &'a [usize],
    /// One number a tuple: tuples of one sample with the same number exclude each other, those with a negative
    /// one are independent. Without, all are independent.
    pub groups: Option<&'a [i64]>,
    /// Whether all hold, so that they have no probabilities.
    pub certain: bool,
}

/// What a cache of shapes has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ShapeStats {
    /// Samples whose shape was known.
    pub hits: u64,
    /// Samples whose shape was not kept; those of one call that share a new shape count once, the others are hits.
    pub misses: u64,
    /// Shapes that are kept.
    pub shapes: usize,
    /// Bytes that they take, about.
    pub bytes: usize,
    /// Shapes that had to go.
    pub evicted: u64,
    /// Time spent on deriving and compiling shapes, summed over threads.
    pub compiling: Duration,
}

impl Shapes {
    /// How many bytes of shapes are kept unless [`Shapes::set_capacity`] says otherwise.
    pub const CAPACITY: usize = 512 << 20;

    /// So many new shapes of a batch are derived together unless [`Shapes::set_together`] says otherwise.
    pub const TOGETHER: usize = 8;

    /// Compiles what a session holds. `open` are relations whose facts come with each call; the session knows their
    /// types.
    ///
    /// # Errors
    /// As [`Module::new`](crate::Module::new), and `E0201` for an unknown open relation.
    pub fn new(
        session: &Session,
        inputs: Vec<Input>,
        open: Vec<String>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::build(session.clone(), inputs, open, outputs, provenance)
    }

    /// As [`Shapes::new`] for the text of a program, which declares the open relations.
    ///
    /// # Errors
    /// As [`Shapes::new`] and [`Session::add_program`].
    pub fn from_text(
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        open: Vec<String>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::with_session(
            Session::new(),
            name,
            text,
            inputs,
            open,
            outputs,
            provenance,
        )
    }

    /// As [`Shapes::from_text`], beside what a session holds and within its limits, budget and cancel flag.
    ///
    /// # Errors
    /// As [`Shapes::from_text`].
    pub fn with_session(
        session: Session,
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        open: Vec<String>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::conditioned(session, name, text, inputs, open, outputs, &[], provenance)
    }

    /// As [`Shapes::with_session`], with all outputs given that each formula of `evidence` holds, or does not.
    ///
    /// # Errors
    /// As [`Shapes::with_session`] and [`Session::add_evidence`].
    #[allow(clippy::too_many_arguments)] // As of `Module::conditioned`, and what is open.
    pub fn conditioned(
        mut session: Session,
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        open: Vec<String>,
        outputs: Vec<Output>,
        evidence: &[(String, bool)],
        provenance: Provenance,
    ) -> Result<Self> {
        session.add_unchecked(name, text)?;
        for (formula, holds) in evidence {
            session.add_evidence_unchecked(formula, *holds)?;
        }
        Self::build(session, inputs, open, outputs, provenance)
    }

    fn build(
        session: Session,
        inputs: Vec<Input>,
        open: Vec<String>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        let blueprint = Blueprint::new(session, inputs, &open, outputs, provenance)?;
        let base = blueprint.derive(blueprint.facts.clone(), Vec::new())?;
        let relations = open.into_iter().map(|name| {
            let missing = || blueprint.session.unknown_relation(&name);
            let seen = crate::facts::relation_id(&blueprint.plan, &name);
            let seen = seen.and_then(|id| Some((id, blueprint.plan.relations.get(id.index())?)));
            let (id, relation) = seen.ok_or_else(|| blueprint.session.error(vec![missing()]))?;
            let id = relation.facts.unwrap_or(id);
            let types = blueprint.plan.relations.get(id.index());
            Ok(Open {
                id,
                types: types.map_or_else(Vec::new, |it| it.columns.clone()),
                input: Arc::new(Input {
                    relation: name.clone(),
                    mapping: Vec::new(),
                    exclusive: false,
                }),
                name,
            })
        });
        let relations: Vec<Open> = relations.collect::<Result<_>>()?;
        let fixed = blueprint.ports().filter_map(|(_, range)| {
            let fact = blueprint.facts.get(range.start as usize)?;
            (!range.is_empty()).then_some(fact.relation)
        });
        let seeds = relations.iter().map(|it| it.id).chain(fixed);
        Ok(Self {
            joined: Joined::new(&blueprint.plan, &blueprint.facts, seeds),
            least: AtomicUsize::new(Self::TOGETHER),
            blueprint,
            relations,
            base,
            cache: Mutex::new(Cache::new(Self::CAPACITY)),
            found: Mutex::default(),
        })
    }

    /// The number of inputs whose tuples are the same in all samples.
    pub fn inputs(&self) -> usize {
        self.blueprint.inputs().len()
    }

    /// Such an input.
    pub fn input(&self, input: usize) -> Option<&Input> {
        self.blueprint.inputs().nth(input)
    }

    /// Names and column types of the open relations, in order.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (&str, &[Type])> {
        let relations = self.relations.iter();
        relations.map(|it| (it.name.as_str(), it.types.as_slice()))
    }

    /// Names and column types of the outputs.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, &[Type])> {
        self.blueprint.outputs()
    }

    /// The tuples of the columns of an output with a mapping; `None` if each sample has the tuples that can be derived
    /// from its facts.
    pub fn mapping(&self, output: usize) -> Option<&[Vec<Value>]> {
        self.blueprint.mapping(output).map(|tuples| &tuples[..])
    }

    /// The provenance.
    pub fn provenance(&self) -> Provenance {
        self.blueprint.provenance
    }

    /// The module without any facts of open relations: its parameters are those of all shapes.
    pub fn base(&self) -> &Module {
        &self.base
    }

    /// What is dubious about the program.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.blueprint.session.warnings()
    }

    /// What is dubious about the shapes that were compiled since the last call: derivations that were dropped, answers
    /// that are approximate. That an expression of a rule drops derivations (W0601) is said once, of the first shapes in
    /// which it does; only their number differs in others.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, told) = &mut *found;
        let new = all[*told..].to_vec();
        // What was told is needed for the causes in it.
        all.retain(|it| it.code == DROPPED);
        *told = all.len();
        new
    }

    /// Renders diagnostics of this program with their source lines, with ANSI colours if `color`.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        self.blueprint.session.render(diagnostics, color)
    }

    /// The cache so far.
    pub fn stats(&self) -> ShapeStats {
        self.lock().stats()
    }

    /// Bounds the memory of the shapes that are kept. One shape is kept in any case.
    pub fn set_capacity(&self, bytes: usize) {
        self.lock().set_capacity(bytes);
    }

    /// From so many new shapes in a batch on, they are derived together: see [`Shapes::arrange`].
    pub fn set_together(&self, shapes: usize) {
        self.least.store(shapes.max(1), Ordering::Relaxed);
    }

    fn least_together(&self) -> usize {
        self.least.load(Ordering::Relaxed)
    }

    fn error(&self, diagnostic: Diagnostic) -> Error {
        self.blueprint.session.error(vec![diagnostic])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_threads_share_shapes() {
        fn shared<T: Send + Sync>() {}
        shared::<Shapes>();
        shared::<Module>();
        shared::<Arrangement>();
    }
}
