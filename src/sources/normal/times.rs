//! A column of cells as instants: each distinct text is read once, each fault rejects its rows, each help is counted.

use super::marks::{Marks, Repaired, add};
use super::texts::is_null_word;
use super::time_text::{DATE_ONLY, DateOrder, WITHOUT_ZONE, is_plausible, parse, parse_end, slashed_numbers};
use crate::model::Instant;
use crate::sources::cells::{Cells, TimeKind};

/// A column of instants.
#[derive(Debug, Default)]
pub(in crate::sources) struct Times {
    /// The instants; `None` for nulls, and for rows rejected here.
    pub(in crate::sources) values: Vec<Option<Instant>>,
    /// Rows whose text was helped.
    pub(in crate::sources) repaired: Repaired,
    /// True where the cell was a date without time of day.
    pub(in crate::sources) dates: Vec<bool>,
}

/// Reads a column of times; rows with a text that is no time are rejected.
pub(in crate::sources) fn times(
    cells: &Cells,
    order: Option<DateOrder>,
    column: &'static str,
    marks: &mut Marks<'_>,
) -> Times {
    let mut times = Times::default();
    let parse = if column.ends_with("End") { parse_end } else { parse };
    match cells {
        Cells::Texts(texts) => {
            let read: Vec<_> = texts
                .values
                .iter()
                .map(|text| if is_null_word(text) { Ok(None) } else { parse(text, order).map(Some) })
                .collect();
            for (row, code) in texts.codes.iter().enumerate() {
                match read.get(*code as usize) {
                    None | Some(Ok(None)) => times.push(row, None, None),
                    Some(Ok(Some((instant, help)))) => times.push(row, Some(*instant), *help),
                    Some(Err(fault)) => {
                        marks.reject(row, fault.reason(), column, || cells.show(row));
                        times.push(row, None, None);
                    }
                }
            }
        }
        Cells::Times { values, kind } => {
            let help = match kind {
                TimeKind::Utc => None,
                TimeKind::Local => Some(WITHOUT_ZONE),
                TimeKind::Date => Some(DATE_ONLY),
            };
            for (row, nanos) in values.iter().enumerate() {
                let instant = nanos.map(Instant);
                if instant.is_some_and(|instant| !is_plausible(instant)) {
                    marks.reject(row, "impossible-time", column, || cells.show(row));
                    times.push(row, None, None);
                } else {
                    times.push(row, instant, instant.and(help));
                }
            }
        }
        Cells::Plain(_) | Cells::Doubles(_) | Cells::Decimals { .. } | Cells::Nested(_) => {
            for row in 0..cells.len() {
                if !cells.show(row).is_empty() {
                    marks.reject(row, "not-a-time", column, || cells.show(row));
                }
                times.push(row, None, None);
            }
        }
    }
    times
}

impl Times {
    /// A column that the file does not have.
    pub(in crate::sources) fn nulls(rows: usize) -> Self {
        Self { values: vec![None; rows], repaired: Repaired::new(), dates: vec![false; rows] }
    }

    fn push(&mut self, row: usize, instant: Option<Instant>, help: Option<&'static str>) {
        self.values.push(instant);
        self.dates.push(help == Some(DATE_ONLY) || help.is_some_and(|help| help.starts_with("date-")));
        if let Some(help) = help {
            add(&mut self.repaired, help, row);
        }
    }
}

/// What the slashed dates of a file say about their order; collected over the whole file.
#[derive(Clone, Debug, Default)]
pub(in crate::sources) struct OrderEvidence {
    day_first: Option<String>,
    month_first: Option<String>,
    slashed: Option<String>,
}

impl OrderEvidence {
    /// Takes in a column.
    pub(in crate::sources) fn add(&mut self, cells: &Cells) {
        let Cells::Texts(texts) = cells else { return };
        for text in &texts.values {
            let Some((first, second)) = slashed_numbers(text) else { continue };
            let case = || Some(text.chars().take(40).collect());
            self.slashed = self.slashed.take().or_else(case);
            if first > 12 {
                self.day_first = self.day_first.take().or_else(case);
            }
            if second > 12 {
                self.month_first = self.month_first.take().or_else(case);
            }
        }
    }

    /// True once a slashed date was seen.
    pub(in crate::sources) fn needed(&self) -> bool {
        self.slashed.is_some()
    }

    /// The order, where exactly one is possible.
    ///
    /// # Errors
    /// What makes it undecidable, for the reader of the message.
    pub(in crate::sources) fn decide(&self) -> Result<Option<DateOrder>, String> {
        match (&self.day_first, &self.month_first, &self.slashed) {
            (Some(_), None, _) => Ok(Some(DateOrder::DayFirst)),
            (None, Some(_), _) => Ok(Some(DateOrder::MonthFirst)),
            (Some(day), Some(month), _) => Err(format!("`{day}` has the day first and `{month}` the month")),
            (None, None, Some(case)) => Err(format!("`{case}` may be day/month or month/day, and no date tells which")),
            (None, None, None) => Ok(None),
        }
    }
}
