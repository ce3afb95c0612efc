//! The columns of a cost answer: series over time, or one row per group.

use std::collections::BTreeMap;

use super::{CostQuery, Plan};
use crate::model::{Amount, Calendar, Currency, Grain, Instant};
use crate::query::answer::{Field, Values};
use crate::query::request::Compare;
use crate::query::shape::{self, Series};
use crate::query::{Error, units};

/// What stands for the null bucket where a person reads it.
const NONE: &str = "(none)";

/// A time field and one value field per line; earlier figures as lines of their own, moved onto the asked range.
pub(super) fn over_time(
    plan: &Plan,
    query: &CostQuery,
    shown: &[usize],
    lines: Vec<Series>,
) -> Result<Vec<Field>, Error> {
    let starts: Vec<Instant> = shown.iter().map(|bucket| plan.buckets.borders[*bucket]).collect();
    let mut fields = vec![Field {
        name: "Time".into(),
        values: Values::Time(starts),
        interval_ms: interval_ms(plan.buckets.grain),
        ..Field::default()
    }];
    for mut line in lines {
        let (values, earlier) = by_bucket(query, shown, &mut line)?;
        fields.push(value_field(plan, &line, values, None));
        if let Some(earlier) = earlier {
            fields.push(value_field(plan, &line, earlier, query.compare));
        }
    }
    Ok(fields)
}

/// Values of one line.
type Line = Vec<Option<Amount>>;

/// A line's values by shown bucket, and those of the earlier range: its n-th bucket stands under the n-th of the asked one.
fn by_bucket(query: &CostQuery, shown: &[usize], line: &mut Series) -> Result<(Line, Option<Line>), Error> {
    let mut values = std::mem::take(&mut line.values);
    let mut earlier = line.earlier.as_ref().map(|earlier| match earlier.values.as_slice() {
        // A line that the earlier range did not have cost nothing then.
        [] => vec![Some(Amount::ZERO); shown.len()],
        values => shown.iter().map(|at| values.get(*at).copied().flatten()).collect(),
    });
    if query.cumulative {
        shape::accumulate(&mut values)?;
        earlier.as_mut().map_or(Ok(()), |earlier| shape::accumulate(earlier))?;
    }
    Ok((values, earlier))
}

fn value_field(plan: &Plan, line: &Series, values: Vec<Option<Amount>>, compared: Option<Compare>) -> Field {
    let mut labels: BTreeMap<String, String> = plan
        .group
        .iter()
        .zip(&line.key)
        .map(|(dimension, value)| (dimension.to_string(), value.as_deref().unwrap_or_default().to_owned()))
        .collect();
    let mut shown: Vec<&str> = line.key.iter().map(|value| value.as_deref().unwrap_or(NONE)).collect();
    if shown.is_empty() {
        shown.push(plan.metric.name());
    }
    let mut display_name = shown.join(" / ");
    if let Some(compare) = compared {
        labels.insert("compare".into(), compare_name(compare).into());
        display_name += &format!(" ({})", compare_name(compare));
    }
    Field {
        name: plan.metric.name().into(),
        labels,
        values: Values::Exact(values),
        display_name: Some(display_name),
        ..denominated(plan, line)
    }
}

/// One row per group (and per bucket, where a grain is asked): text columns, then numbers.
pub(super) fn as_rows(
    plan: &Plan,
    query: &CostQuery,
    from_alert: bool,
    shown: &[usize],
    mut lines: Vec<Series>,
) -> Result<Vec<Field>, Error> {
    let buckets = if plan.buckets.grain == Grain::Total { None } else { Some(shown.len()) };
    // By line: one value in all, or one for each bucket.
    let (mut now, mut before): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    for line in &mut lines {
        let (values, earlier) = match buckets {
            None => (vec![line.total], line.earlier.as_ref().map(|earlier| vec![earlier.total])),
            Some(_) => by_bucket(query, shown, line)?,
        };
        now.push(values);
        before.push(earlier.unwrap_or_default());
    }
    let lines = lines.as_slice();
    let rows: Vec<(Option<usize>, &Series)> = match buckets {
        None => lines.iter().map(|line| (None, line)).collect(),
        Some(count) => (0..count).flat_map(|at| lines.iter().map(move |line| (Some(at), line))).collect(),
    };
    let by_row = |columns: &[Line]| -> Line {
        let row = |at: usize| columns.iter().map(move |column| column.get(at).copied().flatten());
        (0..buckets.unwrap_or(1)).flat_map(row).collect()
    };
    let mut fields = Vec::new();
    if buckets.is_some() {
        let period = |at: usize| period_name(plan.buckets.borders[shown[at]], plan.buckets.grain, plan.calendar);
        fields.push(text_field("Period", rows.iter().map(|(at, _)| at.map(period)).collect()));
    }
    for (place, dimension) in plan.group.iter().enumerate() {
        let value = |line: &Series| line.key.get(place).cloned().flatten().map(String::from).unwrap_or_default();
        fields.push(text_field(&dimension.to_string(), rows.iter().map(|(_, line)| Some(value(line))).collect()));
    }
    let values = by_row(&now);
    let unit = same_unit(plan, lines);
    let money = |name: &str, values: Vec<Option<Amount>>| Field {
        name: name.into(),
        values: Values::Exact(values),
        unit: unit.as_ref().and_then(|u| u.0.clone()),
        decimals: unit.as_ref().and_then(|u| u.1),
        ..Field::default()
    };
    fields.push(money(plan.metric.name(), values.clone()));
    if from_alert {
        return Ok(fields);
    }
    if buckets.is_none() && !plan.group.is_empty() {
        fields.push(share_field(lines));
    }
    if query.compare.is_some() {
        let before = by_row(&before);
        let pairs = || values.iter().zip(&before);
        let change = pairs().map(|(now, before)| now.and_then(|now| now.checked_sub((*before)?))).collect();
        let ratio = pairs().map(|(now, before)| ratio(now.and_then(|n| n.checked_sub((*before)?)), *before)).collect();
        fields.push(money("previous", before.clone()));
        fields.push(money("change", change));
        fields.push(percent_field("changeShare", "change against the earlier range", ratio));
    }
    Ok(fields)
}

fn share_field(lines: &[Series]) -> Field {
    let mut wholes: BTreeMap<Option<&str>, Option<Amount>> = BTreeMap::new();
    for line in lines {
        let whole = wholes.entry(line.denomination.as_deref()).or_insert(Some(Amount::ZERO));
        *whole = whole.and_then(|whole| whole.checked_add(line.total.unwrap_or_default()));
    }
    let share = |line: &Series| ratio(line.total, wholes.get(&line.denomination.as_deref()).copied().flatten());
    percent_field("share", "share of the shown total", lines.iter().map(share).collect())
}

/// `part / whole`, null where the whole is zero or either is unknown. For display, so a float is enough.
fn ratio(part: Option<Amount>, whole: Option<Amount>) -> Option<f64> {
    let (part, whole) = (part?, whole.filter(|whole| !whole.is_zero())?);
    Some(part.to_nearest_f64() / whole.to_nearest_f64())
}

fn percent_field(name: &str, description: &str, values: Vec<Option<f64>>) -> Field {
    Field {
        name: name.into(),
        values: Values::Float(values),
        unit: Some("percentunit".into()),
        decimals: Some(1),
        description: Some(description.into()),
        ..Field::default()
    }
}

fn text_field(name: &str, values: Vec<Option<String>>) -> Field {
    Field { name: name.into(), values: Values::Text(values), no_value: Some(NONE.into()), ..Field::default() }
}

fn denominated(plan: &Plan, line: &Series) -> Field {
    let (unit, decimals) = unit_of(plan, line.denomination.as_deref());
    Field { unit, decimals, ..Field::default() }
}

fn unit_of(plan: &Plan, denomination: Option<&str>) -> (Option<String>, Option<u16>) {
    if !plan.metric.is_money() {
        return (units::quantity(denomination), None);
    }
    let currency = denomination.and_then(Currency::parse).unwrap_or(Currency::NONE);
    (units::money(currency), units::decimals(currency))
}

/// The unit of a column over all lines; none where currencies differ (the split by currency tells them).
fn same_unit(plan: &Plan, lines: &[Series]) -> Option<(Option<String>, Option<u16>)> {
    let first = lines.first()?.denomination.as_deref();
    lines.iter().all(|line| line.denomination.as_deref() == first).then(|| unit_of(plan, first))
}

const fn compare_name(compare: Compare) -> &'static str {
    match compare {
        Compare::PreviousPeriod => "previous period",
        Compare::PreviousYear => "previous year",
    }
}

const fn interval_ms(grain: Grain) -> Option<i64> {
    match grain {
        Grain::Hour => Some(3_600_000),
        Grain::Day => Some(86_400_000),
        Grain::Week => Some(7 * 86_400_000),
        // Months differ in length: no fixed distance.
        Grain::Month | Grain::Quarter | Grain::Total => None,
    }
}

fn period_name(start: Instant, grain: Grain, calendar: Calendar) -> String {
    let local = start.utc().with_timezone(&calendar.zone);
    match grain {
        Grain::Hour => local.format("%Y-%m-%d %H:%M %z").to_string(),
        Grain::Day | Grain::Week | Grain::Total => local.format("%Y-%m-%d").to_string(),
        Grain::Month => local.format("%Y-%m").to_string(),
        Grain::Quarter => {
            use chrono::Datelike;
            format!("{}-Q{}", local.year(), local.month0() / 3 + 1)
        }
    }
}
