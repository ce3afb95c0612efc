//! Reads `jsonData` as people and provisioning write it: every type error with its path, not only the first, and
//! values that Grafana's environment expansion turned into numbers or switches as the text they were.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::checked::{Problem, shorten};
use super::settings::{RawAllocation, RawBilling, RawSettings};

/// Text settings of a billing source.
const TEXTS: [&str; 7] = ["id", "format", "location", "region", "endpoint", "refresh", "since"];
/// The other settings of a billing source.
const OTHERS: [&str; 1] = ["pathStyle"];

/// What reading found besides the settings.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Problems of the whole.
    pub problems: Vec<Problem>,
    /// Problems of billing sources, by place in the list.
    pub entries: BTreeMap<usize, Vec<Problem>>,
    /// What is odd but not wrong.
    pub warnings: Vec<String>,
}

impl Reading {
    /// The settings as far as they can be read. An entry that is no object becomes an empty one with a problem.
    ///
    /// # Errors
    /// Where nothing can be read at all.
    pub(super) fn settings(&mut self, json: &[u8]) -> Result<RawSettings, Problem> {
        let whole = |why: String| Problem { path: "jsonData".into(), why };
        if json.iter().all(u8::is_ascii_whitespace) {
            return Ok(RawSettings::default());
        }
        let value: Value = serde_json::from_slice(json).map_err(|error| whole(format!("is no JSON: {error}")))?;
        let mut all = match value {
            Value::Object(all) => all,
            Value::Null => return Ok(RawSettings::default()),
            other => return Err(whole(format!("expected an object, found {}", named(&other)))),
        };
        Ok(RawSettings {
            billing: self.billing(all.remove("billing")),
            allocation: self.allocation(all.remove("allocation")),
        })
    }

    fn billing(&mut self, value: Option<Value>) -> Vec<RawBilling> {
        let entries = match value {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(other) => {
                let why = format!("expected a list of sources, found {}", named(&other));
                self.problems.push(Problem { path: "billing".into(), why });
                return Vec::new();
            }
        };
        let mut sources = Vec::new();
        for (at, entry) in entries.into_iter().enumerate() {
            let path = format!("billing[{at}]");
            let mut problems = Vec::new();
            let source = match entry {
                Value::Object(mut fields) => {
                    self.mend_source(&path, &mut fields);
                    fields_of(&path, fields, &mut problems)
                }
                other => {
                    problems.push(Problem { path, why: format!("expected an object, found {}", named(&other)) });
                    RawBilling::default()
                }
            };
            self.entries.insert(at, problems);
            sources.push(source);
        }
        sources
    }

    fn mend_source(&mut self, path: &str, fields: &mut Map<String, Value>) {
        for (name, value) in fields.iter_mut() {
            match (name.as_str(), &*value) {
                ("id", Value::Number(number)) => {
                    self.warnings.push(format!(
                        "{path}.id arrived as the number {number}, without any zeros at its start; write it in quotes"
                    ));
                    *value = Value::String(number.to_string());
                }
                ("pathStyle", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                    "true" => *value = Value::Bool(true),
                    "false" => *value = Value::Bool(false),
                    "" => *value = Value::Null,
                    _ => {}
                },
                (name, _) if TEXTS.contains(&name) => as_text(value),
                (name, _) if OTHERS.contains(&name) => {}
                (name, _) => self
                    .warnings
                    .push(format!("{path}.{} is no setting of a billing source and is ignored", shorten(name))),
            }
        }
        if fields.get("id") == Some(&Value::Null) {
            fields.remove("id");
        }
    }

    fn allocation(&mut self, value: Option<Value>) -> Option<RawAllocation> {
        let mut fields = match value? {
            Value::Null => return None,
            Value::Object(fields) => fields,
            other => {
                let why = format!("expected an object, found {}", named(&other));
                self.problems.push(Problem { path: "allocation".into(), why });
                return None;
            }
        };
        for list in ["promotedTags", "clientTags"] {
            match fields.get_mut(list) {
                Some(Value::Array(tags)) => tags.iter_mut().for_each(as_text),
                // A list that comes out of one environment variable.
                Some(value @ Value::String(_)) => {
                    let text = value.as_str().unwrap_or_default();
                    let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
                    *value = tags.map(|tag| Value::String(tag.to_owned())).collect();
                }
                _ => {}
            }
        }
        if let Some(Value::Object(markets)) = fields.get_mut("markets") {
            markets.values_mut().for_each(as_text);
        }
        Some(fields_of("allocation", fields, &mut self.problems))
    }
}

/// A struct out of its fields; fields of the wrong type are left out, each with a problem.
fn fields_of<T: DeserializeOwned + Default>(
    path: &str,
    mut fields: Map<String, Value>,
    problems: &mut Vec<Problem>,
) -> T {
    loop {
        let error = match serde_path_to_error::deserialize(Value::Object(fields.clone())) {
            Ok(read) => return read,
            Err(error) => error,
        };
        let at = error.path().to_string();
        let name = error.path().iter().next().map(ToString::to_string).unwrap_or_default();
        problems.push(Problem { path: format!("{path}.{at}"), why: shorten_why(&error.into_inner().to_string()) });
        if fields.remove(&name).is_none() {
            return T::default();
        }
    }
}

/// Grafana expands variables in `jsonData` and then takes what looks like a number or a switch for one.
fn as_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Bool(switch) => *value = Value::String(switch.to_string()),
        _ => {}
    }
}

/// serde quotes what it found, however long.
fn shorten_why(why: &str) -> String {
    why.chars().filter(|c| !c.is_control()).take(200).collect()
}

const fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a switch",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
