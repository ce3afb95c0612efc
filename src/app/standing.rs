//! How a source stands: what its newest look found, judged into the state and the words that panels and health tell.
//! Pure; when to look again and who looks is decided elsewhere.

use std::sync::Arc;

use super::trouble::Trouble;
use crate::ingest::Outcome;
use crate::model::{Instant, Month, grouped};
use crate::query::SourceState;
use crate::store::{Snapshot, Store};

/// What is known of a source at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Its store, once open.
    pub store: Option<Arc<Store>>,
    /// True where the store was empty when it was opened, so that there is nothing to show before the first look.
    pub began_empty: bool,
    /// Looks at the source that came to an end, well or not.
    pub looks: u64,
    /// When a look last went well.
    pub looked: Option<Instant>,
    /// Why the newest look failed.
    pub trouble: Option<Trouble>,
    /// Failed looks since the last good one.
    pub failed_in_a_row: u32,
    /// What the last good look found.
    pub outcome: Option<Arc<Outcome>>,
}

/// A state in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The state.
    pub state: SourceState,
    /// For everyone; empty where there is nothing to say.
    pub public: String,
    /// For editors.
    pub full: String,
}

impl Verdict {
    fn new(state: SourceState, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { state, public: text.clone(), full: text }
    }
}

impl Standing {
    /// The newest generation of its store; the empty one before the store is open.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.store.as_ref().map_or_else(Arc::default, |store| store.snapshot())
    }

    /// Judges the source. `importing` is how far a running import is, empty where none runs.
    pub(super) fn verdict(&self, snapshot: &Snapshot, importing: &str) -> Verdict {
        let nothing = snapshot.deliveries.is_empty();
        if !importing.is_empty() {
            return Verdict::new(SourceState::Importing, importing);
        }
        if let Some(trouble) = &self.trouble {
            return self.troubled(trouble, nothing);
        }
        if self.looks == 0 && nothing {
            return Verdict::new(SourceState::Importing, "waiting for its first import");
        }
        let failures = self.outcome.as_ref().map_or(&[][..], |outcome| &outcome.failures);
        if let Some((key, why)) = failures.first() {
            let found = self.outcome.as_ref().map_or(0, |outcome| outcome.found);
            let text = format!("{} of {found} deliveries could not be read, the first is {key}: {why}", failures.len());
            return Verdict::new(if nothing { SourceState::Failed } else { SourceState::Stale }, text);
        }
        Verdict::new(SourceState::Ready, "")
    }

    fn troubled(&self, trouble: &Trouble, nothing: bool) -> Verdict {
        if let Some(owner) = &trouble.writer {
            let text = format!("imported by another process, {owner}");
            return Verdict::new(if nothing { SourceState::Importing } else { SourceState::Ready }, text);
        }
        if nothing {
            return Verdict { state: SourceState::Failed, public: trouble.public.clone(), full: trouble.full.clone() };
        }
        let since = self.looked.map(|at| format!("last read {} UTC; ", at.utc().format("%Y-%m-%d %H:%M")));
        let since = since.unwrap_or_default();
        Verdict {
            state: SourceState::Stale,
            public: format!("{since}{}", trouble.public),
            full: format!("{since}{}", trouble.full),
        }
    }
}

/// What a store holds, in a phrase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// The newest billing month.
    pub newest: Option<Month>,
    /// Rows of all months.
    pub rows: u64,
    /// End of the newest usage.
    pub until: Option<Instant>,
    /// Rows that could not be kept.
    pub rejected: u64,
}

impl Holding {
    /// What a generation holds.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut holding = Self::default();
        for delivery in &snapshot.deliveries {
            holding.rejected += delivery.rejects.values().map(|tally| tally.count).sum::<u64>();
            for month in &delivery.months {
                holding.newest = holding.newest.max(Some(month.month));
                holding.rows += month.rows;
                holding.until = holding.until.max(Some(month.data_until));
            }
        }
        holding
    }

    /// In words: newest billing month, rows, until when; empty where nothing is held.
    pub(super) fn words(&self) -> String {
        let (Some(newest), Some(until)) = (self.newest, self.until) else { return String::new() };
        let until = Instant(until.0 - 1).day();
        let rejected =
            if self.rejected == 0 { String::new() } else { format!(", {} rejected", grouped(self.rejected)) };
        format!("newest billing month {newest}, {} rows{rejected}, data until {until:?}", grouped(self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DeliveryRecord, MonthRecord};

    fn filled() -> Snapshot {
        let month = |month: &str, rows, until| MonthRecord {
            month: Month::parse(month).unwrap(),
            currency: "USD".into(),
            rows,
            sums: Default::default(),
            charge_start: Instant(0),
            data_until: Instant::midnight(2026, 11, until).unwrap(),
        };
        let delivery = DeliveryRecord {
            months: vec![month("2026-10", 120_000, 1), month("2026-11", 345, 24)],
            ..DeliveryRecord::default()
        };
        Snapshot { generation: 1, deliveries: vec![Arc::new(delivery)], ..Snapshot::default() }
    }

    fn check(standing: &Standing, snapshot: &Snapshot, importing: &str, state: SourceState, text: &str) {
        let verdict = standing.verdict(snapshot, importing);
        assert_eq!((verdict.state, verdict.public.as_str()), (state, text));
    }

    #[test]
    fn a_source_is_judged_by_its_newest_look_and_by_what_it_has() {
        let (empty, filled) = (Snapshot::default(), filled());
        let new = Standing::default();
        let unreachable = Trouble { public: "gone".into(), full: "`bucket` gone".into(), writer: None };
        let troubled = Standing { trouble: Some(unreachable), looks: 1, ..Standing::default() };
        let looked = Standing { looked: Instant::midnight(2026, 11, 24), ..troubled.clone() };
        let other = Trouble { writer: Some("process 7 on host a".into()), ..Trouble::open("locked") };
        let other = Standing { trouble: Some(other), looks: 1, ..Standing::default() };
        let outcome = Outcome { found: 3, failures: vec![("2026-10".into(), "torn".into())], ..Outcome::default() };
        let partly = Standing { outcome: Some(Arc::new(outcome)), looks: 1, ..Standing::default() };
        let good = Standing { looks: 1, outcome: Some(Arc::default()), ..Standing::default() };

        check(&new, &empty, "", SourceState::Importing, "waiting for its first import");
        check(&new, &filled, "", SourceState::Ready, "");
        check(&new, &filled, "importing, 1 of 2", SourceState::Importing, "importing, 1 of 2");
        check(&troubled, &empty, "", SourceState::Failed, "gone");
        check(&troubled, &filled, "", SourceState::Stale, "gone");
        check(&looked, &filled, "", SourceState::Stale, "last read 2026-11-24 00:00 UTC; gone");
        check(&other, &empty, "", SourceState::Importing, "imported by another process, process 7 on host a");
        check(&other, &filled, "", SourceState::Ready, "imported by another process, process 7 on host a");
        let text = "1 of 3 deliveries could not be read, the first is 2026-10: torn";
        check(&partly, &empty, "", SourceState::Failed, text);
        check(&partly, &filled, "", SourceState::Stale, text);
        check(&good, &filled, "", SourceState::Ready, "");
        assert!(troubled.verdict(&empty, "").full.contains("bucket"));
    }

    #[test]
    fn what_is_held_is_told_in_a_phrase() {
        let words = Holding::of(&filled()).words();
        assert_eq!(words, "newest billing month 2026-11, 120,345 rows, data until 2026-11-23");
        assert_eq!(Holding::of(&Snapshot::default()).words(), "");
    }
}
