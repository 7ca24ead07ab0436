//! The plan of what a session holds.

use std::sync::Arc;

use nsdl_compile::{Compiled, External, Outside};
use nsdl_ir::{Diagnostic, Plan};
use nsdl_syntax::ast::{Ast, Item, ItemKind, TypeDeclaration};

use super::Session;
use crate::error::Result;
use crate::numbers::Numbers;
use crate::provenance::Provenance;

impl Session {
    /// Compiles everything; keeps the plan and returns the new warnings.
    pub(crate) fn check(&mut self) -> Result<Vec<Diagnostic>> {
        let mut compiled = self.compile()?;
        if self.numbers() == Numbers::Probabilities && !compiled.improbable.is_empty() {
            return Err(self.error(compiled.improbable));
        }
        if self.numbers() != Numbers::Probabilities {
            // Probabilities of 0 and 1 say nothing, other numbers do.
            compiled.warnings.retain(|it| it.code != "W0503");
        }
        self.read_inputs(&compiled)
            .and_then(|()| self.ask_attributes(&compiled))
            .map_err(|errors| self.error(errors))?;
        compiled
            .warnings
            .extend(self.attribute_warnings.iter().cloned());
        self.facts
            .check(&compiled.plan, &self.symbols)
            .map_err(|d| self.error(vec![d]))?;
        let new = compiled
            .warnings
            .iter()
            .filter(|w| !self.warnings.contains(w))
            .cloned()
            .collect();
        self.plan = Arc::new(compiled.plan);
        self.focused = compiled.focused.map(Arc::new);
        self.plain = compiled.plain.map(Arc::new);
        self.warnings = Arc::new(compiled.warnings);
        self.directives = Arc::new(compiled.directives);
        self.improbable = Arc::new(compiled.improbable);
        Ok(new)
    }

    /// The plan of everything so far.
    pub(crate) fn checked_plan(&self) -> Arc<Plan> {
        self.plan.clone()
    }

    /// The plan to answer the queries with.
    pub(crate) fn query_plan(&self) -> Arc<Plan> {
        // The goal may be none of the queries.
        let focused = self
            .focused
            .as_ref()
            .filter(|_| !self.whole && !self.stop_at_goal);
        focused.unwrap_or(&self.plan).clone()
    }

    /// The plan to run: where the provenance asks for no reasons, one that finds the answers without them.
    pub(crate) fn run_plan(&self) -> Arc<Plan> {
        let plain = self.plain.as_ref().filter(|_| {
            // Rounds are those of the program as it is written.
            let written = self.whole || self.stop_at_goal || self.iterations.is_some();
            !written && self.chosen_provenance() == Provenance::Unit
        });
        plain.cloned().unwrap_or_else(|| self.query_plan())
    }

    fn compile(&self) -> Result<Compiled> {
        let without_queries: Vec<Ast>;
        let mut asts: Vec<&Ast> = match &self.queries {
            None => self.programs.iter().map(Arc::as_ref).collect(),
            Some(_) => {
                without_queries = self.programs.iter().map(|ast| strip_queries(ast)).collect();
                without_queries.iter().collect()
            }
        };
        asts.extend(self.queries.as_deref());
        asts.extend(self.evidence.iter().map(Arc::as_ref));
        // Facts give way to programs: types that a program declares are left to it.
        let mut externals = self.facts.externals();
        let mut guesses = Vec::new();
        for (i, external) in externals.iter_mut().enumerate() {
            if self
                .programs
                .iter()
                .any(|ast| declares(ast, &external.name))
            {
                external.columns.fill(None);
            } else {
                guesses.extend((0..external.columns.len()).map(|column| (i, column)));
            }
        }
        let mut compiled = self
            .compile_guessing(&asts, &externals, &guesses)
            .map_err(|errors| self.error(errors))?;
        if self.queries.is_some() {
            // The programs' own queries would use more.
            compiled.warnings.retain(|it| it.code != "W0203");
        }
        Ok(compiled)
    }

    /// Compiles with the types that facts suggest for some columns of `externals`. Where these clash with what the
    /// program implies, leaves them to the program: all of them, or else as few as makes errors fewer.
    fn compile_guessing(
        &self,
        asts: &[&Ast],
        externals: &[External],
        guesses: &[(usize, usize)],
    ) -> Result<Compiled, Vec<Diagnostic>> {
        let compile = |externals: &[External]| {
            let outside = Outside {
                relations: externals,
                arguments: &self.argument_values,
                attributes: &self.attribute_names,
                registry: self.callable(),
                any_number: true,
            };
            nsdl_compile::compile_with(asts, &outside, &self.symbols)
        };
        let clashes = |errors: &[Diagnostic]| errors.iter().filter(|d| d.is_error()).count();
        let first = match compile(externals) {
            Err(errors) if !guesses.is_empty() => errors,
            result => return result,
        };
        let mut inferred = externals.to_vec();
        inferred
            .iter_mut()
            .for_each(|external| external.columns.fill(None));
        if let Ok(compiled) = compile(&inferred) {
            return Ok(compiled);
        }
        let mut externals = externals.to_vec();
        let mut fewest = clashes(&first);
        for &(external, column) in guesses {
            let mut trial = externals.clone();
            if let Some(ty) = trial
                .get_mut(external)
                .and_then(|e| e.columns.get_mut(column))
            {
                *ty = None;
            }
            match compile(&trial) {
                Ok(compiled) => return Ok(compiled),
                Err(errors) if clashes(&errors) < fewest => {
                    fewest = clashes(&errors);
                    externals = trial;
                }
                Err(_) => {}
            }
        }
        Err(first)
    }

    pub(crate) fn is_relation_name(&self, name: &str) -> bool {
        let (ast, diagnostics) = nsdl_syntax::parse(&format!("query {name}"), Default::default());
        diagnostics.is_empty()
            && matches!(ast.items.as_slice(), [item] if matches!(&item.kind,
                ItemKind::Query(query) if query.args.is_none() && query.relation.text == name))
    }
}

fn strip_queries(ast: &Ast) -> Ast {
    let keep = |item: &&Item| !matches!(item.kind, ItemKind::Query(_));
    Ast {
        items: ast.items.iter().filter(keep).cloned().collect(),
    }
}

fn declares(ast: &Ast, relation: &str) -> bool {
    ast.items.iter().any(|item| match &item.kind {
        ItemKind::Types(declarations) => declarations
            .iter()
            .any(|d| matches!(d, TypeDeclaration::Relation { name, .. } if name.text == relation)),
        _ => false,
    })
}
