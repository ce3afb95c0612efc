//! Charges as CSV, plain or gzipped: header of FOCUS names, exact decimals, times in UTC.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::catalog::Catalog;
use super::super::line::Charge;
use super::super::month::MonthRows;
use super::columns::{Column, Columns, number, scale};
use crate::model::{Day, Month, Text};

/// Writes the rows of a month and says how many there were.
///
/// # Errors
/// As the writer fails.
pub fn write_csv(
    catalog: &Catalog,
    month: Month,
    mut rows: MonthRows<'_>,
    columns: Columns,
    to: impl Write,
) -> io::Result<u64> {
    let columns = columns.list();
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(columns.iter().map(|column| column.name())).map_err(io::Error::other)?;
    let (mut batch, mut count, mut text) = (Vec::new(), 0, String::new());
    while rows.next_day(&mut batch) {
        for charge in &batch {
            for column in &columns {
                text.clear();
                let field = match field(catalog, month, charge, *column, &mut text) {
                    Some(shared) => shared,
                    None => text.as_str(),
                };
                writer.write_field(field).map_err(io::Error::other)?;
            }
            writer.write_record(None::<&[u8]>).map_err(io::Error::other)?;
        }
        count += batch.len() as u64;
        batch.clear();
    }
    writer.flush()?;
    Ok(count)
}

/// Writes the rows of a month as gzipped CSV and says how many there were.
///
/// # Errors
/// As the writer fails.
pub fn write_csv_gz(
    catalog: &Catalog,
    month: Month,
    rows: MonthRows<'_>,
    columns: Columns,
    to: impl Write,
) -> io::Result<u64> {
    let mut gzip = GzEncoder::new(to, Compression::default());
    let count = write_csv(catalog, month, rows, columns, &mut gzip)?;
    gzip.finish()?.flush()?;
    Ok(count)
}

/// The text of a field: one that the catalogue shares, or written into `text`.
fn field<'a>(
    catalog: &'a Catalog,
    month: Month,
    charge: &Charge,
    column: Column,
    text: &mut String,
) -> Option<&'a str> {
    match column {
        Column::Text(Text::InvoiceId) => Some(catalog.lines.text(charge.invoice).unwrap_or("")),
        Column::Text(column) => Some(catalog.lines.get(charge.line, column).unwrap_or("")),
        Column::Number(column) => {
            if let Some(value) = number(charge, column) {
                decimal(value, scale(column), text);
            }
            None
        }
        Column::Time(column) => {
            time(column.day(charge, month), text);
            None
        }
    }
}

/// `value` times 10^-`scale` with all its places, as providers write it.
pub(super) fn decimal(value: i64, scale: u32, into: &mut String) {
    use std::fmt::Write as _;
    let one = 10_u64.pow(scale);
    let (whole, part) = (value.unsigned_abs() / one, value.unsigned_abs() % one);
    let sign = if value < 0 { "-" } else { "" };
    // Writing into a String cannot fail.
    let _infallible = write!(into, "{sign}{whole}.{part:0width$}", width = scale as usize);
}

fn time(day: Day, into: &mut String) {
    use std::fmt::Write as _;
    let _infallible = write!(into, "{}", day.start().utc().format("%Y-%m-%dT00:00:00Z"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_all_their_places() {
        for (value, scale, expected) in [
            (0, 6, "0.000000"),
            (-12_345, 4, "-1.2345"),
            (-5, 10, "-0.0000000005"),
            (i64::MAX, 10, "922337203.6854775807"),
        ] {
            let mut text = String::new();
            decimal(value, scale, &mut text);
            assert_eq!(text, expected);
        }
    }
}
