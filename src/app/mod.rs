//! One instance (sources, stores, background refresh) per datasource: built on first use, dropped when settings change.
//! Knows nothing of Grafana's messages: settings reach it as JSON and a map of secrets.

mod answers;
mod attached;
mod checked;
mod common;
mod connector;
mod dimensions;
mod health;
mod hub;
mod instance;
mod instances;
mod kept;
mod lanes;
mod lenient;
pub mod limits;
mod listed;
mod metrics;
mod pace;
mod reader;
pub mod settings;
mod standing;
mod tag_keys;
mod tasks;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Serialize;

use crate::query;

pub use instance::Instance;
pub use instances::App;
pub use limits::Operator;

/// What Grafana stores about a datasource and sends along with every call.
#[derive(Debug)]
pub struct DatasourceSettings {
    /// Organization.
    pub org_id: i64,
    /// Uid of the datasource.
    pub uid: String,
    /// Its display name.
    pub name: String,
    /// When it was last saved, in milliseconds.
    pub updated_ms: i64,
    /// The `jsonData` object as bytes; empty means `{}`.
    pub json_data: Vec<u8>,
    /// Decrypted secrets by key.
    pub secrets: BTreeMap<String, SecretString>,
}

/// Rights of the caller, from Grafana's role; anything unknown, empty or absent is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Viewer, "None", empty, or no user at all.
    Viewer,
    /// Editor.
    Editor,
    /// Admin.
    Admin,
}

/// Result of a health check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// True where every source was found and read.
    pub ok: bool,
    /// One or two sentences: what was found, newest billing month, rows, age.
    pub message: String,
    /// One entry per check.
    pub checks: Vec<Check>,
}

/// One check of "Save & test".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked, e.g. `billing aws-prod`.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was found, or what is wrong and the way out.
    pub message: String,
}

/// A dimension on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DimensionInfo {
    /// Name for `groupBy` and `filters`.
    pub name: String,
    /// One line on what it means.
    pub description: String,
    /// True where panels are answered from daily sums, the fast way.
    pub fast: bool,
}

/// Which values are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValuesRequest {
    /// Dimension by name.
    pub dimension: String,
    /// Only values that contain this text, any case; empty for all.
    pub search: String,
    /// At most this many; capped at 10,000.
    pub limit: usize,
    /// Only rows that pass these filters.
    pub filters: Vec<query::request::Filter>,
}

/// State of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Id of the source.
    pub source: String,
    /// `ready`, `importing`, `stale` or `failed`.
    pub state: String,
    /// Generation of its store.
    pub generation: u64,
    /// What is going on, e.g. `importing, 3 of 18 periods`; for viewers without locations and error details.
    pub message: String,
}
