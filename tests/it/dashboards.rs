//! The provisioned dashboards, read as files: nothing dead, nothing untitled, nothing that only works on one Grafana.
//! That every panel answers is shown by `cargo xtask demo`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("provisioning").join("dashboards")
}

fn dashboards() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = std::fs::read_dir(folder())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty());
    found
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What is wrong with a dashboard, in words.
fn faults(dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let variables: Vec<&str> =
        array(&dashboard["templating"]["list"]).iter().filter_map(|variable| variable["name"].as_str()).collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in array(&dashboard["panels"]) {
        let title = panel["title"].as_str().unwrap_or_default();
        let name = if title.is_empty() { format!("panel {}", panel["id"]) } else { title.to_owned() };
        if title.is_empty() {
            faults.push(format!("{name} has no title"));
        }
        if !ids.insert(panel["id"].as_i64()) {
            faults.push(format!("{name} shares its id"));
        }
        let place = &panel["gridPos"];
        if place["x"].as_i64().unwrap_or(99) + place["w"].as_i64().unwrap_or(99) > 24 {
            faults.push(format!("{name} is wider than the page"));
        }
        if panel["type"] == "row" {
            continue;
        }
        for (what, there) in [
            ("description", panel["description"].as_str().is_some_and(|text| !text.is_empty())),
            ("text for no value", panel["fieldConfig"]["defaults"]["noValue"].is_string()),
            ("datasource variable", panel["datasource"]["uid"] == "${datasource}"),
            ("query", !array(&panel["targets"]).is_empty()),
        ] {
            if !there {
                faults.push(format!("{name} has no {what}"));
            }
        }
        for target in array(&panel["targets"]) {
            if target["datasource"]["uid"] != "${datasource}" {
                faults.push(format!("{name} names a datasource of its own"));
            }
            if target["kind"] != target["queryType"] {
                faults.push(format!("{name}: kind and queryType differ"));
            }
        }
        names_in(panel, &mut used);
    }
    names_in(&dashboard["templating"], &mut used);
    for variable in &variables {
        if !used.contains(*variable) {
            faults.push(format!("variable {variable} is never used"));
        }
    }
    for name in used.iter().filter(|name| !variables.contains(&name.as_str()) && !name.starts_with("__")) {
        faults.push(format!("${name} is no variable"));
    }
    let text = dashboard.to_string();
    for fixed in ["http://", "https://", "\"datasourceId\"", "/dashboard/db/"] {
        if text.contains(fixed) {
            faults.push(format!("`{fixed}` ties it to one Grafana"));
        }
    }
    faults
}

/// Names of `$name`, `${name}`, `${name:format}` and `var-name=` in all texts.
fn names_in(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            for part in text.split('$').skip(1) {
                let part = part.strip_prefix('{').unwrap_or(part);
                let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if !name.is_empty() {
                    into.insert(name);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| names_in(field, into)),
        _ => {}
    }
}

#[test]
fn every_dashboard_is_whole() {
    for (name, dashboard) in dashboards() {
        assert_eq!(faults(&dashboard), Vec::<String>::new(), "{name}");
        assert!(dashboard["uid"].as_str().is_some_and(|uid| uid.len() <= 40), "{name}");
    }
}

#[test]
fn a_fault_is_found() {
    let (_, mut dashboard) = dashboards().remove(0);
    dashboard["panels"][1]["title"] = json!("");
    dashboard["panels"][1]["targets"][0]["metric"] = json!("$nothing");
    dashboard["panels"][2]["datasource"]["uid"] = json!("abc");
    let faults = faults(&dashboard).join("; ");
    for part in ["has no title", "$nothing is no variable", "has no datasource variable"] {
        assert!(faults.contains(part), "{part} in {faults}");
    }
}

#[test]
fn the_manifest_bundles_every_dashboard() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("plugin.json");
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let bundled: BTreeSet<String> = array(&manifest["includes"])
        .iter()
        .filter(|include| include["type"] == "dashboard")
        .filter_map(|include| include["path"].as_str()?.strip_prefix("dashboards/").map(str::to_owned))
        .collect();
    let provisioned: BTreeSet<String> = dashboards().into_iter().map(|(name, _)| name).collect();
    assert_eq!(bundled, provisioned);
}

#[test]
fn alert_rules_ask_fixed_values_of_the_provisioned_datasource() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("provisioning");
    let rules = std::fs::read_to_string(root.join("alerting").join("outlay.yaml")).unwrap();
    let datasource = std::fs::read_to_string(root.join("datasources").join("outlay.yaml")).unwrap();
    assert!(datasource.contains("uid: outlay\n"));
    assert!(rules.contains("datasourceUid: outlay\n"));
    let models = rules.split("model:").skip(1).map(|part| part.split("- refId").next().unwrap_or_default());
    let mut count = 0;
    for model in models {
        assert!(!model.contains('$'), "a variable in {model}");
        count += 1;
    }
    assert!(count >= 2);
}
