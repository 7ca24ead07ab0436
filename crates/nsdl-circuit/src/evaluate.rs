//! Any algebra, evaluated on the trace as it stands, once: what numbers and gradients do not go through.

mod cycle;

use crate::circuit::diagnostic;
use crate::cone::{Cone, Flavour, Laws, Op};
use crate::{Budget, Limits, Report};
use nsdl_ir::{Diagnostic, LeafId, Trace, TupleId};
use nsdl_provenance::Provenance;
use std::sync::atomic::{AtomicBool, Ordering};

/// The tags of some tuples.
#[derive(Clone, Debug)]
pub struct Evaluated<T> {
    /// One per output.
    pub tags: Vec<T>,
    /// How many tuples on cycles still changed when their iteration was given up.
    pub unsettled: usize,
}

/// Computes the tags of `outputs`: alternatives by `add`, conjunction by `mult`, absence by `negate` of the finished
/// tag. `leaf` gives the tag of each alternative of a random variable; what needs none is `one`.
///
/// Aggregates are written out as chains over their members: all alternatives over member sets, of the conjunction of
/// members and complements, if `mult` distributes over `add`. An algebra without a complement needs a trace of one
/// world, where they are conjunctions of all members.
///
/// On a cycle: the least fixpoint from `zero`, in closed form where the algebra has one ([`Provenance::closure`]),
/// exactly where it is idempotent, otherwise until tags are saturated or for 1,000 rounds. Tuples are computed anew
/// where something below them changed.
///
/// # Errors
/// `E0541` if the algebra fails ([`Provenance::failure`]) or tags outgrow a limit of 100,000,000 literals in
/// all, `E0613` if `cancel` became true.
pub fn evaluate<P: Provenance>(
    trace: &Trace,
    outputs: &[TupleId],
    algebra: &P,
    leaf: impl Fn(LeafId) -> P::Tag,
    cancel: Option<&AtomicBool>,
) -> Result<Evaluated<P::Tag>, Diagnostic> {
    let laws = Laws {
        certain: false,
        absorptive: P::ABSORPTIVE,
        involutive: P::INVOLUTIVE,
    };
    let flavour = match P::BOOLEAN {
        true => Flavour::Logical,
        false => Flavour::General,
    };
    let limits = Limits {
        cancel,
        ..Limits::NONE
    };
    let cone = Cone::under(trace, outputs, flavour, laws, &limits)
        .map_err(|stop| diagnostic(stop, &Report::default(), &Budget::default()))?;
    let mut evaluator = Evaluator {
        tags: vec![algebra.zero(); cone.len()],
        cone: &cone,
        algebra,
        cancel,
        size: 0,
        steps: 0,
        unsettled: 0,
    };
    let mut cycles = cone.cycles.iter().peekable();
    let mut node = 0;
    while node < cone.len() as u32 {
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start == node) {
            evaluator.cycle(cycle)?;
            node = cycle.end;
            continue;
        }
        let tag = match cone.ops[node as usize] {
            Op::Leaf(id) => leaf(id),
            _ => evaluator.tag(node),
        };
        evaluator.set(node, tag)?;
        node += 1;
    }
    let tags = cone.outputs.iter();
    Ok(Evaluated {
        tags: tags
            .map(|&output| evaluator.tags[output as usize].clone())
            .collect(),
        unsettled: evaluator.unsettled,
    })
}

/// Literals that all tags may have together.
const LITERALS: usize = 100_000_000;

/// Operations between two looks at whether to stop.
const PATIENCE: usize = 1 << 10;

struct Evaluator<'e, P: Provenance> {
    cone: &'e Cone,
    algebra: &'e P,
    cancel: Option<&'e AtomicBool>,
    /// Of each node, as far as it is known; `zero` at first.
    tags: Vec<P::Tag>,
    size: usize,
    steps: usize,
    unsettled: usize,
}

/// Alternatives, or conjunction.
type Combine<'a, T> = &'a dyn Fn(&T, &T) -> T;

impl<P: Provenance> Evaluator<'_, P> {
    /// The tag of an inner node from those of its children.
    fn tag(&self, node: u32) -> P::Tag {
        let mut children = self.cone.children(node).iter();
        let mut children = children.by_ref().map(|&child| &self.tags[child as usize]);
        let first = children.next();
        let fold = |first: Option<&P::Tag>, empty: P::Tag, op: Combine<'_, P::Tag>| {
            first.map_or(empty, |first| {
                children.fold(first.clone(), |a, b| op(&a, b))
            })
        };
        match self.cone.ops[node as usize] {
            // Only exact inference leaves aggregates to tallies.
            Op::Zero | Op::Leaf(_) | Op::Tally(_) | Op::Is(_) => self.algebra.zero(),
            Op::One => self.algebra.one(),
            Op::Not => first.map_or_else(|| self.algebra.one(), |tag| self.algebra.negate(tag)),
            Op::And => fold(first, self.algebra.one(), &|a, b| self.algebra.mult(a, b)),
            Op::Or | Op::Sum => fold(first, self.algebra.zero(), &|a, b| self.algebra.add(a, b)),
        }
    }

    fn set(&mut self, node: u32, tag: P::Tag) -> Result<(), Diagnostic> {
        let old = &mut self.tags[node as usize];
        self.size += self.algebra.size(&tag);
        self.size -= self.algebra.size(old);
        *old = tag;
        self.steps += 1;
        let stop = self.steps.is_multiple_of(PATIENCE)
            && self.cancel.is_some_and(|it| it.load(Ordering::Relaxed));
        let failure = match self.size > LITERALS {
            true => Some(format!(
                "all tags together take more than {LITERALS} literals"
            )),
            false => self.algebra.failure(),
        };
        match failure {
            _ if stop => Err(Diagnostic::error("E0613", "cancelled")),
            None => Ok(()),
            Some(failure) => Err(Diagnostic::error("E0541", failure)
                .note("there may be exponentially many proofs")
                .help("ask for fewer tuples, or use `lineage`, `topkproofs` or `exact`, which stay small")),
        }
    }
}
