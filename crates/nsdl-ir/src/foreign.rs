//! What the host program supplies, or nsdl computes: signatures of foreign functions, predicates and aggregates.
//!
//! A signature is written as in programs and kept as long as the process lives, bounded by what programs and
//! hosts declare, so that whatever refers to one stays a small `Copy` value.

mod reader;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;

use reader::Reader;

use crate::{Family, Function, Parameter, Signature, Type};

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A function of the table.
    BuiltIn(Function),
    /// A function of the host program.
    Foreign(&'static Signature),
}

impl Callee {
    /// How it is called.
    pub fn signature(self) -> &'static Signature {
        match self {
            Callee::BuiltIn(function) => function.signature(),
            Callee::Foreign(signature) => signature,
        }
    }
}

/// How certain the results of a predicate are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tagging {
    /// They hold in every world.
    #[default]
    Certain,
    /// Each is a Boolean variable of its own.
    Independent,
    /// Those of one call exclude each other.
    Exclusive,
}

/// How a predicate is used: a relation that is computed from some of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Predicate {
    /// Its name.
    pub name: String,
    /// The whole, for messages and documentation.
    pub text: String,
    /// What its type variable ranges over.
    pub family: Family,
    /// Its columns.
    pub columns: Vec<Parameter>,
    /// Its modes, each a letter per column: `b` must be bound, `f` is computed, or checked if it is bound.
    pub modes: Vec<String>,
    /// How certain its results are.
    pub tags: Tagging,
    /// Each call is made anew, and its results are new variables.
    pub volatile: bool,
}

/// How an aggregate of the host program is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AggregateSignature {
    /// Its name.
    pub name: String,
    /// The whole, for messages and documentation.
    pub text: String,
    /// What its type variable ranges over.
    pub family: Family,
    /// The variables in brackets.
    pub arguments: Vec<Parameter>,
    /// The variables before the colon.
    pub values: Vec<Parameter>,
    /// What it gives: one value.
    pub result: Parameter,
}

/// Keeps one copy of each value, for ever.
macro_rules! interned {
    ($type:ty) => {
        impl $type {
            /// The one copy of it, kept as long as the process lives.
            pub fn interned(self) -> &'static $type {
                static KNOWN: Mutex<Option<FxHashSet<&'static $type>>> = Mutex::new(None);
                let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
                let known = known.get_or_insert_default();
                if let Some(known) = known.get(&self) {
                    return known;
                }
                let kept: &'static $type = Box::leak(Box::new(self));
                known.insert(kept);
                kept
            }
        }
    };
}

interned!(Predicate);
interned!(AggregateSignature);

/// A signature in parts, before it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owned {
    text: String,
    name: String,
    family: Family,
    required: Vec<Parameter>,
    optional: Vec<Parameter>,
    rest: Option<Parameter>,
    result: Parameter,
}

impl Owned {
    fn interned(self) -> &'static Signature {
        static KNOWN: Mutex<Option<FxHashSet<(Owned, &'static Signature)>>> = Mutex::new(None);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some((_, signature)) = known.iter().find(|(owned, _)| *owned == self) {
            return signature;
        }
        let owned = self.clone();
        let signature: &'static Signature = Box::leak(Box::new(Signature {
            name: self.name.leak(),
            text: self.text.leak(),
            family: self.family,
            required: self.required.leak(),
            optional: self.optional.leak(),
            rest: self.rest,
            result: self.result,
        }));
        known.insert((owned, signature));
        signature
    }
}

impl Signature {
    /// Reads `$f<T: Number>(T, String?, Any...) -> T`: one type variable at most, then types, `Any`, what may be
    /// left out with `?`, and what may come any number of times with `...`. Names before types (`x: i32`) are
    /// skipped.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<&'static Signature, String> {
        let mut reader = Reader::new(text);
        let name = reader.name()?;
        if !name.starts_with('$') {
            return Err(format!("the name of a function begins with `$`: `${name}`"));
        }
        let family = reader.family()?;
        reader.expect("(")?;
        let (mut required, mut optional, mut rest) = (Vec::new(), Vec::new(), None);
        reader.list(")", |reader| {
            let parameter = reader.parameter()?;
            if rest.is_some() {
                return Err("nothing follows a parameter with `...`".into());
            } else if reader.take("...") {
                rest = Some(parameter);
            } else if reader.take("?") {
                optional.push(parameter);
            } else if !optional.is_empty() {
                return Err("what may be left out comes last".into());
            } else {
                required.push(parameter);
            }
            Ok(())
        })?;
        reader.expect("->")?;
        let result = reader.parameter()?;
        reader.end()?;
        let from_arguments = required
            .iter()
            .chain(&optional)
            .chain(&rest)
            .any(|it| matches!(it, Parameter::Variable | Parameter::List));
        match result {
            Parameter::Any => return Err("a function gives a value of one type, not `Any`".into()),
            Parameter::Variable | Parameter::List if !from_arguments => {
                return Err("the type of the result must be that of an argument".into());
            }
            _ => {}
        }
        Ok(Owned {
            text: text.trim().into(),
            name,
            family: family.unwrap_or(Family::Any),
            required,
            optional,
            rest,
            result,
        }
        .interned())
    }
}

impl Signature {
    /// The signature of a function of these types alone.
    pub fn exactly(name: &str, types: &[Type], result: Type) -> &'static Signature {
        let texts: Vec<String> = types.iter().map(Type::to_string).collect();
        Owned {
            text: format!("{name}({}) -> {result}", texts.join(", ")),
            name: name.into(),
            family: Family::Any,
            required: types.iter().copied().map(Parameter::Exactly).collect(),
            optional: Vec::new(),
            rest: None,
            result: Parameter::Exactly(result),
        }
        .interned()
    }
}

impl Predicate {
    /// Reads `name<T: Integer>(bound T, bound T, free T)`. Further modes, such as `bbb`, may follow; they are
    /// tried in order, those with more bound columns first.
    ///
    /// # Errors
    /// What is wrong with the text or the modes.
    pub fn parse(text: &str, modes: &[&str]) -> Result<Predicate, String> {
        let mut reader = Reader::new(text);
        let name = reader.name()?;
        if name.starts_with('$') {
            return Err("the name of a predicate does not begin with `$`".into());
        }
        let family = reader.family()?;
        reader.expect("(")?;
        let (mut columns, mut mode) = (Vec::new(), String::new());
        reader.list(")", |reader| {
            mode.push(match reader.word("bound") {
                true => 'b',
                false => {
                    reader.word("free");
                    'f'
                }
            });
            columns.push(reader.parameter()?);
            Ok(())
        })?;
        reader.end()?;
        let mut all = vec![mode];
        for mode in modes {
            let fits = mode.len() == columns.len() && mode.chars().all(|c| matches!(c, 'b' | 'f'));
            if !fits {
                let columns = columns.len();
                return Err(format!(
                    "a mode of `{name}` has {columns} letters, each `b` or `f`, unlike `{mode}`"
                ));
            }
            if !all.iter().any(|known| known == mode) {
                all.push((*mode).to_owned());
            }
        }
        Ok(Predicate {
            name,
            text: text.trim().into(),
            family: family.unwrap_or(Family::Any),
            columns,
            modes: all,
            tags: Tagging::Certain,
            volatile: false,
        })
    }

    /// The same with results that are so certain.
    pub fn tagged(self, tags: Tagging) -> Self {
        Self { tags, ..self }
    }

    /// The same, with each call made anew.
    pub fn volatile(self) -> Self {
        Self {
            volatile: true,
            ..self
        }
    }

    /// Whether mode number `mode` needs a value for `column`.
    pub fn needs(&self, mode: usize, column: usize) -> bool {
        let mode = self.modes.get(mode).map_or(&[][..], |mode| mode.as_bytes());
        mode.get(column) == Some(&b'b')
    }
}

impl AggregateSignature {
    /// Reads `name<T: Number>[String](T) -> T`: types of the variables in brackets, if it takes any, of those
    /// before the colon, and of the result.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<&'static AggregateSignature, String> {
        let mut reader = Reader::new(text);
        let name = reader.name()?;
        let family = reader.family()?;
        let (mut arguments, mut values) = (Vec::new(), Vec::new());
        if reader.take("[") {
            reader.list("]", |reader| {
                arguments.push(reader.parameter()?);
                Ok(())
            })?;
        }
        reader.expect("(")?;
        reader.list(")", |reader| {
            values.push(reader.parameter()?);
            Ok(())
        })?;
        reader.expect("->")?;
        let result = reader.parameter()?;
        reader.end()?;
        let generic = |it: &Parameter| matches!(it, Parameter::Variable | Parameter::List);
        let from_members = || arguments.iter().chain(&values).any(generic);
        match result {
            Parameter::Any => {
                return Err("an aggregate gives a value of one type, not `Any`".into());
            }
            Parameter::Variable | Parameter::List if !from_members() => {
                return Err("the type of the result must be that of a variable".into());
            }
            _ => {}
        }
        Ok(AggregateSignature {
            name,
            text: text.trim().into(),
            family: family.unwrap_or(Family::Any),
            arguments,
            values,
            result,
        }
        .interned())
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_read_as_they_are_written() {
        for function in Function::ALL {
            let known = function.signature();
            let read = Signature::parse(known.text).unwrap();
            assert_eq!(read.name, known.name);
            assert_eq!(read.required, known.required);
            assert_eq!(read.optional, known.optional);
            assert_eq!((read.rest, read.result), (known.rest, known.result));
        }
        let list = Signature::parse("$f(x: [(i32, String)], y: Any...) -> [i32]").unwrap();
        let pairs = Type::list(Type::tuple(&[Type::I32, Type::String]));
        assert_eq!(list.required, [Parameter::Exactly(pairs)]);
        assert!(std::ptr::eq(
            list,
            Signature::parse("$f(x: [(i32, String)], y: Any...) -> [i32]").unwrap()
        ));
    }

    #[test]
    fn predicates_have_modes() {
        let range = Predicate::parse("r<T: Integer>(bound T, free T)", &["bb", "fb"]).unwrap();
        assert_eq!(range.columns, [Parameter::Variable; 2]);
        assert_eq!(range.modes, ["bf", "bb", "fb"]);
        assert!(range.needs(0, 0) && !range.needs(0, 1) && range.needs(2, 1));
        assert!(Predicate::parse("r(bound i32)", &["bb"]).is_err());
    }

    #[test]
    fn wrong_signatures_say_what_is_wrong() {
        for (text, part) in [
            ("f(i32) -> i32", "begins with `$`"),
            ("$f(i32 -> i32", "expected `)`"),
            ("$f(int) -> i32", "expected a type, found `int) -> i32`"),
            ("$f<T: Numbers>(T) -> T", "unknown family"),
            ("$f<T>() -> T", "that of an argument"),
            ("$f(i32?, i32) -> i32", "comes last"),
            ("$f(i32)", "expected `->`, found the end"),
        ] {
            let error = Signature::parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
