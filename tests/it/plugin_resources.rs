//! What surrounds the queries: the editors' routes, "Save & test", and the secrets that none of them may show.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::grafana::{self, Datasource, Query};
use crate::plugin::{QUARTER, check_log, cost, plugin, plugin_with};

/// Words that must not be seen again anywhere; in each credential field.
const CANARY: &str = "cAnArY/Secret+4711";

#[tokio::test]
async fn resource_routes_are_closed_and_know_roles() {
    let plugin = plugin().await;
    let role = |role: &str| Datasource { role: Some(role.into()), ..plugin.datasource() };
    let (viewer, editor) = (role("Viewer"), role("Editor"));
    plugin.ready(&viewer).await;
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
    assert_eq!(get(&viewer, "values?dimension=ServiceName&search=comp").await.json(), json!(["Compute"]));
    let dimensions = get(&viewer, "dimensions").await.json();
    assert!(dimensions.as_array().unwrap().iter().any(|dimension| dimension["name"] == "ServiceName"), "{dimensions}");
    let again = plugin.resource(&editor, "POST", "refresh", Vec::new()).await.unwrap();
    assert_eq!(again.code, 429);
    assert!(again.headers["Retry-After"].values[0].parse::<u64>().is_ok_and(|seconds| seconds <= 60));
    plugin.stop_cleanly().await;
}

#[tokio::test]
async fn health_says_what_is_wrong_and_the_way_out_and_tells_viewers_no_places() {
    let plugin = plugin().await;
    let missing = plugin.bills.path().join("missing");
    let empty = plugin.bills.path().join("empty");
    let foreign = plugin.bills.path().join("foreign");
    std::fs::create_dir(&empty).unwrap();
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("notes.csv"), "dear diary,\n1,2\n").unwrap();
    let billing = |location: String| json!({"billing": [{"id": "a", "location": location}]});
    let file = |path: &std::path::Path| billing(format!("file://{}", path.display()));
    for (settings, words) in [
        (file(&missing), "missing"),
        (file(&empty), ""),
        (file(&foreign), "notes.csv"),
        (file(std::path::Path::new("/etc")), "allowed"),
        (billing("ftp://host/x".into()), "location"),
        (billing("s3://hidden-bucket/prefix".into()), ""),
        (json!([1]), ""),
        (json!({"billing": "all"}), "billing"),
        (json!({"billing": [{"id": "a b"}]}), "id"),
    ] {
        for role in ["Admin", "Viewer"] {
            let datasource =
                Datasource { json_data: settings.clone(), role: Some(role.into()), ..Datasource::default() };
            let started = Instant::now();
            let health = plugin.health(&datasource).await.unwrap();
            assert!(started.elapsed() < Duration::from_secs(6), "{settings}");
            assert_eq!(health.status, 2, "{settings}: {}", health.message);
            let details: serde_json::Value = serde_json::from_slice(&health.json_details).unwrap();
            assert!(!health.message.is_empty() && details["checks"].is_array(), "{settings}: {details}");
            let all = format!("{} {details}", health.message);
            if role == "Admin" {
                assert!(all.contains(words), "{settings}: {all}");
            } else {
                let place = plugin.bills.path().display().to_string();
                assert!(
                    !all.contains(&place) && !all.contains("hidden-bucket") && !all.contains("/etc"),
                    "{settings}: {all}"
                );
            }
        }
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
        ..plugin.datasource()
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
    each_file(plugin.store.path(), &mut |bytes| seen += &String::from_utf8_lossy(bytes));
    for form in [CANARY.to_owned(), "cAnArY".into(), "Y0FuQXJZ".into(), "63416e417259".into(), "cAnArY%2FSecret".into()]
    {
        assert!(!seen.contains(&form), "{form} in {seen}");
    }
    assert!(
        !stderr.iter().any(|line| line.contains("\"h2") || line.contains("\"tonic")),
        "libraries are heard at trace"
    );
}

fn each_file(folder: &std::path::Path, visit: &mut impl FnMut(&[u8])) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            each_file(&entry.path(), visit);
        } else {
            visit(&std::fs::read(entry.path()).unwrap());
        }
    }
}
