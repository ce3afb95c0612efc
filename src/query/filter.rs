//! Filters and dimension names of a query: checked, with the nearest names in the message, and compiled.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};

use super::Error;
use super::request::{Filter, Operator};
use crate::engine::{Condition, Test};
use crate::model::Dimension;

/// Most filters of a query.
const MAX_FILTERS: usize = 50;
/// Most filter values of a query, in all.
const MAX_VALUES: usize = 10_000;
/// Most regular expressions of a query.
const MAX_PATTERNS: usize = 20;
/// Longest regular expression.
const MAX_PATTERN_BYTES: usize = 1_024;
/// Memory of one compiled expression.
const PATTERN_MEMORY: usize = 1 << 20;
/// Most dimensions of a group-by.
const MAX_GROUP_BY: usize = 8;
/// What a dashboard variable set to "All" becomes.
pub(crate) const ALL: &str = "$__all";

/// The dimension of a name.
///
/// # Errors
/// [`Error::UnknownDimension`] with the names that come close, [`Error::UnresolvedVariable`].
pub(super) fn dimension(name: &str, place: &'static str) -> Result<Dimension, Error> {
    resolved(name, place)?;
    Dimension::named(name).ok_or_else(|| Error::UnknownDimension {
        found: shorten(name),
        place,
        nearest: nearest(name, &Dimension::columns().iter().map(ToString::to_string).collect::<Vec<_>>()),
    })
}

/// The dimensions of a group-by, each once.
///
/// # Errors
/// As [`dimension`], and [`Error::OutOfRange`] for more than 8.
pub(super) fn group_by(names: &[String]) -> Result<Vec<Dimension>, Error> {
    if names.len() > MAX_GROUP_BY {
        return Err(out_of_range("groupBy", format!("{} dimensions", names.len()), "at most 8 are allowed"));
    }
    let mut found: Vec<Dimension> = Vec::new();
    for name in names {
        let dimension = dimension(name, "groupBy")?;
        if !found.contains(&dimension) {
            found.push(dimension);
        }
    }
    Ok(found)
}

/// Filters as conditions of the engine; those that filter nothing are left out.
///
/// # Errors
/// As [`dimension`]; [`Error::OutOfRange`], [`Error::BadPattern`].
pub(super) fn compile(filters: &[Filter]) -> Result<Vec<Condition>, Error> {
    if filters.len() > MAX_FILTERS {
        return Err(out_of_range("filters", format!("{} filters", filters.len()), "at most 50 are allowed"));
    }
    let values: usize = filters.iter().map(|filter| filter.values.len()).sum();
    if values > MAX_VALUES {
        let allowed = "at most 10,000 are allowed in all; use a pattern (`=~`) or a coarser dimension";
        return Err(out_of_range("filters", format!("{values} values"), allowed));
    }
    let patterns: usize = filters.iter().filter(|f| is_pattern(f.operator)).map(|f| f.values.len()).sum();
    if patterns > MAX_PATTERNS {
        return Err(out_of_range("filters", format!("{patterns} patterns"), "at most 20 are allowed"));
    }
    let mut conditions = Vec::new();
    for filter in filters {
        let dimension = dimension(&filter.key, "filters")?;
        for value in &filter.values {
            if value != ALL {
                resolved(value, "filters")?;
            }
        }
        if let Some(passes) = test(filter)? {
            conditions.push(Condition { dimension, passes });
        }
    }
    Ok(conditions)
}

/// The filter as a test of a value, `None` where it filters nothing.
pub(super) fn test(filter: &Filter) -> Result<Option<Test>, Error> {
    if filter.values.is_empty() || filter.values.iter().any(|value| value == ALL) {
        return Ok(None);
    }
    if is_pattern(filter.operator) {
        let patterns: Vec<Regex> =
            filter.values.iter().map(|text| pattern(&filter.key, text)).collect::<Result<_, _>>()?;
        let wanted = filter.operator == Operator::Matches;
        return Ok(Some(Box::new(move |value| {
            let value = value.unwrap_or_default();
            patterns.iter().any(|pattern| pattern.is_match(value)) == wanted
        })));
    }
    let values: HashSet<String> = filter.values.iter().cloned().collect();
    let wanted = matches!(filter.operator, Operator::Equals | Operator::OneOf);
    Ok(Some(Box::new(move |value| values.contains(value.unwrap_or_default()) == wanted)))
}

const fn is_pattern(operator: Operator) -> bool {
    matches!(operator, Operator::Matches | Operator::MatchesNot)
}

fn pattern(key: &str, text: &str) -> Result<Regex, Error> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(out_of_range("filters", format!("a pattern of {} bytes", text.len()), "at most 1,024 are allowed"));
    }
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN_MEMORY).build().map_err(|error| {
        let why = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Error::BadPattern { key: shorten(key), why }
    })
}

/// Refuses the text of a dashboard variable that nobody replaced.
///
/// # Errors
/// [`Error::UnresolvedVariable`].
pub(super) fn resolved(text: &str, place: &str) -> Result<(), Error> {
    let word = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_alphanumeric() || c == '_');
    let literal = text.strip_prefix('$').is_some_and(word)
        || (text.starts_with("${") && text.ends_with('}'))
        || (text.starts_with("[[") && text.ends_with("]]"));
    if literal {
        return Err(Error::UnresolvedVariable { found: shorten(text), place: place.to_owned() });
    }
    Ok(())
}

/// Up to three known names that come close to a wrong one.
pub(super) fn nearest(wrong: &str, known: &[String]) -> Vec<String> {
    let folded = wrong.to_lowercase();
    let mut scored: Vec<(usize, &String)> = known
        .iter()
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            let distance = edit_distance(&folded, &candidate);
            let related = candidate.contains(&folded) || (folded.len() > 3 && folded.contains(&candidate));
            (related || distance <= folded.len().max(3) / 3).then_some((distance, name))
        })
        .collect();
    scored.sort();
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(80).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

pub(super) fn out_of_range(field: &str, found: String, allowed: &str) -> Error {
    Error::OutOfRange { field: field.to_owned(), found, allowed: allowed.to_owned() }
}

/// Text of a query as it may stand in a message: at most 80 characters, no control characters.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    if text.chars().count() > 80 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(operator: Operator, values: &[&str]) -> Filter {
        Filter { key: "ServiceName".into(), operator, values: values.iter().map(|v| (*v).to_owned()).collect() }
    }

    fn check(operator: Operator, values: &[&str], passing: &[Option<&str>], failing: &[Option<&str>]) {
        let test = test(&filter(operator, values)).unwrap().unwrap();
        assert!(passing.iter().all(|value| test(*value)), "{operator:?} {values:?}");
        assert!(failing.iter().all(|value| !test(*value)), "{operator:?} {values:?}");
    }

    #[test]
    fn every_operator_knows_null() {
        check(Operator::Equals, &["a"], &[Some("a")], &[Some("b"), None]);
        check(Operator::OneOf, &["a", ""], &[Some("a"), None], &[Some("b")]);
        check(Operator::Differs, &["a"], &[Some("b"), None], &[Some("a")]);
        check(Operator::NoneOf, &["a", ""], &[Some("b")], &[Some("a"), None]);
        check(Operator::Matches, &["a.*", "z"], &[Some("ab"), Some("z")], &[Some("ba"), None]);
        check(Operator::MatchesNot, &["a.*"], &[Some("ba"), None], &[Some("ab")]);
        check(Operator::Matches, &[".*"], &[Some("ab"), None], &[]);
    }

    #[test]
    fn all_and_nothing_filter_nothing() {
        assert!(test(&filter(Operator::OneOf, &[])).unwrap().is_none());
        assert!(test(&filter(Operator::OneOf, &[ALL])).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_filtered_is_named() {
        let message = |filter: Filter| compile(&[filter]).map(|c| c.len()).unwrap_err().to_string();
        let mut wrong = filter(Operator::Equals, &["x"]);
        wrong.key = "ServiceNmae".into();
        assert_eq!(message(wrong), "unknown dimension `ServiceNmae` in filters; did you mean ServiceName?");
        assert!(message(filter(Operator::Matches, &["("])).starts_with("the pattern of filter `ServiceName`"));
        assert!(
            message(filter(Operator::Equals, &["$client"])).contains("variable `$client` in filters is not resolved")
        );
        let many: Vec<String> = (0..10_001).map(|n| n.to_string()).collect();
        let many = Filter { values: many, ..filter(Operator::OneOf, &[]) };
        assert!(message(many).starts_with("filters is 10001 values, but at most 10,000"));
    }
}
