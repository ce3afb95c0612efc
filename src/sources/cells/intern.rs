//! Gives equal texts of a column one code, so that each distinct text is kept and parsed once per batch.

use ahash::RandomState;

use crate::model::{Coded, NULL};

/// Collects a column of texts. The hash is keyed at random, so that no file can choose its collisions;
/// codes follow first appearance, so that no answer depends on the hash.
#[derive(Debug)]
pub(crate) struct Interner {
    hasher: RandomState,
    /// Open addressing, a power of two long; `NULL` is a free slot.
    slots: Vec<u32>,
    column: Coded,
}

impl Default for Interner {
    fn default() -> Self {
        Self { hasher: RandomState::new(), slots: vec![NULL; 64], column: Coded::default() }
    }
}

impl Interner {
    /// Adds a text; empty is null.
    pub(crate) fn push(&mut self, text: &str) {
        let code = self.code(text);
        self.column.codes.push(code);
    }

    /// Adds a null.
    pub(crate) fn push_null(&mut self) {
        self.column.codes.push(NULL);
    }

    /// Adds a text by a code that [`Interner::code`] gave.
    pub(crate) fn push_code(&mut self, code: u32) {
        self.column.codes.push(code);
    }

    /// The code of a text, without adding a row.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return NULL;
        }
        // Bills come in runs: the row before often has the same text.
        if let Some(last) = self.column.codes.last()
            && self.column.values.get(*last as usize).is_some_and(|value| value.as_ref() == text)
        {
            return *last;
        }
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(text) as usize & mask;
        loop {
            match self.column.values.get(self.slots[slot] as usize) {
                None => break,
                Some(value) if value.as_ref() == text => return self.slots[slot],
                Some(_other) => slot = (slot + 1) & mask,
            }
        }
        let code = u32::try_from(self.column.values.len()).unwrap_or(NULL);
        self.slots[slot] = code;
        self.column.values.push(text.into());
        if self.column.values.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    /// The finished column; the interner starts anew.
    pub(crate) fn finish(&mut self) -> Coded {
        self.slots.fill(NULL);
        std::mem::take(&mut self.column)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, NULL);
        for (code, value) in self.column.values.iter().enumerate() {
            let mut slot = self.hasher.hash_one(value.as_ref()) as usize & mask;
            while self.slots[slot] != NULL {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = u32::try_from(code).unwrap_or(NULL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_code_in_order_of_appearance() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..500).map(|n| format!("v{}", n % 130)).collect();
        texts.iter().for_each(|text| interner.push(text));
        interner.push("");
        let column = interner.finish();
        assert_eq!(column, Coded::from_texts(texts.iter().map(|text| Some(text.as_str())).chain([None])));
        assert_eq!(interner.finish(), Coded::default());
    }
}
