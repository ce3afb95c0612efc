//! Answers as Arrow files, exactly as Grafana reads them; the only place that casts for Grafana.
//! Exact decimals become floats here, once, each the nearest to its value; the exact totals stay in `custom.outlay`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;

use super::frame_meta::{Config, Meta};
use crate::query::answer::{Answer, Field, Frame, Notice, Shape, Values};

/// The most that one answer may hold; above it the author is told the count and what to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows over all frames.
    pub rows: u64,
    /// Values over all frames.
    pub cells: u64,
    /// Value fields over all frames.
    pub series: u64,
    /// Bytes over all frames.
    pub bytes: u64,
}

impl Limits {
    /// For panels, with the operator's limit of rows.
    #[must_use]
    pub const fn panel(rows: u64) -> Self {
        Self { rows, cells: 5_000_000, series: 10_000, bytes: 32 * 1024 * 1024 }
    }

    /// For alert rules: what Grafana's expressions take.
    #[must_use]
    pub const fn alert(rows: u64) -> Self {
        Self { cells: 100_000, ..Self::panel(rows) }
    }
}

/// Why an answer can't be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More than Grafana or this machine should hold.
    #[error(
        "the answer has {found} {what}, at most {limit}: choose a coarser grain, group by less, or narrow the filters"
    )]
    TooMuch {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many may be.
        limit: u64,
    },
    /// A frame that Grafana would misread.
    #[error("field `{field}` of the answer {why}")]
    Uneven {
        /// The field.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Arrow itself refused.
    #[error("the answer could not be written as a frame: {0}")]
    Arrow(#[from] ArrowError),
}

/// Writes each frame of `answer` as one Arrow file.
///
/// # Errors
/// [`Error`], for this refId alone.
pub fn encode(answer: &Answer, ref_id: &str, limits: Limits) -> Result<Vec<Vec<u8>>, Error> {
    check_size(answer, limits)?;
    let mut bytes = 0;
    let mut files = Vec::with_capacity(answer.frames.len());
    for frame in &answer.frames {
        let file = encode_frame(frame, ref_id)?;
        bytes += file.len() as u64;
        most("bytes", bytes, limits.bytes)?;
        files.push(file);
    }
    Ok(files)
}

fn check_size(answer: &Answer, limits: Limits) -> Result<(), Error> {
    let sum = |count: fn(&Frame) -> usize| answer.frames.iter().map(count).sum::<usize>() as u64;
    let rows = |frame: &Frame| frame.fields.first().map_or(0, |field| field.values.len());
    most("rows", sum(rows), limits.rows)?;
    most("cells", sum(|frame| frame.fields.iter().map(|field| field.values.len()).sum()), limits.cells)?;
    most("series", sum(|frame| frame.fields.len().saturating_sub(1)), limits.series)
}

const fn most(what: &'static str, found: u64, limit: u64) -> Result<(), Error> {
    if found > limit { Err(Error::TooMuch { what, found, limit }) } else { Ok(()) }
}

fn encode_frame(frame: &Frame, ref_id: &str) -> Result<Vec<u8>, Error> {
    check_shape(frame)?;
    let mut cut = 0;
    let mut fields = Vec::with_capacity(frame.fields.len());
    let mut columns = Vec::with_capacity(frame.fields.len());
    for field in &frame.fields {
        let column = column(&field.values, &mut cut);
        let nullable = !matches!(field.values, Values::Time(_));
        let arrow = ArrowField::new(&field.name, column.data_type().clone(), nullable);
        fields.push(arrow.with_metadata(field_metadata(field, &mut cut)?));
        columns.push(column);
    }
    let added: Vec<Notice> =
        (cut > 0).then(|| Notice::warning(format!("{cut} texts longer than 8 KiB are cut"))).into_iter().collect();
    let metadata = HashMap::from([
        ("name".to_owned(), frame.name.clone()),
        ("refId".to_owned(), ref_id.to_owned()),
        ("meta".to_owned(), json(&Meta::of(frame, &added))?),
    ]);
    // Grafana reads the metadata of the schema, not that of the file's footer.
    let schema = Arc::new(Schema::new(fields).with_metadata(metadata));
    let mut writer = FileWriter::try_new(Vec::new(), &schema)?;
    if columns.first().is_some_and(|column| !column.is_empty()) {
        writer.write(&RecordBatch::try_new(schema, columns)?)?;
    }
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// A frame that breaks these rules is read wrongly, or fails all refIds of the response.
fn check_shape(frame: &Frame) -> Result<(), Error> {
    let fault = |field: &Field, why| Err(Error::Uneven { field: field.name.clone(), why });
    let Some(first) = frame.fields.first() else { return Ok(()) };
    for field in &frame.fields {
        if field.values.len() != first.values.len() {
            return fault(field, "has another length than the first one");
        }
    }
    if !matches!(frame.shape, Shape::TimeseriesWide | Shape::TimeseriesMulti) {
        return Ok(());
    }
    match &first.values {
        Values::Time(times) if times.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) => Ok(()),
        Values::Time(_) => fault(first, "is a time that does not ascend"),
        _ => fault(first, "should be the time of a series"),
    }
}

fn column(values: &Values, cut: &mut usize) -> ArrayRef {
    match values {
        Values::Time(times) => {
            Arc::new(TimestampNanosecondArray::from_iter_values(times.iter().map(|time| time.0)).with_timezone("UTC"))
        }
        Values::MaybeTime(times) => Arc::new(
            times.iter().map(|time| time.map(|time| time.0)).collect::<TimestampNanosecondArray>().with_timezone("UTC"),
        ),
        Values::Text(texts) => {
            Arc::new(texts.iter().map(|text| text.as_deref().map(|text| shortened(text, cut))).collect::<StringArray>())
        }
        Values::Exact(amounts) => Arc::new(
            amounts.iter().map(|amount| amount.map(|amount| amount.to_nearest_f64())).collect::<Float64Array>(),
        ),
        Values::Float(numbers) => Arc::new(numbers.iter().copied().collect::<Float64Array>()),
        Values::Count(counts) => Arc::new(counts.iter().copied().collect::<Int64Array>()),
    }
}

fn field_metadata(field: &Field, cut: &mut usize) -> Result<HashMap<String, String>, Error> {
    let mut metadata = HashMap::new();
    if !field.labels.is_empty() {
        let labels: std::collections::BTreeMap<&str, Cow<'_, str>> =
            field.labels.iter().map(|(name, value)| (name.as_str(), shortened(value, cut))).collect();
        metadata.insert("labels".to_owned(), json(&labels)?);
    }
    if let Some(config) = Config::of(field) {
        metadata.insert("config".to_owned(), json(&config)?);
    }
    Ok(metadata)
}

/// Longest text of a value or a label.
const LONGEST_TEXT: usize = 8 * 1024;

fn shortened<'t>(text: &'t str, cut: &mut usize) -> Cow<'t, str> {
    if text.len() <= LONGEST_TEXT {
        return Cow::Borrowed(text);
    }
    *cut += 1;
    let kept = text.get(..text.floor_char_boundary(LONGEST_TEXT - 3)).unwrap_or_default();
    Cow::Owned(format!("{kept}\u{2026}"))
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Arrow(ArrowError::from_external_error(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, TimeUnit};

    use super::*;
    use crate::model::Instant;

    fn field(name: &str, values: Values) -> Field {
        Field { name: name.into(), values, ..Field::default() }
    }

    fn answer(shape: Shape, fields: Vec<Field>) -> Answer {
        Answer {
            frames: vec![Frame {
                name: String::new(),
                shape,
                fields,
                notices: Vec::new(),
                executed: String::new(),
                stats: Vec::new(),
                custom: serde_json::Value::Null,
            }],
        }
    }

    fn fails(shape: Shape, fields: Vec<Field>, text: &str) {
        let error = encode(&answer(shape, fields), "A", Limits::panel(3)).unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }

    #[test]
    fn frames_that_grafana_would_misread_are_refused() {
        let time = |times: &[i64]| field("Time", Values::Time(times.iter().copied().map(Instant).collect()));
        let value = |count: usize| field("value", Values::Float(vec![Some(1.0); count]));
        fails(Shape::TimeseriesWide, vec![time(&[1, 2]), value(1)], "field `value` of the answer has another length");
        fails(Shape::TimeseriesWide, vec![time(&[1, 1]), value(2)], "field `Time` of the answer is a time that does");
        fails(Shape::TimeseriesMulti, vec![value(1)], "field `value` of the answer should be the time");
        fails(Shape::NumericLong, vec![value(4)], "the answer has 4 rows, at most 3: ");
    }

    #[test]
    fn cells_series_and_bytes_are_bounded_too() {
        let wide: Vec<Field> = (0..5).map(|_| field("v", Values::Count(vec![Some(1)]))).collect();
        let answer = answer(Shape::Table, wide);
        let limits = Limits { rows: 9, cells: 9, series: 9, bytes: 1 << 20 };
        assert_eq!(encode(&answer, "A", limits).unwrap().len(), 1);
        for (limits, what) in [
            (Limits { cells: 4, ..limits }, "5 cells, at most 4"),
            (Limits { series: 3, ..limits }, "4 series, at most 3"),
            (Limits { bytes: 100, ..limits }, " bytes, at most 100"),
        ] {
            let error = encode(&answer, "A", limits).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut cut = 0;
        let text = "é".repeat(5_000);
        let short = shortened(&text, &mut cut);
        assert!(short.len() <= LONGEST_TEXT && short.ends_with('\u{2026}') && cut == 1);
        assert_eq!(shortened("whole", &mut cut), "whole");
        assert_eq!(cut, 1);
    }

    #[test]
    fn time_columns_hold_nanoseconds() {
        let kind = column(&Values::Time(vec![Instant(1)]), &mut 0).data_type().clone();
        assert_eq!(kind, DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
    }
}
