//! What is in the sample on purpose: who, what and when. The catalogue asks here while it builds the resources.
//! Dates hang on the newest month, so that every thing is found in any sample.

use super::clouds::{self, Book, Cloud, Region, Tier};
use super::meters::Kind;
use super::timeline::Timeline;
use crate::model::Day;

/// A kind of planted thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plant {
    /// A machine that does nothing.
    Idle,
    /// A machine that is larger than its load asks for.
    Oversized,
    /// A development machine that no longer stops at night.
    Forgotten,
    /// Three days of much more traffic.
    Spike,
    /// A level that moves up and stays.
    Step,
    /// A price that the provider raises.
    PriceChange,
    /// A machine that is made smaller.
    Resize,
    /// A platform that moves to another region.
    RegionMove,
    /// A tag key that is spelt another way.
    EnvKey,
    /// Resources without an owner.
    NoOwner,
    /// An owner that is misspelt.
    MisspeltOwner,
    /// A client's resource without its client tag.
    NoClient,
    /// A legacy platform that shrinks while the new one grows.
    Migration,
    /// A client that starts inside the sample.
    GoLive,
    /// Machines that run in office hours only.
    OfficeHours,
    /// What all clients share; no client tag.
    Shared,
    /// The part of the bill in another currency.
    SecondCurrency,
    /// A commitment: bought, used, left over.
    Commitment,
    /// Money given back for a migration.
    Credit,
    /// Goods and services tax.
    Tax,
    /// A correction of an earlier month, billed later.
    Refund,
    /// What the provider rounds on its invoice.
    Rounding,
    /// A month whose first delivery was short.
    Restated,
}

/// What the catalogue knows of a resource when it asks whether something is planted in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who<'a> {
    pub(super) client: &'a str,
    pub(super) env: &'a str,
    pub(super) role: &'a str,
    /// Number of the node in its role, from 0.
    pub(super) node: usize,
}

impl Who<'_> {
    fn is(&self, client: &str, role: &str, node: usize) -> bool {
        self.client == client && self.role == role && self.node == node
    }
}

/// True for machines that do nothing.
pub(super) fn is_idle(who: &Who<'_>) -> bool {
    who.is("lantern-quay", "payments", 2)
        || who.is("asagiri", "ledger-test", 0)
        || who.is("sonamu", "reporting", 0)
        || who.is("aldermark", "channels", 1)
}

/// The tier of a machine that is oversized, in place of the one that its role asks for.
pub(super) fn oversized(who: &Who<'_>) -> Option<Tier> {
    match () {
        () if who.is("raintree", "ledger", 0) || who.is("vallombra", "ledger", 0) => Some(Tier::Huge),
        () if who.is("kapok-trust", "reporting", 0) => Some(Tier::Huge),
        () if who.is("song-xanh", "payments", 0) => Some(Tier::Large),
        () => None,
    }
}

/// The day from which a machine runs in another size, and the tier that it has before.
pub(super) fn resize(timeline: &Timeline, who: &Who<'_>) -> Option<(Day, Tier)> {
    who.is("hoshikawa", "ledger", 0).then(|| (timeline.day(4, 15), Tier::Huge))
}

/// The day from which a development machine runs day and night.
pub(super) fn forgotten(timeline: &Timeline, who: &Who<'_>) -> Option<Day> {
    who.is("nordhaven", "dev", 0).then(|| timeline.day(2, 5))
}

/// The move of a client's platform: where it was, the first day in the new region, and the day after the last in the old.
pub(super) fn region_move(timeline: &Timeline, client: &str) -> Option<(&'static Region, &'static Region, Day, Day)> {
    (client == "aldermark")
        .then(|| (&clouds::AWS_IRELAND, &clouds::AWS_FRANKFURT, timeline.day(7, 8), timeline.day(7, 11)))
}

/// More usage than usual: from, to, and how much in thousandths of the usual.
pub(super) fn surge(timeline: &Timeline, who: &Who<'_>) -> Option<(Plant, Day, Day, i64)> {
    match () {
        () if who.is("lantern-quay", "egress", 0) => {
            Some((Plant::Spike, timeline.day(1, 12), timeline.day(1, 15), 25_000))
        }
        () if who.is("sonamu", "logs", 0) => Some((Plant::Step, timeline.day(3, 10), Day(i32::MAX), 2_600)),
        () => None,
    }
}

/// The raise of a price: the day, and the new price in thousandths of the old.
pub(super) fn price_change(timeline: &Timeline, book: &Book, kind: Kind, region: &Region) -> Option<(Day, i64)> {
    let raised = book.cloud == Cloud::Aws && matches!(kind, Kind::Database(_)) && region == &clouds::AWS_TOKYO;
    raised.then(|| (timeline.day(5, 1), 1_080))
}

/// How tags go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drift {
    /// The key `env` is spelt so.
    EnvKey(&'static str),
    /// No `owner`.
    NoOwner,
    /// Another `owner`.
    Owner(&'static str),
    /// No `client`.
    NoClient,
}

impl Drift {
    pub(super) const fn plant(self) -> Plant {
        match self {
            Self::EnvKey(_) => Plant::EnvKey,
            Self::NoOwner => Plant::NoOwner,
            Self::Owner(_) => Plant::MisspeltOwner,
            Self::NoClient => Plant::NoClient,
        }
    }
}

/// The day from which a resource's tags are wrong, and how.
pub(super) fn drift(timeline: &Timeline, who: &Who<'_>) -> Option<(Day, Drift)> {
    let production = who.env == "prod";
    match who.client {
        "byeolbit" if !production => Some((timeline.day(6, 1), Drift::EnvKey("Env"))),
        "sonamu" if !production => Some((timeline.first(), Drift::EnvKey("environment"))),
        "raintree" if !production => Some((timeline.day(8, 1), Drift::NoOwner)),
        "asagiri" if who.role == "reporting" => Some((timeline.day(4, 20), Drift::Owner("prya.menon"))),
        "kapok-trust" if who.role == "documents" => Some((timeline.first(), Drift::NoClient)),
        _ => None,
    }
}

/// Credits: months back, and the amount in cents. Given on the 20th to the shared AWS account.
pub(super) const CREDITS: [(i32, i64); 6] =
    [(13, -180_000), (12, -180_000), (11, -180_000), (10, -120_000), (9, -120_000), (8, -60_000)];

/// The correction: billed so many months back, for so many days of the month before, each so much (10^-10 USD).
pub(super) const REFUND: (i32, i32, i64) = (4, 6, -413_371_900_000);

/// The month that was delivered twice, in months back, and the first day that its first delivery lacks.
pub(super) const RESTATED: (i32, i32) = (2, 26);

/// Whose rows the first delivery lacks.
pub(super) const RESTATED_CLOUD: Cloud = Cloud::Google;
