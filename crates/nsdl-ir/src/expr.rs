//! Typed expressions over the slots of a rule.

use crate::{Callee, Constructor, Slot, Type, Word};

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
    /// The term of a constructor with these fields.
    Construct {
        /// How it is made.
        constructor: &'static Constructor,
        /// From what: expressions of the types that it says.
        fields: Box<[Expr]>,
    },
    /// The tuple of a term and its fields, alone in a list; an empty list if another constructor made the term.
    Fields {
        /// Which constructor must have made it.
        constructor: &'static Constructor,
        /// The term.
        operand: Box<Expr>,
    },
    /// `$function(args)`: fails where it has no value.
    Call {
        /// Which function.
        function: Callee,
        /// The types of the arguments.
        types: Box<[Type]>,
        /// The arguments.
        args: Box<[Expr]>,
    },
    /// `(a, b)`, `[a, b]`, `[a, ..rest]`
    List {
        /// The type of the tuple or list.
        ty: Type,
        /// Its parts or first elements.
        items: Box<[Expr]>,
        /// A list of the same type, whose elements follow; never of a tuple.
        rest: Option<Box<Expr>>,
    },
    /// The part of a tuple, or the element of a list, at a position: evaluated only where it is known to have that.
    Part {
        /// Type of the tuple or list.
        of: Type,
        /// The tuple or list.
        operand: Box<Expr>,
        /// From 0.
        position: u32,
    },
    /// A list without its first `from` elements: evaluated only where it is known to have those.
    Rest {
        /// Type of the list.
        ty: Type,
        /// The list.
        operand: Box<Expr>,
        /// How many elements to leave out.
        from: u32,
    },
    /// Whether a list has so many elements.
    Length {
        /// Type of the list.
        of: Type,
        /// The list.
        operand: Box<Expr>,
        /// How many.
        count: u32,
        /// Whether it must have no more.
        exact: bool,
    },
}

impl Expr {
    /// The expressions that it is computed from.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Slot(_) | Expr::Const(_) => Vec::new(),
            Expr::Unary { operand, .. }
            | Expr::Cast { operand, .. }
            | Expr::Fields { operand, .. }
            | Expr::Part { operand, .. }
            | Expr::Rest { operand, .. }
            | Expr::Length { operand, .. } => vec![operand],
            Expr::Binary { left, right, .. } => vec![left, right],
            Expr::If {
                condition,
                consequence,
                alternative,
            } => vec![condition, consequence, alternative],
            Expr::Mixed { operands, .. } => operands.iter().collect(),
            Expr::Call { args, .. } => args.iter().collect(),
            Expr::Construct { fields, .. } => fields.iter().collect(),
            Expr::List { items, rest, .. } => items.iter().chain(rest.as_deref()).collect(),
        }
    }

    /// Calls `visit` for each occurrence of a slot, left to right.
    pub fn slots(&self, visit: &mut impl FnMut(Slot)) {
        match self {
            Expr::Slot(slot) => visit(*slot),
            other => other
                .children()
                .into_iter()
                .for_each(|child| child.slots(visit)),
        }
    }
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
    /// Numbers, or concatenation of `String`s or lists.
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
