//! The provisioned dashboards as questions: every panel's queries, with variables at their defaults and the time range
//! as instants, just as a browser would send them.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::tools::root;

/// One dashboard.
#[derive(Debug)]
pub(crate) struct Dashboard {
    /// Its title.
    pub(crate) title: String,
    /// Its panels that ask something, in order.
    pub(crate) panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug)]
pub(crate) struct Panel {
    /// Its title.
    pub(crate) title: String,
    /// Start of its time range, milliseconds.
    pub(crate) from: i64,
    /// End of its time range, milliseconds.
    pub(crate) to: i64,
    /// Its queries, as the datasource gets them.
    pub(crate) queries: Vec<Value>,
}

/// Reads `provisioning/dashboards/*.json`.
pub(crate) fn provisioned() -> Result<Vec<Dashboard>> {
    let folder = root().join("provisioning").join("dashboards");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .context("provisioning/dashboards")?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let now = Utc::now();
    files
        .iter()
        .map(|file| {
            let json: Value = serde_json::from_slice(&fs::read(file)?).with_context(|| file.display().to_string())?;
            dashboard(&json, now).with_context(|| file.display().to_string())
        })
        .collect()
}

fn dashboard(json: &Value, now: DateTime<Utc>) -> Result<Dashboard> {
    let variables = variables(json);
    let whole = json.get("time").cloned().unwrap_or_else(|| json!({"from": "now-6h", "to": "now"}));
    let mut panels = Vec::new();
    for panel in all_panels(json) {
        let Some(targets) = panel["targets"].as_array().filter(|targets| !targets.is_empty()) else { continue };
        let (from, to) = range(&whole, panel, now)?;
        panels.push(Panel {
            title: panel["title"].as_str().unwrap_or("(untitled)").to_owned(),
            from: from.timestamp_millis(),
            to: to.timestamp_millis(),
            queries: targets.iter().map(|target| query(target, panel, &variables, from, to)).collect(),
        });
    }
    Ok(Dashboard { title: json["title"].as_str().unwrap_or("(untitled)").to_owned(), panels })
}

/// Panels, those in collapsed rows included.
fn all_panels(json: &Value) -> Vec<&Value> {
    let top = json["panels"].as_array().map(Vec::as_slice).unwrap_or_default();
    top.iter()
        .flat_map(|panel| {
            let inner = panel["panels"].as_array().map(Vec::as_slice).unwrap_or_default();
            std::iter::once(panel).chain(inner)
        })
        .collect()
}

/// Values of the variables as a fresh browser has them.
fn variables(json: &Value) -> BTreeMap<String, Vec<String>> {
    let list = json["templating"]["list"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|variable| {
            let current = &variable["current"]["value"];
            let texts = match current {
                Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                Value::String(value) => vec![value.clone()],
                _ => vec!["$__all".to_owned()],
            };
            Some((variable["name"].as_str()?.to_owned(), texts))
        })
        .collect()
}

fn query(
    target: &Value,
    panel: &Value,
    variables: &BTreeMap<String, Vec<String>>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Value {
    let mut query = replaced(target, variables);
    let points = panel["maxDataPoints"].as_i64().unwrap_or(1_000).max(1);
    if let Some(fields) = query.as_object_mut() {
        fields.insert("maxDataPoints".into(), json!(points));
        fields.insert("intervalMs".into(), json!(((to - from).num_milliseconds() / points).max(1)));
    }
    query
}

/// Variables replaced: a list entry that is one variable becomes all its values, elsewhere the first value stands in.
fn replaced(value: &Value, variables: &BTreeMap<String, Vec<String>>) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), replaced(value, variables))).collect())
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .flat_map(|item| match item.as_str().and_then(|text| variables.get(variable_name(text)?)) {
                    Some(values) => values.iter().map(|value| json!(value)).collect(),
                    None => vec![replaced(item, variables)],
                })
                .collect(),
        ),
        Value::String(text) => match variable_name(text).and_then(|name| variables.get(name)) {
            Some(values) => json!(values.first().cloned().unwrap_or_default()),
            None => value.clone(),
        },
        _ => value.clone(),
    }
}

/// The name in `$name`, `${name}` or `${name:format}`, where the text is nothing else.
fn variable_name(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    match rest.strip_prefix('{') {
        Some(braced) => braced.strip_suffix('}').map(|inner| inner.split(':').next().unwrap_or(inner)),
        None => Some(rest),
    }
}

/// The panel's own range: the dashboard's, or relative time and shift of its own.
fn range(whole: &Value, panel: &Value, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
    let own = panel["timeFrom"]
        .as_str()
        .map(|text| if text.starts_with("now") { text.to_owned() } else { format!("now-{text}") });
    let from = own.clone().unwrap_or_else(|| whole["from"].as_str().unwrap_or("now-6h").to_owned());
    let to = if own.is_some() { "now" } else { whole["to"].as_str().unwrap_or("now") };
    Ok((moment(&from, now, false)?, moment(to, now, true)?))
}

/// Grafana's relative times: `now`, `now-30d`, `now/M`, `now-1M/M`; rounding goes up for the end of a range.
fn moment(text: &str, now: DateTime<Utc>, end: bool) -> Result<DateTime<Utc>> {
    let bad = || anyhow::anyhow!("the time `{text}` is not understood");
    let rest = text.strip_prefix("now").ok_or_else(bad)?;
    let (shift, unit) = match rest.split_once('/') {
        Some((shift, unit)) => (shift, Some(unit)),
        None => (rest, None),
    };
    let mut at = now;
    if let Some(back) = shift.strip_prefix('-') {
        let split = back.len() - back.chars().next_back().map_or(0, char::len_utf8);
        let (count, step) = back.split_at(split);
        let count: u32 = count.parse().map_err(|_digits| bad())?;
        at = match step {
            "h" => at - TimeDelta::hours(count.into()),
            "d" => at - TimeDelta::days(count.into()),
            "w" => at - TimeDelta::weeks(count.into()),
            "M" => at.checked_sub_months(Months::new(count)).ok_or_else(bad)?,
            "y" => at.checked_sub_months(Months::new(count * 12)).ok_or_else(bad)?,
            _ => return Err(bad()),
        };
    } else if !shift.is_empty() {
        return Err(bad());
    }
    let Some(unit) = unit else { return Ok(at) };
    let date = at.date_naive();
    let (start, next) = match unit {
        "d" => (Some(date), date.checked_add_days(Days::new(1))),
        "w" => {
            let monday = date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into()));
            (monday, monday.and_then(|day| day.checked_add_days(Days::new(7))))
        }
        "M" => {
            let first = NaiveDate::from_ymd_opt(date.year(), date.month(), 1);
            (first, first.and_then(|day| day.checked_add_months(Months::new(1))))
        }
        "y" => {
            let first = NaiveDate::from_ymd_opt(date.year(), 1, 1);
            (first, first.and_then(|day| day.checked_add_months(Months::new(12))))
        }
        _ => return Err(bad()),
    };
    let day = if end { next } else { start };
    day.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|time| time.and_utc()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-24T10:30:00Z").unwrap().to_utc()
    }

    #[test]
    fn relative_times_are_read_as_grafana_reads_them() {
        for (text, end, expected) in [
            ("now", false, "2026-11-24T10:30:00+00:00"),
            ("now-30d", false, "2026-10-25T10:30:00+00:00"),
            ("now/M", false, "2026-11-01T00:00:00+00:00"),
            ("now/M", true, "2026-12-01T00:00:00+00:00"),
            ("now-1M/M", true, "2026-11-01T00:00:00+00:00"),
            ("now-18M/M", false, "2025-05-01T00:00:00+00:00"),
            ("now/w", false, "2026-11-23T00:00:00+00:00"),
        ] {
            assert_eq!(moment(text, now(), end).unwrap().to_rfc3339(), expected, "{text}");
        }
        assert!(moment("yesterday", now(), false).is_err());
    }

    #[test]
    fn variables_become_their_values() {
        let variables = [
            ("client".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            ("metric".to_owned(), vec!["BilledCost".to_owned()]),
        ];
        let target =
            json!({"metric": "$metric", "filters": [{"key": "Client", "values": ["${client:json}"]}], "top": 5});
        assert_eq!(
            replaced(&target, &variables.into()),
            json!({"metric": "BilledCost", "filters": [{"key": "Client", "values": ["a", "b"]}], "top": 5})
        );
    }
}
