//! Collects what is planted while the totals are walked: which rows show it, and how much money it is.

use std::collections::{BTreeMap, BTreeSet};

use ethnum::I256;

use super::super::catalog::{Catalog, Commitment};
use super::super::planted::{self, Plant};
use super::walk::{Reading, cost, late};
use super::{Key, Planted, Sums};
use crate::model::{Amount, Currency, Day, Month, Text};

/// Things planted that belong together: of a kind, for a client, on a machine where it is about machines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    plant: Plant,
    client: String,
    currency: Currency,
    part: String,
}

#[derive(Clone, Debug)]
struct Gathered {
    resources: BTreeSet<String>,
    from: Day,
    to: Day,
    rows: u64,
    money: BTreeMap<&'static str, I256>,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<Group, Gathered>);

impl Found {
    fn group(&mut self, plant: Plant, client: &str, currency: &str, part: &str) -> &mut Gathered {
        let currency = Currency::parse(currency).unwrap_or(Currency::NONE);
        let group = Group { plant, client: client.to_owned(), currency, part: part.to_owned() };
        self.0.entry(group).or_insert_with(|| Gathered {
            resources: BTreeSet::new(),
            from: Day(i32::MAX),
            to: Day(i32::MIN),
            rows: 0,
            money: BTreeMap::new(),
        })
    }

    /// A meter on a day.
    pub(super) fn reading(&mut self, catalog: &Catalog, reading: &Reading<'_>) {
        let Reading { day, item, stretch, covered, rest, usual } = *reading;
        let rows = u64::from(covered > 0) + u64::from(rest > 0);
        let rate = stretch.cover.map_or(0, |cover| cover.rate);
        let effective = cost(stretch.contracted, rest.into()) + cost(rate, covered.into());
        let book = catalog.accounts[item.account].book;
        for (plant, _, _) in item.plants.iter().filter(|(_, from, to)| *from <= day && day < *to) {
            let part = match plant {
                Plant::Idle | Plant::Oversized | Plant::Forgotten | Plant::Resize => item.resource.as_str(),
                Plant::Migration if item.legacy => "legacy",
                _ => "",
            };
            let quantity = i128::from(covered) + i128::from(rest);
            let changed = match plant {
                Plant::Spike | Plant::Step => Some(cost(stretch.contracted, quantity - i128::from(usual))),
                _ => stretch
                    .before
                    .filter(|(change, _)| change == plant)
                    .map(|(_, before)| cost(stretch.contracted - before, quantity)),
            };
            let group = self.group(*plant, item.client, book.currency, part);
            group.see(&item.resource, (day, Day(day.0 + 1)), rows);
            *group.money.entry("cost").or_default() += effective;
            if let Some(changed) = changed {
                *group.money.entry("difference").or_default() += changed;
            }
        }
        if late(catalog, day) && book.cloud == planted::RESTATED_CLOUD {
            self.late(day, rows, effective);
        }
    }

    /// Rows that the first delivery of the restated month lacks.
    fn late(&mut self, day: Day, rows: u64, effective: I256) {
        let group = self.group(Plant::Restated, "", "USD", "");
        group.when((day, Day(day.0 + 1)), rows);
        *group.money.entry("cost").or_default() += effective;
    }

    /// A commitment on a day, with what is left of it.
    pub(super) fn commitment_day(&mut self, catalog: &Catalog, commitment: &Commitment, day: Day, left: I256) {
        if late(catalog, day) && commitment.terms.book.cloud == planted::RESTATED_CLOUD {
            let bought = commitment.bought_on(day, day.start().month()).is_some();
            self.late(day, u64::from(bought) + u64::from(left > I256::ZERO), left);
        }
    }

    /// A month of a commitment: what was bought, used and left.
    pub(super) fn commitment(&mut self, catalog: &Catalog, commitment: &Commitment, money: (I256, I256, I256)) {
        let terms = &commitment.terms;
        if money == (I256::ZERO, I256::ZERO, I256::ZERO) {
            return;
        }
        let group = self.group(Plant::Commitment, "", terms.book.currency, &terms.id);
        group.see(&terms.id, (terms.from.max(catalog.timeline.first()), terms.to.min(catalog.timeline.until)), 0);
        for (name, money) in [("bought", money.0), ("used", money.1), ("unused", money.2)] {
            *group.money.entry(name).or_default() += money;
        }
    }

    /// A charge that is billed once in a month.
    pub(super) fn once(
        &mut self,
        catalog: &Catalog,
        plant: Plant,
        month: Month,
        line: u32,
        days: (Day, Day),
        money: I256,
    ) {
        // What comes each month is one thing; what comes once in a while is one thing a month.
        let part = if plant == Plant::Credit { month.to_string() } else { String::new() };
        let group = self.group(plant, "", catalog.book(line).currency, &part);
        group.when(days, 1);
        *group.money.entry("amount").or_default() += money;
        debug_assert_eq!(catalog.lines.get(line, Text::ResourceId), None);
    }

    /// All that was found.
    pub(super) fn list(self, catalog: &Catalog) -> Vec<Planted> {
        let amounts = |money: BTreeMap<&'static str, I256>| {
            money.into_iter().map(|(name, money)| (name, Amount::from_units(money))).collect()
        };
        self.0
            .into_iter()
            .map(|(group, gathered)| Planted {
                plant: group.plant,
                client: Some(group.client).filter(|client| !client.is_empty()),
                resources: gathered.resources.into_iter().collect(),
                from: gathered.from,
                to: if group.plant == Plant::Tax { gathered.to } else { gathered.to.min(catalog.timeline.until) },
                currency: group.currency,
                rows: gathered.rows,
                money: amounts(gathered.money),
            })
            .collect()
    }
}

impl Gathered {
    fn see(&mut self, resource: &str, days: (Day, Day), rows: u64) {
        if !self.resources.contains(resource) {
            self.resources.insert(resource.to_owned());
        }
        self.when(days, rows);
    }

    fn when(&mut self, (from, to): (Day, Day), rows: u64) {
        (self.from, self.to) = (self.from.min(from), self.to.max(to));
        self.rows += rows;
    }
}

/// All that is billed in euros, as one thing.
pub(super) fn second_currency(catalog: &Catalog, sums: &BTreeMap<Key, Sums>) -> Planted {
    let mut total = Sums::default();
    let euro = Currency::parse("EUR").unwrap_or(Currency::NONE);
    sums.iter().filter(|(key, _)| key.currency == euro).for_each(|(_, sums)| total.add(sums));
    Planted {
        plant: Plant::SecondCurrency,
        client: None,
        resources: Vec::new(),
        from: catalog.timeline.first(),
        to: catalog.timeline.until,
        currency: euro,
        rows: total.rows,
        money: BTreeMap::from([("cost", total.effective)]),
    }
}
