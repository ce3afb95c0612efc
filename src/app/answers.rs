//! Kept answers of panel queries: what they depend on, how heavy they are, and how a kept one says that it was.

use std::time::Duration;

use super::kept::{Key, Weight};
use crate::model::{Instant, Period, SECOND};
use crate::query::answer::{Field, Stat, Values};
use crate::query::request::Filter;
use crate::query::{Answer, PanelQuery, Request, SourceState, View};

/// Buckets of all grains begin on quarter hours in every time zone since 1990.
const QUARTER_HOUR: i64 = 900 * SECOND;
/// How long an answer that tells the progress of an import may be given again.
const IMPORTING_KEPT: i64 = 3 * SECOND;

impl Weight for Answer {
    fn weight(&self) -> usize {
        let frames = self.frames.iter().map(|frame| {
            let notices: usize = frame.notices.iter().map(|notice| notice.text.len() + 48).sum();
            let fields: usize = frame.fields.iter().map(field_weight).sum();
            512 + frame.executed.len() + notices + fields
        });
        frames.sum()
    }
}

impl Weight for Vec<String> {
    fn weight(&self) -> usize {
        self.iter().map(|text| text.len() + 24).sum()
    }
}

fn field_weight(field: &Field) -> usize {
    let values = match &field.values {
        Values::Time(v) => v.len() * 8,
        Values::MaybeTime(v) => v.len() * 16,
        Values::Text(v) => v.iter().map(|text| 24 + text.as_ref().map_or(0, String::len)).sum(),
        Values::Exact(v) => v.len() * 48,
        Values::Float(v) => v.len() * 16,
        Values::Count(v) => v.len() * 16,
    };
    let labels: usize = field.labels.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    let links: usize = field.links.iter().map(|link| link.title.len() + link.url.len() + 64).sum();
    512 + values + labels + links
}

/// Hashes parts one after another, each with its length, so that no two lists of parts run together.
struct Parts(blake3::Hasher);

impl Parts {
    /// Whose data it is and at which generation.
    fn of_data(view: &View, identities: &[&str]) -> Self {
        let mut parts = Self(blake3::Hasher::new());
        for (source, identity) in view.sources.iter().zip(identities) {
            parts.text(identity);
            parts.text(&source.id);
            parts.number(source.snapshot.generation.cast_signed());
            for note in &source.snapshot.notes {
                parts.text(note);
            }
            parts.number(i64::MIN);
        }
        parts
    }

    /// What answers say about the sources themselves.
    fn standing(&mut self, view: &View) {
        for source in &view.sources {
            self.text(source.state.name());
            if source.state == SourceState::Importing {
                // How far an import is changes all the time; a kept answer may be a few seconds behind.
                self.number(view.now.0.div_euclid(IMPORTING_KEPT));
            } else {
                self.text(&source.message);
            }
            for (delivery, why) in &source.failures {
                self.text(delivery);
                self.text(why);
            }
            self.number(i64::MIN);
        }
        self.number(view.row_limit.cast_signed());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn key(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

/// The key of an answer: whose data at which generation and state, the query, the range, the width, the day.
/// `identities` are those of the view's sources, in the same order.
pub(super) fn key(view: &View, identities: &[&str], request: &Request) -> Key {
    let mut parts = Parts::of_data(view, identities);
    parts.standing(view);
    parts.text(&serde_json::to_string(&request.query).unwrap_or_default());
    for number in period(request.period) {
        parts.number(number);
    }
    parts.number(request.interval_ms);
    parts.number(request.max_data_points);
    parts.number(i64::from(request.from_alert));
    // What is provisional changes with the day; how old data is, which only kind `data` tells, with each minute.
    let now = match request.query {
        PanelQuery::Cost(_) => view.now.day().start(),
        PanelQuery::Data(_) => Instant(view.now.0.div_euclid(60 * SECOND)),
    };
    parts.number(now.0);
    parts.key()
}

/// The key of a list of values.
pub(super) fn values_key(
    view: &View,
    identities: &[&str],
    dimension: &str,
    search: &str,
    limit: usize,
    filters: &[Filter],
) -> Key {
    let mut parts = Parts::of_data(view, identities);
    for text in ["values", dimension, search, &serde_json::to_string(filters).unwrap_or_default()] {
        parts.text(text);
    }
    parts.number(limit as i64);
    parts.key()
}

/// The key of a list of dimensions.
pub(super) fn dimensions_key(view: &View, identities: &[&str]) -> Key {
    let mut parts = Parts::of_data(view, identities);
    parts.text("dimensions");
    parts.key()
}

/// What answers depend on of a range: they cut time at quarter hours at the finest, so that a range that moved within
/// one, as "the last 30 days" does with every refresh of a dashboard, gives the same answer.
fn period(period: Period) -> [i64; 4] {
    let (start, length) = (period.start.0, period.end.0.saturating_sub(period.start.0));
    if length <= 0 || length % QUARTER_HOUR != 0 {
        return [start, period.end.0, 0, 0];
    }
    // Ranges that begin on a boundary may be whole months, which are compared with whole months.
    let exact = start % QUARTER_HOUR == 0;
    [start.div_euclid(QUARTER_HOUR), length, i64::from(exact), 1]
}

/// A kept answer as it is given again: with its own time, and a figure that says that it was kept.
pub(super) fn given_again(answer: &Answer, took: Duration) -> Answer {
    let mut answer = answer.clone();
    if let Some(frame) = answer.frames.first_mut() {
        for stat in frame.stats.iter_mut().filter(|stat| stat.unit == "ms") {
            stat.value = took.as_secs_f64() * 1_000.0;
        }
        frame.stats.push(Stat { name: "From the answer cache".into(), unit: "bool_yes_no".into(), value: 1.0 });
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::query::SourceView;
    use crate::store::Snapshot;

    fn at(text: &str) -> Instant {
        Instant(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap())
    }

    fn view() -> View {
        let source = SourceView {
            id: "aws".into(),
            snapshot: Arc::new(Snapshot { generation: 3, ..Snapshot::default() }),
            state: SourceState::Ready,
            message: String::new(),
            failures: Vec::new(),
        };
        View { sources: vec![source], now: at("2026-11-24T10:00:00Z"), row_limit: 1_000 }
    }

    fn request(json: &str) -> Request {
        Request {
            query: PanelQuery::parse(json.as_bytes(), "").unwrap(),
            period: Period { start: at("2026-10-25T10:00:00Z"), end: at("2026-11-24T10:00:00Z") },
            interval_ms: 60_000,
            max_data_points: 800,
            from_alert: false,
        }
    }

    fn base() -> Key {
        key(&view(), &["identity"], &request("{}"))
    }

    fn moved(start: &str, end: &str) -> Key {
        let period = Period { start: at(start), end: at(end) };
        key(&view(), &["identity"], &Request { period, ..request("{}") })
    }

    #[test]
    fn everything_that_an_answer_depends_on_is_in_its_key() {
        let other_view = |change: fn(&mut View)| {
            let mut view = view();
            change(&mut view);
            key(&view, &["identity"], &request("{}"))
        };
        let other = |change: fn(&mut Request)| {
            let mut request = request("{}");
            change(&mut request);
            key(&view(), &["identity"], &request)
        };
        let others = [
            key(&view(), &["another"], &request("{}")),
            key(&view(), &["identity"], &request(r#"{"groupBy":["ServiceName"]}"#)),
            key(&view(), &["identity"], &request(r#"{"kind":"data"}"#)),
            other_view(|view| Arc::make_mut(&mut view.sources[0].snapshot).generation = 4),
            other_view(|view| view.sources[0].state = SourceState::Stale),
            other_view(|view| view.sources[0].message = "x".into()),
            other_view(|view| view.sources[0].failures = vec![("k".into(), "why".into())]),
            other_view(|view| view.sources[0].id = "b".into()),
            other_view(|view| view.row_limit = 1),
            other_view(|view| view.now = Instant(view.now.0 + crate::model::DAY)),
            other(|request| request.interval_ms = 1),
            other(|request| request.max_data_points = 1),
            other(|request| request.from_alert = true),
            moved("2026-10-25T10:15:00Z", "2026-11-24T10:15:00Z"),
            moved("2026-10-25T10:00:00Z", "2026-11-24T10:15:00Z"),
        ];
        let mut all: Vec<[u8; 32]> = others.iter().map(|key| key.0).collect();
        all.push(base().0);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
        assert_eq!(other_view(|view| view.now = Instant(view.now.0 + 1)), base());
    }

    #[test]
    fn a_range_that_moved_within_a_quarter_hour_is_the_same() {
        let a = moved("2026-10-25T10:00:01Z", "2026-11-24T10:00:01Z");
        assert_eq!(a, moved("2026-10-25T10:14:59.9Z", "2026-11-24T10:14:59.9Z"));
        assert_ne!(a, base(), "a range that begins on the boundary is its own");
        let odd = moved("2026-11-24T10:00:01Z", "2026-11-24T10:05:01Z");
        assert_ne!(odd, moved("2026-11-24T10:00:02Z", "2026-11-24T10:05:02Z"));
    }

    #[test]
    fn lists_of_values_have_keys_of_their_own() {
        let key = |dimension: &str, search: &str, limit| values_key(&view(), &["i"], dimension, search, limit, &[]);
        assert_eq!(key("A", "b", 1), key("A", "b", 1));
        assert_ne!(key("A", "b", 1), key("A", "b", 2));
        assert_ne!(key("Ab", "", 1), key("A", "b", 1));
    }
}
