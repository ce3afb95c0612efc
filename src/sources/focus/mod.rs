//! FOCUS Cost and Usage files, 0.5 to 1.4, read into canonical rows.
//! Knows what the columns mean and how providers bend them; how bytes become cells is the business of `cells`.

mod columns;
mod earlier;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use self::columns::likeness;
use self::columns::{Columns, Place};
use self::rows::{Layout, Sums};
use super::cells::{Batch, CellReader, Form, TableFile, Wanted};
use super::normal::marks::Marks;
use super::normal::time_text::DateOrder;
use super::normal::times::OrderEvidence;
use super::{Error, FileRef, ReadReport, RowReader};
use crate::model::Rows;

/// Opens a FOCUS file.
///
/// # Errors
/// [`Error::Damaged`] for a header with two columns of one name, else as the file fails.
pub(super) fn open(file: &FileRef, table: TableFile) -> Result<Box<dyn RowReader>, Error> {
    let columns = Columns::of(table.columns()).map_err(|name| Error::Damaged {
        file: file.path.clone(),
        place: "its header".into(),
        why: format!("the column `{name}` is there twice"),
    })?;
    let report = ReadReport {
        format: format!("FOCUS {}", columns.version),
        ignored_columns: columns.ignored.clone(),
        ..ReadReport::default()
    };
    let (layout, wanted) = laid_out(columns);
    let cells = table.read(&wanted)?;
    let path = file.path.clone();
    Ok(Box::new(FocusReader { file: path, table, layout, cells, order: None, report, sums: Sums::default() }))
}

/// What to read, and where in a batch each place then is.
fn laid_out(columns: Columns) -> (Layout, Vec<Wanted>) {
    let mut wanted = Vec::new();
    let mut slots = BTreeMap::new();
    for (place, column) in &columns.places {
        let form = if matches!(place, Place::Number(_)) { Form::Plain } else { Form::Coded };
        slots.insert(*place, wanted.len());
        wanted.push(Wanted { column: *column, form });
    }
    let mut tag_slots = Vec::new();
    for (key, column) in &columns.tags {
        tag_slots.push((key.clone(), wanted.len()));
        wanted.push(Wanted { column: *column, form: Form::Coded });
    }
    (Layout { columns, slots, tag_slots }, wanted)
}

struct FocusReader {
    file: String,
    table: TableFile,
    layout: Layout,
    cells: Box<dyn CellReader>,
    /// Order of slashed dates, once one was met and the whole file was asked.
    order: Option<DateOrder>,
    report: ReadReport,
    sums: Sums,
}

impl RowReader for FocusReader {
    fn next_rows(&mut self) -> Result<Option<Rows>, Error> {
        while let Some(mut batch) = self.cells.next_batch()? {
            self.decide_order(&batch)?;
            let marks = Marks::new(&mut self.report, &self.file, &mut batch);
            let rows = self.layout.canonical(batch, self.order, marks, &mut self.sums);
            self.report.control = self.sums.kept.totals();
            self.report.rejected_cost = self.sums.rejected.totals();
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    fn report(&self) -> &ReadReport {
        &self.report
    }
}

impl FocusReader {
    /// On the first slashed date, reads the time columns of the whole file: one date with a number over 12 tells all.
    fn decide_order(&mut self, batch: &Batch) -> Result<(), Error> {
        if self.order.is_some() {
            return Ok(());
        }
        let mut evidence = OrderEvidence::default();
        let times: Vec<usize> = self.layout.time_slots().collect();
        times.iter().filter_map(|slot| batch.columns.get(*slot)).for_each(|cells| evidence.add(cells));
        if !evidence.needed() {
            return Ok(());
        }
        let wanted: Vec<Wanted> =
            self.layout.time_columns().map(|column| Wanted { column, form: Form::Coded }).collect();
        let mut whole = self.table.read(&wanted)?;
        while let Some(batch) = whole.next_batch()? {
            batch.columns.iter().for_each(|cells| evidence.add(cells));
        }
        let file = self.file.clone();
        self.order = evidence.decide().map_err(|found| Error::AmbiguousDates { file, found })?;
        Ok(())
    }
}
