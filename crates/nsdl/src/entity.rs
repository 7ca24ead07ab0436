//! `$parse_entity`: a term from its text.

use std::sync::Arc;

use nsdl_functions::{ForeignFunction, Registry};
use nsdl_ir::{Family, Parameter, Signature, Symbols, Type, Value};

/// A function like those of a host program, since it needs the parser of values and the constructors that programs
/// declare, which no other function does.
struct ParseEntity {
    symbols: Arc<Symbols>,
}

const SIGNATURE: &Signature = &Signature {
    name: "$parse_entity",
    text: "$parse_entity(String) -> Entity",
    family: Family::Any,
    required: &[Parameter::Exactly(Type::String)],
    optional: &[],
    rest: None,
    result: Parameter::Exactly(Type::Entity),
};

impl ForeignFunction for ParseEntity {
    fn signature(&self) -> &'static Signature {
        SIGNATURE
    }

    fn call(&self, args: &[Value]) -> Result<Value, String> {
        let [Value::String(text)] = args else {
            return Err("it takes one String".into());
        };
        nsdl_syntax::parse_value(text, Type::Entity, &self.symbols)
            .map_err(|problem| problem.message)
    }
}

/// What programs may call: what the host has registered, and `$parse_entity` unless that is among it.
pub(crate) fn registry(registered: &Registry, symbols: &Arc<Symbols>) -> Registry {
    let mut registry = registered.clone();
    if registry.function(SIGNATURE.name).is_none() {
        let symbols = Arc::clone(symbols);
        // Its name is none of the table.
        let _ = registry.add_function(Arc::new(ParseEntity { symbols }));
    }
    registry
}
