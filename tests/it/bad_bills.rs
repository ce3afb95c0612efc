//! Bad bills in a real folder, from the settings to the panel: each thing that is wrong is named with the way out, and
//! what is good beside it is counted exactly.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outlay::app::{App, DatasourceSettings, Instance, Operator, Role};
use outlay::model::{FixedClock, Instant, Period};
use outlay::query::{Answer, PanelQuery, Request};

const HEADER: &str = "BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,\
                      BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ServiceName,ServiceCategory,\
                      ProviderName,InvoiceIssuerName,BillingAccountId,SubAccountId,RegionId,ResourceId\n";

fn row(cost: &str) -> String {
    format!(
        "{cost},{cost},{cost},{cost},USD,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,2026-11-03T00:00:00Z,\
         2026-11-03T01:00:00Z,Usage,EC2,Compute,AWS,AWS,001,002,ap-southeast-1,i-1\n"
    )
}

fn bill(costs: &[&str]) -> Vec<u8> {
    let rows: String = costs.iter().map(|cost| row(cost)).collect();
    format!("{HEADER}{rows}").into_bytes()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// An app that may read below one folder.
struct World {
    app: App,
    folder: tempfile::TempDir,
    _store: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut vars = BTreeMap::new();
        let mut set = |name: &str, value: String| vars.insert(format!("GF_PLUGIN_OUTLAY_{name}"), value);
        set("STORE_DIR", store.path().join("outlay").display().to_string());
        set("LOCAL_ROOTS", folder.path().display().to_string());
        set("ALLOWED_HOSTS", "http://127.0.0.1:9".into());
        let now = Instant::midnight(2026, 11, 24).unwrap();
        let app = App::new(Operator::from_vars(&vars), Arc::new(FixedClock(now)));
        Self { app, folder, _store: store }
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn location(&self, path: &str) -> String {
        format!("file://{}", self.folder.path().join(path).display())
    }

    async fn instance(&self, location: &str, more: serde_json::Value) -> Arc<Instance> {
        let mut source = serde_json::json!({ "id": "aws", "location": location });
        source.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let settings = DatasourceSettings {
            org_id: 1,
            uid: "uid".into(),
            name: "bills".into(),
            updated_ms: 1,
            json_data: serde_json::json!({ "billing": [source] }).to_string().into_bytes(),
            secrets: [("billing.aws.accessKeyId", "AKIA"), ("billing.aws.secretAccessKey", "secret")]
                .map(|(name, secret)| (name.to_owned(), secret.to_owned().into()))
                .into(),
        };
        self.app.instance(settings).await
    }
}

async fn ask(instance: &Instance, json: &str) -> Result<Answer, outlay::query::Error> {
    let period =
        Period { start: Instant::midnight(2026, 11, 1).unwrap(), end: Instant::midnight(2026, 12, 1).unwrap() };
    let query = PanelQuery::parse(json.as_bytes(), "").unwrap();
    instance.answer(Request { query, period, interval_ms: 0, max_data_points: 100, from_alert: false }).await
}

/// The exact total of the panel, or "nothing", and all that its notices say.
async fn panel(instance: &Instance) -> (String, String) {
    let answer = ask(instance, r#"{"grain":"total"}"#).await.unwrap();
    let frame = &answer.frames[0];
    let total = frame.custom["outlay"]["totals"]["EffectiveCost"]["USD"].as_str().unwrap_or("nothing").to_owned();
    let notices: Vec<&str> = frame.notices.iter().map(|notice| notice.text.as_str()).collect();
    (total, notices.join("\n"))
}

/// A folder with a good bill of 1.25 and one bad file: the good one counts, the bad one is named.
async fn beside_a_good_bill(file: &str, bytes: &[u8], total: &str, told: &[&str]) {
    let world = World::new();
    world.write("bills/good.csv", &bill(&["1.25"]));
    world.write(&format!("bills/{file}"), bytes);
    let instance = world.instance(&world.location("bills"), serde_json::json!({})).await;
    let (found, notices) = panel(&instance).await;
    let health = instance.health().await;
    let everything = format!("{notices}\n{}", health.message);
    assert_eq!(found, total, "{file}: {everything}");
    for words in told {
        assert!(everything.contains(words), "{file}: `{words}` is not told in:\n{everything}");
    }
    assert!(!everything.contains(&world.folder.path().display().to_string()), "an absolute path is told: {everything}");
    world.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_named_and_its_neighbor_counts() {
    let torn = gzipped(&bill(&["3"; 2_000]));
    let torn = &torn[..torn.len() - 20];
    beside_a_good_bill("torn.csv.gz", torn, "1.25", &["torn.csv.gz", "1 of 2 deliveries could not be read"]).await;
    beside_a_good_bill("cut.parquet", b"PAR1 and then nothing more", "1.25", &["cut.parquet"]).await;
    beside_a_good_bill("empty.csv", b"", "1.25", &["empty.csv"]).await;
    beside_a_good_bill("other.csv", b"name,age\nEva,7\n", "1.25", &["other.csv"]).await;
    beside_a_good_bill("notes.txt", b"not a bill", "1.25", &["other files are not read", "notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_counted_and_told() {
    let rows = bill(&["2", "a lot", "3"]);
    let told = ["1 rows of the bills in this range were rejected", "BilledCost"];
    beside_a_good_bill("rows.csv", &rows, "6.25", &told).await;
}

/// A source without any bill: the panel is a frame without numbers, or an error, that says what it is about.
async fn without_any_bill(world: &World, location: &str, more: serde_json::Value, told: &str, hidden: &str) {
    let instance = world.instance(location, more).await;
    let answered = tokio::time::timeout(Duration::from_secs(10), ask(&instance, r#"{"grain":"total"}"#)).await;
    let text = match answered.expect("an answer in time") {
        Ok(answer) => {
            let frame = &answer.frames[0];
            assert!(frame.fields.is_empty(), "{location}: numbers out of nothing");
            frame.notices.iter().map(|notice| notice.text.as_str()).collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
    };
    assert!(text.contains("aws") && text.contains(told), "{location}: {text}");
    let viewers = instance.status(Role::Viewer).await[0].message.clone();
    for public in [&text, &viewers] {
        assert!(!public.contains(hidden), "{location}: {public}");
    }
    let health = instance.health().await;
    assert!(!health.ok && health.message.contains("aws"), "{location}: {}", health.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_read_is_told_with_the_way_out() {
    let world = World::new();
    world.write("words/readme.md", b"words");
    std::fs::create_dir(world.folder.path().join("empty")).unwrap();
    let folder = world.folder.path().display().to_string();
    let none = || serde_json::json!({});
    without_any_bill(&world, &world.location("missing"), none(), "its location does not exist", &folder).await;
    without_any_bill(&world, &world.location("empty"), none(), "holds no billing export", &folder).await;
    without_any_bill(&world, &world.location("words"), none(), "holds no billing export", &folder).await;
    let outside = "file:///etc";
    without_any_bill(&world, outside, none(), "not allowed by the operator", "/etc").await;
    let up = format!("{}/../up", world.location("words"));
    without_any_bill(&world, &up, none(), "no `..`", &folder).await;
    // Nothing listens on the discard port of this machine.
    let endpoint = serde_json::json!({ "endpoint": "http://127.0.0.1:9" });
    without_any_bill(&world, "s3://the-bucket/x", endpoint, "its location cannot be reached", "127.0.0.1").await;
    let other = serde_json::json!({ "endpoint": "http://127.0.0.1:7" });
    without_any_bill(&world, "s3://the-bucket/x", other, "`outlay_allowed_hosts`", "127.0.0.1").await;
    world.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_is_rewritten_is_read_again_and_one_that_is_deleted_goes() {
    let world = World::new();
    world.write("bills/a.csv", &bill(&["1"]));
    world.write("bills/b.csv", &bill(&["2"]));
    let location = world.location("bills");
    let instance = world.instance(&location, serde_json::json!({})).await;
    assert_eq!(panel(&instance).await.0, "3");
    world.write("bills/a.csv", &bill(&["5.5", "0.5"]));
    std::fs::remove_file(world.folder.path().join("bills/b.csv")).unwrap();
    instance.refresh().unwrap();
    let changed = async {
        while panel(&instance).await.0 != "6" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), changed).await.expect("the new total");
    assert!(Path::new(world.folder.path()).exists());
    world.app.stop().await;
}
