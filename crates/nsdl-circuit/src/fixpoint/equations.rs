//! Systems of equations as flat arrays.

use crate::formula::NodeId;

/// One way to make an unknown hold: `external` and all its unknowns do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub head: u32,
    pub external: NodeId,
    start: u32,
    end: u32,
}

/// What each unknown is the disjunction of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Equations {
    pub unknowns: u32,
    pub terms: Vec<Term>,
    locals: Vec<u32>,
}

impl Equations {
    pub fn new(unknowns: u32) -> Self {
        Self {
            unknowns,
            terms: Vec::new(),
            locals: Vec::new(),
        }
    }

    /// Adds a term.
    pub fn push(&mut self, head: u32, external: NodeId, locals: impl IntoIterator<Item = u32>) {
        let start = self.locals.len();
        self.locals.extend(locals);
        let fresh = &mut self.locals[start..];
        if fresh.len() > 1 {
            fresh.sort_unstable();
            let mut kept = 1;
            for i in 1..fresh.len() {
                if fresh[i] != fresh[kept - 1] {
                    fresh[kept] = fresh[i];
                    kept += 1;
                }
            }
            self.locals.truncate(start + kept);
        }
        self.terms.push(Term {
            head,
            external,
            start: start as u32,
            end: self.locals.len() as u32,
        });
    }

    /// The unknowns that a term needs, ascending.
    pub fn locals(&self, term: &Term) -> &[u32] {
        &self.locals[term.start as usize..term.end as usize]
    }

    /// Puts the terms in order of head, unknowns and formula.
    pub fn sort(&mut self) {
        let Self { terms, locals, .. } = self;
        let key = |term: &Term| {
            let needs = &locals[term.start as usize..term.end as usize];
            (term.head, needs, term.external)
        };
        terms.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    }

    /// The terms that need each unknown.
    pub fn uses(&self) -> Lists {
        let pairs = || {
            self.terms
                .iter()
                .zip(0..)
                .flat_map(|(term, number)| self.locals(term).iter().map(move |&u| (u, number)))
        };
        Lists::new(self.unknowns as usize, pairs)
    }

    /// Appends them as numbers: for each unknown how many terms it has, and each term as its external
    /// formula, how many unknowns it needs, and which. Terms must be in order of their heads.
    pub fn encode(&self, into: &mut Vec<u32>) {
        let mut terms = self.terms.as_slice();
        for unknown in 0..self.unknowns {
            let count = terms.iter().take_while(|term| term.head == unknown).count();
            into.push(count as u32);
            let (own, others) = terms.split_at(count);
            for term in own {
                into.extend([term.external.0, term.end - term.start]);
                into.extend_from_slice(self.locals(term));
            }
            terms = others;
        }
    }

    /// The terms of encoded equations, as head, external formula and unknowns.
    pub fn decode(mut code: &[u32]) -> impl Iterator<Item = (u32, NodeId, &[u32])> {
        let mut left = 0;
        let mut next = 0;
        std::iter::from_fn(move || {
            while left == 0 {
                let (&count, rest) = code.split_first()?;
                (left, next, code) = (count, next + 1, rest);
            }
            left -= 1;
            let (&[external, len], rest) = code.split_first_chunk::<2>()?;
            let (locals, rest) = rest.split_at_checked(len as usize)?;
            code = rest;
            Some((next - 1, NodeId(external), locals))
        })
    }
}

/// A list of numbers for each of some keys.
pub(crate) struct Lists {
    offsets: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub fn new<P: Iterator<Item = (u32, u32)>>(keys: usize, pairs: impl Fn() -> P) -> Self {
        let mut offsets = vec![0u32; keys + 2];
        for (key, _) in pairs() {
            offsets[key as usize + 2] += 1;
        }
        for i in 2..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut items = vec![0; offsets[keys + 1] as usize];
        for (key, item) in pairs() {
            let slot = &mut offsets[key as usize + 1];
            items[*slot as usize] = item;
            *slot += 1;
        }
        offsets.pop();
        Self { offsets, items }
    }

    pub fn get(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.items[self.offsets[key] as usize..self.offsets[key + 1] as usize]
    }
}
