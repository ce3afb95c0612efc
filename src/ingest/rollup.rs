//! Rows to daily sums: one row per day and combination of low-cardinality dimensions. Pure.
//!
//! The result does not depend on the order or chunking of the rows: dictionaries and rows come out sorted.

use std::collections::{BTreeMap, HashMap};

use super::allocate::tag_column;
use crate::model::{Amount, Coded, Dimension, NULL, Number, Rows, Sums, Table, Text, Times};

/// Columns that daily sums keep while they have few values. What names single resources, prices or lines is left to
/// the detail grain.
const KEPT: [Text; 31] = [
    Text::AvailabilityZone,
    Text::BillingAccountId,
    Text::BillingAccountName,
    Text::BillingAccountType,
    Text::BillingCurrency,
    Text::ChargeCategory,
    Text::ChargeClass,
    Text::ChargeFrequency,
    Text::Client,
    Text::CommitmentDiscountCategory,
    Text::CommitmentDiscountStatus,
    Text::CommitmentDiscountType,
    Text::ConsumedUnit,
    Text::HostProviderName,
    Text::InvoiceId,
    Text::InvoiceIssuerName,
    Text::Market,
    Text::PricingCategory,
    Text::PricingCurrency,
    Text::PricingUnit,
    Text::PublisherName,
    Text::RegionId,
    Text::RegionName,
    Text::ResourceType,
    Text::ServiceCategory,
    Text::ServiceName,
    Text::ServiceProviderName,
    Text::ServiceSubcategory,
    Text::SubAccountId,
    Text::SubAccountName,
    Text::SubAccountType,
];

/// The columns that daily sums carry.
pub(super) const SUMMED: [Number; 5] =
    [Number::BilledCost, Number::EffectiveCost, Number::ContractedCost, Number::ListCost, Number::ConsumedQuantity];

/// Most distinct values of a dimension in one delivery; one that has more is dropped from the daily sums, and
/// questions by it are answered from single rows. The currency is never dropped.
const MAX_VALUES: usize = 5_000;
/// Most rows of daily sums that one delivery may have before its widest dimension is dropped.
const MAX_GROUPS: usize = 400_000;

/// Daily sums in the making.
#[derive(Debug)]
pub(super) struct Rollup {
    columns: Vec<Column>,
    groups: HashMap<Box<[u32]>, usize>,
    keys: Vec<Box<[u32]>>,
    sums: Vec<[Option<Amount>; SUMMED.len()]>,
    rows: Vec<u64>,
}

#[derive(Debug)]
struct Column {
    dimension: Dimension,
    codes: HashMap<Box<str>, u32>,
    values: Vec<Box<str>>,
}

impl Rollup {
    /// No sums yet. `tags` are the tag keys to keep.
    pub(super) fn new(tags: &[String]) -> Self {
        let mut dimensions: Vec<Dimension> = KEPT.iter().copied().map(Dimension::Column).collect();
        for key in tags {
            let tag = Dimension::Tag(key.as_str().into());
            if !dimensions.contains(&tag) {
                dimensions.push(tag);
            }
        }
        let column = |dimension| Column { dimension, codes: HashMap::new(), values: Vec::new() };
        Self {
            columns: dimensions.into_iter().map(column).collect(),
            groups: HashMap::new(),
            keys: Vec::new(),
            sums: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The column whose sum left the range of exact amounts.
    pub(super) fn add(&mut self, rows: &Rows) -> Result<(), Number> {
        // The key of a row is its day, then one code per kept dimension.
        let codes: Vec<Vec<u32>> = self.columns.iter_mut().map(|column| column.encode(rows)).collect();
        let numbers: Vec<&[Option<Amount>]> = SUMMED.iter().map(|number| rows.number(*number)).collect();
        let mut key: Vec<u32> = vec![0; codes.len() + 1];
        for row in 0..rows.len() {
            key[0] = rows.charge_start[row].day().0.cast_unsigned();
            for (place, column) in key[1..].iter_mut().zip(&codes) {
                *place = column[row];
            }
            let group = match self.groups.get(key.as_slice()) {
                Some(group) => *group,
                None => self.group(&key),
            };
            self.rows[group] += 1;
            for ((sum, values), number) in self.sums[group].iter_mut().zip(&numbers).zip(SUMMED) {
                if let Some(amount) = values[row] {
                    *sum = Some(sum.unwrap_or_default().checked_add(amount).ok_or(number)?);
                }
            }
        }
        self.slim()
    }

    fn group(&mut self, key: &[u32]) -> usize {
        let group = self.keys.len();
        self.keys.push(key.into());
        self.groups.insert(key.into(), group);
        self.sums.push([None; SUMMED.len()]);
        self.rows.push(0);
        group
    }

    /// Drops dimensions that have grown too wide, and merges the groups that they told apart.
    fn slim(&mut self) -> Result<(), Number> {
        while let Some(place) = self.too_wide() {
            self.columns.remove(place);
            let (keys, sums, rows) =
                (std::mem::take(&mut self.keys), std::mem::take(&mut self.sums), std::mem::take(&mut self.rows));
            self.groups.clear();
            for ((old, sum), count) in keys.into_iter().zip(sums).zip(rows) {
                let mut key = old.into_vec();
                key.remove(place + 1);
                let group = self.groups.get(key.as_slice()).copied().unwrap_or_else(|| self.group(&key));
                self.rows[group] += count;
                for ((into, from), number) in self.sums[group].iter_mut().zip(sum).zip(SUMMED) {
                    if let Some(amount) = from {
                        *into = Some(into.unwrap_or_default().checked_add(amount).ok_or(number)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// The place of the widest dimension where there is one to drop.
    fn too_wide(&self) -> Option<usize> {
        let (place, widest) = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.dimension != Dimension::Column(Text::BillingCurrency))
            .max_by_key(|(_, column)| column.values.len())?;
        let many_groups = self.keys.len() > MAX_GROUPS && widest.values.len() > 1;
        (widest.values.len() > MAX_VALUES || many_groups).then_some(place)
    }

    /// The daily sums, ordered by day and then by their dimensions.
    ///
    /// # Errors
    /// The column whose sum left the range of exact amounts.
    pub(super) fn finish(self) -> Result<Table, Number> {
        let ranks: Vec<Vec<u32>> = self.columns.iter().map(Column::ranks).collect();
        let mut order: Vec<(Vec<u32>, usize)> = self
            .keys
            .iter()
            .enumerate()
            .map(|(at, key)| {
                let rank = |(code, ranks): (&u32, &Vec<u32>)| ranks.get(*code as usize).copied().unwrap_or(NULL);
                let days = key.first().copied().unwrap_or(0).cast_signed();
                // Days before 1970 sort first as well.
                let day = (i64::from(days) - i64::from(i32::MIN)).unsigned_abs();
                let mut sorted = vec![u32::try_from(day).unwrap_or(u32::MAX)];
                sorted.extend(key[1..].iter().zip(&ranks).map(rank));
                (sorted, at)
            })
            .collect();
        order.sort();
        let days = order.iter().map(|(_, at)| self.keys[*at][0].cast_signed()).collect();
        let dimensions = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let codes = order.iter().map(|(sorted, _)| sorted[place + 1]).collect();
                (column.dimension.clone(), Coded { codes, values: column.sorted() })
            })
            .collect();
        let sums: BTreeMap<Number, Sums> = SUMMED
            .iter()
            .enumerate()
            .map(|(place, number)| {
                let values: Vec<Option<Amount>> = order.iter().map(|(_, at)| self.sums[*at][place]).collect();
                (*number, Sums::compact(values))
            })
            .collect();
        let rows = order.iter().map(|(_, at)| self.rows[*at]).collect();
        Ok(Table { times: Times::Days(days), dimensions, sums, rows })
    }
}

impl Column {
    /// Codes of this rollup for every row of a batch.
    fn encode(&mut self, rows: &Rows) -> Vec<u32> {
        let tag;
        let column = match &self.dimension {
            Dimension::Column(text) => rows.text(*text),
            Dimension::Tag(key) => {
                tag = tag_column(rows, key);
                &tag
            }
        };
        let codes: Vec<u32> = column.values.iter().map(|value| self.code(value)).collect();
        column.codes.iter().map(|code| codes.get(*code as usize).copied().unwrap_or(NULL)).collect()
    }

    fn code(&mut self, value: &str) -> u32 {
        if let Some(code) = self.codes.get(value) {
            return *code;
        }
        let code = u32::try_from(self.values.len()).unwrap_or(NULL);
        self.values.push(value.into());
        self.codes.insert(value.into(), code);
        code
    }

    /// The values in order.
    fn sorted(&self) -> Vec<Box<str>> {
        let mut values = self.values.clone();
        values.sort();
        values
    }

    /// By code, the place of its value in [`Column::sorted`].
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by(|a, b| self.values[*a].cmp(&self.values[*b]));
        let mut ranks = vec![NULL; order.len()];
        for (rank, code) in order.into_iter().enumerate() {
            ranks[code] = u32::try_from(rank).unwrap_or(NULL);
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::tests::bill;

    fn rolled(batches: &[Rows]) -> Table {
        let mut rollup = Rollup::new(&[]);
        batches.iter().for_each(|rows| rollup.add(rows).unwrap());
        rollup.finish().unwrap()
    }

    fn total(table: &Table) -> Amount {
        let sums = &table.sums[&Number::EffectiveCost];
        (0..table.len()).filter_map(|row| sums.get(row)).fold(Amount::ZERO, |sum, a| sum.checked_add(a).unwrap())
    }

    #[test]
    fn rows_of_one_day_and_service_become_one() {
        let table = rolled(&[bill(&[
            ("2026-03-02", "b", "1"),
            ("2026-03-01", "a", "0.1"),
            ("2026-03-01", "a", "0.2"),
            ("2026-03-01", "b", "-1"),
        ])]);
        let service = &table.dimensions[&Dimension::Column(Text::ServiceName)];
        let sums = &table.sums[&Number::EffectiveCost];
        let seen: Vec<String> = (0..table.len())
            .map(|row| format!("{:?} {} x{}", service.get(row), sums.get(row).unwrap_or_default(), table.rows[row]))
            .collect();
        assert_eq!(seen, [r#"Some("a") 0.3 x2"#, r#"Some("b") -1 x1"#, r#"Some("b") 1 x1"#]);
        assert!(matches!(&table.times, Times::Days(days) if days.windows(2).all(|pair| pair[0] <= pair[1])));
    }

    #[test]
    fn a_dimension_with_too_many_values_is_dropped_and_sums_stay() {
        let names: Vec<String> = (0..=MAX_VALUES).map(|n| format!("s{n}")).collect();
        let rows: Vec<(&str, &str, &str)> = names.iter().map(|name| ("2026-03-01", name.as_str(), "0.5")).collect();
        let table = rolled(&[bill(&rows)]);
        assert!(!table.dimensions.contains_key(&Dimension::Column(Text::ServiceName)));
        assert_eq!((table.len(), table.rows[0]), (1, names.len() as u64));
        assert_eq!(total(&table).to_string(), "2500.5");
    }

    proptest! {
        /// The same rows in any order and chunking give the same table, and parts add up to the total.
        #[test]
        fn order_and_chunking_change_nothing(
            rows in prop::collection::vec((1..29_u32, 0..5_u8, any::<i32>()), 1..60),
            chunk in 1..10_usize,
            turn in 0..60_usize,
        ) {
            let texts: Vec<(String, String, String)> = rows
                .iter()
                .map(|(day, service, cents)| (format!("2026-03-{day:02}"), format!("s{service}"), format!("{cents}e-7")))
                .collect();
            let all: Vec<(&str, &str, &str)> = texts.iter().map(|(d, s, c)| (d.as_str(), s.as_str(), c.as_str())).collect();
            let mut turned = all.clone();
            turned.rotate_left(turn % all.len());
            let whole = rolled(&[bill(&all)]);
            let chunks: Vec<Rows> = turned.chunks(chunk).map(bill).collect();
            prop_assert_eq!(&whole, &rolled(&chunks));
            let naive = all.iter().fold(Amount::ZERO, |sum, row| sum.checked_add(Amount::parse(row.2).unwrap()).unwrap());
            prop_assert_eq!(total(&whole), naive);
        }
    }
}
