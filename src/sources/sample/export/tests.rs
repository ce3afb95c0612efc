//! Every written form of a month, read back with plain readers and held against the truth.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::Compression;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, TimestampMillisecondType};
use bytes::Bytes;

use super::super::catalog::Catalog;
use super::super::month::Edition;
use super::super::timeline::Timeline;
use super::super::truth::{Sums, Truth, of_catalog};
use super::*;
use crate::model::{Amount, Currency, Instant, Month};

fn sample() -> (Catalog, Truth) {
    let catalog = Catalog::new(Timeline::ending(Instant::midnight(2026, 11, 24).unwrap().day()), 1);
    let truth = of_catalog(&catalog);
    (catalog, truth)
}

/// The month of the correction, which is closed, and the open month.
const CLOSED: Month = Month::of(2026, 7);
const OPEN: Month = Month::of(2026, 11);

/// A row of a file as text by column; empty is null.
type Texts = BTreeMap<String, String>;

/// Adds a row to the sums of its currency.
fn add(sums: &mut BTreeMap<Currency, Sums>, row: &Texts) {
    let cost = |column: &str| Amount::parse(&row[column]).unwrap();
    sums.entry(Currency::parse(&row["BillingCurrency"]).unwrap()).or_default().add(&Sums {
        rows: 1,
        billed: cost("BilledCost"),
        effective: cost("EffectiveCost"),
        contracted: cost("ContractedCost"),
        list: cost("ListCost"),
    });
}

/// The rows of a month, written as CSV and read back.
fn csv_rows(catalog: &Catalog, month: Month, columns: Columns, gzip: bool) -> Vec<Texts> {
    let (rows, mut bytes) = (catalog.month(month, Edition::Last), Vec::new());
    let mut text = Vec::new();
    let written = if gzip {
        let written = write_csv_gz(catalog, month, rows, columns, &mut bytes).unwrap();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
        written
    } else {
        write_csv(catalog, month, rows, columns, &mut text).unwrap()
    };
    let read: Vec<Texts> = ::csv::Reader::from_reader(text.as_slice()).deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(written, read.len() as u64);
    read
}

/// The rows of a month, written as Parquet and read back; numbers as the shortest exact text.
fn parquet_rows(catalog: &Catalog, month: Month, columns: Columns, money: Money) -> Vec<Texts> {
    let mut bytes = Vec::new();
    let how = (columns, money, Compression::SNAPPY);
    let written = write_parquet(catalog, month, catalog.month(month, Edition::Last), how, &mut bytes).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let read: Vec<Texts> = reader.flat_map(|batch| texts(&batch.unwrap())).collect();
    assert_eq!(written, read.len() as u64);
    read
}

fn texts(batch: &RecordBatch) -> Vec<Texts> {
    let mut rows = vec![Texts::new(); batch.num_rows()];
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        // What the file says by itself: plain strings, not Arrow's dictionaries.
        assert!(!matches!(field.data_type(), DataType::Dictionary(_, _)), "{field:?}");
        for (at, row) in rows.iter_mut().enumerate().filter(|(at, _)| array.is_valid(*at)) {
            let text = match field.data_type() {
                DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value_as_string(at),
                DataType::Float64 => {
                    Amount::from_shortest(array.as_primitive::<Float64Type>().value(at)).unwrap().to_string()
                }
                DataType::Timestamp(_, zone) => {
                    assert_eq!(zone.as_deref(), Some("UTC"));
                    let millis = array.as_primitive::<TimestampMillisecondType>().value(at);
                    Instant(millis * 1_000_000).utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
                }
                _ => array.as_string::<i32>().value(at).to_owned(),
            };
            row.insert(field.name().clone(), text);
        }
        rows.iter_mut().for_each(|row| {
            row.entry(field.name().clone()).or_default();
        });
    }
    rows
}

/// Numbers without trailing zeros, so that files of several kinds compare.
fn plain(rows: Vec<Texts>) -> Vec<Texts> {
    let plain = |(name, text): (String, String)| {
        let number = name.ends_with("Cost") || name.ends_with("Quantity") || name.ends_with("Price");
        let text = if number && !text.is_empty() { Amount::parse(&text).unwrap().to_string() } else { text };
        (name, text)
    };
    rows.into_iter().map(|row| row.into_iter().map(plain).collect()).collect()
}

#[test]
fn every_form_of_a_month_says_the_same_and_adds_up_to_the_truth() {
    let (catalog, truth) = sample();
    let csv = plain(csv_rows(&catalog, CLOSED, Columns::Focus1_2, false));
    let mut sums = BTreeMap::new();
    csv.iter().for_each(|row| add(&mut sums, row));
    assert_eq!(sums, truth.total(|key| key.month == CLOSED));
    let gzipped = plain(csv_rows(&catalog, CLOSED, Columns::Focus1_2, true));
    assert!(gzipped == csv, "gzipped differs");
    for money in [Money::Decimal, Money::Double] {
        let parquet = plain(parquet_rows(&catalog, CLOSED, Columns::Focus1_2, money));
        let differs = parquet.iter().zip(&csv).find(|(mine, others)| mine != others);
        assert_eq!((parquet.len(), differs), (csv.len(), None), "{money:?}");
    }
    // Fewer columns, same values.
    for (columns, count) in [(Columns::Focus1_0, 43), (Columns::Lean, 51)] {
        let parquet = plain(parquet_rows(&catalog, CLOSED, columns, Money::Decimal18));
        for (few, all) in parquet.iter().zip(&csv).step_by(7) {
            assert_eq!(few.len(), count);
            assert!(few.iter().all(|(name, text)| all[name] == *text), "{few:?}");
        }
    }
}

#[test]
fn values_are_written_as_focus_wants_them() {
    let (catalog, _) = sample();
    let closed = csv_rows(&catalog, CLOSED, Columns::Focus1_2, false);
    let open = csv_rows(&catalog, OPEN, Columns::Focus1_2, false);
    assert!(closed.iter().all(|row| !row["InvoiceId"].is_empty()));
    assert!(open.iter().all(|row| row["InvoiceId"].is_empty()));
    let usage = closed.iter().find(|row| row["ServiceName"] == "Compute Engine").unwrap();
    assert_eq!(usage["BillingPeriodStart"], "2026-07-01T00:00:00Z");
    assert_eq!(usage["BillingPeriodEnd"], "2026-08-01T00:00:00Z");
    assert_eq!((usage["ProviderName"].as_str(), usage["BillingCurrency"].as_str()), ("Google Cloud", "USD"));
    let categories = ["Usage", "Purchase", "Tax", "Credit", "Adjustment"];
    for row in closed.iter().chain(&open) {
        assert!(categories.contains(&row["ChargeCategory"].as_str()), "{row:?}");
        // Mandatory columns that may not be null (FOCUS 1.2).
        for column in ["BillingAccountId", "BillingCurrency", "ChargePeriodStart", "ChargePeriodEnd", "ServiceName"] {
            assert!(!row[column].is_empty(), "{column} {row:?}");
        }
        for column in ["ProviderName", "PublisherName", "InvoiceIssuerName", "ServiceCategory", "ServiceSubcategory"] {
            assert!(!row[column].is_empty(), "{column} {row:?}");
        }
        let consumed = row["ChargeCategory"] == "Usage"
            && row["ChargeClass"].is_empty()
            && row["CommitmentDiscountStatus"] != "Unused";
        assert_eq!(!row["ConsumedQuantity"].is_empty(), consumed, "{row:?}");
        assert_eq!(!row["ConsumedUnit"].is_empty(), consumed, "{row:?}");
        // Every usage row with a commitment has a status; a purchase has none.
        let committed = !row["CommitmentDiscountId"].is_empty() && row["ChargeCategory"] == "Usage";
        assert_eq!(!row["CommitmentDiscountStatus"].is_empty(), committed, "{row:?}");
    }
}

/// Files in memory by path.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct OneFile(Files, String);

impl Write for OneFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.0.0.lock().unwrap();
        files.entry(self.1.clone()).or_default().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_folder_has_a_manifest_for_each_period_that_names_its_file() {
    let (catalog, truth) = sample();
    for format in [Format::CsvGz, Format::Parquet(Money::Double)] {
        let files = Files::default();
        let folder = Folder {
            export: "focus",
            uri: "s3://bucket/exports/focus",
            format,
            columns: Columns::Focus1_0,
            edition: Edition::Last,
        };
        let months = write_folder(&catalog, &folder, |path| Ok(OneFile(files.clone(), path.to_owned()))).unwrap();
        let files = files.0.lock().unwrap();
        assert_eq!((months.len(), files.len()), (18, 36));
        for (month, rows) in months {
            assert_eq!(rows, truth.total(|key| key.month == month).values().map(|sums| sums.rows).sum::<u64>());
            let manifest = &files[&format!("metadata/BILLING_PERIOD={month}/focus-Manifest.json")];
            let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
            let named = manifest["dataFiles"][0].as_str().unwrap();
            let path = named.strip_prefix("s3://bucket/exports/focus/").unwrap();
            assert!(path.starts_with(&format!("data/BILLING_PERIOD={month}/")), "{path}");
            assert!(!files[path].is_empty(), "{path}");
            assert_eq!(manifest["columns"].as_array().unwrap().len(), 43);
        }
    }
}
