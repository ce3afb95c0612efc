//! What is billed once in a while: tax, credits, a correction, roundings. Each in an account that all clients share.

use super::build::Builder;
use super::clouds::{self, Book};
use super::fleet::buyer;
use super::line::{COST_SCALE, Charge, amount};
use super::planted::{self, Plant};
use crate::model::{Day, Month, Text};

/// Adds all of it; `shared` names the shared account of each book.
pub(super) fn add(builder: &mut Builder, shared: &[(&'static Book, usize)]) {
    let aws = buyer(shared, &clouds::AWS);
    builder.tax(aws);
    builder.credits(aws);
    builder.refund(aws);
    builder.rounding(buyer(shared, &clouds::AZURE_EUROPE));
}

impl Builder {
    fn tax(&mut self, account: usize) {
        // Vendor and services are in Singapore there; what is for clients abroad is not taxed.
        let line = self.add_line(
            account,
            &[
                (Text::ChargeCategory, "Tax"),
                (Text::ChargeFrequency, "Recurring"),
                (Text::ChargeDescription, "GST of 9 % on the usage of the shared account"),
                (Text::ServiceName, "Tax"),
                (Text::ServiceCategory, "Other"),
                (Text::ServiceSubcategory, "Other (Other)"),
            ],
        );
        self.catalog.taxed.push((account, line));
    }

    /// Credits for the migration.
    fn credits(&mut self, aws: usize) {
        let timeline = self.catalog.timeline;
        let credit = self.add_line(
            aws,
            &[
                (Text::ChargeCategory, "Credit"),
                (Text::ChargeFrequency, "One-Time"),
                (Text::ChargeDescription, "AWS Migration Acceleration Program credit"),
                (Text::ServiceName, "Amazon Elastic Compute Cloud"),
                (Text::ServiceCategory, "Compute"),
                (Text::ServiceSubcategory, "Virtual Machines"),
            ],
        );
        for (back, cents) in planted::CREDITS {
            let day = timeline.day(back, 20);
            let charge = Charge::flat(credit, day, Day(day.0 + 1), cents * 100_000_000);
            self.extra(back, Plant::Credit, charge);
        }
    }

    /// A correction of the month before.
    fn refund(&mut self, aws: usize) {
        let timeline = self.catalog.timeline;
        let refund = self.add_line(
            aws,
            &[
                (Text::ChargeCategory, "Usage"),
                (Text::ChargeClass, "Correction"),
                (Text::ChargeFrequency, "One-Time"),
                (Text::ChargeDescription, "Correction of log ingestion counted twice in the month before"),
                (Text::ServiceName, "AmazonCloudWatch"),
                (Text::ServiceCategory, "Management and Governance"),
                (Text::ServiceSubcategory, "Observability"),
                (Text::RegionId, clouds::AWS_SINGAPORE.id),
                (Text::RegionName, clouds::AWS_SINGAPORE.name),
            ],
        );
        let (back, days, each) = planted::REFUND;
        for number in 0..days {
            let day = timeline.day(back + 1, 9 + number);
            self.extra(back, Plant::Refund, Charge::flat(refund, day, Day(day.0 + 1), each));
        }
    }

    /// Azure rounds each invoice to the cent in a row of its own; how much follows from the month's other rows.
    fn rounding(&mut self, account: usize) {
        let line = self.add_line(
            account,
            &[
                (Text::ChargeCategory, "Adjustment"),
                (Text::ChargeFrequency, "One-Time"),
                (Text::ChargeDescription, "Rounding of the invoice"),
                (Text::ServiceName, "Microsoft Invoice Rounding"),
                (Text::ServiceCategory, "Other"),
                (Text::ServiceSubcategory, "Other (Other)"),
            ],
        );
        self.catalog.rounded.push((self.catalog.accounts[account].book, line));
    }

    fn extra(&mut self, back: i32, plant: Plant, charge: Charge) {
        debug_assert!(amount(charge.billed, COST_SCALE).is_ok());
        self.catalog.extras.push((Month(self.catalog.timeline.newest.0 - back), plant, charge));
    }
}
