//! From the header of a FOCUS file to canonical columns: names in any spelling, the names that earlier versions and
//! providers had, and the version that the columns tell. Column names are facts of FOCUS 0.5 to 1.4.

use std::collections::BTreeMap;

use crate::model::{ALL_NUMBERS, ALL_TEXTS, Number, Text};
use crate::sources::recognize::{Likeness, fold};

/// A canonical place for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// ChargePeriodStart, ChargePeriodEnd, BillingPeriodStart, BillingPeriodEnd, as 0 to 3.
    Time(usize),
    /// A text column.
    Text(Text),
    /// A decimal column.
    Number(Number),
    /// ChargeSubcategory of FOCUS 1.0-preview.
    ChargeSubcategory,
    /// `x_CostCategories` of AWS, which become tags.
    CostCategories,
}

/// Names of the time columns, in the order of [`Place::Time`].
pub(super) const TIMES: [&str; 4] = ["ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"];

/// Without these no row can be made.
const NEEDED: [&str; 3] = ["BilledCost", "ChargePeriodStart", "ChargePeriodEnd"];

/// From this many FOCUS columns on, a file without a needed one is a FOCUS file that lacks it.
const LIKENESS: usize = 5;

/// Names of other versions and of providers, folded, and their successors. The new name wins where a file has both.
/// FOCUS 0.5 to 1.4; Azure 1.0 and 1.2-preview, AWS 1.0 and 1.2, OCI for the `x_` and the short ones.
const RENAMED: &[(&str, Place)] = &[
    ("amortizedcost", Place::Number(Number::EffectiveCost)),
    ("chargetype", Place::Text(Text::ChargeCategory)),
    ("chargesubcategory", Place::ChargeSubcategory),
    ("region", Place::Text(Text::RegionId)),
    ("usagequantity", Place::Number(Number::ConsumedQuantity)),
    ("usageunit", Place::Text(Text::ConsumedUnit)),
    ("providername", Place::Text(Text::ServiceProviderName)),
    ("provider", Place::Text(Text::ServiceProviderName)),
    ("publisher", Place::Text(Text::PublisherName)),
    ("invoiceissuer", Place::Text(Text::InvoiceIssuerName)),
    ("xinvoiceid", Place::Text(Text::InvoiceId)),
    ("xpricingcurrency", Place::Text(Text::PricingCurrency)),
    ("xskumetername", Place::Text(Text::SkuMeter)),
    ("xskudetails", Place::Text(Text::SkuPriceDetails)),
    ("xusagetype", Place::Text(Text::SkuMeter)),
    ("xcostcategories", Place::CostCategories),
];

/// What each version brought, newest first: a file that has one of these columns is at least of that version.
/// Never by BillingAccountType or SubAccountType: Azure had both in 1.0-preview.
const BROUGHT: &[(&str, &[&str])] = &[
    ("1.2", &["invoiceid", "pricingcurrency", "pricingcurrencyeffectivecost"]),
    (
        "1.1",
        &[
            "skumeter",
            "skupricedetails",
            "capacityreservationid",
            "commitmentdiscountquantity",
            "commitmentdiscountunit",
            "servicesubcategory",
        ],
    ),
    ("1.0", &["contractedcost", "chargeclass", "consumedquantity", "commitmentdiscountstatus", "regionid"]),
    ("0.5", &["amortizedcost"]),
];

/// Tells whether a header is FOCUS.
pub(in crate::sources) fn likeness(header: &[String]) -> Likeness {
    let places: Vec<Place> = header.iter().filter_map(|name| place(&fold(name)).map(|(place, _old)| place)).collect();
    let lacking: Vec<&'static str> = NEEDED
        .into_iter()
        .filter(|name| place(&fold(name)).is_none_or(|(needed, _old)| !places.contains(&needed)))
        .collect();
    match lacking.len() {
        0 => Likeness::Full,
        lack if lack < NEEDED.len() && places.len() >= LIKENESS => Likeness::Lacking(lacking),
        _ => Likeness::None,
    }
}

/// The place of a folded name, and whether the name is an old one.
fn place(folded: &str) -> Option<(Place, bool)> {
    if let Some(time) = TIMES.iter().position(|name| fold(name) == folded) {
        return Some((Place::Time(time), false));
    }
    if let Some(number) = ALL_NUMBERS.iter().find(|number| fold(number.name()) == folded) {
        return Some((Place::Number(*number), false));
    }
    let mut texts = ALL_TEXTS.iter().filter(|text| !matches!(text, Text::Client | Text::Market));
    if let Some(text) = texts.find(|text| fold(text.name()) == folded) {
        return Some((Place::Text(*text), false));
    }
    RENAMED.iter().find(|(old, _place)| *old == folded).map(|(_old, place)| (*place, true))
}

/// Where each column of a file goes.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Column of the file for each place.
    pub(super) places: BTreeMap<Place, usize>,
    /// Columns that hold one tag each, with its key.
    pub(super) tags: Vec<(String, usize)>,
    /// Old names that were read as new ones: `ProviderName to ServiceProviderName`.
    pub(super) renamed: Vec<String>,
    /// Columns without a place.
    pub(super) ignored: Vec<String>,
    /// Version that the columns tell.
    pub(super) version: &'static str,
    /// True where the consumed columns come from the usage columns of 1.0-preview, which other charges filled too.
    pub(super) usage_names: bool,
    /// True where ProviderName stands for both of its successors.
    pub(super) provider_is_host: bool,
    /// True where SkuPriceDetails came as Azure's `x_SkuDetails`, whose keys are not FOCUS's.
    pub(super) azure_details: bool,
}

impl Columns {
    /// Places every column of a header.
    ///
    /// # Errors
    /// The name that stands for two columns.
    pub(super) fn of(header: &[String]) -> Result<Self, String> {
        let mut columns = Self { version: version(header), ..Self::default() };
        let mut old_names = Vec::new();
        for (at, name) in header.iter().enumerate() {
            let folded = fold(name);
            match place(&folded) {
                _ if header[..at].contains(name) && !name.is_empty() => return Err(name.clone()),
                Some((place, false)) => {
                    if columns.places.insert(place, at).is_some() {
                        return Err(name.clone());
                    }
                }
                Some((place, true)) => old_names.push((place, at, name, folded)),
                None => match tag_key(name) {
                    Some(key) => columns.tags.push((key.to_owned(), at)),
                    None if name.is_empty() => {}
                    None => columns.ignored.push(name.clone()),
                },
            }
        }
        let mut extra = Vec::new();
        for (place, at, name, folded) in old_names {
            if columns.places.contains_key(&place) {
                columns.ignored.push(name.clone());
                continue;
            }
            columns.places.insert(place, at);
            columns.renamed.push(format!("{name} to {}", name_of(place)));
            columns.usage_names |= folded.starts_with("usage");
            columns.azure_details |= folded == "xskudetails";
            // OCI has one column for both.
            if folded == "region" && header.iter().any(|other| fold(other) == "provider") {
                extra.push((Place::Text(Text::RegionName), at));
            }
        }
        columns.provider_is_host = columns.renamed.iter().any(|name| name.ends_with(" to ServiceProviderName"))
            && columns.at(Place::Text(Text::HostProviderName)).is_none();
        for (place, at) in extra {
            columns.places.entry(place).or_insert(at);
        }
        Ok(columns)
    }

    /// Columns that FOCUS demands of this version and the file lacks.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'static str> {
        let contracted = !matches!(self.version, "0.5" | "1.0-preview");
        let demanded = [
            (Place::Text(Text::BillingCurrency), true),
            (Place::Number(Number::EffectiveCost), true),
            (Place::Number(Number::ListCost), self.version != "0.5"),
            (Place::Number(Number::ContractedCost), contracted),
            (Place::Text(Text::ChargeCategory), true),
        ];
        let lacks = demanded.into_iter().filter(|(place, demanded)| *demanded && !self.places.contains_key(place));
        lacks.map(|(place, _demanded)| name_of(place))
    }

    /// The file's column for a place.
    pub(super) fn at(&self, place: Place) -> Option<usize> {
        self.places.get(&place).copied()
    }
}

fn name_of(place: Place) -> &'static str {
    match place {
        Place::Time(time) => TIMES.get(time).copied().unwrap_or_default(),
        Place::Text(text) => text.name(),
        Place::Number(number) => number.name(),
        Place::ChargeSubcategory => "CommitmentDiscountStatus, ChargeClass and ChargeCategory",
        Place::CostCategories => "Tags",
    }
}

/// The key of a column that holds one tag: `tags/team`, `resourceTags/user:team`.
fn tag_key(name: &str) -> Option<&str> {
    let (prefix, key) = name.split_once('/')?;
    let is = prefix.eq_ignore_ascii_case("tags") || prefix.eq_ignore_ascii_case("resourceTags");
    (is && !key.is_empty()).then_some(key)
}

fn version(header: &[String]) -> &'static str {
    let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
    let has = |name: &str| folded.iter().any(|folded| folded == name);
    if has("serviceprovidername") {
        return if has("providername") { "1.3" } else { "1.4" };
    }
    let brought = BROUGHT.iter().find(|(_version, names)| names.iter().any(|name| has(name)));
    brought.map_or("1.0-preview", |(version, _names)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    fn check_version(names: &str, expected: &str) {
        assert_eq!(version(&header(names)), expected, "{names}");
    }

    #[test]
    fn the_columns_tell_the_version() {
        check_version("BilledCost ServiceProviderName InvoiceId", "1.4");
        check_version("BilledCost ServiceProviderName ProviderName", "1.3");
        check_version("BilledCost ProviderName InvoiceId ContractedCost", "1.2");
        check_version("BilledCost ProviderName PricingCurrency", "1.2");
        check_version("BilledCost ProviderName SkuMeter ContractedCost", "1.1");
        check_version("BilledCost ProviderName ContractedCost BillingAccountType SubAccountType", "1.0");
        check_version("BilledCost ListCost ChargeSubcategory BillingAccountType", "1.0-preview");
        check_version("BilledCost AmortizedCost ChargeType", "0.5");
        // Azure's 1.0 has these under its own prefix.
        check_version("BilledCost ContractedCost x_InvoiceId x_PricingCurrency x_SkuMeterName", "1.0");
    }

    #[test]
    fn names_fold_in_any_spelling() {
        for name in ["BilledCost", "billedCost", "billed_cost", "BILLED COST", "Abgerechnete Kosten (BilledCost)"] {
            assert_eq!(fold(name), "billedcost", "{name}");
        }
        assert_eq!(fold("Kosten ()"), "kosten");
    }

    #[test]
    fn new_names_win_over_old_ones() {
        let columns = Columns::of(&header("ProviderName x_InvoiceId InvoiceId ServiceProviderName Region")).unwrap();
        assert_eq!(columns.at(Place::Text(Text::ServiceProviderName)), Some(3));
        assert_eq!(columns.at(Place::Text(Text::InvoiceId)), Some(2));
        assert_eq!(columns.at(Place::Text(Text::RegionId)), Some(4));
        assert_eq!(columns.ignored, ["ProviderName", "x_InvoiceId"]);
        assert_eq!(columns.renamed, ["Region to RegionId"]);
    }

    #[test]
    fn a_name_for_two_columns_is_an_error() {
        assert_eq!(Columns::of(&header("BilledCost billed_cost")).err(), Some("billed_cost".into()));
        assert_eq!(Columns::of(&header("x_a x_b x_a")).err(), Some("x_a".into()));
    }

    #[test]
    fn a_header_that_is_almost_focus_says_what_it_lacks() {
        assert_eq!(likeness(&header("BilledCost ChargePeriodStart ChargePeriodEnd")), Likeness::Full);
        let most = "EffectiveCost ListCost ChargePeriodStart ChargePeriodEnd ServiceName RegionId";
        assert_eq!(likeness(&header(most)), Likeness::Lacking(vec!["BilledCost"]));
        assert_eq!(likeness(&header("date cost service")), Likeness::None);
        assert_eq!(likeness(&header("ServiceName RegionId SkuId Tags ResourceId ListCost")), Likeness::None);
    }

    #[test]
    fn tag_columns_keep_their_key() {
        let columns = Columns::of(&header("tags/ns.team resourceTags/user:env Tags")).unwrap();
        assert_eq!(columns.tags, [("ns.team".to_owned(), 0), ("user:env".to_owned(), 1)]);
    }
}
