//! The built plugin for tests: started with a store of its own, held to Grafana's expectations when it ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::grafana::{self, Grafana, Query};

pub(crate) const PLUGIN: &str = env!("CARGO_BIN_EXE_outlay");
/// The whole of 2026's first quarter, in milliseconds.
pub(crate) const QUARTER: (i64, i64) = (1_767_225_600_000, 1_775_001_600_000);
/// A plugin with a store of its own.
pub(crate) struct Plugin {
    pub(crate) grafana: Grafana,
    pub(crate) store: tempfile::TempDir,
}

impl std::ops::Deref for Plugin {
    type Target = Grafana;
    fn deref(&self) -> &Grafana {
        &self.grafana
    }
}

pub(crate) async fn plugin_with(environment: &[(&str, &str)]) -> Plugin {
    let store = tempfile::tempdir().unwrap();
    let mut all = BTreeMap::from([("GF_PLUGIN_OUTLAY_STORE_DIR".to_owned(), store.path().display().to_string())]);
    all.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Plugin { grafana: Grafana::start(Path::new(PLUGIN), &all).await.unwrap(), store }
}

pub(crate) async fn plugin() -> Plugin {
    plugin_with(&[]).await
}

impl Plugin {
    /// Ends it as Grafana does and holds it to everything that Grafana expects of an end.
    pub(crate) async fn stop_cleanly(self) {
        let ended = self.grafana.stop().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.answered < Duration::from_millis(500) && ended.took < Duration::from_millis(1_900), "{ended:?}");
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

pub(crate) fn cost(ref_id: &str) -> Query {
    Query::new(ref_id, json!({"kind": "cost", "version": 1, "somethingNew": {"a": [1]}}), QUARTER)
}

pub(crate) fn statuses(answers: &BTreeMap<String, grafana::Answered>) -> Vec<(&str, i32)> {
    answers.iter().map(|(ref_id, answer)| (ref_id.as_str(), answer.status)).collect()
}
