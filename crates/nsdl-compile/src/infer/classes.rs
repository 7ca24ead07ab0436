//! Unification: classes of columns, variables and parts of types that must be of one type.
//!
//! A class is a set of types, or has a structure: a tuple, a list or a data type, whose parts are classes
//! again. Two structures are one if their parts are; a class never is a part of itself (E0320).

use nsdl_ir::{Span, Type};
use rustc_hash::FxHashSet;

use super::Inference;
use super::clash::{Mismatch, Part};
use super::kind::{Evidence, Kind, Set, Why};
use super::path::Link;

/// A class, or a member that points to another one.
#[derive(Clone, Copy)]
pub(super) struct Class {
    parent: u32,
    /// What narrowed it last; `None`: anything is possible.
    evidence: Option<Evidence>,
    /// The column, variable or part that the evidence is about.
    witness: u32,
}

/// Evidence and the class that it is about.
pub(super) type Witnessed = (Evidence, u32);

/// The type of an expression.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Class(u32),
    Known(Evidence),
}

/// A type is made of so many others at most: `x1 == (x0, x0), x2 == (x1, x1), …` doubles with each equation.
const LARGEST: usize = 10_000;

impl Inference {
    /// New classes that follow each other; the first.
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

    /// What is known of a class.
    pub(super) fn evidence(&mut self, class: u32) -> Option<Evidence> {
        let root = self.find(class);
        self.classes[root as usize].evidence
    }

    /// What `side` can be as far as is known; `None`: anything.
    pub(super) fn kind(&mut self, side: Side) -> Option<Kind> {
        match side {
            Side::Known(evidence) => Some(evidence.kind),
            Side::Class(class) => self.evidence(class).map(|evidence| evidence.kind),
        }
    }

    /// A side of exactly type `ty`: types with parts get new classes for them.
    pub(super) fn of_type(&mut self, ty: Type, span: Option<Span>, why: Why) -> Side {
        self.instance(ty, span, why, &|_| None)
    }

    /// As [`Inference::of_type`], but where `parameter` gives a class for a type inside `ty`, that class stands for it.
    ///
    /// For generics: a use of a constructor makes a new class per type parameter of its data type, and takes the
    /// types of fields and result with that class wherever the type that stands for the parameter occurs.
    pub(super) fn instance(
        &mut self,
        ty: Type,
        span: Option<Span>,
        why: Why,
        parameter: &dyn Fn(Type) -> Option<u32>,
    ) -> Side {
        if let Some(class) = parameter(ty) {
            return Side::Class(class);
        }
        let parts: &[Type] = match &ty {
            Type::Tuple(parts) => parts,
            Type::List(element) => std::slice::from_ref(*element),
            Type::Adt(adt) => adt.arguments,
            _ => &[],
        };
        let sides: Vec<Side> = parts
            .iter()
            .map(|part| self.instance(*part, span, why, parameter))
            .collect();
        let first = self.classes_of(&sides);
        let kind = match ty {
            Type::Tuple(parts) => Kind::Tuple {
                first,
                parts: parts.len() as u32,
            },
            Type::List(_) => Kind::List(first),
            Type::Adt(adt) => Kind::Data {
                name: adt.name,
                first,
                arguments: adt.arguments.len() as u32,
            },
            plain => Kind::only(plain),
        };
        Side::Known(Evidence { kind, span, why })
    }

    /// New classes that follow each other, one for each side; the first.
    pub(super) fn classes_of(&mut self, sides: &[Side]) -> u32 {
        let first = self.fresh(sides.len());
        for (class, side) in (first..).zip(sides) {
            // A new class takes anything.
            let _ = self.unify(Side::Class(class), *side, Span::default());
        }
        first
    }

    pub(super) fn require(&mut self, side: Side, kind: Kind, why: Why, span: Span) -> Side {
        let known = Evidence {
            kind,
            span: Some(span),
            why,
        };
        self.meet(side, Side::Known(known), span)
    }

    /// Makes both sides one; `at` is where they meet. A clash is reported, and the first one goes on alone.
    pub(super) fn meet(&mut self, left: Side, right: Side, at: Span) -> Side {
        let links = self.links.len();
        match self.unify(left, right, at) {
            Ok(side) => side,
            Err(mismatch) => {
                self.clash(left, right, &mismatch, at);
                // Apart they cause no further errors.
                self.links.truncate(links);
                left
            }
        }
    }

    /// Makes both sides one, or says what prevents it. Cost: nearly linear in the classes that become one,
    /// and for structures in their size.
    fn unify(&mut self, left: Side, right: Side, at: Span) -> Result<Side, Box<Mismatch>> {
        match (left, right) {
            (Side::Class(left), Side::Class(right)) => {
                let link = Link {
                    ends: [left, right],
                    span: at,
                    clause: self.clause,
                };
                let (left, right) = (self.find(left), self.find(right));
                if left == right {
                    return Ok(Side::Class(left));
                }
                let (a, b) = (self.witnessed(left), self.witnessed(right));
                for (class, other) in [(left, b), (right, a)] {
                    if let Some((evidence, _)) = other
                        && self.occurs(class, evidence.kind)
                    {
                        return Err(Mismatch::infinite(evidence));
                    }
                }
                if let (Some((a, _)), Some((b, _))) = (a, b)
                    && is_entity_and_data(a, b)
                {
                    return Ok(Side::Class(left));
                }
                self.links.push(link);
                let both = match (a, b) {
                    (Some(a), Some(b)) => Some(self.narrow(a, b, at)?),
                    (a, b) => a.or(b),
                };
                // The older class stays the root: columns come before the variables that range over them,
                // so paths are short.
                let (root, child) = (left.min(right), left.max(right));
                self.classes[child as usize].parent = root;
                self.know(root, both);
                Ok(Side::Class(root))
            }
            (Side::Class(class), Side::Known(known)) | (Side::Known(known), Side::Class(class)) => {
                let root = self.find(class);
                if self.occurs(root, known.kind) {
                    return Err(Mismatch::infinite(known));
                }
                let both = match self.witnessed(root) {
                    Some(old) => self.narrow(old, (known, class), at)?,
                    None => (known, class),
                };
                self.know(root, Some(both));
                Ok(Side::Class(root))
            }
            (Side::Known(a), Side::Known(b)) => {
                // The same witness: nothing links them but the place itself.
                let (both, _) = self.narrow((a, 0), (b, 0), at)?;
                Ok(Side::Known(both))
            }
        }
    }

    fn witnessed(&self, root: u32) -> Option<Witnessed> {
        let class = &self.classes[root as usize];
        class.evidence.map(|evidence| (evidence, class.witness))
    }

    fn know(&mut self, root: u32, known: Option<Witnessed>) {
        let class = &mut self.classes[root as usize];
        if let Some((evidence, witness)) = known {
            (class.evidence, class.witness) = (Some(evidence), witness);
        }
    }

    /// What both say, with its witness.
    fn narrow(&mut self, a: Witnessed, b: Witnessed, at: Span) -> Result<Witnessed, Box<Mismatch>> {
        match (a.0.kind, b.0.kind) {
            (Kind::Set(x), Kind::Set(y)) => {
                let both = x.meet(y).ok_or_else(|| Mismatch::new(a, b))?;
                let kind = Kind::Set(both);
                let (stronger, witness) = if kind == a.0.kind { a } else { b };
                Ok((Evidence { kind, ..stronger }, witness))
            }
            _ if is_entity_and_data(a.0, b.0) => Ok(a),
            (Kind::Set(set), kind) if set.meet(kind.set()).is_some() => Ok(b),
            (kind, Kind::Set(set)) if set.meet(kind.set()).is_some() => Ok(a),
            (Kind::Tuple { parts, .. }, Kind::Tuple { parts: others, .. }) if parts == others => {
                self.parts(a, b, at, Part::Tuple)
            }
            (Kind::List(_), Kind::List(_)) => self.parts(a, b, at, |_| Part::Element),
            (Kind::Data { name, .. }, Kind::Data { name: other, .. }) if name == other => {
                self.parts(a, b, at, Part::Argument)
            }
            _ => Err(Mismatch::new(a, b)),
        }
    }

    /// Makes the parts of two structures of one form one.
    fn parts(
        &mut self,
        a: Witnessed,
        b: Witnessed,
        at: Span,
        part: impl Fn(usize) -> Part,
    ) -> Result<Witnessed, Box<Mismatch>> {
        let pairs = a.0.kind.parts().zip(b.0.kind.parts());
        for (number, (left, right)) in pairs.enumerate() {
            deep(|| self.unify(Side::Class(left), Side::Class(right), at))
                .map_err(|mismatch| mismatch.inside(part(number)))?;
        }
        Ok(a)
    }

    /// Whether a structure has the class as a part, at any depth.
    fn occurs(&mut self, class: u32, kind: Kind) -> bool {
        let mut open: Vec<u32> = kind.parts().collect();
        let mut seen = FxHashSet::default();
        while let Some(part) = open.pop() {
            let part = self.find(part);
            if part == class {
                return true;
            }
            if seen.insert(part)
                && let Some(evidence) = self.classes[part as usize].evidence
            {
                open.extend(evidence.kind.parts());
            }
        }
        false
    }

    /// The type of a class once everything is unified, and whether it is known: what can be anything becomes `i32`.
    pub(super) fn resolve(&mut self, class: u32) -> (Type, bool) {
        let Resolved { ty, known, .. } = self.resolved(class);
        (ty, known)
    }

    /// The type of a side, likewise.
    pub(super) fn resolve_side(&mut self, side: Side) -> Type {
        match side {
            Side::Class(class) => self.resolved(class).ty,
            Side::Known(evidence) => self.resolve_kind(evidence).ty,
        }
    }

    fn resolved(&mut self, class: u32) -> Resolved {
        let root = self.find(class);
        if let Some(known) = self.resolved.get(&root) {
            return *known;
        }
        let resolved = match self.classes[root as usize].evidence {
            Some(evidence) => deep(|| self.resolve_kind(evidence)),
            None => Resolved::UNKNOWN,
        };
        self.resolved.insert(root, resolved);
        resolved
    }

    fn resolve_kind(&mut self, evidence: Evidence) -> Resolved {
        let (mut types, mut size, mut known) = (Vec::new(), 1, true);
        for part in evidence.kind.parts() {
            let part = self.resolved(part);
            types.push(part.ty);
            size += part.size;
            known &= part.known;
        }
        if size > LARGEST {
            self.too_large(evidence);
            return Resolved {
                known: true,
                ..Resolved::UNKNOWN
            };
        }
        let ty = match (evidence.kind, types.as_slice()) {
            (Kind::Set(set), _) => match set.resolve() {
                Some(ty) => ty,
                None => return Resolved::UNKNOWN,
            },
            (Kind::List(_), [element]) => Type::list(*element),
            (Kind::Data { name, .. }, types) => Type::adt(name, types),
            (Kind::Tuple { .. } | Kind::List(_), types) => Type::tuple(types),
        };
        Resolved { ty, size, known }
    }
}

/// The type of a class.
#[derive(Clone, Copy)]
pub(super) struct Resolved {
    ty: Type,
    /// How many types it is made of.
    size: usize,
    /// Whether no part of it can be anything.
    known: bool,
}

impl Resolved {
    const UNKNOWN: Resolved = Resolved {
        ty: Type::I32,
        size: 1,
        known: false,
    };
}

/// A type may be as deep as a rule is long.
fn deep<T>(walk: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 << 10, 1 << 20, walk)
}

/// `Entity` is compatible with every data type, and becomes none by that: a column of it holds terms of several.
fn is_entity_and_data(a: Evidence, b: Evidence) -> bool {
    let entity = Kind::Set(Set::only(Type::Entity));
    let data = |kind| matches!(kind, Kind::Data { .. });
    a.kind == entity && data(b.kind) || b.kind == entity && data(a.kind)
}
