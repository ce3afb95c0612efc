//! What each dimension means, in a line for the person who picks it: the FOCUS meaning where it is a FOCUS column.

use crate::model::{Dimension, Text};

/// One line on what the dimension means (FOCUS 1.0 to 1.4, column descriptions in own words).
pub(super) fn meaning(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Tag(key) => format!("Value of the tag {key}"),
        Dimension::Column(column) => column_meaning(*column).to_owned(),
    }
}

const fn column_meaning(column: Text) -> &'static str {
    match column {
        Text::AvailabilityZone => "Zone inside a region, as the provider names it",
        Text::BillingAccountId => "Account that receives the invoice",
        Text::BillingAccountName => "Name of the account that receives the invoice",
        Text::BillingAccountType => "Kind of the account that receives the invoice",
        Text::BillingCurrency => "Currency of the cost, ISO 4217",
        Text::CapacityReservationId => "Capacity reservation that the charge belongs to",
        Text::CapacityReservationStatus => "Whether reserved capacity was used",
        Text::ChargeCategory => "Usage, Purchase, Tax, Credit or Adjustment",
        Text::ChargeClass => "Correction, where the charge corrects an earlier invoice; else empty",
        Text::ChargeDescription => "What the charge is for, in the provider's words",
        Text::ChargeFrequency => "One-Time, Recurring or Usage-Based",
        Text::CommitmentDiscountCategory => "Whether the commitment is on usage or on spend",
        Text::CommitmentDiscountId => "Commitment that covers the charge",
        Text::CommitmentDiscountName => "Name of the commitment that covers the charge",
        Text::CommitmentDiscountStatus => "Whether the commitment was used",
        Text::CommitmentDiscountType => "Kind of commitment, as the provider names it",
        Text::CommitmentDiscountUnit => "Unit of the commitment's quantity",
        Text::ConsumedUnit => "Unit of what was consumed",
        Text::HostProviderName => "Provider whose resources the service runs on",
        Text::InvoiceId => "Invoice that the charge is on; empty until there is one",
        Text::InvoiceIssuerName => "Who issues the invoice",
        Text::PricingCategory => "Standard, Dynamic, Committed or Other",
        Text::PricingCurrency => "Currency of the price list",
        Text::PricingUnit => "Unit that the price is for",
        Text::PublisherName => "Who made the service",
        Text::RegionId => "Region, as the provider identifies it",
        Text::RegionName => "Region, as the provider names it",
        Text::ResourceId => "Resource that was charged",
        Text::ResourceName => "Name of the resource",
        Text::ResourceType => "Kind of the resource",
        Text::ServiceCategory => "Group of services by function, e.g. Compute or Storage",
        Text::ServiceName => "Service, as the provider names it",
        Text::ServiceProviderName => "Provider that sells the service (ProviderName before FOCUS 1.3)",
        Text::ServiceSubcategory => "Finer group of services by function",
        Text::SkuId => "Stock keeping unit that was sold",
        Text::SkuMeter => "What the SKU meters",
        Text::SkuPriceDetails => "Properties of the price, as JSON",
        Text::SkuPriceId => "Price of the SKU that applied",
        Text::SubAccountId => "Account, subscription or project",
        Text::SubAccountName => "Name of the account, subscription or project",
        Text::SubAccountType => "Kind of the account, subscription or project",
        Text::Tags => "All tags, as JSON",
        Text::Client => "Client that the charge belongs to, by the allocation rules; empty where none applies",
        Text::Market => "Market of the region, by the allocation rules",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_has_a_meaning_of_its_own() {
        let mut all: Vec<String> = Dimension::columns().iter().map(meaning).collect();
        all.push(meaning(&Dimension::Tag("env".into())));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|text| text.len() < 100 && !text.ends_with('.')));
    }
}
