//! The tree that the grammar builds: formulas and expressions in one type.
//!
//! `p(x)` begins like a value and `(x > 1)` like a formula, so telling them apart while parsing takes
//! more than one token of look-ahead. The grammar does not try; `convert.rs` does, with better messages.
//! No tree is deeper than [`MAX_DEPTH`], so that whoever walks or drops one needs no more stack than that.

use nsdl_ir::{BinaryOp, Diagnostic, SourceId, Span, UnaryOp};

use crate::ast::{ConstructorDeclaration, Literal, Name, TypeExpr, TypeExprKind};

/// Deepest nesting of formulas and expressions; see SEMANTICS.md 11.
pub const MAX_DEPTH: u32 = 2_000;

/// A formula or an expression.
#[derive(Debug)]
pub struct Raw {
    pub kind: RawKind,
    pub span: Span,
    pub depth: u32,
}

#[derive(Debug)]
pub enum RawKind {
    /// Reported already.
    Bad,
    Literal(Literal),
    Name(String),
    Wildcard,
    Unary(UnaryOp, Box<Raw>),
    Binary(BinaryOp, Box<Raw>, Box<Raw>),
    Cast(Box<Raw>, TypeExpr),
    /// `(x: usize)`
    Typed(Box<Raw>, TypeExpr),
    /// `[a, b, ..rest]`
    List(Vec<Raw>, Option<Box<Raw>>),
    /// `new Cons(h, t)`, and where the `new` is
    New(Span, Box<Raw>),
    /// `to: y` among the arguments of a call
    Field(Box<Raw>, Box<Raw>),
    /// `..` among the arguments of a call
    Rest,
    /// `case value is pattern`
    Case(Box<Raw>, Box<Raw>),
    /// `value in list`
    Element(Box<Raw>, Box<Raw>),
    /// Condition, consequence, alternative.
    If(Box<[Raw; 3]>),
    /// `$name(…)`
    Function(Name, Vec<Raw>),
    Call(Box<Call>),
    /// `()`, `(a)`, `(a, b)`
    Paren(Vec<Raw>),
    /// `(a,)`
    Single(Box<Raw>),
    Not(Box<Raw>),
    /// `x := count(…)` or `x = count(…)`
    Assign(Box<Raw>, Box<Raw>),
    /// Written with `and`.
    And(Vec<Raw>),
    Or(Vec<Raw>),
    /// `a implies b`
    Implies(Box<Raw>, Box<Raw>),
    /// `?0.3` or `?` as a tag
    Learned(Option<Box<Raw>>),
    /// `value in low..high`, or with `..=`
    Range {
        value: Box<Raw>,
        limits: Box<(Raw, Raw)>,
        inclusive: bool,
    },
}

/// An atom or an aggregate: `name<parameters>![brackets](items: body where groups)`.
#[derive(Debug)]
pub struct Call {
    pub name: Name,
    pub parameters: Vec<RawArgument>,
    pub single_world: bool,
    pub brackets: Option<Vec<Raw>>,
    pub items: Vec<Raw>,
    pub body: Option<Vec<Raw>>,
    pub groups: Option<Box<(Vec<Raw>, Vec<Raw>)>>,
}

/// `{…}` after `=` or as a head.
#[derive(Debug)]
pub struct Set {
    /// Each with its tag.
    pub members: Vec<Tagged>,
    /// Separators in order: whether a `;`, and where.
    pub separators: Vec<(bool, Span)>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Tagged {
    pub tag: Option<Box<Raw>>,
    pub value: Raw,
    pub span: Span,
}

/// What stands between `|` in a type declaration.
#[derive(Debug)]
pub enum RawVariant {
    /// `GREEN`, or the type an alias stands for.
    Type(TypeExpr),
    /// `RED = 3`
    Member(Name, Literal, Span),
    /// `Cons(i32, List)`
    Constructor(ConstructorDeclaration),
}

/// What stands before `=` in a rule, or alone in a fact.
#[derive(Debug)]
pub struct RawHead {
    pub tag: Option<Raw>,
    pub kind: RawHeadKind,
    pub span: Span,
}

#[derive(Debug)]
pub enum RawHeadKind {
    Formula(Raw),
    Set(Set),
}

/// An argument of an attribute or a parameter of an aggregate.
#[derive(Debug)]
pub enum RawArgument {
    Positional(Raw),
    Named(Box<(Raw, Raw)>),
}

/// What the actions of the grammar share: where they are and what went wrong.
#[derive(Debug)]
pub struct Context {
    pub source: SourceId,
    pub diagnostics: Vec<Diagnostic>,
    too_deep: bool,
}

impl Context {
    pub fn new(source: SourceId) -> Self {
        Self {
            source,
            diagnostics: Vec::new(),
            too_deep: false,
        }
    }

    /// To be called before each item: too deep nesting is reported once an item.
    pub fn begin_item(&mut self) {
        self.too_deep = false;
    }

    pub fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    pub fn name(&self, start: usize, text: &str, end: usize) -> Name {
        Name {
            text: text.to_owned(),
            span: self.span(start, end),
        }
    }

    pub fn leaf(&self, start: usize, kind: RawKind, end: usize) -> Raw {
        Raw {
            kind,
            span: self.span(start, end),
            depth: 1,
        }
    }

    /// A node over children of depth at most `below`.
    fn node(&mut self, start: usize, kind: RawKind, end: usize, below: u32) -> Raw {
        let span = self.span(start, end);
        if below < MAX_DEPTH {
            return Raw {
                kind,
                span,
                depth: below + 1,
            };
        }
        if !self.too_deep {
            self.too_deep = true;
            self.diagnostics.push(
                Diagnostic::error("E0111", format!("nesting deeper than {MAX_DEPTH} levels"))
                    .label(span, "this is too deep")
                    .help("split it over auxiliary relations; facts for a long list go into a fact set"),
            );
        }
        Raw {
            kind: RawKind::Bad,
            span,
            depth: 1,
        }
    }

    pub fn unary(&mut self, start: usize, op: UnaryOp, operand: Raw) -> Raw {
        let (end, below) = (operand.span.end as usize, operand.depth);
        self.node(start, RawKind::Unary(op, Box::new(operand)), end, below)
    }

    /// `?0.3`, or `?` alone, which ends at `end`.
    pub fn learned(&mut self, start: usize, value: Option<Raw>, end: usize) -> Raw {
        let below = value.as_ref().map_or(0, |value| value.depth);
        let kind = RawKind::Learned(value.map(Box::new));
        self.node(start, kind, end, below)
    }

    pub fn binary(&mut self, op: BinaryOp, left: Raw, right: Raw) -> Raw {
        let (start, end) = (left.span.start as usize, right.span.end as usize);
        let below = left.depth.max(right.depth);
        self.node(
            start,
            RawKind::Binary(op, Box::new(left), Box::new(right)),
            end,
            below,
        )
    }

    pub fn cast(&mut self, operand: Raw, ty: TypeExpr) -> Raw {
        let (start, end, below) = (
            operand.span.start as usize,
            ty.span.end as usize,
            operand.depth,
        );
        self.node(start, RawKind::Cast(Box::new(operand), ty), end, below)
    }

    pub fn typed(&mut self, start: usize, value: Raw, ty: TypeExpr, end: usize) -> Raw {
        let below = value.depth;
        self.node(start, RawKind::Typed(Box::new(value), ty), end, below)
    }

    pub fn list(&mut self, start: usize, items: Vec<Raw>, rest: Option<Raw>, end: usize) -> Raw {
        let below = depth(&items).max(rest.as_ref().map_or(0, |rest| rest.depth));
        self.node(start, RawKind::List(items, rest.map(Box::new)), end, below)
    }

    pub fn new_term(&mut self, start: usize, middle: usize, term: Raw) -> Raw {
        let (new, end, below) = (self.span(start, middle), term.span.end as usize, term.depth);
        self.node(start, RawKind::New(new, Box::new(term)), end, below)
    }

    pub fn field(&mut self, name: Raw, value: Raw) -> Raw {
        self.pair(name.span.start as usize, name, value, RawKind::Field)
    }

    pub fn case(&mut self, start: usize, value: Raw, pattern: Raw) -> Raw {
        self.pair(start, value, pattern, RawKind::Case)
    }

    pub fn element(&mut self, value: Raw, list: Raw) -> Raw {
        self.pair(value.span.start as usize, value, list, RawKind::Element)
    }

    fn pair(
        &mut self,
        start: usize,
        left: Raw,
        right: Raw,
        kind: impl FnOnce(Box<Raw>, Box<Raw>) -> RawKind,
    ) -> Raw {
        let (end, below) = (right.span.end as usize, left.depth.max(right.depth));
        self.node(start, kind(Box::new(left), Box::new(right)), end, below)
    }

    pub fn conditional(&mut self, start: usize, parts: [Raw; 3]) -> Raw {
        let end = parts[2].span.end as usize;
        let below = depth(&parts);
        self.node(start, RawKind::If(Box::new(parts)), end, below)
    }

    pub fn function(&mut self, name: Name, args: Vec<Raw>, end: usize) -> Raw {
        let (start, below) = (name.span.start as usize, depth(&args));
        self.node(start, RawKind::Function(name, args), end, below)
    }

    /// `comma`: whether one follows the last item.
    pub fn paren(&mut self, start: usize, mut items: Vec<Raw>, comma: bool, end: usize) -> Raw {
        let below = depth(&items);
        let kind = match items.pop() {
            Some(one) if comma && items.is_empty() => RawKind::Single(Box::new(one)),
            last => {
                items.extend(last);
                RawKind::Paren(items)
            }
        };
        self.node(start, kind, end, below)
    }

    /// `(T)` is `T`, `(T,)` a tuple of one part.
    pub fn parenthesised_type(
        &self,
        start: usize,
        mut parts: Vec<TypeExpr>,
        comma: bool,
        end: usize,
    ) -> TypeExpr {
        let span = self.span(start, end);
        match parts.pop() {
            Some(TypeExpr { kind, .. }) if !comma && parts.is_empty() => TypeExpr { kind, span },
            last => {
                parts.extend(last);
                let kind = TypeExprKind::Tuple(parts);
                TypeExpr { kind, span }
            }
        }
    }

    pub fn call(&mut self, call: Call, end: usize) -> Raw {
        let lists = [
            Some(&call.items),
            call.brackets.as_ref(),
            call.body.as_ref(),
        ];
        let groups = call.groups.iter().flat_map(|groups| [&groups.0, &groups.1]);
        let below = lists
            .into_iter()
            .flatten()
            .chain(groups)
            .map(|list| depth(list))
            .max();
        let start = call.name.span.start as usize;
        self.node(
            start,
            RawKind::Call(Box::new(call)),
            end,
            below.unwrap_or(0),
        )
    }

    pub fn not(&mut self, start: usize, operand: Raw) -> Raw {
        let (end, below) = (operand.span.end as usize, operand.depth);
        self.node(start, RawKind::Not(Box::new(operand)), end, below)
    }

    pub fn assign(&mut self, results: Raw, value: Raw) -> Raw {
        let (start, end) = (results.span.start as usize, value.span.end as usize);
        let below = results.depth.max(value.depth);
        self.node(
            start,
            RawKind::Assign(Box::new(results), Box::new(value)),
            end,
            below,
        )
    }

    /// `left and right`, one flat list however long.
    pub fn and(&mut self, left: Raw, right: Raw) -> Raw {
        let (start, end) = (left.span.start as usize, right.span.end as usize);
        let (mut parts, below) = match left.kind {
            RawKind::And(parts) => (parts, left.depth - 1),
            _ => {
                let below = left.depth;
                (vec![left], below)
            }
        };
        let below = below.max(right.depth);
        parts.push(right);
        self.node(start, RawKind::And(parts), end, below)
    }

    /// `left or right`, likewise.
    pub fn or(&mut self, left: Raw, right: Raw) -> Raw {
        let (start, end) = (left.span.start as usize, right.span.end as usize);
        let (mut parts, below) = match left.kind {
            RawKind::Or(parts) => (parts, left.depth - 1),
            _ => {
                let below = left.depth;
                (vec![left], below)
            }
        };
        let below = below.max(right.depth);
        parts.push(right);
        self.node(start, RawKind::Or(parts), end, below)
    }

    pub fn implies(&mut self, left: Raw, right: Raw) -> Raw {
        let (start, end) = (left.span.start as usize, right.span.end as usize);
        let below = left.depth.max(right.depth);
        let kind = RawKind::Implies(Box::new(left), Box::new(right));
        self.node(start, kind, end, below)
    }

    pub fn range(&mut self, value: Raw, low: Raw, high: Raw, inclusive: bool) -> Raw {
        let (start, end) = (value.span.start as usize, high.span.end as usize);
        let below = value.depth.max(low.depth).max(high.depth);
        let (value, limits) = (Box::new(value), Box::new((low, high)));
        let kind = RawKind::Range {
            value,
            limits,
            inclusive,
        };
        self.node(start, kind, end, below)
    }
}

fn depth(items: &[Raw]) -> u32 {
    items.iter().map(|item| item.depth).max().unwrap_or(0)
}
