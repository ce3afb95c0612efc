//! FOCUS files in, canonical rows, repairs, rejects and exact totals out.

mod bill;
mod cases;
mod copies;
mod golden;
mod hostile;
mod parquet_types;

use crate::model::{ALL_NUMBERS, ALL_TEXTS, Amount, Number, Rows, Text};
use crate::sources::{Content, Error, FileRef, Format, ReadReport, open_reader};

/// What reading a file came to.
type Read = Result<(Vec<Rows>, ReadReport), Error>;

/// Reads a whole file; every row must come out or be counted, and the control sums must agree with a naive sum.
fn read(name: &str, content: Content) -> Read {
    let file = FileRef { path: name.to_owned(), size: 0, version: String::new() };
    let mut reader = open_reader(&file, content, Format::Auto)?;
    let mut batches = Vec::new();
    while let Some(rows) = reader.next_rows()? {
        batches.push(rows);
    }
    let report = reader.report().clone();
    let kept: usize = batches.iter().map(Rows::len).sum();
    let rejected: u64 = report.rejects.values().map(|tally| tally.count).sum();
    assert_eq!((report.rows_kept, report.rows_read), (kept as u64, kept as u64 + rejected), "{name}: {report:?}");
    let mut totals = naive_totals(&batches);
    totals.retain(|name, _total| report.control.contains_key(name));
    assert_eq!(report.control, totals, "{name}");
    Ok((batches, report))
}

fn read_bytes(bytes: impl Into<bytes::Bytes>) -> Read {
    read("case.csv", Content::Bytes(bytes.into()))
}

/// Sums by cost and currency, one addition after the other.
fn naive_totals(batches: &[Rows]) -> std::collections::BTreeMap<String, String> {
    let mut totals = std::collections::BTreeMap::<String, Amount>::new();
    for cost in [Number::BilledCost, Number::EffectiveCost, Number::ContractedCost, Number::ListCost] {
        for rows in batches {
            for (row, amount) in rows.number(cost).iter().enumerate() {
                let currency = rows.text(Text::BillingCurrency).get(row).unwrap_or("none");
                if let Some(amount) = amount {
                    let total = totals.entry(format!("{} {currency}", cost.name())).or_default();
                    *total = total.checked_add(*amount).unwrap();
                }
            }
        }
    }
    totals.into_iter().map(|(name, total)| (name, total.to_string())).collect()
}

/// One row as a line: its periods, then every value that is not null.
fn line(rows: &Rows, row: usize) -> String {
    let mut line = format!(
        "{:?} to {:?}, billed {:?} to {:?}:",
        rows.charge_start[row], rows.charge_end[row], rows.billing_start[row], rows.billing_end[row]
    );
    for column in ALL_NUMBERS {
        if let Some(amount) = rows.number(*column)[row] {
            line += &format!(" {}={amount}", column.name());
        }
    }
    for column in ALL_TEXTS {
        if let Some(text) = rows.text(*column).get(row) {
            line += &format!(" {}={text:?}", column.name());
        }
    }
    line
}

/// Every row as a line, in the order of the file.
fn lines(batches: &[Rows]) -> Vec<String> {
    batches.iter().flat_map(|rows| (0..rows.len()).map(|row| line(rows, row))).collect()
}
