//! Frames as Grafana reads them: each shape with everything it can carry, against golden files, and read back strictly.

use std::collections::BTreeMap;

use outlay::model::{Amount, Instant};
use outlay::plugin::frames::{Limits, encode};
use outlay::query::answer::{Answer, Field, Frame, Link, Notice, Severity, Shape, Stat, Values};

use crate::grafana::{reader, rules};

const DAY: i64 = 86_400_000_000_000;

fn amounts(texts: &[&str]) -> Values {
    Values::Exact(texts.iter().map(|text| Amount::parse(text).ok()).collect())
}

fn days(count: i64) -> Field {
    let times = (0..count).map(|day| Instant(1_767_225_600_000_000_000 + day * DAY)).collect();
    Field { name: "Time".into(), values: Values::Time(times), interval_ms: Some(86_400_000), ..Field::default() }
}

fn labelled(service: &str, values: Values) -> Field {
    Field {
        name: "EffectiveCost".into(),
        labels: BTreeMap::from([("ServiceName".to_owned(), service.to_owned())]),
        values,
        unit: Some("currencyUSD".into()),
        display_name: Some(service.into()),
        ..Field::default()
    }
}

fn frame(shape: Shape, fields: Vec<Field>) -> Frame {
    Frame {
        name: String::new(),
        shape,
        fields,
        notices: Vec::new(),
        executed: "sum of EffectiveCost by ServiceName per day".into(),
        stats: vec![Stat { name: "Rows read".into(), unit: "short".into(), value: 12.0 }],
        custom: serde_json::json!({"outlay": {"generation": 3, "totals": {"EffectiveCost": {"USD": "0.30"}}}}),
    }
}

/// Series over time: labels, units, gaps, notices of each severity, a figure that JSON can't hold.
fn wide() -> Frame {
    let mut wide = frame(
        Shape::TimeseriesWide,
        vec![
            days(2),
            labelled("Virtual \"Machines\"\n\u{1F600}", amounts(&["0.1", "-7.25"])),
            labelled("", Values::Exact(vec![Amount::parse("123456789.123456789").ok(), None])),
        ],
    );
    wide.notices = vec![
        Notice::info("provisional"),
        Notice::warning("3 rows rejected"),
        Notice { severity: Severity::Error, text: "a part is missing".into() },
    ];
    wide.stats.push(Stat { name: "never".into(), unit: String::new(), value: f64::NAN });
    wide
}

/// One row per group: text, exact numbers, ratios, counts, times that may be unknown, links.
fn long() -> Frame {
    let text = |name: &str, values: &[Option<&str>]| Field {
        name: name.into(),
        values: Values::Text(values.iter().map(|value| value.map(str::to_owned)).collect()),
        ..Field::default()
    };
    let number = |name: &str, values| Field { name: name.into(), values, ..Field::default() };
    let mut account = text("SubAccountId", &[Some("012345678901"), None]);
    account.no_value = Some("(none)".into());
    account.description = Some("the account".into());
    account.links = vec![Link { title: "Only this".into(), url: "/d/x?var-a=${__value.text}".into(), new_tab: true }];
    let mut share = number("share", Values::Float(vec![Some(0.5), Some(f64::INFINITY)]));
    (share.unit, share.decimals) = (Some("percentunit".into()), Some(1));
    let updated = Values::MaybeTime(vec![None, Some(Instant(1_767_225_600_000_000_001))]);
    let fields = vec![
        account,
        number("cost", amounts(&["1e-28", "99999999999999999999"])),
        share,
        number("rows", Values::Count(vec![Some(-1), None])),
        number("updated", updated),
    ];
    frame(Shape::NumericLong, fields)
}

fn multi(service: &str) -> Frame {
    frame(Shape::TimeseriesMulti, vec![days(1), labelled(service, Values::Float(vec![Some(12.5)]))])
}

fn empty() -> Frame {
    let mut empty = frame(Shape::TimeseriesWide, Vec::new());
    empty.notices = vec![Notice::info("no charges match the filters in this time range")];
    empty
}

fn headers_only() -> Frame {
    let mut headers = frame(Shape::Table, vec![Field { name: "source".into(), ..Field::default() }]);
    headers.custom = serde_json::Value::Null;
    headers
}

fn written(frames: Vec<Frame>) -> Vec<reader::Frame> {
    let files = encode(&Answer { frames }, "A", Limits::panel(1_000_000)).unwrap();
    files.iter().map(|file| reader::read(file).unwrap()).collect()
}

/// Compares with the golden file; `OUTLAY_UPDATE=1` writes it anew.
fn golden(name: &str, frames: &[reader::Frame]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/frames").join(format!("{name}.json"));
    let found = serde_json::to_string_pretty(frames).unwrap() + "\n";
    if std::env::var_os("OUTLAY_UPDATE").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, expected, "{name}");
}

#[test]
fn series_over_time_keep_labels_units_and_notices() {
    let frames = written(vec![wide()]);
    rules::check(&frames, false).unwrap();
    golden("timeseries-wide", &frames);
}

#[test]
fn rows_keep_text_ids_and_unknown_values() {
    let frames = written(vec![long()]);
    rules::check(&frames, false).unwrap();
    golden("numeric-long", &frames);
}

#[test]
fn every_frame_of_several_series_has_its_type() {
    let frames = written(vec![multi("a"), multi("b")]);
    rules::check(&frames, true).unwrap();
    golden("timeseries-multi", &frames);
    assert!(rules::check(&written(vec![multi("a"), multi("a")]), false).unwrap_err().contains("duplicate"));
}

#[test]
fn nothing_is_one_typed_frame_without_fields_and_with_a_reason() {
    let frames = written(vec![empty()]);
    rules::check(&frames, true).unwrap();
    golden("empty", &frames);
    let mut silent = empty();
    silent.notices.clear();
    assert!(rules::check(&written(vec![silent]), true).unwrap_err().contains("without a reason"));
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let frames = written(vec![headers_only()]);
    rules::check(&frames, false).unwrap();
    golden("headers-only", &frames);
    assert!(rules::check(&frames, true).is_err());
}

#[test]
fn decimals_become_the_nearest_float_once() {
    let texts =
        ["0.1", "2.675", "-0.0000000000000000000000000001", "9007199254740993", "123456789012345678901234567890"];
    let frames = written(vec![frame(Shape::NumericLong, vec![labelled_text(texts.len()), labelled_number(&texts)])]);
    for (value, text) in frames[0].fields[1].values.iter().zip(texts) {
        assert_eq!(value.as_f64(), text.parse().ok(), "{text}");
    }
}

fn labelled_text(count: usize) -> Field {
    let values = (0..count).map(|row| Some(row.to_string())).collect();
    Field { name: "id".into(), values: Values::Text(values), ..Field::default() }
}

fn labelled_number(texts: &[&str]) -> Field {
    Field { name: "cost".into(), values: amounts(texts), ..Field::default() }
}

#[test]
fn ten_thousand_series_and_a_million_rows_are_the_most() {
    let series: Vec<Field> = (0..10_001).map(|at| labelled(&at.to_string(), Values::Float(vec![Some(1.0)]))).collect();
    let many = |count: usize| {
        let mut fields = vec![days(1)];
        fields.extend(series.iter().take(count).cloned());
        encode(&Answer { frames: vec![frame(Shape::TimeseriesWide, fields)] }, "A", Limits::panel(1_000_000))
    };
    assert_eq!(reader::read(&many(10_000).unwrap()[0]).unwrap().fields.len(), 10_001);
    let error = many(10_001).unwrap_err().to_string();
    assert!(error.starts_with("the answer has 10001 series, at most 10000: "), "{error}");
    let rows = Field { name: "n".into(), values: Values::Count(vec![Some(1); 1_000_001]), ..Field::default() };
    let answer = Answer { frames: vec![frame(Shape::NumericLong, vec![rows])] };
    let error = encode(&answer, "A", Limits::panel(1_000_000)).unwrap_err().to_string();
    assert!(error.starts_with("the answer has 1000001 rows, at most 1000000: "), "{error}");
    let error = encode(&answer, "A", Limits::alert(2_000_000)).unwrap_err().to_string();
    assert!(error.starts_with("the answer has 1000001 cells, at most 100000: "), "{error}");
}

#[test]
fn an_answer_over_the_size_of_a_message_is_told_with_its_size() {
    let texts = (0..5_000).map(|row| Some(format!("{row:07}").repeat(1_000))).collect();
    let field = Field { name: "text".into(), values: Values::Text(texts), ..Field::default() };
    let answer = Answer { frames: vec![frame(Shape::NumericLong, vec![field])] };
    let error = encode(&answer, "A", Limits::panel(1_000_000)).unwrap_err().to_string();
    assert!(error.contains(" bytes, at most 33554432: "), "{error}");
}

/// The reader itself: what Grafana would refuse or misread, it refuses.
mod strictness {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, LargeStringArray, RecordBatch, TimestampMillisecondArray};
    use arrow::datatypes::{Field, Schema};
    use arrow::ipc::writer::{FileWriter, StreamWriter};

    use crate::grafana::reader;

    fn schema(column: &ArrayRef, field: &[(&str, &str)], meta: &str) -> Arc<Schema> {
        let metadata = field.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let field = Field::new("f", column.data_type().clone(), true).with_metadata(metadata);
        let metadata = [("name", ""), ("refId", "A"), ("meta", meta)];
        let metadata: HashMap<String, String> = metadata.map(|(key, value)| (key.into(), value.into())).into();
        Arc::new(Schema::new(vec![field]).with_metadata(metadata))
    }

    fn check(column: ArrayRef, field: &[(&str, &str)], meta: &str, expected: Option<&str>) {
        let schema = schema(&column, field, meta);
        let mut writer = FileWriter::try_new(Vec::new(), &schema).unwrap();
        writer.write(&RecordBatch::try_new(schema, vec![column]).unwrap()).unwrap();
        writer.finish().unwrap();
        match (reader::read(&writer.into_inner().unwrap()), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(text)) => assert!(error.contains(text), "{error}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn what_grafana_would_misread_is_refused() {
        let number = || Arc::new(Float64Array::from(vec![1.0])) as ArrayRef;
        check(number(), &[], "{}", None);
        check(number(), &[("config", r#"{"unit":"ms"}"#)], "{}", None);
        check(Arc::new(TimestampMillisecondArray::from(vec![1])), &[], "{}", Some("misread"));
        check(Arc::new(LargeStringArray::from(vec!["a"])), &[], "{}", Some("misread"));
        check(number(), &[("labels", r#"{"a":1}"#)], "{}", Some("labels"));
        check(number(), &[("config", r#"{"decimals":-1}"#)], "{}", Some("config"));
        check(number(), &[("config", r#"{"displayName":"x"}"#)], "{}", Some("config"));
        let notice = |extra: &str| format!(r#"{{"notices":[{{"severity":"info","text":"t"{extra}}}]}}"#);
        check(number(), &[], &notice(""), None);
        check(number(), &[], &notice(r#","inspect":"meta""#), Some("inspect"));
        check(number(), &[], r#"{"notices":[{"severity":"fatal","text":"t"}]}"#, Some("fatal"));
        check(number(), &[], r#"{"custom":[]}"#, Some("meta"));
    }

    #[test]
    fn a_stream_is_no_file() {
        let column = Arc::new(Float64Array::from(vec![1.0])) as ArrayRef;
        let schema = schema(&column, &[], "{}");
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        writer.finish().unwrap();
        assert!(reader::read(&writer.into_inner().unwrap()).unwrap_err().contains("not an Arrow file"));
    }
}
