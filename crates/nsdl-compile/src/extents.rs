//! Extents: for each constructor that a pattern asks for, the relation of all its terms.
//!
//! Before: patterns of terms are literals of their own, typed. After: they are atoms `(term, fields…)` over extents,
//! one per constructor and type arguments, and each clause says which extents its heads may add terms to. The
//! evaluator fills them: with the terms in facts, and with those in new tuples of such heads, down to the
//! terms in terms. They are [`certain`](nsdl_ir::Relation::certain): that a term exists carries no probability
//! (SEMANTICS.md 8).

use nsdl_ir::{BinaryOp, Parameter, RelationId, Slot, Type, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::constant::Const;
use crate::flat::{
    Argument, ArgumentKind, Clause, Element, Head, Literal, Matches, Program, Relation, Term,
    TermKind, Variable,
};
use crate::infer::Types;

type Extents = FxHashMap<&'static nsdl_ir::Constructor, RelationId>;

/// Replaces patterns by atoms over extents.
pub(crate) fn extents(program: &mut Program, types: &mut Types) {
    let mut extents = Extents::default();
    let (relations, all) = (&mut program.relations, &mut program.extents);
    for literal in program.clauses.iter_mut().flat_map(|it| &mut it.body) {
        let Literal::Matches(matches) = literal else {
            continue;
        };
        let Some(constructor) = matches.constructor.of(matches.ty) else {
            continue;
        };
        let relation = *extents.entry(constructor).or_insert_with(|| {
            let id = RelationId::new(relations.len());
            let columns: Vec<Type> = [&[constructor.ty], constructor.fields.as_slice()].concat();
            relations.push(Relation {
                certain: true,
                ..Relation::auxiliary(constructor.name.clone(), columns.len(), matches.span)
            });
            types.columns.push(columns);
            all.push((constructor, id));
            id
        });
        *literal = atom(relation, matches);
    }
    if extents.is_empty() {
        return;
    }
    for clause in &mut program.clauses {
        let mut makes = Vec::new();
        flowing(clause)
            .iter()
            .for_each(|it| made(it, &extents, &mut makes));
        makes.sort_unstable();
        makes.dedup();
        clause.makes = makes;
    }
}

fn atom(relation: RelationId, matches: &Matches) -> Literal {
    let term: &[Argument] = std::slice::from_ref(&matches.term);
    Literal::Atom {
        relation,
        args: [term, &matches.fields].concat(),
        span: matches.span,
    }
}

/// The expressions of a clause whose values may be part of its heads.
fn flowing(clause: &Clause) -> Vec<&Term> {
    let mut terms: Vec<&Term> = clause.heads.iter().flat_map(|head| &head.args).collect();
    let mut reached = vec![false; clause.variables.len()];
    let reach = |term: &Term, reached: &mut Vec<bool>| {
        let mut new = false;
        term.slots(&mut |slot, _| {
            if let Some(entry) = reached.get_mut(slot.index()) {
                new |= !*entry;
                *entry = true;
            }
        });
        new
    };
    for term in &terms {
        reach(term, &mut reached);
    }
    // What an equation or a membership gives to a variable that is reached.
    let mut sides: Vec<(&Term, &Term)> = Vec::new();
    for literal in &clause.body {
        match literal {
            Literal::Constraint(term) => {
                if let TermKind::Binary(BinaryOp::Equal, left, right) = &term.kind {
                    sides.extend([(&**left, &**right), (&**right, &**left)]);
                }
            }
            Literal::Element(element) => sides.push((&element.value, &element.list)),
            _ => {}
        }
    }
    loop {
        let mut new = false;
        sides.retain(|(to, from)| {
            let mut hit = false;
            to.slots(&mut |slot, _| hit |= reached.get(slot.index()) == Some(&true));
            if hit {
                terms.push(from);
                new |= reach(from, &mut reached);
            }
            !hit
        });
        if !new {
            return terms;
        }
    }
}

/// Adds the extents of the constructors in an expression.
fn made(term: &Term, extents: &Extents, into: &mut Vec<RelationId>) {
    match &term.kind {
        TermKind::Slot(_) | TermKind::Any => {}
        TermKind::Const(value) => constant(value, extents, into),
        TermKind::Construct(constructor, ty, fields) => {
            let constructor = constructor.of(*ty);
            into.extend(constructor.and_then(|it| extents.get(it)));
            fields.iter().for_each(|it| made(it, extents, into));
        }
        TermKind::Unary(_, it)
        | TermKind::Cast(it, _)
        | TermKind::Fields(it, _)
        | TermKind::Part(it, _)
        | TermKind::Rest(it, _)
        | TermKind::Length { list: it, .. } => made(it, extents, into),
        TermKind::Binary(_, left, right) => {
            made(left, extents, into);
            made(right, extents, into);
        }
        TermKind::If(parts) => parts.iter().for_each(|it| made(it, extents, into)),
        TermKind::Tuple(parts) => parts.iter().for_each(|it| made(it, extents, into)),
        TermKind::List(items, rest) => {
            let parts = items.iter().chain(rest.as_deref());
            parts.for_each(|it| made(it, extents, into));
        }
        TermKind::Call(function, args) => {
            // `$parse_entity` may give any term.
            if let Parameter::Exactly(Type::Entity | Type::Adt(_)) = function.signature().result {
                into.extend(extents.values());
            }
            args.iter().for_each(|it| made(it, extents, into));
        }
    }
}

fn constant(value: &Const, extents: &Extents, into: &mut Vec<RelationId>) {
    match value {
        Const::Integer(_) | Const::Whole(_) | Const::Float(_) => {}
        Const::Typed(value) => typed(value, extents, into),
        Const::Tuple(parts) | Const::List(parts) => {
            parts.iter().for_each(|(it, _)| constant(it, extents, into));
        }
        // Its type is not settled: any of that name.
        Const::Term(constructor, fields) => {
            let named = extents
                .iter()
                .filter(|(it, _)| it.name == constructor.name());
            into.extend(named.map(|(_, relation)| relation));
            fields
                .iter()
                .for_each(|(it, _)| constant(it, extents, into));
        }
    }
}

fn typed(value: &Value, extents: &Extents, into: &mut Vec<RelationId>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Term(term) => {
                into.extend(extents.get(term.constructor));
                open.extend(&term.fields);
            }
            Value::Tuple(parts) | Value::List(_, parts) => open.extend(parts.iter()),
            _ => {}
        }
    }
}

/// The type of a row of an extent, as a tuple.
pub(crate) fn row(constructor: &nsdl_ir::Constructor) -> Type {
    Type::tuple(&[&[constructor.ty], constructor.fields.as_slice()].concat())
}

/// Takes terms apart without their extent where an atom holds them: a term in a tuple is there, whatever else is.
///
/// An extent comes after all that makes its terms, and what reads it after the extent: where that closes a negative
/// cycle, this opens it, at the price of the index that the extent is from fields to terms.
pub(crate) fn compute(program: &mut Program, types: &mut Types) {
    let extents: FxHashMap<RelationId, &'static nsdl_ir::Constructor> =
        program.extents.iter().map(|(it, id)| (*id, *it)).collect();
    for (clause, slots) in program.clauses.iter_mut().zip(&mut types.variables) {
        let mut held: FxHashSet<Slot> = FxHashSet::default();
        for literal in &clause.body {
            if let Literal::Atom { relation, args, .. } = literal
                && !extents.contains_key(relation)
            {
                held.extend(args.iter().filter_map(slot));
            }
        }
        // A part of what is held is held.
        while let Some(at) = clause.body.iter().position(|literal| {
            matches!(literal, Literal::Atom { relation, args, .. } if extents.contains_key(relation)
                && args.first().and_then(slot).is_some_and(|term| held.contains(&term)))
        }) {
            let Literal::Atom {
                relation,
                args,
                span,
            } = &clause.body[at]
            else {
                break;
            };
            let (Some(constructor), span) = (extents.get(relation), *span) else {
                break;
            };
            held.extend(args.iter().filter_map(slot));
            let whole = Slot::new(clause.variables.len());
            let term = |kind| Term { kind, span };
            let parts = args
                .iter()
                .map(|arg| Option::from(arg).unwrap_or(term(TermKind::Any)));
            let parts = term(TermKind::Tuple(parts.collect()));
            let of = args.first().and_then(Option::from);
            let of: Term = of.unwrap_or(term(TermKind::Any));
            let element = Element {
                value: term(TermKind::Slot(whole)),
                list: term(TermKind::Fields(Box::new(of), constructor)),
                span,
            };
            let (left, right) = (Box::new(element.value.clone()), Box::new(parts));
            let equal = term(TermKind::Binary(BinaryOp::Equal, left, right));
            clause.variables.push(Variable {
                name: "_".into(),
                span,
                stated: Vec::new(),
            });
            slots.push(row(constructor));
            let taken = [Literal::Element(element), Literal::Constraint(equal)];
            clause.body.splice(at..=at, taken);
        }
    }
}

fn slot(argument: &Argument) -> Option<Slot> {
    match argument.kind {
        ArgumentKind::Slot(slot) => Some(slot),
        _ => None,
    }
}

/// Lets clauses of their own fill the extents, so that these depend on nothing but what makes the terms.
///
/// A relation whose tuples add terms comes before the extents in evaluation, with all that it depends on: where
/// that closes a negative cycle, the terms are derived a second time, without the relation.
pub(crate) fn separate(program: &mut Program, types: &mut Types) {
    let mut added = Vec::new();
    for (clause, slots) in program.clauses.iter_mut().zip(&types.variables) {
        let makes = std::mem::take(&mut clause.makes);
        if makes.is_empty() {
            continue;
        }
        let heads = clause.heads.iter().map(|head| {
            let id = RelationId::new(program.relations.len());
            let (name, columns) = match program.relations.get(head.relation.index()) {
                Some(relation) => (relation.name.as_str(), relation.columns.len()),
                None => ("", 0),
            };
            program.relations.push(Relation {
                certain: true,
                ..Relation::auxiliary(format!("terms of {name}"), columns, clause.span)
            });
            let columns = types.columns.get(head.relation.index()).cloned();
            types.columns.push(columns.unwrap_or_default());
            Head {
                relation: id,
                args: head.args.clone(),
                alternative: 0,
                guards: Vec::new(),
            }
        });
        let heads: Vec<Head> = heads.collect();
        added.push((
            Clause {
                span: clause.span,
                variables: clause.variables.clone(),
                body: clause.body.clone(),
                heads,
                choice: None,
                makes,
            },
            slots.clone(),
        ));
    }
    for (clause, slots) in added {
        program.clauses.push(clause);
        types.variables.push(slots);
    }
}
