//! Tag keys that are in the data but not kept in daily sums: read from the newest bills, so that editors can offer them.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Stop;
use crate::model::{Dimension, Instant, Period, Text};
use crate::query::View;
use crate::store::{DeliveryRecord, Snapshot};

/// Most rows of one source that are looked at: the newest ones, which have the keys that are in use.
const MAX_ROWS: usize = 2_000_000;
/// Most keys on offer.
const MAX_KEYS: usize = 500;

/// Tag dimensions in the newest delivery of each source that are not in `known`. Best effort: what cannot be read is
/// left out.
pub(super) fn beyond(view: &View, known: &[(Dimension, bool)], stop: &Stop) -> Vec<(Dimension, bool)> {
    let known: BTreeSet<&Dimension> = known.iter().map(|(dimension, _)| dimension).collect();
    let mut found: BTreeSet<Box<str>> = BTreeSet::new();
    for source in &view.sources {
        let newest = |delivery: &&std::sync::Arc<DeliveryRecord>| {
            (delivery.months.iter().map(|month| month.month).max(), delivery.key.clone())
        };
        if let Some(delivery) = source.snapshot.deliveries.iter().max_by_key(newest) {
            collect(&source.snapshot, delivery, &mut found, stop);
        }
    }
    let tags = found.into_iter().map(Dimension::Tag).filter(|tag| !known.contains(tag));
    tags.take(MAX_KEYS).map(|tag| (tag, false)).collect()
}

fn collect(snapshot: &Snapshot, delivery: &DeliveryRecord, found: &mut BTreeSet<Box<str>>, stop: &Stop) {
    let always = Period { start: Instant(i64::MIN), end: Instant(i64::MAX) };
    let tags = Dimension::Column(Text::Tags);
    let Ok(tables) = snapshot.detail(delivery, always, std::slice::from_ref(&tags), &[]) else { return };
    let mut rows = 0;
    for table in tables {
        let Ok(table) = table else { return };
        if let Some(column) = table.dimensions.get(&tags) {
            for json in &column.values {
                let keys: BTreeMap<Box<str>, serde::de::IgnoredAny> = serde_json::from_str(json).unwrap_or_default();
                found.extend(keys.into_keys().filter(|key| !key.is_empty()));
            }
        }
        rows += table.len();
        if rows >= MAX_ROWS || found.len() > MAX_KEYS * 4 || stop.stopped() {
            return;
        }
    }
}
