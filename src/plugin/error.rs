//! Why one refId has no answer, and the one place that decides whose fault it is: error to status, outcome and text.
//! Knows no message type.

use super::frames;
use crate::query;

/// Why one query of a request has no frames; the others are not touched.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    /// The query room said no.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// Frames that Grafana could not take.
    #[error(transparent)]
    Frames(#[from] frames::Error),
    /// The deadline passed outside of the query room.
    #[error("no answer after {elapsed_ms} ms; narrow the time range or the filters, or try again")]
    Deadline {
        /// Milliseconds spent.
        elapsed_ms: u128,
    },
    /// Two queries of one request with the same name.
    #[error("refId `{ref_id}` occurs more than once in this request; give each query its own")]
    DuplicateRefId {
        /// The name.
        ref_id: String,
    },
    /// Too many queries at once.
    #[error("this request has {found} queries, at most {limit} are answered; spread them over several panels")]
    TooManyQueries {
        /// How many came.
        found: usize,
        /// How many may.
        limit: usize,
    },
    /// The query is longer than any editor writes.
    #[error("the query is {found} bytes long, at most {limit} are read; use fewer filter values")]
    QueryTooLong {
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The answers of one request together are more than one response may hold.
    #[error("the answers of this request together exceed {limit_mib} MiB at this query; narrow it or split the panel")]
    ResponseTooLarge {
        /// The limit.
        limit_mib: usize,
    },
    /// A call without a datasource.
    #[error("the request names no datasource; save the datasource in Grafana and reload the dashboard")]
    NoDatasource,
    /// A caught panic.
    #[error("internal error {code}; the plugin's log has more under this code")]
    Panic {
        /// Code that is also in the log.
        code: String,
    },
}

/// What an error means to Grafana and to our counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// HTTP status of the refId.
    pub status: u16,
    /// Whose fault it is, as a metric label.
    pub outcome: &'static str,
}

const BAD_QUERY: Verdict = Verdict { status: 400, outcome: "bad_query" };
const OVERLOADED: Verdict = Verdict { status: 429, outcome: "overloaded" };
const OURS: Verdict = Verdict { status: 500, outcome: "internal" };
const LATE: Verdict = Verdict { status: 504, outcome: "deadline" };
/// Neither the query nor the code is at fault, but how the datasource is set up.
const SETTINGS: Verdict = Verdict { status: 400, outcome: "settings" };
/// The disk below the store.
const STORE: Verdict = Verdict { status: 500, outcome: "store" };

impl QueryError {
    /// Status and outcome of this error.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Query(error) => verdict(error),
            Self::Frames(frames::Error::TooMuch { .. }) => BAD_QUERY,
            Self::Frames(frames::Error::Uneven { .. } | frames::Error::Arrow(_)) => OURS,
            Self::Deadline { .. } => LATE,
            Self::DuplicateRefId { .. }
            | Self::TooManyQueries { .. }
            | Self::QueryTooLong { .. }
            | Self::ResponseTooLarge { .. } => BAD_QUERY,
            Self::NoDatasource => SETTINGS,
            Self::Panic { .. } => OURS,
        }
    }

    /// The sentence that the author of the query reads.
    pub(super) fn text(&self) -> String {
        shown(&self.to_string())
    }
}

/// Status and outcome of an error of the query room. No wildcard: who adds an error decides whose fault it is.
pub(super) const fn verdict(error: &query::Error) -> Verdict {
    match error {
        query::Error::Parse(_)
        | query::Error::UnknownDimension { .. }
        | query::Error::UnresolvedVariable { .. }
        | query::Error::OutOfRange { .. }
        | query::Error::EmptyRange { .. }
        | query::Error::BadPattern { .. }
        | query::Error::MixedCurrencies { .. }
        | query::Error::MixedUnits { .. }
        | query::Error::TooMuch { .. } => BAD_QUERY,
        query::Error::Deadline { .. } => LATE,
        query::Error::Overloaded { .. } => OVERLOADED,
        query::Error::Settings(_) => SETTINGS,
        query::Error::Store(_) => STORE,
        query::Error::Internal { .. } => OURS,
    }
}

/// Longest text that a person is shown.
const LONGEST: usize = 2_000;

/// Text fit for a screen: names in it may come from anyone, so control characters and those that turn the reading
/// direction become visible escapes, and the length is bounded.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if out.len() >= LONGEST {
            out.push('\u{2026}');
            break;
        }
        let turns =
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
        if turns || (c.is_control() && c != '\n') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: impl Into<QueryError>, status: u16, text: &str) {
        let error = error.into();
        assert_eq!((error.verdict().status, error.text().as_str()), (status, text));
    }

    #[test]
    fn every_error_has_its_status_and_its_sentence() {
        check(
            query::Error::Overloaded { lane: "panels", waiting: 64 },
            429,
            "too many queries at once in the panels lane (64 waiting); try again",
        );
        check(
            query::Error::Deadline { elapsed_ms: 9_900, rows_read: 12 },
            504,
            "no answer after 9900 ms (12 rows read); narrow the time range or the filters",
        );
        check(
            query::Error::Internal { code: "ab".into() },
            500,
            "internal error ab; the plugin's log has more under this code",
        );
        check(
            QueryError::DuplicateRefId { ref_id: "A\u{202e}".into() },
            400,
            "refId `A\\u{202e}` occurs more than once in this request; give each query its own",
        );
        check(
            QueryError::NoDatasource,
            400,
            "the request names no datasource; save the datasource in Grafana and reload the dashboard",
        );
    }

    #[test]
    fn texts_are_bounded() {
        assert!(shown(&"\u{7}".repeat(5_000)).len() <= LONGEST + 12);
        assert_eq!(shown("a\nb\tc"), "a\nb\\u{9}c");
    }
}
