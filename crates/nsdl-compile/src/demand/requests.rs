//! Who asks for what: which relations are computed in full, and with which patterns the others are asked for.

use std::collections::{BTreeSet, VecDeque};

use nsdl_ir::{Aggregate, Diagnostic, RelationId};

use super::Pattern;
use super::limits::Limits;
use super::sips::{Class, Passed};
use crate::flat::{Literal, Program};
use crate::infer::Types;

/// With more patterns than this a relation is computed in full.
const PATTERNS: usize = 4;

/// What is asked of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Nothing.
    Nothing,
    /// All of it.
    Whole,
    /// Tuples with these columns bound; no pattern serves another.
    On(BTreeSet<Pattern>),
}

/// What a program asks of its relations.
pub(super) struct Requests<'p> {
    pub program: &'p Program,
    pub types: &'p Types,
    limits: &'p Limits,
    /// Heads by relation: clause and number of the head.
    heads: Vec<Vec<(usize, usize)>>,
    /// The aggregate that fills each relation.
    aggregates: Vec<Option<usize>>,
    /// Auxiliary relations that can be computed on demand only.
    needy: Vec<bool>,
    asked: Vec<Request>,
    /// Something asks.
    pub reached: Vec<bool>,
    /// The number of the first demand relation of each relation.
    first: Vec<usize>,
    /// Asked for whatever the queries bind.
    root: Vec<bool>,
}

impl<'p> Requests<'p> {
    /// # Errors
    /// E0410
    pub fn gather(
        program: &'p Program,
        types: &'p Types,
        limits: &'p Limits,
    ) -> Result<Self, Vec<Diagnostic>> {
        let count = program.relations.len();
        let mut heads = vec![Vec::new(); count];
        for (number, clause) in program.clauses.iter().enumerate() {
            for (head, it) in clause.heads.iter().enumerate() {
                heads[it.relation.index()].push((number, head));
            }
        }
        let mut aggregates = vec![None; count];
        for (number, aggregate) in program.aggregates.iter().enumerate() {
            aggregates[aggregate.output.index()] = Some(number);
        }
        let mut root = vec![!limits.automatic; count];
        for relation in program.asked() {
            root[relation.index()] = true;
        }
        let mut it = Self {
            program,
            types,
            limits,
            heads,
            aggregates,
            needy: vec![false; count],
            asked: Vec::new(),
            reached: Vec::new(),
            first: Vec::new(),
            root,
        };
        // Each turn finds a further auxiliary relation that needs demand.
        loop {
            let (errors, needy) = it.solve();
            if needy.is_empty() {
                return if errors.is_empty() {
                    Ok(it)
                } else {
                    Err(errors)
                };
            }
            needy
                .into_iter()
                .for_each(|relation| it.set_needy(relation));
        }
    }

    pub fn asked(&self, relation: RelationId) -> &Request {
        self.asked
            .get(relation.index())
            .unwrap_or(&Request::Nothing)
    }

    pub fn is_needy(&self, relation: usize) -> bool {
        self.needy.get(relation).copied().unwrap_or_default()
    }

    /// Whether a relation is on demand that could be computed without.
    pub fn is_automatic(&self) -> bool {
        let restricted = |(number, request): (usize, &Request)| {
            matches!(request, Request::On(_))
                && !self.needy[number]
                && self.program.relations[number].demand.is_empty()
        };
        self.asked.iter().enumerate().any(restricted)
    }

    /// The demand relations that will be made, in order: the number of each, and whose it is.
    pub fn demands(&self) -> impl Iterator<Item = (usize, RelationId)> {
        let patterns = self.asked.iter().enumerate().flat_map(|(number, request)| {
            let count = match request {
                Request::On(patterns) => patterns.len(),
                Request::Nothing | Request::Whole => 0,
            };
            std::iter::repeat_n(RelationId::new(number), count)
        });
        (self.program.relations.len()..).zip(patterns)
    }

    /// The demand relation of a pattern.
    pub fn demand(&self, relation: RelationId, pattern: &Pattern) -> Option<RelationId> {
        let Request::On(patterns) = self.asked(relation) else {
            return None;
        };
        let offset = patterns.iter().position(|it| it == pattern)?;
        let first = self.first.get(relation.index()).copied();
        Some(RelationId::new(first.unwrap_or_default() + offset))
    }

    /// The pattern by which a literal asks for its relation, if that is on demand.
    pub fn pattern(&self, head: RelationId, passed: &Passed<'_>) -> Option<Pattern> {
        let (Literal::Atom { relation, .. } | Literal::Absent { relation, .. }) = passed.literal
        else {
            return None;
        };
        let Request::On(patterns) = self.asked(*relation) else {
            return None;
        };
        let bound = self.binding(head, *relation, passed);
        let fitting = patterns.iter().filter(|pattern| pattern.serves(bound));
        fitting
            .max_by_key(|pattern| pattern.columns().count())
            .cloned()
    }

    /// The columns with which a body of `head` may ask for `relation`.
    fn binding<'s>(
        &self,
        head: RelationId,
        relation: RelationId,
        passed: &'s Passed<'_>,
    ) -> &'s Pattern {
        let component = |of: RelationId| self.limits.component.get(of.index());
        match self.class(relation) {
            Class::Declared(_) | Class::Needy => &passed.bound,
            // Values that are computed from round to round need not end where the relation does.
            Class::Plain { .. } if component(head) == component(relation) => &passed.finite,
            Class::Plain { .. } => &passed.selective,
        }
    }

    /// Whether a relation can be computed in full just as well.
    pub fn is_plain(&self, relation: RelationId) -> bool {
        matches!(self.class(relation), Class::Plain { .. })
    }

    /// How a relation wants to be asked.
    pub fn class(&self, relation: RelationId) -> Class<'p> {
        let number = relation.index();
        if self.is_needy(number) {
            return Class::Needy;
        }
        match self.program.relations.get(number) {
            Some(it) if !it.demand.is_empty() => Class::Declared(&it.demand),
            _ => Class::Plain {
                derived: self.is_derived(number),
            },
        }
    }

    fn is_derived(&self, relation: usize) -> bool {
        let heads = self.heads.get(relation);
        heads.is_some_and(|heads| !heads.is_empty())
            || self.aggregates.get(relation).is_some_and(Option::is_some)
    }

    /// Everything that is asked for: what is wrong with it, and the auxiliary relations that turned out to
    /// need demand.
    fn solve(&mut self) -> (Vec<Diagnostic>, BTreeSet<usize>) {
        self.asked = vec![Request::Nothing; self.program.relations.len()];
        self.reached = vec![false; self.program.relations.len()];
        let mut queue = VecDeque::new();
        for (number, relation) in self.program.relations.iter().enumerate() {
            if !relation.demand.is_empty() {
                self.asked[number] = Request::On(relation.demand.iter().cloned().collect());
                if self.root[number] {
                    self.ask_declared(number, &mut queue);
                }
            } else if self.root[number] && !self.needy[number] {
                self.ask_whole(number, &mut queue);
            }
        }
        let (mut errors, mut needy) = (Vec::new(), BTreeSet::new());
        while let Some(number) = queue.pop_front() {
            if let Some(aggregate) = self.aggregates[number] {
                self.ask_members(number, aggregate, &mut queue);
            }
            for (clause, head) in self.heads[number].clone() {
                let Some(it) = self.program.clauses.get(clause) else {
                    continue;
                };
                let Some(head) = it.heads.get(head) else {
                    continue;
                };
                let variants = match self.asked(head.relation) {
                    Request::On(_) => self
                        .guards(clause, head)
                        .into_iter()
                        .map(|guard| self.variant(clause, it, head.relation, Some(guard)))
                        .collect(),
                    _ => vec![self.variant(clause, it, head.relation, None)],
                };
                for variant in variants {
                    let passing = self.pass(&variant);
                    if let Some(stuck) = passing.stuck {
                        let relation = &self.program.relations[number];
                        let optional = relation.auxiliary && !self.is_query(number);
                        if optional && variant.guard.is_none() && !self.needy[number] {
                            needy.insert(number);
                        } else {
                            errors.push(self.unbound(stuck, number));
                        }
                    }
                    for passed in &passing.steps {
                        self.ask(variant.head, passed, &mut queue);
                    }
                }
            }
        }
        let mut next = self.program.relations.len();
        let count = |request: &Request| match request {
            Request::On(patterns) => patterns.len(),
            Request::Nothing | Request::Whole => 0,
        };
        let counts = self.asked.iter().map(|request| {
            next += count(request);
            next - count(request)
        });
        self.first = counts.collect();
        (errors, needy)
    }

    fn is_query(&self, relation: usize) -> bool {
        let mut asked = self.program.asked();
        asked.any(|asked| asked.index() == relation)
    }

    /// Marks a relation, and the aggregate it belongs to.
    fn set_needy(&mut self, relation: usize) {
        self.needy[relation] = true;
        for aggregate in &self.program.aggregates {
            // Explicit groups ask for their members, else who reads the results does.
            if aggregate.groups.unwrap_or(aggregate.members).index() == relation {
                self.needy[aggregate.output.index()] = true;
            }
        }
    }

    fn ask_declared(&mut self, number: usize, queue: &mut VecDeque<usize>) {
        if !self.reached[number] {
            self.reached[number] = true;
            queue.push_back(number);
        }
    }

    fn ask(&mut self, head: RelationId, passed: &Passed<'_>, queue: &mut VecDeque<usize>) {
        let (Literal::Atom { relation, .. } | Literal::Absent { relation, .. }) = passed.literal
        else {
            return;
        };
        let number = relation.index();
        match self.class(*relation) {
            Class::Declared(_) => self.ask_declared(number, queue),
            Class::Plain { .. } if self.limits.whole[number] || !self.is_derived(number) => {
                self.ask_whole(number, queue);
            }
            Class::Needy | Class::Plain { .. } => {
                let pattern = self.binding(head, *relation, passed).clone();
                self.ask_for(number, &pattern, queue);
            }
        }
    }

    fn ask_whole(&mut self, number: usize, queue: &mut VecDeque<usize>) {
        self.reached[number] = true;
        if self.asked[number] != Request::Whole {
            self.asked[number] = Request::Whole;
            queue.push_back(number);
        }
    }

    fn ask_for(&mut self, number: usize, pattern: &Pattern, queue: &mut VecDeque<usize>) {
        let pattern = match self.aggregates[number].and_then(|it| self.program.aggregates.get(it)) {
            Some(aggregate) => pattern.first(aggregate.keys as usize),
            None => pattern.clone(),
        };
        if pattern.is_free() {
            return self.ask_whole(number, queue);
        }
        self.reached[number] = true;
        let patterns = match &mut self.asked[number] {
            Request::Whole => return,
            Request::On(patterns) => patterns,
            nothing => {
                *nothing = Request::On(BTreeSet::from([pattern]));
                queue.push_back(number);
                return;
            }
        };
        if patterns.iter().any(|it| it.serves(&pattern)) {
            return;
        }
        patterns.retain(|it| !pattern.serves(it));
        patterns.insert(pattern);
        if patterns.len() > PATTERNS && !self.needy[number] {
            self.asked[number] = Request::Whole;
        }
        queue.push_back(number);
    }

    /// Asks for the members and groups of an aggregate as its output is asked for.
    fn ask_members(&mut self, output: usize, aggregate: usize, queue: &mut VecDeque<usize>) {
        let Some(aggregate) = self.program.aggregates.get(aggregate) else {
            return;
        };
        let request = self.asked[output].clone();
        for relation in [Some(aggregate.members), aggregate.groups]
            .into_iter()
            .flatten()
        {
            let number = relation.index();
            if self.groups_ask(aggregate, relation) {
                let columns = self.program.relations[number].columns.len();
                let keys = Pattern::new((0..columns).map(|it| it < aggregate.keys as usize));
                self.ask_for(number, &keys, queue);
                continue;
            }
            match &request {
                Request::Nothing => {}
                Request::Whole => self.ask_whole(number, queue),
                Request::On(_) if !self.is_derived(number) => self.ask_whole(number, queue),
                Request::On(patterns) => {
                    let columns = self.program.relations[number].columns.len();
                    for pattern in patterns {
                        self.ask_for(number, &pattern.resized(columns), queue);
                    }
                }
            }
        }
    }

    /// Whether the explicit groups of an aggregate ask for its members `part`, which need demand.
    pub fn groups_ask(&self, aggregate: &Aggregate, part: RelationId) -> bool {
        part == aggregate.members && aggregate.groups.is_some() && self.is_needy(part.index())
    }

    /// E0410
    fn unbound(&self, literal: &Literal, within: usize) -> Diagnostic {
        let (Literal::Atom { relation, span, .. } | Literal::Absent { relation, span, .. }) =
            literal
        else {
            return Diagnostic::error("E0410", "a relation on demand is asked for everything");
        };
        let relation = self.program.relations.get(relation.index());
        let name = relation.map_or("", |it| it.name.as_str());
        let patterns: Vec<String> = relation
            .into_iter()
            .flat_map(|it| &it.demand)
            .map(|pattern| format!("\"{pattern}\""))
            .collect();
        let error = Diagnostic::error(
            "E0410",
            format!("`{name}` is computed on demand, and nothing says for which arguments"),
        )
        .label(
            *span,
            format!(
                "asked for without the bindings of {}",
                patterns.join(" or ")
            ),
        );
        let within = &self.program.relations[within];
        match within.auxiliary {
            true => error.help("bind the arguments by constants, or by atoms beside it"),
            false => error.help(format!(
                "bind the arguments by constants or other atoms, or put `@demand` on `{}` too",
                within.name
            )),
        }
    }
}
