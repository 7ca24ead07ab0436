//! Names: which relations, type aliases and constants there are.
//!
//! Before: syntax trees. After: every relation has an id (users' relations in order of first appearance),
//! one arity that all its uses agree with, and what is declared of its columns; every alias is a [`Type`];
//! every constant is evaluated; attributes are known. Whatever is wrong is reported, once a name.

use indexmap::IndexMap;
use nsdl_ir::{Diagnostic, RelationId, Span, Type};
use nsdl_syntax::ast::{
    Aggregate, Ast, Atom, ConstantDeclaration, Formula, Head, Item, ItemKind, Name, TypeDeclaration,
};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::External;
use crate::constant::{Const, fold, out_of_range};
use crate::flat::{Declared, Relation};
use crate::reduce;
use crate::suggest::{did_you_mean, nearest};

/// More unknown names than this get no suggestion: searching for one looks at all names.
const SUGGESTIONS: usize = 50;

/// What the names of a program stand for.
pub(crate) struct Names<'a> {
    relations: IndexMap<&'a str, Entry, FxBuildHasher>,
    types: FxHashMap<&'a str, Type>,
    constants: FxHashMap<&'a str, State<'a>>,
    diagnostics: Vec<Diagnostic>,
}

/// A relation while names are gathered.
struct Entry {
    relation: Relation,
    arity: Option<Arity>,
    /// Something declares it, fills it or says that it will be filled.
    known: bool,
}

/// How many columns a relation has, and who says so.
#[derive(Clone, Copy)]
struct Arity {
    columns: usize,
    /// `None` for facts from outside.
    span: Option<Span>,
}

/// A constant, evaluated on demand.
#[derive(Clone)]
enum State<'a> {
    Pending(&'a ConstantDeclaration),
    Running(&'a ConstantDeclaration),
    Done(Const),
    /// Reported.
    Failed,
}

/// Resolves the names of a program. The second result holds errors and warnings.
pub(crate) fn resolve<'a>(
    asts: &[&'a Ast],
    externals: &'a [External],
) -> (Names<'a>, Vec<Relation>, Vec<Diagnostic>) {
    let mut names = Names {
        relations: IndexMap::default(),
        types: FxHashMap::default(),
        constants: FxHashMap::default(),
        diagnostics: Vec::new(),
    };
    let items = || asts.iter().flat_map(|ast| &ast.items);
    names.aliases(items());
    names.constants(items());
    let mut definitions = Definitions::gather(items(), externals, &names);
    for item in items() {
        names.item(item, &mut definitions);
    }
    for external in externals {
        names.external(external, &mut definitions);
    }
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

    /// Whether a name is a constant.
    pub fn is_constant(&self, name: &str) -> bool {
        self.constants.contains_key(name)
    }

    /// Names of all constants.
    pub fn constant_names(&self) -> impl Iterator<Item = &str> {
        self.constants.keys().copied()
    }

    fn aliases(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut aliases: IndexMap<&'a str, (&'a Name, &'a Name), FxBuildHasher> =
            IndexMap::default();
        for item in items {
            let ItemKind::Types(declarations) = &item.kind else {
                continue;
            };
            for declaration in declarations {
                let TypeDeclaration::Alias { name, ty } = declaration else {
                    continue;
                };
                if Type::from_name(&name.text).is_some() {
                    self.diagnostics.push(
                        Diagnostic::error("E0203", format!("`{}` is a type already", name.text))
                            .label(name.span, "a built-in type")
                            .help("choose another name for the alias"),
                    );
                } else if let Some((first, _)) = aliases.get(name.text.as_str()) {
                    self.diagnostics.push(twice("type", name, first.span));
                } else {
                    aliases.insert(&name.text, (name, ty));
                }
            }
        }
        for (name, ty) in aliases.values() {
            // Each step goes to another alias, so a chain longer than their number is a cycle.
            let mut target = *ty;
            let mut steps = 0;
            while let Some((_, next)) = aliases.get(target.text.as_str())
                && steps <= aliases.len().min(10_000)
            {
                (target, steps) = (next, steps + 1);
            }
            if let Some(ty) = Type::from_name(&target.text) {
                self.types.insert(&name.text, ty);
            } else if aliases.contains_key(target.text.as_str()) {
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0205",
                        format!("the type `{}` is defined by itself", name.text),
                    )
                    .label(name.span, "stands for no type")
                    .help("let one of the aliases name a built-in type, such as `usize`"),
                );
            } else {
                let known = Type::ALL
                    .iter()
                    .map(|ty| ty.name())
                    .chain(aliases.keys().copied());
                self.diagnostics.push(unknown_type(target, known));
            }
        }
    }

    /// The type of that name.
    fn ty(&self, name: &Name) -> Result<Type, Diagnostic> {
        Type::from_name(&name.text)
            .or_else(|| self.types.get(name.text.as_str()).copied())
            .ok_or_else(|| {
                unknown_type(
                    name,
                    Type::ALL
                        .iter()
                        .map(|ty| ty.name())
                        .chain(self.types.keys().copied()),
                )
            })
    }

    fn constants(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut declarations: IndexMap<&'a str, &'a ConstantDeclaration, FxBuildHasher> =
            IndexMap::default();
        for item in items {
            let ItemKind::Constants(constants) = &item.kind else {
                continue;
            };
            for constant in constants {
                match declarations.get(constant.name.text.as_str()) {
                    Some(first) => {
                        self.diagnostics
                            .push(twice("constant", &constant.name, first.name.span))
                    }
                    None => drop(declarations.insert(&constant.name.text, constant)),
                }
            }
        }
        self.constants = declarations
            .iter()
            .map(|(name, value)| (*name, State::Pending(value)))
            .collect();
        for name in declarations.keys() {
            if let Err(diagnostics) = self.evaluate(name) {
                self.diagnostics.extend(diagnostics);
            }
        }
    }

    /// The value of a declared constant; an empty error if it is reported already.
    fn evaluate(&mut self, name: &'a str) -> Result<Const, Vec<Diagnostic>> {
        let declaration = match self.constants.get(name) {
            Some(State::Done(value)) => return Ok(value.clone()),
            Some(State::Pending(declaration)) => *declaration,
            Some(State::Running(declaration)) => {
                let span = declaration.name.span;
                return Err(vec![
                    Diagnostic::error(
                        "E0505",
                        format!("the constant `{name}` is defined by itself"),
                    )
                    .label(span, "has no value"),
                ]);
            }
            _ => return Err(Vec::new()),
        };
        self.constants.insert(name, State::Running(declaration));
        // A chain of constants is as deep as it is long.
        let result = stacker::maybe_grow(1 << 18, 1 << 22, || {
            fold(&declaration.value, &mut |used, span| {
                if self.constants.contains_key(used) {
                    return self.evaluate(used);
                }
                let error = Diagnostic::error("E0506", format!("unknown constant `{used}`"))
                    .label(span, "no such constant");
                Err(vec![
                    match did_you_mean(used, self.constants.keys().copied()) {
                        Some(help) => error.help(help),
                        None => error.help("a constant is built from literals and other constants"),
                    },
                ])
            })
        });
        let result = result.and_then(|value| self.typed(declaration, value));
        self.constants.insert(
            name,
            result
                .as_ref()
                .map_or(State::Failed, |value| State::Done(value.clone())),
        );
        result
    }

    fn typed(
        &self,
        declaration: &ConstantDeclaration,
        value: Const,
    ) -> Result<Const, Vec<Diagnostic>> {
        let Some(name) = &declaration.ty else {
            return Ok(value);
        };
        let ty = self.ty(name).map_err(|error| vec![error])?;
        if let Some(value) = value.at(ty) {
            return Ok(Const::Typed(value));
        }
        let span = declaration.value.span;
        Err(vec![if value.may_be(ty) {
            out_of_range(&value, ty, span)
        } else {
            let found = value.describe();
            let error = Diagnostic::error("E0301", format!("expected {ty}, found {found}"))
                .label(span, format!("this is {found}"))
                .label(name.span, format!("declared as {ty}"));
            match value {
                Const::Integer(value) if ty.is_float() => error.help(format!("write `{value}.0`")),
                _ => error,
            }
        }])
    }

    fn item(&mut self, item: &'a Item, definitions: &mut Definitions<'a>) {
        let hidden = self.attributes(item);
        match &item.kind {
            ItemKind::Types(declarations) => {
                for declaration in declarations {
                    let TypeDeclaration::Relation { name, columns, .. } = declaration else {
                        continue;
                    };
                    let types: Vec<Declared> = columns
                        .iter()
                        .map(|column| match self.ty(&column.ty) {
                            Ok(ty) => Declared {
                                declared: Some((ty, column.ty.span)),
                                external: None,
                            },
                            Err(error) => {
                                self.diagnostics.push(error);
                                Declared::default()
                            }
                        })
                        .collect();
                    let first = self.mention(name, columns.len(), definitions);
                    let entry = &mut self.relations[first];
                    if definitions
                        .declared
                        .get(name.text.as_str())
                        .is_some_and(|span| *span != name.span)
                    {
                        let first = definitions.declared[name.text.as_str()];
                        self.diagnostics.push(twice("relation", name, first));
                    } else {
                        entry.relation.columns = types;
                        entry.relation.span = name.span;
                        entry.relation.hidden |= hidden;
                    }
                }
            }
            ItemKind::Constants(_) => {}
            ItemKind::Fact { atom, .. } => self.defining_atom(atom, hidden, definitions),
            ItemKind::FactSet {
                relation, members, ..
            } => {
                let mut index = None;
                for member in members {
                    index = Some(self.mention_at(
                        relation,
                        member.tuple.len(),
                        member.span,
                        definitions,
                    ));
                }
                if let Some(index) = index {
                    self.relations[index].relation.hidden |= hidden;
                }
            }
            ItemKind::Rule { head, body, .. } => {
                match head {
                    Head::Atom(atom) => self.defining_atom(atom, hidden, definitions),
                    Head::Conjunction(atoms) => {
                        atoms
                            .iter()
                            .for_each(|atom| self.defining_atom(atom, hidden, definitions));
                    }
                    Head::Disjunction(atoms) => {
                        atoms
                            .iter()
                            .for_each(|(_, atom)| self.defining_atom(atom, hidden, definitions));
                    }
                }
                self.formula(body, definitions);
            }
            ItemKind::AggregateRule {
                relation,
                aggregate,
            } => {
                if let Some(arity) = reduce::sugar_arity(aggregate, &|name| self.is_constant(name))
                {
                    let index = self.mention(relation, arity, definitions);
                    self.relations[index].relation.hidden |= hidden;
                }
                self.aggregate(aggregate, definitions);
            }
            ItemKind::Query(query) => {
                let arity = query.args.as_ref().map(Vec::len);
                match arity {
                    Some(arity) => {
                        drop(self.mention_at(&query.relation, arity, query.span, definitions))
                    }
                    None => drop(self.enter(&query.relation, definitions)),
                }
            }
        }
    }

    /// Checks the attributes of an item; true if `@hidden` is among them.
    fn attributes(&mut self, item: &Item) -> bool {
        let mut hidden = false;
        for attribute in &item.attributes {
            let name = attribute.name.text.as_str();
            let error = |message: String, help: String| {
                Diagnostic::error("E0206", message)
                    .label(attribute.span, "not understood")
                    .help(help)
            };
            if [
                "file",
                "demand",
                "goal",
                "scheduler",
                "storage",
                "py_eval",
                "cmd_arg",
            ]
            .contains(&name)
            {
                let help =
                    "facts from files are loaded by whoever runs the program: `--facts r=r.csv`";
                self.diagnostics.push(error(
                    format!("`@{name}` is not supported yet"),
                    help.into(),
                ));
            } else if name != "hidden" {
                let help = did_you_mean(name, ["hidden"]);
                self.diagnostics.push(error(
                    format!("unknown attribute `@{name}`"),
                    help.unwrap_or_else(|| "the attribute there is is `@hidden`".into()),
                ));
            } else if !attribute.positional.is_empty() || !attribute.named.is_empty() {
                self.diagnostics.push(error(
                    "`@hidden` takes no arguments".into(),
                    "write `@hidden`".into(),
                ));
            } else if matches!(item.kind, ItemKind::Constants(_) | ItemKind::Query(_)) {
                self.diagnostics.push(error(
                    "`@hidden` has no meaning here".into(),
                    "write it before the `type` or `rel` of the relation".into(),
                ));
            } else {
                hidden = true;
            }
        }
        hidden
    }

    fn defining_atom(&mut self, atom: &'a Atom, hidden: bool, definitions: &mut Definitions<'a>) {
        let index = self.mention_at(&atom.relation, atom.args.len(), atom.span, definitions);
        self.relations[index].relation.hidden |= hidden;
    }

    fn formula(&mut self, formula: &'a Formula, definitions: &mut Definitions<'a>) {
        match formula {
            Formula::Atom(atom) | Formula::Not { atom, .. } => {
                self.mention_at(&atom.relation, atom.args.len(), atom.span, definitions);
            }
            Formula::Constraint(_) => {}
            Formula::Aggregate(aggregate) => self.aggregate(aggregate, definitions),
            Formula::And(parts) | Formula::Or(parts) => {
                parts
                    .iter()
                    .for_each(|part| self.formula(part, definitions));
            }
        }
    }

    fn aggregate(&mut self, aggregate: &'a Aggregate, definitions: &mut Definitions<'a>) {
        self.formula(&aggregate.body, definitions);
        if let Some((_, body)) = &aggregate.groups {
            self.formula(body, definitions);
        }
    }

    fn mention(
        &mut self,
        name: &'a Name,
        arity: usize,
        definitions: &mut Definitions<'a>,
    ) -> usize {
        self.mention_at(name, arity, name.span, definitions)
    }

    /// Gives a relation its id and checks its arity.
    fn mention_at(
        &mut self,
        name: &'a Name,
        arity: usize,
        span: Span,
        definitions: &mut Definitions<'a>,
    ) -> usize {
        let index = self.enter(name, definitions);
        let entry = &mut self.relations[index];
        let expected = *entry.arity.get_or_insert(Arity {
            columns: arity,
            span: Some(span),
        });
        if expected.columns != arity && entry.known {
            entry
                .relation
                .columns
                .resize(expected.columns, Declared::default());
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

    fn enter(&mut self, name: &'a Name, definitions: &mut Definitions<'a>) -> usize {
        let text = name.text.as_str();
        let entry = self.relations.entry(text);
        let index = entry.index();
        entry.or_insert_with(|| Entry {
            relation: Relation {
                name: text.into(),
                span: name.span,
                columns: Vec::new(),
                auxiliary: false,
                hidden: false,
            },
            arity: definitions.arity.get(text).copied(),
            known: definitions.arity.contains_key(text) || definitions.filled.contains(text),
        });
        index
    }

    fn external(&mut self, external: &'a External, definitions: &mut Definitions<'a>) {
        let text = external.name.as_str();
        let entry = self.relations.entry(text).or_insert_with(|| Entry {
            relation: Relation {
                name: text.into(),
                span: Span::default(),
                columns: Vec::new(),
                auxiliary: false,
                hidden: false,
            },
            arity: definitions.arity.get(text).copied(),
            known: true,
        });
        entry.known = true;
        let arity = entry
            .arity
            .map_or(external.columns.len(), |arity| arity.columns);
        if arity != external.columns.len() {
            let message = format!(
                "`{text}` has {}, the facts from outside have {}",
                columns(arity),
                external.columns.len()
            );
            let error = Diagnostic::error("E0202", message);
            self.diagnostics
                .push(match entry.arity.and_then(|arity| arity.span) {
                    Some(span) => error.label(span, format!("{} here", columns(arity))),
                    None => error,
                });
            return;
        }
        entry.relation.columns.resize(arity, Declared::default());
        for (column, ty) in entry.relation.columns.iter_mut().zip(&external.columns) {
            column.external = column.external.or(*ty);
        }
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
        for (position, (name, span)) in unknown.into_iter().enumerate() {
            let known = self
                .relations
                .iter()
                .filter(|(_, entry)| entry.known)
                .map(|(name, _)| *name);
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
                }
            })
            .collect()
    }
}

/// Who says how many columns a relation has, and whether anything fills it.
struct Definitions<'a> {
    /// Declarations come first, then facts from outside, then the first fact or rule.
    arity: FxHashMap<&'a str, Arity>,
    /// First declaration of each relation.
    declared: FxHashMap<&'a str, Span>,
    filled: FxHashSet<&'a str>,
}

impl<'a> Definitions<'a> {
    fn gather(
        items: impl Iterator<Item = &'a Item> + Clone,
        externals: &'a [External],
        names: &Names<'a>,
    ) -> Self {
        let mut it = Definitions {
            arity: FxHashMap::default(),
            declared: FxHashMap::default(),
            filled: FxHashSet::default(),
        };
        for item in items.clone() {
            let ItemKind::Types(declarations) = &item.kind else {
                continue;
            };
            for declaration in declarations {
                let TypeDeclaration::Relation { name, columns, .. } = declaration else {
                    continue;
                };
                let arity = Arity {
                    columns: columns.len(),
                    span: Some(name.span),
                };
                it.arity.entry(&name.text).or_insert(arity);
                it.declared.entry(&name.text).or_insert(name.span);
            }
        }
        for external in externals {
            let arity = Arity {
                columns: external.columns.len(),
                span: None,
            };
            // Where both a declaration and the outside speak, `Names::external` compares them.
            it.arity.entry(&external.name).or_insert(arity);
            it.filled.insert(&external.name);
        }
        for item in items {
            match &item.kind {
                ItemKind::Types(_) | ItemKind::Constants(_) | ItemKind::Query(_) => {}
                ItemKind::Fact { atom, .. } => {
                    it.fill(&atom.relation, Some(atom.args.len()), atom.span)
                }
                ItemKind::FactSet {
                    relation, members, ..
                } => match members.first() {
                    Some(first) => it.fill(relation, Some(first.tuple.len()), first.span),
                    None => it.fill(relation, None, relation.span),
                },
                ItemKind::Rule {
                    head: Head::Atom(atom),
                    ..
                } => {
                    it.fill(&atom.relation, Some(atom.args.len()), atom.span);
                }
                ItemKind::Rule {
                    head: Head::Conjunction(atoms),
                    ..
                } => {
                    for atom in atoms {
                        it.fill(&atom.relation, Some(atom.args.len()), atom.span);
                    }
                }
                ItemKind::Rule {
                    head: Head::Disjunction(atoms),
                    ..
                } => {
                    for (_, atom) in atoms {
                        it.fill(&atom.relation, Some(atom.args.len()), atom.span);
                    }
                }
                ItemKind::AggregateRule {
                    relation,
                    aggregate,
                } => {
                    let arity = reduce::sugar_arity(aggregate, &|name| names.is_constant(name));
                    it.fill(relation, arity, relation.span);
                }
            }
        }
        it
    }

    fn fill(&mut self, relation: &'a Name, arity: Option<usize>, span: Span) {
        self.filled.insert(&relation.text);
        if let Some(columns) = arity {
            self.arity.entry(&relation.text).or_insert(Arity {
                columns,
                span: Some(span),
            });
        }
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

fn unknown_type<'a>(name: &Name, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match did_you_mean(&name.text, known) {
        Some(help) => help,
        None => format!("the types are {}", Type::ALL.map(Type::name).join(", ")),
    };
    Diagnostic::error("E0204", format!("unknown type `{}`", name.text))
        .label(name.span, "no such type")
        .help(help)
}
