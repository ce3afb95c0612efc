//! What Grafana's expressions and alert rules demand of an answer beyond being readable: the dataplane contract with its
//! order and duplicate checks, and the rule that an alert gets one number per set of labels.

use std::collections::BTreeSet;

use super::reader::{Field, Frame, Kind};

/// Checks the frames of one refId as a panel's data, and as an alert's where `from_alert`.
pub(crate) fn check(frames: &[Frame], from_alert: bool) -> Result<(), String> {
    let Some(first) = frames.first() else { return Err("no frame: an answer without a reason".into()) };
    for frame in frames {
        if frame.meta.dataplane != first.meta.dataplane {
            return Err("frames of different types in one refId".into());
        }
        if frame.meta.dataplane.is_some() && frame.meta.type_version != Some([0, 1]) {
            return Err(format!("type version {:?}: the type would be ignored", frame.meta.type_version));
        }
        let lengths: BTreeSet<usize> = frame.fields.iter().map(|field| field.values.len()).collect();
        if lengths.len() > 1 {
            return Err(format!("fields of different lengths: {lengths:?}"));
        }
    }
    if first.fields.is_empty() {
        return no_data(frames);
    }
    match first.meta.dataplane.as_deref() {
        Some("timeseries-wide") => wide(frames, from_alert),
        Some("timeseries-multi") => multi(frames, from_alert),
        Some("numeric-long") => numeric_long(frames, from_alert),
        None if from_alert => Err("an alert would read this untyped answer by legacy rules".into()),
        None => Ok(()),
        Some(other) => Err(format!("unknown type {other}")),
    }
}

/// One typed frame without fields is what alerting reads as no data; its notice says why.
fn no_data(frames: &[Frame]) -> Result<(), String> {
    match frames {
        [only] if only.meta.dataplane.is_none() => Err("no data without a type".into()),
        [only] if only.meta.notices.iter().all(|notice| notice.text.is_empty()) => {
            Err("no data without a reason".into())
        }
        [_] => Ok(()),
        _ => Err("a frame without fields among several".into()),
    }
}

fn wide(frames: &[Frame], from_alert: bool) -> Result<(), String> {
    let [frame] = frames else { return Err("a wide series has one frame".into()) };
    series_time(frame)?;
    let values = &frame.fields[1..];
    if from_alert && frame.fields[0].values.is_empty() {
        return Err("a wide series without rows evaluates to Normal, not to no data".into());
    }
    one_per_labels(values.iter())?;
    for field in values {
        if field.kind != Kind::Number {
            return Err(format!("field {} of a wide series is no number", field.name));
        }
        if from_alert && field.values.iter().any(serde_json::Value::is_null) {
            return Err(format!("field {}: a null makes strict reduction NaN, which is Normal", field.name));
        }
    }
    if values.is_empty() { Err("a wide series without values".into()) } else { Ok(()) }
}

fn multi(frames: &[Frame], from_alert: bool) -> Result<(), String> {
    for frame in frames {
        series_time(frame)?;
        let [_, value] = frame.fields.as_slice() else { return Err("a series has a time and one value".into()) };
        if value.kind != Kind::Number || (from_alert && value.values.iter().any(serde_json::Value::is_null)) {
            return Err(format!("field {} is no full series of numbers", value.name));
        }
    }
    one_per_labels(frames.iter().map(|frame| &frame.fields[1]))
}

fn series_time(frame: &Frame) -> Result<(), String> {
    let time = &frame.fields[0];
    if time.kind != Kind::Time || time.nullable {
        return Err(format!("field {} should be a time without nulls: the series is unreadable", time.name));
    }
    let times: Vec<Option<i64>> = time.values.iter().map(serde_json::Value::as_i64).collect();
    if times.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err("times do not ascend".into());
    }
    Ok(())
}

fn one_per_labels<'f>(fields: impl Iterator<Item = &'f Field>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for field in fields {
        if !seen.insert((&field.name, &field.labels)) {
            return Err(format!("duplicate results with labels {:?}", field.labels));
        }
    }
    Ok(())
}

fn numeric_long(frames: &[Frame], from_alert: bool) -> Result<(), String> {
    let [frame] = frames else { return Err("a table of numbers has one frame".into()) };
    if let Some(field) = frame.fields.iter().find(|field| !field.labels.is_empty()) {
        return Err(format!("field {} of a long frame has labels", field.name));
    }
    let numbers = frame.fields.iter().filter(|field| field.kind == Kind::Number).count();
    if numbers == 0 || (from_alert && numbers != 1) {
        return Err(format!("{numbers} columns of numbers"));
    }
    let texts: Vec<&Field> = frame.fields.iter().filter(|field| field.kind == Kind::String).collect();
    let rows = frame.fields[0].values.len();
    let mut seen = BTreeSet::new();
    for row in 0..rows {
        // Grafana reads a null as "".
        let key: Vec<&str> = texts.iter().map(|field| field.values[row].as_str().unwrap_or_default()).collect();
        if from_alert && !seen.insert(key.clone()) {
            return Err(format!("duplicate results with labels {key:?}"));
        }
    }
    Ok(())
}
