//! Predicates that are computed, and facts with calls of the host program.

use nsdl_ir::{Diagnostic, Parameter, Predicate, RelationId, Span, Tag, Value};
use nsdl_syntax::ast::{Atom, Expr, ExprKind, Formula, Name, TypeExpr};

use super::negation::Condition;
use super::{Desugar, Scope};
use crate::constant::Const;
use crate::flat::{Argument, ArgumentKind, Choice, Head, Literal, Term, TermKind};
use crate::mentions::Hidden;

impl<'a> Desugar<'a> {
    /// An atom of a predicate; or its absence, whatever the variables of its `own` are.
    pub(super) fn foreign(
        &mut self,
        predicate: &'static Predicate,
        types: &[TypeExpr],
        args: &'a [Expr],
        own: Option<&Hidden<'a>>,
        span: Span,
        scope: &mut Scope<'a>,
    ) {
        let negated = own.is_some();
        let keep = scope.keep_wildcards;
        scope.keep_wildcards = keep && !negated;
        let args = args.iter().map(|arg| match &arg.kind {
            ExprKind::Variable(name) if own.is_some_and(|own| own.contains(name.as_str())) => {
                let kind = ArgumentKind::Any;
                Argument {
                    kind,
                    span: arg.span,
                }
            }
            _ => self.argument(arg, scope),
        });
        let args = args.collect();
        scope.keep_wildcards = keep;
        let relation = self.results_of(predicate, span);
        self.stated_type(predicate, relation, types, span);
        scope.push(Literal::Foreign {
            predicate,
            relation,
            args,
            negated,
            span,
        });
    }

    /// The relation of the results of a predicate: one for each use if its types depend on the use.
    fn results_of(&mut self, predicate: &'static Predicate, span: Span) -> RelationId {
        let fixed = |it: &Parameter| matches!(it, Parameter::Exactly(_));
        if !predicate.columns.iter().all(fixed) {
            return self.auxiliary(predicate.name.clone(), predicate.columns.len(), span);
        }
        if let Some(relation) = self.predicates.get(predicate.name.as_str()) {
            return *relation;
        }
        let relation = self.auxiliary(predicate.name.clone(), predicate.columns.len(), span);
        self.predicates.insert(&predicate.name, relation);
        relation
    }

    /// `range<i32>(…)`: the columns of its type variable are of that type.
    fn stated_type(
        &mut self,
        predicate: &'static Predicate,
        relation: RelationId,
        types: &[TypeExpr],
        span: Span,
    ) {
        let is_open = |it: &Parameter| matches!(it, Parameter::Variable);
        let open = usize::from(predicate.columns.iter().any(is_open));
        let ty = match types {
            [] => return,
            [ty] if open == 1 => ty,
            [first, ..] => {
                let message = format!(
                    "`{}` takes {open} type arguments, here it is given {}",
                    predicate.name,
                    types.len()
                );
                let error = Diagnostic::error("E0263", message)
                    .label(first.span.to(span), "of one type each")
                    .help(predicate.text.as_str());
                return self.diagnostics.push(error);
            }
        };
        let stated = match self.names.look_up_type(ty) {
            Ok(stated) => stated,
            Err(errors) => return self.diagnostics.extend(errors),
        };
        if let Some(relation) = self.program.relations.get_mut(relation.index()) {
            let columns = relation.columns.iter_mut().zip(&predicate.columns);
            for (column, parameter) in columns {
                if is_open(parameter) {
                    column.declared = Some((stated, ty.span));
                }
            }
        }
    }

    /// Whether a formula has an atom of a predicate.
    pub(super) fn computes(&self, formula: &Formula) -> bool {
        match formula {
            Formula::Atom(atom) => self.names.predicate(&atom.relation.text).is_some(),
            Formula::Not { formula, .. } => self.computes(formula),
            Formula::Implies {
                premise,
                conclusion,
            } => self.computes(premise) || self.computes(conclusion),
            Formula::And(parts) | Formula::Or(parts) => {
                parts.iter().any(|part| self.computes(part))
            }
            _ => false,
        }
    }

    /// Whether an atom beside a formula is one of a relation.
    pub(super) fn is_relation(&self, leaf: &Condition<'a>, atom: &Atom) -> bool {
        leaf.not.is_none() && self.names.predicate(&atom.relation.text).is_none()
    }

    /// Whether an expression calls the host program.
    pub(super) fn calls_host(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Call(name, args) => {
                self.names.host().function(&name.text).is_some()
                    || args.iter().any(|arg| self.calls_host(arg))
            }
            ExprKind::Unary(_, operand) | ExprKind::Cast(operand, _) => self.calls_host(operand),
            ExprKind::Binary(_, left, right) => self.calls_host(left) || self.calls_host(right),
            ExprKind::If(parts) => parts.iter().any(|part| self.calls_host(part)),
            _ => false,
        }
    }

    /// A fact whose columns the host program computes: a rule without a body.
    pub(super) fn computed_fact(
        &mut self,
        relation: &Name,
        columns: &'a [Expr],
        tag: Tag,
        learned: Option<u32>,
        span: Span,
    ) {
        let choice = match tag {
            Tag::Certain => None,
            Tag::Independent(weight) => Some(Choice {
                weights: vec![Term {
                    kind: TermKind::Const(Const::Typed(Value::F64(weight))),
                    span,
                }],
                scale: None,
                shares: false,
                learned: vec![learned],
                span,
            }),
            Tag::Exclusive { .. } | Tag::Share { .. } => {
                let message = "the members of an exclusive set are constants";
                let error = Diagnostic::error("E0340", message)
                    .label(span, format!("calls the host program for `{}`", relation.text))
                    .help("derive them by a rule with a disjunctive head: `rel {0.5::a(x); 0.5::b(y)} = …`");
                self.diagnostics.push(error);
                return;
            }
        };
        let mut scope = Scope::default();
        let args = columns
            .iter()
            .map(|column| self.term(column, &mut scope))
            .collect();
        let head = Head {
            relation: self.names.relation(&relation.text),
            args,
            alternative: 0,
            guards: Vec::new(),
        };
        let clause = scope.clause(span, vec![head], choice);
        self.program.clauses.push(clause);
    }
}
