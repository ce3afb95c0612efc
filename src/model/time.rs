//! Time as bills mean it: instants in nanoseconds, half-open periods, calendar buckets in UTC or an asked zone.
//! The clock is a value that is passed in; nothing else here knows what time it is.

use std::fmt;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Nanoseconds in one second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in one hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Nanoseconds in one UTC day.
pub const DAY: i64 = 24 * HOUR;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// The instant of a UTC date and time; `None` outside 1678 to 2261.
    #[must_use]
    pub fn from_utc(time: NaiveDateTime) -> Option<Self> {
        time.and_utc().timestamp_nanos_opt().map(Self)
    }

    /// Midnight UTC of a date; `None` outside 1678 to 2261.
    #[must_use]
    pub fn midnight(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(|d| d.and_hms_opt(0, 0, 0)).and_then(Self::from_utc)
    }

    /// The instant as a UTC date and time.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// The UTC day that holds this instant.
    #[must_use]
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(DAY) as i32)
    }

    /// The UTC month that holds this instant.
    #[must_use]
    pub fn month(self) -> Month {
        let time = self.utc();
        Month::of(time.year(), time.month())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

/// A UTC calendar day: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// Midnight UTC at which the day starts.
    #[must_use]
    pub const fn start(self) -> Instant {
        Instant(self.0 as i64 * DAY)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().utc().format("%Y-%m-%d"))
    }
}

/// A UTC calendar month: months since year 0. The unit in which bills are delivered and replaced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(pub i32);

impl Month {
    /// The month of a year and a month number from 1 to 12.
    #[must_use]
    pub const fn of(year: i32, month: u32) -> Self {
        Self(year * 12 + month as i32 - 1)
    }

    /// Year and month number from 1 to 12.
    #[must_use]
    pub const fn year_month(self) -> (i32, u32) {
        (self.0.div_euclid(12), self.0.rem_euclid(12) as u32 + 1)
    }

    /// Reads `YYYY-MM`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month): (i32, u32) = (year.parse().ok()?, month.parse().ok()?);
        (year > 1900 && year < 2300 && (1..=12).contains(&month)).then(|| Self::of(year, month))
    }

    /// The month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Midnight UTC at which the month starts.
    #[must_use]
    pub fn start(self) -> Instant {
        let (year, month) = self.year_month();
        Instant::midnight(year, month, 1).unwrap_or(Instant(0))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.year_month();
        write!(f, "{year:04}-{month:02}")
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A half-open stretch of time: from `start`, up to but without `end`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Period {
    /// First instant inside.
    pub start: Instant,
    /// First instant after.
    pub end: Instant,
}

impl Period {
    /// True if the instant lies inside.
    #[must_use]
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Nanoseconds from start to end; 0 where the end is not after the start.
    #[must_use]
    pub const fn length(&self) -> i64 {
        let length = self.end.0.saturating_sub(self.start.0);
        if length > 0 { length } else { 0 }
    }
}

/// How finely time is cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grain {
    /// Clock hours.
    Hour,
    /// Calendar days.
    Day,
    /// Weeks from Monday (ISO 8601).
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters from January.
    Quarter,
    /// One bucket for the whole range.
    Total,
}

/// A calendar in one time zone: cuts time into buckets at local boundaries, across daylight-saving changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The zone whose midnights are boundaries.
    pub zone: Tz,
}

impl Calendar {
    /// The UTC calendar, the default of all bills.
    pub const UTC: Self = Self { zone: Tz::UTC };

    /// The calendar of an IANA zone name such as `Asia/Singapore`; `None` for an unknown name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(|zone| Self { zone })
    }

    /// True where day boundaries are those of UTC, so that daily sums can answer.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        matches!(
            self.zone,
            Tz::UTC | Tz::Etc__UTC | Tz::Etc__GMT | Tz::GMT | Tz::Zulu | Tz::Etc__Zulu | Tz::UCT | Tz::Etc__UCT
        )
    }

    /// Start of the bucket that holds the instant. For [`Grain::Total`] the instant itself.
    #[must_use]
    pub fn floor(&self, instant: Instant, grain: Grain) -> Instant {
        let local = instant.utc().with_timezone(&self.zone);
        let date = match grain {
            Grain::Total => return instant,
            Grain::Hour => {
                // Hours are cut by absolute time less the local minutes, so that a repeated local hour stays two buckets.
                let into = i64::from(local.minute()) * 60 + i64::from(local.second());
                let nanos = i64::from(local.nanosecond() % 1_000_000_000);
                return Instant(instant.0 - into * SECOND - nanos);
            }
            Grain::Day => local.date_naive(),
            Grain::Week => {
                let date = local.date_naive();
                let back = u64::from(date.weekday().num_days_from_monday());
                date.checked_sub_days(Days::new(back)).unwrap_or(date)
            }
            Grain::Month => first_of(local.year(), local.month()),
            Grain::Quarter => first_of(local.year(), (local.month0() / 3) * 3 + 1),
        };
        self.start_of(date)
    }

    /// Start of the bucket after the one that starts at `start`.
    #[must_use]
    pub fn next(&self, start: Instant, grain: Grain) -> Instant {
        let local = start.utc().with_timezone(&self.zone);
        let date = local.date_naive();
        let next = match grain {
            Grain::Total => return Instant(i64::MAX),
            Grain::Hour => return self.floor(Instant(start.0 + HOUR), Grain::Hour),
            Grain::Day => date.checked_add_days(Days::new(1)).unwrap_or(date),
            Grain::Week => date.checked_add_days(Days::new(7)).unwrap_or(date),
            Grain::Month => after_months(date, 1),
            Grain::Quarter => after_months(date, 3),
        };
        self.start_of(next)
    }

    /// The instant shifted by whole months in this calendar, the day of month clipped to the month's end.
    #[must_use]
    pub fn shift_months(&self, instant: Instant, months: i32) -> Instant {
        let local = instant.utc().with_timezone(&self.zone);
        let total = local.year() * 12 + local.month0().cast_signed() + months;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12).cast_unsigned() + 1);
        let day = (1..=local.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
        day.map_or(instant, |date| self.resolve(date.and_time(local.time())))
    }

    /// The instant shifted by whole days in this calendar, keeping the local time of day.
    #[must_use]
    pub fn shift_days(&self, instant: Instant, days: i64) -> Instant {
        let local = instant.utc().with_timezone(&self.zone).naive_local();
        local.checked_add_signed(TimeDelta::days(days)).map_or(instant, |shifted| self.resolve(shifted))
    }

    fn start_of(&self, date: NaiveDate) -> Instant {
        self.resolve(date.and_time(chrono::NaiveTime::MIN))
    }

    /// A local time as an instant: the earlier of a repeated one, the first valid after a skipped one.
    fn resolve(&self, local: NaiveDateTime) -> Instant {
        let mut candidate = local;
        for _quarter_hour in 0..=16 {
            match self.zone.from_local_datetime(&candidate) {
                LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                    return Instant(time.timestamp_nanos_opt().unwrap_or(0));
                }
                LocalResult::None => candidate += TimeDelta::minutes(15),
            }
        }
        Instant::from_utc(local).unwrap_or(Instant(0))
    }
}

fn first_of(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MIN)
}

fn after_months(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_add_months(chrono::Months::new(months)).unwrap_or(date)
}

/// Where "now" comes from: the system in the product, a fixed instant in tests.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(Utc::now().timestamp_nanos_opt().unwrap_or(0))
    }
}

/// A clock that stands still, for tests and for reproducible samples.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Instant);

impl Clock for FixedClock {
    fn now(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant(DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap())
    }

    fn check(zone: &str, grain: Grain, instant: &str, start: &str, next: &str) {
        let calendar = Calendar::named(zone).unwrap();
        let floor = calendar.floor(at(instant), grain);
        assert_eq!((floor, calendar.next(floor, grain)), (at(start), at(next)), "{zone} {grain:?} {instant}");
    }

    #[test]
    fn buckets_start_at_local_boundaries() {
        check("UTC", Grain::Day, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z");
        check("UTC", Grain::Day, "2026-02-28T23:59:59.999999999Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z");
        check("UTC", Grain::Week, "2026-03-01T12:00:00Z", "2026-02-23T00:00:00Z", "2026-03-02T00:00:00Z");
        check("UTC", Grain::Quarter, "2026-12-31T12:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check("Asia/Singapore", Grain::Month, "2026-03-31T17:00:00Z", "2026-03-31T16:00:00Z", "2026-04-30T16:00:00Z");
        check("Asia/Kolkata", Grain::Hour, "2026-03-31T17:00:00Z", "2026-03-31T16:30:00Z", "2026-03-31T17:30:00Z");
    }

    #[test]
    fn daylight_saving_makes_days_of_23_and_25_hours() {
        check("Europe/Berlin", Grain::Day, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        check("Europe/Berlin", Grain::Day, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        check("Europe/Berlin", Grain::Hour, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z");
        // Midnight of this day does not exist in Santiago: the day starts at one o'clock.
        check("America/Santiago", Grain::Day, "2026-09-06T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z");
    }

    #[test]
    fn months_parse_and_print() {
        assert_eq!(Month::parse("2026-02").map(|m| m.to_string()), Some("2026-02".into()));
        assert_eq!(Month::parse("2026-13"), None);
        assert_eq!(Month::of(2026, 12).next(), Month::of(2027, 1));
        assert_eq!(at("2024-09-30T23:59:59Z").month(), Month::of(2024, 9));
    }

    #[test]
    fn shifting_by_a_month_clips_to_its_end() {
        assert_eq!(Calendar::UTC.shift_months(at("2026-03-31T00:00:00Z"), -1), at("2026-02-28T00:00:00Z"));
        assert_eq!(Calendar::UTC.shift_months(at("2026-03-31T00:00:00Z"), -12), at("2025-03-31T00:00:00Z"));
    }

    #[test]
    fn periods_are_half_open() {
        let period = Period { start: at("2026-01-01T00:00:00Z"), end: at("2026-02-01T00:00:00Z") };
        assert!(period.contains(period.start));
        assert!(!period.contains(period.end));
        assert!(period.contains(Instant(period.end.0 - 1)));
    }
}
