//! Keyed relations: of the rows that agree in all other columns, the one with the best value stays.
//!
//! Before: a flat program whose relations may have a `keep` column. After: such a relation is the `min` or
//! `max` of its candidates, an auxiliary relation that its facts and rules fill, so that under uncertainty each
//! world chooses for itself (SEMANTICS.md 8). Rules that the relation depends on read the candidates, where
//! evaluation may leave out what is beaten. For that to change no answer, a better candidate must lead to
//! better candidates: a kept value may only be carried to a kept column, by operations that keep the order,
//! and be compared with an upper bound (of the least, else a lower bound).

use nsdl_ir::{
    Aggregate, AggregateOp, BinaryOp, Callee, Diagnostic, Function, Keep, RelationId, Slot, Span,
};

use crate::flat::{
    Argument, ArgumentKind, Clause, Head, Literal, Program, Relation, Term, TermKind, Variable,
};
use crate::stratify;

/// Replaces keyed relations by the best of their candidates; what is wrong with their rules.
pub(crate) fn split(program: &mut Program) -> Vec<Diagnostic> {
    let users = program.relations.len();
    if program.relations.iter().all(|it| it.keep.is_none()) {
        return Vec::new();
    }
    let component = stratify::recursion(program).component;
    let mut candidates: Vec<Option<RelationId>> = vec![None; users];
    for (number, candidate) in candidates.iter_mut().enumerate() {
        let id = RelationId::new(program.relations.len());
        let Some(relation) = program.relations.get_mut(number) else {
            continue;
        };
        let Some(keep) = relation.keep.take() else {
            continue;
        };
        relation.facts = Some(id);
        let own = Relation {
            name: format!("candidates of {}", relation.name),
            columns: relation.columns.clone(),
            auxiliary: true,
            keep: Some(keep),
            facts: None,
            hidden: false,
            ..relation.clone()
        };
        *candidate = Some(id);
        program.relations.push(own);
    }
    let candidate = |relation: RelationId| candidates.get(relation.index()).copied().flatten();
    for fact in &mut program.facts {
        fact.relation = candidate(fact.relation).unwrap_or(fact.relation);
    }
    let mut diagnostics = Vec::new();
    for clause in &mut program.clauses {
        let of = |relation: RelationId| component.get(relation.index()).copied();
        let homes: Vec<Option<usize>> = clause.heads.iter().map(|it| of(it.relation)).collect();
        for literal in &mut clause.body {
            if let Literal::Atom { relation, span, .. } = literal
                && let Some(candidates) = candidate(*relation)
                && homes.contains(&of(*relation))
            {
                if homes.iter().any(|home| *home != of(*relation)) {
                    diagnostics.push(
                        Diagnostic::error(
                            "E0421",
                            "one body derives a keyed relation and another that waits for it",
                        )
                        .label(*span, "the best of it is known to one head only")
                        .help("write a rule for each head"),
                    );
                }
                *relation = candidates;
            }
        }
        for head in &mut clause.heads {
            head.relation = candidate(head.relation).unwrap_or(head.relation);
        }
    }
    for clause in &program.clauses {
        diagnostics.extend(check(program, clause));
    }
    for (number, from) in candidates.into_iter().enumerate() {
        if let Some(from) = from {
            best(program, RelationId::new(number), from);
        }
    }
    diagnostics
}

/// Makes `to` the best of `from`.
fn best(program: &mut Program, to: RelationId, from: RelationId) {
    let Some(relation) = program.relations.get(from.index()) else {
        return;
    };
    let (Some(keep), columns, span) = (relation.keep, relation.columns.len(), relation.span) else {
        return;
    };
    let name = relation.name.clone();
    let kept = keep.column as usize;
    // An aggregate has its keys first.
    let order: Vec<usize> = (0..columns)
        .filter(|it| *it != kept)
        .chain([kept])
        .collect();
    let in_order = order
        .iter()
        .enumerate()
        .all(|(position, column)| position == *column);
    let (members, output) = if in_order {
        (from, to)
    } else {
        let mut auxiliary = |name: String| {
            let id = RelationId::new(program.relations.len());
            program
                .relations
                .push(Relation::auxiliary(name, columns, span));
            id
        };
        let members = auxiliary(format!("members of {name}"));
        let output = auxiliary(format!("best of {name}"));
        let identity: Vec<usize> = (0..columns).collect();
        copy(program, from, &identity, members, &order, span);
        copy(program, output, &order, to, &identity, span);
        (members, output)
    };
    program.aggregates.push(Aggregate {
        span,
        op: match keep.greatest {
            true => AggregateOp::Max,
            false => AggregateOp::Min,
        },
        members,
        groups: None,
        output,
        keys: columns.saturating_sub(1) as u32,
        arguments: 0,
        single_world: false,
        separator: String::new(),
        all: false,
        ascending: false,
        count: 1,
    });
}

/// `to(x…) = from(x…)`, where each has its columns in the order of these variables.
fn copy(
    program: &mut Program,
    from: RelationId,
    read: &[usize],
    to: RelationId,
    written: &[usize],
    span: Span,
) {
    let args = read.iter().map(|slot| Argument {
        kind: ArgumentKind::Slot(Slot::new(*slot)),
        span,
    });
    let terms = written.iter().map(|slot| Term {
        kind: TermKind::Slot(Slot::new(*slot)),
        span,
    });
    let variable = |_: &usize| Variable {
        name: "_".into(),
        span,
        stated: Vec::new(),
    };
    program.clauses.push(Clause {
        span,
        variables: read.iter().map(variable).collect(),
        body: vec![Literal::Atom {
            relation: from,
            args: args.collect(),
            span,
        }],
        heads: vec![Head {
            relation: to,
            args: terms.collect(),
            alternative: 0,
            guards: Vec::new(),
        }],
        choice: None,
        makes: Vec::new(),
    });
}

/// How a value moves when kept values become better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moves {
    /// Not at all.
    Not,
    Up,
    Down,
    /// Either way.
    Somehow,
}

impl Moves {
    fn and(self, other: Moves) -> Moves {
        match (self, other) {
            (Moves::Not, other) => other,
            (own, Moves::Not) => own,
            (own, other) if own == other => own,
            _ => Moves::Somehow,
        }
    }

    fn reversed(self) -> Moves {
        match self {
            Moves::Up => Moves::Down,
            Moves::Down => Moves::Up,
            same => same,
        }
    }
}

/// What a better value of a kept column does.
fn better(keep: Keep) -> Moves {
    match keep.greatest {
        true => Moves::Up,
        false => Moves::Down,
    }
}

/// Whether a better candidate leads to better candidates.
fn check(program: &Program, clause: &Clause) -> Vec<Diagnostic> {
    let keep_of = |relation: RelationId| program.relations.get(relation.index())?.keep;
    let mut moves = vec![Moves::Not; clause.variables.len()];
    let mut diagnostics = Vec::new();
    let mut any = false;
    for literal in &clause.body {
        if let Literal::Atom {
            relation,
            args,
            span,
        } = literal
            && let Some(keep) = keep_of(*relation)
            && let Some(arg) = args.get(keep.column as usize)
        {
            any = true;
            match arg.kind {
                ArgumentKind::Slot(slot) => {
                    if let Some(entry) = moves.get_mut(slot.index()) {
                        *entry = entry.and(better(keep));
                    }
                }
                ArgumentKind::Const(_) => diagnostics.push(doubtful(*span)),
                ArgumentKind::Any => {}
            }
        }
    }
    if !any {
        return diagnostics;
    }
    let bound_by_atom = |slot: Slot| {
        clause.body.iter().any(|literal| match literal {
            Literal::Atom { args, .. } => args
                .iter()
                .any(|arg| matches!(arg.kind, ArgumentKind::Slot(other) if other == slot)),
            _ => false,
        })
    };
    // Equations name values; each pass may know one more.
    for _ in 0..clause.body.len() {
        for literal in &clause.body {
            if let Some((slot, term)) = definition(literal, &bound_by_atom) {
                let found = motion(term, &moves);
                if let Some(entry) = moves.get_mut(slot.index()) {
                    *entry = found;
                }
            }
        }
    }
    for literal in &clause.body {
        match literal {
            Literal::Constraint(term) => {
                if definition(literal, &bound_by_atom).is_none() && !holds_on(term, &moves) {
                    diagnostics.push(doubtful(term.span));
                }
            }
            Literal::Range(range) => {
                let terms = [&range.value, &range.low, &range.high];
                if terms.iter().any(|term| motion(term, &moves) != Moves::Not) {
                    diagnostics.push(doubtful(range.span));
                }
            }
            Literal::Element(element) => {
                let terms = [&element.value, &element.list];
                if terms.iter().any(|term| motion(term, &moves) != Moves::Not) {
                    diagnostics.push(doubtful(element.span));
                }
            }
            Literal::Matches(matches) => {
                let moving = |arg: &Argument| match arg.kind {
                    ArgumentKind::Slot(slot) => {
                        moves.get(slot.index()).is_some_and(|it| *it != Moves::Not)
                    }
                    _ => false,
                };
                if moving(&matches.term) || matches.fields.iter().any(moving) {
                    diagnostics.push(doubtful(matches.span));
                }
            }
            Literal::Atom {
                relation,
                args,
                span,
            }
            | Literal::Absent {
                relation,
                args,
                span,
            }
            | Literal::Foreign {
                relation,
                args,
                span,
                ..
            } => {
                for (column, arg) in args.iter().enumerate() {
                    let own = keep_of(*relation).is_some_and(|it| it.column as usize == column);
                    if let ArgumentKind::Slot(slot) = arg.kind
                        && moves.get(slot.index()).is_some_and(|it| *it != Moves::Not)
                        && !own
                    {
                        diagnostics.push(doubtful(*span));
                    }
                }
            }
        }
    }
    for head in &clause.heads {
        let keep = keep_of(head.relation);
        for (column, arg) in head.args.iter().enumerate() {
            let found = motion(arg, &moves);
            match keep.filter(|it| it.column as usize == column) {
                _ if found == Moves::Not => {}
                Some(keep) if found == better(keep) => {}
                Some(_) => diagnostics.push(doubtful(arg.span)),
                None => diagnostics.push(
                    Diagnostic::error("E0420", "a value that may still be beaten is put in a column that keeps all")
                        .label(arg.span, "comes from a `keep` column of the same recursion")
                        .help("let the column keep its best value too, or read the relation outside of its recursion"),
                ),
            }
        }
    }
    diagnostics
}

/// The variable that an equation names the value of.
fn definition<'l>(
    literal: &'l Literal,
    bound_by_atom: &dyn Fn(Slot) -> bool,
) -> Option<(Slot, &'l Term)> {
    let Literal::Constraint(term) = literal else {
        return None;
    };
    let TermKind::Binary(BinaryOp::Equal, left, right) = &term.kind else {
        return None;
    };
    match (&left.kind, &right.kind) {
        (TermKind::Slot(slot), _) if !bound_by_atom(*slot) => Some((*slot, right)),
        (_, TermKind::Slot(slot)) if !bound_by_atom(*slot) => Some((*slot, left)),
        _ => None,
    }
}

/// How the value of a term moves.
fn motion(term: &Term, moves: &[Moves]) -> Moves {
    let of = |term: &Term| motion(term, moves);
    match &term.kind {
        TermKind::Slot(slot) => moves.get(slot.index()).copied().unwrap_or(Moves::Not),
        TermKind::Const(_) => Moves::Not,
        TermKind::Binary(BinaryOp::Add, left, right) => of(left).and(of(right)),
        TermKind::Binary(BinaryOp::Subtract, left, right) => of(left).and(of(right).reversed()),
        TermKind::Unary(nsdl_ir::UnaryOp::Negate, operand) => of(operand).reversed(),
        TermKind::Call(Callee::BuiltIn(Function::Min | Function::Max), args) => {
            args.iter().map(of).fold(Moves::Not, Moves::and)
        }
        _ => {
            let mut all = Moves::Not;
            term.slots(&mut |slot, _| {
                if moves.get(slot.index()).is_some_and(|it| *it != Moves::Not) {
                    all = Moves::Somehow;
                }
            });
            all
        }
    }
}

/// Whether a condition that holds goes on to hold when kept values become better.
fn holds_on(term: &Term, moves: &[Moves]) -> bool {
    if motion(term, moves) == Moves::Not {
        return true;
    }
    let TermKind::Binary(op, left, right) = &term.kind else {
        return false;
    };
    let (left, right) = (motion(left, moves), motion(right, moves));
    let falls = |it: Moves| matches!(it, Moves::Not | Moves::Down);
    let rises = |it: Moves| matches!(it, Moves::Not | Moves::Up);
    match op {
        BinaryOp::Less | BinaryOp::LessEqual => falls(left) && rises(right),
        BinaryOp::Greater | BinaryOp::GreaterEqual => rises(left) && falls(right),
        BinaryOp::And => true,
        _ => false,
    }
}

fn doubtful(span: Span) -> Diagnostic {
    Diagnostic::warning("W0410", "the answer may depend on candidates that are beaten")
        .label(span, "need not go on to hold for a better value")
        .note("while a keyed relation is computed, candidates that another one beats are left out")
        .help("carry kept values by sums, `$min` and `$max` only, and compare the least with upper bounds, the greatest with lower ones")
}
