//! An answer as values: frames of typed fields with everything that a reader of a panel is told about them.
//! Nothing here knows Grafana; `plugin/frames.rs` writes these frames as Grafana reads them.

use std::collections::BTreeMap;

use crate::model::{Amount, Instant};

/// What one query answers: frames in order, the first of which carries notices and statistics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The frames. An empty result is one typed frame without fields whose notice says why.
    pub frames: Vec<Frame>,
}

/// One frame. All fields have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Name of the frame.
    pub name: String,
    /// Dataplane type, version 0.1, of every frame but free tables.
    pub shape: Shape,
    /// The columns.
    pub fields: Vec<Field>,
    /// What the reader must know.
    pub notices: Vec<Notice>,
    /// The plan in words, as run.
    pub executed: String,
    /// What answering took.
    pub stats: Vec<Stat>,
    /// The `custom.outlay` object: generation, dataUntil, provisional, sources, totals.
    pub custom: serde_json::Value,
}

/// Dataplane shape of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One time field, then number fields told apart by labels.
    TimeseriesWide,
    /// One frame per series.
    TimeseriesMulti,
    /// Text columns as dimensions, number columns; no labels.
    NumericLong,
    /// No dataplane type.
    Table,
}

/// A column with its display settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// Name of the column.
    pub name: String,
    /// Labels that tell series apart.
    pub labels: BTreeMap<String, String>,
    /// The values.
    pub values: Values,
    /// Grafana unit id, e.g. `currencyUSD`, `currency:S$`, `percentunit`.
    pub unit: Option<String>,
    /// Decimal places shown.
    pub decimals: Option<u16>,
    /// Legend text, set where the labels alone would read badly.
    pub display_name: Option<String>,
    /// What the column means.
    pub description: Option<String>,
    /// Distance of points in milliseconds, on time fields.
    pub interval_ms: Option<i64>,
    /// Text shown where there is no value.
    pub no_value: Option<String>,
    /// Links on each value.
    pub links: Vec<Link>,
}

/// Values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Instants, never null.
    Time(Vec<Instant>),
    /// Instants where some may be unknown; not for the time field of a series.
    MaybeTime(Vec<Option<Instant>>),
    /// Text.
    Text(Vec<Option<String>>),
    /// Exact decimals; they become floats in the frame writer, once.
    Exact(Vec<Option<Amount>>),
    /// Ratios and other plain numbers.
    Float(Vec<Option<f64>>),
    /// Counts.
    Count(Vec<Option<i64>>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

impl Values {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Time(v) => v.len(),
            Self::MaybeTime(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Exact(v) => v.len(),
            Self::Float(v) => v.len(),
            Self::Count(v) => v.len(),
        }
    }

    /// True without values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Something that the reader of a panel must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How urgent.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
}

/// Urgency of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// The figures may be read wrongly without it.
    Warning,
    /// Part of the answer is missing.
    Error,
}

/// A figure about the answering itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// What it is.
    pub name: String,
    /// Grafana unit id, empty for none.
    pub unit: String,
    /// The figure.
    pub value: f64,
}

/// A link offered on each value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Link text.
    pub title: String,
    /// Address; may hold Grafana's `${__data.fields…}` and `${__value.text}` macros. Relative to Grafana.
    pub url: String,
    /// Opens in a new tab.
    pub new_tab: bool,
}

impl Notice {
    /// An informing notice.
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into() }
    }

    /// A warning.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }
}
