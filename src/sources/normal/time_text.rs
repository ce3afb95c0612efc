//! Times as bills spell them, read into instants. What has no zone is UTC; what is impossible is not guessed at;
//! a date that could be day/month or month/day is read only once the whole file has told which.

use chrono::{Months, NaiveDate};

use crate::model::{DAY, Instant, SECOND};

/// Which of the first two numbers of a slashed date is the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum DateOrder {
    /// `9/2/2023` is 2 September.
    MonthFirst,
    /// `9/2/2023` is 9 February.
    DayFirst,
}

/// How a time had to be helped; `None` for FOCUS's own `2024-09-18T22:00:00Z`.
pub(in crate::sources) type Help = Option<&'static str>;

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources) enum TimeFault {
    /// Not shaped like one.
    NotATime,
    /// Shaped like one, but no clock or calendar shows it, or none that a bill can mean.
    Impossible,
    /// A slashed date, while the order is not known.
    NeedsOrder,
}

impl TimeFault {
    /// The reason under which a row is rejected.
    pub(in crate::sources) fn reason(self) -> &'static str {
        match self {
            Self::NotATime => "not-a-time",
            Self::Impossible => "impossible-time",
            Self::NeedsOrder => "ambiguous-date",
        }
    }
}

/// Marks a date without time of day.
pub(in crate::sources) const DATE_ONLY: &str = "date-without-time";
/// Marks a time that was read as UTC for want of a zone.
pub(in crate::sources) const WITHOUT_ZONE: &str = "timestamp-without-zone";

/// Marks an end whose clock runs on past midnight.
const PAST_MIDNIGHT: &str = "hour-past-midnight";

/// Reads the end of a period. It moves no cost to another time, so a clock that runs on past midnight, as in
/// `2023-02-01T30:00:00Z` of the FOCUS specification's own examples, is read as the next day's and told.
///
/// # Errors
/// [`TimeFault`].
pub(in crate::sources) fn parse_end(text: &str, order: Option<DateOrder>) -> Result<(Instant, Help), TimeFault> {
    match parse(text, order) {
        Err(TimeFault::Impossible) => past_midnight(text.trim(), order).ok_or(TimeFault::Impossible),
        read => read,
    }
}

fn past_midnight(text: &str, order: Option<DateOrder>) -> Option<(Instant, Help)> {
    let (date, time) = text.split_once(['T', ' '])?;
    let hour: u32 = time.get(..2)?.parse().ok()?;
    let next_day = hour.checked_sub(24).filter(|hour| *hour < 24)?;
    let (instant, _) = parse(&format!("{date}T{next_day:02}{}", time.get(2..)?), order).ok()?;
    let instant = Instant(instant.0.checked_add(DAY)?);
    is_plausible(instant).then_some((instant, Some(PAST_MIDNIGHT)))
}

/// Reads a time.
///
/// # Errors
/// [`TimeFault`].
pub(in crate::sources) fn parse(text: &str, order: Option<DateOrder>) -> Result<(Instant, Help), TimeFault> {
    let text = text.trim();
    if let Some(at) = text.bytes().position(|byte| byte == b'/')
        && at <= 2
    {
        return slashed(text, order);
    }
    let mut rest = Rest(text.as_bytes());
    let year = rest.digits(4, 4).ok_or(TimeFault::NotATime)?;
    let separator = rest.one_of(b"-/").ok_or(TimeFault::NotATime)?;
    let month = rest.digits(1, 2).ok_or(TimeFault::NotATime)?;
    rest.one_of(&[separator]).ok_or(TimeFault::NotATime)?;
    let day = rest.digits(1, 2).ok_or(TimeFault::NotATime)?;
    let usual =
        separator == b'-' && text.len() >= 10 && text.as_bytes()[7] == b'-' && !text[8..10].ends_with(['T', ' ']);
    let (instant, help) = with_clock(year, month, day, &mut rest)?;
    Ok((instant, help.or((!usual).then_some("timestamp-spelling"))))
}

/// The numbers that a slashed date starts with, e.g. 9 and 2 of `9/2/2023`; `None` for other texts.
pub(in crate::sources) fn slashed_numbers(text: &str) -> Option<(i64, i64)> {
    let mut rest = Rest(text.trim().as_bytes());
    let first = rest.digits(1, 2)?;
    rest.one_of(b"/")?;
    let second = rest.digits(1, 2)?;
    rest.one_of(b"/")?;
    Some((first, second))
}

fn slashed(text: &str, order: Option<DateOrder>) -> Result<(Instant, Help), TimeFault> {
    let (first, second) = slashed_numbers(text).ok_or(TimeFault::NotATime)?;
    let year_at = text.bytes().rposition(|byte| byte == b'/').ok_or(TimeFault::NotATime)? + 1;
    let mut rest = Rest(text.as_bytes().get(year_at..).unwrap_or_default());
    let digits = rest.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let year = match digits {
        2 => 2000 + rest.digits(2, 2).ok_or(TimeFault::NotATime)?,
        _ => rest.digits(4, 4).ok_or(TimeFault::NotATime)?,
    };
    let (month, day, help) = match order.ok_or(TimeFault::NeedsOrder)? {
        DateOrder::MonthFirst => (first, second, "date-month-first"),
        DateOrder::DayFirst => (second, first, "date-day-first"),
    };
    let (instant, _clock) = with_clock(year, month, day, &mut rest)?;
    Ok((instant, Some(help)))
}

/// The rest after the date: nothing, or a time of day with or without a zone.
fn with_clock(year: i64, month: i64, day: i64, rest: &mut Rest<'_>) -> Result<(Instant, Help), TimeFault> {
    let date = instant_of(year, month, day);
    if rest.is_empty() {
        return Ok((date.ok_or(TimeFault::Impossible)?, Some(DATE_ONLY)));
    }
    let mark = rest.one_of(b"Tt ").ok_or(TimeFault::NotATime)?;
    let mut hour = rest.digits(1, 2).ok_or(TimeFault::NotATime)?;
    rest.one_of(b":").ok_or(TimeFault::NotATime)?;
    let minute = rest.digits(2, 2).ok_or(TimeFault::NotATime)?;
    let seconds = rest.one_of(b":").map(|_colon| rest.digits(2, 2).ok_or(TimeFault::NotATime)).transpose()?;
    let nanos = rest.one_of(b".,").map(|_point| rest.fraction().ok_or(TimeFault::NotATime)).transpose()?.unwrap_or(0);
    rest.blanks();
    if let Some(half) = rest.half_of_day() {
        if !(1..=12).contains(&hour) {
            return Err(TimeFault::Impossible);
        }
        hour = hour % 12 + half;
        rest.blanks();
    }
    let zone = rest.zone().map_err(|()| TimeFault::NotATime)?;
    if !rest.is_empty() {
        return Err(TimeFault::NotATime);
    }
    let second = seconds.unwrap_or(0);
    // ISO 8601 writes the end of a day as 24:00.
    let midnight = hour == 24 && minute == 0 && second == 0 && nanos == 0;
    if !(hour < 24 || midnight) || minute > 59 || second > 59 {
        return Err(TimeFault::Impossible);
    }
    let date = date.ok_or(TimeFault::Impossible)?;
    let into = (hour * 3_600 + minute * 60 + second - zone.unwrap_or(0)) * SECOND + nanos;
    let help = match zone {
        None => Some(WITHOUT_ZONE),
        Some(1..) | Some(..=-1) => Some("timestamp-with-offset"),
        Some(0) if seconds.is_none() => Some("timestamp-without-seconds"),
        Some(0) if mark != b'T' || midnight => Some("timestamp-spelling"),
        Some(0) => None,
    };
    Ok((Instant(date.0 + into), help))
}

/// Midnight of a date that a bill can mean.
fn instant_of(year: i64, month: i64, day: i64) -> Option<Instant> {
    let (year, month, day) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    Instant::midnight(year, month, day).filter(|instant| is_plausible(*instant))
}

/// Bills are of the years 1990 to 2199; a time outside is a fault, not a fact.
pub(in crate::sources) fn is_plausible(instant: Instant) -> bool {
    // 1990-01-01 and 2200-01-01 in seconds.
    (631_152_000..7_258_118_400).contains(&instant.0.div_euclid(SECOND))
}

/// The first of the month after the one that holds `instant`.
pub(in crate::sources) fn next_month(instant: Instant) -> Option<Instant> {
    let date: NaiveDate = instant.month().start().utc().date_naive();
    date.checked_add_months(Months::new(1)).and_then(|date| date.and_hms_opt(0, 0, 0)).and_then(Instant::from_utc)
}

/// What is left of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// A number of at least `least` and at most `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }

    /// Nanoseconds of a fraction of a second; digits past the ninth must be zero.
    fn fraction(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let fine = digits.iter().skip(9).all(|digit| *digit == b'0');
        let nanos = (0..9).fold(0, |sum, nth| sum * 10 + i64::from(digits.get(nth).map_or(0, |digit| digit - b'0')));
        (count > 0 && fine).then_some(nanos)
    }

    fn blanks(&mut self) {
        while self.one_of(b" ").is_some() {}
    }

    /// Hours to add for AM or PM.
    fn half_of_day(&mut self) -> Option<i64> {
        let half = match self.0.get(..2)? {
            am if am.eq_ignore_ascii_case(b"AM") => 0,
            pm if pm.eq_ignore_ascii_case(b"PM") => 12,
            _ => return None,
        };
        self.0 = self.0.get(2..).unwrap_or_default();
        Some(half)
    }

    /// Seconds east of UTC; `None` without a zone.
    fn zone(&mut self) -> Result<Option<i64>, ()> {
        for word in ["Z", "UTC", "GMT"] {
            if self.0.eq_ignore_ascii_case(word.as_bytes()) {
                self.0 = &[];
                return Ok(Some(0));
            }
        }
        let sign = match self.one_of(b"+-") {
            None => return Ok(None),
            Some(b'-') => -1,
            Some(_plus) => 1,
        };
        let hours = self.digits(2, 2).filter(|hours| *hours <= 18).ok_or(())?;
        let minutes = if self.one_of(b":").is_some() || !self.is_empty() { self.digits(2, 2).ok_or(())? } else { 0 };
        if minutes > 59 { Err(()) } else { Ok(Some(sign * (hours * 3_600 + minutes * 60))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, help: Help) {
        let read = parse(text, Some(DateOrder::MonthFirst));
        assert_eq!(read.map(|(instant, help)| (format!("{instant:?}"), help)), Ok((expected.into(), help)), "{text}");
    }

    fn check_fault(text: &str, fault: TimeFault) {
        assert_eq!(parse(text, None), Err(fault), "{text}");
    }

    #[test]
    fn every_spelling_that_was_seen_is_read() {
        check("2024-09-18T22:00:00Z", "2024-09-18T22:00:00Z", None);
        check("2024-09-18T22:00:00.000Z", "2024-09-18T22:00:00Z", None);
        check("2024-09-18T22:00:00.123456789Z", "2024-09-18T22:00:00.123456789Z", None);
        check("2024-09-18T22:00:00+00:00", "2024-09-18T22:00:00Z", None);
        check("2024-09-18 22:00:00", "2024-09-18T22:00:00Z", Some(WITHOUT_ZONE));
        check("2024-09-18T22:00:00", "2024-09-18T22:00:00Z", Some(WITHOUT_ZONE));
        check("2024-09-18 00:00:00.000", "2024-09-18T00:00:00Z", Some(WITHOUT_ZONE));
        check("2024-09-18T22:00Z", "2024-09-18T22:00:00Z", Some("timestamp-without-seconds"));
        check("2024-09-18 22:00:00 UTC", "2024-09-18T22:00:00Z", Some("timestamp-spelling"));
        check("2024-09-18t22:00:00z", "2024-09-18T22:00:00Z", Some("timestamp-spelling"));
        check("2024-09-18T24:00:00Z", "2024-09-19T00:00:00Z", Some("timestamp-spelling"));
        check("2024-09-18T06:00:00+08:00", "2024-09-17T22:00:00Z", Some("timestamp-with-offset"));
        check("2024-09-18T22:00:00-0330", "2024-09-19T01:30:00Z", Some("timestamp-with-offset"));
        check("2024-09-18", "2024-09-18T00:00:00Z", Some(DATE_ONLY));
        check("2024-9-1", "2024-09-01T00:00:00Z", Some(DATE_ONLY));
        check("2024/09/18 01:02", "2024-09-18T01:02:00Z", Some(WITHOUT_ZONE));
        check("9/2/2023", "2023-09-02T00:00:00Z", Some("date-month-first"));
        check("09/02/2023 13:00", "2023-09-02T13:00:00Z", Some("date-month-first"));
        check("9/2/23 1:05 PM", "2023-09-02T13:05:00Z", Some("date-month-first"));
        check(" 2024-09-18T22:00:00Z ", "2024-09-18T22:00:00Z", None);
    }

    #[test]
    fn the_order_of_a_slashed_date_is_given_not_guessed() {
        let read = parse("9/2/2023", Some(DateOrder::DayFirst)).unwrap();
        assert_eq!(read, (Instant::midnight(2023, 2, 9).unwrap(), Some("date-day-first")));
        check_fault("9/2/2023", TimeFault::NeedsOrder);
        assert_eq!(slashed_numbers("13/2/2023"), Some((13, 2)));
        assert_eq!(slashed_numbers("2023-02-13"), None);
    }

    #[test]
    fn the_clock_of_an_end_may_run_past_midnight() {
        let next_day = Instant(Instant::midnight(2023, 2, 2).unwrap().0 + 6 * 3_600 * SECOND);
        assert_eq!(parse_end("2023-02-01T30:00:00Z", None), Ok((next_day, Some(PAST_MIDNIGHT))));
        assert_eq!(parse_end("2024-09-18T22:00:00Z", None), parse("2024-09-18T22:00:00Z", None));
        for text in ["2023-02-30T30:00:00Z", "2023-02-01T48:00:00Z", "2023-02-01T30:60:00Z"] {
            assert_eq!(parse_end(text, None), Err(TimeFault::Impossible), "{text}");
        }
        assert_eq!(parse("2023-02-01T30:00:00Z", None), Err(TimeFault::Impossible), "a start would move cost");
    }

    #[test]
    fn what_no_clock_shows_is_impossible() {
        for text in [
            "2023-02-01T30:00:00Z",
            "2023-02-30T00:00:00Z",
            "2023-13-01",
            "2023-01-01T23:60:00Z",
            "2023-01-01T24:00:01Z",
            "2023-01-01T23:59:60Z",
            "0001-01-01T00:00:00Z",
            "2200-01-01T00:00:00Z",
            "9999-12-31",
        ] {
            check_fault(text, TimeFault::Impossible);
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "yesterday",
            "2024-09",
            "20240918",
            "2024-09-18T22",
            "2024-09-18T22:00:00X",
            "1/2",
            "a/b/c",
            "2024-09-18T22:00:00+8",
        ] {
            check_fault(text, TimeFault::NotATime);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _read = parse(&text, Some(DateOrder::DayFirst));
        }

        #[test]
        fn what_is_written_reads_back(nanos in 631_152_000_000_000_000_i64..7_258_118_400_000_000_000) {
            let instant = Instant(nanos);
            proptest::prop_assert_eq!(parse(&format!("{instant:?}"), None), Ok((instant, None)));
        }
    }
}
