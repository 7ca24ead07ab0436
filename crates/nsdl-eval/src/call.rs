//! Calls of functions of the host program, each made once for the same arguments.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use nsdl_functions::{ForeignFunction, Registry};
use nsdl_ir::{
    AggregateOp, Diagnostic, Plan, Signature, Span, Step, Symbols, Type, Value, Word, did_you_mean,
};
use rustc_hash::FxHashMap;

use crate::FailureKind;

/// The functions of the host program as an evaluation calls them.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    registry: Registry,
    known: FxHashMap<(&'static str, Box<[Type]>), Arc<Call>>,
}

/// The value of each call, or the interned text of its failure, by arguments.
type Values = FxHashMap<Box<[Word]>, Result<Word, Word>>;

/// A function of the host program at some types.
pub(crate) struct Call {
    signature: &'static Signature,
    /// `None` where nobody supplies it: [`supplied`] refuses that first.
    function: Option<Arc<dyn ForeignFunction>>,
    types: Box<[Type]>,
    /// By arguments, unless the function is volatile.
    values: Mutex<Values>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signature.text)
    }
}

impl Calls {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            registry,
            known: FxHashMap::default(),
        }
    }

    pub(crate) fn get(&mut self, signature: &'static Signature, types: &[Type]) -> Arc<Call> {
        let function = self.registry.function(signature.name).cloned();
        let known = self.known.entry((signature.name, types.into()));
        let call = known.or_insert_with(|| {
            Arc::new(Call {
                signature,
                function,
                types: types.into(),
                values: Mutex::default(),
            })
        });
        Arc::clone(call)
    }
}

impl Call {
    /// The value for these arguments.
    pub(crate) fn value(&self, args: &[Word], symbols: &Symbols) -> Result<Word, FailureKind> {
        let Some(function) = &self.function else {
            return Err(FailureKind::Domain);
        };
        let reuse = !function.volatile();
        let values = || self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if reuse {
            values().get(args).copied()
        } else {
            None
        };
        let value = known.unwrap_or_else(|| {
            // Nothing is locked during the call: the host may do whatever it likes.
            let value = function.call(&self.arguments(args, symbols));
            let value = self.word(value, symbols);
            if reuse {
                values().insert(args.into(), value);
            }
            value
        });
        value.map_err(FailureKind::Foreign)
    }

    /// Whether calls are to be collected.
    pub(crate) fn is_batched(&self) -> bool {
        let function = self.function.as_ref();
        function.is_some_and(|function| function.batched() && !function.volatile())
    }

    /// Makes the calls that were not made yet, at once.
    pub(crate) fn fetch(&self, calls: &[&[Word]], symbols: &Symbols) {
        let Some(function) = &self.function else {
            return;
        };
        let values = || self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<&[Word]> = {
            let known = values();
            let new = calls.iter().filter(|args| !known.contains_key(**args));
            new.copied().collect()
        };
        if new.is_empty() {
            return;
        }
        let args: Vec<Vec<Value>> = new
            .iter()
            .map(|args| self.arguments(args, symbols))
            .collect();
        let mut found = function.call_batch(&args).into_iter();
        for args in new {
            let value = found
                .next()
                .unwrap_or_else(|| Err("the batch lacks results".into()));
            let value = self.word(value, symbols);
            values().insert(args.into(), value);
        }
    }

    fn arguments(&self, args: &[Word], symbols: &Symbols) -> Vec<Value> {
        std::iter::zip(args, &self.types)
            .map(|(word, ty)| Value::from_word(*word, *ty, symbols))
            .collect()
    }

    fn word(&self, value: Result<Value, String>, symbols: &Symbols) -> Result<Word, Word> {
        let name = self.signature.name;
        let value = value.and_then(|value| match self.result() {
            Some(ty) if value.ty() != ty && !(ty == Type::Entity && value.ty().is_entity()) => {
                Err(format!("it gives a value of type {}, not {ty}", value.ty()))
            }
            _ => value.to_word(symbols).ok_or_else(|| "it gives NaN".into()),
        });
        value.map_err(|text| symbols.intern(&format!("`{name}` failed: {text}")))
    }

    fn result(&self) -> Option<Type> {
        use nsdl_ir::Parameter::{Any, Exactly, List, Variable};
        let parameters = (0..self.types.len()).map(|index| self.signature.parameter(index));
        let mut found = std::iter::zip(parameters, &self.types);
        let variable = found.find_map(|(parameter, ty)| match (parameter, ty) {
            (Some(Variable), ty) => Some(*ty),
            (Some(List), Type::List(element)) => Some(**element),
            _ => None,
        });
        match self.signature.result {
            Exactly(ty) => Some(ty),
            Variable => variable,
            List => variable.map(Type::list),
            Any => None,
        }
    }
}

/// Whether somebody supplies all that the rules of the needed relations call.
///
/// # Errors
/// E0650 if not.
pub(crate) fn supplied(
    plan: &Plan,
    needed: &[bool],
    registry: &Registry,
) -> Result<(), Diagnostic> {
    for rule in &plan.rules {
        if !needed.get(rule.head.index()).copied().unwrap_or_default() {
            continue;
        }
        for step in &rule.steps {
            if let Step::Foreign { predicate, .. } = step
                && registry.predicate(&predicate.name).is_none()
            {
                return Err(missing("predicate", &predicate.name, rule.span, registry));
            }
        }
        let choice = rule
            .tag
            .and_then(|tag| plan.choices.get(tag.choice.index()));
        let tags = choice.into_iter().flat_map(|choice| &choice.weights);
        let inside = rule.steps.iter().flat_map(crate::expr::of_step);
        for expr in rule.args.iter().chain(tags).chain(inside) {
            let mut name = None;
            crate::expr::foreign(expr, &mut |signature| {
                if registry.function(signature.name).is_none() {
                    name = Some(signature.name);
                }
            });
            if let Some(name) = name {
                return Err(missing("function", name, rule.span, registry));
            }
        }
    }
    for aggregate in &plan.aggregates {
        if let AggregateOp::Foreign(signature) = aggregate.op
            && needed.get(aggregate.output.index()) == Some(&true)
            && registry.aggregate(&signature.name).is_none()
        {
            let span = aggregate.span;
            return Err(missing("aggregate", &signature.name, span, registry));
        }
    }
    Ok(())
}

/// E0650.
fn missing(what: &str, name: &str, span: Span, registry: &Registry) -> Diagnostic {
    let near = match what {
        "predicate" => {
            let known = registry.predicates().map(|it| it.signature().name.as_str());
            did_you_mean(name, known)
        }
        "function" => did_you_mean(name, registry.functions().map(|it| it.signature().name)),
        _ => {
            let known = registry.aggregates().map(|it| it.signature().name.as_str());
            did_you_mean(name, known)
        }
    };
    let register = format!(
        "register it before the run: `Session::add_{what}` in Rust, `@nsdl.foreign_{what}` in Python"
    );
    let message = format!("the host program supplies no {what} `{name}`");
    Diagnostic::error("E0650", message)
        .label(span, "needed here")
        .help(match near {
            Some(near) => format!("{near} Otherwise {register}"),
            None => register,
        })
}
