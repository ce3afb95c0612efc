//! The canonical billing row: FOCUS columns by their FOCUS names (FOCUS 1.0 to 1.4, Cost and Usage).
//! Every billing format is read into these columns; what a vendor calls them stays in its source file.

macro_rules! columns {
    ($(#[$outer:meta])* $name:ident, $all:ident, [$($(#[$doc:meta])* $column:ident),+ $(,)?]) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $column),+ }

        /// All of them, in the order of their discriminants: `ALL[column as usize] == column`.
        pub const $all: &[$name] = &[$($name::$column),+];

        impl $name {
            /// The FOCUS name of the column.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$column => stringify!($column)),+ }
            }

            /// The column of a name, any case.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                $all.iter().copied().find(|column| column.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

columns!(
    /// Text columns. Identifiers are text always: an account `012345678901` keeps its zero.
    Text, ALL_TEXTS, [
        /// Provider-assigned zone inside a region.
        AvailabilityZone,
        /// Account that receives the invoice.
        BillingAccountId,
        /// Its display name.
        BillingAccountName,
        /// What kind of account it is (FOCUS 1.2).
        BillingAccountType,
        /// ISO 4217 currency of the cost columns.
        BillingCurrency,
        /// Capacity reservation of the row (FOCUS 1.1).
        CapacityReservationId,
        /// Used or Unused.
        CapacityReservationStatus,
        /// Usage, Purchase, Tax, Credit or Adjustment.
        ChargeCategory,
        /// Null, or Correction of an earlier, invoiced period.
        ChargeClass,
        /// What the provider says the charge is for.
        ChargeDescription,
        /// One-Time, Recurring or Usage-Based.
        ChargeFrequency,
        /// Spend or Usage.
        CommitmentDiscountCategory,
        /// Commitment that covers the row, or that the row buys.
        CommitmentDiscountId,
        /// Its display name.
        CommitmentDiscountName,
        /// Used or Unused.
        CommitmentDiscountStatus,
        /// Provider's own kind of commitment.
        CommitmentDiscountType,
        /// Unit of the commitment quantity.
        CommitmentDiscountUnit,
        /// Unit of the consumed quantity.
        ConsumedUnit,
        /// Whose resources a reseller or service runs on (FOCUS 1.3).
        HostProviderName,
        /// Invoice on which the row appears; null until it exists.
        InvoiceId,
        /// Who issues the invoice.
        InvoiceIssuerName,
        /// Standard, Dynamic, Committed or Other.
        PricingCategory,
        /// Currency or virtual unit of the price list (FOCUS 1.2).
        PricingCurrency,
        /// Unit of the pricing quantity.
        PricingUnit,
        /// Who made the service; deprecated in FOCUS 1.3, kept where a bill still has it.
        PublisherName,
        /// Region by its provider id.
        RegionId,
        /// Region by its display name.
        RegionName,
        /// Resource that was charged; null is a bucket of its own.
        ResourceId,
        /// Its display name.
        ResourceName,
        /// Its provider-defined type.
        ResourceType,
        /// FOCUS category of the service.
        ServiceCategory,
        /// Provider's name of the service.
        ServiceName,
        /// Who sells the service: `ServiceProviderName` of FOCUS 1.3, `ProviderName` before.
        ServiceProviderName,
        /// FOCUS subcategory (1.1).
        ServiceSubcategory,
        /// Stock keeping unit.
        SkuId,
        /// Functionality that the SKU meters (1.1).
        SkuMeter,
        /// Properties of the price as JSON text (1.1).
        SkuPriceDetails,
        /// The price of the SKU that applied.
        SkuPriceId,
        /// Account, subscription or project.
        SubAccountId,
        /// Its display name.
        SubAccountName,
        /// What kind it is (1.2).
        SubAccountType,
        /// Tags as one flat JSON object with sorted keys; null where there are none.
        Tags,
        /// Client that the row belongs to, by the allocation rules; null is "not allocated".
        Client,
        /// Market of the row's region, by the allocation rules.
        Market,
    ]
);

columns!(
    /// Decimal columns.
    Number, ALL_NUMBERS, [
        /// Invoice basis.
        BilledCost,
        /// Amortised cost after all discounts.
        EffectiveCost,
        /// Negotiated price times pricing quantity, before commitments.
        ContractedCost,
        /// Public price times pricing quantity.
        ListCost,
        /// How much was consumed, in ConsumedUnit.
        ConsumedQuantity,
        /// How much was priced, in PricingUnit.
        PricingQuantity,
        /// Negotiated price of one pricing unit.
        ContractedUnitPrice,
        /// Public price of one pricing unit.
        ListUnitPrice,
        /// Amount of the commitment.
        CommitmentDiscountQuantity,
        /// Effective cost in the pricing currency (1.2).
        PricingCurrencyEffectiveCost,
        /// List price in the pricing currency (1.2).
        PricingCurrencyListUnitPrice,
        /// Contracted price in the pricing currency (1.2).
        PricingCurrencyContractedUnitPrice,
    ]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_place() {
        assert!(ALL_TEXTS.iter().enumerate().all(|(place, column)| *column as usize == place));
        assert!(ALL_NUMBERS.iter().enumerate().all(|(place, column)| *column as usize == place));
        assert_eq!(Text::named("servicename"), Some(Text::ServiceName));
        assert_eq!(Number::named("ListCost"), Some(Number::ListCost));
        assert_eq!(Text::named("ListCost"), None);
    }
}
