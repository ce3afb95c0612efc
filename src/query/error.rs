//! Why a query has no answer, named after what its author can do about it.

/// Why one query fails; its neighbours do not.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The JSON is no query.
    #[error(transparent)]
    Parse(#[from] super::request::ParseError),
    /// A name that is no dimension.
    #[error("unknown dimension `{found}` in {place}{}", nearest_text(.nearest))]
    UnknownDimension {
        /// What the query said.
        found: String,
        /// `groupBy` or `filters`.
        place: &'static str,
        /// Names that come close.
        nearest: Vec<String>,
    },
    /// A dashboard variable that nobody replaced, as in alert rules and shared dashboards.
    #[error(
        "variable `{found}` in {place} is not resolved; alert rules and shared dashboards need a fixed value there"
    )]
    UnresolvedVariable {
        /// The variable's text.
        found: String,
        /// The field.
        place: String,
    },
    /// A number, name or length outside what is allowed.
    #[error("{field} is {found}, but {allowed}")]
    OutOfRange {
        /// Field of the query.
        field: String,
        /// What it holds, shortened.
        found: String,
        /// What it may hold.
        allowed: String,
    },
    /// The time range ends before it starts, or lies outside all years that bills can have.
    #[error("the time range from {from} to {to} is not usable: {why}")]
    EmptyRange {
        /// Start as asked.
        from: String,
        /// End as asked.
        to: String,
        /// In short.
        why: &'static str,
    },
    /// A regular expression that does not compile.
    #[error("the pattern of filter `{key}` is not a regular expression: {why}")]
    BadPattern {
        /// Dimension of the filter.
        key: String,
        /// The compiler's words.
        why: String,
    },
    /// Several currencies and no target: never one number.
    #[error(
        "{} in different currencies ({}) cannot be added; group by BillingCurrency, or set `currency` to one of them",
        .metric, .currencies.join(", ")
    )]
    MixedCurrencies {
        /// The metric asked for.
        metric: String,
        /// The currencies found.
        currencies: Vec<String>,
    },
    /// Several units and no split by unit.
    #[error("ConsumedQuantity in different units ({}) cannot be added; group by or filter on ConsumedUnit", .units.join(", "))]
    MixedUnits {
        /// The units found, a few of them.
        units: Vec<String>,
    },
    /// More than one answer may hold.
    #[error("the answer would have {found} {what}, at most {limit}: {hint}")]
    TooMuch {
        /// Rows, series, cells or points.
        what: &'static str,
        /// How many.
        found: u64,
        /// The limit.
        limit: u64,
        /// What to narrow.
        hint: &'static str,
    },
    /// The deadline passed.
    #[error("no answer after {elapsed_ms} ms ({rows_read} rows read); narrow the time range or the filters")]
    Deadline {
        /// Milliseconds spent.
        elapsed_ms: u64,
        /// Rows read until then.
        rows_read: u64,
    },
    /// All places are taken.
    #[error("too many queries at once in the {lane} lane ({waiting} waiting); try again")]
    Overloaded {
        /// `panels` or `alerts`.
        lane: &'static str,
        /// Queue length.
        waiting: usize,
    },
    /// The datasource's settings do not allow any answer.
    #[error("the datasource settings are not usable: {0}")]
    Settings(String),
    /// The store cannot be read.
    #[error("the store cannot answer: {0}")]
    Store(String),
    /// A fault of this plugin.
    #[error("internal error {code}; the plugin's log has more under this code")]
    Internal {
        /// Code that is also in the log.
        code: String,
    },
}

fn nearest_text(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}
