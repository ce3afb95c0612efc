//! A made-up place with bills in memory, and short ways to ask an app about it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::app::checked::{Billing, Place};
use crate::app::connector::{Connector, Owner, Prepared};
use crate::app::{App, DatasourceSettings, Instance, Operator};
use crate::model::{Clock, Instant, Period};
use crate::query::{Answer, Error, PanelQuery, Request};
use crate::sources::{self, BillingSource, Content, Delivery, FileRef, Listing};

pub(super) const NOW: &str = "2026-11-24T10:00:00Z";

pub(super) fn at(text: &str) -> Instant {
    Instant(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap())
}

/// A place whose files, faults and slowness a test decides.
#[derive(Debug, Default)]
pub(super) struct FakePlace {
    pub files: Mutex<BTreeMap<String, String>>,
    pub fault: Mutex<Option<sources::Error>>,
    pub lists: AtomicUsize,
    pub opens: AtomicUsize,
    /// While set, opening a file does not end.
    pub stuck: AtomicBool,
    /// While set, listing does not end.
    pub silent: AtomicBool,
}

impl FakePlace {
    pub(super) fn put(&self, path: &str, content: &str) {
        self.files.lock().unwrap().insert(path.into(), content.into());
    }

    pub(super) fn fail(&self, fault: Option<sources::Error>) {
        *self.fault.lock().unwrap() = fault;
    }
}

#[async_trait]
impl BillingSource for FakePlace {
    async fn list(&self) -> Result<Listing, sources::Error> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        while self.silent.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Some(fault) = self.fault.lock().unwrap().clone() {
            return Err(fault);
        }
        let files = self.files.lock().unwrap().clone();
        let deliveries = files.iter().map(|(path, content)| {
            let version = blake3::hash(content.as_bytes()).to_hex().to_string();
            let file = FileRef { path: path.clone(), size: content.len() as u64, version: version.clone() };
            Delivery { key: path.clone(), version, month: None, complete: true, files: vec![file] }
        });
        Ok(Listing { deliveries: deliveries.collect(), ..Listing::default() })
    }

    async fn open(&self, file: &FileRef) -> Result<Content, sources::Error> {
        self.opens.fetch_add(1, Ordering::Relaxed);
        while self.stuck.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let content = self.files.lock().unwrap().get(&file.path).cloned();
        content
            .map(|content| Content::Bytes(content.into_bytes().into()))
            .ok_or_else(|| sources::Error::Changed { file: file.path.clone() })
    }

    async fn confirm(&self, _file: &FileRef) -> Result<(), sources::Error> {
        Ok(())
    }
}

/// All made-up places, by organization and location.
#[derive(Clone, Debug, Default)]
pub(super) struct FakePlaces(Arc<Mutex<ByOwner>>);

type ByOwner = BTreeMap<(i64, String), Arc<FakePlace>>;

impl FakePlaces {
    pub(super) fn place(&self, org_id: i64, location: &str) -> Arc<FakePlace> {
        Arc::clone(self.0.lock().unwrap().entry((org_id, location.to_owned())).or_default())
    }
}

impl Connector for FakePlaces {
    fn prepare(
        &self,
        owner: &Owner,
        billing: &Billing,
        secrets: BTreeMap<String, SecretString>,
    ) -> Result<Prepared, sources::Error> {
        let location = match &billing.place {
            Place::Export { location, .. } => location.as_str(),
            Place::Sample => "sample",
        };
        if location.starts_with("file://") {
            return Err(sources::Error::NotAllowed { place: location.to_owned(), why: "`outlay_local_roots`".into() });
        }
        let place = self.place(owner.org_id, location);
        let link = Box::new(move || {
            let source: Arc<dyn BillingSource> = Arc::<FakePlace>::clone(&place);
            Ok(source)
        });
        Ok(Prepared::new(owner, billing, format!("fake={location}\n"), secrets, link))
    }
}

/// An app over made-up places, with a store of its own.
pub(super) struct World {
    pub app: App,
    pub places: FakePlaces,
    pub dir: tempfile::TempDir,
    pub clock: Arc<HandClock>,
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub(super) struct HandClock(pub Mutex<Instant>);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(FakePlaces::default(), tempfile::tempdir().unwrap(), true)
    }

    pub(super) fn with(places: FakePlaces, dir: tempfile::TempDir, answer_cache: bool) -> Self {
        let store_dir = dir.path().join("stores");
        let operator = Operator { store_dir, answer_cache, ..Operator::default() };
        let clock = Arc::new(HandClock(Mutex::new(at(NOW))));
        let app = App::with_connector(operator, Arc::<HandClock>::clone(&clock), Box::new(places.clone()));
        Self { app, places, dir, clock }
    }

    pub(super) async fn instance(&self, settings: DatasourceSettings) -> Arc<Instance> {
        self.app.instance(settings).await
    }
}

/// Settings of datasource `uid` in organization 1, reading one source `a` at `s3://a`.
pub(super) fn one_source() -> DatasourceSettings {
    settings(r#"{"billing":[{"id":"a","location":"s3://a"}]}"#)
}

pub(super) fn settings(json: &str) -> DatasourceSettings {
    DatasourceSettings {
        org_id: 1,
        uid: "uid".into(),
        name: "Outlay".into(),
        updated_ms: 1,
        json_data: json.as_bytes().to_vec(),
        secrets: BTreeMap::new(),
    }
}

pub(super) fn with_secret(mut settings: DatasourceSettings, name: &str, secret: &str) -> DatasourceSettings {
    settings.secrets.insert(name.into(), secret.to_owned().into());
    settings
}

/// A bill of November 2026 in US dollars: service, day of month, cost, and the `env` tag.
pub(super) fn bill(rows: &[(&str, u32, &str, &str)]) -> String {
    let mut text = String::from(
        "BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,\
         ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ServiceName,ServiceCategory,ProviderName,InvoiceIssuerName,\
         BillingAccountId,SubAccountId,RegionId,ResourceId,Tags\n",
    );
    for (service, day, cost, env) in rows {
        text += &format!(
            "{cost},{cost},{cost},{cost},USD,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,\
             2026-11-{day:02}T00:00:00Z,2026-11-{day:02}T01:00:00Z,Usage,{service},Compute,AWS,AWS,\
             001,002,ap-southeast-1,i-{day},\"{{\"\"env\"\":\"\"{env}\"\",\"\"cost-center\"\":\"\"7\"\"}}\"\n"
        );
    }
    text
}

pub(super) fn request(json: &str) -> Request {
    Request {
        query: PanelQuery::parse(json.as_bytes(), "").unwrap(),
        period: Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") },
        interval_ms: 0,
        max_data_points: 100,
        from_alert: false,
    }
}

/// The exact total of all cost in US dollars that a panel shows, with the texts of its notices.
pub(super) async fn total(instance: &Instance) -> (String, Vec<String>) {
    let answer = instance.answer(request(r#"{"grain":"total"}"#)).await.unwrap();
    (dollars(&answer), notices(&answer))
}

pub(super) fn dollars(answer: &Answer) -> String {
    let totals = &answer.frames[0].custom["outlay"]["totals"]["EffectiveCost"]["USD"];
    totals.as_str().unwrap_or("nothing").to_owned()
}

pub(super) fn notices(answer: &Answer) -> Vec<String> {
    answer.frames[0].notices.iter().map(|notice| notice.text.clone()).collect()
}

pub(super) fn was_kept(answer: &Answer) -> bool {
    answer.frames[0].stats.iter().any(|stat| stat.name == "From the answer cache")
}

pub(super) async fn refused(instance: &Instance) -> String {
    match instance.answer(request("{}")).await {
        Err(Error::Settings(why)) => why,
        other => panic!("expected a settings error, got {other:?}"),
    }
}

/// Waits until the condition holds, looking every few milliseconds.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it never came to that");
}
