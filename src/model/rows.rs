//! Canonical rows by column: what a billing reader hands to ingest, and what the detail grain gives back.
//! A batch holds its own small dictionaries, so that text is compared and parsed once per distinct value.

use std::collections::BTreeMap;

use super::{ALL_NUMBERS, ALL_TEXTS, Amount, Instant, Number, Text};

/// The code that stands for a null.
pub const NULL: u32 = u32::MAX;

/// A text column as codes into its distinct values. `codes[row]` is an index into `values`, or [`NULL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coded {
    /// One code per row.
    pub codes: Vec<u32>,
    /// The distinct values, in order of first appearance.
    pub values: Vec<Box<str>>,
}

impl Coded {
    /// A column of nulls.
    #[must_use]
    pub fn nulls(rows: usize) -> Self {
        Self { codes: vec![NULL; rows], values: Vec::new() }
    }

    /// A column from one optional text per row.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut seen: std::collections::HashMap<&'a str, u32> = std::collections::HashMap::new();
        let mut column = Self::default();
        for text in texts {
            let code = match text {
                None => NULL,
                Some(text) => *seen.entry(text).or_insert_with(|| {
                    column.values.push(text.into());
                    u32::try_from(column.values.len() - 1).unwrap_or(NULL)
                }),
            };
            column.codes.push(code);
        }
        column
    }

    /// The text of a row, `None` for null and for a row past the end.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.codes.get(row).and_then(|code| self.values.get(*code as usize)).map(AsRef::as_ref)
    }

    /// The same rows with each distinct value replaced by `map`'s answer; `None` becomes null.
    #[must_use]
    pub fn map(&self, map: impl FnMut(&str) -> Option<Box<str>>) -> Self {
        let mut map = map;
        let mapped: Vec<Option<Box<str>>> = self.values.iter().map(|value| map(value)).collect();
        let texts = self.codes.iter().map(|code| mapped.get(*code as usize).and_then(|value| value.as_deref()));
        Self::from_texts(texts)
    }
}

/// A batch of canonical billing rows. All columns have [`Rows::len`] entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Start of the charge period, inclusive.
    pub charge_start: Vec<Instant>,
    /// End of the charge period, exclusive.
    pub charge_end: Vec<Instant>,
    /// Start of the billing period: the month that the row belongs to, whatever file it came in.
    pub billing_start: Vec<Instant>,
    /// End of the billing period, exclusive.
    pub billing_end: Vec<Instant>,
    texts: Vec<Coded>,
    numbers: Vec<Vec<Option<Amount>>>,
}

impl Rows {
    /// Rows with the given periods and every other column null.
    #[must_use]
    pub fn with_periods(
        charge_start: Vec<Instant>,
        charge_end: Vec<Instant>,
        billing_start: Vec<Instant>,
        billing_end: Vec<Instant>,
    ) -> Self {
        let rows = charge_start.len();
        Self {
            charge_start,
            charge_end,
            billing_start,
            billing_end,
            texts: vec![Coded::nulls(rows); ALL_TEXTS.len()],
            numbers: vec![vec![None; rows]; ALL_NUMBERS.len()],
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.charge_start.len()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.charge_start.is_empty()
    }

    /// A text column.
    #[must_use]
    pub fn text(&self, column: Text) -> &Coded {
        &self.texts[column as usize]
    }

    /// Replaces a text column; it must have as many rows as the batch.
    pub fn set_text(&mut self, column: Text, values: Coded) {
        debug_assert_eq!(values.codes.len(), self.len());
        self.texts[column as usize] = values;
    }

    /// A decimal column.
    #[must_use]
    pub fn number(&self, column: Number) -> &[Option<Amount>] {
        &self.numbers[column as usize]
    }

    /// Replaces a decimal column; it must have as many rows as the batch.
    pub fn set_number(&mut self, column: Number, values: Vec<Option<Amount>>) {
        debug_assert_eq!(values.len(), self.len());
        self.numbers[column as usize] = values;
    }

    /// The rows at the given places, in that order.
    #[must_use]
    pub fn take(&self, places: &[usize]) -> Self {
        let pick = |from: &[Instant]| places.iter().map(|at| from[*at]).collect();
        Self {
            charge_start: pick(&self.charge_start),
            charge_end: pick(&self.charge_end),
            billing_start: pick(&self.billing_start),
            billing_end: pick(&self.billing_end),
            texts: self
                .texts
                .iter()
                .map(|column| Coded {
                    codes: places.iter().map(|at| column.codes[*at]).collect(),
                    values: column.values.clone(),
                })
                .collect(),
            numbers: self.numbers.iter().map(|column| places.iter().map(|at| column[*at]).collect()).collect(),
        }
    }
}

/// How often something happened, with the first case of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// How many times.
    pub count: u64,
    /// The first case: file, row and what was found; never a credential.
    pub sample: String,
}

/// Repairs by `code:column`, e.g. `timestamp-without-zone:ChargePeriodStart`.
pub type Repairs = BTreeMap<String, Tally>;

/// Rejected rows by `reason:column`, e.g. `not-a-number:BilledCost`. One row counts once, by its first fault.
pub type Rejects = BTreeMap<String, Tally>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_text_reads_back_and_maps() {
        let column = Coded::from_texts([Some("a"), None, Some("b"), Some("a")]);
        assert_eq!(
            (0..5).map(|row| column.get(row)).collect::<Vec<_>>(),
            [Some("a"), None, Some("b"), Some("a"), None]
        );
        let upper = column.map(|value| (value != "b").then(|| value.to_uppercase().into()));
        assert_eq!((0..4).map(|row| upper.get(row)).collect::<Vec<_>>(), [Some("A"), None, None, Some("A")]);
    }
}
