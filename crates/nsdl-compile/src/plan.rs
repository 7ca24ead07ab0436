//! The plan: typed, with words for constants and a join order for every rule.
//!
//! Before: types, binding and strata are checked. After: a [`Plan`] as its documentation in `nsdl-ir` says.
//! Only constants out of the range of the type inferred for them, and casts between types that have none, are
//! still errors here.

mod rule;

use nsdl_functions::operator_type;
use nsdl_ir::{
    BinaryOp, Callee, Copied, Diagnostic, Expr, Extent, Fact, Parameter, Plan, Relation,
    RelationId, RuleId, Span, Stratum, Symbols, Type, Word,
};

use crate::constant::{Const, out_of_range, wildcard};
use crate::flat::{self, Clause, Program, Term, TermKind};
use crate::infer::Types;
use crate::stratify::Strata;
use rustc_hash::FxHashMap;

/// The plan of a checked program.
///
/// # Errors
/// E0501 for each constant out of range, E0504 for each tag that is rounded, E0310 for each cast between types that have none.
pub(crate) fn plan(
    program: &Program,
    facts: &[flat::Fact],
    types: &Types,
    strata: &Strata,
    symbols: &Symbols,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut planner = Planner {
        types,
        strata,
        symbols,
        results: FxHashMap::default(),
        diagnostics: Vec::new(),
    };
    let mut plan = Plan {
        facts: planner.facts(facts),
        ..Plan::default()
    };
    let extents = program.extents.iter();
    plan.extents = extents
        .map(|(constructor, relation)| Extent {
            constructor,
            relation: *relation,
            makers: Vec::new(),
        })
        .collect();
    plan.strata = strata
        .strata
        .iter()
        .map(|relations| Stratum {
            relations: relations.clone(),
            ..Stratum::default()
        })
        .collect();
    for (clause, slots) in program.clauses.iter().zip(&types.variables) {
        let choice = planner.choice(clause, slots, &mut plan);
        for head in &clause.heads {
            let stratum = planner.stratum(head.relation);
            let first = RuleId::new(plan.rules.len());
            for guard in Clause::guards(head) {
                let mut rule = planner.rule(clause, head, guard, slots, choice);
                rule.copy = (head.guards.len() > 1).then_some(Copied {
                    of: first,
                    slots: slots.len() as u32,
                });
                if let Some(stratum) = plan.strata.get_mut(stratum) {
                    stratum.rules.push(RuleId::new(plan.rules.len()));
                    stratum.recursive |= !rule.deltas.is_empty();
                }
                for extent in &clause.makes {
                    let mut extents = plan.extents.iter_mut();
                    if let Some(extent) = extents.find(|it| it.relation == *extent) {
                        extent.makers.push(RuleId::new(plan.rules.len()));
                    }
                }
                plan.rules.push(rule);
            }
        }
    }
    for (id, aggregate) in program.aggregates.iter().enumerate() {
        if let Some(stratum) = plan.strata.get_mut(planner.stratum(aggregate.output)) {
            stratum.aggregates.push(nsdl_ir::AggregateId::new(id));
        }
    }
    plan.aggregates = program.aggregates.clone();
    plan.queries = program.queries.clone();
    plan.evidence = program.evidence.clone();
    plan.learning.parameters = program.parameters.clone();
    plan.learning.sets = program.parameter_sets.clone();
    plan.learning.facts = learned_facts(facts);
    plan.relations = std::iter::zip(&program.relations, &types.columns)
        .map(|(relation, columns)| Relation {
            name: relation.name.clone(),
            columns: columns.clone(),
            auxiliary: relation.auxiliary,
            hidden: relation.hidden,
            certain: relation.certain,
            keep: relation.keep,
            facts: relation.facts,
            span: relation.span,
        })
        .collect();
    if planner.diagnostics.is_empty() {
        Ok(plan)
    } else {
        Err(planner.diagnostics)
    }
}

fn learned_facts(facts: &[flat::Fact]) -> Vec<(u32, u32)> {
    let facts = (0..).zip(facts);
    facts
        .filter_map(|(number, fact)| Some((number, fact.learned?)))
        .collect()
}

struct Planner<'p> {
    types: &'p Types,
    strata: &'p Strata,
    symbols: &'p Symbols,
    /// The relation of the results of each predicate, by its name and the types of its columns.
    results: FxHashMap<(&'static str, Vec<Type>), RelationId>,
    diagnostics: Vec<Diagnostic>,
}

impl Planner<'_> {
    fn stratum(&self, relation: RelationId) -> usize {
        self.strata
            .of
            .get(relation.index())
            .copied()
            .unwrap_or_default()
    }

    fn columns(&self, relation: RelationId) -> &[Type] {
        self.types
            .columns
            .get(relation.index())
            .map_or(&[], Vec::as_slice)
    }

    fn word(&mut self, value: &Const, ty: Type, span: Span) -> Word {
        let word = value.at(ty).and_then(|value| value.to_word(self.symbols));
        word.unwrap_or_else(|| {
            self.diagnostics.push(out_of_range(value, ty, span));
            0
        })
    }

    fn facts(&mut self, flat: &[flat::Fact]) -> Vec<Fact> {
        let types = self.types;
        let mut facts = Vec::with_capacity(flat.len());
        for fact in flat {
            let columns = types
                .columns
                .get(fact.relation.index())
                .map_or(&[][..], Vec::as_slice);
            let cells = fact.row.iter().zip(columns);
            let row = cells
                .map(|((value, span), ty)| self.word(value, *ty, *span))
                .collect();
            facts.push(Fact {
                relation: fact.relation,
                row,
                tag: fact.tag,
                span: Some(fact.span),
            });
        }
        facts
    }

    /// `term`, whose type is `ty`.
    fn expr(&mut self, term: &Term, ty: Type, slots: &[Type]) -> Expr {
        match &term.kind {
            TermKind::Slot(slot) => Expr::Slot(*slot),
            TermKind::Const(value) => Expr::Const(self.word(value, ty, term.span)),
            TermKind::Unary(op, operand) => Expr::Unary {
                op: *op,
                ty,
                operand: Box::new(self.expr(operand, ty, slots)),
            },
            TermKind::Binary(op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right)
                if left.has_any() || right.has_any() =>
            {
                self.matches(*op, left, right, slots)
            }
            TermKind::Binary(op, left, right) => {
                if let Some(types) = mixed(*op, left, right, slots) {
                    let [left, right] = [(left, types[0]), (right, types[1])]
                        .map(|(operand, ty)| self.expr(operand, ty, slots));
                    return Expr::Mixed {
                        op: *op,
                        types,
                        operands: Box::new([left, right]),
                    };
                }
                let ty = if op.is_comparison() {
                    type_of(left, slots)
                        .or_else(|| type_of(right, slots))
                        .unwrap_or_else(|| default_type(left, slots))
                } else {
                    ty
                };
                Expr::Binary {
                    op: *op,
                    ty,
                    left: Box::new(self.expr(left, ty, slots)),
                    right: Box::new(self.expr(right, ty, slots)),
                }
            }
            TermKind::Cast(operand, to) => self.cast(operand, *to, slots),
            TermKind::Call(function, args) => {
                let signature = function.signature();
                let types: Box<[Type]> = args
                    .iter()
                    .enumerate()
                    .map(|(index, arg)| match signature.parameter(index) {
                        Some(Parameter::Variable) => match signature.result {
                            Parameter::Variable => ty,
                            // Of a list, as a rule: `$contains(list, x)`.
                            _ => variable_type(*function, args, slots),
                        },
                        Some(Parameter::Exactly(ty)) => ty,
                        Some(Parameter::List | Parameter::Any) | None => default_type(arg, slots),
                    })
                    .collect();
                let args = std::iter::zip(args, &types)
                    .map(|(arg, ty)| self.expr(arg, *ty, slots))
                    .collect();
                Expr::Call {
                    function: *function,
                    types,
                    args,
                }
            }
            TermKind::Any => {
                self.diagnostics.push(wildcard(term.span));
                Expr::Const(0)
            }
            TermKind::Tuple(parts) => {
                let types = match ty {
                    Type::Tuple(types) => types,
                    _ => &[],
                };
                let parts = std::iter::zip(parts, types);
                Expr::List {
                    ty,
                    items: parts
                        .map(|(part, ty)| self.expr(part, *ty, slots))
                        .collect(),
                    rest: None,
                }
            }
            TermKind::List(items, rest) => {
                let element = match ty {
                    Type::List(element) => *element,
                    _ => ty,
                };
                let items = items.iter();
                Expr::List {
                    ty,
                    items: items.map(|item| self.expr(item, element, slots)).collect(),
                    rest: rest
                        .as_ref()
                        .map(|rest| Box::new(self.expr(rest, ty, slots))),
                }
            }
            TermKind::Construct(constructor, ty, fields) => match constructor.of(*ty) {
                Some(constructor) => {
                    let fields = fields.iter().zip(&constructor.fields);
                    let fields = fields.map(|(field, ty)| self.expr(field, *ty, slots));
                    Expr::Construct {
                        constructor,
                        fields: fields.collect(),
                    }
                }
                // Every term has a type by now.
                None => Expr::Const(0),
            },
            TermKind::Fields(term, constructor) => Expr::Fields {
                constructor,
                operand: Box::new(self.expr(term, constructor.ty, slots)),
            },
            TermKind::Part(whole, position) => {
                let of = default_type(whole, slots);
                let operand = Box::new(self.expr(whole, of, slots));
                let position = *position;
                Expr::Part {
                    of,
                    operand,
                    position,
                }
            }
            TermKind::Rest(list, from) => Expr::Rest {
                ty,
                operand: Box::new(self.expr(list, ty, slots)),
                from: *from,
            },
            TermKind::Length { list, count, exact } => {
                let of = default_type(list, slots);
                Expr::Length {
                    of,
                    operand: Box::new(self.expr(list, of, slots)),
                    count: *count,
                    exact: *exact,
                }
            }
            TermKind::If(parts) => {
                let [condition, consequence, alternative] = parts.as_ref();
                Expr::If {
                    condition: Box::new(self.expr(condition, Type::Bool, slots)),
                    consequence: Box::new(self.expr(consequence, ty, slots)),
                    alternative: Box::new(self.expr(alternative, ty, slots)),
                }
            }
        }
    }
}

/// What the type variable of a function stands for in a call.
fn variable_type(function: Callee, args: &[Term], slots: &[Type]) -> Type {
    let known = of_variable(function, args).find_map(|(arg, list)| {
        let ty = type_of(arg, slots)?;
        Some(if list { element(ty) } else { ty })
    });
    known.unwrap_or_else(|| literal_types(function, args))
}

fn element(list: Type) -> Type {
    match list {
        Type::List(element) => *element,
        other => other,
    }
}

/// The type of a term; `None` for an unsuffixed literal, which takes that of what it is compared with.
pub(crate) fn type_of(term: &Term, slots: &[Type]) -> Option<Type> {
    match &term.kind {
        TermKind::Slot(slot) => slots.get(slot.index()).copied(),
        TermKind::Const(Const::Typed(value)) => Some(value.ty()),
        TermKind::Const(_) => None,
        TermKind::Unary(_, operand) => type_of(operand, slots),
        TermKind::Binary(op, ..) if op.is_comparison() => Some(Type::Bool),
        TermKind::Binary(op, left, right) => match (type_of(left, slots), type_of(right, slots)) {
            (Some(left), Some(right)) => operator_type(*op, left, right).or(Some(left)),
            (left, right) => left.or(right),
        },
        TermKind::Cast(_, ty) => Some(*ty),
        TermKind::Call(function, args) => match function.signature().result {
            Parameter::Exactly(ty) => Some(ty),
            Parameter::List => {
                let mut types = of_variable(*function, args)
                    .filter_map(|(arg, list)| Some((type_of(arg, slots)?, list)));
                types
                    .next()
                    .map(|(ty, list)| if list { ty } else { Type::list(ty) })
            }
            _ => of_variable(*function, args).find_map(|(arg, list)| {
                let ty = type_of(arg, slots)?;
                Some(if list { element(ty) } else { ty })
            }),
        },
        TermKind::Any => None,
        TermKind::Tuple(parts) => {
            let types = parts.iter().map(|part| type_of(part, slots));
            let types = types.collect::<Option<Vec<Type>>>()?;
            Some(Type::tuple(&types))
        }
        TermKind::List(items, rest) => {
            let rest = rest.as_ref().and_then(|rest| type_of(rest, slots));
            rest.or_else(|| {
                let element = items.iter().find_map(|item| type_of(item, slots));
                element.map(Type::list)
            })
        }
        TermKind::Construct(_, ty, _) => Some(*ty),
        TermKind::Fields(_, constructor) => Some(Type::list(crate::extents::row(constructor))),
        TermKind::Part(whole, position) => match type_of(whole, slots)? {
            Type::Tuple(types) => types.get(*position as usize).copied(),
            other => Some(element(other)),
        },
        TermKind::Rest(list, _) => type_of(list, slots),
        TermKind::Length { .. } => Some(Type::Bool),
        TermKind::If(parts) => {
            let [_, consequence, alternative] = parts.as_ref();
            type_of(consequence, slots).or_else(|| type_of(alternative, slots))
        }
    }
}

/// Whether the value of `term` is a quotient, or computed from one.
fn divides(term: &Term) -> bool {
    match &term.kind {
        TermKind::Binary(op, left, right) => {
            *op == BinaryOp::Divide || divides(left) || divides(right)
        }
        TermKind::Unary(_, operand) => divides(operand),
        TermKind::If(parts) => divides(&parts[1]) || divides(&parts[2]),
        _ => false,
    }
}

/// The arguments whose type is the type variable of the function, or, as the second says, a list of it.
fn of_variable(function: Callee, args: &[Term]) -> impl Iterator<Item = (&Term, bool)> {
    let signature = function.signature();
    args.iter()
        .enumerate()
        .filter_map(move |(index, arg)| match signature.parameter(index) {
            Some(Parameter::Variable) => Some((arg, false)),
            Some(Parameter::List) => Some((arg, true)),
            _ => None,
        })
}

/// The types of the operands, if the operator is one that may mix types.
fn mixed(op: BinaryOp, left: &Term, right: &Term, slots: &[Type]) -> Option<[Type; 2]> {
    if op.is_comparison() {
        return None;
    }
    let types = [left, right].map(|operand| default_type(operand, slots));
    operator_type(op, types[0], types[1])?;
    // Text and text is one type.
    (types != [Type::String, Type::String]).then_some(types)
}

/// The type of a term where nothing around it says which.
fn default_type(term: &Term, slots: &[Type]) -> Type {
    type_of(term, slots).unwrap_or_else(|| literal_type(term))
}

/// Of unsuffixed literals only: the one that has the last word.
fn literal_type(term: &Term) -> Type {
    match &term.kind {
        TermKind::Const(value) => value.by_itself().map_or(Type::I32, |value| value.ty()),
        TermKind::Unary(_, operand) | TermKind::Cast(operand, _) => literal_type(operand),
        TermKind::Binary(_, left, right) => literal_type(left).max(literal_type(right)),
        TermKind::If(parts) => {
            let [_, consequence, alternative] = parts.as_ref();
            literal_type(consequence).max(literal_type(alternative))
        }
        TermKind::Call(function, args) => match function.signature().result {
            Parameter::List => Type::list(literal_types(*function, args)),
            _ => literal_types(*function, args),
        },
        TermKind::Tuple(parts) => {
            let types: Vec<Type> = parts.iter().map(literal_type).collect();
            Type::tuple(&types)
        }
        TermKind::List(items, _) => {
            Type::list(items.iter().map(literal_type).max().unwrap_or(Type::I32))
        }
        TermKind::Construct(_, ty, _) => *ty,
        TermKind::Slot(_)
        | TermKind::Any
        | TermKind::Fields(..)
        | TermKind::Part(..)
        | TermKind::Rest(..)
        | TermKind::Length { .. } => Type::I32,
    }
}

/// Of the arguments that the type variable of a function stands for.
fn literal_types(function: Callee, args: &[Term]) -> Type {
    let types = of_variable(function, args).map(|(arg, list)| match list {
        true => element(literal_type(arg)),
        false => literal_type(arg),
    });
    types.max().unwrap_or(Type::I32)
}
