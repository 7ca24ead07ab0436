//! Sets of types, and why something is of one.

use nsdl_ir::{Span, Type};

/// The bit of a type in a [`Set`]. Types with parts have one for all of their form.
fn bit(ty: Type) -> u32 {
    let plain = Type::ALL.into_iter().position(|plain| plain == ty);
    let form = match ty {
        Type::Tuple(_) => Set::TUPLES,
        Type::List(_) => Set::LISTS,
        _ => Set::DATA,
    };
    plain.map_or(form.0, |plain| 1 << plain)
}

/// A set of types, each without parts a bit; all tuples are one more, all lists, all data types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u32);

impl Set {
    /// All tuples.
    pub const TUPLES: Set = Set(1 << Type::ALL.len());
    /// All lists.
    pub const LISTS: Set = Set(2 << Type::ALL.len());
    /// All data types that have a name; [`Type::Entity`] is none of them.
    pub const DATA: Set = Set(4 << Type::ALL.len());
    /// Every type.
    pub const ANY: Set = Set((8 << Type::ALL.len()) - 1);

    /// The types without parts that `keep` holds for.
    pub fn of(keep: impl Fn(Type) -> bool) -> Set {
        let kept = Type::ALL.into_iter().filter(|ty| keep(*ty));
        Set(kept.fold(0, |bits, ty| bits | bit(ty)))
    }

    /// The type alone; of a type with parts, all of its form.
    pub fn only(ty: Type) -> Set {
        Set(bit(ty))
    }

    /// The types of both, if there are any.
    pub fn meet(self, other: Set) -> Option<Set> {
        let both = self.0 & other.0;
        (both != 0).then_some(Set(both))
    }

    /// The types of either.
    pub fn or(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    fn holds(self, ty: Type) -> bool {
        self.0 & bit(ty) != 0
    }

    /// The type to take where nothing more is known; `None` if nothing is known at all, or only that it has parts.
    pub fn resolve(self) -> Option<Type> {
        if self == Set::ANY {
            return None;
        }
        let preferred = [Type::I32, Type::F32].into_iter().chain(Type::ALL);
        preferred.into_iter().find(|ty| self.holds(*ty))
    }

    pub fn describe(self) -> &'static str {
        if let (true, Some(ty)) = (self.0.is_power_of_two(), self.resolve()) {
            return ty.name();
        }
        let signed = |ty: Type| ty.is_signed() || ty.is_float();
        let named = [
            (Set::ANY, "_"),
            (Set::TUPLES, "a tuple"),
            (Set::LISTS, "a list"),
            (Set::DATA, "a term"),
            (Set::of(Type::is_float), "a float"),
            (Set::of(Type::is_signed), "a signed integer"),
            (Set::of(Type::is_integer), "an integer"),
            (Set::of(signed), "a signed number"),
            (Set::of(Type::is_number), "a number"),
            (
                Set::of(|ty| ty.is_number() || ty == Type::Bool),
                "a number or bool",
            ),
            (
                Set::of(|ty| ty.is_integer() || ty == Type::Bool),
                "an integer or bool",
            ),
            (
                Set::of(|ty| ty.is_number() || ty == Type::String),
                "a number or String",
            ),
        ];
        let name = named.iter().find(|(set, _)| *set == self);
        name.map_or("a number, String or list", |(_, name)| name)
    }
}

/// What a class can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of these.
    Set(Set),
    /// A tuple; the classes of its parts follow each other.
    Tuple {
        /// The class of the first part.
        first: u32,
        /// How many there are.
        parts: u32,
    },
    /// A list of elements of this class.
    List(u32),
    /// A data type; the classes of its arguments follow each other.
    Data {
        /// Its name.
        name: &'static str,
        /// The class of the first argument.
        first: u32,
        /// How many there are.
        arguments: u32,
    },
}

impl Kind {
    /// See [`Set::of`].
    pub fn of(keep: impl Fn(Type) -> bool) -> Kind {
        Kind::Set(Set::of(keep))
    }

    /// A type without parts.
    pub fn only(ty: Type) -> Kind {
        Kind::Set(Set::only(ty))
    }

    /// The set that holds it.
    pub fn set(self) -> Set {
        match self {
            Kind::Set(set) => set,
            Kind::Tuple { .. } => Set::TUPLES,
            Kind::List(_) => Set::LISTS,
            Kind::Data { .. } => Set::DATA,
        }
    }

    /// The classes it is made of.
    pub fn parts(self) -> std::ops::Range<u32> {
        match self {
            Kind::Set(_) => 0..0,
            Kind::Tuple { first, parts } => first..first + parts,
            Kind::List(element) => element..element + 1,
            Kind::Data {
                first, arguments, ..
            } => first..first + arguments,
        }
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
    /// A literal, or a tuple or list as written.
    Literal,
    Takes(&'static str),
    Gives(&'static str),
}

impl Evidence {
    /// `kind` is what it is of, in words.
    pub fn text(&self, kind: &str) -> String {
        match self.why {
            Why::Declared => format!("declared as {kind}"),
            Why::Outside => format!("facts from outside give {kind}"),
            Why::Literal => format!("this is {kind}"),
            Why::Takes(what) => format!("{what} takes {kind}"),
            Why::Gives(what) => format!("{what} gives {kind}"),
        }
    }
}
