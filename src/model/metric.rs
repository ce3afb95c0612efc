//! What can be asked of billing rows: metrics to sum, dimensions to group and filter by.

use std::fmt;

use super::{ALL_TEXTS, Number, Text};

/// A quantity that a cost query sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Amortised cost after discounts: what use cost.
    EffectiveCost,
    /// Invoice basis: what is paid.
    BilledCost,
    /// Negotiated price, before commitments.
    ContractedCost,
    /// Public price.
    ListCost,
    /// Consumed quantity, in units that must not be mixed.
    ConsumedQuantity,
}

impl Metric {
    /// All metrics, the default first.
    pub const ALL: [Self; 5] =
        [Self::EffectiveCost, Self::BilledCost, Self::ContractedCost, Self::ListCost, Self::ConsumedQuantity];

    /// The column that is summed.
    #[must_use]
    pub const fn column(self) -> Number {
        match self {
            Self::EffectiveCost => Number::EffectiveCost,
            Self::BilledCost => Number::BilledCost,
            Self::ContractedCost => Number::ContractedCost,
            Self::ListCost => Number::ListCost,
            Self::ConsumedQuantity => Number::ConsumedQuantity,
        }
    }

    /// The FOCUS name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.column().name()
    }

    /// True where the sum is money in the billing currency.
    #[must_use]
    pub const fn is_money(self) -> bool {
        !matches!(self, Self::ConsumedQuantity)
    }
}

/// What rows can be grouped and filtered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// A text column of the canonical row.
    Column(Text),
    /// The value of one tag key, as read.
    Tag(Box<str>),
}

impl Dimension {
    /// Columns that hold structured text and so are no dimensions.
    const NOT_DIMENSIONS: [Text; 2] = [Text::Tags, Text::SkuPriceDetails];

    /// The dimension of a name: a FOCUS column (any version's name, any case), `Tags.<key>`, `Client` or `Market`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some((head, key)) = name.split_once('.') {
            return (head.eq_ignore_ascii_case("Tags") && !key.is_empty()).then(|| Self::Tag(key.into()));
        }
        if name.eq_ignore_ascii_case("ProviderName") {
            return Some(Self::Column(Text::ServiceProviderName));
        }
        Text::named(name).filter(|column| !Self::NOT_DIMENSIONS.contains(column)).map(Self::Column)
    }

    /// All column dimensions, by name.
    #[must_use]
    pub fn columns() -> Vec<Self> {
        let mut all: Vec<Text> =
            ALL_TEXTS.iter().copied().filter(|column| !Self::NOT_DIMENSIONS.contains(column)).collect();
        all.sort_by_key(|column| column.name());
        all.into_iter().map(Self::Column).collect()
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(column) => f.write_str(column.name()),
            Self::Tag(key) => write!(f, "Tags.{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_go_by_focus_names_of_every_version() {
        assert_eq!(Dimension::named("ServiceName"), Some(Dimension::Column(Text::ServiceName)));
        assert_eq!(Dimension::named("ProviderName"), Dimension::named("ServiceProviderName"));
        assert_eq!(Dimension::named("Tags.env.name").map(|d| d.to_string()), Some("Tags.env.name".into()));
        assert_eq!(Dimension::named("Tags"), None);
        assert_eq!(Dimension::named("Tags."), None);
        assert_eq!(Dimension::named("BilledCost"), None);
    }
}
