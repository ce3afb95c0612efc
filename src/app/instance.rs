//! One datasource at one state of its settings: its sources side by side, and the doors through which the edge asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use secrecy::{ExposeSecret, SecretString};

use super::attached::{self, Attached};
use super::checked::Settings;
use super::connector::Owner;
use super::hub::Hub;
use super::lanes::Lane;
use super::reader::Reader;
use super::standing::Holding;
use super::tasks::off_thread;
use super::{DimensionInfo, Health, Role, SourceStatus, ValuesRequest, answers, dimensions, health, tag_keys};
use crate::query::{self, Answer, Error, Request, SourceState, View};

/// Asking for a refresh again is possible after this long.
const REFRESH_AGAIN: Duration = Duration::from_secs(60);
/// Most values that one list holds.
const MAX_VALUES: usize = 10_000;
/// Values in a list that does not say how many.
const DEFAULT_VALUES: usize = 1_000;

/// One datasource at one state of its settings.
#[derive(Debug)]
pub struct Instance {
    pub(super) hub: Arc<Hub>,
    /// Number of the instance in this process; the lanes are fair by it.
    number: u64,
    /// The sources, in the order of their ids.
    pub(super) sources: Vec<Attached>,
    /// Problems of the datasource as a whole.
    pub(super) problems: Vec<String>,
    /// What is odd in the settings but not wrong.
    pub(super) warnings: Vec<String>,
    pub(super) checked: health::Checked,
    refreshed: Mutex<Option<Moment>>,
    /// Seconds since the start of the hub when it was used last.
    used: AtomicU64,
}

impl Instance {
    /// Builds the instance of these settings. Readers of the instance before it are kept where they read the same.
    pub(super) fn build(
        hub: &Arc<Hub>,
        owner: &Owner,
        json: &[u8],
        secrets: &BTreeMap<String, SecretString>,
        before: Option<&Self>,
    ) -> Self {
        let set = secrets.iter().filter(|(_, secret)| !secret.expose_secret().is_empty());
        let names: BTreeSet<&str> = set.map(|(name, _)| name.as_str()).collect();
        let settings = Settings::read(json, &names);
        let sources = attached::attach_all(hub, owner, &settings.billing, secrets, before);
        Self {
            hub: Arc::clone(hub),
            number: hub.next_number(),
            sources,
            problems: settings.problems.iter().map(ToString::to_string).collect(),
            warnings: settings.warnings,
            checked: health::Checked::default(),
            refreshed: Mutex::new(None),
            used: AtomicU64::new(hub.seconds()),
        }
    }

    /// The instance where building one failed by a fault of ours: it says so.
    pub(super) fn broken(hub: &Arc<Hub>) -> Self {
        let nobody = Owner { org_id: 0, uid: String::new() };
        let mut instance = Self::build(hub, &nobody, b"[]", &BTreeMap::new(), None);
        instance.problems = vec!["internal error while reading the settings; the plugin's log has more".into()];
        instance
    }

    /// Answers one query. Dropping the future stops its work within a second.
    ///
    /// # Errors
    /// [`query::Error`], told to the author of this query alone.
    pub async fn answer(&self, request: Request) -> Result<Answer, Error> {
        let began = Moment::now();
        let view = self.view().await?;
        let key = answers::key(&view, &self.identities(), &request);
        let (hub, number) = (Arc::clone(&self.hub), self.number);
        let lane = if request.from_alert { Lane::Alerts } else { Lane::Panels };
        let found = self.hub.answers.get(key, move || async move {
            let permit = hub.lanes.enter(lane, number).await?;
            let answered = off_thread(move |stop| {
                let answer = query::answer(&view, &request, stop);
                drop(permit);
                answer
            });
            answered.await.unwrap_or_else(|| Err(internal()))
        });
        let found = found.await?;
        if found.kept {
            return Ok(answers::given_again(&found.result, began.elapsed()));
        }
        Ok(Arc::unwrap_or_clone(found.result))
    }

    /// "Save & test": looks at every source and says what was found. At most 5 s; cached for 10 s.
    pub async fn health(&self) -> Health {
        self.touch();
        self.checked.get(self).await
    }

    /// The dimensions that can be grouped and filtered by, promoted tags and tag keys in the data included.
    pub async fn dimensions(&self) -> Vec<DimensionInfo> {
        let Ok(view) = self.view().await else { return Vec::new() };
        let key = answers::dimensions_key(&view, &self.identities());
        let (hub, number) = (Arc::clone(&self.hub), self.number);
        let found = self.hub.dimensions.get(key, move || async move {
            let permit = hub.lanes.enter(Lane::Panels, number).await?;
            let named = off_thread(move |stop| {
                let mut all = query::dimension_names(&view);
                all.extend(tag_keys::beyond(&view, &all, stop));
                drop(permit);
                all
            });
            named.await.map(described).ok_or_else(internal)
        });
        found.await.map(|found| Arc::unwrap_or_clone(found.result)).unwrap_or_default()
    }

    /// Distinct values of a dimension, sorted, from the store only.
    ///
    /// # Errors
    /// [`query::Error::UnknownDimension`] for a name that is none; the errors of filters.
    pub async fn values(&self, request: ValuesRequest) -> Result<Vec<String>, Error> {
        let view = self.view().await?;
        let limit = if request.limit == 0 { DEFAULT_VALUES } else { request.limit.min(MAX_VALUES) };
        let ValuesRequest { dimension, search, filters, .. } = request;
        let key = answers::values_key(&view, &self.identities(), &dimension, &search, limit, &filters);
        let (hub, number) = (Arc::clone(&self.hub), self.number);
        let found = self.hub.values.get(key, move || async move {
            let permit = hub.lanes.enter(Lane::Panels, number).await?;
            let listed = off_thread(move |stop| {
                let values = query::values(&view, &dimension, &search, &filters, limit, stop);
                drop(permit);
                values
            });
            listed.await.unwrap_or_else(|| Err(internal()))
        });
        found.await.map(|found| Arc::unwrap_or_clone(found.result))
    }

    /// What is loaded and running, one entry per source. Viewers learn neither locations nor the details of errors.
    pub async fn status(&self, role: Role) -> Vec<SourceStatus> {
        self.touch();
        let entry = |source: &Attached| {
            let (state, generation, public, full) = match &source.reader {
                Err(trouble) => (SourceState::Failed, 0, trouble.public.clone(), trouble.full.clone()),
                Ok(reader) => {
                    let (_, snapshot, verdict) = reader.standing();
                    let with = |text: String| {
                        let holding = Holding::of(&snapshot).words();
                        [text, holding].iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>().join("; ")
                    };
                    (verdict.state, snapshot.generation, with(verdict.public), with(verdict.full))
                }
            };
            let message = if role >= Role::Editor { full } else { public };
            SourceStatus { source: source.id.clone(), state: state.name().to_owned(), generation, message }
        };
        self.sources.iter().map(entry).collect()
    }

    /// Asks for a refresh of all sources now. At most once a minute; returns at once.
    ///
    /// # Errors
    /// The number of seconds until the next refresh may be asked for.
    pub fn refresh(&self) -> Result<(), u64> {
        let mut refreshed = self.refreshed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = refreshed.and_then(|last| REFRESH_AGAIN.checked_sub(last.elapsed())) {
            return Err(left.as_secs() + 1);
        }
        *refreshed = Some(Moment::now());
        self.readers().for_each(|reader| reader.look_now());
        Ok(())
    }

    /// The readers of its usable sources.
    pub(super) fn readers(&self) -> impl Iterator<Item = &Arc<Reader>> {
        self.sources.iter().filter_map(|source| source.reader.as_ref().ok())
    }

    /// How long it was not used.
    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.hub.seconds().saturating_sub(self.used.load(Ordering::Relaxed)))
    }

    /// Marks it as used now.
    pub(super) fn touch(&self) {
        self.used.store(self.hub.seconds(), Ordering::Relaxed);
    }

    /// Waits for what a first answer may wait for.
    pub(super) async fn answerable(&self) {
        futures::future::join_all(self.readers().map(|reader| reader.answerable())).await;
    }

    /// What queries see now.
    async fn view(&self) -> Result<View, Error> {
        self.touch();
        self.usable()?;
        self.answerable().await;
        let sources = self.sources.iter().map(Attached::view).collect();
        Ok(View { sources, now: self.hub.common.clock.now(), row_limit: self.hub.operator.row_limit })
    }

    fn identities(&self) -> Vec<&str> {
        self.sources.iter().map(Attached::identity).collect()
    }

    /// Settings that leave nothing to read, or that concern all sources, are told by every answer.
    fn usable(&self) -> Result<(), Error> {
        if self.problems.is_empty() && (self.sources.is_empty() || self.readers().next().is_some()) {
            return Ok(());
        }
        let faults = self.sources.iter().filter_map(|source| source.reader.as_ref().err());
        let all: Vec<String> = self.problems.iter().cloned().chain(faults.map(|fault| fault.public.clone())).collect();
        Err(Error::Settings(all.join("; ")))
    }
}

fn described(named: Vec<(crate::model::Dimension, bool)>) -> Vec<DimensionInfo> {
    let one = |(dimension, fast): (crate::model::Dimension, bool)| DimensionInfo {
        name: dimension.to_string(),
        description: dimensions::meaning(&dimension),
        fast,
    };
    named.into_iter().map(one).collect()
}

/// An error that can be found again in the log.
fn internal() -> Error {
    let mut random = [0_u8; 4];
    let code = match getrandom::fill(&mut random) {
        Ok(()) => format!("{:08x}", u32::from_le_bytes(random)),
        Err(_) => "00000000".to_owned(),
    };
    tracing::error!(error.code = %code, "a query ended by a panic");
    Error::Internal { code }
}
