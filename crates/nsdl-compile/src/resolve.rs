//! Names: which relations, type aliases and constants there are.
//!
//! Before: syntax trees. After: every relation has an id (users' relations in order of first appearance),
//! one arity that all its uses agree with, and what is declared of its columns; every alias is a [`Type`];
//! every constant is evaluated; attributes are known. Whatever is wrong is reported, once a name.

mod arity;
mod attributes;
mod constants;
mod demand;
mod external;
mod host;
mod keep;
mod query;
mod types;

use std::sync::Arc;

use indexmap::IndexMap;
use nsdl_ir::{
    AggregateOp, DataType, Diagnostic, Function, RelationId, SUGGESTIONS, Span, Symbols,
    did_you_mean, nearest,
};
use nsdl_syntax::ast::{
    Aggregate, Ast, Atom, Attribute, ColumnDeclaration, Formula, Head, Item, ItemKind, Name,
    TypeDeclaration,
};
use rustc_hash::{FxBuildHasher, FxHashMap};

use arity::{Arity, Definitions};
pub(crate) use attributes::ArgumentFact;
use attributes::Marks;
use constants::State;
use types::Named;

pub(crate) use host::Host;

use crate::constant::Const;
use crate::constructor::Constructor;
use crate::demand::Pattern;
use crate::directive::{Directives, Outside};
use crate::flat::{Declared, Relation};

/// What the names of a program stand for.
pub(crate) struct Names<'a> {
    relations: IndexMap<&'a str, Entry, FxBuildHasher>,
    types: FxHashMap<&'a str, Named<'a>>,
    /// Constructors of data types and where they are declared.
    constructors: FxHashMap<&'a str, (Span, Constructor)>,
    pub data_types: Vec<Arc<DataType>>,
    /// Enumerations and their members.
    members: FxHashMap<&'a str, Vec<&'a str>>,
    /// Columns, by relation and position, that are declared to hold members of an enumeration.
    enumerated: FxHashMap<(usize, usize), &'a str>,
    constants: FxHashMap<&'a str, State<'a>>,
    /// Constants that are integers computed by a division.
    quotients: rustc_hash::FxHashSet<&'a str>,
    /// The `@cmd_arg` of a constant.
    argued: FxHashMap<&'a str, &'a Attribute>,
    symbols: &'a Symbols,
    /// Values for `@cmd_arg`.
    arguments: &'a [(String, String)],
    argument_facts: Vec<ArgumentFact>,
    /// Attributes that the host program understands.
    foreign_attributes: &'a [String],
    directives: Directives,
    host: Host,
    diagnostics: Vec<Diagnostic>,
}

/// A relation while names are gathered.
struct Entry {
    relation: Relation,
    arity: Option<Arity>,
    /// How it may be asked for, and who says so.
    demand: Vec<(Pattern, Span)>,
    /// Something declares it, fills it or says that it will be filled.
    known: bool,
}

/// Resolves the names of a program. The second result holds errors and warnings.
pub(crate) fn resolve<'a>(
    asts: &[&'a Ast],
    outside: &Outside<'a>,
    symbols: &'a Symbols,
) -> (Names<'a>, Vec<Relation>, Vec<Diagnostic>) {
    let mut names = Names {
        relations: IndexMap::default(),
        types: FxHashMap::default(),
        constructors: FxHashMap::default(),
        data_types: Vec::new(),
        members: FxHashMap::default(),
        enumerated: FxHashMap::default(),
        constants: FxHashMap::default(),
        quotients: rustc_hash::FxHashSet::default(),
        argued: FxHashMap::default(),
        symbols,
        arguments: outside.arguments,
        argument_facts: Vec::new(),
        foreign_attributes: outside.attributes,
        directives: Directives::default(),
        host: Host::new(&outside.registry),
        diagnostics: Vec::new(),
    };
    let externals = outside.relations;
    let items = || asts.iter().flat_map(|ast| &ast.items);
    names.types(items());
    names.extern_functions(items());
    names.constants(items());
    let definitions = Definitions::gather(items(), externals, &names);
    names.extern_predicates(items(), &definitions);
    for item in items() {
        names.item(item, &definitions);
    }
    for external in externals {
        names.external(external, &definitions);
    }
    names.hidden_predicates();
    let relations = names.finish(&definitions);
    let diagnostics = std::mem::take(&mut names.diagnostics);
    (names, relations, diagnostics)
}

impl<'a> Names<'a> {
    /// The relation of that name: every relation that the program mentions has an id.
    pub fn relation(&self, name: &str) -> RelationId {
        RelationId::new(self.relations.get_index_of(name).unwrap_or_default())
    }

    /// The constant of that name; `Some(None)` if it is one whose error is reported.
    pub fn constant(&self, name: &str) -> Option<Option<&Const>> {
        self.constants.get(name).map(|state| match state {
            State::Done(value) => Some(value),
            _ => None,
        })
    }

    /// What attributes ask for.
    pub fn take_directives(&mut self) -> Directives {
        std::mem::take(&mut self.directives)
    }

    /// The facts that arguments make.
    pub fn argument_facts(&self) -> &[ArgumentFact] {
        &self.argument_facts
    }

    /// Whether a name is a constant.
    pub fn is_constant(&self, name: &str) -> bool {
        self.constants.contains_key(name)
    }

    /// The constants that have a value, in no order.
    pub fn constant_values(&self) -> impl Iterator<Item = (&str, &Const)> {
        self.constants
            .iter()
            .filter_map(|(name, state)| match state {
                State::Done(value) => Some((*name, value)),
                _ => None,
            })
    }

    /// Names of all constants.
    pub fn constant_names(&self) -> impl Iterator<Item = &str> {
        self.constants.keys().copied()
    }

    /// The constructor of that name.
    pub fn constructor_of(&self, name: &Name) -> Result<Constructor, Vec<Diagnostic>> {
        if let Some((_, constructor)) = self.constructors.get(name.text.as_str()) {
            return Ok(constructor.clone());
        }
        let error = Diagnostic::error("E0261", format!("unknown constructor `{}`", name.text));
        if self.relations.contains_key(name.text.as_str()) {
            let text = &name.text;
            return Err(vec![
                error
                    .label(name.span, "a relation: its atoms hold, and have no value")
                    .help(format!(
                        "write `{text}(…)` beside the rest of the body, after `and`, `or` or `,`, and use its variables; `&&` and `||` join values"
                    )),
            ]);
        }
        let error = error.label(name.span, "no data type has it");
        let text = name.text.as_str();
        let function = Function::from_name(&format!("${text}"));
        let function = function.map(|_| format!("the function is `${text}(…)`"));
        let aggregate = AggregateOp::ALL.iter().find(|it| it.name() == text);
        let aggregate = aggregate.map(|_| {
            format!("an aggregate stands in the body, its result in the head: `rel r(n) = n := {text}(x: p(x))`")
        });
        let meant: Vec<String> = aggregate.into_iter().chain(function).collect();
        if !meant.is_empty() {
            return Err(vec![error.help(meant.join("; "))]);
        }
        let known = self.constructors.keys().copied();
        Err(vec![match did_you_mean(&name.text, known) {
            Some(help) => error.help(help),
            None => error.help(format!(
                "declare it: `type T = {}(…) | …`; a built-in function is `$name(…)`",
                name.text
            )),
        }])
    }

    /// Whether a name is that of a constructor without fields.
    pub fn is_plain_constructor(&self, name: &str) -> bool {
        let found = self.constructors.get(name);
        found.is_some_and(|(_, constructor)| constructor.fields().is_empty())
    }

    /// The enumeration whose members a column holds.
    pub fn enumerated(&self, relation: RelationId, column: usize) -> Option<&'a str> {
        self.enumerated.get(&(relation.index(), column)).copied()
    }

    fn item(&mut self, item: &'a Item, definitions: &Definitions<'a>) {
        let marks = self.attributes(item);
        match &item.kind {
            ItemKind::Types(declarations) => {
                for declaration in declarations {
                    let TypeDeclaration::Relation { name, columns, .. } = declaration else {
                        continue;
                    };
                    let first = definitions.declared.get(name.text.as_str()).copied();
                    if let Some(first) = first.filter(|first| *first != name.span) {
                        self.diagnostics.push(twice("relation", name, first));
                        continue;
                    }
                    let fields = columns
                        .iter()
                        .map(|column| Some(column.field.as_ref()?.text.clone()));
                    let fields: Vec<Option<String>> = fields.collect();
                    if fields.iter().any(Option::is_some) {
                        self.directives.fields.push((name.text.clone(), fields));
                    }
                    let types = columns.iter().map(|column| self.declared(column)).collect();
                    let index = self.mention_at(name, columns.len(), name.span, definitions);
                    for (position, column) in columns.iter().enumerate() {
                        if let Some(enumeration) = self.enumeration(&column.ty) {
                            self.enumerated.insert((index, position), enumeration);
                        }
                    }
                    let relation = &mut self.relations[index].relation;
                    relation.columns = types;
                    relation.span = name.span;
                    let keep = keep::kept(columns, &mut self.diagnostics);
                    self.relations[index].relation.keep = keep;
                    let adorned = demand::adorned(columns).map(|pattern| (pattern, name.span));
                    self.relations[index].demand.extend(adorned);
                    self.mark(index, &marks);
                }
            }
            ItemKind::Constants(_)
            | ItemKind::Import(_)
            | ItemKind::Extern(_)
            | ItemKind::Function(_) => {}
            ItemKind::Fact { atom, .. } => self.defining_atom(atom, &marks, definitions),
            ItemKind::FactSet {
                relation, members, ..
            } => {
                for member in members {
                    self.mention_at(relation, member.tuple.len(), member.span, definitions);
                }
                let index = self.enter(relation, definitions);
                self.mark(index, &marks);
            }
            ItemKind::Rule { head, body, .. } => {
                for atom in head_atoms(head) {
                    self.defining_atom(atom, &marks, definitions);
                }
                self.formula(body, definitions);
            }
            ItemKind::AggregateRule {
                relation,
                aggregate,
            } => {
                let index = match self.sugar_arity(aggregate) {
                    Some(arity) => self.mention_at(relation, arity, relation.span, definitions),
                    None => self.enter(relation, definitions),
                };
                self.mark(index, &marks);
                self.aggregate(aggregate, definitions);
            }
            ItemKind::Query(query) => self.query(query, definitions),
            ItemKind::Evidence(formula) => self.formula(formula, definitions),
        }
    }

    fn declared(&mut self, column: &ColumnDeclaration) -> Declared {
        let declared = self.ty(&column.ty).map(|ty| (ty, column.ty.span));
        Declared {
            declared,
            external: None,
        }
    }

    fn defining_atom(&mut self, atom: &'a Atom, marks: &Marks, definitions: &Definitions<'a>) {
        let index = self.mention_at(&atom.relation, atom.args.len(), atom.span, definitions);
        self.mark(index, marks);
    }

    fn formula(&mut self, formula: &'a Formula, definitions: &Definitions<'a>) {
        match formula {
            Formula::Not { formula, .. } => self.formula(formula, definitions),
            Formula::Implies {
                premise,
                conclusion,
            } => {
                self.formula(premise, definitions);
                self.formula(conclusion, definitions);
            }
            Formula::Atom(atom)
                if self.is_foreign(&atom.relation, atom.args.len(), atom.span, definitions) => {}
            Formula::Atom(atom) => {
                self.mention_at(&atom.relation, atom.args.len(), atom.span, definitions);
            }
            Formula::Constraint(_)
            | Formula::Range(_)
            | Formula::Element { .. }
            | Formula::Case { .. } => {}
            Formula::Aggregate(aggregate) => self.aggregate(aggregate, definitions),
            Formula::And(parts) | Formula::Or(parts) => {
                parts
                    .iter()
                    .for_each(|part| self.formula(part, definitions));
            }
        }
    }

    fn aggregate(&mut self, aggregate: &'a Aggregate, definitions: &Definitions<'a>) {
        self.formula(&aggregate.body, definitions);
        if let Some((_, body)) = &aggregate.groups {
            self.formula(body, definitions);
        }
    }

    /// Gives a relation its id and checks its arity.
    fn mention_at(
        &mut self,
        name: &'a Name,
        arity: usize,
        span: Span,
        definitions: &Definitions<'a>,
    ) -> usize {
        let index = self.enter(name, definitions);
        let entry = &mut self.relations[index];
        let expected = *entry.arity.get_or_insert(Arity {
            columns: arity,
            span: Some(span),
        });
        if expected.columns != arity && entry.known {
            let message = format!(
                "`{}` has {}, here it is given {arity}",
                name.text,
                columns(expected.columns)
            );
            let error =
                Diagnostic::error("E0202", message).label(span, format!("{} here", columns(arity)));
            self.diagnostics.push(match expected.span {
                Some(first) => error.label(first, format!("{} here", columns(expected.columns))),
                None => error.note(format!(
                    "the facts from outside have {}",
                    columns(expected.columns)
                )),
            });
        }
        index
    }

    fn enter(&mut self, name: &'a Name, definitions: &Definitions<'a>) -> usize {
        let text = name.text.as_str();
        let entry = self.relations.entry(text);
        let index = entry.index();
        entry.or_insert_with(|| Entry {
            relation: Relation {
                name: text.into(),
                span: name.span,
                columns: Vec::new(),
                auxiliary: false,
                // What a module has beside what is asked for is nobody's business.
                hidden: text.contains('.'),
                certain: false,
                keep: None,
                facts: None,
                demand: Vec::new(),
            },
            arity: definitions.arity.get(text).copied(),
            demand: Vec::new(),
            known: definitions.arity.contains_key(text) || definitions.filled.contains(text),
        });
        index
    }

    /// The relations, complete; reports unknown and empty ones.
    fn finish(&mut self, definitions: &Definitions<'_>) -> Vec<Relation> {
        let mut unknown = Vec::new();
        for (name, entry) in &self.relations {
            if !entry.known {
                unknown.push((*name, entry.relation.span));
            } else if !definitions.filled.contains(name) {
                let message = format!("nothing defines `{name}`: it is empty");
                self.diagnostics.push(
                    Diagnostic::warning("W0201", message)
                        .label(entry.relation.span, "declared here")
                        .help(format!(
                            "add facts or rules for `{name}`, or facts from outside"
                        )),
                );
            }
        }
        self.check_patterns();
        for (position, (name, span)) in unknown.into_iter().enumerate() {
            let known = self
                .relations
                .iter()
                .filter(|(_, entry)| entry.known)
                .map(|(name, _)| *name)
                .chain(self.host.predicates());
            let near = if position < SUGGESTIONS {
                nearest(name, known)
            } else {
                None
            };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("if its facts come from outside, declare it: `type {name}(…)`"),
            };
            let error = Diagnostic::error("E0201", format!("unknown relation `{name}`"));
            self.diagnostics.push(
                error
                    .label(span, "no facts, no rules, no declaration")
                    .help(help),
            );
        }
        self.relations
            .values_mut()
            .map(|entry| {
                let arity = entry
                    .arity
                    .map_or(entry.relation.columns.len(), |arity| arity.columns);
                let relation = &mut entry.relation;
                Relation {
                    name: relation.name.clone(),
                    span: relation.span,
                    columns: {
                        let mut columns = std::mem::take(&mut relation.columns);
                        columns.resize(arity, Declared::default());
                        columns
                    },
                    auxiliary: false,
                    hidden: relation.hidden,
                    certain: false,
                    keep: relation.keep,
                    facts: None,
                    demand: std::mem::take(&mut relation.demand),
                }
            })
            .collect()
    }
}

/// All atoms of a head.
fn head_atoms(head: &Head) -> Vec<&Atom> {
    match head {
        Head::Atom(atom) => vec![atom],
        Head::Conjunction(atoms) => atoms.iter().collect(),
        Head::Disjunction(alternatives) => alternatives.iter().map(|(_, atom)| atom).collect(),
    }
}

fn columns(count: usize) -> String {
    match count {
        1 => "1 column".into(),
        count => format!("{count} columns"),
    }
}

fn twice(what: &str, name: &Name, first: Span) -> Diagnostic {
    Diagnostic::error(
        "E0203",
        format!("the {what} `{}` is declared twice", name.text),
    )
    .label(name.span, "declared again here")
    .label(first, "first declared here")
    .help("remove one of the declarations")
}
