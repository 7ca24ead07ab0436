//! What attributes ask of whoever runs the program: files to read and write, arguments, a goal.
//!
//! The compiler checks attributes and says what they mean; it opens no file and calls nobody.

use nsdl_ir::{FileOptions, Span, Value};

/// What the attributes of a program ask for, in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// `@file` on declarations.
    pub inputs: Vec<FileDirective>,
    /// `@file` on queries.
    pub outputs: Vec<FileDirective>,
    /// `@cmd_arg` on declarations and constants.
    pub arguments: Vec<Argument>,
    /// Attributes that the host program understands.
    pub foreign: Vec<ForeignAttribute>,
    /// The relation under `@goal`, and where that is said.
    pub goal: Option<(String, Span)>,
    /// The names of the columns of declared relations that name any: relation, names.
    pub fields: Vec<(String, Vec<Option<String>>)>,
}

/// `@file(…)` before a declaration or a query.
#[derive(Clone, Debug)]
pub struct FileDirective {
    /// The relation to fill, or the name of the query to write.
    pub relation: String,
    /// The path as written: relative to the file that states it.
    pub path: String,
    /// Everything else.
    pub options: FileOptions,
    /// The attribute.
    pub span: Span,
}

/// `@cmd_arg("-n", long="--num", default=0)`
#[derive(Clone, Debug)]
pub struct Argument {
    /// What callers call it: its long name without dashes, else the short one.
    pub name: String,
    /// `-n`
    pub short: Option<String>,
    /// `--num`
    pub long: Option<String>,
    /// Its type.
    pub ty: nsdl_ir::Type,
    /// Its value if none is given, as text; none leaves the relation empty.
    pub default: Option<String>,
    /// The relation or constant that gets the value.
    pub target: String,
    /// The attribute.
    pub span: Span,
}

/// An attribute that the host program has registered, on the declaration of a relation.
#[derive(Clone, Debug)]
pub struct ForeignAttribute {
    /// Its name without `@`.
    pub name: String,
    /// The relation that it stands before.
    pub relation: String,
    /// Arguments by position.
    pub positional: Vec<AttributeValue>,
    /// Arguments by name.
    pub named: Vec<(String, AttributeValue)>,
    /// The attribute.
    pub span: Span,
}

/// An argument of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A constant.
    Value(Value),
    /// `[…]` or `(…)`
    List(Vec<AttributeValue>),
}

impl Directives {
    /// The names of the columns of a relation; empty if it has none.
    pub fn fields(&self, relation: &str) -> &[Option<String>] {
        self.fields
            .iter()
            .find(|(name, _)| name == relation)
            .map_or(&[], |(_, fields)| fields)
    }
}

/// What comes from outside the programs.
#[derive(Clone, Debug, Default)]
pub struct Outside<'a> {
    /// Relations that facts from outside fill.
    pub relations: &'a [crate::External],
    /// Values for `@cmd_arg`, as text, by the name of the argument.
    pub arguments: &'a [(String, String)],
    /// Names of the attributes that the host program understands.
    pub attributes: &'a [String],
    /// Functions, predicates and aggregates that the host program supplies.
    pub registry: nsdl_functions::Registry,
    /// Whether tags that are no probabilities (`E0502`, `E0503`) are left to the caller, in
    /// [`Compiled::improbable`](crate::Compiled::improbable).
    pub any_number: bool,
}
