//! The built binary, driven as Grafana drives it: cookie, one line, calls of every kind, a clean end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use grafana_plugin_sdk::pluginv2 as pb;
use serde_json::json;
use tonic::Code;

use crate::grafana::{self, Datasource, Grafana, Query, rules};

const PLUGIN: &str = env!("CARGO_BIN_EXE_outlay");
/// The whole of 2026's first quarter, in milliseconds.
const QUARTER: (i64, i64) = (1_767_225_600_000, 1_775_001_600_000);
/// Words that must not be seen again anywhere; in each credential field.
const CANARY: &str = "cAnArY/Secret+4711";

/// A plugin with a store of its own.
struct Plugin {
    grafana: Grafana,
    _store: tempfile::TempDir,
}

impl std::ops::Deref for Plugin {
    type Target = Grafana;
    fn deref(&self) -> &Grafana {
        &self.grafana
    }
}

async fn plugin_with(environment: &[(&str, &str)]) -> Plugin {
    let store = tempfile::tempdir().unwrap();
    let mut all = BTreeMap::from([("GF_PLUGIN_OUTLAY_STORE_DIR".to_owned(), store.path().display().to_string())]);
    all.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Plugin { grafana: Grafana::start(Path::new(PLUGIN), &all).await.unwrap(), _store: store }
}

async fn plugin() -> Plugin {
    plugin_with(&[]).await
}

impl Plugin {
    /// Ends it as Grafana does and holds it to everything that Grafana expects of an end.
    async fn stop_cleanly(self) {
        let ended = self.grafana.stop().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.answered < Duration::from_millis(500) && ended.took < Duration::from_millis(1_900), "{ended:?}");
        assert_eq!(ended.stdout, "", "more than the handshake on standard output");
        check_log(&ended.stderr);
    }
}

/// Grafana's reading of standard error: JSON objects whose own keys are texts, bounded, no secrets.
fn check_log(lines: &[String]) {
    for line in lines {
        assert!(line.len() <= 8 * 1024, "{line}");
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["@message", "@level", "@timestamp"] {
            assert!(object[key].is_string(), "{key} in {line}");
        }
        let level = object["@level"].as_str().unwrap();
        assert!(["trace", "debug", "info", "warn", "error"].contains(&level), "{line}");
    }
}

fn cost(ref_id: &str) -> Query {
    Query::new(ref_id, json!({"kind": "cost", "version": 1, "somethingNew": {"a": [1]}}), QUARTER)
}

fn statuses(answers: &BTreeMap<String, grafana::Answered>) -> Vec<(&str, i32)> {
    answers.iter().map(|(ref_id, answer)| (ref_id.as_str(), answer.status)).collect()
}

#[test]
fn without_the_cookie_it_hints_and_ends() {
    for cookie in [None, Some("app"), Some("")] {
        let environment: BTreeMap<String, String> =
            cookie.map(|value| ("grafana_plugin_type".to_owned(), value.to_owned())).into_iter().collect();
        let output = grafana::command(Path::new(PLUGIN), &environment).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8(output.stderr).unwrap().contains("Grafana plugin"));
    }
}

#[tokio::test]
async fn it_says_one_line_and_serves_what_go_plugin_asks_for() {
    let started = Instant::now();
    let plugin = plugin().await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} to the handshake and the connection");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = plugin.handshake.split('|').nth(3).unwrap().to_owned();
        assert!(plugin.handshake.starts_with("1|2|unix|/") && path.len() <= 100, "{}", plugin.handshake);
        let folder = Path::new(&path).parent().unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    for path in ["/plugin.GRPCBroker/StartStream", "/plugin.GRPCStdio/StreamStdio", "/plugin.GRPCController/Other"] {
        assert_eq!(plugin.empty_call(path).await.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
    let mut health = tonic_health::pb::health_client::HealthClient::new(plugin.channel.clone());
    let request = tonic_health::pb::HealthCheckRequest { service: "plugin".into() };
    assert_eq!(health.check(request).await.unwrap().into_inner().status, 1);
    let folder = Path::new(plugin.handshake.split('|').nth(3).unwrap()).parent().unwrap().to_owned();
    plugin.stop_cleanly().await;
    assert!(!folder.exists() || folder == Path::new(""), "the folder of the socket stays");
}

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
    plugin
        .query(&Datasource::default(), &[], vec![cost("A"), Query { json: b"{".to_vec(), ..cost("B") }])
        .await
        .unwrap();
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
    let answers = plugin.query(&Datasource::default(), &[], queries).await.unwrap();
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
    assert!(answers["wrongType"].error.contains("top"), "{}", answers["wrongType"].error);
    assert!(answers["unknownKind"].error.contains("known are cost, data"), "{}", answers["unknownKind"].error);
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn names_and_numbers_of_queries_are_checked() {
    let plugin = plugin().await;
    let datasource = Datasource::default();
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
    let named = |role: Option<&str>| Datasource { role: role.map(str::to_owned), ..Datasource::default() };
    let mut datasources: Vec<Datasource> =
        [Some(""), Some("None"), Some("Viewer"), Some("Root"), None].into_iter().map(named).collect();
    datasources.push(Datasource { updated_ms: 5, ..Datasource::default() });
    datasources.push(Datasource {
        secure_json_data: [("billing.a.secretAccessKey".to_owned(), "other".to_owned())].into(),
        ..Datasource::default()
    });
    datasources.push(Datasource { org_id: 2, ..Datasource::default() });
    datasources.push(Datasource { json_data: serde_json::Value::Null, ..Datasource::default() });
    for datasource in &datasources {
        for headers in [&[][..], &[("FromAlert", "true"), ("X-Cache-Skip", "true")]] {
            let answers = plugin.query(datasource, headers, vec![cost("A")]).await.unwrap();
            assert_eq!(statuses(&answers), [("A", 200)], "{datasource:?} {}", answers["A"].error);
        }
    }
    let mut nowhere = Datasource::default().context();
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
        plugin.query_data(Some(Datasource::default().context()), &[], queries, None)
    };
    let answered = padded(5).await.unwrap();
    assert_eq!(answered.responses.len(), 25);
    assert!(answered.responses.values().all(|answer| answer.status == 200));
    assert_eq!(padded(17).await.unwrap_err().code(), Code::OutOfRange);
    let answers = plugin.query(&Datasource::default(), &[], vec![cost("A")]).await.unwrap();
    assert_eq!(statuses(&answers), [("A", 200)], "the connection lives on");
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn two_hundred_panels_at_once_all_get_an_answer() {
    let plugin = plugin().await;
    let datasource = Datasource::default();
    let calls = (0..200).map(|_| plugin.query(&datasource, &[], vec![cost("A"), cost("B")]));
    for answers in futures::future::join_all(calls).await {
        for answer in answers.unwrap().values() {
            let overloaded = answer.status == 429 && answer.error.contains("try again");
            assert!(answer.status == 200 || overloaded, "{} {}", answer.status, answer.error);
        }
    }
    // A dashboard that is closed cancels all its calls; the connection and the counters live on.
    let calls = (0..200).map(|_| plugin.query(&datasource, &[], vec![cost("A")]));
    let cancelled = tokio::time::timeout(Duration::from_millis(2), futures::future::join_all(calls)).await;
    drop(cancelled);
    let deadline = plugin
        .query_data(Some(datasource.context()), &[], vec![cost("A").message()], Some(Duration::from_millis(50)))
        .await;
    assert_eq!(deadline.map(|response| response.responses.len()).map_err(|status| status.to_string()), Ok(1));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(plugin.metrics().await.unwrap().contains("outlay_queries_in_flight 0\n"));
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn resource_routes_are_closed_and_know_roles() {
    let plugin = plugin().await;
    let role = |role: &str| Datasource { role: Some(role.into()), ..Datasource::default() };
    let (viewer, editor) = (role("Viewer"), role("Editor"));
    let get =
        async |datasource: &Datasource, url: &str| plugin.resource(datasource, "GET", url, Vec::new()).await.unwrap();
    for url in ["dimensions", "values?dimension=ServiceName&search=&limit=10", "status"] {
        let found = get(&viewer, url).await;
        assert_eq!(found.code, 200, "{url}: {}", found.json());
        assert!(found.json().is_array(), "{url}: {}", found.json());
        assert_eq!(found.headers["Content-Type"].values, ["application/json"]);
    }
    for url in [
        "nothing",
        "",
        "..",
        "%2e%2e",
        "%2e%2e/dimensions",
        "//dimensions",
        "dimensions/..",
        "dimensions%00",
        "dimensions\0",
        "../../etc/passwd",
        "kpis",
    ] {
        let found = get(&editor, url).await;
        assert_eq!(found.code, 404, "{url:?}");
        assert!(found.json()["message"].is_string(), "{url:?}");
    }
    let wrong = plugin.resource(&editor, "POST", "dimensions", Vec::new()).await.unwrap();
    assert_eq!((wrong.code, wrong.headers["Allow"].values.as_slice()), (405, &["GET".to_owned()][..]));
    let unknown = get(&viewer, "values?dimension=").await;
    assert_eq!(unknown.code, 400, "{}", unknown.json());
    let body = vec![b'x'; 300 * 1024];
    assert_eq!(plugin.resource(&viewer, "POST", "refresh", body.clone()).await.unwrap().code, 403);
    assert_eq!(plugin.resource(&editor, "POST", "refresh", body).await.unwrap().code, 413);
    assert_eq!(plugin.resource(&viewer, "POST", "refresh", Vec::new()).await.unwrap().code, 403);
    assert_eq!(plugin.resource(&editor, "POST", "refresh", Vec::new()).await.unwrap().code, 202);
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn health_answers_with_an_object_and_within_five_seconds() {
    let plugin = plugin().await;
    for role in [None, Some("Viewer"), Some("Admin")] {
        let datasource = Datasource { role: role.map(str::to_owned), ..Datasource::default() };
        let started = Instant::now();
        let health = plugin.health(&datasource).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(6));
        assert_ne!(health.status, 0);
        let details: serde_json::Value = serde_json::from_slice(&health.json_details).unwrap();
        assert!(details["checks"].is_array(), "{details}");
    }
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn secrets_are_seen_nowhere() {
    let plugin = plugin_with(&[
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("GF_PLUGIN_OUTLAY_LOG", "trace"),
        ("GF_SECURITY_ADMIN_PASSWORD", CANARY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
    ])
    .await;
    let fields = ["accessKeyId", "secretAccessKey", "sessionToken"];
    let secrets = fields.map(|field| (format!("billing.a.{field}"), CANARY.to_owned()));
    let datasource = Datasource {
        // Nothing listens on the discard port of this machine, and the operator allows no such host.
        json_data: json!({"billing": [{"id": "a", "format": "focus", "location": "s3://bucket/prefix",
            "region": "ap-southeast-1", "endpoint": "http://127.0.0.1:9"}]}),
        secure_json_data: secrets.into(),
        ..Datasource::default()
    };
    let mut seen = format!("{:?}", plugin.health(&datasource).await.unwrap());
    for headers in [&[("Authorization", CANARY), ("Cookie", CANARY)][..], &[("FromAlert", "true")]] {
        let queries = vec![
            cost("A"),
            Query::new("B", json!({"kind": "data"}), QUARTER),
            Query { json: b"{".to_vec(), ..cost("C") },
        ];
        seen += &format!("{:?}", plugin.query(&datasource, headers, queries).await.unwrap());
    }
    for url in ["status", "dimensions", "values?dimension=ServiceName"] {
        seen += &String::from_utf8(plugin.resource(&datasource, "GET", url, Vec::new()).await.unwrap().body).unwrap();
    }
    seen += &plugin.metrics().await.unwrap();
    let grafana::Ended { stdout, stderr, code, .. } = plugin.grafana.stop().await;
    check_log(&stderr);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    seen += &stderr.join("\n");
    for form in [CANARY.to_owned(), "cAnArY".into(), "Y0FuQXJZ".into(), "63416e417259".into(), "cAnArY%2FSecret".into()]
    {
        assert!(!seen.contains(&form), "{form} in {seen}");
    }
    assert!(
        !stderr.iter().any(|line| line.contains("\"h2") || line.contains("\"tonic")),
        "libraries are heard at trace"
    );
}

#[tokio::test]
async fn after_a_hard_kill_it_starts_again_at_once() {
    let store = tempfile::tempdir().unwrap();
    let sockets = tempfile::tempdir().unwrap();
    let environment = BTreeMap::from([
        ("GF_PLUGIN_OUTLAY_STORE_DIR".to_owned(), store.path().display().to_string()),
        ("PLUGIN_UNIX_SOCKET_DIR".to_owned(), sockets.path().display().to_string()),
    ]);
    let folders = || std::fs::read_dir(sockets.path()).unwrap().count();
    for _ in 0..3 {
        let started = Instant::now();
        let grafana = Grafana::start(Path::new(PLUGIN), &environment).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        assert!(grafana.handshake.contains(sockets.path().to_str().unwrap()), "{}", grafana.handshake);
        let answers = grafana.query(&Datasource::default(), &[], vec![cost("A")]).await.unwrap();
        assert_eq!(statuses(&answers), [("A", 200)]);
        assert_eq!(folders(), 1, "folders of killed processes are swept");
        grafana.kill();
    }
    let grafana = Grafana::start(Path::new(PLUGIN), &environment).await.unwrap();
    assert_eq!(grafana.stop().await.code, Some(0));
    assert_eq!(folders(), 0);
}

#[tokio::test]
async fn without_any_directory_for_sockets_it_listens_on_loopback() {
    let long = tempfile::tempdir().unwrap();
    let deep = long.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let deep = deep.display().to_string();
    // A directory whose sockets would have too long a path, then the system's own, which works.
    let plugin = plugin_with(&[("PLUGIN_UNIX_SOCKET_DIR", &deep), ("TMPDIR", &deep)]).await;
    assert!(
        plugin.handshake.starts_with("1|2|unix|/tmp/outlay-") || plugin.handshake.starts_with("1|2|tcp|127.0.0.1:")
    );
    plugin.stop_cleanly().await;
}

#[cfg(unix)]
mod signals {
    use super::*;

    fn signal(pid: u32, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    #[tokio::test]
    async fn an_interrupt_is_ignored_and_a_termination_is_a_clean_end() {
        let plugin = plugin().await;
        signal(plugin.pid(), rustix::process::Signal::INT);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answers = plugin.query(&Datasource::default(), &[], vec![cost("A")]).await.unwrap();
        assert_eq!(statuses(&answers), [("A", 200)]);
        let started = Instant::now();
        signal(plugin.pid(), rustix::process::Signal::TERM);
        let ended = plugin.grafana.ended(started, Duration::ZERO).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.took < Duration::from_millis(1_900), "{ended:?}");
    }

    #[tokio::test]
    async fn another_process_of_the_same_user_is_turned_away() {
        let plugin = plugin().await;
        let socket = plugin.handshake.split('|').nth(3).unwrap().to_owned();
        // The shell's child connects, sends the opening of HTTP/2 and waits for an answer that never comes.
        let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
            s.sendall(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'+bytes(3)+b'\\x04'+bytes(5))\n\
            print(len(s.recv(9)))";
        let Ok(output) = std::process::Command::new("python3").args(["-c", script, &socket]).output() else {
            eprintln!("not run: no python3 to call from another process");
            return plugin.stop_cleanly().await;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.trim() == "0" || said.contains("Broken pipe") || said.contains("reset"), "{said}");
        assert!(plugin.metrics().await.unwrap().contains("outlay_rejected_peers_total 1\n"));
        assert!(plugin.stderr().iter().any(|line| line.contains("turned away")));
        plugin.stop_cleanly().await;
    }

    #[tokio::test]
    async fn an_orphan_ends_by_itself() {
        // A shell starts the plugin in the background and is killed: nothing tells the plugin but its own watch.
        let store = tempfile::tempdir().unwrap();
        let mut environment: BTreeMap<String, String> =
            grafana::ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment.insert("GF_PLUGIN_OUTLAY_STORE_DIR".into(), store.path().display().to_string());
        environment.insert("PLUGIN_UNIX_SOCKET_DIR".into(), store.path().display().to_string());
        let mut shell = grafana::command(Path::new("/bin/sh"), &environment);
        let mut shell = shell.args(["-c", &format!("{PLUGIN} & echo $!; wait")]).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(shell.stdout.take().unwrap()));
        let first: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
        let pid: i32 = first.iter().find_map(|line| line.parse().ok()).unwrap();
        assert!(first.iter().any(|line| line.starts_with("1|2|")), "{first:?}");
        shell.kill().unwrap();
        shell.wait().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let started = Instant::now();
        while rustix::process::test_kill_process(pid).is_ok() && started.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(started.elapsed() < Duration::from_secs(4), "the orphan lives on");
    }
}

#[tokio::test]
async fn it_ends_in_time_with_calls_running() {
    let plugin = plugin().await;
    let datasource = Datasource::default();
    let running = {
        let calls = (0..50).map(|at| plugin.query(&datasource, &[], vec![cost(&at.to_string())]));
        futures::future::join_all(calls)
    };
    // Calls on their way while the end comes: they are answered or told that the plugin stops, and hold nothing up.
    let started = Instant::now();
    let (answers, shutdown) = tokio::join!(running, plugin.empty_call("/plugin.GRPCController/Shutdown"));
    let answered = started.elapsed();
    assert!(shutdown.is_ok() || answers.iter().any(Result::is_err), "{shutdown:?}");
    let ended = plugin.grafana.ended(started, answered).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_millis(1_900), "{ended:?}");
}

#[tokio::test]
async fn answers_keep_the_rules_of_expressions_and_alerts() {
    let plugin = plugin().await;
    for (from_alert, headers) in [(false, &[][..]), (true, &[("FromAlert", "true")])] {
        let queries = vec![cost("A"), Query::new("B", json!({"kind": "data"}), QUARTER)];
        let answers = plugin.query(&Datasource::default(), headers, queries).await.unwrap();
        for (ref_id, answer) in answers.iter().filter(|(_, answer)| !answer.frames.is_empty()) {
            rules::check(&answer.frames, from_alert).unwrap_or_else(|error| panic!("{ref_id}: {error}"));
        }
    }
    plugin.stop_cleanly().await;
}
