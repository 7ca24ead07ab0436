//! Constructors of data types, as programs use them.

use std::sync::Arc;

use nsdl_ir::{DataType, Diagnostic, Span, Type};

/// A constructor of a data type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constructor {
    pub data_type: Arc<DataType>,
    /// Its position in the declaration.
    pub position: usize,
}

impl Constructor {
    /// Its name.
    pub fn name(&self) -> &str {
        let definition = self.data_type.constructors.get(self.position);
        definition.map_or("", |it| it.name.as_str())
    }

    /// The types of its fields, with the parameters of the data type.
    pub fn fields(&self) -> &[Type] {
        let definition = self.data_type.constructors.get(self.position);
        definition.map_or(&[], |it| it.fields.as_slice())
    }

    /// The data type, with its parameters.
    pub fn ty(&self) -> Type {
        let parameters = self.data_type.parameters.iter();
        let parameters: Vec<Type> = parameters.map(|name| Type::parameter(name)).collect();
        self.data_type.ty(&parameters)
    }

    /// The constructor of `ty`, an instance of the data type.
    pub fn of(&self, ty: Type) -> Option<&'static nsdl_ir::Constructor> {
        match ty {
            Type::Adt(adt) if adt.name == self.data_type.name => {
                self.data_type.constructor(self.position, adt.arguments)
            }
            _ => None,
        }
    }

    /// The type of a term with fields of these types; a parameter that they leave open is `i32`.
    pub fn applied(&self, fields: &[Option<Type>]) -> Type {
        let mut arguments = vec![None; self.data_type.parameters.len()];
        for (declared, found) in self.fields().iter().zip(fields) {
            if let Some(found) = found {
                self.open(*declared, *found, &mut arguments);
            }
        }
        let arguments: Vec<Type> = arguments
            .into_iter()
            .map(|argument| argument.unwrap_or(Type::I32))
            .collect();
        self.data_type.ty(&arguments)
    }

    /// What the parameters in `declared` stand for where it is `found`.
    fn open(&self, declared: Type, found: Type, arguments: &mut [Option<Type>]) {
        if let Some(name) = declared.as_parameter() {
            let mut parameters = self.data_type.parameters.iter();
            let position = parameters.position(|it| it == name);
            if let Some(argument) = position.and_then(|it| arguments.get_mut(it)) {
                argument.get_or_insert(found);
            }
            return;
        }
        match (declared, found) {
            (Type::Adt(declared), Type::Adt(found)) => {
                for (declared, found) in declared.arguments.iter().zip(found.arguments) {
                    self.open(*declared, *found, arguments);
                }
            }
            (Type::Tuple(declared), Type::Tuple(found)) => {
                for (declared, found) in declared.iter().zip(found) {
                    self.open(*declared, *found, arguments);
                }
            }
            (Type::List(declared), Type::List(found)) => self.open(*declared, *found, arguments),
            _ => {}
        }
    }

    /// E0262 unless it has so many fields.
    pub fn check(&self, fields: usize, span: Span) -> Result<(), Vec<Diagnostic>> {
        let expected = self.fields().len();
        if expected == fields {
            return Ok(());
        }
        let types: Vec<String> = self.fields().iter().map(Type::to_string).collect();
        let count = |count: usize| match count {
            1 => "1 field".to_owned(),
            count => format!("{count} fields"),
        };
        let name = self.name();
        let message = format!(
            "`{name}` has {}, here it is given {fields}",
            count(expected)
        );
        Err(vec![
            Diagnostic::error("E0262", message)
                .label(span, format!("{} here", count(fields)))
                .help(format!(
                    "`{}` declares it as `{name}({})`",
                    self.data_type.name,
                    types.join(", ").replace('\'', "")
                )),
        ])
    }
}
