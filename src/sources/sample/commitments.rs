//! Commitments of the sample: what was promised, for how long, how it is paid, and what it covers.
//! On each day the used and the unused part add up to what the day of the commitment costs.

use super::catalog::Billed;
use super::clouds::{self, Book, Region};
use super::meters::Kind;
use super::timeline::Timeline;
use crate::model::Day;

/// How a commitment is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Money an hour, 10^-6 of the currency; covered usage costs so many thousandths of the negotiated price.
    Spend {
        /// Money an hour.
        hourly: i64,
        /// Price of covered usage.
        rate_permille: i64,
    },
    /// Machines at any hour, each at an hourly rate of 10^-6 of the currency.
    Usage {
        /// How many machines.
        count: i64,
        /// Rate of one.
        rate: i64,
    },
}

/// How a commitment is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Each day for the day.
    Daily,
    /// On the first of each month for the whole month.
    Monthly,
    /// On the first day for the whole term.
    Upfront,
}

/// A commitment, before scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// CommitmentDiscountId.
    pub id: String,
    /// CommitmentDiscountName.
    pub name: &'static str,
    /// CommitmentDiscountType.
    pub kind: &'static str,
    /// ServiceName of the purchase and of the unused part.
    pub service: &'static str,
    /// ServiceCategory and ServiceSubcategory of these.
    pub class: (&'static str, &'static str),
    /// Who bills it.
    pub book: &'static Book,
    /// Region that it is bound to, if it is.
    pub region: Option<&'static Region>,
    /// Series or size that it is bound to.
    pub bound: Bound,
    /// First day.
    pub from: Day,
    /// Day after the last.
    pub to: Day,
    /// How much.
    pub measure: Measure,
    /// How it is paid.
    pub payment: Payment,
}

/// What usage a commitment covers, beside its book and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Virtual machines of production, but not of the legacy platform.
    NewProduction,
    /// Virtual machines of a series.
    Series(&'static str),
    /// Databases of a size.
    Database(&'static str),
    /// Virtual machines of a size.
    Machine(&'static str),
}

impl Terms {
    /// True for usage that the commitment covers during its term.
    pub(super) fn covers(&self, billed: &Billed<'_>, kind: Kind) -> bool {
        let bound = match (self.bound, kind) {
            (Bound::NewProduction, Kind::Machine(_) | Kind::Memory(_)) => billed.env == "prod" && !billed.legacy,
            (Bound::Series(series), Kind::Machine(size)) => size.series == series,
            (Bound::Database(name), Kind::Database(size)) | (Bound::Machine(name), Kind::Machine(size)) => {
                size.name == name
            }
            _ => false,
        };
        bound && billed.account.book == self.book && self.region.is_none_or(|region| region == billed.region)
    }

    /// "Spend" or "Usage", as FOCUS names it.
    #[must_use]
    pub const fn category(&self) -> &'static str {
        match self.measure {
            Measure::Spend { .. } => "Spend",
            Measure::Usage { .. } => "Usage",
        }
    }
}

/// The commitments of a timeline.
pub(super) fn all(timeline: &Timeline) -> Vec<Terms> {
    let first = timeline.first();
    let years = |day: Day, years: i32| Day(day.0 + 365 * years);
    const COMPUTE: (&str, &str) = ("Compute", "Virtual Machines");
    const DATABASES: (&str, &str) = ("Databases", "Relational Databases");
    let compute = Day(first.0 - 200);
    let series = Day(first.0 - 330);
    let databases = timeline.day(16, 1);
    let flexible = timeline.day(12, 1);
    let reservation = timeline.day(6, 1);
    vec![
        Terms {
            id: "arn:aws:savingsplans::004417723905:savingsplan/3f0c6a52-8a1e-4f0b-9c55-61a2d7e9b014".into(),
            name: "compute-3y",
            kind: "Savings Plan",
            service: "Savings Plans for AWS Compute usage",
            class: COMPUTE,
            book: &clouds::AWS,
            region: None,
            bound: Bound::NewProduction,
            from: compute,
            to: years(compute, 3),
            measure: Measure::Spend { hourly: 3_000_000, rate_permille: 720 },
            payment: Payment::Daily,
        },
        Terms {
            id: "arn:aws:savingsplans::004417723905:savingsplan/b7d1e0f4-2c94-4d43-8f6a-05c1b92e77aa".into(),
            name: "m4-tokyo-3y",
            kind: "Savings Plan",
            service: "Savings Plans for AWS Compute usage",
            class: COMPUTE,
            book: &clouds::AWS,
            region: Some(&clouds::AWS_TOKYO),
            bound: Bound::Series("m4"),
            from: series,
            to: years(series, 3),
            measure: Measure::Spend { hourly: 2_513_720, rate_permille: 640 },
            payment: Payment::Daily,
        },
        Terms {
            id: "arn:aws:rds:ap-southeast-1:004417723905:ri:ledger-databases-1".into(),
            name: "ledger-databases-1",
            kind: "Reserved",
            service: "Amazon Relational Database Service",
            class: DATABASES,
            book: &clouds::AWS,
            region: Some(&clouds::AWS_SINGAPORE),
            bound: Bound::Database("db.r6g.xlarge"),
            from: databases,
            to: years(databases, 1),
            measure: Measure::Usage { count: 2, rate: 371_250 },
            payment: Payment::Upfront,
        },
        Terms {
            id: "arn:aws:rds:ap-southeast-1:004417723905:ri:ledger-databases-2".into(),
            name: "ledger-databases-2",
            kind: "Reserved",
            service: "Amazon Relational Database Service",
            class: DATABASES,
            book: &clouds::AWS,
            region: Some(&clouds::AWS_SINGAPORE),
            bound: Bound::Database("db.r6g.xlarge"),
            from: years(databases, 1),
            to: years(databases, 2),
            measure: Measure::Usage { count: 3, rate: 371_250 },
            payment: Payment::Upfront,
        },
        Terms {
            id: "projects/corebank-shared/commitments/flexible-3y".into(),
            name: "flexible-3y",
            kind: "Committed Use Discount",
            service: "Compute Engine",
            class: COMPUTE,
            book: &clouds::GOOGLE,
            region: None,
            bound: Bound::NewProduction,
            from: flexible,
            to: years(flexible, 3),
            measure: Measure::Spend { hourly: 1_600_000, rate_permille: 720 },
            payment: Payment::Daily,
        },
        Terms {
            id: "/providers/microsoft.capacity/reservationorders/2d4a81c6-90be-4b0d-a3f7-1f6e0c58b9e2".into(),
            name: "nordhaven-d8s",
            kind: "Reservation",
            service: "Virtual Machines",
            class: COMPUTE,
            book: &clouds::AZURE_EUROPE,
            region: Some(&clouds::AZURE_WEST_EUROPE),
            bound: Bound::Machine("Standard_D8s_v5"),
            from: reservation,
            to: years(reservation, 1),
            measure: Measure::Usage { count: 4, rate: 262_800 },
            payment: Payment::Monthly,
        },
    ]
}
