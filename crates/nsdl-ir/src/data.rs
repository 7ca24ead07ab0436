//! Algebraic data types as declared.

use crate::{Adt, Constructor, Type};

/// `type List<T> = Cons(T, List<T>) | Nil()`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataType {
    /// Its name.
    pub name: String,
    /// Its type parameters.
    pub parameters: Vec<String>,
    /// Its constructors, in order of declaration.
    pub constructors: Vec<ConstructorDefinition>,
}

/// `Cons(head: T, tail: List<T>)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstructorDefinition {
    /// Its name, of which a program has one.
    pub name: String,
    /// The types of its fields; parameters of the data type are [`Type::parameter`]s.
    pub fields: Vec<Type>,
}

impl DataType {
    /// The type with these arguments, one a parameter.
    pub fn ty(&self, arguments: &[Type]) -> Type {
        Type::adt(&self.name, arguments)
    }

    /// The constructor at that position, of the type with these arguments.
    pub fn constructor(&self, position: usize, arguments: &[Type]) -> Option<&'static Constructor> {
        let definition = self.constructors.get(position)?;
        if arguments.len() != self.parameters.len() {
            return None;
        }
        let fields = definition.fields.iter();
        let constructor = Constructor {
            ty: self.ty(arguments),
            position: u32::try_from(position).ok()?,
            name: definition.name.clone(),
            fields: fields
                .map(|field| field.substitute(&self.parameters, arguments))
                .collect(),
        };
        Some(constructor.interned())
    }

    /// Its constructors as they are declared: `Cons('T, List<'T>), Nil()`.
    pub fn constructors_text(&self) -> String {
        let one = |it: &ConstructorDefinition| {
            let fields: Vec<String> = it.fields.iter().map(Type::to_string).collect();
            format!("`{}({})`", it.name, fields.join(", "))
        };
        let all: Vec<String> = self.constructors.iter().map(one).collect();
        all.join(", ")
    }
}

impl Type {
    /// The type parameter of that name, inside a [`DataType`]; no name of a type begins like it.
    pub fn parameter(name: &str) -> Type {
        Type::adt(&format!("'{name}"), &[])
    }

    /// The name, if it is a type parameter.
    pub fn as_parameter(self) -> Option<&'static str> {
        match self {
            Type::Adt(Adt {
                name,
                arguments: [],
            }) => name.strip_prefix('\''),
            _ => None,
        }
    }

    /// The type with each of `parameters` replaced by the one of `arguments` at its position.
    pub fn substitute(self, parameters: &[String], arguments: &[Type]) -> Type {
        let each = |types: &[Type]| -> Vec<Type> {
            let types = types.iter();
            types
                .map(|ty| ty.substitute(parameters, arguments))
                .collect()
        };
        match self {
            _ if parameters.is_empty() => self,
            Type::Adt(adt) => match self.as_parameter() {
                Some(name) => {
                    let position = parameters.iter().position(|it| it == name);
                    let argument = position.and_then(|position| arguments.get(position));
                    argument.copied().unwrap_or(self)
                }
                None => Type::adt(adt.name, &each(adt.arguments)),
            },
            Type::Tuple(parts) => Type::tuple(&each(parts)),
            Type::List(element) => Type::list(element.substitute(parameters, arguments)),
            plain => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constructor_is_made_for_each_argument() {
        let parameter = Type::parameter("T");
        let list = DataType {
            name: "List".into(),
            parameters: vec!["T".into()],
            constructors: vec![ConstructorDefinition {
                name: "Cons".into(),
                fields: vec![
                    Type::tuple(&[parameter, Type::I32]),
                    Type::list(Type::adt("List", &[parameter])),
                ],
            }],
        };
        let made = list.constructor(0, &[Type::String]);
        assert_eq!(
            made.map(|it| it.fields.clone()),
            Some(vec![
                Type::tuple(&[Type::String, Type::I32]),
                Type::list(Type::adt("List", &[Type::String])),
            ])
        );
        assert_eq!(made, list.constructor(0, &[Type::String]));
        assert_eq!(list.constructor(0, &[]), None);
        assert_eq!(list.constructor(1, &[Type::I32]), None);
        assert_eq!(list.constructors_text(), "`Cons(('T, i32), [List<'T>])`");
    }
}
