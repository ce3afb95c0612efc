//! What a frame says beside its values, as the JSON that Grafana decodes. Typed structs only: a wrong type or an unknown
//! name in here fails the whole response, all refIds of it. Notices carry no `inspect`: the browser and the server
//! disagree on its type.

use serde::Serialize;

use crate::query::answer::{Field, Frame, Link, Notice, Severity, Shape, Stat, Values};

/// The `meta` object of a frame.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    dataplane: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_version: Option<[u8; 2]>,
    preferred_visualisation_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a serde_json::Map<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stats: Vec<StatJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<NoticeJson<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    executed_query_string: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatJson<'a> {
    display_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
    value: f64,
}

#[derive(Debug, Serialize)]
struct NoticeJson<'a> {
    severity: SeverityJson,
    text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum SeverityJson {
    Info,
    Warning,
    Error,
}

impl<'a> Meta<'a> {
    /// What `frame` says about itself, with the notices that writing it added.
    pub(super) fn of(frame: &'a Frame, added: &'a [Notice]) -> Self {
        // Grafana's dataplane types; a version of 0.0 or none at all makes it ignore the type.
        let (dataplane, preferred_visualisation_type) = match frame.shape {
            Shape::TimeseriesWide => (Some("timeseries-wide"), "graph"),
            Shape::TimeseriesMulti => (Some("timeseries-multi"), "graph"),
            Shape::NumericLong => (Some("numeric-long"), "table"),
            Shape::Table => (None, "table"),
        };
        Self {
            dataplane,
            type_version: dataplane.map(|_typed| [0, 1]),
            preferred_visualisation_type,
            custom: frame.custom.as_object().filter(|object| !object.is_empty()),
            // JSON knows no NaN; a figure that is none is not told.
            stats: frame.stats.iter().filter(|stat| stat.value.is_finite()).map(stat).collect(),
            notices: frame.notices.iter().chain(added).map(notice).collect(),
            executed_query_string: &frame.executed,
        }
    }
}

fn stat(stat: &Stat) -> StatJson<'_> {
    StatJson { display_name: &stat.name, unit: &stat.unit, value: stat.value }
}

fn notice(notice: &Notice) -> NoticeJson<'_> {
    let severity = match notice.severity {
        Severity::Info => SeverityJson::Info,
        Severity::Warning => SeverityJson::Warning,
        Severity::Error => SeverityJson::Error,
    };
    NoticeJson { severity, text: &notice.text }
}

/// The `config` object of a field.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config<'a> {
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filterable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimals: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkJson<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson<'a> {
    title: &'a str,
    url: &'a str,
    target_blank: bool,
}

impl<'a> Config<'a> {
    /// The display settings of `field`; `None` where it has none.
    pub(super) fn of(field: &'a Field) -> Option<Self> {
        let config = Self {
            display_name: field.display_name.as_deref(),
            description: field.description.as_deref(),
            // Offers "filter for value" in table panels.
            filterable: matches!(field.values, Values::Text(_)).then_some(true),
            unit: field.unit.as_deref(),
            decimals: field.decimals,
            interval: field.interval_ms,
            no_value: field.no_value.as_deref(),
            links: field.links.iter().map(link).collect(),
        };
        (config != Self::default()).then_some(config)
    }
}

fn link(link: &Link) -> LinkJson<'_> {
    LinkJson { title: &link.title, url: &link.url, target_blank: link.new_tab }
}
