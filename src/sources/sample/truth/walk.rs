//! The second way to the totals: month by month, quantities of each stretch summed first, then multiplied by its prices.
//! Shares the catalogue and the quantity of a day with the rows, and nothing of how a row is written.

use std::collections::BTreeMap;

use ethnum::I256;

use super::super::catalog::{Catalog, Commitment, Item, Stretch};
use super::super::commitments::{Measure, Payment};
use super::super::planted::{self, Plant};
use super::super::timeline::Date;
use super::planted::Found;
use super::{Key, Sums};
use crate::model::{Amount, Currency, Day, Month, Text, power_of_ten};

/// What was used of a stretch in a month, in 10^-4 units.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    covered: i128,
    rest: i128,
    rows: u64,
}

/// What became of a commitment in a month, in 10^-28 of money.
#[derive(Clone, Copy, Debug, Default)]
struct Committed {
    used: I256,
    days: i64,
    unused_rows: u64,
}

/// One meter on one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) day: Day,
    pub(super) item: &'a Item,
    pub(super) stretch: &'a Stretch,
    /// 10^-4 units that a commitment covers, and that none covers.
    pub(super) covered: i64,
    pub(super) rest: i64,
    /// What it would have been without a planted surge.
    pub(super) usual: i64,
}

/// Money of a price (10^-6) and a quantity (10^-4), in 10^-28.
pub(super) fn cost(price: i64, quantity: i128) -> I256 {
    I256::from(price) * I256::from(quantity) * power_of_ten(18)
}

/// Sums of all months; tells what is planted to `found` on the way.
pub(super) fn sums(catalog: &Catalog, found: &mut Found) -> BTreeMap<Key, Sums> {
    let mut walk = Walk { catalog, sums: BTreeMap::new() };
    for month in catalog.timeline.months() {
        walk.month(month, found);
    }
    walk.sums
}

struct Walk<'a> {
    catalog: &'a Catalog,
    sums: BTreeMap<Key, Sums>,
}

impl Walk<'_> {
    fn month(&mut self, month: Month, found: &mut Found) {
        let catalog = self.catalog;
        let mut used: Vec<Vec<Used>> =
            catalog.items.iter().map(|item| vec![Used::default(); item.stretches.len()]).collect();
        let mut committed = vec![Committed::default(); catalog.commitments.len()];
        let (from, to) = catalog.timeline.days(month);
        for day in (from.0..to.0).map(Day) {
            self.day(day, &mut used, &mut committed, found);
        }
        let mut taxable = I256::ZERO;
        for (item, used) in catalog.items.iter().zip(&used) {
            for (stretch, used) in item.stretches.iter().zip(used) {
                self.settle(month, stretch, used);
                if catalog.taxed.iter().any(|(account, _)| *account == item.account) {
                    taxable += cost(stretch.contracted, used.rest);
                }
            }
        }
        for (commitment, committed) in catalog.commitments.iter().zip(committed) {
            self.commitment(month, commitment, committed, found);
        }
        for (_, line) in &catalog.taxed {
            let tax = whole_cents(taxable * I256::from(9) / I256::from(100));
            found.once(catalog, Plant::Tax, month, *line, (from, month.next().start().day()), tax);
            self.add(month, *line, Sums { rows: 1, ..same(tax) });
        }
        for (_, plant, charge) in catalog.extras.iter().filter(|(of, _, _)| *of == month) {
            let money = cost(1, charge.billed.into());
            found.once(catalog, *plant, month, charge.line, (charge.start, charge.end), money);
            self.add(month, charge.line, Sums { rows: 1, ..same(money) });
        }
        if month != catalog.timeline.newest {
            self.round(month, to, found);
        }
    }

    /// What is missing to whole cents in all that a book has billed in the month.
    fn round(&mut self, month: Month, end: Day, found: &mut Found) {
        for (book, line) in &self.catalog.rounded {
            let of_book = |key: &Key| {
                key.month == month && key.currency.as_str() == book.currency && key.provider == book.cloud.provider()
            };
            let billed = self.sums.iter().filter(|(key, _)| of_book(key)).map(|(_, sums)| sums.billed.units());
            let billed = billed.fold(I256::ZERO, |sum, units| sum + units);
            let money = whole_cents(billed) - billed;
            found.once(self.catalog, Plant::Rounding, month, *line, (Day(end.0 - 1), end), money);
            self.add(month, *line, Sums { rows: 1, ..same(money) });
        }
    }

    /// Reads all meters of a day, and lets the commitments cover what they can in the order of the catalogue.
    fn day(&self, day: Day, used: &mut [Vec<Used>], committed: &mut [Committed], found: &mut Found) {
        let catalog = self.catalog;
        let date = Date::of(day);
        let age = i64::from(day.0 - catalog.timeline.first().0);
        let mut left: Vec<I256> = catalog.commitments.iter().map(|one| worth(one, day, catalog.scale)).collect();
        for (item, used) in catalog.items.iter().zip(used) {
            let at = item.stretches.iter().position(|one| one.from <= day && day < one.to);
            let Some((at, stretch)) = at.map(|at| (at, &item.stretches[at])) else { continue };
            let usual = stretch.usage.quantity(&date, age, item.seed);
            let surge = item.surge.filter(|(from, to, _)| *from <= day && day < *to);
            let quantity = surge.map_or(usual, |(_, _, permille)| usual * permille / 1000);
            let covered = stretch.cover.map_or(0, |cover| {
                let rest = &mut left[cover.commitment];
                // Money for a unit of 10^-4 at the commitment's rate.
                let each = cost(cover.rate, 1);
                let covered = (*rest / each).min(I256::from(quantity));
                *rest -= covered * each;
                committed[cover.commitment].used += covered * each;
                covered.as_i64()
            });
            let rest = quantity - covered;
            used[at].covered += i128::from(covered);
            used[at].rest += i128::from(rest);
            used[at].rows += u64::from(covered > 0) + u64::from(rest > 0);
            if quantity > 0 {
                found.reading(catalog, &Reading { day, item, stretch, covered, rest, usual });
            }
        }
        for ((commitment, committed), left) in catalog.commitments.iter().zip(committed).zip(left) {
            if commitment.terms.from <= day && day < commitment.terms.to {
                committed.days += 1;
                committed.unused_rows += u64::from(left > I256::ZERO);
                found.commitment_day(catalog, commitment, day, left);
            }
        }
    }

    fn settle(&mut self, month: Month, stretch: &Stretch, used: &Used) {
        if used.rows == 0 {
            return;
        }
        let rate = stretch.cover.map_or(0, |cover| cover.rate);
        let rest = cost(stretch.contracted, used.rest);
        let sums = Sums {
            rows: used.rows,
            billed: Amount::from_units(rest),
            effective: Amount::from_units(rest + cost(rate, used.covered)),
            contracted: Amount::from_units(cost(stretch.contracted, used.rest + used.covered)),
            list: Amount::from_units(cost(stretch.list, used.rest + used.covered)),
        };
        self.add(month, stretch.line, sums);
    }

    /// Purchases of the month, and as unused what its days are worth less what was used.
    fn commitment(&mut self, month: Month, commitment: &Commitment, committed: Committed, found: &mut Found) {
        let terms = &commitment.terms;
        let first = month.start().day();
        let (from, to) = (terms.from.max(first), terms.to.min(month.next().start().day()));
        let worth_of_day = worth(commitment, terms.from, self.catalog.scale);
        let (rows, days) = match terms.payment {
            Payment::Daily => (committed.days, committed.days),
            Payment::Monthly if from < to => (1, i64::from(to.0 - from.0)),
            Payment::Upfront if terms.from >= first && from < to => (1, i64::from(terms.to.0 - terms.from.0)),
            Payment::Monthly | Payment::Upfront => (0, 0),
        };
        let bought = worth_of_day * I256::from(days);
        let unused = worth_of_day * I256::from(committed.days) - committed.used;
        found.commitment(self.catalog, commitment, (bought, committed.used, unused));
        if rows > 0 {
            let mut sums = same(bought);
            (sums.rows, sums.effective) = (rows.unsigned_abs(), Amount::ZERO);
            self.add(month, commitment.purchase, sums);
        }
        if committed.unused_rows > 0 {
            let mut sums = same(unused);
            (sums.rows, sums.billed) = (committed.unused_rows, Amount::ZERO);
            self.add(month, commitment.unused, sums);
        }
    }

    fn add(&mut self, month: Month, line: u32, sums: Sums) {
        let lines = &self.catalog.lines;
        let text = |column| lines.get(line, column).unwrap_or_default();
        let tags: BTreeMap<String, String> = serde_json::from_str(text(Text::Tags)).unwrap_or_default();
        let key = Key {
            month,
            provider: self.catalog.book(line).cloud.provider(),
            currency: Currency::parse(self.catalog.book(line).currency).unwrap_or(Currency::NONE),
            service: text(Text::ServiceName).to_owned(),
            client: tags.get("client").cloned(),
        };
        self.sums.entry(key).or_default().add(&sums);
    }
}

/// What a commitment is worth on a day, in 10^-28 of money.
fn worth(commitment: &Commitment, day: Day, scale: u32) -> I256 {
    if day < commitment.terms.from || day >= commitment.terms.to {
        return I256::ZERO;
    }
    let hourly = match commitment.terms.measure {
        Measure::Spend { hourly, .. } => hourly,
        Measure::Usage { count, rate } => count * rate,
    };
    I256::from(hourly) * I256::from(scale) * I256::from(24) * power_of_ten(22)
}

/// Rounded half up to the cent.
fn whole_cents(money: I256) -> I256 {
    let cent = power_of_ten(26);
    (money + cent / I256::from(2)) / cent * cent
}

fn same(money: I256) -> Sums {
    let money = Amount::from_units(money);
    Sums { rows: 0, billed: money, effective: money, contracted: money, list: money }
}

/// True for days whose rows of the restated cloud came late.
pub(super) fn late(catalog: &Catalog, day: Day) -> bool {
    let (back, from) = planted::RESTATED;
    (catalog.timeline.day(back, from)..catalog.timeline.day(back - 1, 1)).contains(&day)
}
