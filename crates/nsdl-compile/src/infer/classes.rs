//! The union-find: classes of columns and variables that must be of one type.

use nsdl_ir::{Span, Type};

use super::Inference;
use super::kind::{Evidence, Kind, Why, clash};

/// A class, or a member that points to another one.
pub(super) struct Class {
    parent: u32,
    /// What narrowed it last; `None`: anything is possible.
    evidence: Option<Evidence>,
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
                let (left, right) = (self.find(left), self.find(right));
                if left == right {
                    return Side::Class(left);
                }
                let (a, b) = (
                    self.classes[left as usize].evidence,
                    self.classes[right as usize].evidence,
                );
                let evidence = match (a, b) {
                    (Some(a), Some(b)) => match self.narrow(a, b, at) {
                        Some(evidence) => Some(evidence),
                        // Apart they cause no further errors.
                        None => return Side::Class(left),
                    },
                    (a, b) => a.or(b),
                };
                // The older class stays the root: columns come before the variables that range over them,
                // so paths are short.
                let (root, child) = (left.min(right), left.max(right));
                self.classes[child as usize].parent = root;
                self.classes[root as usize].evidence = evidence;
                Side::Class(root)
            }
            (Side::Class(class), Side::Known(known)) | (Side::Known(known), Side::Class(class)) => {
                let root = self.find(class);
                let evidence = match self.classes[root as usize].evidence {
                    Some(old) => Some(self.narrow(old, known, at).unwrap_or(old)),
                    None => Some(known),
                };
                self.classes[root as usize].evidence = evidence;
                Side::Class(root)
            }
            (Side::Known(a), Side::Known(b)) => Side::Known(self.narrow(a, b, at).unwrap_or(a)),
        }
    }

    /// What both say; `None`, and reported, if they clash.
    pub(super) fn narrow(&mut self, a: Evidence, b: Evidence, at: Span) -> Option<Evidence> {
        let Some(kind) = a.kind.meet(b.kind) else {
            self.diagnostics.push(clash(a, b, at));
            return None;
        };
        let stronger = if kind == a.kind { a } else { b };
        Some(Evidence { kind, ..stronger })
    }
}
