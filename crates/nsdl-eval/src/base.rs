//! Facts that many evaluations of one plan have in common: loaded and indexed once.

use std::sync::OnceLock;

use nsdl_ir::{Diagnostic, Fact, Plan};

use crate::index::Indexes;
use crate::members::Fresh;
use crate::scope::check_facts;
use crate::table::Rows;

/// The facts of some relations, all of which hold, for evaluations of one plan ([`Options::base`](crate::Options::base)).
///
/// These are all the rows of those relations: no rule derives any, and no evaluation is given more.
#[derive(Debug)]
pub struct Base {
    /// Per relation of the plan, its rows and the set of them, if it is one of those.
    relations: Vec<Option<(Rows, Fresh)>>,
    /// Their indexes, as the first evaluation left them.
    indexes: OnceLock<Indexes>,
}

impl Base {
    /// Loads facts, whose tags are not looked at.
    ///
    /// # Errors
    /// E0801 if a fact does not fit its relation.
    pub fn new<'f>(
        plan: &Plan,
        facts: impl IntoIterator<Item = &'f Fact>,
    ) -> Result<Self, Diagnostic> {
        let mut relations: Vec<Option<(Rows, Fresh)>> = vec![None; plan.relations.len()];
        for fact in facts {
            check_facts(plan, std::slice::from_ref(fact))?;
            let (rows, fresh) = relations[fact.relation.index()].get_or_insert_with(|| {
                (Rows::new(fact.row.len()), Fresh::new(fact.row.len(), true))
            });
            fresh.intern(rows, &fact.row);
        }
        for (rows, fresh) in relations.iter_mut().flatten() {
            rows.append(&mut fresh.rows);
        }
        Ok(Self {
            relations,
            indexes: OnceLock::new(),
        })
    }

    /// Its relations, with their rows and the sets of these.
    pub(crate) fn relations(&self) -> impl Iterator<Item = (usize, &Rows, &Fresh)> {
        let relations = self.relations.iter().enumerate();
        relations.filter_map(|(relation, it)| {
            let (rows, fresh) = it.as_ref()?;
            Some((relation, rows, fresh))
        })
    }

    pub(crate) fn indexes(&self) -> Indexes {
        self.indexes.get().cloned().unwrap_or_default()
    }

    /// Keeps the indexes that an evaluation has of its relations, if it is the first.
    pub(crate) fn keep(&self, indexes: &Indexes) {
        let rows = |relation: usize| Some(&self.relations.get(relation)?.as_ref()?.0);
        self.indexes.get_or_init(|| indexes.of(rows));
    }
}
