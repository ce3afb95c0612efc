//! The wire model of panel queries, version 1: what a query editor writes and what a dashboard saves.
//! Rust owns it; `ui/src/generated` is rendered from here. Unknown fields are tolerated, defaults and migrations live here.

use serde::{Deserialize, Serialize};

use super::kinds::{cost::CostQuery, data::DataQuery};
use crate::model::Period;

/// The newest version of the query model. A query without `version` gets the newest defaults.
pub const VERSION: u32 = 1;

/// One panel query, told apart by its `kind`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum PanelQuery {
    /// What was spent, by what, over time.
    Cost(CostQuery),
    /// What is loaded, how fresh, what was rejected.
    Data(DataQuery),
}

/// Names of all kinds, for messages.
pub const KINDS: [&str; 2] = ["cost", "data"];

/// Whether an answer is drawn over time or read as rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// Values over time.
    #[default]
    Timeseries,
    /// One row per group.
    Table,
}

/// A condition on one dimension. All filters of a query must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// A FOCUS column name, `Tags.<key>`, `Client` or `Market`.
    pub key: String,
    /// How values are compared; equality to any of the values if not given.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<_>"))]
    pub operator: Operator,
    /// Values to compare with. An empty list filters nothing; the value "" means rows without a value;
    /// `$__all` means every value.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<_>"))]
    pub values: Vec<String>,
}

/// How a filter compares; the spellings are those of Grafana's ad-hoc filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Operator {
    /// Equals the value, or any of several.
    #[serde(rename = "=")]
    Equals,
    /// Differs from the value, and from all of several.
    #[serde(rename = "!=")]
    Differs,
    /// One of the values.
    #[default]
    #[serde(rename = "=|")]
    OneOf,
    /// None of the values.
    #[serde(rename = "!=|")]
    NoneOf,
    /// The whole value matches the regular expression.
    #[serde(rename = "=~")]
    Matches,
    /// The whole value does not match the regular expression.
    #[serde(rename = "!~")]
    MatchesNot,
}

impl Operator {
    /// The spelling on the wire.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::Differs => "!=",
            Self::OneOf => "=|",
            Self::NoneOf => "!=|",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

/// Which cost, or which quantity, is summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum MetricName {
    /// Amortised cost after all discounts: what use cost.
    #[default]
    EffectiveCost,
    /// Invoice basis: what is paid.
    BilledCost,
    /// Negotiated price, before commitments.
    ContractedCost,
    /// Public price.
    ListCost,
    /// Consumed quantity; refused where units mix.
    ConsumedQuantity,
}

/// How finely time is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum GrainName {
    /// Chosen from the time range and the panel's width; never finer than a day unless the panel asks for hours.
    #[default]
    Auto,
    /// Clock hours.
    Hour,
    /// Calendar days.
    Day,
    /// Weeks from Monday.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// One number for the whole range.
    Total,
}

/// What an answer is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Compare {
    /// The range of equal length right before; whole months before for ranges of whole months.
    PreviousPeriod,
    /// The same range one year before.
    PreviousYear,
}

/// One query as it reached us, with what Grafana says about the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub query: PanelQuery,
    /// Time range of the panel, half-open.
    pub period: Period,
    /// Width of a point that the panel would like, in milliseconds; 0 or less is "not said".
    pub interval_ms: i64,
    /// How many points the panel would like at most; 0 or less is "not said".
    pub max_data_points: i64,
    /// True for alert rules: shapes that evaluate, errors rather than truncation.
    pub from_alert: bool,
}

/// Why query JSON is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or a field of the wrong type; says where.
    #[error("the query is malformed at `{path}`: {found}")]
    Malformed {
        /// Path of the field.
        path: String,
        /// What the parser says.
        found: String,
    },
    /// A kind that does not exist.
    #[error("unknown query kind `{found}`; known are {}", KINDS.join(", "))]
    UnknownKind {
        /// What the query said.
        found: String,
    },
    /// A version newer than this plugin.
    #[error("the query has version {found}, this plugin knows up to {VERSION}; update the plugin")]
    NewerVersion {
        /// What the query said.
        found: u64,
    },
}

impl PanelQuery {
    /// Reads query JSON. `query_type` is Grafana's own field and stands in where the JSON has no `kind`.
    ///
    /// # Errors
    /// [`ParseError`] with the path of the field.
    pub fn parse(json: &[u8], query_type: &str) -> Result<Self, ParseError> {
        let value: serde_json::Value = if json.is_empty() {
            serde_json::json!({})
        } else {
            serde_json::from_slice(json)
                .map_err(|error| ParseError::Malformed { path: ".".into(), found: error.to_string() })?
        };
        if !value.is_object() {
            return Err(ParseError::Malformed { path: ".".into(), found: "expected a JSON object".into() });
        }
        if let Some(found) = value.get("version").and_then(serde_json::Value::as_u64)
            && found > u64::from(VERSION)
        {
            return Err(ParseError::NewerVersion { found });
        }
        let kind = match value.get("kind").and_then(serde_json::Value::as_str) {
            Some(kind) => kind.to_owned(),
            None if query_type.is_empty() => "cost".to_owned(),
            None => query_type.to_owned(),
        };
        match kind.as_str() {
            "cost" => parse_kind(value).map(Self::Cost),
            "data" => parse_kind(value).map(Self::Data),
            _ => Err(ParseError::UnknownKind { found: kind.chars().take(80).collect() }),
        }
    }

    /// The kind's name on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cost(_) => "cost",
            Self::Data(_) => "data",
        }
    }
}

fn parse_kind<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, ParseError> {
    serde_path_to_error::deserialize(value).map_err(|error| ParseError::Malformed {
        path: error.path().to_string(),
        found: error.into_inner().to_string(),
    })
}
