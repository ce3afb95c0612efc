//! When things are in the sample: its months, counted from the newest one, and what a date means for usage.
//! Everything planted hangs on the newest month alone, so a month that is closed stays as it is from day to day.

use chrono::Datelike;

use crate::model::{Day, Instant, Month};

/// How many billing months the sample has, the newest one included.
pub const MONTHS: i32 = 18;

/// The months of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The newest month; the only one without invoices.
    pub newest: Month,
    /// The day after the last one with rows.
    pub until: Day,
}

impl Timeline {
    /// The timeline that ends before `until`.
    #[must_use]
    pub fn ending(until: Day) -> Self {
        Self { newest: Instant(until.start().0 - 1).month(), until }
    }

    /// The oldest month.
    #[must_use]
    pub const fn oldest(&self) -> Month {
        Month(self.newest.0 - MONTHS + 1)
    }

    /// The months, oldest first.
    pub fn months(&self) -> impl DoubleEndedIterator<Item = Month> + use<> {
        (self.oldest().0..=self.newest.0).map(Month)
    }

    /// First day of the sample.
    #[must_use]
    pub fn first(&self) -> Day {
        self.oldest().start().day()
    }

    /// The `day`-th of the month so many months before the newest. Days past 28 are not asked for.
    #[must_use]
    pub fn day(&self, months_back: i32, day: i32) -> Day {
        Day(Month(self.newest.0 - months_back).start().day().0 + day - 1)
    }

    /// The days of a month that have rows, as first day and the day after the last.
    #[must_use]
    pub fn days(&self, month: Month) -> (Day, Day) {
        (month.start().day(), month.next().start().day().min(self.until))
    }
}

/// A day with what usage depends on.
#[derive(Clone, Copy, Debug)]
pub struct Date {
    /// The day.
    pub day: Day,
    /// Day of the month, from 1.
    pub of_month: i64,
    /// Days in the month.
    pub month_days: i64,
    /// Saturday or Sunday.
    pub weekend: bool,
}

impl Date {
    /// What a day is.
    #[must_use]
    pub fn of(day: Day) -> Self {
        let time = day.start().utc();
        let month = day.start().month();
        Self {
            day,
            of_month: i64::from(time.day()),
            month_days: i64::from(month.next().start().day().0 - month.start().day().0),
            weekend: time.weekday().num_days_from_monday() >= 5,
        }
    }

    /// The last four days of a month, when banks close their books.
    #[must_use]
    pub const fn month_end(&self) -> bool {
        self.of_month > self.month_days - 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_month_is_that_of_the_last_day() {
        let day = |y, m, d| Instant::midnight(y, m, d).unwrap().day();
        assert_eq!(Timeline::ending(day(2026, 12, 1)).newest, Month::of(2026, 11));
        let timeline = Timeline::ending(day(2026, 12, 2));
        assert_eq!(timeline.newest, Month::of(2026, 12));
        assert_eq!(timeline.oldest(), Month::of(2025, 7));
        assert_eq!(timeline.months().count(), 18);
        assert_eq!(timeline.days(timeline.newest), (day(2026, 12, 1), day(2026, 12, 2)));
        assert_eq!(timeline.day(1, 14), day(2026, 11, 14));
        let date = Date::of(day(2026, 11, 28));
        assert_eq!((date.of_month, date.month_days, date.weekend, date.month_end()), (28, 30, true, true));
    }
}
