//! Datasource settings as Grafana stores them: [`RawSettings`], shared with the config editor.
//! What they mean, and whether they make sense, is decided in `checked.rs`.

use serde::{Deserialize, Serialize};

/// The `jsonData` of a datasource. Everything is optional; `{}` serves the sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct RawSettings {
    /// Where bills are read from. None: the sample.
    #[cfg_attr(test, ts(as = "Option<Vec<RawBilling>>"))]
    pub billing: Vec<RawBilling>,
    /// How rows are given to clients and markets.
    pub allocation: Option<RawAllocation>,
}

/// One billing source. Secrets are in secureJsonData under `billing.<id>.<field>`: `accessKeyId`, `secretAccessKey`, `sessionToken`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct RawBilling {
    /// Name of the source, unique in the datasource: letters, digits, `-`, `_`.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub id: String,
    /// `auto` (default), `focus` or `sample`.
    pub format: Option<String>,
    /// `s3://bucket/prefix` or `file:///folder`.
    pub location: Option<String>,
    /// Region of the bucket.
    pub region: Option<String>,
    /// Address of an S3-compatible service, e.g. `https://minio.example.com`. AWS itself without it.
    pub endpoint: Option<String>,
    /// Put the bucket into the path instead of the host name; the default where an endpoint is set.
    pub path_style: Option<bool>,
    /// How often to look for changes: `15m`, `6h`, `1d`. Default `15m`; at least `1m`.
    pub refresh: Option<String>,
    /// Leave out billing months before this one, `YYYY-MM`.
    pub since: Option<String>,
}

/// How rows are given to clients and markets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct RawAllocation {
    /// Tag keys kept in daily sums, so that panels by them are fast. Default `client`, `env`, `team`, `product`.
    pub promoted_tags: Option<Vec<String>>,
    /// Tag keys that name the client of a row, the first present one wins. Default `client`.
    pub client_tags: Option<Vec<String>>,
    /// Region id to market, before the built-in rules, e.g. `{"ap-southeast-1": "Singapore"}`.
    pub markets: Option<std::collections::BTreeMap<String, String>>,
}
