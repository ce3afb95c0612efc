//! The built plugin for tests: started with a store and a small bill of its own, held to Grafana's expectations when it
//! ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::deliveries::bill;
use crate::grafana::{self, Datasource, Grafana, Query};

pub(crate) const PLUGIN: &str = env!("CARGO_BIN_EXE_outlay");
/// The whole of 2026's first quarter, in milliseconds.
pub(crate) const QUARTER: (i64, i64) = (1_767_225_600_000, 1_775_001_600_000);

/// Charges of two months: names of every sort, a credit, small fractions. They add up to 13.7500000001 USD.
pub(crate) const CHARGES: [(&str, &str, &str, &str); 7] = [
    ("2026-01-05", "Compute", "1.25", "USD"),
    ("2026-01-05", "\"say \"\"hi\"\", \u{1F600}\nsecond line\"", "2.5", "USD"),
    ("2026-01-06", "Compute", "10", "USD"),
    ("2026-02-01", "Storage", "0.0000000001", "USD"),
    ("2026-02-02", "Storage", "-1", "USD"),
    ("2026-02-02", "", "0.5", "USD"),
    ("2026-02-03", "Compute", "0.5", "USD"),
];

/// A plugin with a store and a bill of its own.
pub(crate) struct Plugin {
    pub(crate) grafana: Grafana,
    pub(crate) store: tempfile::TempDir,
    pub(crate) bills: tempfile::TempDir,
}

impl std::ops::Deref for Plugin {
    type Target = Grafana;
    fn deref(&self) -> &Grafana {
        &self.grafana
    }
}

pub(crate) async fn plugin_with(environment: &[(&str, &str)]) -> Plugin {
    let (store, bills) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(bills.path().join("2026-01.csv"), bill(&CHARGES[..3])).unwrap();
    std::fs::write(bills.path().join("2026-02.csv"), bill(&CHARGES[3..])).unwrap();
    let mut all = BTreeMap::from([
        ("GF_PLUGIN_OUTLAY_STORE_DIR".to_owned(), store.path().display().to_string()),
        ("GF_PLUGIN_OUTLAY_LOCAL_ROOTS".to_owned(), bills.path().display().to_string()),
    ]);
    all.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Plugin { grafana: Grafana::start(Path::new(PLUGIN), &all).await.unwrap(), store, bills }
}

pub(crate) async fn plugin() -> Plugin {
    plugin_with(&[]).await
}

/// A datasource over a folder of exports.
pub(crate) fn folder(path: &Path) -> Datasource {
    let location = format!("file://{}", path.display());
    let json_data = json!({"billing": [{"id": "bills", "format": "focus", "location": location}]});
    Datasource { json_data, ..Datasource::default() }
}

impl Plugin {
    /// The datasource over the small bill.
    pub(crate) fn datasource(&self) -> Datasource {
        folder(self.bills.path())
    }

    /// Waits until nothing is imported any more.
    pub(crate) async fn ready(&self, datasource: &Datasource) {
        let started = Instant::now();
        loop {
            let status = self.resource(datasource, "GET", "status", Vec::new()).await.unwrap().json();
            let sources = status.as_array().unwrap();
            if !sources.is_empty() && sources.iter().all(|source| source["state"] != "importing") {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "still importing: {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as Grafana does and holds it to everything that Grafana expects of an end.
    pub(crate) async fn stop_cleanly(self) {
        let ended = self.grafana.stop().await;
        // The stand-in kills after two seconds, as Grafana does; a killed process has no code.
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout, "", "more than the handshake on standard output");
        check_log(&ended.stderr);
    }
}

/// Grafana's reading of standard error: JSON objects whose own keys are texts, bounded, no secrets.
pub(crate) fn check_log(lines: &[String]) {
    for line in lines {
        assert!(line.len() <= 8 * 1024, "{line}");
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["@message", "@level", "@timestamp"] {
            assert!(object[key].is_string(), "{key} in {line}");
        }
        let level = object["@level"].as_str().unwrap();
        assert!(["trace", "debug", "info", "warn", "error"].contains(&level), "{line}");
    }
}

/// A query that every datasource of these tests can answer; the sample has two currencies.
pub(crate) fn cost(ref_id: &str) -> Query {
    let json = json!({"kind": "cost", "version": 1, "currency": "USD", "somethingNew": {"a": [1]}});
    Query::new(ref_id, json, QUARTER)
}

/// A query of the first quarter.
pub(crate) fn ask(ref_id: &str, json: serde_json::Value) -> Query {
    Query::new(ref_id, json, QUARTER)
}

pub(crate) fn statuses(answers: &BTreeMap<String, grafana::Answered>) -> Vec<(&str, i32)> {
    answers.iter().map(|(ref_id, answer)| (ref_id.as_str(), answer.status)).collect()
}
