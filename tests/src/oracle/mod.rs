//! Programs as the oracle sees them, and what they mean.
//!
//! A [`Program`] prints itself as `.dl` text (`Display`), is evaluated in one world ([`world`]), in all of them
//! ([`enumerate`]), and in the fuzzy algebras ([`algebra`]). Nothing here is fast and nothing is shared with
//! the engine.

pub mod aggregate;
pub mod algebra;
pub mod compound;
pub mod enumerate;
mod print;
pub mod solve;
pub mod strata;
pub mod weights;
pub mod world;

pub use print::{number, text};

/// Types of columns. Values of every type are held as `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `i32`
    I32,
    /// `usize`, the type of counts
    Usize,
    /// `bool`, 0 or 1
    Bool,
    /// `String`: see [`number`]
    Text,
    /// `(i32, i32)`: see [`compound`]
    Pair,
    /// `type Shape = Dot() | Box(i32)`: see [`compound`]
    Shape,
}

/// A tuple of values.
pub type Tuple = Vec<i64>;

/// A variable of a rule; printed as a letter.
pub type Var = usize;

/// A program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Its relations; everything else refers to them by number.
    pub relations: Vec<Relation>,
    /// Its facts.
    pub facts: Vec<FactSet>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A relation.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// The types of its columns.
    pub columns: Vec<Type>,
    /// Whether the text declares it.
    pub declared: bool,
}

/// Facts of one relation: independent of each other, or at most one of them holds.
#[derive(Clone, Debug)]
pub struct FactSet {
    /// The relation.
    pub relation: usize,
    /// The facts with their tags; in an exclusive set all are tagged or none is.
    pub members: Vec<(Option<f64>, Tuple)>,
    /// Whether they exclude each other.
    pub exclusive: bool,
}

impl FactSet {
    /// The weight of a member in an exclusive set, where no tags mean equal shares.
    pub fn weight(&self, member: usize) -> f64 {
        self.members[member].0.unwrap_or(if self.exclusive {
            1.0 / self.members.len() as f64
        } else {
            1.0
        })
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The tag before a head that is not disjunctive.
    pub tag: Option<f64>,
    /// What it derives.
    pub head: Head,
    /// Its body.
    pub body: Vec<Literal>,
}

/// The head of a rule.
#[derive(Clone, Debug)]
pub enum Head {
    /// Every atom.
    All(Vec<HeadAtom>),
    /// One of the atoms, by the weights given, or by equal shares if none is.
    OneOf(Vec<(Option<f64>, HeadAtom)>),
}

impl Head {
    /// Its atoms, each with its alternative of the rule's random variable.
    pub fn atoms(&self) -> Vec<(usize, &HeadAtom)> {
        match self {
            Head::All(atoms) => atoms.iter().map(|atom| (0, atom)).collect(),
            Head::OneOf(atoms) => atoms.iter().map(|(_, atom)| atom).enumerate().collect(),
        }
    }
}

impl Rule {
    /// The weights of its random variable; `None` if it has none.
    pub fn weights(&self) -> Option<Vec<f64>> {
        match &self.head {
            Head::All(_) => self.tag.map(|tag| vec![tag]),
            Head::OneOf(atoms) => Some(
                atoms
                    .iter()
                    .map(|(tag, _)| tag.unwrap_or(1.0 / atoms.len() as f64))
                    .collect(),
            ),
        }
    }
}

/// An atom of a head.
#[derive(Clone, Debug)]
pub struct HeadAtom {
    /// The relation.
    pub relation: usize,
    /// One expression per column.
    pub args: Vec<Expr>,
}

/// An atom of a body.
#[derive(Clone, Debug)]
pub struct Atom {
    /// The relation.
    pub relation: usize,
    /// One term per column.
    pub args: Vec<Term>,
}

/// An argument of a body atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A variable.
    Var(Var),
    /// A constant.
    Const(i64),
    /// `x + 1` or `x - 1`, solved for `x`.
    Offset(Var, i64),
    /// `_`
    Wildcard,
}

/// A formula of a body; a list of them is a conjunction.
#[derive(Clone, Debug)]
pub enum Literal {
    /// `p(x, _)`
    Atom(Atom),
    /// `not p(x, _)`: no row matches.
    Not(Atom),
    /// `x < y + 1`
    Compare(Comparison, Expr, Expr),
    /// `x == y + 1`, which binds `x`.
    Let(Var, Expr),
    /// `x == (a, b)` or `case x is Box(a)`, with `x` bound: binds its parts.
    Take(Var, compound::Maker, Vec<Var>),
    /// An aggregate.
    Aggregate(Aggregate),
    /// `(p(x) and q(x)) or r(x)`: splits the rule.
    Or(Vec<Vec<Literal>>),
    /// `p(x) implies q(x)`: another way to write `not p(x) or q(x)`.
    Implies(Atom, Atom),
    /// `x in 0..y`, or with `true` `x in 0..=y`
    Range(Var, Expr, Expr, bool),
}

/// An expression over variables of one type.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A variable.
    Var(Var),
    /// A constant of this type.
    Const(Type, i64),
    /// `left op right` on `i32`; overflow and division by zero have no value.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `if a < b then x else y`; only the branch taken is evaluated.
    If(Comparison, Box<[Expr; 4]>),
    /// A function of `i32`.
    Call(Function, Vec<Expr>),
    /// `x as T` between `i32`, `usize` and `bool`; no value where it is out of range.
    Cast(Box<Expr>, Type),
    /// `(x, y)`, `new Box(x)`
    Make(compound::Maker, Vec<Expr>),
}

/// Functions of `i32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are what their names say.
pub enum Function {
    Abs,
    Sign,
    Min,
    Max,
}

/// Operators of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are what their names say.
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are what their names say.
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// `results := op[arguments](bindings: body where groups: group body)`
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What to compute.
    pub op: Reduction,
    /// Variables that take the result; none for `exists` as a formula.
    pub results: Vec<Var>,
    /// `not` before `exists` as a formula.
    pub negated: bool,
    /// Printed as `forall`: negated, and the last formula of its body is the opposite of the conclusion.
    pub forall: bool,
    /// Variables in brackets.
    pub arguments: Vec<Var>,
    /// Variables before the colon.
    pub bindings: Vec<Var>,
    /// What to aggregate over.
    pub body: Vec<Literal>,
    /// The `where` part.
    pub groups: Option<(Vec<Var>, Vec<Literal>)>,
}

impl Aggregate {
    /// Whether a comma stands between the texts that `string_join` joins: not where they may be many.
    pub fn separated(&self) -> bool {
        self.op == Reduction::StringJoin && self.arguments.is_empty()
    }
}

/// Aggregate operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // They are what their names say.
pub enum Reduction {
    Count,
    Sum,
    Prod,
    Sort,
    Argsort,
    StringJoin,
    Avg,
    Min,
    Max,
    Argmin,
    Argmax,
    Exists,
    Enumerate,
    Rank,
    /// `top<2>`
    Top,
    Normalize,
    Softmax,
}

impl Reduction {
    /// Whether it reads how probable its members are.
    pub fn reads_weights(self) -> bool {
        use Reduction::*;
        matches!(self, Rank | Top | Normalize | Softmax)
    }
}

/// The variables that occur in `literals`, those inside aggregates included only if `inside` holds.
pub fn variables(literals: &[Literal], inside: bool, out: &mut Vec<Var>) {
    for literal in literals {
        match literal {
            Literal::Atom(atom) | Literal::Not(atom) => {
                out.extend(atom.args.iter().filter_map(|term| match term {
                    Term::Var(var) | Term::Offset(var, _) => Some(*var),
                    Term::Const(_) | Term::Wildcard => None,
                }))
            }
            Literal::Compare(_, left, right) => {
                left.variables(out);
                right.variables(out);
            }
            Literal::Let(var, value) => {
                out.push(*var);
                value.variables(out);
            }
            Literal::Take(var, _, parts) => {
                out.push(*var);
                out.extend(parts);
            }
            Literal::Aggregate(aggregate) => {
                out.extend(&aggregate.results);
                if inside {
                    out.extend(aggregate.arguments.iter().chain(&aggregate.bindings));
                    variables(&aggregate.body, true, out);
                }
                if let Some((groups, body)) = &aggregate.groups {
                    out.extend(groups);
                    if inside {
                        variables(body, true, out);
                    }
                }
            }
            Literal::Or(parts) => parts.iter().for_each(|part| variables(part, inside, out)),
            Literal::Implies(..) => variables(&[literal.as_or()], inside, out),
            Literal::Range(var, low, high, _) => {
                out.push(*var);
                low.variables(out);
                high.variables(out);
            }
        }
    }
}

impl Literal {
    /// An implication as the disjunction that it means; anything else as it is.
    pub fn as_or(&self) -> Literal {
        match self {
            Literal::Implies(premise, conclusion) => Literal::Or(vec![
                vec![Literal::Not(premise.clone())],
                vec![Literal::Atom(conclusion.clone())],
            ]),
            other => other.clone(),
        }
    }
}

impl Expr {
    /// Adds the variables that occur in it.
    pub fn variables(&self, out: &mut Vec<Var>) {
        match self {
            Expr::Var(var) => out.push(*var),
            Expr::Const(..) => {}
            Expr::Binary(_, left, right) => {
                left.variables(out);
                right.variables(out);
            }
            Expr::If(_, parts) => parts.iter().for_each(|part| part.variables(out)),
            Expr::Call(_, args) | Expr::Make(_, args) => {
                args.iter().for_each(|arg| arg.variables(out));
            }
            Expr::Cast(operand, _) => operand.variables(out),
        }
    }
}
