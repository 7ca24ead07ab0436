//! The types of predicates, and of aggregates of the host program.

use nsdl_ir::{Aggregate, AggregateSignature, Family, Parameter, Predicate, RelationId, Span};

use super::Inference;
use super::classes::Side;
use super::kind::{Kind, Why};
use crate::flat::Argument;

impl Inference {
    /// The columns of the results of a predicate are as its signature says.
    pub(super) fn predicate(
        &mut self,
        relation: RelationId,
        predicate: &'static Predicate,
        args: &[Argument],
        span: Span,
    ) {
        let columns = predicate.columns.iter().enumerate();
        let places = columns.map(|(column, parameter)| {
            let span = args.get(column).map_or(span, |arg| arg.span);
            (*parameter, (relation, column), span)
        });
        self.places(places.collect(), predicate.family, &predicate.text);
    }

    /// The members and the result of an aggregate are as its signature says.
    pub(super) fn foreign_aggregate(
        &mut self,
        aggregate: &Aggregate,
        signature: &'static AggregateSignature,
    ) {
        let keys = aggregate.keys as usize;
        let parameters = signature.arguments.iter().chain(&signature.values);
        let members = (keys..).map(|column| (aggregate.members, column));
        let result = (&signature.result, (aggregate.output, keys));
        let places = parameters.zip(members).chain([result]);
        let places = places.map(|(parameter, place)| (*parameter, place, aggregate.span));
        self.places(places.collect(), signature.family, &signature.text);
    }

    fn places(
        &mut self,
        places: Vec<(Parameter, (RelationId, usize), Span)>,
        family: Family,
        text: &'static str,
    ) {
        let takes = Why::Takes(text);
        // What the type variable stands for here.
        let variable = Side::Class(self.fresh(1));
        for (parameter, (relation, column), span) in places {
            let side = self.column(relation, column);
            let element = match parameter {
                Parameter::Exactly(ty) => {
                    let exactly = self.of_type(ty, Some(span), takes);
                    self.meet(side, exactly, span);
                    continue;
                }
                Parameter::Any => continue,
                Parameter::Variable => side,
                Parameter::List => {
                    let list = Kind::List(self.fresh(1));
                    let side = self.require(side, list, takes, span);
                    match self.kind(side) {
                        Some(Kind::List(element)) => Side::Class(element),
                        _ => continue,
                    }
                }
            };
            let element = match family {
                Family::Any => element,
                family => {
                    let reported = self.diagnostics.len();
                    let kind = Kind::of(|ty| family.holds(ty));
                    let element = self.require(element, kind, takes, span);
                    if self.diagnostics.len() > reported {
                        continue;
                    }
                    element
                }
            };
            self.meet(element, variable, span);
        }
    }
}
