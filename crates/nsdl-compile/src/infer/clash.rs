//! What is wrong when two types should be one.

use nsdl_ir::{Diagnostic, Span, Type};

use super::Inference;
use super::classes::{Side, Witnessed};
use super::kind::{Evidence, Kind, Set, Why};
use super::path::path;

/// A part of a type.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// Of a tuple, by position.
    Tuple(usize),
    /// Of a list.
    Element,
    /// Of a data type, by position.
    Argument(usize),
}

/// What prevents two types from being one.
pub(super) struct Mismatch {
    /// Where they differ, innermost part first.
    path: Vec<Part>,
    /// What they are there; `None` on both sides if one would be a part of itself.
    sides: Option<(Witnessed, Witnessed)>,
    /// The structure that would contain itself.
    whole: Evidence,
}

impl Mismatch {
    pub fn new(a: Witnessed, b: Witnessed) -> Box<Mismatch> {
        Box::new(Mismatch {
            path: Vec::new(),
            sides: Some((a, b)),
            whole: a.0,
        })
    }

    pub fn infinite(whole: Evidence) -> Box<Mismatch> {
        Box::new(Mismatch {
            path: Vec::new(),
            sides: None,
            whole,
        })
    }

    pub fn inside(mut self: Box<Self>, part: Part) -> Box<Mismatch> {
        self.path.push(part);
        self
    }

    /// `part 2 of the elements`
    fn place(&self) -> String {
        let parts: Vec<String> = self
            .path
            .iter()
            .map(|part| match part {
                Part::Tuple(number) => format!("part {}", number + 1),
                Part::Element => "the elements".into(),
                Part::Argument(number) => format!("type argument {}", number + 1),
            })
            .collect();
        parts.join(" of ")
    }
}

/// For so many clashes the chain of rules is searched for: that looks at the whole program.
const EXPLAINED: usize = 20;

/// Types in messages are written out up to this depth.
const DEPTH: usize = 6;

impl Inference {
    /// E0301, or E0303 if facts from outside are involved, or E0320.
    pub(super) fn clash(&mut self, left: Side, right: Side, mismatch: &Mismatch, at: Span) {
        let error = match mismatch.sides {
            None => self.infinite(mismatch.whole, at),
            Some((a, b)) => {
                // Where parts differ, the whole types are named first.
                let whole = [left, right].map(|side| self.words_of(side));
                let error = self.differ(a.0, b.0, whole, mismatch, at);
                self.linked(a, b, at, error)
            }
        };
        self.diagnostics.push(error);
    }

    /// Adds the places that link both sides.
    fn linked(&self, a: Witnessed, b: Witnessed, at: Span, mut error: Diagnostic) -> Diagnostic {
        let chain = match self.diagnostics.len() < EXPLAINED {
            true => path(&self.links, a.1, b.1),
            false => Vec::new(),
        };
        // What this very clause says is to be seen from the places of the clash.
        let others = chain.iter().filter(|link| {
            let apart = |span: Span| span.end <= link.span.start || link.span.end <= span.start;
            link.clause.is_none_or(|clause| self.clause != Some(clause))
                && [a.0.span, b.0.span, Some(at)]
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
        error
    }

    fn differ(
        &mut self,
        a: Evidence,
        b: Evidence,
        whole: [String; 2],
        mismatch: &Mismatch,
        at: Span,
    ) -> Diagnostic {
        // The later place is the one to look at; facts from outside have none.
        let later = a.span > b.span;
        let (first, second) = if later { (b, a) } else { (a, b) };
        let (expected, found) = (self.words(first.kind), self.words(second.kind));
        let outside = matches!(first.why, Why::Outside) || matches!(second.why, Why::Outside);
        let code = if outside { "E0303" } else { "E0301" };
        let message = match (mismatch.path.is_empty(), whole) {
            (true, _) => format!("type clash: {expected} and {found}"),
            (false, [left, right]) if later => format!("type clash: {right} and {left}"),
            (false, [left, right]) => format!("type clash: {left} and {right}"),
        };
        let mut error = Diagnostic::error(code, message);
        let inside = |evidence: &Evidence| evidence.span.is_some_and(|span| span == at);
        if !inside(&first) && !inside(&second) && !outside {
            error = error.label(at, "must be of one type");
        }
        for (evidence, kind) in [(second, &found), (first, &expected)] {
            error = match evidence.span {
                Some(span) => error.label(span, evidence.text(kind)),
                None => error.note(evidence.text(kind)),
            };
        }
        if !mismatch.path.is_empty() {
            let place = mismatch.place();
            error = error.note(format!("they differ in {place}: {expected} and {found}"));
        }
        let sets = [first.kind, second.kind];
        let literal = |set: Set| {
            [first, second]
                .iter()
                .any(|it| it.kind == Kind::Set(set) && matches!(it.why, Why::Literal))
        };
        let is = |ty| sets.contains(&Kind::only(ty));
        let taken = [first, second]
            .iter()
            .any(|it| matches!(it.why, Why::Takes(_)));
        let within = |of: fn(Type) -> bool| {
            let of = Set::of(of);
            let mut sets = sets.iter().map(|it| it.set());
            sets.any(|set| set.meet(of) == Some(set))
        };
        let float = sets
            .iter()
            .any(|it| it.set().meet(Set::of(Type::is_float)).is_some());
        let lengths = sets.map(|kind| match kind {
            Kind::Tuple { parts, .. } => Some(parts),
            _ => None,
        });
        match lengths {
            [Some(left), Some(right)] => error.help(format!(
                "tuples of one type have as many parts: here {left} and {right}"
            )),
            _ if literal(Set::of(Type::is_integer)) && float => {
                error.help("this integer is computed: write `7.0 / 2.0` for `7 / 2` of floats")
            }
            _ if within(Type::is_integer) && within(Type::is_float) && !taken => {
                error.help("integers become floats by a cast: `(x as f64)` for `x`")
            }
            _ if is(Type::Symbol) && is(Type::String) => {
                error.help("a Symbol is written s\"…\", a String \"…\"")
            }
            _ => error,
        }
    }

    fn infinite(&mut self, whole: Evidence, at: Span) -> Diagnostic {
        let words = self.words(whole.kind);
        let error = Diagnostic::error("E0320", "a value would be a part of itself")
            .label(at, "both sides must be of one type")
            .help("compare with a part of it, or put both into a tuple");
        match whole.span {
            Some(span) if span != at => {
                error.label(span, format!("this is {words}, and contains the other"))
            }
            _ => error.note(format!("one of them is {words}, and contains the other")),
        }
    }

    /// E0321.
    pub(super) fn too_large(&mut self, evidence: Evidence) {
        let error = Diagnostic::error("E0321", "this type is made of more than 10,000 types");
        self.diagnostics.push(match evidence.span {
            Some(span) => error.label(span, "too large"),
            None => error,
        });
    }

    /// What something is, in words.
    pub(super) fn words(&mut self, kind: Kind) -> String {
        self.written(kind, DEPTH)
    }

    fn words_of(&mut self, side: Side) -> String {
        match self.kind(side) {
            Some(kind) => self.words(kind),
            None => "_".into(),
        }
    }

    fn written(&mut self, kind: Kind, depth: usize) -> String {
        if let Kind::Set(set) = kind {
            return set.describe().into();
        }
        if depth == 0 {
            return "…".into();
        }
        let parts: Vec<String> = kind
            .parts()
            .map(|part| match self.evidence(part) {
                Some(evidence) => self.written(evidence.kind, depth - 1),
                None => "_".into(),
            })
            .collect();
        let parts_text = parts.join(", ");
        match kind {
            Kind::Tuple { parts: 1, .. } => format!("({parts_text},)"),
            Kind::Tuple { .. } => format!("({parts_text})"),
            Kind::List(_) => format!("[{parts_text}]"),
            Kind::Data { name, .. } if parts.is_empty() => name.into(),
            Kind::Data { name, .. } => format!("{name}<{parts_text}>"),
            Kind::Set(set) => set.describe().into(),
        }
    }
}
