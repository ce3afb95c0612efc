//! Runs a sum over all sources of a view, each delivery at the coarsest grain that can answer.

use super::answer::{Notice, Severity};
use super::{Error, View};
use crate::engine::{self, Group, Stop, SumPlan, Summer};
use crate::model::{Dimension, Instant, Period};
use crate::store::{self, DeliveryRecord};

/// Sums with what it took to get them.
#[derive(Debug)]
pub(super) struct Sums {
    /// The groups, ordered by key.
    pub groups: Vec<Group>,
    /// Table rows read.
    pub rows_read: u64,
    /// Deliveries that lie in the range.
    pub deliveries: u64,
    /// Of these, how many were answered from single rows rather than daily sums.
    pub from_detail: u64,
    /// Damaged parts that are missing from the sums.
    pub notices: Vec<Notice>,
}

/// What part of time the bills of a view cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coverage {
    /// Start of the earliest charge.
    pub start: Instant,
    /// End of the latest usage.
    pub end: Instant,
    /// Until when every source that still delivers is complete.
    pub complete_until: Instant,
}

/// A source that is this far behind the newest one has ended and does not hold completeness back.
const ENDED_AFTER: i64 = 45 * crate::model::DAY;

/// Sums over the view. `daily` says whether bucket borders are UTC midnights, so that daily sums can answer.
///
/// # Errors
/// [`Error::TooMuch`], [`Error::Store`]; a stopped query ends as [`Error::Deadline`], which nobody reads.
pub(super) fn sum(view: &View, plan: &SumPlan, daily: bool, stop: &Stop) -> Result<Sums, Error> {
    let dimensions = plan.dimensions();
    let period = match (plan.borders.first(), plan.borders.last()) {
        (Some(start), Some(end)) => Period { start: *start, end: *end },
        _ => Period { start: Instant(0), end: Instant(0) },
    };
    let mut summer = Summer::new(plan);
    let (mut deliveries, mut from_detail, mut notices) = (0, 0, Vec::new());
    for source in &view.sources {
        for delivery in &source.snapshot.deliveries {
            if !delivery.months.iter().any(|month| month.charge_start < period.end) {
                continue;
            }
            deliveries += 1;
            let whole = if daily { source.snapshot.day(delivery).map(Some) } else { Ok(None) };
            let added = match whole {
                Ok(Some(table)) if dimensions.iter().all(|d| table.dimensions.contains_key(d)) => {
                    summer.add(&table, stop).map_err(Failure::Engine)
                }
                Ok(_) => {
                    from_detail += 1;
                    add_detail(&mut summer, &source.snapshot, delivery, period, &dimensions, plan, stop)
                }
                Err(error) => Err(Failure::Store(error)),
            };
            match added {
                Ok(()) => {}
                Err(Failure::Store(error @ store::Error::Damaged { .. })) => notices.push(Notice {
                    severity: Severity::Error,
                    text: format!("incomplete: {} of source {} is missing: {error}", delivery.key, source.id),
                }),
                Err(Failure::Store(error)) => return Err(Error::Store(error.to_string())),
                Err(Failure::Engine(error)) => return Err(told(&error, summer.rows_read())),
            }
        }
    }
    let rows_read = summer.rows_read();
    Ok(Sums { groups: summer.finish(), rows_read, deliveries, from_detail, notices })
}

enum Failure {
    Store(store::Error),
    Engine(engine::Error),
}

fn add_detail(
    summer: &mut Summer<'_>,
    snapshot: &store::Snapshot,
    delivery: &DeliveryRecord,
    period: Period,
    dimensions: &[Dimension],
    plan: &SumPlan,
    stop: &Stop,
) -> Result<(), Failure> {
    for table in snapshot.detail(delivery, period, dimensions, &[plan.number]).map_err(Failure::Store)? {
        summer.add(&table.map_err(Failure::Store)?, stop).map_err(Failure::Engine)?;
    }
    Ok(())
}

fn told(error: &engine::Error, rows_read: u64) -> Error {
    match error {
        engine::Error::Stopped => Error::Deadline { elapsed_ms: 0, rows_read },
        engine::Error::TooManyCells { groups, buckets } => Error::TooMuch {
            what: "cells (groups times time buckets)",
            found: (*groups as u64).saturating_mul(*buckets as u64),
            limit: 8_000_000,
            hint: "group by fewer dimensions, filter, or choose a coarser grain",
        },
        engine::Error::Overflow => Error::Store(error.to_string()),
    }
}

/// What the bills of the view cover; `None` where nothing is loaded.
pub(super) fn coverage(view: &View) -> Option<Coverage> {
    let months = |source: &super::SourceView| {
        let records = source.snapshot.deliveries.iter().flat_map(|delivery| &delivery.months);
        let spans: Vec<(Instant, Instant)> = records.map(|month| (month.charge_start, month.data_until)).collect();
        let start = spans.iter().map(|span| span.0).min()?;
        let end = spans.iter().map(|span| span.1).max()?;
        Some((start, end))
    };
    let spans: Vec<(Instant, Instant)> = view.sources.iter().filter_map(months).collect();
    let start = spans.iter().map(|span| span.0).min()?;
    let end = spans.iter().map(|span| span.1).max()?;
    let complete_until =
        spans.iter().map(|span| span.1).filter(|until| until.0 >= end.0 - ENDED_AFTER).min().unwrap_or(end);
    // The running day is never complete, whatever the rows say.
    let today = view.now.day().start();
    Some(Coverage { start, end, complete_until: complete_until.min(today).max(start) })
}

/// Deliveries that overlap a range.
pub(super) fn overlapping(view: &View, period: Period) -> impl Iterator<Item = (&super::SourceView, &DeliveryRecord)> {
    view.sources.iter().flat_map(move |source| {
        let overlaps = move |delivery: &&DeliveryRecord| {
            delivery.months.iter().any(|m| m.charge_start < period.end && m.data_until > period.start)
        };
        source.snapshot.deliveries.iter().map(AsRef::as_ref).filter(overlaps).map(move |delivery| (source, delivery))
    })
}
