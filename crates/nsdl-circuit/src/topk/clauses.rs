//! Clauses for negated tuples.
//!
//! The negation of k proofs is k clauses: not this proof, and not that one. Such a tuple keeps the proofs of what it
//! denies, as they are; a conjunction of such tuples denies the union of those, a disjunction what all of them deny, and k
//! are kept as ever. Where clauses meet proofs they are turned into proofs first, which is where others would lose.

use super::{Proof, Proofs, TopK};
use crate::cone::Op;
use crate::topk::combine::NOTHING;

impl TopK {
    /// A negation: what it denies, or of a tuple that is kept by what it denies, that.
    pub(super) fn deny(&self, node: u32, state: &mut Proofs) {
        let Some(&child) = self.cone.children(node).first() else {
            return;
        };
        match state.denied[child as usize] {
            Some(denied) => state.lists[node as usize] = denied,
            None => state.denied[node as usize] = Some(state.lists[child as usize]),
        }
    }

    /// Keeps clauses of a conjunction or disjunction of nothing but clauses, else makes proofs of all its children;
    /// true if nothing is left to do.
    pub(super) fn clauses(&self, node: u32, state: &mut Proofs) -> bool {
        let children = self.cone.children(node);
        let denied: Option<Vec<(u32, u32)>> = children
            .iter()
            .map(|&child| state.denied[child as usize])
            .collect();
        let Some(denied) = denied.filter(|denied| !denied.is_empty()) else {
            self.prove_children(node, state);
            return false;
        };
        if self.inline[node as usize] {
            // Part of a disjunction, where it meets proofs.
            self.prove_children(node, state);
            return false;
        }
        let list = |(start, len): (u32, u32), state: &Proofs| -> Vec<Proof> {
            state.proofs[start as usize..(start + len) as usize].to_vec()
        };
        let mut all = Vec::new();
        if self.cone.ops[node as usize] == Op::And {
            for denied in denied {
                all.extend(list(denied, state));
            }
        } else {
            all.push(NOTHING);
            for denied in denied {
                let factors = list(denied, state);
                all = self.product(&all, &factors, state);
            }
        }
        state.candidates.clear();
        self.offer(&all, state);
        self.keep(node, state);
        state.denied[node as usize] = Some(std::mem::take(&mut state.lists[node as usize]));
        true
    }

    /// Makes proofs of the children that are kept by what they deny.
    pub(super) fn prove_children(&self, node: u32, state: &mut Proofs) {
        for &child in self.cone.children(node) {
            if let Some((start, len)) = state.denied[child as usize].take() {
                let denied = state.proofs[start as usize..(start + len) as usize].to_vec();
                self.negate_proofs(child, &denied, state);
                if self.cone.outputs.contains(&child) {
                    // An answer is weighed by what it denies, which lost nothing here.
                    state.denied[child as usize] = Some((start, len));
                }
            }
            if self.inline[child as usize] {
                self.prove_children(child, state);
            }
        }
    }
}
