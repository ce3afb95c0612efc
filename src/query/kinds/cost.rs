//! Kind `cost`: what was spent, by what, over time.

use serde::{Deserialize, Serialize};

use crate::query::request::{Compare, Filter, Format, GrainName, MetricName};

/// What was spent, by what, over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct CostQuery {
    /// Version of the query model that wrote this; absent means the newest.
    pub version: Option<u32>,
    /// Conditions; all must hold.
    #[cfg_attr(test, ts(as = "Option<Vec<Filter>>"))]
    pub filters: Vec<Filter>,
    /// Over time, or one row per group.
    #[cfg_attr(test, ts(as = "Option<Format>"))]
    pub format: Format,
    /// Which cost is summed.
    #[cfg_attr(test, ts(as = "Option<MetricName>"))]
    pub metric: MetricName,
    /// Dimensions to split by: FOCUS columns, `Tags.<key>`, `Client`, `Market`. At most 8.
    #[cfg_attr(test, ts(as = "Option<Vec<String>>"))]
    pub group_by: Vec<String>,
    /// How finely time is cut.
    #[cfg_attr(test, ts(as = "Option<GrainName>"))]
    pub grain: GrainName,
    /// How many groups to show, the largest first; 0 shows all.
    #[cfg_attr(test, ts(as = "Option<u32>"))]
    pub top: u32,
    /// Show the rest beyond `top` as one group "other", so that the parts add up.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub others: bool,
    /// Show only this billing currency. Without it, a mix of currencies is an error that names them.
    pub currency: Option<String>,
    /// IANA time zone whose days are counted; UTC without it, as in the bill.
    pub timezone: Option<String>,
    /// Running total over the range.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub cumulative: bool,
    /// Add the same figures for an earlier range.
    pub compare: Option<Compare>,
    /// Leave out days that the bill does not cover completely yet.
    #[cfg_attr(test, ts(as = "Option<bool>"))]
    pub exclude_incomplete: bool,
}

impl Default for CostQuery {
    fn default() -> Self {
        Self {
            version: None,
            filters: Vec::new(),
            format: Format::Timeseries,
            metric: MetricName::EffectiveCost,
            group_by: Vec::new(),
            grain: GrainName::Auto,
            top: 10,
            others: true,
            currency: None,
            timezone: None,
            cumulative: false,
            compare: None,
            exclude_incomplete: false,
        }
    }
}
