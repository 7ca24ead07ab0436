//! `+ - * /`, whose operands may be of two types: times, tensors, and text with anything.
//!
//! What an operator is may depend on types that become known later, from facts for example. It is then kept
//! open and asked again; one that nothing decides takes operands and result of one type.

use nsdl_ir::{BinaryOp, Span, Type};

use super::Inference;
use super::classes::Side;
use super::kind::{Kind, Set, Why};

/// An operator that is not decided yet.
#[derive(Clone, Copy)]
pub(super) struct Open {
    op: BinaryOp,
    left: Side,
    right: Side,
    result: Side,
    span: Span,
}

/// What an operand can be, as far as operators tell it apart.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Anything yet.
    Unknown,
    Number,
    Text,
    Instant,
    Length,
    Tensor,
    Other,
}

/// What an operator is.
enum Decision {
    /// Operands and result are of one type.
    Alike,
    /// Of these types; `None`: of any.
    Typed([Option<Kind>; 2], Type),
    /// Not known yet.
    Wait,
}

impl Inference {
    /// The type of `left op right`.
    pub(super) fn operator(&mut self, op: BinaryOp, left: Side, right: Side, span: Span) -> Side {
        let open = Open {
            op,
            left,
            right,
            result: Side::Class(self.fresh(1)),
            span,
        };
        if !self.decide(open) {
            self.open.push(open);
        }
        open.result
    }

    /// Decides what operators it can, until no decision leads to another one. Back and forth, so that a chain of
    /// operators is decided at once whichever end is known.
    pub(super) fn operators(&mut self) {
        let mut before = usize::MAX;
        while self.open.len() < before {
            before = self.open.len();
            let open = std::mem::take(&mut self.open);
            let waiting = open.into_iter().rev().filter(|it| !self.decide(*it));
            self.open = waiting.collect();
        }
    }

    /// Decides the rest, each as what it most likely is.
    pub(super) fn remaining_operators(&mut self) {
        self.operators();
        for open in std::mem::take(&mut self.open) {
            if !self.decide(open) {
                self.guess(open);
            }
        }
    }

    fn shape(&mut self, side: Side) -> Shape {
        let Some(kind) = self.kind(side) else {
            return Shape::Unknown;
        };
        let set = kind.set();
        let within = |larger: Set| set.meet(larger) == Some(set);
        match () {
            () if set == Set::ANY => Shape::Unknown,
            () if within(Set::of(Type::is_number)) => Shape::Number,
            () if set == Set::only(Type::String) => Shape::Text,
            () if set == Set::only(Type::DateTime) => Shape::Instant,
            () if set == Set::only(Type::Duration) => Shape::Length,
            () if set == Set::only(Type::Tensor) => Shape::Tensor,
            // `$abs` of something takes numbers only, `-` more.
            () if set.meet(Set::of(Type::is_number)).is_some() => Shape::Unknown,
            () => Shape::Other,
        }
    }

    fn decide(&mut self, open: Open) -> bool {
        let shapes = [open.left, open.right, open.result].map(|side| self.shape(side));
        match decision(open.op, shapes) {
            Decision::Wait => return false,
            Decision::Alike => self.alike(open),
            Decision::Typed(operands, result) => self.typed(open, operands, result),
        }
        true
    }

    /// What nothing has decided: text goes with text, a time with a duration.
    fn guess(&mut self, open: Open) {
        let length = Some(Kind::only(Type::Duration));
        match [self.shape(open.left), self.shape(open.right)] {
            [Shape::Instant, _] => self.typed(open, [None, length], Type::DateTime),
            [Shape::Length, _] | [_, Shape::Length] => {
                self.typed(open, [length, length], Type::Duration);
            }
            _ => self.alike(open),
        }
    }

    fn typed(&mut self, open: Open, operands: [Option<Kind>; 2], result: Type) {
        let symbol = name(open.op);
        for (side, kind) in [open.left, open.right].into_iter().zip(operands) {
            if let Some(kind) = kind {
                self.require(side, kind, Why::Takes(symbol), open.span);
            }
            // A tensor has 64 bits, so a literal beside it has.
            let double = Set::only(Type::F64);
            if result == Type::Tensor
                && let Some(Kind::Set(set)) = self.kind(side)
                && set.meet(double).is_some()
            {
                self.require(side, Kind::Set(double), Why::Takes(symbol), open.span);
            }
        }
        let kind = Kind::only(result);
        self.require(open.result, kind, Why::Gives(symbol), open.span);
    }

    fn alike(&mut self, open: Open) {
        let numbers = Set::of(Type::is_number);
        let set = match open.op {
            BinaryOp::Add => numbers.or(Set::only(Type::String)).or(Set::LISTS),
            _ => numbers,
        };
        let before = self.diagnostics.len();
        let both = self.meet(open.left, open.right, open.span);
        // One clash is enough.
        if self.diagnostics.len() > before {
            return;
        }
        let why = Why::Takes(name(open.op));
        let all = self.require(both, Kind::Set(set), why, open.span);
        self.meet(open.result, all, open.span);
    }
}

fn decision(op: BinaryOp, [left, right, result]: [Shape; 3]) -> Decision {
    use BinaryOp::{Add, Divide, Multiply, Subtract};
    use Shape::{Instant, Length, Number, Tensor, Text, Unknown};
    let instant = Some(Kind::only(Type::DateTime));
    let length = Some(Kind::only(Type::Duration));
    let tensor = Some(Kind::only(Type::Tensor));
    let integer = Some(Kind::of(Type::is_integer));
    match (op, left, right) {
        (_, Number, Number) => Decision::Alike,
        (Add, Text, Unknown) | (Add, Unknown, Text) => Decision::Wait,
        (Add, Text, Text) => Decision::Alike,
        (Add, Text, _) | (Add, _, Text) => Decision::Typed([None, None], Type::String),
        (Add | Subtract, Instant, Length) => Decision::Typed([None, None], Type::DateTime),
        (Add, Instant, Unknown) => Decision::Typed([None, length], Type::DateTime),
        (Add, Length, Instant) => Decision::Typed([None, None], Type::DateTime),
        (Add, Unknown, Instant) => Decision::Typed([length, None], Type::DateTime),
        (Subtract, Instant, Instant) => Decision::Typed([None, None], Type::Duration),
        (Subtract, Unknown, Instant) => Decision::Typed([instant, None], Type::Duration),
        (Subtract, Instant, Unknown) => match result {
            Instant => Decision::Typed([None, length], Type::DateTime),
            Length => Decision::Typed([None, instant], Type::Duration),
            _ => Decision::Wait,
        },
        (Add | Subtract, Length, Length) => Decision::Typed([None, None], Type::Duration),
        (Subtract, Length, Unknown) => Decision::Typed([None, length], Type::Duration),
        (Add, Length, Unknown) => match result {
            Instant => Decision::Typed([None, instant], Type::DateTime),
            Length => Decision::Typed([None, length], Type::Duration),
            _ => Decision::Wait,
        },
        (Add | Subtract, Unknown, Length) => match result {
            Instant => Decision::Typed([instant, None], Type::DateTime),
            Length => Decision::Typed([length, None], Type::Duration),
            _ => Decision::Wait,
        },
        (Multiply | Divide, Length, Unknown | Number) => {
            Decision::Typed([None, integer], Type::Duration)
        }
        (Multiply, Unknown | Number, Length) => Decision::Typed([integer, None], Type::Duration),
        (_, Tensor, Tensor | Number) | (_, Number, Tensor) => {
            Decision::Typed([None, None], Type::Tensor)
        }
        (_, Tensor, Unknown) | (_, Unknown, Tensor) => Decision::Wait,
        (_, Tensor, _) => Decision::Typed([None, tensor], Type::Tensor),
        (_, _, Tensor) => Decision::Typed([tensor, None], Type::Tensor),
        // A number, or text: `x + 1`. A result that is a number has numbers for operands.
        (_, Unknown, Unknown | Number) | (_, Number, Unknown) => match result {
            Number => Decision::Alike,
            _ => Decision::Wait,
        },
        // Lists; and what does not go together, which is reported there.
        _ => Decision::Alike,
    }
}

fn name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "`+`",
        BinaryOp::Subtract => "`-`",
        BinaryOp::Multiply => "`*`",
        _ => "`/`",
    }
}
