//! Kind `data`: what is loaded, how fresh, what was repaired and rejected.

use serde::{Deserialize, Serialize};

use crate::query::request::{Filter, Format};

/// What is loaded: one row per source and billing month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct DataQuery {
    /// Version of the query model that wrote this; absent means the newest.
    pub version: Option<u32>,
    /// Conditions on the columns `source`, `period`, `state` and `currency`; all must hold.
    #[cfg_attr(test, ts(as = "Option<Vec<Filter>>"))]
    pub filters: Vec<Filter>,
    /// Always answered as a table; kept so that all kinds share their common fields.
    #[cfg_attr(test, ts(as = "Option<Format>"))]
    pub format: Format,
}
