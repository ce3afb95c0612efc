//! A bill of our own making, to be written in every shape that a provider might deliver it in.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Decimal256Array, DictionaryArray, Float64Array, LargeStringArray, MapBuilder,
    RecordBatch, StringArray, StringBuilder, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Int32Type, i256};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;

use crate::model::{Amount, Instant, SCALE, power_of_ten};

/// A table of texts; empty is null.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// How the numbers of a Parquet file are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Everything is text.
    Text,
    /// Costs as DECIMAL(38, 12), times in milliseconds, tags as a map.
    Decimal128,
    /// Costs as DECIMAL(76, 28), times in microseconds, texts as dictionaries.
    Decimal256,
    /// Costs as DOUBLE, texts as views and large strings.
    Double,
}

/// A bill of `count` rows: two currencies, three providers, credits, nulls, tags, leading zeros.
pub(super) fn a_bill(count: usize) -> Bill {
    let header = "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,\
                  ChargeCategory,BilledCost,EffectiveCost,ListCost,ContractedCost,PricingQuantity,ListUnitPrice,\
                  ProviderName,ServiceName,ResourceId,RegionId,Tags";
    let row = |n: usize| -> Vec<String> {
        let sign = if n % 17 == 3 { "-" } else { "" };
        let cost = |factor: usize| format!("{sign}{}.{:09}", n * factor % 97, n * factor * 7_919 % 1_000_000_000);
        let pick = |of: &[&str]| of[n % of.len()].to_owned();
        vec![
            format!("{:012}", n % 7),
            pick(&["USD", "USD", "EUR"]),
            "2026-03-01T00:00:00Z".into(),
            "2026-04-01T00:00:00Z".into(),
            format!("2026-03-{:02}T{:02}:00:00Z", n % 28 + 1, n % 24),
            format!("2026-03-{:02}T{:02}:30:00Z", n % 28 + 1, n % 24),
            pick(&["Usage", "Usage", "Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
            cost(3),
            cost(5),
            if n % 11 == 5 { String::new() } else { cost(7) },
            cost(2),
            (n % 5).to_string(),
            "0.25".into(),
            pick(&["AWS", "Microsoft", "Google Cloud"]),
            pick(&["Compute, \"large\"", "Storage", "Línea"]),
            if n % 13 == 1 { String::new() } else { format!("r-{}", n % 41) },
            pick(&["ap-southeast-1", "eu-west-1", ""]),
            if n % 4 == 2 { String::new() } else { format!(r#"{{"env":"e{}","team":"t{}"}}"#, n % 3, n % 5) },
        ]
    };
    Bill { header: header.split(',').map(str::to_owned).collect(), rows: (0..count).map(row).collect() }
}

impl Bill {
    /// The same rows under another header.
    pub(super) fn renamed(&self, from: &str, to: &str) -> Self {
        let header = self.header.iter().map(|name| if name == from { to.to_owned() } else { name.clone() }).collect();
        Self { header, rows: self.rows.clone() }
    }

    /// Only these rows.
    pub(super) fn part(&self, rows: impl Iterator<Item = usize>) -> Self {
        Self { header: self.header.clone(), rows: rows.map(|row| self.rows[row].clone()).collect() }
    }

    pub(super) fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header).unwrap();
        self.rows.iter().for_each(|row| writer.write_record(row).unwrap());
        writer.into_inner().unwrap()
    }

    /// Gzipped, in as many members as asked for.
    pub(super) fn gzip(&self, members: usize) -> Vec<u8> {
        let csv = self.csv();
        let mut bytes = Vec::new();
        for member in csv.chunks(csv.len().div_ceil(members)) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(member).unwrap();
            bytes.extend(encoder.finish().unwrap());
        }
        bytes
    }

    pub(super) fn parquet(&self, typed: Typed) -> Vec<u8> {
        let columns =
            self.header.iter().enumerate().map(|(at, name)| (name.as_str(), self.column(at, name, typed), true));
        write_parquet(&RecordBatch::try_from_iter_with_nullable(columns).unwrap())
    }

    fn column(&self, at: usize, name: &str, typed: Typed) -> ArrayRef {
        let texts = || self.rows.iter().map(|row| Some(row[at].as_str()).filter(|text| !text.is_empty()));
        let is_number = ["Cost", "Quantity", "UnitPrice"].iter().any(|end| name.ends_with(end));
        let is_time = name.contains("Period");
        match typed {
            Typed::Text => Arc::new(texts().collect::<StringArray>()),
            Typed::Decimal128 if is_number => {
                let counts = texts().map(|text| text.map(|text| (units(text) / power_of_ten(SCALE - 12)).as_i128()));
                Arc::new(counts.collect::<Decimal128Array>().with_precision_and_scale(38, 12).unwrap())
            }
            Typed::Decimal256 if is_number => {
                let counts = texts().map(|text| text.map(|text| i256::from_le_bytes(units(text).to_le_bytes())));
                Arc::new(counts.collect::<Decimal256Array>().with_precision_and_scale(76, 28).unwrap())
            }
            Typed::Double if is_number => {
                Arc::new(texts().map(|text| text.map(|text| text.parse().unwrap())).collect::<Float64Array>())
            }
            Typed::Decimal128 if is_time => {
                let times = texts().map(|text| text.map(|text| instant(text).0 / 1_000_000));
                Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
            }
            Typed::Decimal256 | Typed::Double if is_time => {
                let times = texts().map(|text| text.map(|text| instant(text).0 / 1_000));
                Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Typed::Decimal128 if name == "Tags" => self.tag_map(at),
            Typed::Decimal128 => Arc::new(texts().collect::<StringArray>()),
            Typed::Decimal256 => Arc::new(texts().collect::<DictionaryArray<Int32Type>>()),
            Typed::Double if at.is_multiple_of(2) => Arc::new(texts().collect::<StringViewArray>()),
            Typed::Double => Arc::new(texts().collect::<LargeStringArray>()),
        }
    }

    fn tag_map(&self, at: usize) -> ArrayRef {
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in &self.rows {
            let tags: std::collections::BTreeMap<String, String> = serde_json::from_str(&row[at]).unwrap_or_default();
            for (key, value) in &tags {
                map.keys().append_value(key);
                map.values().append_value(value);
            }
            map.append(!tags.is_empty()).unwrap();
        }
        Arc::new(map.finish())
    }
}

/// One batch as a Parquet file, in row groups of a hundred rows.
pub(super) fn write_parquet(batch: &RecordBatch) -> Vec<u8> {
    let properties =
        parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(100)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn units(text: &str) -> ethnum::I256 {
    Amount::parse(text).unwrap().units()
}

fn instant(text: &str) -> Instant {
    Instant(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap())
}
