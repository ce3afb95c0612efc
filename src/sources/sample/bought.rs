//! Writes down the commitments: the line of their purchases and the line of what is left unused.

use super::build::Builder;
use super::catalog::Commitment;
use super::clouds::Book;
use super::commitments::{self, Measure, Payment};
use crate::model::Text;

impl Builder {
    /// Adds the commitments, bought by the given account of their book.
    pub(super) fn commitments(&mut self, buyer: impl Fn(&Book) -> usize) {
        for terms in commitments::all(&self.catalog.timeline) {
            let account = buyer(terms.book);
            let unit = match terms.measure {
                Measure::Spend { .. } => terms.book.currency,
                Measure::Usage { .. } => "Hours",
            };
            let (sku, frequency) = match terms.payment {
                Payment::Upfront => ("all-upfront", "One-Time"),
                Payment::Daily | Payment::Monthly => ("no-upfront", "Recurring"),
            };
            let id = terms.id.clone();
            let mut columns = vec![
                (Text::ServiceName, terms.service),
                (Text::ServiceCategory, terms.class.0),
                (Text::ServiceSubcategory, terms.class.1),
                (Text::ResourceId, id.as_str()),
                (Text::ResourceName, terms.name),
                (Text::ResourceType, terms.kind),
                (Text::CommitmentDiscountId, id.as_str()),
                (Text::CommitmentDiscountName, terms.name),
                (Text::CommitmentDiscountType, terms.kind),
                (Text::CommitmentDiscountCategory, terms.category()),
                (Text::CommitmentDiscountUnit, unit),
                (Text::SkuId, terms.name),
                (Text::SkuPriceId, sku),
            ];
            if let Some(region) = terms.region {
                columns.extend([(Text::RegionId, region.id), (Text::RegionName, region.name)]);
            }
            let mut purchase = columns.clone();
            let bought = format!("{} {}: {frequency} fee", terms.kind, terms.name);
            purchase.extend([
                (Text::ChargeCategory, "Purchase"),
                (Text::ChargeFrequency, frequency),
                (Text::PricingCategory, "Standard"),
                (Text::PricingUnit, "Hours"),
                (Text::ChargeDescription, bought.as_str()),
            ]);
            let left = format!("{} {}: unused", terms.kind, terms.name);
            let mut unused = columns;
            unused.extend([
                (Text::ChargeCategory, "Usage"),
                (Text::ChargeFrequency, "Usage-Based"),
                (Text::PricingCategory, "Committed"),
                (Text::CommitmentDiscountStatus, "Unused"),
                (Text::PricingUnit, unit),
                (Text::ChargeDescription, left.as_str()),
            ]);
            let (purchase, unused) = (self.add_line(account, &purchase), self.add_line(account, &unused));
            self.catalog.commitments.push(Commitment { terms, purchase, unused });
        }
    }
}
