//! Kind `data`: what is loaded, how fresh, what was repaired and rejected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Amount, Currency, Instant, Month};
use crate::query::answer::{Answer, Field, Notice, Values};
use crate::query::request::{Filter, Format, Request};
use crate::query::told::Told;
use crate::query::{Error, SourceState, SourceView, View, filter, run};
use crate::store::DeliveryRecord;

/// Columns that the filters of this kind may name.
pub(crate) const FILTERS: [&str; 4] = ["source", "period", "state", "currency"];

/// What is loaded: one row per source and billing month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(rename_all = "camelCase", default)]
pub struct DataQuery {
    /// Version of the query model that wrote this; absent means the newest.
    pub version: Option<u32>,
    /// Conditions on the columns `source`, `period`, `state` and `currency`; all must hold.
    #[cfg_attr(test, ts(as = "Option<Vec<Filter>>"))]
    pub filters: Vec<Filter>,
    /// Always answered as a table; kept so that all kinds share their common fields.
    #[cfg_attr(test, ts(as = "Option<Format>"))]
    pub format: Format,
}

/// One row: a source, a billing month and a currency.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    source: String,
    period: String,
    versions: Vec<String>,
    state: String,
    rows: Option<i64>,
    rejected: i64,
    repaired: i64,
    currency: String,
    billed: Option<Amount>,
    effective: Option<Amount>,
    data_until: Option<Instant>,
    updated: Option<Instant>,
    messages: Vec<String>,
}

/// Answers a data query: all loaded billing months, whatever the panel's time range.
///
/// # Errors
/// [`Error::UnknownDimension`] for a filter on anything but the columns named above; the errors of filters.
pub(in crate::query) fn answer(view: &View, request: &Request, query: &DataQuery) -> Result<Answer, Error> {
    let started = std::time::Instant::now();
    let mut told = Told::new(view, request.period, "BilledCost", run::coverage(view));
    told.say("what is loaded: one row per source, billing month and currency");
    let mut rows: Vec<Row> = view.sources.iter().flat_map(rows_of).collect();
    for condition in &query.filters {
        let column = FILTERS.iter().find(|name| name.eq_ignore_ascii_case(&condition.key)).ok_or_else(|| {
            Error::UnknownDimension {
                found: filter::shorten(&condition.key),
                place: "filters of kind `data`",
                nearest: FILTERS.iter().map(|name| (*name).to_owned()).collect(),
            }
        })?;
        condition.values.iter().filter(|v| *v != filter::ALL).try_for_each(|v| filter::resolved(v, "filters"))?;
        if let Some(passes) = filter::test(condition)? {
            rows.retain(|row| {
                let value = match *column {
                    "source" => &row.source,
                    "period" => &row.period,
                    "state" => &row.state,
                    _ => &row.currency,
                };
                passes(Some(value.as_str()))
            });
        }
    }
    let mut billed: BTreeMap<Option<Box<str>>, Amount> = BTreeMap::new();
    for row in &rows {
        if let (Some(amount), false) = (row.billed, row.currency.is_empty()) {
            let total = billed.entry(Some(row.currency.as_str().into())).or_default();
            *total = total.checked_add(amount).ok_or_else(|| Error::Store("a sum left its range".into()))?;
        }
    }
    told.totals(&billed, true);
    if rows.is_empty() {
        return Ok(told.nothing_matched(!query.filters.is_empty()));
    }
    if rows.iter().any(|row| row.rejected > 0) {
        told.notice(Notice::warning("some rows were rejected; their reasons are in the column `message`"));
    }
    let fields = if request.from_alert { alert_fields(&rows, view.now) } else { fields(rows) };
    Ok(told.answer(false, fields, started.elapsed()))
}

fn rows_of(source: &SourceView) -> Vec<Row> {
    let mut rows: BTreeMap<(Month, &str), Row> = BTreeMap::new();
    let mut loose: Vec<Row> = Vec::new();
    for delivery in &source.snapshot.deliveries {
        let failed = source.failures.iter().find(|(key, _)| *key == delivery.key).map(|(_, why)| why);
        let mut first = true;
        for month in &delivery.months {
            let row = rows.entry((month.month, month.currency.as_str())).or_insert_with(|| Row {
                source: source.id.clone(),
                period: month.month.to_string(),
                state: SourceState::Ready.name().into(),
                currency: month.currency.clone(),
                ..Row::default()
            });
            let sum = |name: &str| month.sums.get(name).and_then(|text| Amount::parse(text).ok());
            let add = |total: &mut Option<Amount>, more: Option<Amount>| {
                if let Some(more) = more {
                    *total = total.unwrap_or_default().checked_add(more);
                }
            };
            row.rows = Some(row.rows.unwrap_or(0) + i64::try_from(month.rows).unwrap_or(i64::MAX));
            add(&mut row.billed, sum("BilledCost"));
            add(&mut row.effective, sum("EffectiveCost"));
            row.data_until = row.data_until.max(Some(month.data_until));
            row.updated = row.updated.max(delivery.imported);
            row.versions.push(delivery.label.clone());
            // Rejects and repairs are known per delivery; they stand with its first month.
            if std::mem::take(&mut first) {
                count(row, delivery);
            }
            if let Some(why) = failed {
                row.state = SourceState::Stale.name().into();
                row.messages.push(format!("older version shown: {why}"));
            }
        }
        if first {
            let mut row = Row {
                source: source.id.clone(),
                state: SourceState::Ready.name().into(),
                rows: Some(0),
                updated: delivery.imported,
                versions: vec![delivery.label.clone()],
                messages: vec![format!("{} holds no rows", delivery.key)],
                ..Row::default()
            };
            count(&mut row, delivery);
            loose.push(row);
        }
    }
    for (key, why) in &source.failures {
        if !source.snapshot.deliveries.iter().any(|delivery| delivery.key == *key) {
            loose.push(Row {
                source: source.id.clone(),
                state: SourceState::Failed.name().into(),
                messages: vec![format!("{key}: {why}")],
                ..Row::default()
            });
        }
    }
    let mut all: Vec<Row> = rows.into_values().rev().chain(loose).collect();
    // What the whole source is doing is told on its newest row, or on a row of its own where it has none.
    if source.state != SourceState::Ready {
        match all.first_mut() {
            Some(row) => {
                row.state = source.state.name().into();
                row.messages.insert(0, source.message.clone());
            }
            None => all.push(Row {
                source: source.id.clone(),
                state: source.state.name().into(),
                messages: vec![source.message.clone()],
                ..Row::default()
            }),
        }
    }
    all
}

fn count(row: &mut Row, delivery: &DeliveryRecord) {
    let tally = |tallies: &BTreeMap<String, crate::model::Tally>| tallies.values().map(|t| t.count).sum::<u64>();
    row.rejected += i64::try_from(tally(&delivery.rejects)).unwrap_or(i64::MAX);
    row.repaired += i64::try_from(tally(&delivery.repairs)).unwrap_or(i64::MAX);
    let listed = |what: &str, tallies: &BTreeMap<String, crate::model::Tally>| {
        let shown: Vec<String> = tallies
            .iter()
            .take(8)
            .map(|(why, t)| format!("{}x {why} ({})", t.count, filter::shorten(&t.sample)))
            .collect();
        (!shown.is_empty()).then(|| format!("{what}: {}", shown.join(", ")))
    };
    row.messages.extend(listed("rejected", &delivery.rejects));
    let lost = delivery.rejected_cost.iter().map(|(name, sum)| format!("{name} {sum} in rejected rows"));
    row.messages.extend(lost);
    row.messages.extend(listed("repaired", &delivery.repairs));
    if !delivery.complete && row.messages.iter().all(|message| message != UNVERIFIED) {
        row.messages.push(UNVERIFIED.into());
    }
}

/// Said of files that no manifest names.
const UNVERIFIED: &str = "no manifest: completeness unverified";

fn fields(rows: Vec<Row>) -> Vec<Field> {
    let text = |name: &str, of: fn(&Row) -> String| Field {
        name: name.into(),
        values: Values::Text(rows.iter().map(|row| Some(of(row))).collect()),
        ..Field::default()
    };
    let number = |name: &str, of: fn(&Row) -> Option<i64>| Field {
        name: name.into(),
        values: Values::Count(rows.iter().map(of).collect()),
        unit: Some("locale".into()),
        ..Field::default()
    };
    let money = |name: &str, of: fn(&Row) -> Option<Amount>| Field {
        name: name.into(),
        values: Values::Exact(rows.iter().map(of).collect()),
        unit: one_unit(&rows),
        ..Field::default()
    };
    let time = |name: &str, of: fn(&Row) -> Option<Instant>| Field {
        name: name.into(),
        values: Values::MaybeTime(rows.iter().map(of).collect()),
        ..Field::default()
    };
    vec![
        text("source", |row| row.source.clone()),
        text("period", |row| row.period.clone()),
        text("version", version),
        text("state", |row| row.state.clone()),
        number("rows", |row| row.rows),
        number("rejected", |row| Some(row.rejected)),
        number("repaired", |row| Some(row.repaired)),
        text("currency", |row| row.currency.clone()),
        money("BilledCost", |row| row.billed),
        money("EffectiveCost", |row| row.effective),
        text("billedExact", |row| row.billed.map(|billed| billed.to_string()).unwrap_or_default()),
        // No invoice is read yet, so the difference to it is unknown rather than zero.
        money("invoiceDifference", |_| None),
        time("dataUntil", |row| row.data_until),
        time("updated", |row| row.updated),
        text("message", |row| row.messages.join("; ")),
    ]
}

/// For alert rules, which take one number a row: how old the data of each source is, in hours.
fn alert_fields(rows: &[Row], now: Instant) -> Vec<Field> {
    let mut newest: BTreeMap<&str, Option<Instant>> = BTreeMap::new();
    for row in rows {
        let until = newest.entry(&row.source).or_default();
        *until = (*until).max(row.data_until);
    }
    let age = |until: &Option<Instant>| until.map(|until| (now.0 - until.0) as f64 / crate::model::HOUR as f64);
    vec![
        Field {
            name: "source".into(),
            values: Values::Text(newest.keys().map(|source| Some((*source).to_owned())).collect()),
            ..Field::default()
        },
        Field {
            name: "ageHours".into(),
            values: Values::Float(newest.values().map(age).collect()),
            unit: Some("h".into()),
            description: Some("hours since the end of the newest usage that the bills hold".into()),
            ..Field::default()
        },
    ]
}

fn version(row: &Row) -> String {
    match row.versions.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        several => format!("{} files", several.len()),
    }
}

fn one_unit(rows: &[Row]) -> Option<String> {
    let mut currencies: Vec<&str> = rows.iter().map(|row| row.currency.as_str()).filter(|c| !c.is_empty()).collect();
    currencies.dedup();
    match currencies.as_slice() {
        [only] => crate::query::units::money(Currency::parse(only)?),
        _ => None,
    }
}
