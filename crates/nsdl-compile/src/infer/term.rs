//! The types of expressions and constants.

use nsdl_ir::{BinaryOp, Callee, Family, Parameter, Signature, Span, Type, UnaryOp};

use super::classes::Side;
use super::kind::{Evidence, Kind, Why};
use super::{Inference, variable};
use crate::constant::Const;
use crate::constructor::Constructor;
use crate::flat::{ArgumentKind, Matches, Term, TermKind};

impl Inference {
    /// The type of an expression of the clause whose variables begin with class `first`.
    pub(super) fn term(&mut self, first: u32, term: &Term) -> Side {
        use BinaryOp::*;
        let span = term.span;
        let bool = Kind::only(Type::Bool);
        match &term.kind {
            TermKind::Slot(slot) => variable(first, *slot),
            TermKind::Const(value) => self.open_constant(value, span),
            TermKind::Unary(op, operand) => {
                let side = self.term(first, operand);
                let kind = match op {
                    UnaryOp::Not => Kind::of(|ty| ty.is_integer() || ty == Type::Bool),
                    UnaryOp::Negate => Kind::of(|ty| {
                        let special = matches!(ty, Type::Duration | Type::Tensor);
                        ty.is_signed() || ty.is_float() || special
                    }),
                };
                let why = if *op == UnaryOp::Not { "`!`" } else { "`-`" };
                self.require(side, kind, Why::Takes(why), span)
            }
            TermKind::Binary(op, left, right) => {
                let (left, right) = (self.term(first, left), self.term(first, right));
                if let Add | Subtract | Multiply | Divide = op {
                    return self.operator(*op, left, right, span);
                }
                let both = self.meet(left, right, span);
                let (kind, why) = match op {
                    Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                        let why = Why::Gives("a comparison");
                        return Side::Known(Evidence {
                            kind: bool,
                            span: Some(span),
                            why,
                        });
                    }
                    Remainder => (Kind::of(Type::is_number), "`%`"),
                    And => (bool, "`&&`"),
                    Or => (bool, "`||`"),
                    Xor => (Kind::of(|ty| ty.is_integer() || ty == Type::Bool), "`^`"),
                    BitAnd => (Kind::of(Type::is_integer), "`&`"),
                    BitOr => (Kind::of(Type::is_integer), "`|`"),
                    ShiftLeft => (Kind::of(Type::is_integer), "`<<`"),
                    // The four that may mix types are gone.
                    _ => (Kind::of(Type::is_integer), "`>>`"),
                };
                self.require(both, kind, Why::Takes(why), span)
            }
            TermKind::Cast(operand, ty) => {
                self.term(first, operand);
                self.of_type(*ty, Some(span), Why::Gives("a cast"))
            }
            TermKind::Any => Side::Class(self.fresh(1)),
            TermKind::Tuple(parts) => {
                let sides: Vec<Side> = parts.iter().map(|part| self.term(first, part)).collect();
                self.tuple(&sides, span)
            }
            TermKind::List(items, rest) => {
                let list = self.list(span);
                for item in items {
                    let side = self.term(first, item);
                    self.member(list, side, item.span);
                }
                match rest {
                    Some(rest) => {
                        let side = self.term(first, rest);
                        self.meet(list, side, rest.span)
                    }
                    None => list,
                }
            }
            TermKind::Construct(constructor, ty, fields) => {
                let (result, types) = self.applied(constructor, span);
                for (field, declared) in fields.iter().zip(types) {
                    let side = self.term(first, field);
                    self.meet(declared, side, field.span);
                }
                self.settled(ty, result)
            }
            // Types are inferred before anything is taken apart.
            TermKind::Fields(whole, _) | TermKind::Part(whole, _) | TermKind::Rest(whole, _) => {
                self.term(first, whole);
                Side::Class(self.fresh(1))
            }
            TermKind::Length { list, .. } => {
                self.term(first, list);
                Side::Known(Evidence {
                    kind: bool,
                    span: Some(span),
                    why: Why::Gives("a pattern"),
                })
            }
            TermKind::Call(function, args) => self.call(first, *function, args, span),
            TermKind::If(parts) => {
                let [condition, consequence, alternative] = parts.as_ref();
                let side = self.term(first, condition);
                self.require(side, bool, Why::Takes("a condition"), condition.span);
                let consequence = self.term(first, consequence);
                let alternative = self.term(first, alternative);
                self.meet(consequence, alternative, span)
            }
        }
    }

    fn call(&mut self, first: u32, function: Callee, args: &[Term], span: Span) -> Side {
        let signature = function.signature();
        let takes = Why::Takes(signature.text);
        // What the type variable stands for here.
        let variable = self.fresh(1);
        for (index, arg) in args.iter().enumerate() {
            let side = self.term(first, arg);
            match signature.parameter(index) {
                Some(Parameter::Variable) => {
                    let side = self.of_family(side, signature, arg.span);
                    self.meet(side, Side::Class(variable), span);
                }
                Some(Parameter::List) => {
                    let list = Kind::List(self.fresh(1));
                    let side = self.require(side, list, takes, arg.span);
                    if let Some(Kind::List(element)) = self.kind(side) {
                        let element = self.of_family(Side::Class(element), signature, arg.span);
                        self.meet(element, Side::Class(variable), span);
                    }
                }
                Some(Parameter::Exactly(ty)) => {
                    let exactly = self.of_type(ty, Some(arg.span), takes);
                    self.meet(side, exactly, arg.span);
                }
                Some(Parameter::Any) | None => {}
            }
        }
        match signature.result {
            Parameter::Exactly(ty) => self.of_type(ty, Some(span), Why::Gives(signature.name)),
            Parameter::List => Side::Known(Evidence {
                kind: Kind::List(variable),
                span: Some(span),
                why: Why::Gives(signature.name),
            }),
            Parameter::Variable | Parameter::Any => Side::Class(variable),
        }
    }

    /// What stands for the type variable of a function must be of its family.
    fn of_family(&mut self, side: Side, signature: &'static Signature, span: Span) -> Side {
        let family = signature.family;
        if family == Family::Any {
            return side;
        }
        let takes = Why::Takes(signature.text);
        self.require(side, Kind::of(|ty| family.holds(ty)), takes, span)
    }

    /// A constant in an expression: its class is kept, so that it gets its type in the end.
    fn open_constant(&mut self, value: &Const, span: Span) -> Side {
        let side = self.constant(value, span);
        if let Const::Typed(_) = value {
            return side;
        }
        let class = Side::Class(self.classes_of(&[side]));
        let address = std::ptr::from_ref(value) as usize;
        self.constants.insert(address, class);
        class
    }

    /// The type of a pattern, and of what matches it.
    pub(super) fn matches(&mut self, first: u32, matches: &Matches) {
        let (result, types) = self.applied(&matches.constructor, matches.span);
        for (field, declared) in matches.fields.iter().zip(types) {
            let side = match &field.kind {
                ArgumentKind::Slot(slot) => variable(first, *slot),
                ArgumentKind::Const(value) => self.constant(value, field.span),
                ArgumentKind::Any => continue,
            };
            self.meet(declared, side, field.span);
        }
        let result = self.settled(&matches.ty, result);
        if let ArgumentKind::Slot(slot) = matches.term.kind {
            self.meet(variable(first, slot), result, matches.term.span);
        }
    }

    /// The type of a term of a constructor, and those of its fields: new classes for the type parameters.
    fn applied(&mut self, constructor: &Constructor, span: Span) -> (Side, Vec<Side>) {
        let parameters = &constructor.data_type.parameters;
        let first = self.fresh(parameters.len());
        let parameter = |ty: Type| {
            let name = ty.as_parameter()?;
            let mut classes = (first..).zip(parameters);
            classes.find(|(_, it)| *it == name).map(|(class, _)| class)
        };
        // Type names live as long as the process.
        let name = Type::adt(constructor.name(), &[]).name();
        let (ty, span) = (constructor.ty(), Some(span));
        let result = self.instance(ty, span, Why::Gives(name), &parameter);
        let fields = constructor.fields().iter();
        let fields = fields
            .map(|ty| self.instance(*ty, span, Why::Takes(name), &parameter))
            .collect();
        (result, fields)
    }

    /// Keeps the class of a type in the program that has parameters in it, which it gets in the end.
    fn settled(&mut self, ty: &Type, side: Side) -> Side {
        let class = Side::Class(self.classes_of(&[side]));
        let address = std::ptr::from_ref(ty) as usize;
        self.constants.insert(address, class);
        class
    }

    /// The type of a constant.
    pub(super) fn constant(&mut self, value: &Const, span: Span) -> Side {
        let kind = match value {
            Const::Integer(_) => Kind::of(Type::is_number),
            Const::Whole(_) => Kind::of(Type::is_integer),
            Const::Float(_) => Kind::of(Type::is_float),
            Const::Typed(value) => return self.of_type(value.ty(), Some(span), Why::Literal),
            Const::Tuple(parts) => {
                let sides: Vec<Side> = parts
                    .iter()
                    .map(|(part, span)| self.constant(part, *span))
                    .collect();
                return self.tuple(&sides, span);
            }
            Const::Term(constructor, fields) => {
                let (result, types) = self.applied(constructor, span);
                for ((field, span), declared) in fields.iter().zip(types) {
                    let side = self.constant(field, *span);
                    self.meet(declared, side, *span);
                }
                return result;
            }
            Const::List(items) => {
                let list = self.list(span);
                for (item, span) in items {
                    let side = self.constant(item, *span);
                    self.member(list, side, *span);
                }
                return list;
            }
        };
        Side::Known(Evidence {
            kind,
            span: Some(span),
            why: Why::Literal,
        })
    }

    /// A tuple as written.
    fn tuple(&mut self, sides: &[Side], span: Span) -> Side {
        let first = self.classes_of(sides);
        let parts = sides.len() as u32;
        Side::Known(Evidence {
            kind: Kind::Tuple { first, parts },
            span: Some(span),
            why: Why::Literal,
        })
    }

    /// A list as written, before its elements.
    fn list(&mut self, span: Span) -> Side {
        Side::Known(Evidence {
            kind: Kind::List(self.fresh(1)),
            span: Some(span),
            why: Why::Literal,
        })
    }

    /// Adds an element to a list as written.
    fn member(&mut self, list: Side, element: Side, span: Span) {
        if let Some(Kind::List(class)) = self.kind(list) {
            self.meet(Side::Class(class), element, span);
        }
    }
}
