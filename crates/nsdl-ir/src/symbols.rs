//! The interner of text and 128-bit integers.

use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::Word;

/// Interned text and 128-bit integers: equal values have equal ids, ids are dense and never reused.
///
/// Shared by everything that exchanges [`Word`]s, so it interns through `&self`; reading takes a read lock.
#[derive(Debug, Default)]
pub struct Symbols {
    texts: RwLock<IndexSet<Arc<str>, FxBuildHasher>>,
    wides: RwLock<IndexSet<u128, FxBuildHasher>>,
}

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
}
