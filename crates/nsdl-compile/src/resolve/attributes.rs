//! Attributes: which there are, where each may stand, and what its arguments may be.
//!
//! Each attribute that asks for something has a file of its own; here are the hints, which change nothing.

mod argument;
mod demand;
mod file;
mod values;

pub(crate) use argument::ArgumentFact;

use nsdl_ir::{Diagnostic, Span, did_you_mean};
use nsdl_syntax::ast::{Attribute, Head, Item, ItemKind, Name, TypeDeclaration};

use super::Names;
use crate::demand::Pattern;
use crate::directive::ForeignAttribute;
use values::Arguments;

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Declaration,
    /// A rule, a fact or a set of facts.
    Rule,
    Query,
    Evidence,
    Constant,
    Import,
    Function,
}

/// The attributes there are, and where each may stand.
const KNOWN: [(&str, &[Place]); 10] = [
    ("allow", &ALL),
    ("hidden", &[Place::Declaration, Place::Rule]),
    ("demand", &[Place::Declaration, Place::Rule]),
    ("file", &[Place::Declaration, Place::Query]),
    ("goal", &[Place::Declaration, Place::Rule]),
    ("cmd_arg", &[Place::Declaration, Place::Constant]),
    ("scheduler", &[Place::Declaration, Place::Rule]),
    ("storage", &[Place::Declaration]),
    ("no_temp_relation", &[Place::Rule]),
    ("tagged", &[Place::Rule]),
];

const ALL: [Place; 7] = [
    Place::Declaration,
    Place::Rule,
    Place::Query,
    Place::Evidence,
    Place::Constant,
    Place::Import,
    Place::Function,
];

/// Attributes of Scallop that have no counterpart: code of another language in a program.
const FOREIGN: [&str; 1] = ["py_eval"];

/// Strategies of evaluation that Scallop knows. The results of a program do not depend on them.
const SCHEDULERS: [&str; 6] = ["lfp", "bfs", "dfs", "astar", "a-star", "beam"];

/// Containers that Scallop knows; rows are stored in one way here.
const STORAGES: [&str; 3] = ["sorted", "indexed_vec", "dense_matrix"];

impl Place {
    fn of(item: &Item) -> Self {
        match item.kind {
            ItemKind::Import(_) => Place::Import,
            ItemKind::Types(_) | ItemKind::Extern(_) => Place::Declaration,
            ItemKind::Function(_) => Place::Function,
            ItemKind::Constants(_) => Place::Constant,
            ItemKind::Query(_) => Place::Query,
            ItemKind::Evidence(_) => Place::Evidence,
            ItemKind::Fact { .. }
            | ItemKind::FactSet { .. }
            | ItemKind::Rule { .. }
            | ItemKind::AggregateRule { .. } => Place::Rule,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Place::Declaration => "`type`",
            Place::Rule => "`rel`",
            Place::Query => "`query`",
            Place::Evidence => "`evidence`",
            Place::Constant => "`const`",
            Place::Import => "`import`",
            Place::Function => "`fn`",
        }
    }
}

/// What attributes say of the relations that an item declares or defines.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// `@hidden`
    hidden: bool,
    /// `@demand`
    demand: Vec<(Pattern, Span)>,
}

impl<'a> Names<'a> {
    /// Adds what the attributes of an item say of a relation.
    pub(super) fn mark(&mut self, index: usize, marks: &Marks) {
        let entry = &mut self.relations[index];
        entry.relation.hidden |= marks.hidden;
        entry.demand.extend(marks.demand.iter().cloned());
    }

    /// Checks the attributes of an item, notes what they ask for, and returns what they say of its relations.
    pub(super) fn attributes(&mut self, item: &'a Item) -> Marks {
        let mut marks = Marks::default();
        for attribute in &item.attributes {
            if let Err(errors) = self.attribute(attribute, item, &mut marks) {
                self.diagnostics.extend(errors);
            }
        }
        marks
    }

    fn attribute(
        &mut self,
        attribute: &'a Attribute,
        item: &'a Item,
        marks: &mut Marks,
    ) -> Result<(), Vec<Diagnostic>> {
        let name = attribute.name.text.as_str();
        let place = Place::of(item);
        if self.foreign_attributes.iter().any(|known| known == name) {
            return self.foreign(attribute, item);
        }
        if name == "volatile" && matches!(item.kind, ItemKind::Extern(_)) {
            // Read with the declaration.
            return Ok(());
        }
        let Some((_, places)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return Err(vec![self.unknown(&attribute.name, attribute.span)]);
        };
        if !places.contains(&place) {
            return Err(vec![misplaced(attribute, places)]);
        }
        let mut arguments = Arguments::new(attribute);
        match name {
            "hidden" => {
                arguments.finish()?;
                marks.hidden = true;
                return Ok(());
            }
            "demand" => {
                let patterns = demand::patterns(attribute).map_err(|why| vec![why])?;
                marks.demand.extend(patterns);
                return Ok(());
            }
            "file" => return self.file(attribute, item),
            // Before constants it is read with them, since others may be built from its value.
            "cmd_arg" if place == Place::Constant => return Ok(()),
            "cmd_arg" => return self.command_argument(attribute, item),
            "goal" => {
                arguments.finish()?;
                return self.goal(attribute, item);
            }
            "allow" => {
                let mut codes = 0;
                while arguments.next_expr().is_some_and(values::is_warning) {
                    codes += 1;
                }
                if codes == 0 || codes != attribute.positional.len() {
                    return Err(vec![missing(attribute, "@allow(\"W0401\")")]);
                }
            }
            "scheduler" => {
                let strategy = arguments.next(self, "strategy")?;
                if let Some(strategy) = strategy {
                    strategy.one_of(attribute, &SCHEDULERS)?;
                }
                if let Some(size) = arguments.named(self, &["beam_size"])? {
                    size.positive(attribute)?;
                }
            }
            "storage" => match arguments.next(self, "storage")? {
                Some(storage) => drop(storage.one_of(attribute, &STORAGES)?),
                None => return Err(vec![missing(attribute, "@storage(\"sorted\")")]),
            },
            _ => {}
        }
        arguments.finish()
    }

    /// E0206, with the nearest names.
    fn unknown(&self, name: &Name, span: Span) -> Diagnostic {
        let text = name.text.as_str();
        if FOREIGN.contains(&text) {
            return Diagnostic::error("E0206", format!("there is no `@{text}` here"))
                .label(span, "code of another language")
                .help("register the function from Python or Rust, and declare it by `extern type $f(…)` or not at all");
        }
        let known = || {
            let registered = self.foreign_attributes.iter().map(String::as_str);
            KNOWN.iter().map(|(known, _)| *known).chain(registered)
        };
        let help = did_you_mean(text, known()).unwrap_or_else(|| {
            let all: Vec<String> = known().map(|known| format!("`@{known}`")).collect();
            format!("there are {}", all.join(", "))
        });
        Diagnostic::error("E0206", format!("unknown attribute `@{text}`"))
            .label(span, "not understood")
            .help(help)
    }

    /// `@goal`: a relation without columns, at most one in a program.
    fn goal(&mut self, attribute: &Attribute, item: &'a Item) -> Result<(), Vec<Diagnostic>> {
        let error =
            |message: String| Diagnostic::error("E0242", message).label(attribute.span, "the goal");
        let (name, columns) = match &item.kind {
            ItemKind::Types(_) => {
                let (name, columns, _) = one_relation(attribute, item)?;
                (name, columns)
            }
            ItemKind::Fact { atom, .. }
            | ItemKind::Rule {
                head: Head::Atom(atom),
                ..
            } => (&atom.relation, atom.args.len()),
            _ => {
                return Err(vec![
                    error("the goal is one relation".into())
                        .help("put `@goal` before its declaration: `@goal type solved()`"),
                ]);
            }
        };
        if columns > 0 {
            return Err(vec![
                error(format!("the goal `{}` has columns", name.text)).help(format!(
                    "it is a question of yes or no: add `rel solved() = {}(…)` and put `@goal` there",
                    name.text
                )),
            ]);
        }
        match &self.directives.goal {
            Some((first, span)) if *first != name.text => Err(vec![
                error(format!("a second goal, `{}`", name.text))
                    .label(*span, format!("the first is `{first}`"))
                    .help("a program has one goal at most"),
            ]),
            Some(_) => Ok(()),
            None => {
                self.directives.goal = Some((name.text.clone(), attribute.span));
                Ok(())
            }
        }
    }

    /// An attribute that the host program understands, on a declaration.
    fn foreign(&mut self, attribute: &'a Attribute, item: &'a Item) -> Result<(), Vec<Diagnostic>> {
        if Place::of(item) != Place::Declaration {
            return Err(vec![misplaced(attribute, &[Place::Declaration])]);
        }
        let (name, _, _) = one_relation(attribute, item)?;
        let (positional, named) = Arguments::new(attribute).all(self)?;
        self.directives.foreign.push(ForeignAttribute {
            name: attribute.name.text.clone(),
            relation: name.text.clone(),
            positional,
            named,
            span: attribute.span,
        });
        Ok(())
    }
}

/// Whether an item's relations get facts from elsewhere by an attribute.
pub(super) fn fills(item: &Item, foreign: &[String]) -> bool {
    item.attributes.iter().any(|attribute| {
        let name = attribute.name.text.as_str();
        matches!(name, "file" | "cmd_arg") || foreign.iter().any(|known| known == name)
    })
}

/// The name, the number of columns and the place of the only relation that an item declares.
fn one_relation<'a>(
    attribute: &Attribute,
    item: &'a Item,
) -> Result<(&'a Name, usize, Span), Vec<Diagnostic>> {
    let declarations: &[TypeDeclaration] = match &item.kind {
        ItemKind::Types(declarations) => declarations,
        _ => &[],
    };
    match declarations {
        [
            TypeDeclaration::Relation {
                name,
                columns,
                span,
            },
        ] => Ok((name, columns.len(), *span)),
        _ => Err(vec![
            Diagnostic::error(
                "E0241",
                format!("`@{}` belongs to one relation", attribute.name.text),
            )
            .label(attribute.span, "which one?")
            .label(item.span, "this declares another number of relations")
            .help("give each relation a `type` of its own"),
        ]),
    }
}

/// E0241: an attribute where it has no meaning.
fn misplaced(attribute: &Attribute, places: &[Place]) -> Diagnostic {
    let places: Vec<&str> = places.iter().map(|place| place.describe()).collect();
    Diagnostic::error(
        "E0241",
        format!("`@{}` has no meaning here", attribute.name.text),
    )
    .label(attribute.span, "misplaced")
    .help(format!("write it before {}", places.join(" or ")))
}

/// E0240: an argument is missing.
fn missing(attribute: &Attribute, example: &str) -> Diagnostic {
    Diagnostic::error(
        "E0240",
        format!("`@{}` lacks what it needs", attribute.name.text),
    )
    .label(attribute.span, "incomplete")
    .help(format!("write `{example}`"))
}
