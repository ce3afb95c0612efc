//! What a sample adds up to, found another way than its rows are made: quantities are summed over days first and
//! multiplied by prices once, in 256-bit amounts. What is planted is listed with its place, its time and its money.

mod planted;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::planted::Plant;
use super::timeline::Timeline;
use crate::model::{Amount, Currency, Day, Month};

/// The truth about a sample.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Its months.
    pub timeline: Timeline,
    /// How many times each client's resources are there.
    pub scale: u32,
    /// Exact sums by month, provider, currency, service and client.
    pub sums: BTreeMap<Key, Sums>,
    /// What is in it on purpose.
    pub planted: Vec<Planted>,
}

/// What sums are kept by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Billing month.
    pub month: Month,
    /// ServiceProviderName.
    pub provider: &'static str,
    /// BillingCurrency.
    pub currency: Currency,
    /// ServiceName.
    pub service: String,
    /// Value of the tag `client`; `None` where there is none.
    pub client: Option<String>,
}

/// Rows and the exact sums of their costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many rows.
    pub rows: u64,
    /// BilledCost.
    pub billed: Amount,
    /// EffectiveCost.
    pub effective: Amount,
    /// ContractedCost.
    pub contracted: Amount,
    /// ListCost.
    pub list: Amount,
}

impl Sums {
    /// Adds other sums to these. Sums of a sample are far from the limits of exact amounts.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        for (mine, others) in [
            (&mut self.billed, other.billed),
            (&mut self.effective, other.effective),
            (&mut self.contracted, other.contracted),
            (&mut self.list, other.list),
        ] {
            *mine = Amount::from_units(mine.units() + others.units());
        }
    }
}

impl Truth {
    /// Sums of the keys that are asked for, apart by currency.
    #[must_use]
    pub fn total(&self, asked: impl Fn(&Key) -> bool) -> BTreeMap<Currency, Sums> {
        let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
        for (key, sums) in self.sums.iter().filter(|(key, _)| asked(key)) {
            totals.entry(key.currency).or_default().add(sums);
        }
        totals
    }

    /// What is planted of a kind.
    pub fn of(&self, plant: Plant) -> impl Iterator<Item = &Planted> {
        self.planted.iter().filter(move |planted| planted.plant == plant)
    }
}

/// A thing that is in the sample on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// Of which kind.
    pub plant: Plant,
    /// Whose it is, by tag; `None` where it is no client's.
    pub client: Option<String>,
    /// On which resources, by ResourceId, or by name where the bill has no id; sorted. Empty where it is none's.
    pub resources: Vec<String>,
    /// First day on which it is to be seen.
    pub from: Day,
    /// Day after the last.
    pub to: Day,
    /// Currency of its money.
    pub currency: Currency,
    /// Rows that it is to be seen in.
    pub rows: u64,
    /// Its money by name: `cost`, the EffectiveCost of its rows; `difference`, what a change adds to ContractedCost or,
    /// negative, saves; of commitments `bought`, `used` and `unused`; `amount` of what is billed once.
    pub money: BTreeMap<&'static str, Amount>,
}

/// The truth about the sample that ends before `until`, each client's resources `scale` times.
#[must_use]
pub fn truth(until: Day, scale: u32) -> Truth {
    of_catalog(&Catalog::new(Timeline::ending(until), scale))
}

/// The truth about a catalogue.
#[must_use]
pub fn of_catalog(catalog: &Catalog) -> Truth {
    let mut found = planted::Found::default();
    let sums = walk::sums(catalog, &mut found);
    let mut planted = found.list(catalog);
    planted.push(planted::second_currency(catalog, &sums));
    planted.sort_by(|a, b| (a.plant, a.from, &a.client).cmp(&(b.plant, b.from, &b.client)));
    Truth { timeline: catalog.timeline, scale: catalog.scale, sums, planted }
}
