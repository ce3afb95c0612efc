//! How much is used on a day: hours by schedule, storage that grows, traffic that breathes with the week.
//! Quantities are whole numbers of 10^-4 units, so that price times quantity needs no rounding.

use super::line::UNIT;
use super::seed;
use super::timeline::Date;

/// When a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Day and night.
    Always,
    /// Monday to Friday from an hour to another, UTC; started and stopped by hand, so a little less.
    OfficeHours {
        /// First hour.
        from: u32,
        /// Hour after the last.
        to: u32,
    },
    /// As the load asks: about 16 hours on working days and 8 at weekends.
    Autoscaled,
}

/// How much of something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Hours of a machine, times the units that each hour counts (vCPUs or GiB on Google Cloud, else 1).
    Hours(Schedule, i64),
    /// Gigabytes kept, growing by so many thousandths a month; metered in gigabyte-months.
    Volume {
        /// Gigabytes on the first day of the sample.
        start: i64,
        /// Growth in thousandths a month.
        growth: i64,
    },
    /// Gigabytes or units a day, growing; less at weekends, more at month end.
    Flow {
        /// Units on a working day at the start of the sample.
        start: i64,
        /// Growth in thousandths a month.
        growth: i64,
        /// Weekend in thousandths of a working day.
        weekend: i64,
        /// The last four days of a month in thousandths of other days.
        month_end: i64,
    },
    /// One unit a day.
    Daily,
}

impl Usage {
    /// The quantity of a day, in 10^-4 units; 0 where nothing ran. `age` is days since the sample starts.
    pub(super) fn quantity(self, date: &Date, age: i64, seed: u64) -> i64 {
        let number = seed::mixed(&[seed, i64::from(date.day.0).unsigned_abs()]);
        match self {
            Self::Hours(schedule, units) => hours(schedule, date, number) * units,
            Self::Volume { start, growth } => {
                let kept = grown(start * UNIT, growth, age);
                seed::jitter(kept, 3, number) / date.month_days
            }
            Self::Flow { start, growth, weekend, month_end } => {
                let mut flow = grown(start * UNIT, growth, age);
                if date.weekend {
                    flow = flow * weekend / 1000;
                }
                if date.month_end() {
                    flow = flow * month_end / 1000;
                }
                seed::jitter(flow, 50, number)
            }
            Self::Daily => UNIT,
        }
    }
}

fn hours(schedule: Schedule, date: &Date, number: u64) -> i64 {
    let below = |range: i64| i64::try_from(number % range.unsigned_abs()).unwrap_or(0);
    match schedule {
        Schedule::Always => 24 * UNIT,
        Schedule::OfficeHours { .. } if date.weekend => 0,
        Schedule::OfficeHours { from, to } => i64::from(to - from) * UNIT - below(UNIT / 2),
        Schedule::Autoscaled if date.weekend => 7 * UNIT + below(2 * UNIT),
        Schedule::Autoscaled => 15 * UNIT + below(2 * UNIT),
    }
}

/// `start` after `age` days of growth by `permille` a month of 30 days.
fn grown(start: i64, permille: i64, age: i64) -> i64 {
    start + start * permille / 1000 * age / 30
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Instant;

    fn quantity(usage: Usage, day: u32) -> i64 {
        usage.quantity(&Date::of(Instant::midnight(2026, 8, day).unwrap().day()), 60, 7)
    }

    #[test]
    fn machines_run_by_their_schedule() {
        let office = Usage::Hours(Schedule::OfficeHours { from: 0, to: 12 }, 1);
        assert_eq!(quantity(Usage::Hours(Schedule::Always, 4), 3), 96 * UNIT);
        // 2026-08-01 is a Saturday.
        assert_eq!(quantity(office, 1), 0);
        assert!((115_000..=120_000).contains(&quantity(office, 3)));
        assert!(
            quantity(Usage::Hours(Schedule::Autoscaled, 1), 1) < quantity(Usage::Hours(Schedule::Autoscaled, 1), 3)
        );
    }

    #[test]
    fn storage_is_metered_in_parts_of_a_month_and_traffic_follows_the_calendar() {
        let volume = quantity(Usage::Volume { start: 3100, growth: 0 }, 3);
        assert!((997_000..=1_003_000).contains(&volume), "{volume}");
        let flow = Usage::Flow { start: 100, growth: 10, weekend: 500, month_end: 2000 };
        assert!(quantity(flow, 1) < quantity(flow, 3) && quantity(flow, 3) < quantity(flow, 31));
    }
}
