//! The four times of a row put right: inclusive ends made exclusive, a billing period that is missing taken from the charge.

use super::marks::{Marks, Repaired, add};
use super::time_text::next_month;
use super::times::Times;
use crate::model::{DAY, Instant, SECOND};

/// The charge and billing periods of a batch, as read and then as meant.
#[derive(Debug)]
pub(in crate::sources) struct Periods {
    /// ChargePeriodStart.
    pub(in crate::sources) charge_start: Times,
    /// ChargePeriodEnd.
    pub(in crate::sources) charge_end: Times,
    /// BillingPeriodStart; nulls where the file lacks it.
    pub(in crate::sources) billing_start: Times,
    /// BillingPeriodEnd; nulls where the file lacks it.
    pub(in crate::sources) billing_end: Times,
}

/// Repairs by column, to be counted once all rejects are known.
pub(in crate::sources) type ByColumn = [(&'static str, Repaired); 4];

impl Periods {
    /// Rejects rows without a charge period and mends the rest in place.
    pub(in crate::sources) fn mend(&mut self, marks: &mut Marks<'_>) -> ByColumn {
        let mut charge_ends = Repaired::new();
        let mut billing_starts = Repaired::new();
        let mut billing_ends = Repaired::new();
        // Whole files share one billing period: the calendar is asked once for each in a row.
        let mut asked = (Instant(0), Instant(0), false);
        for row in 0..marks.rows() {
            if marks.is_rejected(row) {
                continue;
            }
            let (Some(start), Some(mut end)) = (self.charge_start.values[row], self.charge_end.values[row]) else {
                let column =
                    if self.charge_start.values[row].is_none() { "ChargePeriodStart" } else { "ChargePeriodEnd" };
                marks.reject(row, "missing", column, || "");
                continue;
            };
            let whole_days = self.charge_start.dates[row] && self.charge_end.dates[row];
            if let Some(exclusive) = after_inclusive(end, whole_days && start == end) {
                (end, self.charge_end.values[row]) = (exclusive, Some(exclusive));
                add(&mut charge_ends, "inclusive-period-end", row);
            }
            if end < start {
                add(&mut charge_ends, "period-reversed", row);
            }
            let billing_start = match self.billing_start.values[row] {
                Some(billing_start) => billing_start,
                None => {
                    add(&mut billing_starts, "taken-from-charge-period", row);
                    start.month().start()
                }
            };
            let billing_end = match self.billing_end.values[row] {
                None => {
                    add(&mut billing_ends, "taken-from-charge-period", row);
                    next_month(billing_start).unwrap_or(billing_start)
                }
                Some(billing_end) => {
                    if (asked.0, asked.1) != (billing_start, billing_end) {
                        asked = (billing_start, billing_end, is_last_day(billing_start, billing_end));
                    }
                    let exclusive = after_inclusive(billing_end, asked.2);
                    if exclusive.is_some() {
                        add(&mut billing_ends, "inclusive-period-end", row);
                    }
                    exclusive.unwrap_or(billing_end)
                }
            };
            self.billing_start.values[row] = Some(billing_start);
            self.billing_end.values[row] = Some(billing_end);
        }
        [
            ("ChargePeriodStart", Repaired::new()),
            ("ChargePeriodEnd", charge_ends),
            ("BillingPeriodStart", billing_starts),
            ("BillingPeriodEnd", billing_ends),
        ]
    }
}

/// The exclusive end, where `end` is plainly inclusive: named so by its day, or by a clock at :59:59.
fn after_inclusive(end: Instant, last_day: bool) -> Option<Instant> {
    if last_day {
        return Some(Instant(end.0 + DAY));
    }
    let second_of_hour = end.0.div_euclid(SECOND).rem_euclid(3_600);
    let nanos = end.0.rem_euclid(SECOND);
    let last_second = second_of_hour == 3_599 && matches!(nanos, 0 | 999_000_000 | 999_999_000);
    last_second.then(|| Instant(end.0 - nanos + SECOND))
}

/// Google's view of FOCUS ends a billing period on the midnight that starts the last day of its month.
fn is_last_day(start: Instant, end: Instant) -> bool {
    start == start.month().start() && next_month(start).is_some_and(|next| end.0 == next.0 - DAY)
}
