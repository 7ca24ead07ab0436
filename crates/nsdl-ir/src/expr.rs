//! Typed expressions over the slots of a rule.

use crate::{Function, Slot, Type, Word};

/// A typed expression. Evaluation may fail (overflow, division by zero, NaN, a cast, a function): the derivation is then
/// dropped and counted, see SEMANTICS.md 9.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// The value of a variable.
    Slot(Slot),
    /// A constant.
    Const(Word),
    /// `op operand`, both of type `ty`.
    Unary {
        /// What to do.
        op: UnaryOp,
        /// Type of operand and result.
        ty: Type,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `left op right`; both operands are of type `ty`, and so is the result unless the operator compares.
    Binary {
        /// What to do.
        op: BinaryOp,
        /// Type of both operands.
        ty: Type,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `left op right` of times, tensors, or text and anything: the operands may be of different types, see
    /// `nsdl_functions::operator_type`.
    Mixed {
        /// What to do.
        op: BinaryOp,
        /// Types of the operands.
        types: [Type; 2],
        /// Left and right.
        operands: Box<[Expr; 2]>,
    },
    /// `operand as to`: fails where `to` has no such value.
    Cast {
        /// Type of the operand.
        from: Type,
        /// Type of the result.
        to: Type,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `if condition then consequence else alternative`: only the branch that is taken is evaluated.
    If {
        /// Of type `bool`.
        condition: Box<Expr>,
        /// The value if it holds.
        consequence: Box<Expr>,
        /// The value, of the same type, if not.
        alternative: Box<Expr>,
    },
    /// `$function(args)`: fails where it has no value.
    Call {
        /// Which function.
        function: Function,
        /// The types of the arguments.
        types: Box<[Type]>,
        /// The arguments.
        args: Box<[Expr]>,
    },
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Minus, on signed integers, floats, durations and tensors.
    Negate,
    /// Logical not on `bool`, of every bit on integers.
    Not,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // They are what their names say.
pub enum BinaryOp {
    /// Numbers, or concatenation of `String`s.
    Add,
    Subtract,
    Multiply,
    Divide,
    /// Sign of the dividend, as in Rust.
    Remainder,
    /// Logical, on `bool`; both sides are evaluated.
    And,
    Or,
    /// Logical on `bool`, bit by bit on integers.
    Xor,
    /// Bit by bit, on integers.
    BitAnd,
    BitOr,
    /// By fewer bits than the type has, or it fails; a left shift fails where it loses bits (SEMANTICS.md 9).
    ShiftLeft,
    /// Keeps the sign.
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl BinaryOp {
    /// True for the six operators whose result is `bool` whatever the type of the operands.
    pub fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(
            self,
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual
        )
    }

    /// As written in programs.
    pub fn symbol(self) -> &'static str {
        use BinaryOp::*;
        match self {
            Add => "+",
            Subtract => "-",
            Multiply => "*",
            Divide => "/",
            Remainder => "%",
            And => "&&",
            Or => "||",
            Xor => "^",
            BitAnd => "&",
            BitOr => "|",
            ShiftLeft => "<<",
            ShiftRight => ">>",
            Equal => "==",
            NotEqual => "!=",
            Less => "<",
            LessEqual => "<=",
            Greater => ">",
            GreaterEqual => ">=",
        }
    }
}
