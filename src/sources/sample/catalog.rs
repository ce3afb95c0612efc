//! The catalogue: every account, resource, commitment and one-off charge of a sample, with its lines and prices.
//! It is the same for all days of a newest month; what a day costs follows from it alone.

use super::clouds::{Book, Region, Size};
use super::commitments::{Payment, Terms};
use super::company::Client;
use super::line::{Charge, Lines};
use super::planted::Plant;
use super::timeline::Timeline;
use super::usage::{Schedule, Usage};
use crate::model::{Day, Month};

/// An account, subscription or project.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who bills it.
    pub book: &'static Book,
    /// SubAccountId.
    pub id: String,
    /// SubAccountName.
    pub name: String,
    /// True for accounts that all clients share.
    pub shared: bool,
}

/// What a machine's CPU looks like; the hourly series are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Does nothing.
    Idle,
    /// Far less than its size.
    Oversized,
    /// The same day and night.
    Steady,
    /// With the customers' day.
    Daytime,
    /// At night and at month end.
    Batch,
    /// While people work on it.
    Office,
}

/// A virtual machine or database: a resource with CPUs.
#[derive(Clone, Debug)]
pub struct Machine {
    /// ResourceId in the bill.
    pub resource: String,
    /// ResourceName.
    pub name: String,
    /// Its account, by place in the catalogue.
    pub account: usize,
    /// Whose it is; `None` for the shared platform.
    pub client: Option<&'static Client>,
    /// `prod`, `test` or `dev`.
    pub env: &'static str,
    /// What it does: `ledger`, `payments`, `channels`, `reporting`, ...
    pub role: &'static str,
    /// True on a legacy platform.
    pub legacy: bool,
    /// True for databases.
    pub database: bool,
    /// How its CPU behaves.
    pub workload: Workload,
    /// Where it is.
    pub region: &'static Region,
    /// Its life: first day, day after the last, size, and when it runs.
    pub phases: Vec<(Day, Day, &'static Size, Schedule)>,
}

/// What an item is billed for, as commitments look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Billed<'a> {
    pub(super) account: &'a Account,
    pub(super) region: &'static Region,
    pub(super) env: &'static str,
    pub(super) legacy: bool,
}

/// Something that is metered every day: one meter of one resource.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What its numbers are made from.
    pub(super) seed: u64,
    /// The resource's id, or its name where the bill has no id.
    pub(super) resource: String,
    /// Whose it is; empty for the shared platform.
    pub(super) client: &'static str,
    /// True on a legacy platform.
    pub(super) legacy: bool,
    /// Its account, by place.
    pub(super) account: usize,
    /// Its life, cut wherever a text or a price changes; ascending, without overlap.
    pub(super) stretches: Vec<Stretch>,
    /// More usage than usual.
    pub(super) surge: Option<(Day, Day, i64)>,
    /// What is planted in it, with the days that it is to be seen.
    pub(super) plants: Vec<(Plant, Day, Day)>,
}

/// A stretch of an item's life with the same texts and prices.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) from: Day,
    pub(super) to: Day,
    pub(super) usage: Usage,
    /// Line of usage at the negotiated price.
    pub(super) line: u32,
    /// Public price, 10^-6.
    pub(super) list: i64,
    /// Negotiated price, 10^-6.
    pub(super) contracted: i64,
    /// Commitment that covers it.
    pub(super) cover: Option<Cover>,
    /// Negotiated price before a planted change; what the change is measured against.
    pub(super) before: Option<(Plant, i64)>,
}

/// How a commitment covers a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cover {
    /// The commitment, by place.
    pub(super) commitment: usize,
    /// Price of covered usage, 10^-6.
    pub(super) rate: i64,
    /// Line of covered usage.
    pub(super) line: u32,
}

/// A commitment with its lines.
#[derive(Clone, Debug)]
pub struct Commitment {
    /// What was agreed.
    pub terms: Terms,
    /// Line of the purchase.
    pub(super) purchase: u32,
    /// Line of the unused part.
    pub(super) unused: u32,
}

impl Commitment {
    /// Days for which a purchase on `day` pays; `None` where nothing is bought that day.
    pub(super) fn bought_on(&self, day: Day, month: Month) -> Option<(Day, Day)> {
        let (from, to) = (self.terms.from, self.terms.to);
        if day < from || day >= to {
            return None;
        }
        match self.terms.payment {
            Payment::Daily => Some((day, Day(day.0 + 1))),
            Payment::Monthly => {
                let (start, end) = (month.start().day().max(from), month.next().start().day().min(to));
                (day == start).then_some((start, end))
            }
            Payment::Upfront => (day == from).then_some((from, to)),
        }
    }
}

/// All that a sample is made from.
#[derive(Debug)]
pub struct Catalog {
    /// Its months.
    pub timeline: Timeline,
    /// How many times each client's resources are there.
    pub scale: u32,
    /// The texts.
    pub lines: Lines,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Resources with CPUs.
    pub machines: Vec<Machine>,
    /// The commitments.
    pub commitments: Vec<Commitment>,
    pub(super) items: Vec<Item>,
    /// Credits and corrections by billing month.
    pub(super) extras: Vec<(Month, Plant, Charge)>,
    /// Accounts that are taxed, with the line of the tax.
    pub(super) taxed: Vec<(usize, u32)>,
    /// Books whose invoices are rounded to the cent, with the line of the rounding.
    pub(super) rounded: Vec<(&'static Book, u32)>,
    /// Invoice symbols by book, then by month from the oldest; the newest month has none.
    pub(super) invoices: Vec<Vec<u32>>,
    /// Book of each line, by place.
    pub(super) books: Vec<u8>,
}

impl Catalog {
    /// The stretch of an item on a day.
    pub(super) fn stretch(item: &Item, day: Day) -> Option<&Stretch> {
        item.stretches.iter().find(|stretch| stretch.from <= day && day < stretch.to)
    }
}
