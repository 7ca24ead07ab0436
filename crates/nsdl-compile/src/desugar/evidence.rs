//! Evidence: what queries are given, each a formula that becomes a relation.
//!
//! `evidence e` and `query q(x) | e` without common variables make a relation without columns: one evidence for
//! all answers. If `e` mentions variables of the query, each answer has evidence of its own, and the relation
//! has the columns of the answers. Its rows are made for possible answers only, by a relation that holds these
//! in every world: so the evidence may consist of negations of what the answers bind, and its probability does not
//! depend on whether the answers hold.

use nsdl_ir::{Evidence, RelationId};
use nsdl_syntax::ast::{Formula, Query};

use super::Desugar;
use super::negation::Condition;
use crate::flat::{Head, Literal, Term};
use crate::mentions::{self, Mentions};

impl<'a> Desugar<'a> {
    /// What everything is given.
    pub(super) fn evidence(&mut self, formula: &'a Formula) -> Evidence {
        let span = formula.span();
        let relation = self.auxiliary(nsdl_syntax::format::formula(formula), 0, span);
        let body = Condition { formula, not: None };
        self.derive(relation, Mentions::default(), body, None, &[], span);
        Evidence { relation, span }
    }

    /// What the answers of a query are given.
    pub(super) fn given(
        &mut self,
        query: &'a Query,
        answers: RelationId,
        formula: &'a Formula,
    ) -> Evidence {
        let is_constant = |name: &str| self.names.is_constant(name);
        let mut asked = Mentions::default();
        for arg in query.args.iter().flatten() {
            mentions::expr(arg, &is_constant, &mut asked);
        }
        let mut given = Mentions::default();
        mentions::formula(formula, &is_constant, &mut given);
        let Some(args) = query.args.as_ref() else {
            return self.evidence(formula);
        };
        if !asked.keys().any(|name| given.contains_key(name)) {
            return self.evidence(formula);
        }
        let span = formula.span();
        let possible = format!("possible {}", query.relation.text);
        let possible = self.possible(possible, answers, args.len(), query.span);
        let name = nsdl_syntax::format::formula(formula);
        let relation = self.auxiliary(name, args.len(), span);
        let total = self.total(formula, &asked);
        let body = Condition { formula, not: None };
        for leaves in self.splits(body, &total, span) {
            let mut scope = self.body(&leaves, &asked, &total, false);
            scope.keep_wildcards = true;
            scope.matching = true;
            let args = self.arguments(args, &mut scope);
            scope.matching = false;
            let columns: Vec<Term> = args.iter().filter_map(Option::from).collect();
            scope.push(Literal::Atom {
                relation: possible,
                args,
                span: query.span,
            });
            let head = Head {
                relation,
                args: columns,
                alternative: 0,
                guards: Vec::new(),
            };
            let clause = scope.clause(span, vec![head], None);
            self.program.clauses.push(clause);
        }
        Evidence { relation, span }
    }
}
