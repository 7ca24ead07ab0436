//! The exact weight of a union of proofs, and its gradient.
//!
//! A few proofs are weighed by inclusion and exclusion, which stops early where proofs exclude each other;
//! where that becomes long the union is compiled like any other formula.

use crate::Limits;
use crate::blocks;
use crate::cone::{Cone, Flavour};
use crate::exact;
use crate::layers::Layered;
use crate::real::Real;
use crate::tape::Tape;
use nsdl_ir::{
    Group, GroupId, Instance, Leaf, LeafId, LeafSource, Literal, RelationId, Trace, TupleId,
};
use nsdl_provenance::literals::{Variables, Weight, leaf, negated};
use nsdl_provenance::union::terms;
pub(crate) use nsdl_provenance::union::{Disjuncts, Scratch};

/// The probability that at least one disjunct holds.
pub(crate) fn weight<W: Weight + Real>(
    proofs: &impl Disjuncts,
    variables: &Variables,
    weights: &[W],
    scratch: &mut Scratch,
) -> W {
    let mut total = W::ZERO;
    let add = &mut |literals: &[u32], sign: f64| {
        let probability = variables.probability(literals, weights);
        if sign < 0.0 {
            total -= probability;
        } else {
            total += probability;
        }
    };
    if terms(proofs, variables, scratch, add) {
        return total;
    }
    let Some(compiled) = Compiled::new(proofs, variables) else {
        return total;
    };
    let mut out = [W::ZERO];
    blocks::forward(
        &compiled.circuit,
        &compiled.gather(weights),
        1,
        &mut Tape::new(),
        &mut out,
    );
    out[0]
}

/// Adds `scale` times the gradient of [`weight`].
pub(crate) fn add_gradient<W: Weight + Real>(
    proofs: &impl Disjuncts,
    variables: &Variables,
    weights: &[W],
    scale: W,
    gradient: &mut [W],
    scratch: &mut Scratch,
) {
    // A few proofs cannot have too many intersections.
    if proofs.len() <= 10 || terms(proofs, variables, scratch, &mut |_, _| {}) {
        let add = &mut |literals: &[u32], sign: f64| {
            let scale = if sign < 0.0 { W::ZERO - scale } else { scale };
            variables.add_gradient(literals, weights, scale, gradient);
        };
        terms(proofs, variables, scratch, add);
        return;
    }
    let Some(compiled) = Compiled::new(proofs, variables) else {
        return;
    };
    let mut tape = Tape::new();
    let mut out = [W::ZERO];
    let mut inner = vec![W::ZERO; compiled.leaves.len()];
    let gathered = compiled.gather(weights);
    blocks::forward(&compiled.circuit, &gathered, 1, &mut tape, &mut out);
    blocks::backward(
        &compiled.circuit,
        &gathered,
        1,
        &mut tape,
        &[scale],
        &mut inner,
    );
    for (&leaf, slope) in compiled.leaves.iter().zip(inner) {
        gradient[leaf as usize] += slope;
    }
}

/// A union compiled on its own, over the leaves that it mentions.
struct Compiled {
    circuit: Layered,
    leaves: Vec<u32>,
}

impl Compiled {
    fn new(proofs: &impl Disjuncts, variables: &Variables) -> Option<Self> {
        let mut leaves: Vec<u32> = (0..proofs.len())
            .flat_map(|i| proofs.get(i))
            .map(|&l| leaf(l))
            .collect();
        leaves.sort_unstable();
        leaves.dedup();
        let mut trace = Trace::default();
        for run in leaves.chunk_by(|&a, &b| variables.group(2 * a) == variables.group(2 * b)) {
            let group = GroupId::new(trace.groups.len());
            let start = trace.leaves.len() as u32;
            for _ in run {
                let source = LeafSource::Fact(trace.leaves.len() as u32);
                trace.leaves.push(Leaf {
                    group,
                    weight: 0.0,
                    source,
                });
            }
            trace.groups.push(Group {
                start,
                end: trace.leaves.len() as u32,
            });
        }
        let tuples = leaves.len() + 1;
        trace.tuples = (0..tuples as u32).map(|row| (RelationId(0), row)).collect();
        trace.certain = vec![false; tuples];
        for place in 0..leaves.len() {
            let (head, leaf) = (TupleId::new(place), Some(LeafId::new(place)));
            trace.instances.push(Instance {
                head,
                rule: None,
                leaf,
                start: 0,
                end: 0,
            });
        }
        let head = TupleId::new(leaves.len());
        for i in 0..proofs.len() {
            let start = trace.literals.len() as u32;
            for &literal in proofs.get(i) {
                let place = leaves.binary_search(&leaf(literal)).ok()?;
                trace.literals.push(Literal {
                    tuple: TupleId::new(place),
                    negated: negated(literal),
                });
            }
            let end = trace.literals.len() as u32;
            trace.instances.push(Instance {
                head,
                rule: None,
                leaf: None,
                start,
                end,
            });
        }
        let cone = Cone::new(&trace, &[head], Flavour::Exact, &Limits::NONE).ok()?;
        let (circuit, _) = exact::compile(&trace, &cone, &Limits::NONE).ok()?;
        Some(Self { circuit, leaves })
    }

    fn gather<W: Copy>(&self, weights: &[W]) -> Vec<W> {
        self.leaves
            .iter()
            .map(|&leaf| weights[leaf as usize])
            .collect()
    }
}
