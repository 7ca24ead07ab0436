//! Attributes of the host program: `@name(…)` before a declaration asks it for the facts.

use std::sync::Arc;

use nsdl_compile::Compiled;
use nsdl_ir::{Diagnostic, Type, Value};

pub use nsdl_compile::AttributeValue;

use super::Session;
use crate::batch::{Batch, Tags};
use crate::facts::relation_id;

/// What an attribute of the host program is asked.
#[derive(Clone, Debug)]
pub struct AttributeItem {
    /// The relation that it stands before.
    pub relation: String,
    /// Types of the columns.
    pub types: Vec<Type>,
    /// Names of the columns; empty if none has one.
    pub fields: Vec<Option<String>>,
    /// Arguments by position.
    pub positional: Vec<AttributeValue>,
    /// Arguments by name.
    pub named: Vec<(String, AttributeValue)>,
}

/// What it answers: facts, as for [`Session::add_facts`].
#[derive(Clone, Debug, Default)]
pub struct AttributeFacts {
    /// The tuples; none is an answer too.
    pub tuples: Vec<Vec<Value>>,
    /// Their probabilities.
    pub probabilities: Option<Vec<f64>>,
    /// Whether they exclude each other.
    pub exclusive: bool,
}

/// What understands an attribute; an error is a sentence for the user.
pub(crate) type AttributeFunction =
    Arc<dyn Fn(&AttributeItem) -> Result<AttributeFacts, String> + Send + Sync>;

impl Session {
    /// Makes programs that are added from now on understand `@name(…)` before the declaration of a relation:
    /// `function` gets the relation and the arguments, once, and answers with facts.
    ///
    /// ```
    /// use nsdl::{AttributeFacts, AttributeValue, Session, Value, print};
    ///
    /// let mut session = Session::new();
    /// session.add_attribute("squares", |item| match item.positional.as_slice() {
    ///     [AttributeValue::Value(Value::I32(n))] => Ok(AttributeFacts {
    ///         tuples: (0..i64::from(*n)).map(|i| vec![Value::I64(i), Value::I64(i * i)]).collect(),
    ///         ..AttributeFacts::default()
    ///     }),
    ///     _ => Err("it takes a number".to_owned()),
    /// });
    /// session.add_program("squares.dl", "@squares(3) type square(i32, u64)")?;
    /// assert_eq!(print::text(&session.run()?.relations[0]), "square: {(0, 0), (1, 1), (2, 4)}");
    /// # Ok::<(), nsdl::Error>(())
    /// ```
    pub fn add_attribute(
        &mut self,
        name: &str,
        function: impl Fn(&AttributeItem) -> Result<AttributeFacts, String> + Send + Sync + 'static,
    ) {
        self.attribute_names.retain(|known| known != name);
        self.attribute_functions.retain(|(known, _)| known != name);
        self.attribute_names.push(name.to_owned());
        self.attribute_functions
            .push((name.to_owned(), Arc::new(function)));
    }

    /// Asks the host program for the attributes that it has not been asked for.
    pub(super) fn ask_attributes(&mut self, compiled: &Compiled) -> Result<(), Vec<Diagnostic>> {
        for attribute in &compiled.directives.foreign {
            let known = |(name, _): &&(String, _)| *name == attribute.name;
            let (Some((_, function)), Some(relation)) = (
                self.attribute_functions.iter().find(known),
                relation_id(&compiled.plan, &attribute.relation)
                    .and_then(|id| compiled.plan.relations.get(id.index())),
            ) else {
                continue;
            };
            if !self.attributes_done.insert(attribute.span) {
                continue;
            }
            let item = AttributeItem {
                relation: attribute.relation.clone(),
                types: relation.columns.clone(),
                fields: compiled.directives.fields(&attribute.relation).to_vec(),
                positional: attribute.positional.clone(),
                named: attribute.named.clone(),
            };
            let facts = function(&item).map_err(|why| {
                let d = Diagnostic::error("E0244", format!("`@{}`: {why}", attribute.name));
                vec![d.label(attribute.span, "asked here")]
            })?;
            if facts.tuples.is_empty() {
                continue;
            }
            let added = Tags::new(
                &item.relation,
                &facts.tuples,
                facts.probabilities,
                facts.exclusive,
                self.numbers(),
            )
            .and_then(|tags| Batch::new(&item.relation, &facts.tuples, tags, &self.symbols))
            .and_then(|batch| {
                batch.check(&item.relation, &item.types, &self.symbols)?;
                self.facts.push(&item.relation, batch)
            });
            added.map_err(|d| vec![d.label(attribute.span, "given by this attribute")])?;
        }
        Ok(())
    }
}
