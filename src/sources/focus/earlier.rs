//! What earlier versions and single providers had in other places, moved to where FOCUS 1.4 has it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::columns::{Columns, Place};
use crate::model::{Amount, Coded, Number, Rows, Text};
use crate::sources::normal::marks::Marks;
use crate::sources::normal::tags;

/// Keys of SkuPriceDetails that FOCUS defines (1.1); others carry `x_`.
const DETAIL_KEYS: [&str; 13] = [
    "CoreCount",
    "DiskMaxIops",
    "DiskSpace",
    "DiskType",
    "GpuCount",
    "InstanceType",
    "InstanceSeries",
    "MemorySize",
    "NetworkMaxIops",
    "NetworkMaxThroughput",
    "OperatingSystem",
    "Redundancy",
    "StorageClass",
];

/// Columns that have no place of their own any more.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// ChargeSubcategory of 1.0-preview.
    pub(super) subcategory: Option<Coded>,
    /// AWS cost categories, as flat tags.
    pub(super) cost_categories: Option<Coded>,
}

impl Parts {
    /// Moves everything to its place.
    pub(super) fn apply(self, columns: &Columns, rows: &mut Rows, marks: &mut Marks<'_>) {
        if let Some(subcategory) = self.subcategory {
            split_subcategory(&subcategory, columns, rows);
        }
        if let Some(categories) = self.cost_categories {
            rows.set_text(Text::Tags, tags::merged(rows.text(Text::Tags), &categories, "Tags", marks));
        }
        if columns.usage_names {
            consumed_on_usage_only(rows);
        }
        if columns.azure_details {
            rows.set_text(Text::SkuPriceDetails, rows.text(Text::SkuPriceDetails).map(|text| Some(own_keys(text))));
        }
        if columns.provider_is_host {
            rows.set_text(Text::HostProviderName, rows.text(Text::ServiceProviderName).clone());
        }
        zero_is_missing(rows, marks);
    }
}

/// `Used Commitment` and `Unused Commitment` are the status, `Refund` a correction, `Credit` a category today.
fn split_subcategory(subcategory: &Coded, columns: &Columns, rows: &mut Rows) {
    let has = |column: Text| columns.at(Place::Text(column)).is_some();
    let named = |text: &str, word: &str| text.to_ascii_lowercase().starts_with(word);
    if !has(Text::CommitmentDiscountStatus) {
        let status = subcategory.map(|text| {
            let used = if named(text, "used") { Some("Used") } else { None };
            used.or_else(|| named(text, "unused").then_some("Unused")).map(Into::into)
        });
        rows.set_text(Text::CommitmentDiscountStatus, status);
    }
    if !has(Text::ChargeClass) {
        rows.set_text(Text::ChargeClass, subcategory.map(|text| named(text, "refund").then(|| "Correction".into())));
    }
    let category = rows.text(Text::ChargeCategory).clone();
    let moved = (0..rows.len()).map(|row| {
        let credit = subcategory.get(row).is_some_and(|text| named(text, "credit"));
        if credit { Some("Credit") } else { category.get(row) }
    });
    rows.set_text(Text::ChargeCategory, Coded::from_texts(moved));
}

/// The usage columns of 1.0-preview were filled for purchases and taxes too; consumption is of usage alone.
fn consumed_on_usage_only(rows: &mut Rows) {
    let category = rows.text(Text::ChargeCategory);
    let usage: Vec<bool> = (0..rows.len()).map(|row| category.get(row) == Some("Usage")).collect();
    let quantity = rows.number(Number::ConsumedQuantity).iter().zip(&usage);
    let quantity = quantity.map(|(value, usage)| value.filter(|_value| *usage)).collect();
    let unit = rows.text(Text::ConsumedUnit);
    let unit = Coded::from_texts(usage.iter().enumerate().map(|(row, usage)| unit.get(row).filter(|_unit| *usage)));
    rows.set_number(Number::ConsumedQuantity, quantity);
    rows.set_text(Text::ConsumedUnit, unit);
}

/// Azure's details with its own keys marked as such; text that is no object stays as read.
fn own_keys(text: &str) -> Box<str> {
    let Ok(details) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else { return text.into() };
    let marked: BTreeMap<String, &RawValue> = details
        .into_iter()
        .map(|(key, value)| {
            let known = DETAIL_KEYS.contains(&key.as_str()) || key.starts_with("x_");
            (if known { key } else { format!("x_{key}") }, value)
        })
        .collect();
    serde_json::to_string(&marked).map_or_else(|_json| text.into(), Into::into)
}

/// Azure writes 0 for a list or contracted cost it does not know (microsoft/finops-toolkit#874): where the effective
/// cost is above zero, such a 0 is a missing price, and missing is not zero.
fn zero_is_missing(rows: &mut Rows, marks: &mut Marks<'_>) {
    let provider = rows.text(Text::ServiceProviderName);
    let azure: Vec<bool> = (0..rows.len())
        .map(|row| provider.get(row).is_some_and(|name| name.eq_ignore_ascii_case("Microsoft")))
        .collect();
    for cost in [Number::ListCost, Number::ContractedCost] {
        let effective = rows.number(Number::EffectiveCost);
        let missing: Vec<usize> = (0..rows.len())
            .filter(|row| {
                let charged = effective.get(*row).copied().flatten().is_some_and(|cost| cost > Amount::ZERO);
                charged && azure[*row] && rows.number(cost).get(*row).copied().flatten() == Some(Amount::ZERO)
            })
            .collect();
        if !missing.is_empty() {
            let mut values = rows.number(cost).to_vec();
            missing.iter().for_each(|row| values[*row] = None);
            rows.set_number(cost, values);
            marks.repaired("zero-means-missing", cost.name(), missing, |_row| "0");
        }
    }
}
