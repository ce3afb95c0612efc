//! A column of cells as exact decimals. A comma is refused, never guessed to be a decimal or a thousands mark.

use super::marks::{Marks, Repaired, add};
use super::texts::is_null_word;
use crate::model::{Amount, AmountError};
use crate::sources::cells::{Cells, Plain};

/// What becomes of a text that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum OnFault {
    /// The row is rejected: without its cost it would falsify a sum.
    Reject,
    /// The cell becomes null, counted: without its price the cost still stands.
    Null,
}

/// A column of decimals.
#[derive(Debug, Default)]
pub(in crate::sources) struct Numbers {
    /// The values; `None` for nulls.
    pub(in crate::sources) values: Vec<Option<Amount>>,
    /// Rows whose text was helped.
    pub(in crate::sources) repaired: Repaired,
}

/// Reads a column of decimals.
pub(in crate::sources) fn numbers(
    cells: &Cells,
    on_fault: OnFault,
    column: &'static str,
    marks: &mut Marks<'_>,
) -> Numbers {
    let mut numbers = Numbers { values: Vec::with_capacity(cells.len()), repaired: Repaired::new() };
    match cells {
        Cells::Plain(texts) | Cells::Doubles(texts) => {
            // Bills hold long runs of the same number, zero above all.
            let mut last: (&str, Option<Amount>) = ("", None);
            for row in 0..texts.len() {
                let text = texts.get(row);
                let value = if text == last.0 { last.1 } else { numbers.read(texts, row, on_fault, column, marks) };
                numbers.values.push(value);
                // Only a text that needed no help may be skipped next time.
                let plain =
                    numbers.repaired.iter().all(|(_code, rows)| rows.last() != Some(&row)) && !marks.is_rejected(row);
                last = if plain { (text, value) } else { ("", None) };
            }
        }
        Cells::Decimals { scale, values } => {
            for (row, value) in values.iter().enumerate() {
                let amount = value.map(|value| Amount::from_parts(value, *scale)).transpose();
                let amount = amount.unwrap_or_else(|error| numbers.fault(row, error, on_fault, column, cells, marks));
                numbers.values.push(amount);
            }
        }
        Cells::Texts(_) | Cells::Times { .. } | Cells::Nested(_) => {
            let mut plain = Plain::default();
            (0..cells.len()).for_each(|row| plain.push(&cells.show(row)));
            return self::numbers(&Cells::Plain(plain), on_fault, column, marks);
        }
    }
    numbers
}

impl Numbers {
    fn read(
        &mut self,
        texts: &Plain,
        row: usize,
        on_fault: OnFault,
        column: &'static str,
        marks: &mut Marks<'_>,
    ) -> Option<Amount> {
        let text = texts.get(row);
        if text.is_empty() {
            return None;
        }
        match Amount::parse(text) {
            Ok(amount) => {
                if text.starts_with('+') {
                    add(&mut self.repaired, "number-with-plus", row);
                }
                Some(amount)
            }
            Err(_plain) if is_null_word(text) => None,
            Err(AmountError::NotANumber) if text.trim().len() < text.len() => match Amount::parse(text.trim()) {
                Ok(amount) => {
                    add(&mut self.repaired, "number-with-blanks", row);
                    Some(amount)
                }
                Err(error) => self.text_fault(row, text, error, on_fault, column, marks),
            },
            Err(error) => self.text_fault(row, text, error, on_fault, column, marks),
        }
    }

    fn text_fault(
        &mut self,
        row: usize,
        text: &str,
        error: AmountError,
        on_fault: OnFault,
        column: &'static str,
        marks: &mut Marks<'_>,
    ) -> Option<Amount> {
        match on_fault {
            OnFault::Reject => marks.reject(row, reason(&error), column, || text),
            OnFault::Null => add(&mut self.repaired, reason(&error), row),
        }
        None
    }

    fn fault(
        &mut self,
        row: usize,
        error: AmountError,
        on_fault: OnFault,
        column: &'static str,
        cells: &Cells,
        marks: &mut Marks<'_>,
    ) -> Option<Amount> {
        self.text_fault(row, &cells.show(row), error, on_fault, column, marks)
    }
}

fn reason(error: &AmountError) -> &'static str {
    match error {
        AmountError::NotANumber => "not-a-number",
        AmountError::TooFine => "too-many-decimals",
        AmountError::TooLarge => "number-too-large",
    }
}
