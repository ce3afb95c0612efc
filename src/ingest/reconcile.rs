//! What was read against what would be stored: row counts and exact sums, before every commit. Pure; no float takes part.
//!
//! The reader counts and sums on its own, sharing only the decoder with the canonical rows; the stored side is summed
//! from the daily table. Both must agree with the sums by month that the store will tell (`billing.md` R18).

use std::collections::BTreeMap;

use super::Error;
use super::month::{COSTS, Months};
use crate::model::{Amount, Dimension, Number, Table, Text};
use crate::sources::ReadReport;

type Totals = BTreeMap<(Number, String), Amount>;

/// What the readers of all files of a delivery counted and summed.
#[derive(Debug, Default)]
pub(super) struct Read {
    rows: u64,
    kept: u64,
    rejected: u64,
    control: Totals,
}

impl Read {
    /// Takes up one file's report.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] for a report that cannot be read, [`Error::Overflow`].
    pub(super) fn add(&mut self, delivery: &str, report: &ReadReport) -> Result<(), Error> {
        self.rows += report.rows_read;
        self.kept += report.rows_kept;
        self.rejected += report.rejects.values().map(|tally| tally.count).sum::<u64>();
        for (name, text) in &report.control {
            let parsed = name.split_once(' ').and_then(|(column, currency)| {
                Some(((Number::named(column)?, currency.to_owned()), Amount::parse(text).ok()?))
            });
            let (key, amount) = parsed.ok_or_else(|| differs(delivery, name, "unknown", text))?;
            let total = self.control.entry(key.clone()).or_default();
            *total = total
                .checked_add(amount)
                .ok_or_else(|| Error::Overflow { delivery: delivery.to_owned(), column: key.0.name().to_owned() })?;
        }
        Ok(())
    }
}

/// Compares what was read with what came out.
///
/// # Errors
/// [`Error::NotReconciled`] that names the first difference.
pub(super) fn check(delivery: &str, read: &Read, all: &[&Months], stored: &Months, day: &Table) -> Result<(), Error> {
    let came_out: u64 = all.iter().map(|months| months.rows()).sum();
    if came_out != read.kept || read.kept + read.rejected != read.rows {
        let out = format!("{came_out} and {} rejected", read.rejected);
        return Err(differs(delivery, "rows", &out, &read.rows.to_string()));
    }
    let daily_rows: u64 = day.rows.iter().sum();
    if daily_rows != stored.rows() {
        return Err(differs(delivery, "rows of daily sums", &daily_rows.to_string(), &stored.rows().to_string()));
    }
    let overflow = |column: Number| Error::Overflow { delivery: delivery.to_owned(), column: column.name().to_owned() };
    let mut kept = Totals::new();
    all.iter().try_for_each(|months| months.totals(&mut kept)).map_err(overflow)?;
    same(delivery, &kept, &read.control)?;
    let mut by_month = Totals::new();
    stored.totals(&mut by_month).map_err(overflow)?;
    same(delivery, &daily(day).map_err(overflow)?, &by_month)
}

fn same(delivery: &str, stored: &Totals, read: &Totals) -> Result<(), Error> {
    let mut keys: Vec<&(Number, String)> = stored.keys().chain(read.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let of = |totals: &Totals| totals.get(key).copied().unwrap_or_default();
        if of(stored) != of(read) {
            let what = format!("{} {}", key.0.name(), key.1);
            return Err(differs(delivery, &what, &of(stored).to_string(), &of(read).to_string()));
        }
    }
    Ok(())
}

fn daily(day: &Table) -> Result<Totals, Number> {
    let mut totals = Totals::new();
    let currencies = day.dimensions.get(&Dimension::Column(Text::BillingCurrency));
    for column in COSTS {
        let Some(sums) = day.sums.get(&column) else { continue };
        for row in 0..day.len() {
            if let Some(amount) = sums.get(row) {
                let currency = currencies.and_then(|codes| codes.get(row)).unwrap_or_default();
                let total = totals.entry((column, currency.to_owned())).or_default();
                *total = total.checked_add(amount).ok_or(column)?;
            }
        }
    }
    Ok(totals)
}

fn differs(delivery: &str, what: &str, stored: &str, read: &str) -> Error {
    Error::NotReconciled {
        delivery: delivery.to_owned(),
        what: what.to_owned(),
        stored: stored.to_owned(),
        read: read.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::rollup::Rollup;
    use crate::ingest::tests::bill;

    fn report(rows: u64, control: &[(&str, &str)]) -> ReadReport {
        ReadReport {
            rows_read: rows,
            rows_kept: rows,
            control: control.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            ..ReadReport::default()
        }
    }

    fn check_of(report: &ReadReport) -> Result<(), Error> {
        let rows = bill(&[("2026-03-01", "a", "1.5"), ("2026-03-02", "b", "-0.5")]);
        let (mut months, mut rollup, mut read) = (Months::default(), Rollup::new(&[]), Read::default());
        months.add(&rows).unwrap();
        rollup.add(&rows).unwrap();
        read.add("d", report)?;
        check("d", &read, &[&months], &months, &rollup.finish().unwrap())
    }

    #[test]
    fn equal_counts_and_sums_pass() {
        assert_eq!(check_of(&report(2, &[("EffectiveCost USD", "1"), ("BilledCost USD", "1")])), Ok(()));
    }

    #[test]
    fn a_difference_in_the_last_decimal_is_named() {
        let wrong = report(2, &[("EffectiveCost USD", "1.0000000000000000000000000001"), ("BilledCost USD", "1")]);
        let message = check_of(&wrong).unwrap_err().to_string();
        assert!(
            message.contains("EffectiveCost USD is 1 as stored but 1.0000000000000000000000000001 as read"),
            "{message}"
        );
    }

    #[test]
    fn a_lost_row_and_another_currency_are_named() {
        let lost = check_of(&report(3, &[("EffectiveCost USD", "1"), ("BilledCost USD", "1")])).unwrap_err();
        assert!(lost.to_string().contains("rows is 2 and 0 rejected as stored but 3 as read"), "{lost}");
        assert!(check_of(&report(2, &[("EffectiveCost SGD", "1"), ("BilledCost USD", "1")])).is_err());
    }
}
