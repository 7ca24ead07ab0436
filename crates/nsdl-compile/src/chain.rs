//! Chains: recursion on the right that is asked for with constants.
//!
//! `path(0, z)` where `path(x, z) = edge(x, z) or (edge(x, y) and path(y, z))`: demand alone computes `path(y, z)`
//! for all `y` that are reached, to carry each of them back step by step. But the steps leave `z` alone, so
//! that it is enough to know what is reached, and where a rule without `path` goes from there.
//!
//! Before: a flat, typed program. After: each use of such a relation with constants reads one of its own,
//! filled by the rules that do not recur, from what the others reach. The rows are the same; their reasons are
//! not, since a way to `y` and one from `y` on are joined where before there were ways from each place. So
//! this is for evaluation that keeps no reasons and has no tags.

use nsdl_ir::{BinaryOp, RelationId, Slot, Span};

use crate::flat::{
    Argument, ArgumentKind, Clause, Head, Literal, Program, Relation, Term, TermKind, Variable,
};
use crate::infer::Types;
use crate::stratify;

/// A relation is taken apart for so many different constants at most: each has rows of its own.
const USES: usize = 8;

/// The program with chains; `None` if it has none.
pub(crate) fn chains(program: &Program, types: &Types) -> Option<(Program, Types)> {
    if program.queries.is_empty() || !program.extents.is_empty() {
        return None;
    }
    let component = stratify::recursion(program).component;
    let reached = reached(program);
    let mut changed: Option<(Program, Types)> = None;
    for number in 0..program.relations.len() {
        let relation = RelationId::new(number);
        let shared = component.iter().filter(|it| **it == component[number]);
        if !reached[number] || shared.count() > 1 {
            continue;
        }
        let now = changed.as_ref().map_or(program, |(program, _)| program);
        let types = changed.as_ref().map_or(types, |(_, types)| types);
        if let Some(chain) = Chain::of(now, types, relation, &reached) {
            changed = Some(chain.build());
        }
    }
    changed
}

/// The relations that the queries depend on.
fn reached(program: &Program) -> Vec<bool> {
    let mut reached = vec![false; program.relations.len()];
    let mut open: Vec<RelationId> = program.asked().collect();
    while let Some(relation) = open.pop() {
        if std::mem::replace(&mut reached[relation.index()], true) {
            continue;
        }
        let derives = |clause: &&Clause| clause.heads.iter().any(|it| it.relation == relation);
        for clause in program.clauses.iter().filter(derives) {
            open.extend(clause.body.iter().filter_map(read));
        }
        for aggregate in &program.aggregates {
            if aggregate.output == relation {
                open.extend(
                    [Some(aggregate.members), aggregate.groups]
                        .into_iter()
                        .flatten(),
                );
            }
        }
    }
    reached
}

/// The relation that a literal reads.
fn read(literal: &Literal) -> Option<RelationId> {
    match literal {
        Literal::Atom { relation, .. }
        | Literal::Absent { relation, .. }
        | Literal::Foreign { relation, .. } => Some(*relation),
        _ => None,
    }
}

/// The atom over `relation` in a body, if there is but one mention of it.
fn only_atom(body: &[Literal], relation: RelationId) -> Option<(usize, &[Argument])> {
    let mut mentions = body.iter().enumerate();
    let (position, literal) = mentions.find(|(_, it)| read(it) == Some(relation))?;
    match literal {
        Literal::Atom { args, .. } if mentions.all(|(_, it)| read(it) != Some(relation)) => {
            Some((position, args))
        }
        _ => None,
    }
}

/// A relation that can be taken apart.
struct Chain<'p> {
    program: &'p Program,
    types: &'p Types,
    relation: RelationId,
    /// Whether each column is carried along, or left alone.
    carried: Vec<bool>,
    /// Where it is asked for: clause and literal.
    uses: Vec<(usize, usize)>,
}

impl<'p> Chain<'p> {
    fn of(
        program: &'p Program,
        types: &'p Types,
        relation: RelationId,
        reached: &[bool],
    ) -> Option<Self> {
        let it = program.relations.get(relation.index())?;
        let asked = program.asked().any(|asked| asked == relation);
        let counted = |part: RelationId| part == relation;
        let members = program
            .aggregates
            .iter()
            .any(|it| counted(it.members) || it.groups.is_some_and(counted) || counted(it.output));
        if asked || members || it.certain || it.keep.is_some() || !it.demand.is_empty() {
            return None;
        }
        let (mut uses, mut carried): (Vec<(usize, usize)>, Option<Vec<bool>>) = (Vec::new(), None);
        for (number, clause) in program.clauses.iter().enumerate() {
            let own = clause.heads.iter().any(|head| head.relation == relation);
            let asks = clause.heads.iter().any(|it| {
                // Relations of other chains come behind those of the program.
                reached.get(it.relation.index()).copied().unwrap_or(true)
            });
            if own || !asks || !clause.body.iter().any(|it| read(it) == Some(relation)) {
                continue;
            }
            let (position, args) = only_atom(&clause.body, relation)?;
            let constant = |arg: &Argument| matches!(arg.kind, ArgumentKind::Const(_));
            let columns: Vec<bool> = args.iter().map(constant).collect();
            if carried.get_or_insert_with(|| columns.clone()) != &columns {
                return None;
            }
            uses.push((number, position));
        }
        let carried = carried?;
        let mixed = carried.contains(&true) && carried.contains(&false);
        let it = Self {
            program,
            types,
            relation,
            carried,
            uses,
        };
        let mut steps = 0;
        for (_, clause) in it.rules() {
            match clause.body.iter().any(|it| read(it) == Some(relation)) {
                true if it.is_step(clause) => steps += 1,
                false if it.is_exit(clause) => {}
                _ => return None,
            }
        }
        (mixed && steps > 0 && it.uses.len() <= USES).then_some(it)
    }

    /// The clauses of the relation.
    fn rules(&self) -> impl Iterator<Item = (usize, &'p Clause)> {
        let relation = self.relation;
        let clauses = self.program.clauses.iter().enumerate();
        clauses.filter(move |(_, it)| it.heads.iter().any(|head| head.relation == relation))
    }

    fn columns(&self, carried: bool) -> impl Iterator<Item = usize> {
        let columns = self.carried.iter().enumerate();
        columns
            .filter(move |(_, it)| **it == carried)
            .map(|(column, _)| column)
    }

    /// Whether a clause has one head without a tag, of which what is carried can be looked up.
    fn is_exit(&self, clause: &Clause) -> bool {
        let [head] = clause.heads.as_slice() else {
            return false;
        };
        let mut carried = self
            .columns(true)
            .filter_map(|column| head.args.get(column));
        clause.choice.is_none()
            && clause.makes.is_empty()
            && carried.all(|arg| matches!(arg.kind, TermKind::Slot(_) | TermKind::Const(_)))
    }

    /// Whether a clause carries some columns on, over rows that are there, and leaves the others alone.
    fn is_step(&self, clause: &Clause) -> bool {
        let Some((position, args)) = only_atom(&clause.body, self.relation) else {
            return false;
        };
        let ([head], true) = (clause.heads.as_slice(), self.is_exit(clause)) else {
            return false;
        };
        let mut mentioned: Vec<Slot> = Vec::new();
        let mut bound: Vec<Slot> = Vec::new();
        for column in self.columns(true) {
            if let Some(term) = head.args.get(column) {
                term.slots(&mut |slot, _| bound.push(slot));
            }
        }
        for (number, literal) in clause.body.iter().enumerate() {
            match literal {
                _ if number == position => {}
                Literal::Atom { args, .. } => bound.extend(args.iter().filter_map(slot)),
                Literal::Absent { args, .. } => mentioned.extend(args.iter().filter_map(slot)),
                Literal::Constraint(term) if cannot_fail(term) => {
                    term.slots(&mut |slot, _| mentioned.push(slot));
                }
                _ => return false,
            }
        }
        // What is carried on is there, so that there is an end of it.
        let next = |column: usize| match args.get(column).map(|arg| &arg.kind) {
            Some(ArgumentKind::Slot(slot)) => bound.contains(slot),
            Some(ArgumentKind::Const(_)) => true,
            _ => false,
        };
        if !self.columns(true).all(next) {
            return false;
        }
        mentioned.extend(bound.iter().copied());
        self.columns(false).all(|column| {
            let (Some(term), Some(arg)) = (head.args.get(column), args.get(column)) else {
                return false;
            };
            let same = matches!((&term.kind, slot(arg)), (TermKind::Slot(one), Some(other)) if *one == other);
            let alone = slot(arg).is_some_and(|slot| !mentioned.contains(&slot));
            // Not even another column that is left alone.
            let once = args.iter().filter(|other| slot(other) == slot(arg)).count() == 1;
            same && alone && once
        })
    }

    fn build(&self) -> (Program, Types) {
        let mut program = Program {
            relations: self.program.relations.clone(),
            facts: self.program.facts.clone(),
            clauses: Vec::new(),
            aggregates: self.program.aggregates.clone(),
            queries: self.program.queries.clone(),
            evidence: self.program.evidence.clone(),
            parameters: self.program.parameters.clone(),
            parameter_sets: self.program.parameter_sets.clone(),
            extents: Vec::new(),
        };
        let mut types = Types {
            columns: self.types.columns.clone(),
            variables: Vec::new(),
        };
        for (number, clause) in self.program.clauses.iter().enumerate() {
            // What is left of the relation are facts that are given for it.
            if clause.heads.iter().any(|it| it.relation == self.relation) {
                continue;
            }
            let mut clause = clause.clone();
            for &(_, position) in self.uses.iter().filter(|(it, _)| *it == number) {
                if let Some(Literal::Atom {
                    relation,
                    args,
                    span,
                }) = clause.body.get_mut(position)
                {
                    let (start, rest) = args.drain(..).zip(&self.carried).fold(
                        (Vec::new(), Vec::new()),
                        |(mut start, mut rest), (arg, carried)| {
                            if *carried {
                                start.push(arg)
                            } else {
                                rest.push(arg)
                            }
                            (start, rest)
                        },
                    );
                    *args = rest;
                    *relation = self.ends(&mut program, &mut types, &start, *span);
                }
            }
            program.clauses.push(clause);
            let slots = self.types.variables.get(number).cloned();
            types.variables.push(slots.unwrap_or_default());
        }
        (program, types)
    }

    /// A relation of the columns that are left alone, for what is reached from `start`.
    fn ends(
        &self,
        program: &mut Program,
        types: &mut Types,
        start: &[Argument],
        span: Span,
    ) -> RelationId {
        let of = |carried| {
            let all = types.columns.get(self.relation.index());
            let columns = self.columns(carried);
            let columns = columns.filter_map(|column| all?.get(column).copied());
            columns.collect::<Vec<_>>()
        };
        let whole = types.columns.get(self.relation.index()).cloned();
        let name = &self.program.relations[self.relation.index()].name;
        let kinds = [("reached for", of(true)), ("ends of", of(false))];
        let [steps, ends] = kinds.map(|(what, columns)| {
            let id = RelationId::new(program.relations.len());
            program.relations.push(Relation::auxiliary(
                format!("{what} {name}"),
                columns.len(),
                span,
            ));
            types.columns.push(columns);
            id
        });
        // Variables of columns that are left alone are none of a step.
        type Origin<'c> = Option<(usize, &'c Clause)>;
        let mut add =
            |origin: Origin<'_>, gone: &[Argument], body: Vec<Literal>, relation, args| {
                let head = Head {
                    relation,
                    args,
                    alternative: 0,
                    guards: Vec::new(),
                };
                let slots = match origin {
                    Some((number, _)) => self.types.variables.get(number).cloned(),
                    None if body.is_empty() => None,
                    None => whole.clone(),
                };
                let slots = slots.unwrap_or_default();
                let variable = |number: usize| {
                    let is_gone = gone.iter().any(|it| slot(it) == Some(Slot::new(number)));
                    let named = origin.filter(|_| !is_gone);
                    let named = named.and_then(|(_, clause)| clause.variables.get(number));
                    named.cloned().unwrap_or_else(|| Variable {
                        name: "_".into(),
                        span,
                        stated: Vec::new(),
                    })
                };
                program.clauses.push(Clause {
                    span: origin.map_or(span, |(_, clause)| clause.span),
                    variables: (0..slots.len()).map(variable).collect(),
                    body,
                    heads: vec![head],
                    choice: None,
                    makes: Vec::new(),
                });
                types.variables.push(slots);
            };
        let from = |args: Vec<Argument>, relation| Literal::Atom {
            relation,
            args,
            span,
        };
        add(
            None,
            &[],
            Vec::new(),
            steps,
            start.iter().filter_map(Option::from).collect(),
        );
        let slots = (0..self.carried.len()).map(|column| Argument {
            kind: ArgumentKind::Slot(Slot::new(column)),
            span,
        });
        let slots: Vec<Argument> = slots.collect();
        let pick = |args: &[Argument], carried| -> Vec<Argument> {
            let columns = self.columns(carried);
            columns
                .filter_map(|column| args.get(column).cloned())
                .collect()
        };
        let given = vec![
            from(pick(&slots, true), steps),
            from(slots.clone(), self.relation),
        ];
        let rest = pick(&slots, false);
        add(
            None,
            &[],
            given,
            ends,
            rest.iter().filter_map(Option::from).collect(),
        );
        for (number, clause) in self.rules() {
            let Some(head) = clause.heads.first() else {
                continue;
            };
            let at = self
                .columns(true)
                .filter_map(|column| argument(head.args.get(column)?));
            let mut body = vec![from(at.collect(), steps)];
            let origin = Some((number, clause));
            match only_atom(&clause.body, self.relation) {
                Some((position, args)) => {
                    let others = clause.body.iter().enumerate();
                    let others = others.filter(|(it, _)| *it != position);
                    body.extend(others.map(|(_, literal)| literal.clone()));
                    let next = pick(args, true);
                    add(
                        origin,
                        &pick(args, false),
                        body,
                        steps,
                        next.iter().filter_map(Option::from).collect(),
                    );
                }
                None => {
                    body.extend(clause.body.iter().cloned());
                    let rest = self
                        .columns(false)
                        .filter_map(|it| head.args.get(it).cloned());
                    add(origin, &[], body, ends, rest.collect());
                }
            }
        }
        ends
    }
}

fn slot(arg: &Argument) -> Option<Slot> {
    match arg.kind {
        ArgumentKind::Slot(slot) => Some(slot),
        _ => None,
    }
}

/// A slot or a constant as an argument.
fn argument(term: &Term) -> Option<Argument> {
    let kind = match &term.kind {
        TermKind::Slot(slot) => ArgumentKind::Slot(*slot),
        TermKind::Const(value) => ArgumentKind::Const(value.clone()),
        _ => return None,
    };
    Some(Argument {
        kind,
        span: term.span,
    })
}

/// Whether a condition compares variables and constants: what fails is counted, here and there alike.
fn cannot_fail(term: &Term) -> bool {
    let simple = |term: &Term| matches!(term.kind, TermKind::Slot(_) | TermKind::Const(_));
    match &term.kind {
        TermKind::Binary(
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual,
            left,
            right,
        ) => simple(left) && simple(right),
        _ => simple(term),
    }
}
