//! The terms there are: extents get those in facts and in new rows, at any depth.

use nsdl_ir::{Constructor, Plan, Symbols, Type, Word};
use rustc_hash::{FxHashMap, FxHashSet};

/// Which terms the extents have.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    /// The relation of each constructor that has one.
    relations: FxHashMap<&'static Constructor, usize>,
    /// Terms whose parts are all in their extents.
    known: FxHashSet<Word>,
    /// By relation, the columns whose values are or hold terms.
    columns: Vec<Vec<usize>>,
    /// By rule, whether its new rows may hold terms that nothing else holds.
    makers: Vec<bool>,
}

impl Extents {
    pub(crate) fn new(plan: &Plan) -> Self {
        let extents = plan.extents.iter();
        let mut makers = vec![false; plan.rules.len()];
        for rule in plan.extents.iter().flat_map(|extent| &extent.makers) {
            makers[rule.index()] = true;
        }
        let columns = plan.relations.iter().map(|relation| {
            let columns = relation.columns.iter().enumerate();
            let compound = columns.filter(|(_, ty)| ty.is_compound());
            compound.map(|(column, _)| column).collect()
        });
        Self {
            relations: extents
                .map(|extent| (extent.constructor, extent.relation.index()))
                .collect(),
            known: FxHashSet::default(),
            columns: columns.collect(),
            makers,
        }
    }

    /// Whether no pattern asks for any term.
    pub(crate) fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// Whether new rows of a rule may hold terms that nothing else holds.
    pub(crate) fn makes(&self, rule: usize) -> bool {
        self.makers.get(rule).copied().unwrap_or_default()
    }

    /// Calls `add` with extent and row for each term in a row of a relation that no row had before, however
    /// deep: nothing recurses.
    pub(crate) fn visit(
        &mut self,
        plan: &Plan,
        relation: usize,
        row: &[Word],
        symbols: &Symbols,
        add: &mut dyn FnMut(usize, &[Word]),
    ) {
        let types = &plan.relations[relation].columns;
        let mut open: Vec<(Word, Type)> = self.columns[relation]
            .iter()
            .map(|&column| (row[column], types[column]))
            .collect();
        while let Some((word, ty)) = open.pop() {
            match ty {
                Type::Entity | Type::Adt(_) if self.known.insert(word) => {
                    let Some((constructor, fields)) = symbols.term(word) else {
                        continue;
                    };
                    let parts = fields.iter().copied();
                    let compound = parts.zip(constructor.fields.iter().copied());
                    open.extend(compound.filter(|(_, ty)| ty.is_compound()));
                    if let Some(&extent) = self.relations.get(constructor) {
                        let row: Vec<Word> =
                            [word].into_iter().chain(fields.iter().copied()).collect();
                        add(extent, &row);
                    }
                }
                Type::Tuple(types) => {
                    let parts = symbols.list(word);
                    open.extend(parts.iter().copied().zip(types.iter().copied()));
                }
                Type::List(element) if element.is_compound() => {
                    let elements = symbols.list(word);
                    open.extend(elements.iter().map(|&word| (word, *element)));
                }
                _ => {}
            }
        }
    }
}
