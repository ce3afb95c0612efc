//! The summing engine: exact sums of one column over coded tables, by group and time bucket.
//! It knows columns and codes; what they mean, and where tables come from, is told by its callers.
//!
//! Sums run in 128-bit integers at a table's own scale and are folded into exact 256-bit amounts once per table,
//! so an answer is the same for any order of tables and rows. Overflow is an error, never a wrap.

mod groups;

use std::collections::HashMap;

use ethnum::I256;

use crate::model::{Amount, Coded, Dimension, Instant, NULL, Number, SCALE, Sums, Table, Times, power_of_ten};
use groups::Keys;

pub use crate::model::Stop;

/// Rows between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 16;
/// Most cells (groups times buckets) of one sum: 64 bytes each.
const MAX_CELLS: usize = 8_000_000;
/// Up to this many rows a table of narrow sums cannot leave 128 bits (see `Sums::compact`).
const SAFE_ROWS: usize = 1 << 24;

/// What is to be summed.
pub struct SumPlan {
    /// The column to sum.
    pub number: Number,
    /// Group-by columns, in the order of the group keys.
    pub group: Vec<Dimension>,
    /// Conditions on columns; all must hold.
    pub filters: Vec<Condition>,
    /// Bucket borders, ascending: bucket `i` is from `borders[i]` up to but without `borders[i + 1]`.
    pub borders: Vec<Instant>,
}

/// A test of a value; `None` stands for null.
pub type Test = Box<dyn Fn(Option<&str>) -> bool + Send + Sync>;

/// A condition on one column, as a test of a value (`None` for null). It is asked once per distinct value.
pub struct Condition {
    /// The column.
    pub dimension: Dimension,
    /// True where a row passes.
    pub passes: Test,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Condition on {}", self.dimension)
    }
}

/// Why a sum has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody waits for the answer any more.
    #[error("stopped")]
    Stopped,
    /// Groups times buckets are more than memory allows.
    #[error("{groups} groups in {buckets} time buckets")]
    TooManyCells {
        /// Groups found until then.
        groups: usize,
        /// Buckets asked for.
        buckets: usize,
    },
    /// A sum left 256 bits.
    #[error("a sum left the range of exact amounts")]
    Overflow,
}

/// One group with its sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Values of the group-by columns; `None` is the null bucket.
    pub key: Vec<Option<Box<str>>>,
    /// Exact sum per bucket; `None` where no row of the bucket has a value.
    pub sums: Vec<Option<Amount>>,
    /// Whether the bucket has any row at all: without rows a sum is zero, with rows but no value it is unknown.
    pub touched: Vec<bool>,
}

/// Sums in the making. Add tables in any order.
#[derive(Debug)]
pub struct Summer<'p> {
    plan: &'p SumPlan,
    keys: Keys,
    cells: Vec<Cell>,
    rows_read: u64,
    rows_matched: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sum: Amount,
    present: bool,
    touched: bool,
}

impl std::fmt::Debug for SumPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SumPlan of {} by {:?} in {} buckets", self.number.name(), self.group, self.buckets())
    }
}

impl SumPlan {
    /// Number of buckets.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.borders.len().saturating_sub(1)
    }

    /// All columns that the plan reads.
    #[must_use]
    pub fn dimensions(&self) -> Vec<Dimension> {
        let mut all: Vec<Dimension> =
            self.group.iter().chain(self.filters.iter().map(|filter| &filter.dimension)).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

impl<'p> Summer<'p> {
    /// No sums yet.
    #[must_use]
    pub fn new(plan: &'p SumPlan) -> Self {
        Self { plan, keys: Keys::new(plan.group.len()), cells: Vec::new(), rows_read: 0, rows_matched: 0 }
    }

    /// Table rows looked at.
    #[must_use]
    pub const fn rows_read(&self) -> u64 {
        self.rows_read
    }

    /// Table rows that passed the filters and the time range.
    #[must_use]
    pub const fn rows_matched(&self) -> u64 {
        self.rows_matched
    }

    /// Adds the rows of a table. A column that the table lacks counts as null in every row.
    ///
    /// # Errors
    /// [`Error`]; the sums are void then.
    pub fn add(&mut self, table: &Table, stop: &Stop) -> Result<(), Error> {
        let buckets = self.plan.buckets();
        if buckets == 0 || table.is_empty() {
            return Ok(());
        }
        let none = Coded::nulls(0);
        let column = |dimension: &Dimension| table.dimensions.get(dimension).unwrap_or(&none);
        let filters: Vec<(&Coded, Vec<bool>)> = self
            .plan
            .filters
            .iter()
            .map(|filter| {
                let coded = column(&filter.dimension);
                let mut passes: Vec<bool> = coded.values.iter().map(|value| (filter.passes)(Some(value))).collect();
                passes.push((filter.passes)(None));
                (coded, passes)
            })
            .collect();
        let groups: Vec<&Coded> = self.plan.group.iter().map(column).collect();
        let mut local = self.keys.local(&groups);
        let time = TimeIndex::new(&self.plan.borders, &table.times);
        let sums = table.sums.get(&self.plan.number);
        let mut partial = Partial::new(time.span());

        for row in 0..table.len() {
            if row % STOP_EVERY == 0 && stop.stopped() {
                return Err(Error::Stopped);
            }
            let Some(bucket) = time.bucket(row) else { continue };
            let passes = filters.iter().all(|(coded, passes)| {
                let code = coded.codes.get(row).copied().unwrap_or(NULL) as usize;
                passes[code.min(passes.len() - 1)]
            });
            if !passes {
                continue;
            }
            self.rows_matched += 1;
            let group = local.group(&mut self.keys, &groups, row);
            partial.add(group, bucket, sums, row)?;
        }
        self.rows_read += table.len() as u64;
        self.fold(&partial, time.first, sums)
    }

    /// The groups, ordered by key with nulls first; only groups that had a row.
    #[must_use]
    pub fn finish(self) -> Vec<Group> {
        let buckets = self.plan.buckets();
        let mut groups: Vec<Group> = self
            .keys
            .into_keys()
            .into_iter()
            .enumerate()
            .map(|(at, key)| {
                let cells = self.cells.get(at * buckets..(at + 1) * buckets).unwrap_or_default();
                let mut sums: Vec<Option<Amount>> = cells.iter().map(|c| c.present.then_some(c.sum)).collect();
                sums.resize(buckets, None);
                let mut touched: Vec<bool> = cells.iter().map(|c| c.touched).collect();
                touched.resize(buckets, false);
                Group { key, sums, touched }
            })
            .collect();
        groups.sort_by(|a, b| a.key.cmp(&b.key));
        groups
    }

    fn fold(&mut self, partial: &Partial, first: usize, sums: Option<&Sums>) -> Result<(), Error> {
        let buckets = self.plan.buckets();
        let groups = self.keys.len();
        if groups.saturating_mul(buckets) > MAX_CELLS {
            return Err(Error::TooManyCells { groups, buckets });
        }
        self.cells.resize(groups * buckets, Cell::default());
        let unit = match sums {
            Some(Sums::Narrow { scale, .. }) => power_of_ten(SCALE - scale),
            _ => I256::ONE,
        };
        for (at, cell) in partial.cells.iter().enumerate() {
            if !cell.touched {
                continue;
            }
            let (group, bucket) = (at / partial.span, at % partial.span + first);
            let amount = match cell.wide {
                Some(wide) => wide,
                None => Amount::from_units(I256::from(cell.narrow).checked_mul(unit).ok_or(Error::Overflow)?),
            };
            let target = &mut self.cells[group * buckets + bucket];
            target.sum = target.sum.checked_add(amount).ok_or(Error::Overflow)?;
            target.present |= cell.present;
            target.touched = true;
        }
        Ok(())
    }
}

/// Sums of one table over the buckets that the table touches.
struct Partial {
    span: usize,
    cells: Vec<PartialCell>,
}

#[derive(Clone, Copy, Default)]
struct PartialCell {
    narrow: i128,
    wide: Option<Amount>,
    present: bool,
    touched: bool,
}

impl Partial {
    const fn new(span: usize) -> Self {
        Self { span, cells: Vec::new() }
    }

    #[inline]
    fn add(&mut self, group: usize, bucket: usize, sums: Option<&Sums>, row: usize) -> Result<(), Error> {
        let at = group * self.span + bucket;
        if at >= self.cells.len() {
            if at >= MAX_CELLS {
                return Err(Error::TooManyCells { groups: group + 1, buckets: self.span });
            }
            self.cells.resize((group + 1) * self.span, PartialCell::default());
        }
        let cell = &mut self.cells[at];
        cell.touched = true;
        match sums {
            None => {}
            Some(Sums::Narrow { values, present, .. }) if values.len() <= SAFE_ROWS => {
                // A row without a value holds 0, so that adding it changes nothing.
                cell.narrow += values[row];
                cell.present |= present.as_ref().is_none_or(|present| present[row]);
            }
            Some(sums) => {
                if let Some(amount) = sums.get(row) {
                    let sum = cell.wide.unwrap_or_default().checked_add(amount).ok_or(Error::Overflow)?;
                    cell.wide = Some(sum);
                    cell.present = true;
                }
            }
        }
        Ok(())
    }
}

/// From a row of a table to the bucket of the plan, relative to the first bucket that the table touches.
struct TimeIndex<'t> {
    borders: &'t [Instant],
    times: &'t Times,
    first: usize,
    last: usize,
    first_day: i32,
    by_day: Vec<u32>,
}

impl<'t> TimeIndex<'t> {
    fn new(borders: &'t [Instant], times: &'t Times) -> Self {
        let mut index =
            Self { borders, times, first: 0, last: borders.len().saturating_sub(2), first_day: 0, by_day: Vec::new() };
        if let Times::Days(days) = times {
            let (low, high) = (days.iter().min().copied().unwrap_or(0), days.iter().max().copied().unwrap_or(-1));
            let global: Vec<Option<usize>> =
                (low..=high).map(|day| index.find(crate::model::Day(day).start())).collect();
            let touched = || global.iter().flatten();
            index.first = touched().min().copied().unwrap_or(0);
            index.last = touched().max().copied().unwrap_or(index.first);
            index.first_day = low;
            index.by_day = global
                .iter()
                .map(|bucket| bucket.and_then(|b| u32::try_from(b - index.first).ok()).unwrap_or(NULL))
                .collect();
        }
        index
    }

    const fn span(&self) -> usize {
        self.last - self.first + 1
    }

    fn find(&self, instant: Instant) -> Option<usize> {
        let after = self.borders.partition_point(|border| *border <= instant);
        (after > 0 && after < self.borders.len()).then(|| after - 1)
    }

    #[inline]
    fn bucket(&self, row: usize) -> Option<usize> {
        match self.times {
            Times::Days(days) => {
                let bucket = self.by_day[days[row].abs_diff(self.first_day) as usize];
                (bucket != NULL).then_some(bucket as usize)
            }
            Times::Instants(instants) => self.find(instants[row]),
        }
    }
}

/// Distinct non-null values of a column over tables, each with the number of table rows that have it.
#[must_use]
pub fn distinct<'t>(tables: impl Iterator<Item = &'t Table>, dimension: &Dimension) -> HashMap<Box<str>, u64> {
    let mut found: HashMap<Box<str>, u64> = HashMap::new();
    for table in tables {
        let Some(column) = table.dimensions.get(dimension) else { continue };
        let mut counts = vec![0_u64; column.values.len()];
        for code in &column.codes {
            if let Some(count) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        for (value, count) in column.values.iter().zip(counts) {
            if count > 0 {
                *found.entry(value.clone()).or_default() += count;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
