//! The names of a query and of its evidence.

use nsdl_syntax::ast::Query;

use super::Names;
use super::arity::Definitions;

impl<'a> Names<'a> {
    pub(super) fn query(&mut self, query: &'a Query, definitions: &Definitions<'a>) {
        match &query.args {
            Some(args) if self.is_foreign(&query.relation, args.len(), query.span, definitions) => {
            }
            Some(args) => {
                self.mention_at(&query.relation, args.len(), query.span, definitions);
            }
            None if self.lists_foreign(&query.relation, definitions) => {}
            None => {
                self.enter(&query.relation, definitions);
            }
        }
        if let Some(evidence) = &query.evidence {
            self.formula(evidence, definitions);
        }
    }
}
