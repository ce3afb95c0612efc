//! From exact groups to what a panel shows: top groups and an exact "other", gaps and zeros, earlier figures beside.

use std::collections::{BTreeMap, HashMap};

use crate::engine::Group;
use crate::model::Amount;
use crate::query::Error;

/// How the group beyond the top is called; in brackets, since "Other" is a value of FOCUS columns.
pub(super) const OTHER: &str = "(other)";

/// A line of an answer: one group, or all that is not shown by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// Currency or unit of the values; `None` where the bill names none.
    pub denomination: Option<Box<str>>,
    /// Values of the asked dimensions; `None` is the null bucket.
    pub key: Vec<Option<Box<str>>>,
    /// True for the rest beyond the top.
    pub is_other: bool,
    /// Value per shown bucket; `None` where it is unknown.
    pub values: Vec<Option<Amount>>,
    /// Sum over the shown buckets; `None` where nothing has a value.
    pub total: Option<Amount>,
    /// The same of the earlier range.
    pub earlier: Option<Earlier>,
}

/// Figures of the earlier range for one line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Earlier {
    /// Value per bucket of the earlier range, in order.
    pub values: Vec<Option<Amount>>,
    /// Sum over the earlier range.
    pub total: Option<Amount>,
}

/// How many lines are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    /// At most this many groups per denomination; 0 for all.
    pub groups: usize,
    /// Show the rest as one line.
    pub others: bool,
}

/// The lines of an answer with what was left out of them.
#[derive(Debug)]
pub(super) struct Lines {
    /// Largest first within a denomination, the rest last.
    pub series: Vec<Series>,
    /// Groups that are not shown by themselves.
    pub folded: usize,
}

/// Exact totals over all buckets by denomination.
///
/// # Errors
/// [`Error::Store`] where a sum leaves 256 bits.
pub(super) fn totals(groups: &[Group]) -> Result<BTreeMap<Option<Box<str>>, Amount>, Error> {
    let mut totals: BTreeMap<Option<Box<str>>, Amount> = BTreeMap::new();
    for group in groups {
        let Some(sum) = add_all(group.sums.iter().copied())? else { continue };
        let total = totals.entry(denomination(group)).or_default();
        *total = add(*total, sum)?;
    }
    Ok(totals)
}

/// Ranks the groups of the shown buckets, keeps the top, folds the rest, and puts earlier figures beside.
/// The first part of each group's key is its denomination.
///
/// # Errors
/// [`Error::Store`] where a sum leaves 256 bits.
pub(super) fn lines(groups: &[Group], shown: &[usize], earlier: Option<&[Group]>, top: Top) -> Result<Lines, Error> {
    let mut by_denomination: BTreeMap<Option<Box<str>>, Vec<Series>> = BTreeMap::new();
    for group in groups {
        let series = series(group, shown)?;
        by_denomination.entry(series.denomination.clone()).or_default().push(series);
    }
    let mut before: HashMap<&[Option<Box<str>>], &Group> = HashMap::new();
    for group in earlier.unwrap_or_default() {
        before.insert(&group.key, group);
        // A denomination that only the earlier range has is shown too, as the rest.
        by_denomination.entry(denomination(group)).or_default();
    }
    let mut lines = Lines { series: Vec::new(), folded: 0 };
    for (denomination, mut all) in by_denomination {
        all.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.key.cmp(&b.key)));
        let keep = if top.groups == 0 { all.len() } else { top.groups.min(all.len()) };
        let rest = all.split_off(keep);
        let width = all.first().or(rest.first()).map(|s| s.key.len());
        let width = width.or_else(|| before.keys().next().map(|key| key.len() - 1)).unwrap_or(0);
        lines.folded += rest.len();
        let mut shown_keys: Vec<Vec<Option<Box<str>>>> = Vec::new();
        for series in &mut all {
            let mut key = vec![series.denomination.clone()];
            key.extend(series.key.iter().cloned());
            if earlier.is_some() {
                series.earlier = Some(match before.get(key.as_slice()) {
                    Some(group) => Earlier { values: zeros(group), total: add_all(group.sums.iter().copied())? },
                    None => Earlier { values: Vec::new(), total: Some(Amount::ZERO) },
                });
            }
            shown_keys.push(key);
        }
        lines.series.append(&mut all);
        if top.others {
            let left: Vec<&Group> = match earlier {
                Some(earlier) => earlier
                    .iter()
                    .filter(|group| self::denomination(group) == denomination && !shown_keys.contains(&group.key))
                    .collect(),
                None => Vec::new(),
            };
            if !rest.is_empty() || !left.is_empty() {
                lines.series.push(fold(denomination, width, &rest, shown.len(), earlier.is_some().then_some(&left))?);
            }
        }
    }
    Ok(lines)
}

fn fold(
    denomination: Option<Box<str>>,
    width: usize,
    rest: &[Series],
    buckets: usize,
    left: Option<&Vec<&Group>>,
) -> Result<Series, Error> {
    let mut values: Vec<Option<Amount>> = vec![Some(Amount::ZERO); buckets];
    for (bucket, value) in values.iter_mut().enumerate() {
        let known = rest.iter().map(|series| series.values[bucket]);
        if rest.is_empty() {
            continue;
        }
        *value = add_all(known)?;
    }
    let total = if rest.is_empty() { Some(Amount::ZERO) } else { add_all(rest.iter().map(|series| series.total))? };
    let earlier = match left {
        None => None,
        Some(left) => {
            let length = left.iter().map(|group| group.sums.len()).max().unwrap_or(0);
            let values = (0..length).map(|at| add_all(left.iter().map(|group| zeros(group)[at])));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            let total = add_all(left.iter().flat_map(|group| group.sums.iter().copied()))?;
            Some(Earlier { values, total: total.or(Some(Amount::ZERO)) })
        }
    };
    let key = vec![Some(OTHER.into()); width];
    Ok(Series { denomination, key, is_other: true, values, total, earlier })
}

fn series(group: &Group, shown: &[usize]) -> Result<Series, Error> {
    let all = zeros(group);
    let values: Vec<Option<Amount>> = shown.iter().map(|bucket| all[*bucket]).collect();
    let total = add_all(shown.iter().map(|bucket| group.sums[*bucket]))?;
    // Rows without any value are unknown; no rows at all in the shown buckets are nothing spent.
    let untouched = !shown.iter().any(|bucket| group.touched[*bucket]);
    Ok(Series {
        denomination: denomination(group),
        key: group.key.get(1..).unwrap_or_default().to_vec(),
        is_other: false,
        values,
        total: if untouched { Some(Amount::ZERO) } else { total },
        earlier: None,
    })
}

/// Sums with zero where there was no row, and null where there were rows without a value.
fn zeros(group: &Group) -> Vec<Option<Amount>> {
    let pairs = group.sums.iter().zip(&group.touched);
    pairs.map(|(sum, touched)| if *touched { *sum } else { Some(Amount::ZERO) }).collect()
}

/// The currency or unit of a group: the first part of its key.
pub(super) fn denomination(group: &Group) -> Option<Box<str>> {
    group.key.first().cloned().flatten()
}

/// Running totals; an unknown value leaves the total as it is.
///
/// # Errors
/// [`Error::Store`] where a sum leaves 256 bits.
pub(super) fn accumulate(values: &mut [Option<Amount>]) -> Result<(), Error> {
    let mut sum = Amount::ZERO;
    for value in values {
        sum = add(sum, value.unwrap_or_default())?;
        *value = Some(sum);
    }
    Ok(())
}

/// Sum of what is known, `None` where nothing is.
fn add_all(values: impl Iterator<Item = Option<Amount>>) -> Result<Option<Amount>, Error> {
    values.flatten().try_fold(None, |sum: Option<Amount>, value| Ok(Some(add(sum.unwrap_or_default(), value)?)))
}

fn add(a: Amount, b: Amount) -> Result<Amount, Error> {
    a.checked_add(b).ok_or_else(|| Error::Store("a sum left the range of exact amounts".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(denomination: &str, name: Option<&str>, sums: &[Option<&str>]) -> Group {
        let amounts: Vec<Option<Amount>> = sums.iter().map(|s| s.map(|text| Amount::parse(text).unwrap())).collect();
        Group {
            key: vec![Some(denomination.into()), name.map(Into::into)],
            touched: amounts.iter().map(Option::is_some).collect(),
            sums: amounts,
        }
    }

    fn show(lines: &Lines) -> Vec<String> {
        lines
            .series
            .iter()
            .map(|s| {
                let earlier = s.earlier.as_ref().map(|e| format!(" before {:?}", e.total)).unwrap_or_default();
                format!("{:?} {:?} {:?} = {:?}{earlier}", s.denomination, s.key, s.values, s.total)
            })
            .collect()
    }

    #[test]
    fn the_top_stays_and_the_rest_adds_up() {
        let groups = [
            group("USD", None, &[Some("1"), None]),
            group("USD", Some("a"), &[Some("5"), Some("1")]),
            group("USD", Some("b"), &[Some("0.5"), Some("0.25")]),
            group("USD", Some("refund"), &[Some("-2"), None]),
        ];
        let lines = lines(&groups, &[0, 1], None, Top { groups: 1, others: true }).unwrap();
        assert_eq!(lines.folded, 3);
        assert_eq!(
            show(&lines),
            [
                r#"Some("USD") [Some("a")] [Some(5), Some(1)] = Some(6)"#,
                r#"Some("USD") [Some("(other)")] [Some(-0.5), Some(0.25)] = Some(-0.25)"#,
            ]
        );
    }

    #[test]
    fn denominations_are_ranked_apart() {
        let groups = [group("SGD", Some("a"), &[Some("9")]), group("USD", Some("a"), &[Some("1")])];
        let lines = lines(&groups, &[0], None, Top { groups: 1, others: true }).unwrap();
        assert_eq!(lines.series.len(), 2);
        assert_eq!(lines.folded, 0);
    }

    #[test]
    fn what_is_gone_since_the_earlier_range_is_in_the_rest() {
        let now = [group("USD", Some("a"), &[Some("3")])];
        let before = [group("USD", Some("a"), &[Some("2")]), group("USD", Some("gone"), &[Some("7")])];
        let lines = lines(&now, &[0], Some(&before), Top { groups: 10, others: true }).unwrap();
        assert_eq!(
            show(&lines),
            [
                r#"Some("USD") [Some("a")] [Some(3)] = Some(3) before Some(2)"#,
                r#"Some("USD") [Some("(other)")] [Some(0)] = Some(0) before Some(7)"#,
            ]
        );
    }

    #[test]
    fn rows_without_a_value_are_unknown_not_zero() {
        let mut unknown = group("USD", Some("a"), &[None, None]);
        unknown.touched = vec![true, false];
        let lines = lines(&[unknown], &[0, 1], None, Top { groups: 0, others: true }).unwrap();
        assert_eq!(show(&lines), [r#"Some("USD") [Some("a")] [None, Some(0)] = None"#]);
    }

    #[test]
    fn running_totals_pass_over_unknown_values() {
        let mut values = [Some(Amount::parse("1").unwrap()), None, Some(Amount::parse("2.5").unwrap())];
        accumulate(&mut values).unwrap();
        assert_eq!(format!("{values:?}"), "[Some(1), Some(1), Some(3.5)]");
    }
}
