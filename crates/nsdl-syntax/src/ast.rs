//! The syntax tree: what was written, with its places, before any name is looked up.

use nsdl_ir::{BinaryOp, DateTime, Duration, Span, Type, UnaryOp};

/// A source text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    /// Its items, in order.
    pub items: Vec<Item>,
}

/// A declaration, a fact, a rule or a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `@name(…)` before it.
    pub attributes: Vec<Attribute>,
    /// What it is.
    pub kind: ItemKind,
    /// From its keyword to its end.
    pub span: Span,
}

/// The kinds of items.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Items are few; a box would be in the way of every pass.
pub enum ItemKind {
    /// `import "graph.dl"`, `import "graph.dl" as graph`
    Import(Import),
    /// `type edge(from: i32, to: i32), node(usize)`, `type Id = usize`, `type Name <: String`
    Types(Vec<TypeDeclaration>),
    /// `extern type range_like(bound i32, free i32)`, `extern type $f(x: i32) -> i32`: the host program supplies them
    Extern(Vec<TypeDeclaration>),
    /// `fn double(x: i32) -> i32 = x * 2`
    Function(FunctionDefinition),
    /// `const PI: f64 = 3.14, N = 3`
    Constants(Vec<ConstantDeclaration>),
    /// `rel 0.3::digit(0, 1)`
    Fact {
        /// The tag before `::`.
        tag: Option<Expr>,
        /// The fact.
        atom: Atom,
    },
    /// `rel color = {0.3::(0, "red"); 0.7::(0, "blue")}`
    FactSet {
        /// The relation.
        relation: Name,
        /// The members.
        members: Vec<FactSetMember>,
        /// Separated by `;`: at most one member holds.
        exclusive: bool,
    },
    /// `rel 0.8::path(a, c) = path(a, b), edge(b, c)`
    Rule {
        /// The tag before `::`.
        tag: Option<Expr>,
        /// What it derives.
        head: Head,
        /// From what.
        body: Formula,
    },
    /// `rel n = count(o: obj(o))`: the results of the aggregate are the columns of the relation.
    AggregateRule {
        /// The relation.
        relation: Name,
        /// The aggregate; its `results` are empty.
        aggregate: Aggregate,
    },
    /// `query path`, `query path(0, _)`, `query path(0, 2) | edge(0, 1)`
    Query(Query),
    /// `evidence alarm()`: all queries are given that this formula holds.
    Evidence(Formula),
}

/// A name and its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// `@name(value, key=value)`
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name after `@`.
    pub name: Name,
    /// Positional arguments.
    pub positional: Vec<Expr>,
    /// Named arguments.
    pub named: Vec<(Name, Expr)>,
    /// The whole attribute.
    pub span: Span,
}

/// `import "graph.dl" as graph`
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The path between the quotes, and its place.
    pub path: Name,
    /// What its names are put behind: `graph.path(x, y)`.
    pub alias: Option<Name>,
}

/// `fn double(x: i32) -> i32 = x * 2`
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDefinition {
    /// Its name.
    pub name: Name,
    /// Its parameters, each with a name.
    pub parameters: Vec<(Name, Option<TypeExpr>)>,
    /// The type of its result.
    pub result: Option<TypeExpr>,
    /// Its value.
    pub body: Expr,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeExprKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of types.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeExprKind {
    /// `i32`, `Name`, `List<i32>`, `graph.Node`: a name of [`Type`], an alias, an enumeration, a data type or a parameter of one
    Named(Name, Vec<TypeExpr>),
    /// `(i32, String)`; none, or two or more parts
    Tuple(Vec<TypeExpr>),
    /// `[i32]`
    List(Box<TypeExpr>),
}

/// One declaration of a `type` item.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeDeclaration {
    /// `edge(from: i32, to: i32)`
    Relation {
        /// The relation.
        name: Name,
        /// Its columns.
        columns: Vec<ColumnDeclaration>,
        /// The whole declaration.
        span: Span,
    },
    /// `Id = usize`, `Name <: String` or `Pair<T> = (T, T)`
    Alias {
        /// The new name.
        name: Name,
        /// Its type parameters.
        parameters: Vec<Name>,
        /// The type it stands for.
        ty: TypeExpr,
    },
    /// `Color = RED = 3 | GREEN | BLUE`: constants of type `usize`
    Enumeration {
        /// The new name.
        name: Name,
        /// Its members and their values, where given.
        members: Vec<(Name, Option<Expr>)>,
    },
    /// `List<T> = Cons(T, List<T>) | Nil()`; one constructor or more
    Data {
        /// The new name.
        name: Name,
        /// Its type parameters.
        parameters: Vec<Name>,
        /// Its constructors.
        constructors: Vec<ConstructorDeclaration>,
        /// The whole declaration.
        span: Span,
    },
    /// `$f(x: i32) -> i32`: a foreign function
    Function {
        /// Its name, with the `$`.
        name: Name,
        /// Its parameters.
        parameters: Vec<ColumnDeclaration>,
        /// The type of its result.
        result: TypeExpr,
        /// The whole declaration.
        span: Span,
    },
}

/// `Cons(head: T, tail: List<T>)`
#[derive(Clone, Debug, PartialEq)]
pub struct ConstructorDeclaration {
    /// The constructor.
    pub name: Name,
    /// Its fields; no adornments.
    pub fields: Vec<ColumnDeclaration>,
    /// The whole declaration.
    pub span: Span,
}

/// A column of a relation declaration: `bound x: i32`, `keep min cost: i32`, `usize`.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDeclaration {
    /// Written before it.
    pub mode: ColumnMode,
    /// Field name, if given.
    pub field: Option<Name>,
    /// Its type.
    pub ty: TypeExpr,
}

/// What stands before a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnMode {
    /// Nothing.
    #[default]
    Plain,
    /// `bound`: the relation is computed for given values of it only.
    Bound(Span),
    /// `free`: computed, in a declaration that has a `bound` column.
    Free(Span),
    /// `keep min`: of rows that agree in all other columns, the one with the least value stays.
    KeepMin(Span),
    /// `keep max`
    KeepMax(Span),
}

/// One declaration of a `const` item.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantDeclaration {
    /// The constant.
    pub name: Name,
    /// Its type, if given.
    pub ty: Option<TypeExpr>,
    /// Its value: any expression without variables.
    pub value: Expr,
}

/// A member of a fact set.
#[derive(Clone, Debug, PartialEq)]
pub struct FactSetMember {
    /// The tag before `::`.
    pub tag: Option<Expr>,
    /// The columns: `(1, 2)` has two, `1` one, `()` none.
    pub tuple: Vec<Expr>,
    /// The whole member.
    pub span: Span,
}

/// What a rule derives.
#[derive(Clone, Debug, PartialEq)]
pub enum Head {
    /// `path(a, c)`
    Atom(Atom),
    /// `{a(x), b(x)}` or `a(x) and b(x)`
    Conjunction(Vec<Atom>),
    /// `{assign(v, true); assign(v, false)}`, alternatives optionally tagged
    Disjunction(Vec<(Option<Expr>, Atom)>),
}

/// `path(a, b + 1)`
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// The relation.
    pub relation: Name,
    /// `<i32>` after it, in bodies: what the type variable of a predicate stands for.
    pub types: Vec<TypeExpr>,
    /// The arguments; [`ExprKind::Wildcard`] only in bodies and queries.
    pub args: Vec<Expr>,
    /// `to: y` after them: fields by name.
    pub named: Vec<(Name, Expr)>,
    /// `..` at the end: all other fields are `_`.
    pub rest: Option<Span>,
    /// The whole atom.
    pub span: Span,
}

/// A rule body.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// `p(x)`
    Atom(Atom),
    /// `not p(x)`, `~p(x)`, `not (p(x) and q(x))`
    Not {
        /// What is negated.
        formula: Box<Formula>,
        /// With the `not`.
        span: Span,
    },
    /// `p(x) implies q(x)`, `p(x) => q(x)`
    Implies {
        /// If this holds,
        premise: Box<Formula>,
        /// so does this.
        conclusion: Box<Formula>,
    },
    /// `x > 1`, `c == a + b` (which binds `c`), or any other Boolean expression
    Constraint(Expr),
    /// `x in 0..5`, `x in 3..=6`
    Range(Box<Range>),
    /// `x in list`: `x` is each element
    Element {
        /// The element: a variable or a pattern binds.
        value: Box<Expr>,
        /// A value of list type.
        list: Box<Expr>,
        /// The whole formula.
        span: Span,
    },
    /// `case e is Add(l, r)`
    Case {
        /// The value.
        value: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// The whole formula.
        span: Span,
    },
    /// `n := count(o: obj(o))`, `exists(o: p(o))`, `not forall(o: p(o) implies q(o))`
    Aggregate(Aggregate),
    /// `f, g` or `f and g`; two or more parts
    And(Vec<Formula>),
    /// `f or g`; two or more parts
    Or(Vec<Formula>),
}

impl Formula {
    /// Where it is written.
    pub fn span(&self) -> Span {
        match self {
            Formula::Atom(atom) => atom.span,
            Formula::Not { span, .. }
            | Formula::Element { span, .. }
            | Formula::Case { span, .. } => *span,
            Formula::Constraint(expr) => expr.span,
            Formula::Range(range) => range.span,
            Formula::Aggregate(aggregate) => aggregate.span,
            Formula::Implies {
                premise,
                conclusion,
            } => premise.span().to(conclusion.span()),
            Formula::And(parts) | Formula::Or(parts) => match (parts.first(), parts.last()) {
                (Some(first), Some(last)) => first.span().to(last.span()),
                _ => Span::default(),
            },
        }
    }
}

/// `x in 0..5`: binds `x` to each integer of the range, or tests it.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// What lies in it.
    pub value: Expr,
    /// Its least value.
    pub low: Expr,
    /// Its end.
    pub high: Expr,
    /// Whether the end belongs to it.
    pub inclusive: bool,
    /// The whole formula.
    pub span: Span,
}

/// `results := operator<parameters>![arguments](bindings: body where groups: group_body)`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// `not` before an `exists` or `forall` without results.
    pub negated: bool,
    /// Variables before `:=`, [`ExprKind::Wildcard`] or [`ExprKind::Variable`]; empty for `exists(…)` and `forall(…)` as formulas.
    pub results: Vec<Expr>,
    /// `count`, `sum`, …: looked up by the compiler.
    pub operator: Name,
    /// What stands between `<` and `>`.
    pub parameters: Vec<Parameter>,
    /// `!`: all members that can hold are taken to hold.
    pub single_world: bool,
    /// Variables in brackets.
    pub arguments: Vec<Name>,
    /// Variables before the colon.
    pub bindings: Vec<Name>,
    /// `(y: usize)` among the arguments and bindings: types that are stated for them.
    pub types: Vec<(Name, TypeExpr)>,
    /// What to aggregate over; a [`Formula::Implies`] for `forall`.
    pub body: Box<Formula>,
    /// `where` part: group variables and the body that yields them.
    pub groups: Option<(Vec<Name>, Box<Formula>)>,
    /// The whole formula.
    pub span: Span,
}

/// A parameter of an aggregate: `", "` or `desc = false`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// What stands before `=`.
    pub name: Option<Name>,
    /// A constant expression; a variable alone may be a flag, such as `desc`.
    pub value: Expr,
}

/// `query path(0, _) | edge(0, 1)`
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The relation.
    pub relation: Name,
    /// The arguments, if it is an atom query.
    pub args: Option<Vec<Expr>>,
    /// `to: y` after them: fields by name.
    pub named: Vec<(Name, Expr)>,
    /// `..` at the end: all other fields are `_`.
    pub rest: Option<Span>,
    /// What is given, behind `|`.
    pub evidence: Option<Box<Formula>>,
    /// Without the keyword.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// A variable or a constant, told apart by the compiler.
    Variable(String),
    /// `_`
    Wildcard,
    /// `-x`, `!b`; a negative number is [`UnaryOp::Negate`] of its literal
    Unary(UnaryOp, Box<Expr>),
    /// `x + y`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x as f64`
    Cast(Box<Expr>, TypeExpr),
    /// `(x: usize)`: a variable, usually, whose type is stated
    Typed(Box<Expr>, TypeExpr),
    /// `()`, `(a, b)`: a tuple as a value or as a pattern
    Tuple(Vec<Expr>),
    /// `[a, b]`, `[head, ..tail]`: a list as a value or as a pattern
    List(Vec<Expr>, Option<Box<Expr>>),
    /// `Cons(h, t)`, `new Cons(h, t)`, `double(x)`: a term, a pattern, or a call of a `fn`, told apart by the compiler
    Construct(Box<Construct>),
    /// `if c then x else y` or `c ? x : y`
    If(Box<[Expr; 3]>),
    /// `$abs(x)`; the name has its `$`
    Call(Name, Vec<Expr>),
    /// `?0.3` or `?`, as a tag only: a probability to learn, and where it begins
    Learned(Option<Box<Expr>>),
}

/// `new Cons(head, tail: t, ..)`
#[derive(Clone, Debug, PartialEq)]
pub struct Construct {
    /// `new` before it: in a rule, make the term if there is none.
    pub new: Option<Span>,
    /// The constructor or function.
    pub name: Name,
    /// The arguments.
    pub args: Vec<Expr>,
    /// Fields by name.
    pub named: Vec<(Name, Expr)>,
    /// `..` at the end: all other fields are `_`.
    pub rest: Option<Span>,
}

/// A literal as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `12`, `12u8`
    Integer(u128, Option<Type>),
    /// `1.5`, `1e3`, `2.0f64`; the digits are kept so that each type rounds them itself
    Float(String, Option<Type>),
    /// `true`, `false`
    Bool(bool),
    /// `'a'`
    Char(char),
    /// `"text"`, escapes resolved
    String(String),
    /// `s"RED"`
    Symbol(String),
    /// `t"2020-01-01T10:00:00Z"`, `t"2020-01-01"` (midnight UTC)
    DateTime(DateTime),
    /// `d"3 weeks 2 hours"`
    Duration(Duration),
}
