//! Rows summed to a grain, by column: what the `day` grain keeps and what the summing engine runs over.

use std::collections::BTreeMap;

use ethnum::I256;

use super::{Amount, Coded, Dimension, Instant, Number, SCALE, power_of_ten};

/// Summed rows. All columns have [`Table::len`] entries; text columns keep their own dictionaries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// When each row's charges start.
    pub times: Times,
    /// Group-by columns. The currency is one of them.
    pub dimensions: BTreeMap<Dimension, Coded>,
    /// Exact sums per metric column.
    pub sums: BTreeMap<Number, Sums>,
    /// How many billing rows each row sums.
    pub rows: Vec<u64>,
}

/// The time column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// UTC days since 1970-01-01, ascending.
    Days(Vec<i32>),
    /// Exact charge starts, in any order.
    Instants(Vec<Instant>),
}

impl Default for Times {
    fn default() -> Self {
        Self::Days(Vec::new())
    }
}

/// Exact sums of one column; `None` where no row had a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sums {
    /// All values fit 128 bits at one scale: the usual case, and the fast one.
    Narrow {
        /// Decimal places of `values`.
        scale: u32,
        /// Integer counts of 10^-`scale`; 0 where `present` says null.
        values: Vec<i128>,
        /// Which rows have a value; `None` where all have.
        present: Option<Vec<bool>>,
    },
    /// The general case.
    Wide(Vec<Option<Amount>>),
}

impl Table {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Sums {
    /// The most compact form of the given values.
    #[must_use]
    pub fn compact(values: Vec<Option<Amount>>) -> Self {
        let mut scale = 0;
        for amount in values.iter().flatten() {
            while scale < SCALE && amount.units() % power_of_ten(SCALE - scale) != I256::ZERO {
                scale += 1;
            }
        }
        let divisor = power_of_ten(SCALE - scale);
        // A quarter of the range is left free, so that sums of many rows rarely leave 128 bits.
        let limit = I256::from(i128::MAX >> 24);
        let narrow: Option<Vec<i128>> = values
            .iter()
            .map(|value| {
                let units = value.unwrap_or_default().units() / divisor;
                (units.abs() <= limit).then(|| units.as_i128())
            })
            .collect();
        match narrow {
            None => Self::Wide(values),
            Some(narrow) => Self::Narrow {
                scale,
                values: narrow,
                present: values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
            },
        }
    }

    /// The exact value of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Amount> {
        match self {
            Self::Wide(values) => values.get(row).copied().flatten(),
            Self::Narrow { scale, values, present } => {
                let here = present.as_ref().is_none_or(|present| present.get(row).copied().unwrap_or(false));
                let units = I256::from(*values.get(row)?) * power_of_ten(SCALE - scale);
                here.then(|| Amount::from_units(units))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_sums_keep_every_value() {
        let values: Vec<Option<Amount>> = ["1.5", "-0.0000001", "123456789012"]
            .iter()
            .map(|text| Amount::parse(text).ok())
            .chain([None, Some(Amount::ZERO)])
            .collect();
        let sums = Sums::compact(values.clone());
        assert!(matches!(sums, Sums::Narrow { scale: 7, .. }), "{sums:?}");
        assert_eq!((0..5).map(|row| sums.get(row)).collect::<Vec<_>>(), values);
        let wide = vec![Amount::parse("123456789012345678901234567890.1234567890123456789012345678").ok()];
        assert_eq!(Sums::compact(wide.clone()), Sums::Wide(wide));
    }
}
