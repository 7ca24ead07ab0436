//! Constants: each is evaluated once, after those it is built from.

use indexmap::IndexMap;
use nsdl_ir::{BinaryOp, Diagnostic, SUGGESTIONS, Span, Type, Value, did_you_mean};
use nsdl_syntax::ast::{
    ConstantDeclaration, Expr, ExprKind, Item, ItemKind, Name, TypeDeclaration, TypeExpr,
};
use rustc_hash::FxBuildHasher;

use super::{Host, Names, twice};
use crate::constant::{self, Const, Lookup, fold};
use crate::constructor::Constructor;

/// A constant, evaluated on demand.
#[derive(Clone)]
pub(super) enum State<'a> {
    Pending(Definition<'a>),
    Running(Definition<'a>),
    Done(Const),
    /// Reported.
    Failed,
}

/// What says the value of a constant.
#[derive(Clone, Copy)]
pub(super) enum Definition<'a> {
    Constant(&'a ConstantDeclaration),
    /// A member of an enumeration: the value given, else one more than that of the member before it.
    Member {
        name: &'a Name,
        value: Option<&'a Expr>,
        before: Option<&'a str>,
        enumeration: &'a str,
    },
}

impl<'a> Definition<'a> {
    fn name(self) -> &'a Name {
        match self {
            Definition::Constant(declaration) => &declaration.name,
            Definition::Member { name, .. } => name,
        }
    }
}

impl<'a> Lookup<'a> for Names<'a> {
    fn constant(&mut self, used: &'a str, span: Span) -> Result<Const, Vec<Diagnostic>> {
        if self.constants.contains_key(used) {
            return self.evaluate(used);
        }
        let suggest = self.diagnostics.len() < SUGGESTIONS;
        let known = self.constants.keys().copied().filter(|_| suggest);
        let error = Diagnostic::error("E0506", format!("unknown constant `{used}`"))
            .label(span, "no such constant");
        Err(vec![match did_you_mean(used, known) {
            Some(help) => error.help(help),
            None => error.help("a constant is built from literals and other constants"),
        }])
    }

    fn ty(&mut self, ty: &TypeExpr) -> Result<Type, Vec<Diagnostic>> {
        self.look_up_type(ty)
    }

    fn constructor(&mut self, name: &Name) -> Result<Constructor, Vec<Diagnostic>> {
        self.constructor_of(name)
    }

    fn host(&self) -> &Host {
        self.host()
    }
}

impl<'a> Names<'a> {
    pub(super) fn constants(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut declarations: IndexMap<&'a str, Definition<'a>, FxBuildHasher> =
            IndexMap::default();
        let mut problems = Vec::new();
        let mut declare = |definition: Definition<'a>| {
            let name = definition.name();
            match declarations.get(name.text.as_str()) {
                Some(first) => {
                    let first = first.name().span;
                    problems.push(twice("constant", name, first));
                }
                None => drop(declarations.insert(&name.text, definition)),
            }
        };
        for item in items {
            match &item.kind {
                ItemKind::Constants(constants) => {
                    let argument = item.attributes.iter().find(|it| it.name.text == "cmd_arg");
                    match (argument, constants.as_slice()) {
                        (None, _) => {}
                        (Some(argument), [only]) => {
                            self.argued.insert(&only.name.text, argument);
                        }
                        (Some(argument), _) => self.diagnostics.push(
                            Diagnostic::error("E0241", "`@cmd_arg` belongs to one constant")
                                .label(argument.span, "which one?")
                                .help("give each constant a `const` of its own"),
                        ),
                    }
                    constants
                        .iter()
                        .map(Definition::Constant)
                        .for_each(&mut declare);
                }
                ItemKind::Types(types) => {
                    for declaration in types {
                        let TypeDeclaration::Enumeration { name, members } = declaration else {
                            continue;
                        };
                        let enumeration = name.text.as_str();
                        let mut before = None;
                        for (name, value) in members {
                            let value = value.as_ref();
                            declare(Definition::Member {
                                name,
                                value,
                                before,
                                enumeration,
                            });
                            before = Some(name.text.as_str());
                        }
                        let members = members.iter().map(|(name, _)| name.text.as_str());
                        self.members.insert(enumeration, members.collect());
                    }
                }
                _ => {}
            }
        }
        self.diagnostics.append(&mut problems);
        self.constants = declarations
            .iter()
            .map(|(name, value)| (*name, State::Pending(*value)))
            .collect();
        for name in declarations.keys() {
            if let Err(diagnostics) = self.evaluate(name) {
                self.diagnostics.extend(diagnostics);
            }
        }
        self.distinct(&declarations);
    }

    /// E0524 for each member of an enumeration that has the value of one before it.
    fn distinct(&mut self, declarations: &IndexMap<&'a str, Definition<'a>, FxBuildHasher>) {
        let mut taken = IndexMap::new();
        let mut twins = Vec::new();
        for definition in declarations.values() {
            let Definition::Member { enumeration, .. } = *definition else {
                continue;
            };
            let name = definition.name();
            if let Some(State::Done(value)) = self.constants.get(name.text.as_str())
                && let Some(Value::Usize(value)) = value.at(Type::Usize)
            {
                match taken.get(&(enumeration, value)) {
                    Some(first) => twins.push((enumeration, value, *first, *definition)),
                    None => drop(taken.insert((enumeration, value), *definition)),
                }
            }
        }
        for (enumeration, value, first, second) in twins {
            let is_free = |value: &u64| !taken.contains_key(&(enumeration, *value));
            let free = (value..).find(is_free).unwrap_or_default();
            let names = [first, second].map(|it| &it.name().text);
            let message = format!("`{}` and `{}` are both {value}", names[0], names[1]);
            let given = |definition: Definition<'a>| match definition {
                Definition::Member {
                    value: None,
                    before: Some(before),
                    ..
                } => format!("{value}, one more than `{before}`"),
                _ => value.to_string(),
            };
            self.diagnostics.push(
                Diagnostic::error("E0524", message)
                    .label(second.name().span, format!("this is {}", given(second)))
                    .label(first.name().span, format!("this is {}", given(first)))
                    .help(format!(
                        "give one of them a value of its own: {free} is free"
                    )),
            );
        }
    }

    /// Whether an expression whose value is an integer divides: its value may be rounded.
    pub(crate) fn divides(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                *op == BinaryOp::Divide || self.divides(left) || self.divides(right)
            }
            ExprKind::Unary(_, operand) => self.divides(operand),
            ExprKind::Variable(name) => self.quotients.contains(name.as_str()),
            _ => false,
        }
    }

    /// The value of a declared constant; an empty error if it is reported already.
    fn evaluate(&mut self, name: &'a str) -> Result<Const, Vec<Diagnostic>> {
        let declaration = match self.constants.get(name) {
            Some(State::Done(value)) => return Ok(value.clone()),
            Some(State::Pending(declaration)) => *declaration,
            Some(State::Running(declaration)) => {
                let span = declaration.name().span;
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
        let result = stacker::maybe_grow(1 << 18, 1 << 22, || match declaration {
            Definition::Constant(declaration) => {
                let value = fold(&declaration.value, self);
                value.and_then(|value| self.typed(declaration, value))
            }
            Definition::Member {
                name,
                value,
                before,
                ..
            } => self.member(name, value, before),
        });
        if let Definition::Constant(declaration) = declaration
            && result.as_ref().is_ok_and(Const::is_integer)
            && self.divides(&declaration.value)
        {
            self.quotients.insert(name);
        }
        let result = result.and_then(|value| match self.argued.get(name).copied() {
            Some(argument) => self.constant_argument(argument, declaration.name(), value),
            None => Ok(value),
        });
        self.constants.insert(
            name,
            result
                .as_ref()
                .map_or(State::Failed, |value| State::Done(value.clone())),
        );
        result
    }

    fn typed(
        &mut self,
        declaration: &ConstantDeclaration,
        value: Const,
    ) -> Result<Const, Vec<Diagnostic>> {
        let Some(name) = &declaration.ty else {
            return Ok(value);
        };
        let ty = self.look_up_type(name)?;
        constant::typed(value, ty, declaration.value.span, name.span)
    }

    fn member(
        &mut self,
        name: &'a Name,
        value: Option<&'a Expr>,
        before: Option<&'a str>,
    ) -> Result<Const, Vec<Diagnostic>> {
        let (found, span) = match (value, before) {
            (Some(value), _) => (fold(value, self)?, value.span),
            (None, None) => (Const::Integer(0), name.span),
            (None, Some(before)) => {
                let next = match self.evaluate(before)?.at(Type::Usize) {
                    Some(Value::Usize(last)) => i128::from(last) + 1,
                    _ => return Err(Vec::new()),
                };
                (Const::Integer(next), name.span)
            }
        };
        found.at(Type::Usize).map(Const::Typed).ok_or_else(|| {
            let message = format!("the value of `{}` is no `usize`", name.text);
            vec![
                Diagnostic::error("E0523", message)
                    .label(span, format!("this is {}", found.text()))
                    .help("members of an enumeration are the integers from 0 on"),
            ]
        })
    }

    /// E0522 unless `value`, in a column of that enumeration, is one of its members.
    pub(crate) fn outside(
        &self,
        enumeration: &str,
        value: &Const,
        span: Span,
    ) -> Option<Diagnostic> {
        let members = self.members.get(enumeration)?;
        let value_of = |name: &&str| {
            self.constant(name)
                .flatten()
                .and_then(|it| it.at(Type::Usize))
        };
        let value = value.at(Type::Usize)?;
        if members
            .iter()
            .any(|name| value_of(name).as_ref() == Some(&value))
        {
            return None;
        }
        let known: Vec<String> = members
            .iter()
            .filter_map(|name| Some(format!("`{name}` ({})", value_of(name)?)))
            .collect();
        let message = format!("{value} is no member of `{enumeration}`");
        Some(
            Diagnostic::error("E0522", message)
                .label(
                    span,
                    format!("this column holds members of `{enumeration}`"),
                )
                .help(format!("they are {}", known.join(", "))),
        )
    }
}
