//! A session: programs and facts, added bit by bit, and what follows from them.

mod arguments;
mod attributes;
mod compile;
mod enter;
mod files;
pub(crate) mod foreign;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl_circuit::Budget;
use nsdl_compile::{Directives, did_you_mean};
use nsdl_eval::Limits;
use nsdl_functions::Registry;
use nsdl_ir::{Aggregate, Diagnostic, Plan, RelationId, Span, Symbols, Tag, Type, Value};
use nsdl_syntax::ast::{Ast, ItemKind};
use rustc_hash::FxHashSet;

use crate::batch::{Batch, Tags};
use crate::error::{Error, Result};
use crate::facts::{Facts, Undo, relation_id};
use crate::imports::{self, Loaded};
use crate::numbers::Numbers;
use crate::program::{Program, Signature};
use crate::provenance::Provenance;
use crate::relation::Relation;
use crate::run::{Outcome, Run, outputs};
use crate::text::Texts;

pub use arguments::Argument;
pub use attributes::{AttributeFacts, AttributeItem, AttributeValue};
pub use enter::Entry;

use attributes::AttributeFunction;

/// Programs and facts, and what follows from them.
///
/// A call that fails leaves the session as it was. Cloning is cheap: texts, trees and facts are shared.
#[derive(Clone, Default)]
pub struct Session {
    pub(crate) texts: Texts,
    programs: Vec<Arc<Ast>>,
    /// The modules among them.
    loaded: Loaded,
    /// What to print instead of what the programs say.
    queries: Option<Arc<Ast>>,
    /// Evidence from outside.
    pub(crate) evidence: Vec<Arc<Ast>>,
    pub(crate) facts: Facts,
    pub(crate) symbols: Arc<Symbols>,
    /// The plan of the programs and facts so far: it knows the relations and their types.
    plan: Arc<Plan>,
    /// The plan of the queries alone, where that is less work.
    focused: Option<Arc<Plan>>,
    plain: Option<Arc<Plan>>,
    whole: bool,
    /// What the compiler had to say about it.
    warnings: Arc<Vec<Diagnostic>>,
    /// Tags of the programs that are no probabilities: errors under provenances that read them as such.
    pub(crate) improbable: Arc<Vec<Diagnostic>>,
    pub(crate) provenance: Option<Provenance>,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    pub(crate) cancel: Option<Arc<AtomicBool>>,
    /// What the host program supplies.
    pub(crate) registry: Registry,
    pub(crate) seed: u64,
    /// See [`Session::set_any_number`].
    pub(crate) any_number: bool,
    pub(crate) iterations: Option<usize>,
    pub(crate) last: Option<Arc<Run>>,
    /// What the attributes of the programs ask for.
    directives: Arc<Directives>,
    /// The attributes that have been served: their files are read, their functions called.
    attributes_done: FxHashSet<Span>,
    attribute_warnings: Vec<Diagnostic>,
    attribute_names: Vec<String>,
    attribute_functions: Vec<(String, AttributeFunction)>,
    argument_values: Vec<(String, String)>,
    /// Where the paths of texts without a file begin.
    folder: PathBuf,
    pub(crate) stop_at_goal: bool,
}

impl Session {
    /// An empty session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the provenance; `None` (the default) means `unit` if nothing is uncertain, else `auto`.
    pub fn set_provenance(&mut self, provenance: Option<Provenance>) {
        self.provenance = provenance;
    }

    /// The chosen provenance.
    pub fn provenance(&self) -> Option<Provenance> {
        self.provenance
    }

    /// Bounds on rounds, tuples and rule instances: a program that does not end fails instead of running on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Leaves each recursion as it is after so many rounds, the first included; `None`, the default: when nothing new
    /// comes of it. What holds then is derived in that many steps; where negation or aggregates read it, they read it
    /// incomplete.
    pub fn set_iteration_limit(&mut self, rounds: Option<usize>) {
        self.iterations = rounds;
    }

    /// Whether queries that bind arguments, such as `path(0, _)`, compute only what they ask for (magic sets)
    /// where that pays: the default. The answers are the same either way, but for warnings of derivations that
    /// nobody asked for.
    pub fn set_demand(&mut self, demand: bool) {
        self.whole = !demand;
    }

    /// The bound on the size of circuits.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// A flag that, once true, makes evaluations of this session fail with `E0613` as soon as they notice.
    pub fn set_cancel(&mut self, cancel: Arc<AtomicBool>) {
        self.cancel = Some(cancel);
    }

    /// The seed of what `uniform` and `categorical` draw, 0 by default: the same program, facts and seed give the
    /// same draws.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// The chosen seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Adds the text of a program; `name` is for messages. Returns the warnings that are new.
    ///
    /// # Errors
    /// Everything that is wrong with the text, alone or beside the session's other programs and facts.
    pub fn add_program(&mut self, name: &str, text: &str) -> Result<Vec<Diagnostic>> {
        let mut next = self.clone();
        next.parse_program(name, text)?;
        let warnings = next.check()?;
        *self = next;
        Ok(warnings)
    }

    /// Adds the program in a file.
    ///
    /// # Errors
    /// `E0701` if it cannot be read, else as [`Session::add_program`].
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<Vec<Diagnostic>> {
        let path = path.as_ref();
        let text = read_text(path)?;
        self.add_program(&path.display().to_string(), &text)
    }

    /// Adds a program.
    ///
    /// # Errors
    /// If it clashes with what is there.
    pub fn add(&mut self, program: &Program) -> Result<Vec<Diagnostic>> {
        self.add_program(program.name(), program.text())
    }

    /// Adds facts. Values are converted to the types of the columns: those that a program declares or implies,
    /// else those of the values themselves, where plain integers (`Value::I64`) are `i32` if all fit.
    ///
    /// With `probabilities` each fact is a Boolean variable of its own, or, if `exclusive`, an alternative of
    /// one categorical variable; exclusive facts without probabilities are equally probable.
    ///
    /// # Errors
    /// `E0510`, `E0511` and `E0520` for probabilities, `E0202`, `E0301`, `E0501` and `E0521` for values that do
    /// not fit, compile errors if the facts clash with the program.
    pub fn add_facts(
        &mut self,
        relation: &str,
        tuples: Vec<Vec<Value>>,
        probabilities: Option<Vec<f64>>,
        exclusive: bool,
    ) -> Result<()> {
        let batch = Tags::new(relation, &tuples, probabilities, exclusive, self.numbers())
            .and_then(|tags| Batch::new(relation, &tuples, tags, &self.symbols))
            .map_err(|d| self.error(vec![d]))?;
        self.add_batch(relation, batch)
    }

    /// What tags are under the chosen provenance.
    pub(crate) fn numbers(&self) -> Numbers {
        match self.provenance {
            _ if self.any_number => Numbers::Any,
            Some(provenance) => provenance.numbers(),
            None => Numbers::Probabilities,
        }
    }

    pub(crate) fn add_batch(&mut self, relation: &str, batch: Batch) -> Result<()> {
        let known = self.types(relation);
        let known_before = known.is_some();
        if batch.is_empty() {
            // No facts, no types: nothing but the name can be wrong.
            return match known {
                Some(_) => Ok(()),
                None => Err(self.error(vec![self.unknown_relation(relation)])),
            };
        }
        if known.is_none() && !self.is_relation_name(relation) {
            let d = Diagnostic::error("E0814", format!("`{relation}` is no name of a relation"))
                .help("a name is a letter followed by letters, digits and underscores, and no keyword");
            return Err(self.error(vec![d]));
        }
        let filled_before = self.facts.contains(relation);
        let misfit = known.and_then(|types| batch.check(relation, &types, &self.symbols).err());
        if let Some(misfit) = &misfit
            && !filled_before
        {
            return Err(self.error(vec![misfit.clone()]));
        }
        // The first facts of a relation may end the warning that nothing defines it.
        let fits = known_before && misfit.is_none() && filled_before;
        let undo = match self.facts.push(relation, batch) {
            Ok(_) if fits => return Ok(()),
            Ok(undo) => undo,
            Err(clash) => return Err(self.error(vec![misfit.unwrap_or(clash)])),
        };
        // The types may have been those of earlier facts only: with these, they may be others.
        self.check().map(drop).map_err(|error| {
            self.facts.undo(undo);
            misfit.map_or(error, |misfit| self.error(vec![misfit]))
        })
    }

    /// Replaces the queries of the programs, as texts such as `path` or `path(0, _)`; none means all relations.
    ///
    /// # Errors
    /// If a text is no query, or names an unknown relation.
    pub fn queries(&mut self, queries: Vec<String>) -> Result<()> {
        let mut next = self.clone();
        next.queries = Some(Arc::new(next.parse_queries(&queries)?));
        next.check()?;
        *self = next;
        Ok(())
    }

    fn parse_queries(&mut self, queries: &[String]) -> Result<Ast> {
        let mut all = Ast::default();
        for query in queries {
            let ast = self.parse("<query>", &format!("query {query}"))?;
            if !matches!(ast.items.as_slice(), [item] if matches!(item.kind, ItemKind::Query(_))) {
                let d = Diagnostic::error("E0813", format!("`{query}` is no query"))
                    .help("a query is the name of a relation, or an atom such as `path(0, _)`");
                return Err(self.error(vec![d]));
            }
            all.items.extend(ast.items);
        }
        Ok(all)
    }

    /// Whether evaluations end as soon as the relation under `@goal` has a tuple: what other relations hold then
    /// is true, but not all of it, and probabilities are lower bounds.
    pub fn set_stop_at_goal(&mut self, stop: bool) {
        self.stop_at_goal = stop;
    }

    /// The relation under `@goal`.
    pub(crate) fn goal(&self) -> Option<RelationId> {
        let (name, _) = self.directives.goal.as_ref()?;
        relation_id(&self.plan, name)
    }

    /// Evaluates the programs over the facts, and writes the queries under `@file` to their files.
    ///
    /// With queries the outcome has their relations, without all that are not `@hidden`. Derivations dropped
    /// for overflow and the like become warnings.
    ///
    /// # Errors
    /// `E06xx` where a limit or budget is met or the evaluation was cancelled; `E07xx` if a file cannot be written.
    pub fn run(&mut self) -> Result<Outcome> {
        self.solve()?;
        let run = self
            .last
            .as_ref()
            .ok_or_else(|| self.error(vec![not_run()]))?;
        Ok(Outcome {
            relations: run.relations(self),
            warnings: run.warnings.clone(),
            dropped: run.dropped,
            statistics: run.statistics.clone(),
            written: self.write_outputs()?,
            provenance: run.provenance(),
        })
    }

    /// As [`Session::run`], for callers who then ask for single relations: builds none, returns the warnings.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn solve(&mut self) -> Result<Vec<Diagnostic>> {
        let run = Run::new(self)?;
        let warnings = run.warnings.clone();
        self.last = Some(Arc::new(run));
        Ok(warnings)
    }

    /// What the last [`Session::run`] gave for a relation or query.
    ///
    /// A relation that run did not evaluate, since the queries do not need it, is evaluated now; so is any text of a
    /// query, such as `path(0, _)` or `path(0, 2) | edge(0, 1)`.
    ///
    /// # Errors
    /// `E0812` before a run, `E0201` for an unknown name, else as [`Session::ask`].
    pub fn relation(&self, name: &str) -> Result<Relation> {
        let Some(run) = &self.last else {
            return Err(self.error(vec![not_run()]));
        };
        if let Some(relation) = run.relation(name, self)? {
            return Ok(relation);
        }
        if self.is_relation_name(name) {
            return Err(self.error(vec![self.unknown_relation(name)]));
        }
        // Its text may be canonical only now; if no query asked for it, it is answered anew.
        let answers = self.ask(name)?.relations.pop();
        answers.ok_or_else(|| self.error(vec![self.unknown_relation(name)]))
    }

    /// Answers one query, such as `path` or `path(0, _)`, in a fresh evaluation.
    ///
    /// # Errors
    /// As [`Session::queries`] and [`Session::run`].
    pub fn ask(&self, query: &str) -> Result<Outcome> {
        let mut next = self.clone();
        next.queries(vec![query.to_owned()])?;
        next.run()
    }

    /// The names of the relations and queries that [`Session::run`] gives, in order.
    pub fn outputs(&self) -> Vec<String> {
        outputs(&self.plan)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    /// The relations of the programs and facts, in order of first appearance.
    pub fn relations(&self) -> Vec<Signature> {
        Signature::all(&self.plan)
    }

    /// The column types of a relation: declared, inferred from the programs, or else from facts added so far.
    pub fn types(&self, relation: &str) -> Option<Vec<Type>> {
        let id = relation_id(&self.plan, relation)?;
        Some(self.plan.relations.get(id.index())?.columns.clone())
    }

    /// Whether anything is uncertain: a tagged fact or rule, or an aggregate that makes random variables.
    pub fn has_uncertainty(&self) -> bool {
        let makes_choices = |aggregate: &Aggregate| aggregate.op.makes_choices();
        !self.plan.choices.is_empty()
            || self.plan.aggregates.iter().any(makes_choices)
            || self.plan.facts.iter().any(|fact| fact.tag != Tag::Certain)
            || self.facts.is_uncertain()
            || foreign::is_uncertain(&self.plan)
    }

    /// The provenance of the next run: the chosen one or the default.
    pub(crate) fn chosen_provenance(&self) -> Provenance {
        let default = match self.has_uncertainty() {
            true => Provenance::Auto,
            false => Provenance::Unit,
        };
        self.provenance.unwrap_or(default)
    }

    /// The syntax trees of the programs and of the modules they import, each module before its first user.
    pub fn trees(&self) -> Vec<&Ast> {
        self.programs.iter().map(Arc::as_ref).collect()
    }

    /// The evaluation plan, for people.
    pub fn plan(&self) -> String {
        nsdl_compile::show(&self.run_plan(), &self.symbols)
    }

    /// All that the compiler warns of.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Renders diagnostics of this session with their source lines, with ANSI colours if `color`.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        self.texts.render(diagnostics, color)
    }

    pub(crate) fn error(&self, diagnostics: Vec<Diagnostic>) -> Error {
        Error::new(diagnostics, &self.texts)
    }

    /// `E0201`, with the nearest names.
    pub(crate) fn unknown_relation(&self, name: &str) -> Diagnostic {
        let known = self
            .plan
            .relations
            .iter()
            .filter(|r| !r.auxiliary)
            .map(|r| r.name.as_str());
        let mut d = Diagnostic::error("E0201", format!("unknown relation `{name}`"));
        d.help = did_you_mean(name, known).or_else(|| {
            Some(format!(
                "declare it, for example `type {name}(i32, String)`"
            ))
        });
        d
    }

    /// Parses a text and keeps it for messages.
    pub(crate) fn parse(&mut self, name: &str, text: &str) -> Result<Ast> {
        let folder = self.folder(name);
        let id = self.texts.add(name, text, &folder);
        let (ast, diagnostics) = nsdl_syntax::parse(text, id);
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(self.error(diagnostics));
        }
        Ok(ast)
    }

    /// Parses a program, loads its imports and adds all of them, unchecked.
    fn parse_program(&mut self, name: &str, text: &str) -> Result<()> {
        let ast = self.parse(name, text)?;
        let trees = self.load(ast, name)?;
        self.programs.extend(trees.into_iter().map(Arc::new));
        Ok(())
    }

    /// The modules that a tree imports, then the tree itself. `name` may be the file it is from.
    fn load(&mut self, ast: Ast, name: &str) -> Result<Vec<Ast>> {
        let mut loaded = self.loaded.clone();
        let mut texts = self.texts.clone();
        let folder = self.folder(name);
        let is_global = |name: &str| self.registry.predicate(name).is_some();
        let trees = imports::load(ast, name, &folder, &mut texts, &mut loaded, &is_global);
        self.texts = texts;
        let trees = trees.map_err(|errors| self.error(errors))?;
        self.loaded = loaded;
        Ok(trees)
    }

    /// Adds a program whose relations may be known only once facts are added: unlike [`Session::add_program`],
    /// checks its syntax alone.
    pub(crate) fn add_unchecked(&mut self, name: &str, text: &str) -> Result<()> {
        self.parse_program(name, text)
    }

    /// Adds facts without a look at the programs.
    pub(crate) fn add_batch_unchecked(&mut self, relation: &str, batch: Batch) -> Result<Undo> {
        self.facts
            .push(relation, batch)
            .map_err(|d| self.error(vec![d]))
    }

    /// As [`Session::queries`], unchecked.
    pub(crate) fn queries_unchecked(&mut self, queries: &[String]) -> Result<()> {
        self.queries = Some(Arc::new(self.parse_queries(queries)?));
        Ok(())
    }
}

impl From<&Program> for Session {
    fn from(program: &Program) -> Self {
        program.session().clone()
    }
}

pub(crate) fn not_run() -> Diagnostic {
    Diagnostic::error("E0812", "no relation has been computed yet").help("call `run` first")
}

/// Reads a program file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Diagnostic::error(
            "E0701",
            format!("cannot read `{}`: {error}", path.display()),
        )
        .into()
    })
}
