//! Whose cost is it: the client and market of each row, and the tag keys that daily sums keep. Pure.

use std::collections::BTreeMap;

use crate::model::{Coded, Month, Rows, Text, builtin_market};

/// Tag keys that daily sums keep unless the settings name others.
const PROMOTED_TAGS: [&str; 4] = ["client", "env", "product", "team"];
/// Tag keys that name a row's client unless the settings name others.
const CLIENT_TAGS: [&str; 1] = ["client"];

/// How rows are given to clients and markets. A change of the rules reads the source anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Tag keys kept in daily sums.
    pub promoted_tags: Vec<String>,
    /// Tag keys that name the client, the first present one wins.
    pub client_tags: Vec<String>,
    /// Region id to market, before the built-in rules.
    pub markets: BTreeMap<String, String>,
    /// Billing months before this one are left out.
    pub since: Option<Month>,
}

impl Default for Rules {
    fn default() -> Self {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Self {
            promoted_tags: owned(&PROMOTED_TAGS),
            client_tags: owned(&CLIENT_TAGS),
            markets: BTreeMap::new(),
            since: None,
        }
    }
}

impl Rules {
    /// A short text that changes whenever the rules do.
    #[must_use]
    pub fn version(&self) -> String {
        let text = format!("{:?}", (&self.promoted_tags, &self.client_tags, &self.markets, self.since));
        blake3::hash(text.as_bytes()).to_hex().as_str().chars().take(16).collect()
    }

    /// Sets the columns `Client` and `Market`.
    pub(super) fn apply(&self, rows: &mut Rows) {
        let client = rows.text(Text::Tags).map(|tags| {
            let tags = parse_tags(tags);
            self.client_tags.iter().find_map(|key| tags.get(key.as_str()).filter(|value| !value.is_empty()).cloned())
        });
        rows.set_text(Text::Client, client);
        let regions = rows.text(Text::RegionId);
        let market = |region: Option<&str>| -> Box<str> {
            let own = region.and_then(|region| self.markets.get(region));
            own.map_or_else(|| builtin_market(region).into(), |own| own.as_str().into())
        };
        let none = market(None);
        let known: Vec<Box<str>> = regions.values.iter().map(|region| market(Some(region))).collect();
        let markets = Coded::from_texts(
            regions.codes.iter().map(|code| Some(known.get(*code as usize).unwrap_or(&none).as_ref())),
        );
        rows.set_text(Text::Market, markets);
    }
}

/// One tag's value in every row; null where the row lacks the key.
pub(super) fn tag_column(rows: &Rows, key: &str) -> Coded {
    rows.text(Text::Tags).map(|tags| parse_tags(tags).remove(key))
}

/// The flat tag object of a row, as the reader wrote it.
fn parse_tags(json: &str) -> BTreeMap<String, Box<str>> {
    serde_json::from_str::<BTreeMap<String, Box<str>>>(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Instant;

    fn rows(tags: &[Option<&str>], regions: &[Option<&str>]) -> Rows {
        let at = vec![Instant(0); tags.len()];
        let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
        rows.set_text(Text::Tags, Coded::from_texts(tags.iter().copied()));
        rows.set_text(Text::RegionId, Coded::from_texts(regions.iter().copied()));
        rows
    }

    fn column(rows: &Rows, column: Text) -> Vec<Option<&str>> {
        (0..rows.len()).map(|row| rows.text(column).get(row)).collect()
    }

    #[test]
    fn the_first_client_tag_with_a_value_wins() {
        let rules = Rules { client_tags: vec!["bank".into(), "client".into()], ..Rules::default() };
        let tags = [
            Some(r#"{"bank":"b1","client":"c1"}"#),
            Some(r#"{"bank":"","client":"c2"}"#),
            Some(r#"{"Client":"other case"}"#),
            None,
        ];
        let mut rows = rows(&tags, &[None; 4]);
        rules.apply(&mut rows);
        assert_eq!(column(&rows, Text::Client), [Some("b1"), Some("c2"), None, None]);
    }

    #[test]
    fn markets_go_by_own_rules_then_the_built_in_ones() {
        let rules = Rules { markets: [("ap-southeast-1".into(), "Singapore".into())].into(), ..Rules::default() };
        let mut rows = rows(&[None; 3], &[Some("ap-southeast-1"), Some("eu-central-1"), None]);
        rules.apply(&mut rows);
        assert_eq!(column(&rows, Text::Market), [Some("Singapore"), Some("Europe"), Some("No region")]);
    }

    #[test]
    fn every_rule_enters_the_version() {
        let base = Rules::default();
        let others = [
            Rules { promoted_tags: vec![], ..base.clone() },
            Rules { client_tags: vec!["x".into()], ..base.clone() },
            Rules { markets: [("r".into(), "m".into())].into(), ..base.clone() },
            Rules { since: Month::parse("2026-01"), ..base.clone() },
        ];
        assert!(others.iter().all(|other| other.version() != base.version()));
    }
}
