//! Money is exact: real exports give their golden totals, whatever the grouping, order, chunking and container.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use outlay::model::{Amount, Dimension, Instant, Period};
use outlay::query::Answer;
use outlay::query::answer::Values;
use serde_json::json;

use super::bills::{Bills, Files, shared};

const SAMPLE: &str = "focus/FOCUS-1.0_focus_sample_1000.csv";

fn one(currency: &str, amount: &str) -> BTreeMap<String, String> {
    [(currency.to_owned(), amount.to_owned())].into()
}

/// Sum of all shown values of an answer, and by the value of its first text column.
fn shown(answer: &Answer) -> (Amount, BTreeMap<String, Amount>) {
    let mut total = Amount::ZERO;
    let mut parts = BTreeMap::new();
    for frame in &answer.frames {
        let texts = frame.fields.iter().find_map(|field| match &field.values {
            Values::Text(values) => Some(values.clone()),
            _ => None,
        });
        let first = frame.fields.iter().find_map(|field| match &field.values {
            Values::Exact(values) => Some(values.clone()),
            _ => None,
        });
        for (row, amount) in first.unwrap_or_default().into_iter().enumerate() {
            let amount = amount.unwrap_or_default();
            total = total.checked_add(amount).unwrap();
            let key = texts.as_ref().and_then(|texts| texts[row].clone()).unwrap_or_default();
            let part: &mut Amount = parts.entry(key).or_default();
            *part = part.checked_add(amount).unwrap();
        }
    }
    (total, parts)
}

#[test]
fn the_real_focus_sample_has_its_golden_totals() {
    let Some(bytes) = shared(SAMPLE) else { return };
    let bills = Bills::file("sample.csv", bytes);
    for (metric, total) in [
        ("BilledCost", "20.52022672899"),
        ("EffectiveCost", "14.97651418586"),
        ("ListCost", "20.39090575119"),
        ("ContractedCost", "14.97626039326"),
    ] {
        assert_eq!(bills.totals(&json!({"metric": metric, "grain": "total"})), one("USD", total), "{metric}");
    }
    let answer = bills
        .ask(&json!({"metric": "BilledCost", "format": "table", "grain": "total", "groupBy": ["ProviderName"]}))
        .unwrap();
    let parts: BTreeMap<String, String> =
        shown(&answer).1.into_iter().map(|(key, amount)| (key, amount.to_string())).collect();
    let golden = [("AWS", "18.0066386184"), ("Microsoft", "1.97651418586"), ("Oracle", "0.53707392473")];
    assert_eq!(parts, golden.map(|(key, amount)| (key.to_owned(), amount.to_owned())).into());
}

#[test]
fn every_grouping_of_the_real_sample_adds_up() {
    let Some(bytes) = shared(SAMPLE) else { return };
    let bills = Bills::file("sample.csv", bytes);
    let mut dimensions: Vec<String> = Dimension::columns().iter().map(ToString::to_string).collect();
    dimensions.extend(["Tags.application".into(), "Tags.environment".into(), "Tags.nothing".into()]);
    assert!(dimensions.len() > 40);
    let total = Amount::parse("20.52022672899").unwrap();
    for dimension in &dimensions {
        for top in [0, 3] {
            for grain in ["total", "month", "day"] {
                let query = json!({
                    "metric": "BilledCost", "format": "table", "grain": grain, "groupBy": [dimension], "top": top,
                });
                let answer = bills.ask(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
                assert_eq!(shown(&answer).0, total, "{query}");
            }
        }
    }
}

#[test]
fn the_specification_examples_have_their_golden_totals() {
    // Billed and effective, as the FOCUS 1.2 specification's examples say. They name no currency, which is ISO 4217's XXX.
    // One row each of the second and third ends at 30:00 o'clock: a repair that is counted.
    let golden = [
        ("commitment_discount_purchase_scenario_1.csv", "8760", "0"),
        ("commitment_discount_purchase_scenario_2.csv", "3", "0"),
        ("commitment_discount_purchase_scenario_3.csv", "4381.5", "0"),
        ("commitment_discount_usage_scenario_1.csv", "0", "1"),
        ("commitment_discount_usage_scenario_2.csv", "0", "1"),
    ];
    for (name, billed, effective) in golden {
        let Some(bytes) = shared(&format!("focus-spec-examples/{name}")) else { return };
        let bills = Bills::file(name, bytes);
        assert_eq!(bills.failures, [], "{name}");
        for (metric, total) in [("BilledCost", billed), ("EffectiveCost", effective)] {
            let totals = bills.totals(&json!({"metric": metric, "grain": "total"}));
            assert_eq!(totals, one("XXX", total), "{name} {metric}");
        }
    }
}

/// An answer without what may differ: statistics, generation, delivery names.
fn bare(bills: &Bills, query: &serde_json::Value) -> String {
    let period = Period { start: Instant::midnight(2024, 8, 1).unwrap(), end: Instant::midnight(2024, 11, 1).unwrap() };
    let answer = bills.ask_in(query, period).unwrap_or_else(|error| panic!("{query}: {error}"));
    let frames: Vec<String> = answer
        .frames
        .iter()
        .map(|frame| format!("{:?} {:?} {}", frame.shape, frame.fields, frame.custom["outlay"]["totals"]))
        .collect();
    frames.join("\n")
}

#[test]
fn plain_gzipped_parquet_shuffled_and_rechunked_copies_answer_alike() {
    let Some(bytes) = shared(SAMPLE) else { return };
    let text = String::from_utf8(bytes.clone()).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.byte_headers().unwrap().clone();
    let rows: Vec<csv::ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
    let write = |rows: &[csv::ByteRecord]| {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_byte_record(&header).unwrap();
        rows.iter().for_each(|row| writer.write_byte_record(row).unwrap());
        writer.into_inner().unwrap()
    };
    let mut shuffled = rows.clone();
    shuffled.sort_by_key(|row| row.iter().flatten().fold(7_u64, |h, b| h.wrapping_mul(31) ^ u64::from(*b)));
    assert_ne!(shuffled, rows);
    let chunks = |size: usize| {
        let parts = shuffled.chunks(size).enumerate();
        Files::of(parts.map(|(at, part)| (format!("part-{at:03}.csv"), write(part))).collect::<Vec<_>>())
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&bytes).unwrap();
    let copies = [
        ("gzip", Bills::file("sample.csv.gz", gzip.finish().unwrap())),
        ("shuffled", Bills::file("sample.csv", write(&shuffled))),
        ("20 files", Bills::read(chunks(50))),
        ("7 files", Bills::read(chunks(150))),
        ("parquet", Bills::file("sample.parquet", parquet(&header, &rows))),
    ];
    let plain = Bills::file("sample.csv", bytes);
    for query in [
        json!({"metric": "BilledCost", "groupBy": ["ServiceName"], "grain": "day", "top": 5}),
        json!({"metric": "EffectiveCost", "groupBy": ["SubAccountId", "RegionId"], "grain": "month", "format": "table"}),
        json!({"metric": "ListCost", "groupBy": ["ResourceId"], "grain": "hour", "top": 20}),
        json!({"metric": "ConsumedQuantity", "groupBy": ["ConsumedUnit"], "grain": "total", "format": "table", "top": 0}),
        json!({"metric": "ContractedCost", "groupBy": ["Tags.application"], "grain": "week", "timezone": "Asia/Singapore"}),
    ] {
        let expected = bare(&plain, &query);
        assert!(expected.len() > 200, "{query}");
        for (name, copy) in &copies {
            assert_eq!(copy.failures, [], "{name}");
            assert!(
                bare(copy, &query) == expected,
                "{name} answers {query} differently:\n{}\n{expected}",
                bare(copy, &query)
            );
        }
    }
}

/// The same cells as text columns of a Parquet file.
fn parquet(header: &csv::ByteRecord, rows: &[csv::ByteRecord]) -> Vec<u8> {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let columns: Vec<(String, ArrayRef)> = header
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let cells = rows.iter().map(|row| row.get(at).map(|cell| String::from_utf8_lossy(cell).into_owned()));
            (String::from_utf8_lossy(name).into_owned(), Arc::new(StringArray::from_iter(cells)) as ArrayRef)
        })
        .collect();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}
