//! Every Parquet type that a column may come in, one at a time, read by the schema.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array, ListBuilder, MapBuilder,
    NullArray, RecordBatch, StringArray, StringBuilder, StructArray, StructBuilder, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt8Array,
};
use arrow::datatypes::{DataType, Field, Fields};
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::bill::write_parquet;
use super::{Read, line, read_bytes};
use crate::sources::ReadReport;

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A bill of two rows in which some columns are replaced or added.
fn bill(columns: &[(&str, ArrayRef)]) -> Read {
    let both = |value: &'static str| text(&[Some(value), Some(value)]);
    let mut all: Vec<(&str, ArrayRef)> = vec![
        ("BilledCost", both("1")),
        ("BillingCurrency", both("USD")),
        ("ChargePeriodStart", both("2026-03-05T00:00:00Z")),
        ("ChargePeriodEnd", both("2026-03-06T00:00:00Z")),
    ];
    all.retain(|(name, _array)| columns.iter().all(|(replaced, _array)| replaced != name));
    all.extend(columns.iter().cloned());
    let nullable = all.into_iter().map(|(name, array)| (name, array, true));
    read_bytes(write_parquet(&RecordBatch::try_from_iter_with_nullable(nullable).unwrap()))
}

/// What stands after `<column>=` in each row that was kept, and the report.
fn values(columns: &[(&str, ArrayRef)]) -> (Vec<String>, ReadReport) {
    let (batches, report) = bill(columns).unwrap();
    let name = columns[0].0;
    let of_row = |line: String| match name {
        "ChargePeriodStart" => line.split(" to ").next().unwrap_or_default().to_owned(),
        _ => line.split_once(&format!(" {name}=")).map_or("null".into(), |(_before, rest)| rest.to_owned()),
    };
    let lines = batches.iter().flat_map(|rows| (0..rows.len()).map(|row| of_row(line(rows, row))));
    // The column is the last of its line, or ends where the next one starts.
    let cut = |value: String| value.split(" BillingCurrency=").next().unwrap_or_default().to_owned();
    (lines.map(cut).collect(), report)
}

fn check(column: &str, array: ArrayRef, expected: [&str; 2]) -> ReadReport {
    let (values, report) = values(&[(column, array)]);
    assert_eq!(values, expected, "{column}");
    report
}

#[test]
fn costs_are_exact_in_every_type() {
    check("BilledCost", Arc::new(Int64Array::from(vec![-7, 9_007_199_254_740_993])), ["-7", "9007199254740993"]);
    check("BilledCost", Arc::new(UInt8Array::from(vec![0, 255])), ["0", "255"]);
    let report = check("BilledCost", Arc::new(Float64Array::from(vec![0.1, 1e-7])), ["0.1", "0.0000001"]);
    assert_eq!(report.conversions["double:BilledCost"].count, 2);
    check("BilledCost", Arc::new(Float32Array::from(vec![0.1, -2.5])), ["0.1", "-2.5"]);
    check("BilledCost", text(&[Some("8E-8"), Some("1.20")]), ["0.00000008", "1.2"]);
    check("BilledCost", Arc::new(BinaryArray::from(vec![b"1.5".as_slice(), b"-2"])), ["1.5", "-2"]);
}

#[test]
fn a_float_that_is_no_number_rejects_its_row() {
    let (kept, report) = values(&[("BilledCost", Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY])))]);
    assert_eq!((kept.len(), report.rejects["not-a-number:BilledCost"].count), (0, 2));
    let (kept, report) = values(&[("BilledCost", Arc::new(BooleanArray::from(vec![true, false])))]);
    assert_eq!((kept.len(), report.rejects["not-a-number:BilledCost"].count), (0, 2));
}

#[test]
fn times_come_in_every_type() {
    let start = 1_772_668_800; // 2026-03-05T00:00:00Z
    let column = "ChargePeriodStart";
    let expected = ["2026-03-05T00:00:00Z", "2026-03-05T00:00:00.000000001Z"];
    let nanos = TimestampNanosecondArray::from(vec![start * 1_000_000_000, start * 1_000_000_000 + 1]);
    let report = check(column, Arc::new(nanos.clone()), expected);
    assert_eq!(
        report.repairs.get("timestamp-without-zone:ChargePeriodStart").map(|tally| tally.count),
        Some(2),
        "{report:?}"
    );
    let report = check(column, Arc::new(nanos.with_timezone("Asia/Tokyo")), expected);
    assert!(!report.repairs.contains_key("timestamp-without-zone:ChargePeriodStart"), "{report:?}");
    let days = Date32Array::from(vec![20_517, 20_516]);
    let report = check(column, Arc::new(days), ["2026-03-05T00:00:00Z", "2026-03-04T00:00:00Z"]);
    assert_eq!(report.repairs["date-without-time:ChargePeriodStart"].count, 2);
    let (kept, report) = values(&[(column, Arc::new(TimestampMillisecondArray::from(vec![i64::MAX, i64::MIN])))]);
    assert_eq!((kept.len(), report.rejects["impossible-time:ChargePeriodStart"].count), (0, 2));
    let (kept, report) = values(&[(column, Arc::new(Int64Array::from(vec![1, 2])))]);
    assert_eq!((kept.len(), report.rejects["not-a-time:ChargePeriodStart"].count), (0, 2));
}

#[test]
fn int96_times_are_read_and_cannot_wrap() {
    // Julian day 2461105 is 2026-03-05; the second row lies past any calendar.
    let schema = "message bill { required binary BilledCost (UTF8); required binary BillingCurrency (UTF8);
        required int96 ChargePeriodStart; required binary ChargePeriodEnd (UTF8); }";
    let properties = Arc::default();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(parse_message_type(schema).unwrap()), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut nth = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        let texts = [["1", "1"], ["USD", "USD"], ["", ""], ["2026-03-06T00:00:00Z", "2026-03-06T00:00:00Z"]];
        if nth == 2 {
            let mut times = [Int96::new(), Int96::new()];
            times[0].set_data(3_600_000_000, 0, 2_461_105);
            times[1].set_data(0, 0, u32::MAX);
            column.typed::<Int96Type>().write_batch(&times, None, None).unwrap();
        } else {
            let texts: Vec<ByteArray> = texts[nth].iter().map(|text| ByteArray::from(*text)).collect();
            column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        }
        column.close().unwrap();
        nth += 1;
    }
    group.close().unwrap();
    let (batches, report) = read_bytes(writer.into_inner().unwrap()).unwrap();
    assert_eq!(format!("{:?}", batches[0].charge_start), "[2026-03-05T00:00:03.600Z]");
    assert_eq!(report.rejects["impossible-time:ChargePeriodStart"].count, 1);
}

#[test]
fn ids_are_text_whatever_type_they_had() {
    let accounts = Int64Array::from(vec![Some(123_456_789_012), None]);
    check("BillingAccountId", Arc::new(accounts), ["\"123456789012\"", "null"]);
    let column = BinaryArray::from_opt_vec(vec![Some(b"000012".as_slice()), None]);
    check("BillingAccountId", Arc::new(column), ["\"000012\"", "null"]);
    check("BillingAccountId", Arc::new(NullArray::new(2)), ["null", "null"]);
}

#[test]
fn bytes_that_are_no_text_reject_their_row() {
    for (bytes, reason) in
        [(b"\xff\xfe".as_slice(), "invalid-utf8"), (b"a\0b", "nul-byte"), (&[b'x'; 300_000], "too-long")]
    {
        let (kept, report) = values(&[("ServiceName", Arc::new(BinaryArray::from(vec![b"fine".as_slice(), bytes])))]);
        assert_eq!(kept.len(), 1, "{reason}");
        assert_eq!(report.rejects[&format!("{reason}:ServiceName")].count, 1, "{report:?}");
    }
}

#[test]
fn tags_come_as_map_list_struct_or_text() {
    let expected = [r#""{\"env\":\"prod\",\"team\":\"core\"}""#, "null"];
    check("Tags", text(&[Some(r#"{"team": "core", "env": "prod"}"#), None]), expected);

    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (key, value) in [("team", Some("core")), ("none", None), ("env", Some("prod"))] {
        map.keys().append_value(key);
        map.values().append_option(value);
    }
    map.append(true).unwrap();
    map.append(false).unwrap();
    check("Tags", Arc::new(map.finish()), expected);

    let fields = Fields::from(vec![Field::new("key", DataType::Utf8, true), Field::new("value", DataType::Utf8, true)]);
    let mut list = ListBuilder::new(StructBuilder::from_fields(fields, 2));
    for (key, value) in [("team", "core"), ("env", "prod")] {
        list.values().field_builder::<StringBuilder>(0).unwrap().append_value(key);
        list.values().field_builder::<StringBuilder>(1).unwrap().append_value(value);
        list.values().append(true);
    }
    list.append(true);
    list.append(true);
    check("Tags", Arc::new(list.finish()), expected);

    let parts = |name: &str, values: &[Option<&str>]| (Arc::new(Field::new(name, DataType::Utf8, true)), text(values));
    let tags = StructArray::from(vec![
        parts("team", &[Some("core"), None]),
        parts("env", &[Some("prod"), None]),
        parts("none", &[None, None]),
    ]);
    check("Tags", Arc::new(tags), expected);
}
