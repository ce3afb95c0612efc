//! Deliveries over time: what is unchanged is not read again, what is re-delivered replaces, what breaks keeps its
//! older version, and nothing is ever counted twice.

use outlay::model::{Instant, Month, Period};
use outlay::query::answer::Values;
use serde_json::json;

use super::bills::{Bills, Files};

const HEADER: &str = "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,\
ChargePeriodEnd,ChargeCategory,ChargeDescription,BilledCost,EffectiveCost,ContractedCost,ListCost,ServiceName,\
ServiceCategory,ProviderName,PublisherName,InvoiceIssuerName,PricingQuantity,PricingUnit,SubAccountId,RegionId,Tags";

/// A small FOCUS file: rows of (day, service, cost, currency).
pub(crate) fn bill(rows: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for (day, service, cost, currency) in rows {
        let month = &day[..7];
        let next = Month::parse(month).unwrap().next();
        text += &format!(
            "001234567890,{currency},{month}-01T00:00:00Z,{next}-01T00:00:00Z,{day}T00:00:00Z,{day}T23:00:00Z,Usage,use,\
             {cost},{cost},{cost},{cost},{service},Compute,AWS,AWS,AWS,1,Hours,000000000042,ap-southeast-1,\"{{}}\"\n"
        );
    }
    text.into_bytes()
}

pub(crate) fn total(bills: &Bills) -> String {
    let totals = bills.totals(&json!({"metric": "BilledCost", "grain": "total"}));
    totals.into_iter().map(|(currency, amount)| format!("{amount} {currency}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn re_delivery_replaces_and_never_doubles() {
    let files = Files::of([
        ("2026-01.csv", bill(&[("2026-01-05", "a", "1.25", "USD")])),
        ("2026-02.csv", bill(&[("2026-02-05", "a", "2", "USD")])),
    ]);
    let mut bills = Bills::read(files.clone());
    assert_eq!(total(&bills), "3.25 USD");
    let generation = bills.view().sources[0].snapshot.generation;

    let again = bills.refresh().unwrap();
    assert_eq!((again.imported, again.removed, again.generation), (0, 0, generation));

    files.put("2026-02.csv", bill(&[("2026-02-05", "a", "2", "USD"), ("2026-02-06", "a", "0.5", "USD")]));
    let restated = bills.refresh().unwrap();
    assert_eq!((restated.found, restated.imported), (2, 1));
    assert_eq!(total(&bills), "3.75 USD");

    files.remove("2026-01.csv");
    assert_eq!(bills.refresh().unwrap().removed, 1);
    assert_eq!(total(&bills), "2.5 USD");
}

#[test]
fn a_torn_delivery_keeps_its_older_version_and_is_named() {
    let files = Files::of([
        ("a.csv", bill(&[("2026-01-05", "a", "1", "USD")])),
        ("b.csv", bill(&[("2026-01-06", "b", "2", "USD")])),
    ]);
    let mut bills = Bills::read(files.clone());
    files.put("a.csv", b"not,an,export\n1,2,3\n".to_vec());
    let outcome = bills.refresh().unwrap();
    assert_eq!(outcome.failures.len(), 1);
    assert!(outcome.failures[0].1.contains("a.csv"), "{:?}", outcome.failures);
    assert_eq!(total(&bills), "3 USD");
    let data = bills.ask(&json!({"kind": "data"})).unwrap();
    assert!(format!("{data:?}").contains("older version shown"), "{data:?}");

    files.put("a.csv", bill(&[("2026-01-05", "a", "7", "USD")]));
    assert_eq!(bills.refresh().unwrap().failures, []);
    assert_eq!(total(&bills), "9 USD");
}

#[test]
fn the_same_files_in_any_order_make_the_same_daily_sums() {
    let rows: Vec<(String, String)> =
        (0..60).map(|n| (format!("2026-03-{:02}", n % 28 + 1), format!("s{}", n % 7))).collect();
    let all: Vec<(&str, &str, &str, &str)> =
        rows.iter().map(|(day, service)| (day.as_str(), service.as_str(), "0.1", "USD")).collect();
    let mut back = all.clone();
    back.reverse();
    let hashes = |rows: &[(&str, &str, &str, &str)]| {
        let bills = Bills::file("a.csv", bill(rows));
        let snapshot = bills.store.snapshot();
        snapshot.deliveries.iter().filter_map(|delivery| Some(delivery.parts.day.clone()?.hash)).collect::<Vec<_>>()
    };
    assert_eq!(hashes(&all), hashes(&back));
}

#[test]
fn mixed_currencies_are_an_error_that_names_them() {
    let mixed =
        bill(&[("2026-01-05", "a", "1", "USD"), ("2026-01-05", "a", "2", "EUR"), ("2026-01-05", "a", "3", "SGD")]);
    let bills = Bills::file("a.csv", mixed);
    let error = bills.ask(&json!({"metric": "BilledCost", "grain": "total"})).unwrap_err().to_string();
    assert!(error.contains("EUR, SGD, USD"), "{error}");
    assert!(error.contains("group by BillingCurrency"), "{error}");
    let one =
        bills.ask(&json!({"metric": "BilledCost", "grain": "total", "format": "table", "currency": "EUR"})).unwrap();
    assert!(format!("{:?}", one.frames[0].fields).contains("Exact([Some(2)])"), "{:?}", one.frames[0].fields);
}

#[test]
fn a_table_by_day_runs_on_and_stands_beside_last_month() {
    let rows = [("2026-01-05", "1"), ("2026-01-06", "2"), ("2026-02-05", "10"), ("2026-02-06", "20")];
    let bills = Bills::file("a.csv", bill(&rows.map(|(day, cost)| (day, "a", cost, "USD"))));
    let february =
        Period { start: Instant::midnight(2026, 2, 1).unwrap(), end: Instant::midnight(2026, 3, 1).unwrap() };
    let query = json!({"format": "table", "grain": "day", "cumulative": true, "compare": "previousPeriod"});
    let answer = bills.ask_in(&query, february).unwrap();
    let column = |name: &str| {
        let field = answer.frames[0].fields.iter().find(|field| field.name == name).unwrap();
        let Values::Exact(values) = &field.values else { panic!("{name} is no money") };
        values.iter().map(|value| value.map_or_else(|| "unknown".into(), |value| value.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(column("EffectiveCost"), ["0", "0", "0", "0", "10", "30"]);
    assert_eq!(column("previous"), ["0", "0", "0", "0", "1", "3"]);
    assert_eq!(column("change"), ["0", "0", "0", "0", "9", "27"]);
}

#[test]
fn what_rejected_rows_would_have_added_is_told() {
    let bills = Bills::file("a.csv", bill(&[("2026-01-05", "a", "1", "USD"), ("2026-01-45", "a", "2.5", "USD")]));
    assert_eq!(total(&bills), "1 USD");
    let data = format!("{:?}", bills.ask(&json!({"kind": "data"})).unwrap());
    assert!(data.contains("rejected: 1x impossible-time:ChargePeriodStart"), "{data}");
    assert!(data.contains("BilledCost USD 2.5 in rejected rows"), "{data}");
}

#[test]
fn identifiers_keep_their_zeros() {
    let bills = Bills::file("a.csv", bill(&[("2026-01-05", "a", "1", "USD")]));
    let answer = bills
        .ask(&json!({"grain": "total", "format": "table", "groupBy": ["BillingAccountId", "SubAccountId"]}))
        .unwrap();
    let text = format!("{:?}", answer.frames[0].fields);
    assert!(text.contains("001234567890") && text.contains("000000000042"), "{text}");
}

#[test]
fn rows_before_since_are_left_out() {
    let files = Files::of([("a.csv", bill(&[("2025-12-31", "a", "1", "USD"), ("2026-01-01", "a", "2", "USD")]))]);
    let mut bills = Bills::empty(files);
    bills.rules.since = Month::parse("2026-01");
    bills.refresh().unwrap();
    assert_eq!(bills.failures, []);
    assert_eq!(total(&bills), "2 USD");
}
