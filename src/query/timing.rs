//! From a panel's time range to buckets: which grain, where the borders lie, which earlier range to compare with.

use super::Error;
use super::request::{Compare, GrainName};
use crate::model::{Calendar, DAY, Grain, HOUR, Instant, Period};

/// Most buckets of a panel's answer, and of an alert rule's.
pub(super) const MAX_BUCKETS: i64 = 11_000;
/// Alert rules ask for up to 43,200 points.
pub(super) const MAX_ALERT_BUCKETS: i64 = 44_000;
/// Points that a panel gets where it does not say how many it wants.
const DEFAULT_POINTS: i64 = 400;

/// Time cut into buckets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buckets {
    /// How time is cut.
    pub grain: Grain,
    /// Bucket borders, ascending, one more than buckets.
    pub borders: Vec<Instant>,
}

/// Refuses ranges that end before they start or lie outside the years that bills can have.
///
/// # Errors
/// [`Error::EmptyRange`].
pub(super) fn check(period: Period) -> Result<(), Error> {
    let (low, high) = (Instant::midnight(1990, 1, 1), Instant::midnight(2200, 1, 1));
    let why = if period.end <= period.start {
        "it ends before it starts; swap `from` and `to`"
    } else if Some(period.start) < low || Some(period.end) > high {
        "only the years 1990 to 2200 can be asked"
    } else {
        return Ok(());
    };
    Err(Error::EmptyRange { from: format!("{:?}", period.start), to: format!("{:?}", period.end), why })
}

/// The grain for a range: as asked, or the finest from a day up that fits the points that the panel wants.
pub(super) fn grain(asked: GrainName, period: Period, interval_ms: i64, max_points: i64, over_time: bool) -> Grain {
    match asked {
        GrainName::Hour => Grain::Hour,
        GrainName::Day => Grain::Day,
        GrainName::Week => Grain::Week,
        GrainName::Month => Grain::Month,
        GrainName::Quarter => Grain::Quarter,
        GrainName::Total => Grain::Total,
        GrainName::Auto if !over_time => Grain::Total,
        GrainName::Auto => {
            let points = if max_points > 0 { max_points } else { DEFAULT_POINTS };
            let at_least = (period.length() / points).max(interval_ms.saturating_mul(1_000_000));
            [(Grain::Day, DAY), (Grain::Week, 7 * DAY), (Grain::Month, 31 * DAY)]
                .iter()
                .find(|(_, length)| at_least <= *length)
                .map_or(Grain::Quarter, |(grain, _)| *grain)
        }
    }
}

/// Cuts the range into buckets. The range is widened to whole days (whole hours for [`Grain::Hour`]) of the calendar,
/// so that every grain of the store can answer it alike; the first and last bucket may be parts of a week or month.
///
/// # Errors
/// [`Error::TooMuch`] with the number of buckets, counted before any is made.
pub(super) fn cut(period: Period, grain: Grain, calendar: Calendar, from_alert: bool) -> Result<Buckets, Error> {
    let limit = if from_alert { MAX_ALERT_BUCKETS } else { MAX_BUCKETS };
    let shortest = match grain {
        Grain::Hour => HOUR,
        Grain::Day => 23 * HOUR,
        Grain::Week => 7 * DAY - HOUR,
        Grain::Month | Grain::Quarter => 28 * DAY - HOUR,
        Grain::Total => i64::MAX,
    };
    let count = period.length() / shortest + 1;
    if count > limit {
        return Err(Error::TooMuch {
            what: "time buckets",
            found: count.unsigned_abs(),
            limit: limit.unsigned_abs(),
            hint: "choose a coarser grain or a shorter time range",
        });
    }
    let unit = if grain == Grain::Hour { Grain::Hour } else { Grain::Day };
    let start = calendar.floor(period.start, unit);
    let last = calendar.floor(Instant(period.end.0 - 1), unit);
    let end = calendar.next(last, unit);
    let mut borders = vec![start];
    let mut at = start;
    while at < end {
        let next = match grain {
            Grain::Total => end,
            _ => calendar.next(calendar.floor(at, grain), grain),
        };
        at = next.min(end);
        borders.push(at);
    }
    Ok(Buckets { grain, borders })
}

/// The earlier range to compare with: as many whole months before where the range starts a month (so that month to
/// date meets the same days of last month), else the range of equal length right before; or one year before.
pub(super) fn earlier(period: Period, compare: Compare, calendar: Calendar) -> Period {
    let shift = |months: i32| Period {
        start: calendar.shift_months(period.start, -months),
        end: calendar.shift_months(period.end, -months),
    };
    if compare == Compare::PreviousYear {
        return shift(12);
    }
    let starts_month = calendar.floor(period.start, Grain::Month) == period.start;
    if starts_month && period.length() > DAY {
        let mut months = 0;
        let mut at = period.start;
        while at < period.end && months < 2_400 {
            at = calendar.next(at, Grain::Month);
            months += 1;
        }
        return shift(months);
    }
    let days = (period.length() + DAY / 2) / DAY;
    if days > 0 && calendar.shift_days(period.start, days) == period.end {
        return Period { start: calendar.shift_days(period.start, -days), end: period.start };
    }
    Period { start: Instant(period.start.0 - period.length()), end: period.start }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap())
    }

    fn period(start: &str, end: &str) -> Period {
        Period { start: at(start), end: at(end) }
    }

    fn borders(range: Period, grain: Grain, zone: &str) -> Vec<String> {
        let cut = cut(range, grain, Calendar::named(zone).unwrap(), false).unwrap();
        cut.borders.iter().map(|border| format!("{border:?}")).collect()
    }

    #[test]
    fn ranges_are_widened_to_whole_days() {
        let range = period("2026-01-30T14:00:00Z", "2026-02-02T01:00:00Z");
        assert_eq!(
            borders(range, Grain::Month, "UTC"),
            ["2026-01-30T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z"]
        );
        assert_eq!(borders(range, Grain::Total, "UTC"), ["2026-01-30T00:00:00Z", "2026-02-03T00:00:00Z"]);
        assert_eq!(borders(range, Grain::Day, "Asia/Tokyo").len(), 5);
    }

    #[test]
    fn days_follow_daylight_saving() {
        let range = period("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z");
        assert_eq!(
            borders(range, Grain::Day, "Europe/Berlin"),
            ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]
        );
    }

    #[test]
    fn buckets_are_counted_before_they_are_made() {
        let range = period("1990-01-01T00:00:00Z", "2200-01-01T00:00:00Z");
        assert!(matches!(cut(range, Grain::Hour, Calendar::UTC, false), Err(Error::TooMuch { .. })));
        assert!(cut(range, Grain::Month, Calendar::UTC, false).is_ok());
    }

    #[test]
    fn automatic_grain_follows_range_and_width() {
        let year = period("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        assert_eq!(grain(GrainName::Auto, year, 0, 0, true), Grain::Day);
        assert_eq!(grain(GrainName::Auto, year, 0, 100, true), Grain::Week);
        assert_eq!(grain(GrainName::Auto, year, 86_400_000 * 30, 1_000, true), Grain::Month);
        assert_eq!(grain(GrainName::Auto, year, 0, 0, false), Grain::Total);
    }

    #[test]
    fn the_earlier_range_has_like_days() {
        let check = |range: Period, compare, expected: Period| {
            assert_eq!(earlier(range, compare, Calendar::UTC), expected);
        };
        check(
            period("2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z"),
            Compare::PreviousPeriod,
            period("2026-10-01T00:00:00Z", "2026-10-24T00:00:00Z"),
        );
        check(
            period("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            Compare::PreviousYear,
            period("2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"),
        );
        check(
            period("2026-11-10T00:00:00Z", "2026-11-17T00:00:00Z"),
            Compare::PreviousPeriod,
            period("2026-11-03T00:00:00Z", "2026-11-10T00:00:00Z"),
        );
    }

    #[test]
    fn impossible_ranges_say_why() {
        let message = |range| check(range).unwrap_err().to_string();
        assert!(message(period("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")).contains("swap `from` and `to`"));
        assert!(message(Period { start: Instant(i64::MIN), end: Instant(i64::MAX) }).contains("1990 to 2200"));
    }
}
