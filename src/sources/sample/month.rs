//! The rows of a billing month, day by day, so that a month of any size is made in bounded memory.
//! A day's rows follow from the catalogue and the day alone.

use super::catalog::{Catalog, Commitment};
use super::commitments::Measure;
use super::line::{Charge, TO_CHARGE, TO_COST, UNIT};
use super::planted;
use super::timeline::{Date, MONTHS};
use crate::model::{Day, Month, NULL};

/// Which delivery of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// The first one, which for the restated month lacks rows.
    First,
    /// The last one: complete.
    Last,
}

/// The rows of one month, in batches of days.
#[derive(Debug)]
pub struct MonthRows<'a> {
    catalog: &'a Catalog,
    month: Month,
    edition: Edition,
    next: Day,
    end: Day,
    /// Billed usage of each taxed account so far.
    taxable: Vec<i64>,
    /// Billed so far by each book whose invoices are rounded.
    invoiced: Vec<i64>,
    closed: bool,
}

impl Catalog {
    /// The rows of a month of the timeline; of any other month there are none.
    #[must_use]
    pub fn month(&self, month: Month, edition: Edition) -> MonthRows<'_> {
        let inside = self.timeline.oldest() <= month && month <= self.timeline.newest;
        let (next, end) = self.timeline.days(month);
        let end = if inside { end } else { next };
        MonthRows {
            catalog: self,
            month,
            edition,
            next,
            end,
            taxable: vec![0; self.taxed.len()],
            invoiced: vec![0; self.rounded.len()],
            closed: !inside,
        }
    }

    /// True for rows that the first delivery of the restated month lacks.
    pub(super) fn late(&self, line: u32, day: Day) -> bool {
        let (back, from) = planted::RESTATED;
        let restated = self.timeline.day(back, from) <= day && day < self.timeline.day(back - 1, 1);
        restated && self.book(line).cloud == planted::RESTATED_CLOUD
    }

    pub(super) fn book(&self, line: u32) -> &'static super::clouds::Book {
        super::clouds::BOOKS[usize::from(self.books[line as usize])]
    }

    /// The invoice of a line in a month; [`NULL`] while the month is open.
    fn invoice(&self, line: u32, month: Month) -> u32 {
        let place = usize::try_from(month.0 - self.timeline.oldest().0).unwrap_or(MONTHS as usize);
        self.invoices[usize::from(self.books[line as usize])].get(place).copied().unwrap_or(NULL)
    }
}

impl MonthRows<'_> {
    /// Appends the rows of the next day; after the last day those of the month as a whole. False when all is given.
    pub fn next_day(&mut self, into: &mut Vec<Charge>) -> bool {
        let from = into.len();
        if self.next < self.end {
            let date = Date::of(self.next);
            self.metered(&date, into);
            self.next.0 += 1;
        } else if self.closed {
            return false;
        } else {
            self.whole_month(into);
            self.closed = true;
        }
        if self.edition == Edition::First {
            let kept: Vec<Charge> =
                into.drain(from..).filter(|charge| !self.catalog.late(charge.line, charge.start)).collect();
            into.extend(kept);
        }
        if self.closed {
            self.round(into, from);
        }
        for charge in &mut into[from..] {
            for ((book, _), invoiced) in self.catalog.rounded.iter().zip(&mut self.invoiced) {
                if self.catalog.book(charge.line) == *book {
                    *invoiced += charge.billed;
                }
            }
            charge.invoice = self.catalog.invoice(charge.line, self.month);
        }
        true
    }

    /// What the invoices of a closed month are rounded by; `from` is where the rows that are not yet summed start.
    fn round(&self, into: &mut Vec<Charge>, from: usize) {
        if self.month == self.catalog.timeline.newest {
            return;
        }
        let last = Day(self.month.next().start().day().0 - 1);
        for ((book, line), invoiced) in self.catalog.rounded.iter().zip(&self.invoiced) {
            let rest = into[from..].iter().filter(|charge| self.catalog.book(charge.line) == *book);
            let invoiced = invoiced + rest.map(|charge| charge.billed).sum::<i64>();
            into.push(Charge::flat(*line, last, Day(last.0 + 1), whole_cents(invoiced) - invoiced));
        }
    }

    /// All rows of the month.
    #[must_use]
    pub fn all(mut self) -> Vec<Charge> {
        let mut rows = Vec::new();
        while self.next_day(&mut rows) {}
        rows
    }

    /// The usage of a day, with what commitments cover of it, and what the commitments cost.
    fn metered(&mut self, date: &Date, into: &mut Vec<Charge>) {
        let catalog = self.catalog;
        let age = i64::from(date.day.0 - catalog.timeline.first().0);
        let mut left: Vec<i64> = catalog.commitments.iter().map(|one| one.of_day(date.day, catalog.scale)).collect();
        for item in &catalog.items {
            let Some(stretch) = Catalog::stretch(item, date.day) else { continue };
            let mut quantity = stretch.usage.quantity(date, age, item.seed);
            if let Some((from, to, permille)) = item.surge
                && from <= date.day
                && date.day < to
            {
                quantity = quantity * permille / 1000;
            }
            if quantity == 0 {
                continue;
            }
            let prices = (stretch.list, stretch.contracted);
            let covered = stretch.cover.map_or(0, |cover| {
                let commitment = &catalog.commitments[cover.commitment];
                let covered = commitment.take(&mut left[cover.commitment], quantity, cover.rate);
                if covered > 0 {
                    let mut charge = usage(cover.line, date.day, covered, prices);
                    charge.billed = 0;
                    charge.effective = covered * cover.rate;
                    charge.commitment = Some(commitment.amount(covered, cover.rate));
                    into.push(charge);
                }
                covered
            });
            if covered < quantity {
                into.push(usage(stretch.line, date.day, quantity - covered, prices));
                if let Some(place) = catalog.taxed.iter().position(|(account, _)| *account == item.account) {
                    self.taxable[place] += stretch.contracted * (quantity - covered);
                }
            }
        }
        for (commitment, left) in catalog.commitments.iter().zip(left) {
            into.extend(commitment.purchase_of(date.day, self.month, catalog.scale));
            into.extend(commitment.unused_of(date.day, left));
        }
    }

    /// Taxes, credits and corrections.
    fn whole_month(&self, into: &mut Vec<Charge>) {
        let (start, end) = (self.month.start().day(), self.month.next().start().day());
        for ((_, line), base) in self.catalog.taxed.iter().zip(&self.taxable) {
            into.push(Charge::flat(*line, start, end, tax(*base)));
        }
        let extras = self.catalog.extras.iter().filter(|(month, _, _)| *month == self.month);
        into.extend(extras.map(|(_, _, charge)| *charge));
    }
}

/// Nine percent of a cost in 10^-10, rounded to the cent.
fn tax(base: i64) -> i64 {
    whole_cents(base * 9 / 100)
}

/// A cost in 10^-10, rounded half up to the cent.
fn whole_cents(cost: i64) -> i64 {
    const CENT: i64 = 100_000_000;
    (cost + CENT / 2).div_euclid(CENT) * CENT
}

fn usage(line: u32, day: Day, quantity: i64, (list, contracted): (i64, i64)) -> Charge {
    Charge {
        line,
        invoice: NULL,
        start: day,
        end: Day(day.0 + 1),
        quantity: Some(quantity * TO_CHARGE),
        consumed: true,
        list_price: Some(list),
        contracted_price: Some(contracted),
        billed: contracted * quantity,
        effective: contracted * quantity,
        contracted: contracted * quantity,
        list: list * quantity,
        commitment: None,
    }
}

impl Commitment {
    /// What the commitment gives on a day: money in 10^-10, or hours in 10^-4.
    fn of_day(&self, day: Day, scale: u32) -> i64 {
        if day < self.terms.from || day >= self.terms.to {
            return 0;
        }
        match self.terms.measure {
            Measure::Spend { hourly, .. } => hourly * i64::from(scale) * 24 * TO_COST,
            Measure::Usage { count, .. } => count * i64::from(scale) * 24 * UNIT,
        }
    }

    /// Takes as much of `left` as a quantity needs; returns the quantity that is covered.
    fn take(&self, left: &mut i64, quantity: i64, rate: i64) -> i64 {
        match self.terms.measure {
            Measure::Spend { .. } => {
                let covered = quantity.min(*left / rate);
                *left -= covered * rate;
                covered
            }
            Measure::Usage { .. } => {
                let covered = quantity.min(*left);
                *left -= covered;
                covered
            }
        }
    }

    /// A covered quantity in the unit of the commitment, 10^-10.
    const fn amount(&self, covered: i64, rate: i64) -> i64 {
        match self.terms.measure {
            Measure::Spend { .. } => covered * rate,
            Measure::Usage { .. } => covered * TO_CHARGE,
        }
    }

    fn purchase_of(&self, day: Day, month: Month, scale: u32) -> Option<Charge> {
        let (from, to) = self.bought_on(day, month)?;
        let hours = i64::from(to.0 - from.0) * 24;
        let (units, price) = match self.terms.measure {
            Measure::Spend { hourly, .. } => (hours, hourly * i64::from(scale)),
            Measure::Usage { count, rate } => (hours * count * i64::from(scale), rate),
        };
        let cost = units * UNIT * price;
        let bought = match self.terms.measure {
            Measure::Spend { .. } => cost,
            Measure::Usage { .. } => units * UNIT * TO_CHARGE,
        };
        Some(Charge {
            effective: 0,
            quantity: Some(units * UNIT * TO_CHARGE),
            list_price: Some(price),
            contracted_price: Some(price),
            commitment: Some(bought),
            ..Charge::flat(self.purchase, from, to, cost)
        })
    }

    /// What is left over on a day: as many units of 10^-10 of money, or hours at the rate.
    fn unused_of(&self, day: Day, left: i64) -> Option<Charge> {
        if left == 0 {
            return None;
        }
        let end = Day(day.0 + 1);
        let (quantity, price) = match self.terms.measure {
            // Money that is left is a quantity of money, at the price of one.
            Measure::Spend { .. } => (left, 1_000_000),
            Measure::Usage { rate, .. } => (left * TO_CHARGE, rate),
        };
        let cost = match self.terms.measure {
            Measure::Spend { .. } => left,
            Measure::Usage { rate, .. } => left * rate,
        };
        Some(Charge {
            billed: 0,
            quantity: Some(quantity),
            list_price: Some(price),
            contracted_price: Some(price),
            commitment: Some(quantity),
            ..Charge::flat(self.unused, day, end, cost)
        })
    }
}
