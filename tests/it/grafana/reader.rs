//! Reads frames as strictly as Grafana: what it would refuse, drop or misread is an error here.
//! Rules: Grafana's `arrow.go` (types, nulls, metadata), its JSON types of `meta` and `config`.

use std::collections::BTreeMap;

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::ipc::reader::FileReader;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A frame as Grafana has it after decoding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) ref_id: String,
    pub(crate) meta: Meta,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) config: Config,
    /// Times as integer nanoseconds; NaN as the text `NaN`.
    pub(crate) values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Time,
    String,
    Number,
    Boolean,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Meta {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) dataplane: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) type_version: Option<[u64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preferred_visualisation_type: Option<Visualisation>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub(crate) custom: serde_json::Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stats: Vec<Stat>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notices: Vec<Notice>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) executed_query_string: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Visualisation {
    Graph,
    Table,
    Logs,
    Trace,
    NodeGraph,
    Flamegraph,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stat {
    pub(crate) display_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) unit: String,
    pub(crate) value: f64,
}

/// `inspect` is refused with every other unknown name: Go and the browser disagree on its type.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    pub(crate) severity: Severity,
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) link: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

/// Display settings; `displayName` is refused, since a data source that sets it takes it from the user.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "String::is_empty")]
    pub(crate) display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filterable: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decimals: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) no_value: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<Link>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) title: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) target_blank: bool,
}

/// Reads one frame.
pub(crate) fn read(bytes: &[u8]) -> Result<Frame, String> {
    if !bytes.starts_with(b"ARROW1") || !bytes.ends_with(b"ARROW1") {
        return Err("not an Arrow file: a stream, perhaps".into());
    }
    let reader = FileReader::try_new(std::io::Cursor::new(bytes), None).map_err(|error| error.to_string())?;
    let schema = reader.schema();
    let mut fields = empty_fields(&schema)?;
    let batches = reader.num_batches();
    if batches > 1 {
        return Err(format!("{batches} record batches, one is ours"));
    }
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        if batch.num_rows() == 0 {
            return Err("a batch without rows".into());
        }
        for (field, column) in fields.iter_mut().zip(batch.columns()) {
            if !field.nullable && column.null_count() > 0 {
                return Err(format!("field {}: a null that Grafana would read as zero", field.name));
            }
            field.values.extend((0..column.len()).map(|row| value(column, row)));
        }
    }
    let text = |key: &str| schema.metadata().get(key).cloned();
    let known = ["name", "refId", "meta"].into_iter().filter(|key| schema.metadata().contains_key(*key));
    if known.count() < schema.metadata().len() {
        return Err(format!("unknown frame metadata in {:?}", schema.metadata()));
    }
    let meta = text("meta").ok_or("a frame without meta")?;
    let meta = serde_json::from_str(&meta).map_err(|error| format!("meta: {error} in {meta}"))?;
    Ok(Frame { name: text("name").unwrap_or_default(), ref_id: text("refId").ok_or("no refId")?, meta, fields })
}

fn empty_fields(schema: &Schema) -> Result<Vec<Field>, String> {
    let mut fields = Vec::new();
    for field in schema.fields() {
        let fail = |what: String| format!("field {}: {what}", field.name());
        let kind = match field.data_type() {
            // Grafana reads any unit as nanoseconds.
            DataType::Timestamp(TimeUnit::Nanosecond, zone) if zone.as_deref().is_none_or(|zone| zone == "UTC") => {
                Kind::Time
            }
            DataType::Utf8 => Kind::String,
            DataType::Float64 | DataType::Int64 => Kind::Number,
            DataType::Boolean => Kind::Boolean,
            other => return Err(fail(format!("type {other} fails the whole response or is misread"))),
        };
        let (mut labels, mut config) = (BTreeMap::new(), Config::default());
        for (key, json) in BTreeMap::from_iter(field.metadata()) {
            let parsed = match key.as_str() {
                "labels" => serde_json::from_str(json).map(|read| labels = read),
                "config" => serde_json::from_str(json).map(|read| config = read),
                _ => return Err(fail(format!("unknown metadata {key}"))),
            };
            parsed.map_err(|error| fail(format!("{key}: {error} in {json}")))?;
        }
        let (name, nullable) = (field.name().clone(), field.is_nullable());
        fields.push(Field { name, kind, nullable, labels, config, values: Vec::new() });
    }
    Ok(fields)
}

fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    let any = column.as_any();
    if let Some(times) = any.downcast_ref::<TimestampNanosecondArray>() {
        times.value(row).into()
    } else if let Some(texts) = any.downcast_ref::<StringArray>() {
        texts.value(row).into()
    } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
        let number = numbers.value(row);
        if number.is_finite() { number.into() } else { number.to_string().into() }
    } else if let Some(counts) = any.downcast_ref::<Int64Array>() {
        counts.value(row).into()
    } else if let Some(flags) = any.downcast_ref::<BooleanArray>() {
        flags.value(row).into()
    } else {
        Value::Null
    }
}
