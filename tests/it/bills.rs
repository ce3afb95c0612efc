//! Bills in memory, taken in by the ordinary walk and asked by ordinary queries: what the tests of totals stand on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use outlay::ingest::{self, Job, Outcome, Progress, Rules};
use outlay::model::{DAY, FixedClock, Instant, Period, Stop};
use outlay::query::{self, Answer, PanelQuery, Request, SourceState, SourceView, View};
use outlay::sources::{BillingSource, Content, Delivery, Error, FileRef, Format, Listing};
use outlay::store::Store;

/// Export files by path; each is a delivery of its own, at the version of its bytes.
#[derive(Debug, Default)]
pub(crate) struct Files(pub(crate) Mutex<BTreeMap<String, Vec<u8>>>);

impl Files {
    pub(crate) fn of<P: Into<String>>(files: impl IntoIterator<Item = (P, Vec<u8>)>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(files.into_iter().map(|(path, bytes)| (path.into(), bytes)).collect())))
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.0.lock().unwrap().insert(path.into(), bytes);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }

    fn reference(path: &str, bytes: &[u8]) -> FileRef {
        let version = format!("{:x}", bytes.iter().fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte)));
        FileRef { path: path.into(), size: bytes.len() as u64, version }
    }

    fn now(&self, file: &FileRef) -> Result<Vec<u8>, Error> {
        let files = self.0.lock().unwrap();
        let bytes = files.get(&file.path).ok_or_else(|| Error::NotFound { place: file.path.clone() })?;
        if Self::reference(&file.path, bytes) != *file {
            return Err(Error::Changed { file: file.path.clone() });
        }
        Ok(bytes.clone())
    }
}

#[async_trait]
impl BillingSource for Files {
    async fn list(&self) -> Result<Listing, Error> {
        let files = self.0.lock().unwrap();
        let delivery = |(path, bytes): (&String, &Vec<u8>)| {
            let file = Self::reference(path, bytes);
            Delivery {
                key: path.clone(),
                version: file.version.clone(),
                month: None,
                complete: false,
                files: vec![file],
            }
        };
        Ok(Listing { deliveries: files.iter().map(delivery).collect(), ..Listing::default() })
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        Ok(Content::Bytes(self.now(file)?.into()))
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.now(file).map(|_bytes| ())
    }
}

/// A store that a source is read into.
#[derive(Debug)]
pub(crate) struct Bills {
    pub(crate) source: Arc<dyn BillingSource>,
    pub(crate) store: Arc<Store>,
    pub(crate) rules: Rules,
    pub(crate) now: Instant,
    pub(crate) failures: Vec<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Bills {
    pub(crate) fn empty(source: Arc<dyn BillingSource>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("store"), "test").unwrap());
        let now = Instant::midnight(2026, 11, 24).unwrap();
        Self { source, store, rules: Rules::default(), now, failures: Vec::new(), _folder: folder }
    }

    pub(crate) fn read(source: Arc<dyn BillingSource>) -> Self {
        let mut bills = Self::empty(source);
        bills.refresh().unwrap();
        bills
    }

    /// One file, read whole.
    pub(crate) fn file(path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::read(Files::of([(path, bytes.into())]))
    }

    pub(crate) fn refresh(&mut self) -> Result<Outcome, ingest::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let job = Job {
            source: Arc::clone(&self.source),
            format: Format::Auto,
            store: Arc::clone(&self.store),
            rules: self.rules.clone(),
            progress: Progress::default(),
            clock: Arc::new(FixedClock(self.now)),
            stop: Stop::default(),
        };
        let outcome = runtime.block_on(ingest::refresh(job))?;
        self.failures.clone_from(&outcome.failures);
        Ok(outcome)
    }

    pub(crate) fn view(&self) -> View {
        let source = SourceView {
            id: "bills".into(),
            snapshot: self.store.snapshot(),
            state: SourceState::Ready,
            message: String::new(),
            failures: self.failures.clone(),
        };
        View { sources: vec![source], now: self.now, row_limit: 1_000_000 }
    }

    /// Asks a query over all of time that bills of these tests lie in.
    pub(crate) fn ask(&self, json: &serde_json::Value) -> Result<Answer, query::Error> {
        let period = Period { start: Instant::midnight(2015, 1, 1).unwrap(), end: Instant(self.now.0 + 400 * DAY) };
        self.ask_in(json, period)
    }

    pub(crate) fn ask_in(&self, json: &serde_json::Value, period: Period) -> Result<Answer, query::Error> {
        let query = PanelQuery::parse(json.to_string().as_bytes(), "")?;
        let request = Request { query, period, interval_ms: 0, max_data_points: 0, from_alert: false };
        query::answer(&self.view(), &request, &Stop::default())
    }

    /// Exact total of a metric by currency.
    pub(crate) fn totals(&self, json: &serde_json::Value) -> BTreeMap<String, String> {
        let answer = self.ask(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let metric = json["metric"].as_str().unwrap_or("EffectiveCost");
        let totals = &answer.frames[0].custom["outlay"]["totals"][metric];
        serde_json::from_value(totals.clone()).unwrap_or_else(|error| panic!("{totals}: {error}"))
    }
}

/// A file of the shared real data, or `None` (said once) where it is not here.
pub(crate) fn shared(path: &str) -> Option<Vec<u8>> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/billing").join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!("not run: ../shared/data/billing/{path} is not here");
    }
    bytes
}
