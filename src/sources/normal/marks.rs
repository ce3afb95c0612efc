//! The book that a reader keeps while it goes: which rows of a batch are rejected, what was repaired, one case of each.

use crate::model::{Rejects, Tally};
use crate::sources::ReadReport;
use crate::sources::cells::Batch;

/// Longest part of a value that a sample shows.
const SHOWN_CHARS: usize = 80;

/// The marks of one batch. Rejects come first, then repairs: those of rejected rows do not count.
#[derive(Debug)]
pub(in crate::sources) struct Marks<'a> {
    report: &'a mut ReadReport,
    file: &'a str,
    row_numbers: Vec<u64>,
    rejected: Vec<bool>,
    any_rejected: bool,
}

/// Repairs of one column: by code, the rows repaired.
pub(in crate::sources) type Repaired = Vec<(&'static str, Vec<usize>)>;

/// Adds a row to the repairs of its code.
pub(in crate::sources) fn add(repaired: &mut Repaired, code: &'static str, row: usize) {
    match repaired.iter_mut().find(|(known, _rows)| *known == code) {
        Some((_code, rows)) => rows.push(row),
        None => repaired.push((code, vec![row])),
    }
}

impl<'a> Marks<'a> {
    /// Starts with what the decoder found.
    pub(in crate::sources) fn new(report: &'a mut ReadReport, file: &'a str, batch: &mut Batch) -> Self {
        let row_numbers = std::mem::take(&mut batch.row_numbers);
        report.rows_read += (row_numbers.len() + batch.bad_records.len()) as u64;
        for bad in batch.bad_records.drain(..) {
            tally(&mut report.rejects, &format!("{}:{}", bad.reason, bad.column), 1, || {
                format!("{file} {}", bad.place)
            });
        }
        let rows_read = report.rows_read;
        for (key, count) in [("blank-line:record", batch.blank_lines), ("surplus-fields:record", batch.surplus_fields)]
        {
            if count > 0 {
                tally(&mut report.repairs, key, count, || format!("{file}, up to row {rows_read}"));
            }
        }
        let rejected = vec![false; row_numbers.len()];
        let mut marks = Self { report, file, row_numbers, rejected, any_rejected: false };
        for (row, bad) in std::mem::take(&mut batch.bad_rows) {
            marks.reject(row, bad.reason, &bad.column, || "");
        }
        marks
    }

    /// Rejects a row, unless it is rejected already: one row counts once, by its first fault.
    pub(in crate::sources) fn reject<S: AsRef<str>>(
        &mut self,
        row: usize,
        reason: &str,
        column: &str,
        found: impl FnOnce() -> S,
    ) {
        let number = self.number(row);
        let file = self.file;
        if let Some(rejected) = self.rejected.get_mut(row)
            && !*rejected
        {
            *rejected = true;
            self.any_rejected = true;
            tally(&mut self.report.rejects, &format!("{reason}:{column}"), 1, || {
                sample(file, number, found().as_ref())
            });
        }
    }

    /// True for a row that was rejected.
    pub(in crate::sources) fn is_rejected(&self, row: usize) -> bool {
        self.any_rejected && self.rejected.get(row).copied().unwrap_or(false)
    }

    /// True once a row was rejected.
    pub(in crate::sources) fn any_rejected(&self) -> bool {
        self.any_rejected
    }

    /// Counts a repair of the given rows, those apart that are rejected by now.
    pub(in crate::sources) fn repaired<S: AsRef<str>>(
        &mut self,
        code: &str,
        column: &str,
        rows: impl IntoIterator<Item = usize>,
        found: impl FnOnce(usize) -> S,
    ) {
        let (count, first) = self.count(rows);
        if let Some(first) = first {
            let (file, number) = (self.file, self.number(first));
            let key = format!("{code}:{column}");
            tally(&mut self.report.repairs, &key, count, || sample(file, number, found(first).as_ref()));
        }
    }

    /// Counts what was done to the given rows and is no repair: a renamed column, a float read by its shortest text.
    pub(in crate::sources) fn converted(&mut self, key: &str, rows: impl IntoIterator<Item = usize>) {
        let (count, first) = self.count(rows);
        if let Some(first) = first {
            let (file, number) = (self.file, self.number(first));
            tally(&mut self.report.conversions, key, count, || sample(file, number, ""));
        }
    }

    /// How many rows the batch has.
    pub(in crate::sources) fn rows(&self) -> usize {
        self.rejected.len()
    }

    /// Ends the batch: counts what stays, and gives the places of those rows, or `None` where all do.
    pub(in crate::sources) fn finish(self) -> Option<Vec<usize>> {
        let kept = self.any_rejected.then(|| (0..self.rows()).filter(|row| !self.rejected[*row]).collect::<Vec<_>>());
        self.report.rows_kept += kept.as_ref().map_or(self.rows(), Vec::len) as u64;
        kept
    }

    fn count(&self, rows: impl IntoIterator<Item = usize>) -> (u64, Option<usize>) {
        let mut first = None;
        let mut count = 0;
        for row in rows.into_iter().filter(|row| !self.is_rejected(*row)) {
            first = first.or(Some(row));
            count += 1;
        }
        (count, first)
    }

    fn number(&self, row: usize) -> u64 {
        self.row_numbers.get(row).copied().unwrap_or_default()
    }
}

fn tally(tallies: &mut Rejects, key: &str, count: u64, sample: impl FnOnce() -> String) {
    match tallies.get_mut(key) {
        Some(tally) => tally.count += count,
        None => {
            tallies.insert(key.to_owned(), Tally { count, sample: sample() });
        }
    }
}

/// File, row and what was found; cut short, and without characters that could play with a screen.
fn sample(file: &str, row: u64, found: &str) -> String {
    if found.is_empty() {
        return format!("{file} row {row}");
    }
    let tame = |c: char| {
        if c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { ' ' } else { c }
    };
    let shown: String = found.chars().take(SHOWN_CHARS).map(tame).collect();
    let more = if found.chars().nth(SHOWN_CHARS).is_some() { "…" } else { "" };
    format!("{file} row {row}: `{shown}{more}`")
}
