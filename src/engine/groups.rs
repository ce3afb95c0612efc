//! Group keys: from a table's own codes to the numbered groups of a whole sum.

use std::collections::HashMap;

use crate::model::{Coded, NULL};

/// Up to this many combinations of a table's codes are looked up in a flat list, more in a map.
const FLAT: usize = 1 << 20;

/// The groups found so far, numbered by first appearance.
#[derive(Debug)]
pub(super) struct Keys {
    interned: Vec<HashMap<Box<str>, u32>>,
    texts: Vec<Vec<Box<str>>>,
    numbers: HashMap<Box<[u32]>, usize>,
    keys: Vec<Box<[u32]>>,
}

impl Keys {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            interned: vec![HashMap::new(); columns],
            texts: vec![Vec::new(); columns],
            numbers: HashMap::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Prepares the look-up for one table's group columns.
    pub(super) fn local(&mut self, columns: &[&Coded]) -> Local {
        let codes: Vec<Vec<u32>> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| column.values.iter().map(|value| self.intern(at, value)).collect())
            .collect();
        let combinations = codes.iter().try_fold(1_usize, |product, codes| product.checked_mul(codes.len() + 1));
        match combinations.filter(|count| *count <= FLAT) {
            Some(count) => Local { codes, flat: vec![NULL; count], map: None },
            None => Local { codes, flat: Vec::new(), map: Some(HashMap::new()) },
        }
    }

    /// The keys as texts, in the order of their numbers.
    pub(super) fn into_keys(self) -> Vec<Vec<Option<Box<str>>>> {
        self.keys
            .iter()
            .map(|key| key.iter().zip(&self.texts).map(|(code, texts)| texts.get(*code as usize).cloned()).collect())
            .collect()
    }

    fn intern(&mut self, column: usize, value: &str) -> u32 {
        if let Some(code) = self.interned[column].get(value) {
            return *code;
        }
        let code = u32::try_from(self.texts[column].len()).unwrap_or(NULL);
        self.texts[column].push(value.into());
        self.interned[column].insert(value.into(), code);
        code
    }

    fn number(&mut self, key: Box<[u32]>) -> usize {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.keys.len();
        self.keys.push(key.clone());
        self.numbers.insert(key, number);
        number
    }
}

/// One table's way from codes to group numbers.
pub(super) struct Local {
    codes: Vec<Vec<u32>>,
    flat: Vec<u32>,
    map: Option<HashMap<Box<[u32]>, usize>>,
}

impl Local {
    #[inline]
    pub(super) fn group(&mut self, keys: &mut Keys, columns: &[&Coded], row: usize) -> usize {
        if let Some(map) = &mut self.map {
            let own: Box<[u32]> = columns.iter().map(|c| c.codes.get(row).copied().unwrap_or(NULL)).collect();
            if let Some(number) = map.get(&own) {
                return *number;
            }
            let number = keys.number(global_key(&self.codes, &own));
            map.insert(own, number);
            return number;
        }
        let mut place = 0_usize;
        for (column, codes) in columns.iter().zip(&self.codes) {
            let code = column.codes.get(row).copied().unwrap_or(NULL) as usize;
            place = place * (codes.len() + 1) + code.min(codes.len());
        }
        let found = self.flat[place];
        if found != NULL {
            return found as usize;
        }
        let own: Box<[u32]> = columns.iter().map(|c| c.codes.get(row).copied().unwrap_or(NULL)).collect();
        let number = keys.number(global_key(&self.codes, &own));
        self.flat[place] = u32::try_from(number).unwrap_or(NULL);
        number
    }
}

fn global_key(codes: &[Vec<u32>], own: &[u32]) -> Box<[u32]> {
    own.iter().zip(codes).map(|(code, codes)| codes.get(*code as usize).copied().unwrap_or(NULL)).collect()
}
