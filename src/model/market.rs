//! Region to market: which regions of the providers lie in the Asia-Pacific market and which in others.
//! Rules follow the providers' public region lists; a datasource's `allocation.markets` goes before them.

/// Market of rows without a region.
pub const NO_REGION: &str = "No region";
/// Market of regions that no rule knows.
pub const UNKNOWN_MARKET: &str = "Other";

/// The built-in market of a region id, by provider spelling: `APAC`, `China`, `Europe`, `Americas`, `Middle East and
/// Africa`, [`NO_REGION`] for none or `global`, else [`UNKNOWN_MARKET`]. China is a market of its own.
#[must_use]
pub fn builtin_market(region: Option<&str>) -> &'static str {
    let Some(region) = region.map(str::trim).filter(|r| !r.is_empty() && !r.eq_ignore_ascii_case("global")) else {
        return NO_REGION;
    };
    let folded: String = region.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    let prefixes: &[(&str, &str)] = &[
        ("cn-", "China"),
        ("china", "China"),
        ("ap-", "APAC"),
        ("asia", "APAC"),
        ("australia", "APAC"),
        ("eastasia", "APAC"),
        ("southeastasia", "APAC"),
        ("singapore", "APAC"),
        ("japan", "APAC"),
        ("korea", "APAC"),
        ("indonesia", "APAC"),
        ("malaysia", "APAC"),
        ("newzealand", "APAC"),
        ("taiwan", "APAC"),
        ("centralindia", "APAC"),
        ("southindia", "APAC"),
        ("westindia", "APAC"),
        ("jioindia", "APAC"),
        ("indiasouth", "APAC"),
        ("eu-", "Europe"),
        ("europe", "Europe"),
        ("northeurope", "Europe"),
        ("westeurope", "Europe"),
        ("uk", "Europe"),
        ("france", "Europe"),
        ("germany", "Europe"),
        ("switzerland", "Europe"),
        ("norway", "Europe"),
        ("sweden", "Europe"),
        ("italy", "Europe"),
        ("poland", "Europe"),
        ("spain", "Europe"),
        ("austria", "Europe"),
        ("belgium", "Europe"),
        ("denmark", "Europe"),
        ("finland", "Europe"),
        ("us-", "Americas"),
        ("ca-", "Americas"),
        ("sa-", "Americas"),
        ("mx-", "Americas"),
        ("northamerica", "Americas"),
        ("southamerica", "Americas"),
        ("centralus", "Americas"),
        ("eastus", "Americas"),
        ("westus", "Americas"),
        ("northcentralus", "Americas"),
        ("southcentralus", "Americas"),
        ("westcentralus", "Americas"),
        ("canada", "Americas"),
        ("brazil", "Americas"),
        ("mexico", "Americas"),
        ("chile", "Americas"),
        ("usgov", "Americas"),
        ("me-", "Middle East and Africa"),
        ("af-", "Middle East and Africa"),
        ("il-", "Middle East and Africa"),
        ("africa", "Middle East and Africa"),
        ("uae", "Middle East and Africa"),
        ("qatar", "Middle East and Africa"),
        ("israel", "Middle East and Africa"),
        ("southafrica", "Middle East and Africa"),
    ];
    prefixes.iter().find(|(prefix, _)| folded.starts_with(prefix)).map_or(UNKNOWN_MARKET, |(_, market)| market)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_three_providers_have_their_market() {
        for (region, market) in [
            ("ap-southeast-1", "APAC"),
            ("asia-northeast3", "APAC"),
            ("Japan East", "APAC"),
            ("koreacentral", "APAC"),
            ("cn-north-1", "China"),
            ("chinaeast2", "China"),
            ("eu-central-1", "Europe"),
            ("westeurope", "Europe"),
            ("us-west-2", "Americas"),
            ("eastus2", "Americas"),
            ("me-central-1", "Middle East and Africa"),
            ("global", NO_REGION),
            ("", NO_REGION),
            ("mars-1", UNKNOWN_MARKET),
        ] {
            assert_eq!(builtin_market(Some(region)), market, "{region}");
        }
        assert_eq!(builtin_market(None), NO_REGION);
    }
}
