//! The union-find: classes of columns and variables that must be of one type.

use nsdl_ir::{Span, Type};

use super::Inference;
use super::kind::{Evidence, Kind, Why, clash};
use super::path::{Link, path};

/// For so many clashes the chain of rules is searched for: that looks at the whole program.
const EXPLAINED: usize = 20;

/// A class, or a member that points to another one.
#[derive(Clone, Copy)]
pub(super) struct Class {
    parent: u32,
    /// What narrowed it last; `None`: anything is possible.
    evidence: Option<Evidence>,
    /// The column or variable that the evidence is about.
    witness: u32,
}

/// The type of an expression.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Class(u32),
    Known(Evidence),
}

impl Inference {
    pub(super) fn fresh(&mut self, count: usize) -> u32 {
        let first = self.classes.len() as u32;
        self.classes
            .extend((first..).take(count).map(|parent| Class {
                parent,
                evidence: None,
                witness: parent,
            }));
        first
    }

    pub(super) fn find(&mut self, mut class: u32) -> u32 {
        loop {
            let parent = self.classes[class as usize].parent;
            if parent == class {
                return class;
            }
            let grandparent = self.classes[parent as usize].parent;
            self.classes[class as usize].parent = grandparent;
            class = grandparent;
        }
    }

    pub(super) fn resolve(&mut self, class: u32) -> Option<Type> {
        let root = self.find(class);
        self.classes[root as usize]
            .evidence
            .and_then(|evidence| evidence.kind.resolve())
    }

    /// What `side` can be as far as is known; `None`: anything.
    pub(super) fn kind(&mut self, side: Side) -> Option<Kind> {
        match side {
            Side::Known(evidence) => Some(evidence.kind),
            Side::Class(class) => {
                let root = self.find(class);
                self.classes[root as usize]
                    .evidence
                    .map(|evidence| evidence.kind)
            }
        }
    }

    pub(super) fn require(&mut self, side: Side, kind: Kind, why: Why, span: Span) -> Side {
        self.meet(
            side,
            Side::Known(Evidence {
                kind,
                span: Some(span),
                why,
            }),
            span,
        )
    }

    /// Makes both sides one; `at` is where they meet. After a clash the first one goes on alone.
    pub(super) fn meet(&mut self, left: Side, right: Side, at: Span) -> Side {
        match (left, right) {
            (Side::Class(left), Side::Class(right)) => {
                let link = Link {
                    ends: [left, right],
                    span: at,
                    clause: self.clause,
                };
                let (left, right) = (self.find(left), self.find(right));
                if left == right {
                    return Side::Class(left);
                }
                self.links.push(link);
                let known = [left, right].map(|class| {
                    let class = &self.classes[class as usize];
                    class.evidence.map(|evidence| (evidence, class.witness))
                });
                let both = match known {
                    [Some(a), Some(b)] => match self.narrow(a, b, at) {
                        Some(both) => Some(both),
                        None => {
                            // Apart they cause no further errors.
                            self.links.pop();
                            return Side::Class(left);
                        }
                    },
                    [a, b] => a.or(b),
                };
                // The older class stays the root: columns come before the variables that range over them,
                // so paths are short.
                let (root, child) = (left.min(right), left.max(right));
                self.classes[child as usize].parent = root;
                self.know(root, both);
                Side::Class(root)
            }
            (Side::Class(class), Side::Known(known)) | (Side::Known(known), Side::Class(class)) => {
                let root = self.find(class);
                let Class {
                    evidence, witness, ..
                } = self.classes[root as usize];
                let both = match evidence.map(|old| (old, witness)) {
                    Some(old) => self.narrow(old, (known, class), at).unwrap_or(old),
                    None => (known, class),
                };
                self.know(root, Some(both));
                Side::Class(root)
            }
            (Side::Known(a), Side::Known(b)) => {
                // The same witness: nothing links them but the place itself.
                let both = self.narrow((a, 0), (b, 0), at);
                Side::Known(both.map_or(a, |(both, _)| both))
            }
        }
    }

    fn know(&mut self, root: u32, known: Option<(Evidence, u32)>) {
        let class = &mut self.classes[root as usize];
        if let Some((evidence, witness)) = known {
            (class.evidence, class.witness) = (Some(evidence), witness);
        }
    }

    /// What both say, with its witness; `None`, and reported, if they clash.
    fn narrow(
        &mut self,
        (a, of_a): (Evidence, u32),
        (b, of_b): (Evidence, u32),
        at: Span,
    ) -> Option<(Evidence, u32)> {
        let Some(kind) = a.kind.meet(b.kind) else {
            let chain = match self.diagnostics.len() < EXPLAINED {
                true => path(&self.links, of_a, of_b),
                false => Vec::new(),
            };
            let mut error = clash(a, b, at);
            // What this very clause says is to be seen from the places of the clash.
            let others = chain.iter().filter(|link| {
                let apart = |span: Span| span.end <= link.span.start || link.span.end <= span.start;
                link.clause.is_none_or(|clause| self.clause != Some(clause))
                    && [a.span, b.span, Some(at)]
                        .into_iter()
                        .flatten()
                        .all(|span| span.source != link.span.source || apart(span))
            });
            let others: Vec<Span> = others.map(|link| link.span).collect();
            let words = match others.as_slice() {
                [_] => "must be of one type here",
                _ => "linked here",
            };
            for span in others {
                error = error.label(span, words);
            }
            self.diagnostics.push(error);
            return None;
        };
        let (stronger, witness) = if kind == a.kind { (a, of_a) } else { (b, of_b) };
        Some((Evidence { kind, ..stronger }, witness))
    }
}
