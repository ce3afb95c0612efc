//! Queries through the built binary as Grafana sends them: every refId is answered on its own, whatever its neighbours are.

use std::time::Duration;

use grafana_plugin_sdk::pluginv2 as pb;
use serde_json::json;
use tonic::Code;

use crate::grafana::{self, Datasource, Query};
use crate::plugin::{QUARTER, ask, cost, plugin, statuses};

#[tokio::test]
async fn streams_and_metrics_answer() {
    let plugin = plugin().await;
    let mut streams = pb::stream_client::StreamClient::new(plugin.channel.clone());
    let subscribed = streams.subscribe_stream(pb::SubscribeStreamRequest::default()).await.unwrap().into_inner();
    assert_eq!(subscribed.status(), pb::subscribe_stream_response::Status::NotFound);
    let published = streams.publish_stream(pb::PublishStreamRequest::default()).await.unwrap().into_inner();
    assert_eq!(published.status(), pb::publish_stream_response::Status::PermissionDenied);
    let mut running = streams.run_stream(pb::RunStreamRequest::default()).await.unwrap().into_inner();
    assert!(running.message().await.unwrap().is_none());
    plugin.query(&plugin.datasource(), &[], vec![cost("A"), Query { json: b"{".to_vec(), ..cost("B") }]).await.unwrap();
    let metrics = plugin.metrics().await.unwrap();
    for expected in [
        "outlay_build_info{version=\"",
        "outlay_queries_total{kind=\"cost\",outcome=\"ok\"} 1\n",
        "outlay_queries_total{kind=\"unknown\",outcome=\"bad_query\"} 1\n",
        "outlay_queries_in_flight 0\n",
        "outlay_panics_total 0\n",
    ] {
        assert!(metrics.contains(expected), "{expected} in\n{metrics}");
    }
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn a_bad_query_fails_alone() {
    let plugin = plugin().await;
    let with = |ref_id: &str, text: &str| Query { json: text.as_bytes().to_vec(), ..cost(ref_id) };
    let range = |ref_id: &str, from, to| Query { range_ms: Some((from, to)), ..cost(ref_id) };
    let points =
        |ref_id: &str, points, interval| Query { max_data_points: points, interval_ms: interval, ..cost(ref_id) };
    let queries = vec![
        cost("good"),
        with("notJson", "{\"kind\":"),
        with("notObject", "[1]"),
        with("wrongType", r#"{"kind":"cost","top":"ten"}"#),
        with("unknownKind", r#"{"kind":"costs"}"#),
        with("newer", r#"{"kind":"cost","version":2}"#),
        with("long", &format!(r#"{{"kind":"cost","x":"{}"}}"#, "y".repeat(256 * 1024))),
        with("deep", &format!(r#"{{"kind":"cost","x":{}{}}}"#, "[".repeat(500), "]".repeat(500))),
        with("unknownDimension", r#"{"kind":"cost","groupBy":["ServiceNam"]}"#),
        with("variable", r#"{"kind":"cost","filters":[{"key":"ServiceName","values":["$service"]}]}"#),
        with("badPattern", r#"{"kind":"cost","filters":[{"key":"ServiceName","operator":"=~","values":["("]}]}"#),
        range("reversed", QUARTER.1, QUARTER.0),
        range("extremes", i64::MIN, i64::MAX),
        range("farFuture", i64::MAX - 1, i64::MAX),
        Query { range_ms: None, ..cost("noRange") },
        points("manyPoints", 43_200, 1_000),
        points("noPoints", 0, 0),
        points("negative", -5, -1_000),
        points("extremePoints", i64::MAX, i64::MIN),
        Query { query_type: "cost".into(), ..with("byType", "{}") },
        with("bytes", "\u{feff}{}"),
        Query { json: vec![0xff, 0xfe], ..cost("notText") },
        cost(""),
    ];
    let answers = plugin.query(&plugin.datasource(), &[], queries).await.unwrap();
    let failing = ["notJson", "notObject", "wrongType", "unknownKind", "newer", "long", "deep", "bytes", "notText"];
    assert_eq!(answers.len(), 23);
    for (ref_id, answer) in &answers {
        if failing.contains(&ref_id.as_str()) {
            assert_eq!((answer.status, answer.frames.len()), (400, 0), "{ref_id}: {}", answer.error);
            assert!(!answer.error.is_empty() && answer.error.len() < 600, "{ref_id}: {}", answer.error);
        } else if answer.status == 200 {
            assert_eq!(answer.error, "", "{ref_id}");
        } else {
            assert!(answer.status == 400 && !answer.error.is_empty(), "{ref_id}: {} {}", answer.status, answer.error);
        }
    }
    assert_eq!(answers["good"].status, 200, "{}", answers["good"].error);
    for (ref_id, status, words) in [
        ("unknownDimension", 400, "did you mean"),
        ("variable", 400, "`$service`"),
        ("badPattern", 400, "regular expression"),
        ("reversed", 400, "time range"),
        ("extremes", 400, "time range"),
        ("noRange", 400, "time range"),
        ("manyPoints", 200, ""),
        ("noPoints", 200, ""),
        ("negative", 200, ""),
        ("extremePoints", 200, ""),
        ("byType", 200, ""),
        ("", 200, ""),
    ] {
        let answer = &answers[ref_id];
        assert!(
            answer.status == status && answer.error.contains(words),
            "{ref_id}: {} {}",
            answer.status,
            answer.error
        );
    }
    assert!(answers["wrongType"].error.contains("top"), "{}", answers["wrongType"].error);
    assert!(answers["unknownKind"].error.contains("known are cost, data"), "{}", answers["unknownKind"].error);
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn names_and_numbers_of_queries_are_checked() {
    let plugin = plugin().await;
    let datasource = plugin.datasource();
    let answers = plugin.query(&datasource, &[], vec![cost("A"), cost("B"), cost("A")]).await.unwrap();
    assert_eq!(statuses(&answers), [("A", 400), ("B", 200)]);
    assert!(answers["A"].error.contains("`A` occurs more than once"), "{}", answers["A"].error);
    let many = (0..101).map(|at| cost(&format!("Q{at:03}"))).collect();
    let answers = plugin.query(&datasource, &[], many).await.unwrap();
    assert_eq!(answers.len(), 101);
    assert_eq!(answers.values().filter(|answer| answer.status == 200).count(), 100);
    assert!(answers["Q100"].error.contains("101 queries"), "{}", answers["Q100"].error);
    assert!(plugin.query(&datasource, &[], Vec::new()).await.unwrap().is_empty());
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn every_caller_and_every_state_of_settings_is_answered() {
    let plugin = plugin().await;
    let named = |role: Option<&str>| Datasource { role: role.map(str::to_owned), ..plugin.datasource() };
    let mut datasources: Vec<Datasource> =
        [Some(""), Some("None"), Some("Viewer"), Some("Root"), None].into_iter().map(named).collect();
    datasources.push(Datasource { updated_ms: 5, ..plugin.datasource() });
    datasources.push(Datasource {
        secure_json_data: [("billing.a.secretAccessKey".to_owned(), "other".to_owned())].into(),
        ..plugin.datasource()
    });
    datasources.push(Datasource { org_id: 2, ..plugin.datasource() });
    datasources.push(Datasource { json_data: serde_json::Value::Null, ..plugin.datasource() });
    for datasource in &datasources {
        for headers in [&[][..], &[("FromAlert", "true"), ("X-Cache-Skip", "true")]] {
            let answers = plugin.query(datasource, headers, vec![cost("A")]).await.unwrap();
            assert_eq!(statuses(&answers), [("A", 200)], "{datasource:?} {}", answers["A"].error);
        }
    }
    let mut nowhere = plugin.datasource().context();
    nowhere.data_source_instance_settings = None;
    for context in [None, Some(nowhere)] {
        let queries = vec![cost("A").message(), cost("B").message()];
        let response = plugin.query_data(context, &[], queries, None).await.unwrap();
        let answers = grafana::read_response(response).unwrap();
        assert_eq!(statuses(&answers), [("A", 400), ("B", 400)]);
        assert!(answers["A"].error.contains("names no datasource"));
    }
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn requests_are_read_up_to_sixteen_mebibytes() {
    let plugin = plugin().await;
    let padded = |mib: usize| {
        let queries: Vec<pb::DataQuery> = (0..mib * 5)
            .map(|at| {
                let query = json!({"kind": "cost", "padding": "x".repeat(1024 * 1024 / 5)});
                Query { json: query.to_string().into_bytes(), ..cost(&at.to_string()) }.message()
            })
            .collect();
        plugin.query_data(Some(plugin.datasource().context()), &[], queries, None)
    };
    let answered = padded(5).await.unwrap();
    assert_eq!(answered.responses.len(), 25);
    assert!(answered.responses.values().all(|answer| answer.status == 200));
    assert_eq!(padded(17).await.unwrap_err().code(), Code::OutOfRange);
    let answers = plugin.query(&plugin.datasource(), &[], vec![cost("A")]).await.unwrap();
    assert_eq!(statuses(&answers), [("A", 200)], "the connection lives on");
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn two_hundred_panels_at_once_all_get_an_answer() {
    let plugin = plugin().await;
    let datasource = plugin.datasource();
    plugin.ready(&datasource).await;
    // Each asks something else, so that none can share the answer of another.
    let different = |at: usize| ask("A", json!({"kind": "cost", "top": at, "groupBy": ["ServiceName"]}));
    let calls = (0..200).map(|at| plugin.query(&datasource, &[], vec![different(at), cost("B")]));
    let mut answered = 0;
    for answers in futures::future::join_all(calls).await {
        for answer in answers.unwrap().values() {
            let overloaded = answer.status == 429 && answer.error.contains("try again");
            assert!(answer.status == 200 || overloaded, "{} {}", answer.status, answer.error);
            answered += usize::from(answer.status == 200);
        }
    }
    assert!(answered >= 68, "{answered} of 400: not even those that have a place and those that may wait");
    // A dashboard that is closed cancels all its calls; the connection and the counters live on.
    let calls = (300..500).map(|at| plugin.query(&datasource, &[], vec![different(at)]));
    drop(tokio::time::timeout(Duration::from_millis(2), futures::future::join_all(calls)).await);
    let deadline = plugin
        .query_data(Some(datasource.context()), &[], vec![cost("A").message()], Some(Duration::from_millis(50)))
        .await;
    assert_eq!(deadline.map(|response| response.responses.len()).map_err(|status| status.to_string()), Ok(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let metrics = plugin.metrics().await.unwrap();
    assert!(metrics.contains("outlay_queries_in_flight 0\n"), "{metrics}");
    assert!(metrics.contains("outlay_queries_running{lane=\"panels\"} 0\n"), "{metrics}");
    plugin.stop_cleanly().await;
}

/// Random numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below.max(1) as u64).unwrap()
    }
}

/// A query with some bytes changed, some left out, some doubled.
fn mutated(dice: &mut Dice, json: &[u8]) -> Vec<u8> {
    let mut bytes = json.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(4) {
            0 => bytes.truncate(at),
            1 => bytes[at] = b"{}[]\",:0-9e\\\xff"[dice.roll(13)],
            2 => {
                let end = (at + dice.roll(20)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => drop(bytes.remove(at)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[tokio::test]
async fn malformed_queries_are_all_answered() {
    let plugin = plugin().await;
    let seed = 20_261_124;
    let mut dice = Dice(seed);
    let whole = json!({"kind": "cost", "version": 1, "metric": "BilledCost", "groupBy": ["ServiceName", "Tags.env"],
        "grain": "day", "top": 5, "others": true, "filters": [{"key": "Market", "operator": "=~", "values": ["A.*"]}],
        "timezone": "Asia/Singapore", "compare": "previousPeriod", "format": "table"})
    .to_string()
    .into_bytes();
    for round in 0..40 {
        let queries: Vec<Query> = (0..50)
            .map(|at| {
                let times = [i64::MIN, -1, 0, 1, QUARTER.0, QUARTER.1, i64::MAX / 1_000_000, i64::MAX];
                let range = (times[dice.roll(times.len())], times[dice.roll(times.len())]);
                let numbers = [i64::MIN, -1, 0, 1, 43_200, i64::MAX];
                Query {
                    json: mutated(&mut dice, &whole),
                    range_ms: Some(range),
                    interval_ms: numbers[dice.roll(numbers.len())],
                    max_data_points: numbers[dice.roll(numbers.len())],
                    ..cost(&at.to_string())
                }
            })
            .collect();
        let answers = plugin.query(&plugin.datasource(), &[], queries).await;
        let answers = answers.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
        assert_eq!(answers.len(), 50, "seed {seed}, round {round}");
        for (ref_id, answer) in &answers {
            let text = &answer.error;
            assert!(matches!(answer.status, 200 | 400 | 429), "seed {seed}, round {round}, {ref_id}: {text}");
            assert_eq!(answer.status == 200, text.is_empty(), "seed {seed}, round {round}, {ref_id}: {text}");
        }
    }
    assert!(plugin.metrics().await.unwrap().contains("outlay_panics_total 0\n"));
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn malformed_messages_fail_alone() {
    let plugin = plugin().await;
    let mut dice = Dice(7);
    let context = prost::Message::encode_to_vec(&plugin.datasource().context());
    let mut read = 0;
    for _ in 0..500 {
        // A message of bytes has the tag of the plugin context, so these are contexts with mutations inside.
        let bytes = mutated(&mut dice, &context);
        let mut grpc = tonic::client::Grpc::new(plugin.channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic::codec::ProstCodec::<Vec<u8>, pb::QueryDataResponse>::default();
        let path = http::uri::PathAndQuery::from_static("/pluginv2.Data/QueryData");
        match grpc.unary(tonic::Request::new(bytes), path, codec).await {
            Ok(response) => {
                assert!(response.into_inner().responses.is_empty());
                read += 1;
            }
            Err(status) => assert_eq!(status.code(), Code::Internal, "{status}"),
        }
    }
    assert!(read > 10 && read < 490, "{read} of 500 could be read");
    let answers = plugin.query(&plugin.datasource(), &[], vec![cost("A")]).await.unwrap();
    assert_eq!(statuses(&answers), [("A", 200)]);
    plugin.stop_cleanly().await;
}
