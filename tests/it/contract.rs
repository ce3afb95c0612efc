//! What the editors emit is what the backend reads: every file that `ui/`'s tests keep in `tests/contract` parses,
//! and no field of it is passed over. Knows nothing of how the files are made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use outlay::app::settings::RawSettings;
use outlay::query::PanelQuery;
use outlay::query::request::KINDS;
use serde_json::Value;

/// Fields of Grafana's own, in the same object.
const GRAFANA: [&str; 5] = ["refId", "datasource", "queryType", "hide", "key"];

#[test]
fn every_request_of_the_editors_is_read_whole() {
    for (name, json) in files("requests") {
        // No help from Grafana's field: an alert rule may come without it.
        let query =
            PanelQuery::parse(json.to_string().as_bytes(), "").unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = serde_json::to_value(&query).expect("a query is JSON");
        for (field, value) in json.as_object().expect("a request is an object") {
            if !GRAFANA.contains(&field.as_str()) {
                assert_eq!(read.get(field), Some(value), "{name}: `{field}` is not read as it was written");
            }
        }
        assert_eq!(json["kind"], query.kind(), "{name}");
        assert!(name.starts_with(&format!("{}-", query.kind())), "{name} is named after its kind");
        let again = PanelQuery::parse(read.to_string().as_bytes(), "").expect("what was read parses again");
        assert_eq!(again, query, "{name} survives being written and read");
    }
}

#[test]
fn every_kind_has_requests() {
    let requests = files("requests");
    for kind in KINDS {
        assert!(requests.keys().any(|name| name.starts_with(&format!("{kind}-"))), "kind `{kind}` has a request");
    }
}

#[test]
fn every_setting_of_the_editor_is_read_whole() {
    for (name, json) in files("settings") {
        let settings: RawSettings =
            serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = serde_json::to_value(&settings).expect("settings are JSON");
        assert_eq!(without_nulls(read), json, "{name} is read as it was written");
    }
}

/// The JSON files of a folder of the contract, by name.
fn files(folder: &str) -> BTreeMap<String, Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(folder);
    let found: BTreeMap<String, Value> = std::fs::read_dir(&path)
        .expect("the contract has this folder")
        .map(|entry| {
            let entry = entry.expect("the folder can be read");
            let text = std::fs::read_to_string(entry.path()).expect("the file can be read");
            let json = serde_json::from_str(&text).expect("the file is JSON");
            (entry.file_name().to_string_lossy().into_owned(), json)
        })
        .collect();
    assert!(!found.is_empty(), "the contract has files in {folder}");
    found
}

/// Without the fields that were not given: nulls and empty lists.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
