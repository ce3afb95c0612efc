//! What a delivery holds, by billing month and currency: rows, exact sums, the time that its charges span. Pure.

use std::collections::BTreeMap;

use crate::model::{Amount, DAY, Instant, Month, Number, Rows, Text};
use crate::store::MonthRecord;

/// The columns that are summed and reconciled.
pub(super) const COSTS: [Number; 4] =
    [Number::BilledCost, Number::EffectiveCost, Number::ContractedCost, Number::ListCost];

/// Usage longer than this is a fee by another name and does not tell how far usage is billed.
const LONGEST_USAGE: i64 = 3 * DAY;

/// Sums by billing month and currency.
#[derive(Debug, Default)]
pub(super) struct Months(BTreeMap<(Month, String), Sums>);

#[derive(Debug)]
struct Sums {
    rows: u64,
    costs: [Option<Amount>; COSTS.len()],
    charge_start: Instant,
    used_until: Option<Instant>,
    last_start: Instant,
}

impl Months {
    /// Adds rows, whatever their order.
    ///
    /// # Errors
    /// The column whose sum left the range of exact amounts.
    pub(super) fn add(&mut self, rows: &Rows) -> Result<(), Number> {
        let currencies = rows.text(Text::BillingCurrency);
        let categories = rows.text(Text::ChargeCategory);
        for row in 0..rows.len() {
            let start = rows.charge_start[row];
            let key = (rows.billing_start[row].month(), currencies.get(row).unwrap_or_default());
            let sums = self.entry(key, start);
            sums.rows += 1;
            for (sum, column) in sums.costs.iter_mut().zip(COSTS) {
                if let Some(amount) = rows.number(column)[row] {
                    *sum = Some(sum.unwrap_or_default().checked_add(amount).ok_or(column)?);
                }
            }
            sums.charge_start = sums.charge_start.min(start);
            sums.last_start = sums.last_start.max(start);
            let end = rows.charge_end[row];
            if categories.get(row) == Some("Usage") && end.0.saturating_sub(start.0) <= LONGEST_USAGE {
                sums.used_until = sums.used_until.max(Some(end));
            }
        }
        Ok(())
    }

    fn entry(&mut self, (month, currency): (Month, &str), start: Instant) -> &mut Sums {
        self.0.entry((month, currency.to_owned())).or_insert_with(|| Sums {
            rows: 0,
            costs: [None; COSTS.len()],
            charge_start: start,
            used_until: None,
            last_start: start,
        })
    }

    /// How many rows were added.
    pub(super) fn rows(&self) -> u64 {
        self.0.values().map(|sums| sums.rows).sum()
    }

    /// Adds the sums by cost column and currency to `totals`.
    ///
    /// # Errors
    /// The column whose sum left the range of exact amounts.
    pub(super) fn totals(&self, totals: &mut BTreeMap<(Number, String), Amount>) -> Result<(), Number> {
        for ((_, currency), sums) in &self.0 {
            for (sum, column) in sums.costs.iter().zip(COSTS) {
                let total = totals.entry((column, currency.clone())).or_default();
                *total = total.checked_add(sum.unwrap_or_default()).ok_or(column)?;
            }
        }
        Ok(())
    }

    /// The records, by month and currency.
    pub(super) fn records(&self) -> Vec<MonthRecord> {
        let record = |((month, currency), sums): (&(Month, String), &Sums)| MonthRecord {
            month: *month,
            currency: currency.clone(),
            rows: sums.rows,
            sums: COSTS
                .iter()
                .zip(sums.costs)
                .filter_map(|(column, sum)| Some((column.name().to_owned(), sum?.to_string())))
                .collect(),
            charge_start: sums.charge_start,
            // Without short usage the last day on which any charge starts is the best that is known.
            data_until: sums.used_until.unwrap_or_else(|| Instant(sums.last_start.day().start().0 + DAY)),
        };
        self.0.iter().map(record).collect()
    }
}
