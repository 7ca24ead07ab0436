//! What the host program supplies: registered, or declared by `extern`. nsdl's own predicates are among it.

use nsdl_functions::Registry;
use nsdl_ir::{
    AggregateSignature, Diagnostic, Family, Parameter, Predicate, Signature, Span, Type,
};
use nsdl_syntax::ast::{
    Aggregate, ColumnDeclaration, ColumnMode, Item, ItemKind, Name, TypeDeclaration, TypeExpr,
};
use rustc_hash::FxHashMap;

use super::arity::Definitions;
use super::{Names, columns, twice};
use crate::reduce;

/// Foreign functions, predicates and aggregates by name.
#[derive(Default)]
pub(crate) struct Host {
    functions: FxHashMap<String, &'static Signature>,
    predicates: FxHashMap<String, &'static Predicate>,
    aggregates: FxHashMap<String, &'static AggregateSignature>,
    /// Where `extern` declares a name.
    declared: FxHashMap<String, Span>,
}

impl Host {
    pub fn new(registry: &Registry) -> Self {
        let functions = registry.functions().map(|it| it.signature());
        let predicates = registry.predicates().map(|it| it.signature());
        let aggregates = registry.aggregates().map(|it| it.signature());
        Self {
            aggregates: aggregates.map(|it| (it.name.clone(), it)).collect(),
            functions: functions.map(|it| (it.name.to_owned(), it)).collect(),
            predicates: predicates.map(|it| (it.name.clone(), it)).collect(),
            declared: FxHashMap::default(),
        }
    }

    /// The function of that name, with its `$`.
    pub fn function(&self, name: &str) -> Option<&'static Signature> {
        self.functions.get(name).copied()
    }

    /// The names of all functions.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// The aggregate of that name.
    pub fn aggregate(&self, name: &str) -> Option<&'static AggregateSignature> {
        self.aggregates.get(name).copied()
    }

    /// The names of all aggregates.
    pub fn aggregates(&self) -> impl Iterator<Item = &str> {
        self.aggregates.keys().map(String::as_str)
    }

    /// The names of all predicates.
    pub fn predicates(&self) -> impl Iterator<Item = &str> {
        self.predicates.keys().map(String::as_str)
    }
}

impl<'a> Names<'a> {
    /// What the host supplies.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The predicate of that name, unless the program has a relation of that name.
    pub fn predicate(&self, name: &str) -> Option<&'static Predicate> {
        match self.relations.contains_key(name) {
            true => None,
            false => self.host.predicates.get(name).copied(),
        }
    }

    /// Number of columns of `rel r = aggregate`; `None` if there is no such aggregate.
    pub fn sugar_arity(&self, aggregate: &Aggregate) -> Option<usize> {
        reduce::sugar_arity(aggregate, &|name| self.is_constant(name), &self.host)
    }

    /// Whether an atom is one of a predicate; its number of columns is checked.
    pub(super) fn is_foreign(
        &mut self,
        name: &Name,
        arity: usize,
        span: Span,
        definitions: &Definitions<'a>,
    ) -> bool {
        let text = name.text.as_str();
        if definitions.knows(text) {
            return false;
        }
        let Some(predicate) = self.host.predicates.get(text) else {
            return false;
        };
        if predicate.columns.len() != arity {
            let message = format!(
                "`{text}` has {}, here it is given {arity}",
                columns(predicate.columns.len())
            );
            self.diagnostics.push(
                Diagnostic::error("E0280", message)
                    .label(span, format!("{} here", columns(arity)))
                    .help(predicate.text.clone()),
            );
        }
        true
    }

    /// Whether a query without arguments names a predicate, which is reported.
    pub(super) fn lists_foreign(&mut self, name: &Name, definitions: &Definitions<'a>) -> bool {
        let text = name.text.as_str();
        let predicate = match definitions.knows(text) {
            true => None,
            false => self.host.predicates.get(text),
        };
        if let Some(predicate) = predicate {
            let help = format!("ask for some of its tuples, by its columns: {predicate}");
            self.diagnostics.push(
                Diagnostic::error("E0281", format!("`{text}` is computed: nothing lists it"))
                    .label(name.span, "a predicate, not a relation")
                    .help(help),
            );
        }
        predicate.is_some()
    }

    /// W0650 for each relation that hides a predicate.
    pub(super) fn hidden_predicates(&mut self) {
        for (name, entry) in &self.relations {
            if let Some(predicate) = self.host.predicates.get(*name) {
                let span = entry.relation.span;
                let message = format!("the relation `{name}` hides the predicate of that name");
                let warning = Diagnostic::warning("W0650", message)
                    .note(format!("the predicate is {predicate}"))
                    .help("rename the relation to use the predicate");
                self.diagnostics.push(match span == Span::default() {
                    true => warning,
                    false => warning.label(span, "the relation"),
                });
            }
        }
    }

    /// Reads the declarations of functions.
    pub(super) fn extern_functions(&mut self, items: impl Iterator<Item = &'a Item>) {
        for item in items {
            let (ItemKind::Extern(declarations) | ItemKind::Types(declarations)) = &item.kind
            else {
                continue;
            };
            for declaration in declarations {
                if let TypeDeclaration::Function {
                    name,
                    parameters,
                    result,
                    ..
                } = declaration
                {
                    self.extern_function(name, parameters, result);
                }
            }
        }
    }

    /// Reads the declarations of predicates.
    pub(super) fn extern_predicates(
        &mut self,
        items: impl Iterator<Item = &'a Item>,
        definitions: &Definitions<'a>,
    ) {
        for item in items {
            let ItemKind::Extern(declarations) = &item.kind else {
                continue;
            };
            let volatile = item.attributes.iter().any(|it| it.name.text == "volatile");
            for declaration in declarations {
                match declaration {
                    TypeDeclaration::Function { .. } => {}
                    TypeDeclaration::Relation { name, columns, .. } => {
                        self.extern_predicate(name, columns, volatile, definitions);
                    }
                    TypeDeclaration::Alias { name, .. }
                    | TypeDeclaration::Enumeration { name, .. }
                    | TypeDeclaration::Data { name, .. } => {
                        self.diagnostics.push(
                            Diagnostic::error("E0284", "`extern` declares no type")
                                .label(name.span, "a type")
                                .help("leave out `extern`: it declares the predicates and functions of the host program"),
                        );
                    }
                }
            }
        }
    }

    /// Whether this is the first declaration of the name; another one is reported.
    fn first(&mut self, name: &Name) -> bool {
        match self.host.declared.get(&name.text) {
            Some(first) => {
                self.diagnostics.push(twice("extern", name, *first));
                false
            }
            None => {
                self.host.declared.insert(name.text.clone(), name.span);
                true
            }
        }
    }

    fn types_of(&mut self, columns: &[ColumnDeclaration]) -> Option<Vec<Type>> {
        // All of them: each may be wrong.
        let types: Vec<Option<Type>> = columns.iter().map(|it| self.ty(&it.ty)).collect();
        types.into_iter().collect()
    }

    fn extern_predicate(
        &mut self,
        name: &Name,
        declared: &[ColumnDeclaration],
        volatile: bool,
        definitions: &Definitions<'a>,
    ) {
        if definitions.knows(&name.text) {
            self.diagnostics.push(
                Diagnostic::error(
                    "E0283",
                    format!("`{}` is both a predicate and a relation", name.text),
                )
                .label(name.span, "the host program computes it")
                .help("leave out `extern`, or the facts, rules and `type` of the relation"),
            );
            return;
        }
        let Some(types) = self.types_of(declared).filter(|_| self.first(name)) else {
            return;
        };
        let bound = |it: &ColumnDeclaration| matches!(it.mode, ColumnMode::Bound(_));
        let mode: String = declared
            .iter()
            .map(|it| if bound(it) { 'b' } else { 'f' })
            .collect();
        let exactly = types.iter().map(|ty| Parameter::Exactly(*ty)).collect();
        let text = declared.iter().zip(&types).map(|(it, ty)| match bound(it) {
            true => format!("bound {ty}"),
            false => format!("free {ty}"),
        });
        let text = format!("{}({})", name.text, text.collect::<Vec<_>>().join(", "));
        let known = self.host.predicates.get(&name.text).copied();
        let predicate = match known {
            Some(known) => {
                let enough = |known: &String| {
                    std::iter::zip(known.chars(), mode.chars())
                        .all(|(needs, given)| needs == 'f' || given == 'b')
                };
                if !fits(known.family, &known.columns, &types) || !known.modes.iter().any(enough) {
                    let what = format!("registered as {known}");
                    self.diagnostics.push(mismatch(name, &text, what));
                    return;
                }
                Predicate {
                    columns: exactly,
                    volatile: known.volatile || volatile,
                    ..known.clone()
                }
            }
            None => Predicate {
                name: name.text.clone(),
                text,
                family: Family::Any,
                columns: exactly,
                modes: vec![mode],
                tags: nsdl_ir::Tagging::Certain,
                volatile,
            },
        };
        self.host
            .predicates
            .insert(name.text.clone(), predicate.interned());
    }

    fn extern_function(
        &mut self,
        name: &Name,
        parameters: &[ColumnDeclaration],
        result: &TypeExpr,
    ) {
        let result = self.ty(result);
        let types = self.types_of(parameters);
        let (Some(types), Some(result)) = (types, result) else {
            return;
        };
        if !self.first(name) {
            return;
        }
        let declared = Signature::exactly(&name.text, &types, result);
        let known = nsdl_ir::Function::from_name(&name.text).map(|it| it.signature());
        let Some(known) = known.or_else(|| self.host.function(&name.text)) else {
            self.host.functions.insert(name.text.clone(), declared);
            return;
        };
        let parameters: Vec<Parameter> = (0..types.len())
            .filter_map(|index| known.parameter(index))
            .chain([known.result])
            .collect();
        let all = [types.as_slice(), &[result]].concat();
        if !known.arity().contains(&types.len()) || !fits(known.family, &parameters, &all) {
            let what = format!("registered as {}", known.text);
            self.diagnostics.push(mismatch(name, declared.text, what));
        }
    }
}

/// Whether values of these types can stand for the parameters.
fn fits(family: Family, parameters: &[Parameter], types: &[Type]) -> bool {
    let mut variable = None;
    parameters.len() == types.len()
        && std::iter::zip(parameters, types).all(|(parameter, ty)| match parameter {
            Parameter::Exactly(exactly) => exactly == ty,
            Parameter::Any => true,
            Parameter::Variable => family.holds(*ty) && *variable.get_or_insert(*ty) == *ty,
            Parameter::List => match ty {
                Type::List(element) => {
                    family.holds(**element) && *variable.get_or_insert(**element) == **element
                }
                _ => false,
            },
        })
}

/// E0282
fn mismatch(name: &Name, declared: &str, registered: String) -> Diagnostic {
    Diagnostic::error(
        "E0282",
        format!("`{}` is declared otherwise than registered", name.text),
    )
    .label(name.span, format!("declared as {declared}"))
    .note(registered)
    .help("correct the declaration, or leave it out")
}
