//! The interner of everything that does not fit a word.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
    /// Each with its size: how many nodes it has, written out.
    terms: RwLock<IndexMap<Application, usize, FxBuildHasher>>,
    lists: RwLock<IndexSet<Arc<[Word]>, FxBuildHasher>>,
    tensors: RwLock<IndexSet<Arc<Tensor>, FxBuildHasher>>,
    data_types: RwLock<IndexMap<String, Arc<DataType>, FxBuildHasher>>,
    /// What texts, terms, tuples and lists take, in words of 8 bytes.
    words: AtomicUsize,
    /// The size of the largest term.
    largest: AtomicUsize,
}

/// A constructor and its fields.
type Application = (&'static Constructor, Arc<[Word]>);

impl Symbols {
    /// Nodes of a term, written out: terms that share parts print, and compare, as if they did not.
    pub const LARGEST_TERM: usize = 1_000_000;
    /// Words of 8 bytes that all texts, terms, tuples and lists may take together: 1 GiB.
    pub const MOST_WORDS: usize = 1 << 27;

    /// What has grown beyond its bound, if anything has: rules that make ever larger values are stopped then.
    pub fn excess(&self) -> Option<String> {
        if self.largest.load(Relaxed) > Self::LARGEST_TERM {
            return Some("terms of more than 1,000,000 nodes".into());
        }
        let full = self.words.load(Relaxed) > Self::MOST_WORDS;
        full.then(|| "more than 1 GiB of terms, lists and texts".into())
    }

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
        self.words.fetch_add(text.len() / 8 + 4, Relaxed);
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
        let term: Application = (constructor, fields.into());
        if let Some(index) = terms.get_index_of(&term) {
            return index as Word;
        }
        let parts = fields.iter().zip(&constructor.fields);
        let size = parts.fold(1, |size: usize, (word, ty)| {
            size.saturating_add(self.size(*word, *ty, &terms))
        });
        self.words.fetch_add(fields.len() + 12, Relaxed);
        self.largest.fetch_max(size, Relaxed);
        terms.insert_full(term, size).0 as Word
    }

    /// How many nodes a value has, written out.
    fn size(
        &self,
        word: Word,
        ty: Type,
        terms: &IndexMap<Application, usize, FxBuildHasher>,
    ) -> usize {
        let all = |types: &mut dyn Iterator<Item = Type>| {
            let words = self.list(word);
            let parts = words.iter().zip(types);
            parts.fold(1, |size: usize, (word, ty)| {
                size.saturating_add(self.size(*word, ty, terms))
            })
        };
        match ty {
            Type::Entity | Type::Adt(_) => terms.get_index(word as usize).map_or(1, |it| *it.1),
            Type::Tuple(types) => all(&mut types.iter().copied()),
            Type::List(element) => all(&mut std::iter::repeat(*element)),
            _ => 1,
        }
    }

    /// The constructor and the fields of an id from [`Symbols::intern_term`]. Ids of fields are smaller than that of the term.
    pub fn term(&self, id: Word) -> Option<(&'static Constructor, Arc<[Word]>)> {
        let terms = self.terms.read().unwrap_or_else(PoisonError::into_inner);
        let (term, _) = terms.get_index(id as usize)?;
        Some(term.clone())
    }

    /// The id of a tuple or a list with these words.
    pub fn intern_list(&self, words: &[Word]) -> Word {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = lists.get_index_of(words) {
            return index as Word;
        }
        drop(lists);
        self.words.fetch_add(words.len() + 8, Relaxed);
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
