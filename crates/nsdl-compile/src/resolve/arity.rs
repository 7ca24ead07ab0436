//! How many columns each relation has, and whether anything fills it.

use nsdl_ir::Span;
use nsdl_syntax::ast::{Item, ItemKind, Name, TypeDeclaration};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Names, attributes, head_atoms};
use crate::External;

/// How many columns a relation has, and who says so.
#[derive(Clone, Copy)]
pub(super) struct Arity {
    pub columns: usize,
    /// `None` for facts from outside.
    pub span: Option<Span>,
}

/// Who says how many columns a relation has, and whether anything fills it.
pub(super) struct Definitions<'a> {
    /// Declarations come first, then facts from outside, then the first fact or rule.
    pub arity: FxHashMap<&'a str, Arity>,
    /// First declaration of each relation.
    pub declared: FxHashMap<&'a str, Span>,
    pub filled: FxHashSet<&'a str>,
}

impl<'a> Definitions<'a> {
    pub fn gather(
        items: impl Iterator<Item = &'a Item> + Clone,
        externals: &'a [External],
        names: &Names<'a>,
    ) -> Self {
        let mut it = Definitions {
            arity: FxHashMap::default(),
            declared: FxHashMap::default(),
            filled: FxHashSet::default(),
        };
        for item in items.clone() {
            let ItemKind::Types(declarations) = &item.kind else {
                continue;
            };
            let filled = attributes::fills(item, names.foreign_attributes);
            for declaration in declarations {
                let TypeDeclaration::Relation { name, columns, .. } = declaration else {
                    continue;
                };
                let arity = Arity {
                    columns: columns.len(),
                    span: Some(name.span),
                };
                it.arity.entry(&name.text).or_insert(arity);
                it.declared.entry(&name.text).or_insert(name.span);
                if filled {
                    it.filled.insert(&name.text);
                }
            }
        }
        for external in externals {
            let arity = Arity {
                columns: external.columns.len(),
                span: None,
            };
            // Where both a declaration and the outside speak, `Names::external` compares them.
            it.arity.entry(&external.name).or_insert(arity);
            it.filled.insert(&external.name);
        }
        for item in items {
            match &item.kind {
                ItemKind::Import(_)
                | ItemKind::Types(_)
                | ItemKind::Extern(_)
                | ItemKind::Function(_)
                | ItemKind::Constants(_)
                | ItemKind::Query(_)
                | ItemKind::Evidence(_) => {}
                ItemKind::Fact { atom, .. } => {
                    it.fill(&atom.relation, Some(atom.args.len()), atom.span)
                }
                ItemKind::FactSet {
                    relation, members, ..
                } => match members.first() {
                    Some(first) => it.fill(relation, Some(first.tuple.len()), first.span),
                    None => it.fill(relation, None, relation.span),
                },
                ItemKind::Rule { head, .. } => {
                    for atom in head_atoms(head) {
                        it.fill(&atom.relation, Some(atom.args.len()), atom.span);
                    }
                }
                ItemKind::AggregateRule {
                    relation,
                    aggregate,
                } => {
                    let arity = names.sugar_arity(aggregate);
                    it.fill(relation, arity, relation.span);
                }
            }
        }
        it
    }

    /// Whether something declares the relation, fills it or says that it will be filled.
    pub fn knows(&self, name: &str) -> bool {
        self.arity.contains_key(name) || self.filled.contains(name)
    }

    fn fill(&mut self, relation: &'a Name, arity: Option<usize>, span: Span) {
        self.filled.insert(&relation.text);
        if let Some(columns) = arity {
            self.arity.entry(&relation.text).or_insert(Arity {
                columns,
                span: Some(span),
            });
        }
    }
}
