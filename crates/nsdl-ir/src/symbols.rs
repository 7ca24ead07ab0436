//! The interner of everything that does not fit a word.

use std::sync::{Arc, PoisonError, RwLock};

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

use crate::{Constructor, DataType, Tensor, Type, Word};

/// Interned text, 128-bit patterns, terms, tuples, lists and tensors: equal values have equal ids, ids are dense and never reused.
///
/// Shared by everything that exchanges [`Word`]s, so it interns through `&self`; reading takes a read lock.
#[derive(Debug, Default)]
pub struct Symbols {
    texts: RwLock<IndexSet<Arc<str>, FxBuildHasher>>,
    wides: RwLock<IndexSet<u128, FxBuildHasher>>,
    terms: RwLock<IndexSet<Application, FxBuildHasher>>,
    lists: RwLock<IndexSet<Arc<[Word]>, FxBuildHasher>>,
    tensors: RwLock<IndexSet<Arc<Tensor>, FxBuildHasher>>,
    data_types: RwLock<IndexMap<String, Arc<DataType>, FxBuildHasher>>,
}

/// A constructor and its fields.
type Application = (&'static Constructor, Arc<[Word]>);

impl Symbols {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of `text`, the same for the same text.
    pub fn intern(&self, text: &str) -> Word {
        if let Some(index) = self
            .texts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get_index_of(text)
        {
            return index as Word;
        }
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        texts.insert_full(Arc::from(text)).0 as Word
    }

    /// The text of an id from [`Symbols::intern`]; empty for any other id.
    pub fn text(&self, id: Word) -> Arc<str> {
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        texts
            .get_index(id as usize)
            .cloned()
            .unwrap_or_else(|| Arc::from(""))
    }

    /// The id of a 128-bit pattern.
    pub fn intern_wide(&self, bits: u128) -> Word {
        let mut wides = self.wides.write().unwrap_or_else(PoisonError::into_inner);
        wides.insert_full(bits).0 as Word
    }

    /// The 128-bit pattern of an id from [`Symbols::intern_wide`]; 0 for any other id.
    pub fn wide(&self, id: Word) -> u128 {
        let wides = self.wides.read().unwrap_or_else(PoisonError::into_inner);
        wides.get_index(id as usize).copied().unwrap_or_default()
    }

    /// The id of a term; its fields are words of the types that the constructor says.
    pub fn intern_term(&self, constructor: &'static Constructor, fields: &[Word]) -> Word {
        let mut terms = self.terms.write().unwrap_or_else(PoisonError::into_inner);
        terms.insert_full((constructor, fields.into())).0 as Word
    }

    /// The constructor and the fields of an id from [`Symbols::intern_term`]. Ids of fields are smaller than that of the term.
    pub fn term(&self, id: Word) -> Option<(&'static Constructor, Arc<[Word]>)> {
        let terms = self.terms.read().unwrap_or_else(PoisonError::into_inner);
        terms.get_index(id as usize).cloned()
    }

    /// The id of a tuple or a list with these words.
    pub fn intern_list(&self, words: &[Word]) -> Word {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = lists.get_index_of(words) {
            return index as Word;
        }
        drop(lists);
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.insert_full(words.into()).0 as Word
    }

    /// The words of an id from [`Symbols::intern_list`]; none for any other id.
    pub fn list(&self, id: Word) -> Arc<[Word]> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let words = lists.get_index(id as usize).cloned();
        words.unwrap_or_else(|| Arc::from([]))
    }

    /// The id of a tensor.
    pub fn intern_tensor(&self, tensor: &Arc<Tensor>) -> Word {
        let mut tensors = self.tensors.write().unwrap_or_else(PoisonError::into_inner);
        tensors.insert_full(Arc::clone(tensor)).0 as Word
    }

    /// The tensor of an id from [`Symbols::intern_tensor`].
    pub fn tensor(&self, id: Word) -> Option<Arc<Tensor>> {
        let tensors = self.tensors.read().unwrap_or_else(PoisonError::into_inner);
        tensors.get_index(id as usize).cloned()
    }

    /// Makes a data type known, so that its terms can be read; it replaces one of the same name.
    pub fn define(&self, data_type: Arc<DataType>) {
        let mut types = self
            .data_types
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        types.insert(data_type.name.clone(), data_type);
    }

    /// The data type of that name.
    pub fn data_type(&self, name: &str) -> Option<Arc<DataType>> {
        let types = self
            .data_types
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        types.get(name).cloned()
    }

    /// The constructor `name` of the data type `ty`; of [`Type::Entity`], that of any data type without parameters.
    pub fn constructor(&self, name: &str, ty: Type) -> Option<&'static Constructor> {
        let position = |data_type: &DataType| {
            let mut constructors = data_type.constructors.iter();
            constructors.position(|it| it.name == name)
        };
        match ty {
            Type::Adt(adt) => {
                let data_type = self.data_type(adt.name)?;
                data_type.constructor(position(&data_type)?, adt.arguments)
            }
            Type::Entity => {
                let types = self
                    .data_types
                    .read()
                    .unwrap_or_else(PoisonError::into_inner);
                let mut types = types.values().rev();
                types.find_map(|it| it.constructor(position(it)?, &[]))
            }
            _ => None,
        }
    }
}
