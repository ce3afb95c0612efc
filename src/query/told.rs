//! What an answer says about itself: the plan in words, statistics, notices, exact totals, coverage.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, Field, Frame, Notice, Severity, Shape, Stat};
use super::run::{self, Coverage, Sums};
use super::{SourceState, View};
use crate::model::{Amount, Instant, Period};

/// A billing month is taken as open until this many days after its end; providers close theirs in about five.
const OPEN_DAYS_AFTER_END: i32 = 5;

/// The frame in the making.
#[derive(Debug)]
pub(super) struct Told<'v> {
    view: &'v View,
    period: Period,
    metric: &'static str,
    coverage: Option<Coverage>,
    executed: String,
    notices: Vec<Notice>,
    rows_read: u64,
    totals: serde_json::Value,
}

impl<'v> Told<'v> {
    /// Starts with what is known before anything runs: sources that import or fail, rejected rows.
    pub(super) fn new(view: &'v View, period: Period, metric: &'static str, coverage: Option<Coverage>) -> Self {
        let mut told = Self {
            view,
            period,
            metric,
            coverage,
            executed: String::new(),
            notices: Vec::new(),
            rows_read: 0,
            totals: json!({ metric: {} }),
        };
        told.sources();
        told
    }

    /// The plan in words.
    pub(super) fn say(&mut self, words: &str) {
        words.clone_into(&mut self.executed);
    }

    /// Adds a notice.
    pub(super) fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    /// Takes up what a run cost and what it missed.
    pub(super) fn ran(&mut self, sums: &Sums) {
        self.rows_read += sums.rows_read;
        self.notices.extend(sums.notices.iter().cloned());
        let daily = sums.deliveries - sums.from_detail;
        self.executed += &format!("; {daily} deliveries from daily sums, {} from single rows", sums.from_detail);
    }

    /// Exact totals over the whole range and all groups.
    pub(super) fn totals(&mut self, totals: &BTreeMap<Option<Box<str>>, Amount>, is_money: bool) {
        let none = if is_money { "XXX" } else { "" };
        let texts: BTreeMap<&str, String> =
            totals.iter().map(|(key, amount)| (key.as_deref().unwrap_or(none), amount.to_string())).collect();
        self.totals = json!({ self.metric: texts });
    }

    /// The answer with these columns.
    pub(super) fn answer(mut self, over_time: bool, fields: Vec<Field>, took: Duration) -> Answer {
        self.provisional_notice();
        let shape = if over_time { Shape::TimeseriesWide } else { Shape::NumericLong };
        Answer { frames: vec![self.frame(shape, fields, took)] }
    }

    /// A typed frame without fields, with the reason.
    pub(super) fn nothing(self, why: &str) -> Answer {
        let mut told = self;
        told.notices.insert(0, Notice::info(why));
        Answer { frames: vec![told.frame(Shape::TimeseriesWide, Vec::new(), Duration::ZERO)] }
    }

    /// The empty answer where nothing was found, with the likeliest reason.
    pub(super) fn nothing_matched(self, filtered: bool) -> Answer {
        let why = match self.coverage {
            None if self.view.sources.iter().any(|s| s.state == SourceState::Importing) => {
                "nothing to show yet: the bills are being imported".to_owned()
            }
            None => "nothing to show: no bill is loaded; see \"Save & test\" of the datasource".to_owned(),
            Some(coverage) if coverage.end <= self.period.start || coverage.start >= self.period.end => {
                format!(
                    "no charges: the loaded bills cover {} to {}, not this time range",
                    day(coverage.start),
                    day(Instant(coverage.end.0 - 1))
                )
            }
            Some(_) if filtered => "no charges match the filters in this time range".to_owned(),
            Some(_) => "no charges in this time range".to_owned(),
        };
        self.nothing(&why)
    }

    fn sources(&mut self) {
        for source in &self.view.sources {
            let text = match source.state {
                SourceState::Ready => continue,
                SourceState::Importing => format!("source {}: {}", source.id, source.message),
                SourceState::Stale => format!("source {}: older data is shown: {}", source.id, source.message),
                SourceState::Failed => format!("source {} is missing: {}", source.id, source.message),
            };
            let severity = if source.state == SourceState::Importing { Severity::Info } else { Severity::Warning };
            self.notices.push(Notice { severity, text });
        }
        for source in &self.view.sources {
            for note in &source.snapshot.notes {
                self.notices.push(Notice::warning(format!("source {}: {note}", source.id)));
            }
        }
        let (mut rows, mut reasons) = (0_u64, BTreeMap::<&str, u64>::new());
        for (_, delivery) in run::overlapping(self.view, self.period) {
            for (reason, tally) in &delivery.rejects {
                rows += tally.count;
                *reasons.entry(reason).or_default() += tally.count;
            }
        }
        if rows > 0 {
            let reasons: Vec<String> = reasons.iter().take(3).map(|(why, count)| format!("{count} {why}")).collect();
            let text = format!(
                "incomplete: {rows} rows of the bills in this range were rejected ({}); a `data` query lists them",
                reasons.join(", ")
            );
            self.notices.push(Notice::warning(text));
        }
    }

    fn provisional_notice(&mut self) {
        let Some(coverage) = self.coverage.filter(|_| self.provisional()) else { return };
        let text = if coverage.complete_until < self.period.end {
            format!("provisional: the bills are complete until {} (UTC)", day(Instant(coverage.complete_until.0 - 1)))
        } else {
            "provisional: the newest billing month in this range is still open".to_owned()
        };
        self.notices.push(Notice::info(text));
    }

    /// True where the range reaches into an open billing month, or where a source is not up to date.
    fn provisional(&self) -> bool {
        let settled = self.view.now.day().0 - OPEN_DAYS_AFTER_END;
        let open_from = crate::model::Day(settled).start().month().start();
        let unsettled = self.view.sources.iter().any(|source| source.state != SourceState::Ready);
        unsettled || self.period.end > open_from
    }

    fn frame(&self, shape: Shape, fields: Vec<Field>, took: Duration) -> Frame {
        let sources: Vec<&str> = self.view.sources.iter().map(|source| source.id.as_str()).collect();
        let generation: u64 = self.view.sources.iter().map(|source| source.snapshot.generation).sum();
        Frame {
            name: String::new(),
            shape,
            fields,
            notices: self.notices.clone(),
            executed: self.executed.clone(),
            stats: vec![
                Stat { name: "Rows read".into(), unit: "short".into(), value: self.rows_read as f64 },
                Stat { name: "Answered in".into(), unit: "ms".into(), value: took.as_secs_f64() * 1_000.0 },
            ],
            custom: json!({ "outlay": {
                "generation": generation,
                "dataUntil": self.coverage.map(|coverage| format!("{:?}", coverage.end)),
                "provisional": self.provisional(),
                "sources": sources,
                "totals": self.totals,
            }}),
        }
    }
}

fn day(instant: Instant) -> String {
    format!("{:?}", instant.day())
}
