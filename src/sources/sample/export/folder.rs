//! A whole export folder, laid out as AWS Data Exports lays it out: a folder and a manifest for each billing period.
//! Opens no file itself: where the bytes go is the caller's.

use std::fmt;
use std::io::{self, Write};

use parquet::basic::Compression;

use super::super::catalog::Catalog;
use super::super::month::Edition;
use super::columns::Columns;
use super::csv::{write_csv, write_csv_gz};
use super::parquet::{Money, write_parquet};
use crate::model::Month;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain CSV.
    Csv,
    /// Gzipped CSV.
    CsvGz,
    /// Parquet, snappy, with the given numbers.
    Parquet(Money),
}

impl Format {
    /// The format of a name as the command line has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "csv" => Self::Csv,
            "csv.gz" => Self::CsvGz,
            "parquet" => Self::Parquet(Money::Decimal),
            "parquet-double" => Self::Parquet(Money::Double),
            _ => return None,
        })
    }

    /// The end of a file name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvGz => "csv.gz",
            Self::Parquet(_) => "snappy.parquet",
        }
    }
}

/// How a folder is written.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    /// Name of the export.
    pub export: &'a str,
    /// Where the manifest says the files are; readers rebase it on their own location.
    pub uri: &'a str,
    /// Format of the files.
    pub format: Format,
    /// Their columns.
    pub columns: Columns,
    /// Which delivery of the restated month.
    pub edition: Edition,
}

/// Writes all months, oldest first, month by month; `open` gives the place for the bytes of a path below the folder.
/// The manifest of a month is written after its data. Says how many rows each month has.
///
/// # Errors
/// As the places fail.
pub fn write_folder<W: Write + Send>(
    catalog: &Catalog,
    folder: &Folder<'_>,
    mut open: impl FnMut(&str) -> io::Result<W>,
) -> io::Result<Vec<(Month, u64)>> {
    catalog
        .timeline
        .months()
        .map(|month| {
            let data = format!("data/BILLING_PERIOD={month}/{}-00001.{}", folder.export, folder.format.extension());
            let rows = write_month(catalog, folder, month, open(&data)?)?;
            let manifest = format!("metadata/BILLING_PERIOD={month}/{}-Manifest.json", folder.export);
            let text = manifest_text(folder, month, &data);
            open(&manifest)?.write_all(text.as_bytes())?;
            Ok((month, rows))
        })
        .collect()
}

fn write_month<W: Write + Send>(catalog: &Catalog, folder: &Folder<'_>, month: Month, to: W) -> io::Result<u64> {
    let rows = catalog.month(month, folder.edition);
    match folder.format {
        Format::Csv => write_csv(catalog, month, rows, folder.columns, io::BufWriter::new(to)),
        Format::CsvGz => write_csv_gz(catalog, month, rows, folder.columns, io::BufWriter::new(to)),
        Format::Parquet(money) => write_parquet(catalog, month, rows, (folder.columns, money, Compression::SNAPPY), to),
    }
}

/// The manifest in the form of AWS Data Exports (user guide, "Understanding your export delivery").
fn manifest_text(folder: &Folder<'_>, month: Month, data: &str) -> String {
    let (start, end) = (month.start().utc(), month.next().start().utc());
    let time = |at: &dyn fmt::Display| at.to_string();
    let (format, compression) = match folder.format {
        Format::Csv => ("TEXT_OR_CSV", "NONE"),
        Format::CsvGz => ("TEXT_OR_CSV", "GZIP"),
        Format::Parquet(_) => ("PARQUET", "PARQUET"),
    };
    let columns: Vec<serde_json::Value> =
        folder.columns.list().into_iter().map(|column| serde_json::json!({"name": column.name()})).collect();
    let manifest = serde_json::json!({
        "exportArn": format!("arn:aws:bcm-data-exports:us-east-1:004417723905:export/{}", folder.export),
        "executionId": super::super::seed::uuid(&format!("{month}|{:?}", folder.edition)),
        "billingPeriod": month.to_string(),
        "billingPeriodStart": time(&start.format("%Y-%m-%dT%H:%M:%SZ")),
        "billingPeriodEnd": time(&end.format("%Y-%m-%dT%H:%M:%SZ")),
        "contentType": format,
        "compression": compression,
        "columns": columns,
        "dataFiles": [format!("{}/{data}", folder.uri)],
    });
    format!("{manifest:#}\n")
}
