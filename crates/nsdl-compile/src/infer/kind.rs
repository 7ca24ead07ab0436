//! Sets of types, and why something is of one.

use nsdl_ir::{Diagnostic, Span, Type};

/// The bit of a type in a [`Kind`].
fn bit(ty: Type) -> u32 {
    let plain = Type::ALL.into_iter().position(|plain| plain == ty);
    1 << plain.unwrap_or(Type::ALL.len())
}

/// A set of types, each a bit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u32);

impl Kind {
    pub const ANY: Kind = Kind((1 << Type::ALL.len()) - 1);

    pub fn of(keep: impl Fn(Type) -> bool) -> Kind {
        Kind(
            Type::ALL
                .into_iter()
                .filter(|ty| keep(*ty))
                .fold(0, |bits, ty| bits | bit(ty)),
        )
    }

    pub fn only(ty: Type) -> Kind {
        Kind(bit(ty))
    }

    pub fn meet(self, other: Kind) -> Option<Kind> {
        let both = self.0 & other.0;
        (both != 0).then_some(Kind(both))
    }

    fn holds(self, ty: Type) -> bool {
        self.0 & bit(ty) != 0
    }

    /// The type to take where nothing more is known; `None` if nothing is known at all.
    pub fn resolve(self) -> Option<Type> {
        if self == Kind::ANY {
            return None;
        }
        let preferred = [Type::I32, Type::F32].into_iter().chain(Type::ALL);
        preferred.into_iter().find(|ty| self.holds(*ty))
    }

    pub fn describe(self) -> &'static str {
        if self.0.is_power_of_two() {
            return self.resolve().map_or("nothing", Type::name);
        }
        let named = [
            (Kind::of(Type::is_float), "a float"),
            (Kind::of(Type::is_signed), "a signed integer"),
            (Kind::of(Type::is_integer), "an integer"),
            (
                Kind::of(|ty| ty.is_signed() || ty.is_float()),
                "a signed number",
            ),
            (Kind::of(Type::is_number), "a number"),
            (
                Kind::of(|ty| ty.is_number() || ty == Type::Bool),
                "a number or bool",
            ),
        ];
        named
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("a number or String", |(_, name)| name)
    }
}

/// Why something is of a kind.
#[derive(Clone, Copy)]
pub(super) struct Evidence {
    pub kind: Kind,
    /// `None` for facts from outside.
    pub span: Option<Span>,
    pub why: Why,
}

#[derive(Clone, Copy)]
pub(super) enum Why {
    Declared,
    Outside,
    Literal,
    Takes(&'static str),
    Gives(&'static str),
}

impl Evidence {
    fn text(&self) -> String {
        let kind = self.kind.describe();
        match self.why {
            Why::Declared => format!("declared as {kind}"),
            Why::Outside => format!("facts from outside give {kind}"),
            Why::Literal => format!("this is {kind}"),
            Why::Takes(what) => format!("{what} takes {kind}"),
            Why::Gives(what) => format!("{what} gives {kind}"),
        }
    }
}

/// E0301, or E0303 if facts from outside are involved.
pub(super) fn clash(a: Evidence, b: Evidence, at: Span) -> Diagnostic {
    // The later place is the one to look at; facts from outside have none.
    let (first, second) = if a.span <= b.span { (a, b) } else { (b, a) };
    let (expected, found) = (first.kind.describe(), second.kind.describe());
    let outside = matches!(first.why, Why::Outside) || matches!(second.why, Why::Outside);
    let code = if outside { "E0303" } else { "E0301" };
    let mut error = Diagnostic::error(code, format!("type clash: {expected} and {found}"));
    let inside = |evidence: &Evidence| evidence.span.is_some_and(|span| span == at);
    if !inside(&first) && !inside(&second) && !outside {
        error = error.label(at, "must be of one type");
    }
    for evidence in [second, first] {
        error = match evidence.span {
            Some(span) => error.label(span, evidence.text()),
            None => error.note(evidence.text()),
        };
    }
    let is = |evidence: &Evidence, kind: Kind| {
        evidence.kind == kind && matches!(evidence.why, Why::Literal)
    };
    let integer = is(&first, Kind::of(Type::is_integer)) || is(&second, Kind::of(Type::is_integer));
    let float = [first, second]
        .iter()
        .any(|it| it.kind.meet(Kind::of(Type::is_float)).is_some());
    let symbol = [first, second]
        .iter()
        .any(|it| it.kind == Kind::only(Type::Symbol));
    let string = [first, second]
        .iter()
        .any(|it| it.kind == Kind::only(Type::String));
    if integer && float {
        error.help(
            "an integer is never a float: write `1.0` for `1`, and `(x as f64)` for a variable `x`",
        )
    } else if symbol && string {
        error.help("a Symbol is written s\"…\", a String \"…\"")
    } else {
        error
    }
}
