//! Exports with manifests from a place to a panel: folders over time through the ordinary walk, and a bucket through the
//! built binary. Nothing is counted twice, what is incomplete changes nothing, and each bad place says what is wrong.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use outlay::sources::location::{Allowed, PlaceSettings, connect};
use serde_json::{Value, json};

use crate::bills::Bills;
use crate::deliveries::{bill, total};
use crate::grafana::{Datasource, Query};
use crate::moto::Moto;
use crate::plugin::{Plugin, QUARTER, plugin_with};

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// The text of an AWS manifest for files of a month.
fn manifest(month: &str, names: &[&str]) -> String {
    let uri = |name: &&str| format!("\"s3://first-bucket/p/focus/data/BILLING_PERIOD={month}/{name}\"");
    format!("{{\"dataFiles\": [{}]}}", names.iter().map(uri).collect::<Vec<_>>().join(", "))
}

/// An export folder under a root that the operator allows.
struct Export {
    root: tempfile::TempDir,
    writes: std::cell::Cell<u64>,
}

impl Export {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), writes: std::cell::Cell::new(0) }
    }

    /// Writes a file, each a second younger than the one before, as a provider would.
    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.path().join("focus").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        self.writes.set(self.writes.get() + 1);
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.writes.get());
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    fn data(&self, month: &str, name: &str, bytes: impl AsRef<[u8]>) {
        self.put(&format!("data/BILLING_PERIOD={month}/{name}"), bytes);
    }

    fn manifest(&self, month: &str, text: &str) {
        self.put(&format!("metadata/BILLING_PERIOD={month}/focus-Manifest.json"), text);
    }

    fn read(&self) -> Bills {
        let settings = PlaceSettings {
            source_id: "a".into(),
            location: format!("file://{}", self.root.path().display()),
            ..PlaceSettings::default()
        };
        let allowed = Allowed { local_roots: vec![self.root.path().to_owned()], ..Allowed::default() };
        Bills::read(connect(&settings, &allowed).unwrap())
    }
}

#[test]
fn a_month_is_what_its_newest_manifest_names() {
    let export = Export::new();
    export.data("2026-01", "a.csv.gz", gz(&bill(&[("2026-01-05", "a", "1.25", "USD")])));
    export.data("2026-01", "b.csv", bill(&[("2026-01-06", "b", "2", "USD")]));
    export.data("2026-01", "superseded.csv", bill(&[("2026-01-06", "b", "100", "USD")]));
    export.manifest("2026-01", &manifest("2026-01", &["a.csv.gz", "b.csv"]));
    let mut bills = export.read();
    assert_eq!(total(&bills), "3.25 USD");
    assert_eq!(bills.refresh().unwrap().imported, 0, "nothing changed, nothing is read");

    // Files of the next refresh lie there already, their manifest does not: nothing changes.
    export.data("2026-01", "run2.csv", bill(&[("2026-01-05", "a", "7", "USD")]));
    assert_eq!((bills.refresh().unwrap().imported, total(&bills).as_str()), (0, "3.25 USD"));
    // The manifest comes: the month is replaced whole.
    export.manifest("2026-01", &manifest("2026-01", &["run2.csv"]));
    assert_eq!((bills.refresh().unwrap().imported, total(&bills).as_str()), (1, "7 USD"));
    // An overwrite under the same names, with the manifest rewritten as it was.
    export.data("2026-01", "run2.csv", bill(&[("2026-01-05", "a", "8", "USD")]));
    export.manifest("2026-01", &manifest("2026-01", &["run2.csv"]));
    assert_eq!((bills.refresh().unwrap().imported, total(&bills).as_str()), (1, "8 USD"));
    // Another spelling of the same month replaces it, too.
    export.put("data/billing_period=2026-01/x.csv", bill(&[("2026-01-05", "a", "9", "USD")]));
    export.put("metadata/billing_period=2026-01/focus-Manifest.json", manifest("2026-01", &["x.csv"]).to_lowercase());
    bills.refresh().unwrap();
    assert_eq!(total(&bills), "9 USD");
}

#[test]
fn what_is_incomplete_keeps_the_month_as_it_was() {
    let export = Export::new();
    export.data("2026-01", "a.csv", bill(&[("2026-01-05", "a", "1", "USD")]));
    export.manifest("2026-01", &manifest("2026-01", &["a.csv"]));
    export.data("2026-02", "a.csv", bill(&[("2026-02-05", "a", "10", "USD")]));
    export.manifest("2026-02", &manifest("2026-02", &["a.csv"]));
    let mut bills = export.read();
    assert_eq!(total(&bills), "11 USD");

    export.data("2026-02", "more.csv", bill(&[("2026-02-06", "a", "20", "USD")]));
    let good = manifest("2026-02", &["a.csv", "more.csv"]);
    for (text, part) in [
        (String::new(), "still being written"),
        (good[..good.len() - 3].to_owned(), "cut off"),
        (manifest("2026-02", &["a.csv", "not-yet.csv"]), "names `not-yet.csv`, which is not there"),
        (manifest("2026-02", &["a.csv", "../../../etc/passwd"]), "could lead elsewhere"),
        (manifest("2026-03", &["a.csv"]), "outside of the month's `data` folder"),
    ] {
        export.manifest("2026-02", &text);
        let outcome = bills.refresh().unwrap();
        assert_eq!((outcome.imported, outcome.removed), (0, 0), "{part}");
        assert!(outcome.failures[0].0.contains("2026-02") && outcome.failures[0].1.contains(part), "{outcome:?}");
        assert_eq!(total(&bills), "11 USD", "{part}");
    }
    // A file that is named, there, and torn.
    let whole = gz(&bill(&[("2026-02-06", "a", "20", "USD")]));
    export.data("2026-02", "more.csv.gz", &whole[..whole.len() / 2]);
    export.manifest("2026-02", &manifest("2026-02", &["a.csv", "more.csv.gz"]));
    let outcome = bills.refresh().unwrap();
    assert!(outcome.failures[0].1.contains("more.csv.gz"), "{outcome:?}");
    assert_eq!(total(&bills), "11 USD");

    export.data("2026-02", "more.csv.gz", &whole);
    export.manifest("2026-02", &manifest("2026-02", &["a.csv", "more.csv.gz"]));
    assert_eq!((bills.refresh().unwrap().failures, total(&bills).as_str()), (vec![], "31 USD"));
}

/// A datasource over a bucket at the server.
fn over(location: &str, endpoint: &str, id: &str, secret: &str) -> Datasource {
    let secrets = [("billing.minio.accessKeyId", id), ("billing.minio.secretAccessKey", secret)];
    Datasource {
        uid: format!("{location}-{}", secret.len()),
        json_data: json!({"billing": [{"id": "minio", "location": location, "endpoint": endpoint}]}),
        secure_json_data: secrets
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<HashMap<_, _>>(),
        ..Datasource::default()
    }
}

/// The exact total that a panel shows, once the import is through.
async fn panel(plugin: &Plugin, datasource: &Datasource) -> Value {
    let started = Instant::now();
    loop {
        let query = json!({"kind": "cost", "metric": "BilledCost", "grain": "month", "groupBy": ["ServiceName"]});
        let answers = plugin.query(datasource, &[], vec![Query::new("A", query, QUARTER)]).await.unwrap();
        let frames = serde_json::to_value(&answers["A"].frames).unwrap();
        let totals = &frames[0]["meta"]["custom"]["outlay"]["totals"]["BilledCost"];
        if totals.as_object().is_some_and(|totals| !totals.is_empty()) {
            return totals.clone();
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{} {}: {frames:#}",
            answers["A"].status,
            answers["A"].error
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_bucket_fills_a_panel_and_bad_places_say_why() {
    let Some(moto) = Moto::start("a_bucket_fills_a_panel_and_bad_places_say_why") else { return };
    moto.make_bucket("bills").await;
    let root = "bills/exports/focus";
    let january = bill(&[("2026-01-05", "a", "1.10", "USD"), ("2026-01-06", "b", "0.000000000001", "USD")]);
    moto.put(&format!("{root}/data/BILLING_PERIOD%3D2026-01/a.csv.gz"), gz(&january)).await;
    let old = bill(&[("2026-01-05", "a", "1000", "USD")]);
    moto.put(&format!("{root}/data/BILLING_PERIOD%3D2026-01/old.csv.gz"), gz(&old)).await;
    let february = bill(&[("2026-02-05", "a", "-0.10", "USD")]);
    moto.put(&format!("{root}/data/BILLING_PERIOD%3D2026-02/a.csv"), february).await;
    for (month, name) in [("2026-01", "a.csv.gz"), ("2026-02", "a.csv")] {
        let path = format!("{root}/metadata/BILLING_PERIOD%3D{month}/focus-Manifest.json");
        moto.put(&path, manifest(month, &[name])).await;
    }
    moto.make_bucket("photos").await;
    moto.put("photos/a.jpg", "x").await;
    let (id, secret) = moto.demand_keys().await;
    let endpoint = moto.endpoint();
    let plugin = plugin_with(&[("GF_PLUGIN_OUTLAY_ALLOWED_HOSTS", &endpoint)]).await;

    let good = over("s3://bills/exports", &endpoint, &id, &secret);
    assert_eq!(panel(&plugin, &good).await, json!({"USD": "1.000000000001"}));
    let health = plugin.health(&good).await.unwrap();
    assert_eq!(health.status, 1, "{}", health.message);

    for (location, at, secret, part) in [
        ("s3://bills/exports", endpoint.as_str(), "CANARYSECRET", "SignatureDoesNotMatch"),
        ("s3://no-such-bucket", endpoint.as_str(), secret.as_str(), "`s3://no-such-bucket` does not exist"),
        ("s3://photos", endpoint.as_str(), secret.as_str(), "holds no billing export (only `a.jpg`)"),
        ("s3://bills", "http://127.0.0.1:9", secret.as_str(), "add `http://127.0.0.1:9` to `outlay_allowed_hosts`"),
        ("file:///etc", "", secret.as_str(), "`outlay_local_roots`"),
        ("s3://bills", endpoint.as_str(), "", "`billing.minio.secretAccessKey`"),
    ] {
        let health = plugin.health(&over(location, at, &id, secret)).await.unwrap();
        let said = format!("{} {}", health.message, String::from_utf8_lossy(&health.json_details));
        assert!(health.status != 1 && said.contains(part), "{location}: expected {part}: {said}");
        assert!(!said.contains("CANARY") && (secret.is_empty() || !said.contains(secret)), "{said}");
    }
    assert_eq!(panel(&plugin, &good).await, json!({"USD": "1.000000000001"}), "the good one is not disturbed");
    plugin.stop_cleanly().await;
}
