//! What can be chosen in an editor: dimensions with data, and the values of one of them.

use std::collections::BTreeSet;

use super::request::Filter;
use super::{Error, View, filter};
use crate::engine::{Stop, SumPlan, Summer, distinct};
use crate::model::{Dimension, Instant, Number, Period};

/// Most values that one answer lists.
const MAX_VALUES: usize = 10_000;

/// Dimensions of the view: those kept in daily sums first (`true`), then the rest of the canonical columns.
#[must_use]
pub fn dimension_names(view: &View) -> Vec<(Dimension, bool)> {
    let mut fast: BTreeSet<Dimension> = BTreeSet::new();
    for source in &view.sources {
        for delivery in &source.snapshot.deliveries {
            if let Ok(table) = source.snapshot.day(delivery) {
                fast.extend(table.dimensions.keys().cloned());
            }
        }
    }
    let slow = Dimension::columns().into_iter().filter(|dimension| !fast.contains(dimension));
    let mut all: Vec<(Dimension, bool)> = fast.iter().cloned().map(|dimension| (dimension, true)).collect();
    all.extend(slow.map(|dimension| (dimension, false)));
    all
}

/// Distinct values of a dimension that contain `search` (any case) in rows that pass the filters, sorted.
/// A null bucket is told as the empty text, first.
///
/// # Errors
/// [`Error::UnknownDimension`] and the errors of filters.
pub fn values(
    view: &View,
    name: &str,
    search: &str,
    filters: &[Filter],
    limit: usize,
    stop: &Stop,
) -> Result<Vec<String>, Error> {
    let dimension = filter::dimension(name, "values")?;
    let conditions = filter::compile(filters)?;
    let search = search.to_lowercase();
    let mut found: BTreeSet<String> = BTreeSet::new();
    let everything = Period {
        start: Instant::midnight(1990, 1, 1).unwrap_or(Instant(0)),
        end: Instant::midnight(2200, 1, 1).unwrap_or(Instant(i64::MAX)),
    };
    let plan = SumPlan {
        number: Number::BilledCost,
        group: vec![dimension.clone()],
        filters: conditions,
        borders: vec![everything.start, everything.end],
    };
    let wanted = plan.dimensions();
    let mut summer = Summer::new(&plan);
    for source in &view.sources {
        for delivery in &source.snapshot.deliveries {
            let Ok(table) = source.snapshot.day(delivery) else { continue };
            if wanted.iter().all(|d| table.dimensions.contains_key(d)) {
                if plan.filters.is_empty() {
                    found.extend(distinct(std::iter::once(table.as_ref()), &dimension).into_keys().map(String::from));
                    continue;
                }
                summer.add(&table, stop).map_err(|error| Error::Store(error.to_string()))?;
            } else {
                let tables = source.snapshot.detail(delivery, everything, &wanted, &[]);
                for table in tables.map_err(|error| Error::Store(error.to_string()))? {
                    let table = table.map_err(|error| Error::Store(error.to_string()))?;
                    summer.add(&table, stop).map_err(|error| Error::Store(error.to_string()))?;
                }
            }
        }
    }
    found.extend(summer.finish().into_iter().filter_map(|group| {
        let value = group.key.into_iter().next()?;
        Some(value.map_or_else(String::new, String::from))
    }));
    let matching = found.into_iter().filter(|value| search.is_empty() || value.to_lowercase().contains(&search));
    Ok(matching.take(limit.clamp(1, MAX_VALUES)).collect())
}
