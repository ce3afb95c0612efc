//! One instance (sources, stores, background refresh) per datasource: built on first use, dropped when settings change.
//! Knows nothing of Grafana's messages: settings reach it as JSON and a map of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use crate::model::Clock;
use crate::query::{self, Answer, Request};

pub mod limits;
pub mod settings;

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

/// All instances of this process.
#[derive(Debug)]
pub struct App {
    /// What the operator allows.
    pub operator: Operator,
    clock: Arc<dyn Clock>,
}

impl App {
    /// An app without instances; cheap, touches neither disk nor network.
    #[must_use]
    pub fn new(operator: Operator, clock: Arc<dyn Clock>) -> Self {
        Self { operator, clock }
    }

    /// The instance for these settings: the running one, or a new one where settings or secrets changed.
    /// Settings that make no sense are kept inside the instance and told by its answers and its health.
    pub async fn instance(&self, settings: DatasourceSettings) -> Arc<Instance> {
        let _unused = (&self.clock, settings);
        Arc::new(Instance {})
    }

    /// Stops all background work; returns when it has stopped or after half a second.
    pub async fn stop(&self) {}

    /// Prometheus text lines of this app's own counters: no tags, accounts, paths or buckets in labels.
    #[must_use]
    pub fn metrics(&self) -> String {
        String::new()
    }
}

/// One datasource at one state of its settings.
#[derive(Debug)]
pub struct Instance {}

impl Instance {
    /// Answers one query. Dropping the future stops its work within a second.
    ///
    /// # Errors
    /// [`query::Error`], told to the author of this query alone.
    pub async fn answer(&self, request: Request) -> Result<Answer, query::Error> {
        let _unused = request;
        Ok(Answer::default())
    }

    /// "Save & test": looks at every source and says what was found. At most 5 s; cached for 10 s.
    pub async fn health(&self) -> Health {
        Health::default()
    }

    /// The dimensions that can be grouped and filtered by, promoted tags and tag keys in the data included.
    pub async fn dimensions(&self) -> Vec<DimensionInfo> {
        Vec::new()
    }

    /// Distinct values of a dimension, sorted, from the store only.
    ///
    /// # Errors
    /// [`query::Error::UnknownDimension`] for a name that is none.
    pub async fn values(&self, request: ValuesRequest) -> Result<Vec<String>, query::Error> {
        let _unused = request;
        Ok(Vec::new())
    }

    /// What is loaded and running, one entry per source.
    pub async fn status(&self, role: Role) -> Vec<SourceStatus> {
        let _unused = role;
        Vec::new()
    }

    /// Asks for a refresh of all sources now. At most once a minute; returns at once.
    ///
    /// # Errors
    /// The number of seconds until the next refresh may be asked for.
    pub fn refresh(&self) -> Result<(), u64> {
        Ok(())
    }
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
