//! Constants: each is evaluated once, after those it is built from.

use indexmap::IndexMap;
use nsdl_ir::{BinaryOp, Diagnostic, Span, Type};
use nsdl_syntax::ast::{ConstantDeclaration, Expr, ExprKind, Item, ItemKind, TypeExpr};
use rustc_hash::FxBuildHasher;

use super::{Names, twice};
use crate::constant::{self, Const, Lookup, fold};
use crate::suggest::{SUGGESTIONS, did_you_mean};

/// A constant, evaluated on demand.
#[derive(Clone)]
pub(super) enum State<'a> {
    Pending(&'a ConstantDeclaration),
    Running(&'a ConstantDeclaration),
    Done(Const),
    /// Reported.
    Failed,
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
}

impl<'a> Names<'a> {
    pub(super) fn constants(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut declarations: IndexMap<&'a str, &'a ConstantDeclaration, FxBuildHasher> =
            IndexMap::default();
        for item in items {
            let ItemKind::Constants(constants) = &item.kind else {
                continue;
            };
            let argument = item.attributes.iter().find(|it| it.name.text == "cmd_arg");
            match (argument, constants.as_slice()) {
                (None, _) => {}
                (Some(argument), [only]) => drop(self.argued.insert(&only.name.text, argument)),
                (Some(argument), _) => self.diagnostics.push(
                    Diagnostic::error("E0241", "`@cmd_arg` belongs to one constant")
                        .label(argument.span, "which one?")
                        .help("give each constant a `const` of its own"),
                ),
            }
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
        let result = stacker::maybe_grow(1 << 18, 1 << 22, || fold(&declaration.value, self));
        let result = result.and_then(|value| self.typed(declaration, value));
        if result.as_ref().is_ok_and(Const::is_integer) && self.divides(&declaration.value) {
            self.quotients.insert(name);
        }
        let result = result.and_then(|value| match self.argued.get(name).copied() {
            Some(argument) => self.constant_argument(argument, &declaration.name, value),
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
}
