//! What "already seen" means: which deliveries of a listing must be read, which are gone. Pure.

use std::collections::BTreeSet;

use super::Rules;
use crate::model::Month;
use crate::sources::{Delivery, Listing};
use crate::store::Snapshot;

/// Raised whenever the same bytes would give other rows or sums than before, so that stores are read anew.
const READER_VERSION: u32 = 1;

/// What a refresh has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Deliveries to read, the newest month first, so that panels of today are served first.
    pub import: Vec<Work>,
    /// Keys that the source no longer has.
    pub remove: Vec<String>,
}

/// One delivery to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// What to read.
    pub delivery: Delivery,
    /// Version under which it is stored: the delivery's own, and the rules it is read by.
    pub version: String,
}

pub(super) fn plan(listing: &Listing, snapshot: &Snapshot, rules: &Rules) -> Plan {
    let rules_version = format!("{READER_VERSION}.{}", rules.version());
    let damaged: BTreeSet<String> = snapshot.damaged().into_iter().collect();
    let mut plan = Plan::default();
    let mut kept: BTreeSet<&str> = listing.failures.iter().map(|(key, _)| key.as_str()).collect();
    for delivery in &listing.deliveries {
        let before_since = rules.since.zip(delivery.month).is_some_and(|(since, month)| month < since);
        if before_since || !kept.insert(&delivery.key) {
            continue;
        }
        let version = format!("{}|{rules_version}", delivery.version);
        let held = snapshot.deliveries.iter().find(|record| record.key == delivery.key);
        if held.is_none_or(|record| record.version != version) || damaged.contains(&delivery.key) {
            plan.import.push(Work { delivery: delivery.clone(), version });
        }
    }
    let newest_first =
        |work: &Work| (std::cmp::Reverse(work.delivery.month.map(|Month(m)| m)), work.delivery.key.clone());
    plan.import.sort_by_key(newest_first);
    plan.remove = snapshot
        .deliveries
        .iter()
        .map(|record| record.key.clone())
        .filter(|key| !kept.contains(key.as_str()))
        .collect();
    plan
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sources::Error;
    use crate::store::DeliveryRecord;

    fn delivery(key: &str, version: &str, month: Option<&str>) -> Delivery {
        Delivery {
            key: key.into(),
            version: version.into(),
            month: month.and_then(Month::parse),
            complete: true,
            files: Vec::new(),
        }
    }

    fn held(key: &str, version: &str) -> Arc<DeliveryRecord> {
        let version = format!("{version}|{READER_VERSION}.{}", Rules::default().version());
        Arc::new(DeliveryRecord { key: key.into(), version, ..DeliveryRecord::default() })
    }

    fn check(listing: &[Delivery], store: &[Arc<DeliveryRecord>], rules: &Rules, import: &[&str], remove: &[&str]) {
        let listing = Listing { deliveries: listing.to_vec(), ..Listing::default() };
        let snapshot = Snapshot { deliveries: store.to_vec(), ..Snapshot::default() };
        let plan = plan(&listing, &snapshot, rules);
        let keys: Vec<&str> = plan.import.iter().map(|work| work.delivery.key.as_str()).collect();
        assert_eq!(
            (keys, plan.remove.iter().map(String::as_str).collect::<Vec<_>>()),
            (import.to_vec(), remove.to_vec())
        );
    }

    #[test]
    fn what_changed_is_read_and_what_is_gone_is_removed() {
        let rules = Rules::default();
        let one = delivery("a", "1", Some("2026-01"));
        let two = delivery("b", "1", Some("2026-02"));
        check(&[one.clone(), two.clone()], &[], &rules, &["b", "a"], &[]);
        check(&[one.clone(), two.clone()], &[held("a", "1"), held("b", "0")], &rules, &["b"], &[]);
        check(std::slice::from_ref(&one), &[held("a", "1"), held("b", "1")], &rules, &[], &["b"]);
    }

    #[test]
    fn other_rules_read_everything_anew() {
        let rules = Rules { promoted_tags: vec!["cost-center".into()], ..Rules::default() };
        check(&[delivery("a", "1", None)], &[held("a", "1")], &rules, &["a"], &[]);
    }

    #[test]
    fn months_before_since_are_left_out_and_removed() {
        let rules = Rules { since: Month::parse("2026-02"), ..Rules::default() };
        let listing = [delivery("a", "1", Some("2026-01")), delivery("b", "1", Some("2026-02"))];
        check(&listing, &[held("a", "1")], &rules, &["b"], &["a"]);
    }

    #[test]
    fn what_cannot_be_listed_keeps_its_older_version() {
        let listing = Listing {
            failures: vec![("a".into(), Error::Manifest { file: "m".into(), why: "cut".into() })],
            ..Listing::default()
        };
        let snapshot = Snapshot { deliveries: vec![held("a", "1")], ..Snapshot::default() };
        assert_eq!(plan(&listing, &snapshot, &Rules::default()), Plan::default());
    }
}
