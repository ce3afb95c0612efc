//! Answers of the built binary over known bills: exact figures, and shapes that panels, expressions and alerts can read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::deliveries::bill;
use crate::grafana::reader::{Frame, Kind};
use crate::grafana::{Datasource, rules};
use crate::plugin::{ask, plugin, plugin_with};

const ALERT: &[(&str, &str)] = &[("FromAlert", "true")];

fn sum(frame: &Frame) -> f64 {
    let numbers = frame.fields.iter().filter(|field| field.kind == Kind::Number);
    numbers.flat_map(|field| &field.values).filter_map(serde_json::Value::as_f64).sum()
}

#[tokio::test]
async fn known_bills_come_out_exactly() {
    let plugin = plugin().await;
    let datasource = plugin.datasource();
    plugin.ready(&datasource).await;
    let queries = vec![
        ask("total", json!({"kind": "cost", "grain": "total"})),
        ask("days", json!({"kind": "cost", "grain": "day"})),
        ask("services", json!({"kind": "cost", "grain": "month", "groupBy": ["ServiceName"]})),
        ask("rows", json!({"kind": "cost", "format": "table", "grain": "total", "groupBy": ["ServiceName"]})),
        ask("data", json!({"kind": "data"})),
    ];
    let answers = plugin.query(&datasource, &[], queries).await.unwrap();
    for (ref_id, answer) in &answers {
        assert_eq!((answer.status, answer.error.as_str()), (200, ""), "{ref_id}");
        rules::check(&answer.frames, false).unwrap_or_else(|error| panic!("{ref_id}: {error}"));
        let totals = &answer.frames[0].meta.custom["outlay"]["totals"];
        let metric = if ref_id == "data" { "BilledCost" } else { "EffectiveCost" };
        assert_eq!(*totals, json!({ metric: {"USD": "13.7500000001"} }), "{ref_id}");
    }
    for ref_id in ["total", "days", "services"] {
        assert!((sum(&answers[ref_id].frames[0]) - 13.750_000_000_1).abs() < 1e-12, "{ref_id}");
    }
    let services = &answers["services"].frames[0];
    let by_name: BTreeMap<&str, &Vec<serde_json::Value>> =
        services.fields[1..].iter().map(|field| (field.labels["ServiceName"].as_str(), &field.values)).collect();
    assert_eq!(by_name["Compute"], &[json!(11.25), json!(0.5)]);
    assert_eq!(by_name["say \"hi\", \u{1F600}\nsecond line"], &[json!(2.5), json!(0.0)]);
    assert_eq!(by_name[""], &[json!(0.0), json!(0.5)]);
    assert_eq!(by_name.len(), 4);
    assert!(services.fields[1..].iter().all(|field| field.config.unit == "currencyUSD"));
    let rows = &answers["rows"].frames[0];
    assert_eq!(rows.fields[0].values.len(), 4);
    let data = &answers["data"].frames[0];
    let column = |name: &str| data.fields.iter().find(|field| field.name == name).map(|field| field.values.clone());
    assert_eq!(column("period"), Some(vec![json!("2026-02"), json!("2026-01")]));
    assert_eq!(column("rows"), Some(vec![json!(4), json!(3)]));
    assert_eq!(column("billedExact"), Some(vec![json!("0.0000000001"), json!("13.75")]));
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn every_shape_is_readable_by_panels_expressions_and_alerts() {
    let plugin = plugin().await;
    let datasource = plugin.datasource();
    plugin.ready(&datasource).await;
    let queries = [
        json!({}),
        json!({"grain": "total"}),
        json!({"grain": "week", "timezone": "Asia/Singapore"}),
        json!({"grain": "hour", "groupBy": ["ServiceName", "RegionId"]}),
        json!({"groupBy": ["ServiceName"], "top": 1}),
        json!({"groupBy": ["ServiceName"], "top": 1, "others": false}),
        json!({"groupBy": ["ServiceName"], "compare": "previousPeriod"}),
        json!({"cumulative": true, "compare": "previousYear"}),
        json!({"metric": "BilledCost", "format": "table"}),
        json!({"format": "table", "groupBy": ["ServiceName", "SubAccountId"], "grain": "month"}),
        json!({"format": "table", "groupBy": ["ServiceName"], "grain": "total", "compare": "previousPeriod"}),
        json!({"filters": [{"key": "ServiceName", "values": ["Nothing"]}]}),
        json!({"format": "table", "filters": [{"key": "ServiceName", "values": ["Nothing"]}]}),
        json!({"excludeIncomplete": true}),
        json!({"kind": "data"}),
    ];
    for headers in [&[][..], ALERT] {
        for query in &queries {
            let mut query = query.clone();
            query.as_object_mut().unwrap().entry("kind").or_insert_with(|| "cost".into());
            let answers = plugin.query(&datasource, headers, vec![ask("A", query.clone())]).await.unwrap();
            let answer = &answers["A"];
            assert_eq!((answer.status, answer.error.as_str()), (200, ""), "{query}");
            rules::check(&answer.frames, !headers.is_empty()).unwrap_or_else(|error| {
                panic!("{query}, alert {}: {error}\n{:?}", !headers.is_empty(), answer.frames);
            });
            assert!(!answer.frames[0].meta.executed_query_string.is_empty(), "{query}");
            let empty = query["filters"].is_array();
            assert_eq!(answer.frames[0].fields.is_empty(), empty, "{query}");
        }
    }
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn currencies_are_never_added_together() {
    let plugin = plugin().await;
    let rows = [("2026-01-05", "a", "1", "USD"), ("2026-01-05", "a", "100", "KRW")];
    std::fs::write(plugin.bills.path().join("mixed.csv"), bill(&rows)).unwrap();
    let datasource = plugin.datasource();
    plugin.ready(&datasource).await;
    let queries = vec![
        ask("mixed", json!({"kind": "cost"})),
        ask("split", json!({"kind": "cost", "groupBy": ["BillingCurrency"], "grain": "month"})),
        ask("one", json!({"kind": "cost", "currency": "KRW", "grain": "total"})),
    ];
    let answers = plugin.query(&datasource, &[], queries).await.unwrap();
    assert_eq!(answers["mixed"].status, 400);
    assert!(answers["mixed"].error.contains("KRW, USD"), "{}", answers["mixed"].error);
    let units = |ref_id: &str| -> Vec<&str> {
        let fields = answers[ref_id].frames[0].fields.iter().filter(|field| field.kind == Kind::Number);
        fields.map(|field| field.config.unit.as_str()).collect()
    };
    let mut split = units("split");
    split.sort_unstable();
    assert_eq!(split, ["currencyKRW", "currencyUSD"]);
    assert_eq!(units("one"), ["currencyKRW"]);
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn a_cancelled_query_stops_its_work() {
    let plugin = plugin_with(&[("GF_PLUGIN_OUTLAY_ANSWER_CACHE", "off")]).await;
    // The sample: enough rows that a query over single rows takes its time.
    let datasource = Datasource::default();
    plugin.ready(&datasource).await;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let year = (now - 365 * 86_400_000, now);
    for at in 0..20 {
        let slow = json!({"kind": "cost", "grain": "day", "currency": "USD", "top": at,
            "groupBy": ["ResourceId", "SkuId", "ServiceName"]});
        let query = crate::grafana::Query::new("A", slow, year);
        drop(tokio::time::timeout(Duration::from_millis(3), plugin.query(&datasource, &[], vec![query])).await);
    }
    let started = Instant::now();
    let metrics = loop {
        let metrics = plugin.metrics().await.unwrap();
        let idle = metrics.contains("outlay_queries_in_flight 0\n")
            && metrics.contains("outlay_queries_running{lane=\"panels\"} 0\n");
        if idle || started.elapsed() > Duration::from_secs(1) {
            assert!(idle, "still running after a second:\n{metrics}");
            break metrics;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(
        metrics.contains("outlay_queries_total{kind=\"cost\",outcome=\"cancelled\"} "),
        "none was cancelled:\n{metrics}"
    );
    plugin.stop_cleanly().await;
}
