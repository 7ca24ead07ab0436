//! What holds in some world, in every world: tuples that say where to look and carry no probability.

use nsdl_ir::{RelationId, Span};

use super::{Desugar, Scope};
use crate::flat::{Argument, ArgumentKind, Head, Literal, Term, TermKind};

impl Desugar<'_> {
    /// The tuples of a relation that hold in some world, as a relation that is [`certain`](nsdl_ir::Relation::certain).
    pub(super) fn possible(
        &mut self,
        name: String,
        relation: RelationId,
        columns: usize,
        span: Span,
    ) -> RelationId {
        let mut scope = Scope::default();
        let slots: Vec<_> = (0..columns).map(|_| scope.fresh("_", span)).collect();
        let argument = |slot: &_| Argument {
            kind: ArgumentKind::Slot(*slot),
            span,
        };
        let term = |slot: &_| Term {
            kind: TermKind::Slot(*slot),
            span,
        };
        let possible = self.auxiliary(name, columns, span);
        if let Some(relation) = self.program.relations.get_mut(possible.index()) {
            relation.certain = true;
        }
        scope.push(Literal::Atom {
            relation,
            args: slots.iter().map(argument).collect(),
            span,
        });
        let head = Head {
            relation: possible,
            args: slots.iter().map(term).collect(),
            alternative: 0,
            guards: Vec::new(),
        };
        let clause = scope.clause(span, vec![head], None);
        self.program.clauses.push(clause);
        possible
    }
}
