//! The columns of each FOCUS version, and the value of a charge in each of them.

use super::super::line::{COST_SCALE, Charge, PRICE_SCALE};
use crate::model::{Day, Month, Number, Text};

/// Which columns a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// The 43 of FOCUS 1.0.
    Focus1_0,
    /// The 57 of FOCUS 1.2.
    Focus1_2,
    /// FOCUS 1.2 without the conditional columns that say nothing here: capacity reservations, pricing currency.
    Lean,
}

/// A time column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeColumn {
    /// First instant of the billing period.
    BillingPeriodStart,
    /// First instant after it.
    BillingPeriodEnd,
    /// First instant of the charge.
    ChargePeriodStart,
    /// First instant after it.
    ChargePeriodEnd,
}

impl TimeColumn {
    /// The day at whose midnight (UTC) the instant is.
    #[must_use]
    pub fn day(self, charge: &Charge, month: Month) -> Day {
        match self {
            Self::BillingPeriodStart => month.start().day(),
            Self::BillingPeriodEnd => month.next().start().day(),
            Self::ChargePeriodStart => charge.start,
            Self::ChargePeriodEnd => charge.end,
        }
    }
}

/// A column of an export file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Text.
    Text(Text),
    /// Decimal.
    Number(Number),
    /// Timestamp.
    Time(TimeColumn),
}

use Column::{Number as N, Text as T, Time as D};
use TimeColumn::{BillingPeriodEnd, BillingPeriodStart, ChargePeriodEnd, ChargePeriodStart};

/// The columns of FOCUS 1.0, in the order of their names (FOCUS 1.0, Columns).
const FOCUS_1_0: [Column; 43] = [
    T(Text::AvailabilityZone),
    N(Number::BilledCost),
    T(Text::BillingAccountId),
    T(Text::BillingAccountName),
    T(Text::BillingCurrency),
    D(BillingPeriodEnd),
    D(BillingPeriodStart),
    T(Text::ChargeCategory),
    T(Text::ChargeClass),
    T(Text::ChargeDescription),
    T(Text::ChargeFrequency),
    D(ChargePeriodEnd),
    D(ChargePeriodStart),
    T(Text::CommitmentDiscountCategory),
    T(Text::CommitmentDiscountId),
    T(Text::CommitmentDiscountName),
    T(Text::CommitmentDiscountStatus),
    T(Text::CommitmentDiscountType),
    N(Number::ConsumedQuantity),
    T(Text::ConsumedUnit),
    N(Number::ContractedCost),
    N(Number::ContractedUnitPrice),
    N(Number::EffectiveCost),
    T(Text::InvoiceIssuerName),
    N(Number::ListCost),
    N(Number::ListUnitPrice),
    T(Text::PricingCategory),
    N(Number::PricingQuantity),
    T(Text::PricingUnit),
    T(Text::ServiceProviderName),
    T(Text::PublisherName),
    T(Text::RegionId),
    T(Text::RegionName),
    T(Text::ResourceId),
    T(Text::ResourceName),
    T(Text::ResourceType),
    T(Text::ServiceCategory),
    T(Text::ServiceName),
    T(Text::SkuId),
    T(Text::SkuPriceId),
    T(Text::SubAccountId),
    T(Text::SubAccountName),
    T(Text::Tags),
];

/// What FOCUS 1.1 and 1.2 add and the sample has values for.
const ADDED_LEAN: [Column; 8] = [
    T(Text::BillingAccountType),
    N(Number::CommitmentDiscountQuantity),
    T(Text::CommitmentDiscountUnit),
    T(Text::InvoiceId),
    T(Text::ServiceSubcategory),
    T(Text::SkuMeter),
    T(Text::SkuPriceDetails),
    T(Text::SubAccountType),
];

/// The rest of what FOCUS 1.1 and 1.2 add.
const ADDED_REST: [Column; 6] = [
    T(Text::CapacityReservationId),
    T(Text::CapacityReservationStatus),
    T(Text::PricingCurrency),
    N(Number::PricingCurrencyContractedUnitPrice),
    N(Number::PricingCurrencyEffectiveCost),
    N(Number::PricingCurrencyListUnitPrice),
];

impl Columns {
    /// The columns, in the order in which they are written.
    #[must_use]
    pub fn list(self) -> Vec<Column> {
        let mut all = FOCUS_1_0.to_vec();
        if self != Self::Focus1_0 {
            all.extend(ADDED_LEAN);
        }
        if self == Self::Focus1_2 {
            all.extend(ADDED_REST);
        }
        all
    }
}

impl Column {
    /// Its name in FOCUS 1.0 to 1.2.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            // Called so since FOCUS 1.3.
            Self::Text(Text::ServiceProviderName) => "ProviderName",
            Self::Text(column) => column.name(),
            Self::Number(column) => column.name(),
            Self::Time(BillingPeriodStart) => "BillingPeriodStart",
            Self::Time(BillingPeriodEnd) => "BillingPeriodEnd",
            Self::Time(ChargePeriodStart) => "ChargePeriodStart",
            Self::Time(ChargePeriodEnd) => "ChargePeriodEnd",
        }
    }
}

/// The decimal places that a number is counted in.
pub(super) const fn scale(column: Number) -> u32 {
    match column {
        Number::ContractedUnitPrice
        | Number::ListUnitPrice
        | Number::PricingCurrencyContractedUnitPrice
        | Number::PricingCurrencyListUnitPrice => PRICE_SCALE,
        _ => COST_SCALE,
    }
}

/// The value of a charge, counted in 10^-[`scale`].
pub(super) fn number(charge: &Charge, column: Number) -> Option<i64> {
    match column {
        Number::BilledCost => Some(charge.billed),
        Number::EffectiveCost | Number::PricingCurrencyEffectiveCost => Some(charge.effective),
        Number::ContractedCost => Some(charge.contracted),
        Number::ListCost => Some(charge.list),
        Number::ConsumedQuantity => charge.quantity.filter(|_| charge.consumed),
        Number::PricingQuantity => charge.quantity,
        Number::ContractedUnitPrice | Number::PricingCurrencyContractedUnitPrice => charge.contracted_price,
        Number::ListUnitPrice | Number::PricingCurrencyListUnitPrice => charge.list_price,
        Number::CommitmentDiscountQuantity => charge.commitment,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_version_has_as_many_columns_as_the_standard_says() {
        for (columns, count) in [(Columns::Focus1_0, 43), (Columns::Focus1_2, 57), (Columns::Lean, 51)] {
            let names: BTreeSet<&str> = columns.list().into_iter().map(Column::name).collect();
            assert_eq!((names.len(), columns.list().len()), (count, count), "{columns:?}");
        }
    }
}
