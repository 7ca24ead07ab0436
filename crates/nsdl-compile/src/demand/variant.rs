//! A clause for what is asked of one of its heads: behind a guard, or in full.

use nsdl_ir::{RelationId, Type};

use super::requests::{Request, Requests};
use super::sips::{Passing, pass};
use crate::flat::{Clause, Guard, Head};

/// A clause on behalf of one of its heads.
pub(super) struct Variant<'p> {
    pub clause: &'p Clause,
    /// The relation of the head, or of one of them without a guard.
    pub head: RelationId,
    pub guard: Option<Guard>,
    /// Types of all slots.
    pub slots: Vec<Type>,
}

impl<'p> Requests<'p> {
    /// The variants of a clause on behalf of the heads that something asks for.
    pub fn variants(&self, number: usize) -> Vec<Variant<'p>> {
        let mut variants: Vec<Variant<'p>> = Vec::new();
        let Some(clause) = self.program.clauses.get(number) else {
            return variants;
        };
        for head in &clause.heads {
            if !self.reached[head.relation.index()] {
                continue;
            }
            match self.asked(head.relation) {
                Request::Nothing => {}
                Request::Whole => {
                    if variants.iter().all(|variant| variant.guard.is_some()) {
                        variants.push(self.variant(number, clause, head.relation, None));
                    }
                }
                Request::On(_) => {
                    for guard in self.guards(number, head) {
                        variants.push(self.variant(number, clause, head.relation, Some(guard)));
                    }
                }
            }
        }
        variants
    }

    pub fn variant(
        &self,
        number: usize,
        clause: &'p Clause,
        head: RelationId,
        guard: Option<Guard>,
    ) -> Variant<'p> {
        let slots = self.types.variables.get(number);
        let slots = slots.map_or(&[][..], Vec::as_slice);
        Variant {
            clause,
            head,
            slots: Clause::slots(slots, guard.as_ref()),
            guard,
        }
    }

    /// The guards of a head of a relation on demand.
    pub fn guards(&self, clause: usize, head: &Head) -> Vec<Guard> {
        let Request::On(patterns) = self.asked(head.relation) else {
            return Vec::new();
        };
        let slots = self.types.variables.get(clause).map_or(0, Vec::len);
        let columns = self.types.columns.get(head.relation.index());
        let columns = columns.map_or(&[][..], Vec::as_slice);
        let guard = |pattern| {
            let demand = self.demand(head.relation, pattern)?;
            Some(Guard::new(demand, head, pattern, columns, slots))
        };
        patterns.iter().filter_map(guard).collect()
    }

    /// The literals of a variant in the order in which they are asked for.
    pub fn pass<'v>(&self, variant: &'v Variant<'p>) -> Passing<'v> {
        let body = variant.clause.body(variant.guard.as_ref());
        pass(
            &body,
            variant.guard.is_some(),
            &variant.slots,
            &|relation| self.class(relation),
        )
    }
}
