//! Keeps one source's store up to date: opened off the request threads, looked at in the background at its interval,
//! with back-off after failures. Queries see what it holds; they never wait for more than a first short import.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant as Moment;

use super::common::Common;
use super::connector::Prepared;
use super::listed::Listed;
use super::pace;
use super::standing::{Standing, Verdict};
use super::tasks::{Task, off_thread};
use super::trouble::Trouble;
use crate::engine::Stop;
use crate::ingest::{self, Job, Outcome, Progress, Rules};
use crate::model::Day;
use crate::query::{SourceState, SourceView};
use crate::sources::{BillingSource, Format};
use crate::store::{Snapshot, Store};

/// Longest time to list a place: a million files, a thousand at a time.
const LISTING: Duration = Duration::from_secs(300);
/// How often all bytes of a store are checked against their hashes, and the pause between two parts.
const SCRUB: Duration = Duration::from_secs(86_400);
const SCRUB_PAUSE: Duration = Duration::from_millis(20);

/// How a source is read.
#[derive(Debug)]
pub(super) struct Manner {
    /// All that decides how the source is read, its interval apart: with another text, reading starts anew.
    pub text: String,
    /// How rows are kept.
    pub rules: Rules,
    /// The format of its files.
    pub format: Format,
    /// Whether the place itself changes with the day, as the sample does.
    pub daily: bool,
    /// How often to look.
    pub refresh: Duration,
}

/// One source at work. Ends with its last owner.
pub(super) struct Reader {
    work: Arc<Work>,
    task: Mutex<Option<Task>>,
}

/// What outlives a change of the manner of reading: the store and what is known of the source.
#[derive(Debug)]
struct Shelf {
    standing: watch::Sender<Standing>,
    progress: Progress,
    /// Held by whoever imports, so that a successor waits for the end of the one before.
    busy: tokio::sync::Mutex<()>,
    /// Until when queries wait for a first import.
    first_until: Moment,
}

struct Work {
    common: Arc<Common>,
    /// Process-wide fingerprint of (org, uid, definition, credentials).
    identity: String,
    manner: String,
    prepared: Prepared,
    rules: Rules,
    format: Format,
    daily: bool,
    refresh_seconds: AtomicU64,
    shelf: Arc<Shelf>,
    nudge: Notify,
    closed: AtomicBool,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader of {}", self.work.identity.get(..8).unwrap_or_default())
    }
}

impl Reader {
    /// Starts to read a source. `before` is a reader of the same identity in another manner, whose store it takes over.
    pub(super) fn start(
        common: &Arc<Common>,
        identity: String,
        prepared: Prepared,
        manner: Manner,
        before: Option<&Self>,
    ) -> Arc<Self> {
        let shelf = before.map_or_else(
            || {
                Arc::new(Shelf {
                    standing: watch::Sender::new(Standing::default()),
                    progress: Progress::default(),
                    busy: tokio::sync::Mutex::new(()),
                    first_until: Moment::now() + common.first_import,
                })
            },
            |before| Arc::clone(&before.work.shelf),
        );
        let work = Arc::new(Work {
            common: Arc::clone(common),
            identity,
            manner: manner.text,
            prepared,
            rules: manner.rules,
            format: manner.format,
            daily: manner.daily,
            refresh_seconds: AtomicU64::new(manner.refresh.as_secs()),
            shelf,
            nudge: Notify::new(),
            closed: AtomicBool::new(false),
        });
        let task = Task::start(Arc::clone(&work).run());
        Arc::new(Self { work, task: Mutex::new(Some(task)) })
    }

    /// True where this reader reads in exactly this manner, its interval apart, and still runs.
    pub(super) fn reads_like(&self, manner: &Manner) -> bool {
        !self.work.closed.load(Ordering::Relaxed) && self.work.manner == manner.text
    }

    /// Changes how often the source is looked at.
    /// A resting source takes it up at its next tick.
    pub(super) fn set_refresh(&self, refresh: Duration) {
        self.work.refresh_seconds.store(refresh.as_secs(), Ordering::Relaxed);
    }

    /// Asks for a look at the source now.
    pub(super) fn look_now(&self) {
        self.work.nudge.notify_one();
    }

    /// Ends the background work, without waiting for it.
    pub(super) fn end(&self) {
        self.work.closed.store(true, Ordering::Relaxed);
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }

    /// Ends the background work and waits until it is gone, at most this long.
    pub(super) async fn ended(&self, patience: Duration) {
        self.end();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task {
            task.ended(patience).await;
        }
    }

    /// The fingerprint of whose data this is; part of every key under which answers are kept.
    pub(super) fn identity(&self) -> &str {
        &self.work.identity
    }

    /// Waits until queries can be answered: the store is open, and where it was empty, its first import has ended or has
    /// had its time.
    pub(super) async fn answerable(&self) {
        let mut standing = self.work.shelf.standing.subscribe();
        let first = standing.wait_for(|standing| {
            let looked = standing.looks > 0 || standing.trouble.is_some();
            looked || standing.store.is_some() && !standing.began_empty
        });
        drop(tokio::time::timeout_at(self.work.shelf.first_until, first).await);
    }

    /// The source as a query sees it.
    pub(super) fn view(&self, id: &str) -> SourceView {
        let (standing, snapshot, verdict) = self.standing();
        let failures = standing.outcome.map(|outcome| outcome.failures.clone()).unwrap_or_default();
        SourceView {
            id: id.to_owned(),
            snapshot,
            state: verdict.state,
            message: if verdict.state == SourceState::Ready { String::new() } else { verdict.public },
            failures,
        }
    }

    /// What is known now: the standing, the newest generation, and the judgment over both.
    pub(super) fn standing(&self) -> (Standing, Arc<Snapshot>, Verdict) {
        let standing = self.work.shelf.standing.borrow().clone();
        let snapshot = standing.snapshot();
        let verdict = standing.verdict(&snapshot, &self.work.shelf.progress.describe());
        (standing, snapshot, verdict)
    }

    /// Connects and lists now, whatever the background work does.
    ///
    /// # Errors
    /// [`Trouble`] where the source cannot be reached or listed.
    pub(super) async fn probe(&self) -> Result<crate::sources::Listing, Trouble> {
        let source = self.work.connect().await?;
        source.list().await.map_err(|error| Trouble::from(&error))
    }
}

impl Work {
    async fn run(self: Arc<Self>) {
        let store = self.opened().await;
        self.warm(&store).await;
        let mut scrubbed = Moment::now();
        loop {
            let (rest, day) = self.look(&store).await;
            // What the look just now could not mend waits for the next one; what is found from here on does not.
            let known = store.snapshot().damaged();
            self.warm(&store).await;
            if scrubbed.elapsed() >= SCRUB {
                scrubbed = Moment::now();
                self.scrub(&store).await;
            }
            let hurt = || store.snapshot().damaged().iter().any(|key| !known.contains(key));
            self.rest(rest, day, hurt).await;
        }
    }

    /// Loads daily sums, so that the first panel does not wait for them.
    async fn warm(&self, store: &Arc<Store>) {
        let store = Arc::clone(store);
        off_thread(move |_stop| store.snapshot().warm()).await;
    }

    /// Checks every byte of the store, slowly.
    async fn scrub(&self, store: &Arc<Store>) {
        let store = Arc::clone(store);
        let damaged = off_thread(move |stop| {
            store.scrub(&mut || {
                std::thread::sleep(SCRUB_PAUSE);
                !stop.stopped()
            })
        });
        let damaged = damaged.await.unwrap_or_default();
        if !damaged.is_empty() {
            tracing::warn!(store.damaged = damaged.len(), "damaged deliveries are imported again");
        }
    }

    /// The store, opened now or taken over. Tries again for as long as it cannot be opened.
    async fn opened(self: &Arc<Self>) -> Arc<Store> {
        let held = self.shelf.standing.borrow().store.clone();
        if let Some(store) = held {
            return store;
        }
        let mut failed = 0;
        loop {
            let work = Arc::clone(self);
            let opened = off_thread(move |_stop| work.prepared.open_store(&work.common.operator.store_dir)).await;
            let trouble = match opened {
                Some(Ok((identity, store))) => {
                    let store = Arc::new(store);
                    let began_empty = store.snapshot().deliveries.is_empty();
                    self.common.opened(&identity, &store);
                    self.shelf.standing.send_modify(|standing| {
                        standing.store = Some(Arc::clone(&store));
                        standing.began_empty = began_empty;
                        standing.trouble = None;
                    });
                    return store;
                }
                Some(Err(error)) => Trouble::from(&error),
                None => Trouble::open("internal error while opening the store; the plugin's log has more"),
            };
            tracing::warn!(source.fault = %trouble.public, "the store of a source cannot be opened");
            self.shelf.standing.send_modify(|standing| standing.trouble = Some(trouble));
            failed += 1;
            self.rest(self.back_off(failed), None, || false).await;
        }
    }

    /// Looks at the source once; says how long to rest then, and for which day the look was.
    async fn look(self: &Arc<Self>, store: &Arc<Store>) -> (Duration, Option<Day>) {
        let _busy = self.shelf.busy.lock().await;
        let day = self.daily.then(|| self.common.clock.now().day());
        let rest = match self.refreshed(store).await {
            Ok(outcome) => {
                self.well(outcome);
                pace::jittered(self.interval())
            }
            Err(trouble) => self.badly(trouble),
        };
        (rest, day)
    }

    async fn refreshed(self: &Arc<Self>, store: &Arc<Store>) -> Result<Outcome, Trouble> {
        let place = self.connect().await?;
        let listed = tokio::time::timeout(LISTING, Listed::now(place)).await;
        let listed = match listed {
            Ok(listed) => listed.map_err(|error| Trouble::from(&error))?,
            Err(_elapsed) => return Err(Trouble::open(format!("no listing within {} s", LISTING.as_secs()))),
        };
        // The semaphore is never closed.
        let _permit = self.common.imports.acquire().await;
        self.common.has_room().map_err(Trouble::open)?;
        let job = Job {
            source: Arc::new(listed),
            format: self.format,
            store: Arc::clone(store),
            rules: self.rules.clone(),
            progress: self.shelf.progress.clone(),
            clock: Arc::clone(&self.common.clock),
            // Dropping the future raises it; each look has its own, since it stays raised.
            stop: Stop::default(),
        };
        ingest::refresh(job).await.map_err(|error| Trouble::from(&error))
    }

    async fn connect(self: &Arc<Self>) -> Result<Arc<dyn BillingSource>, Trouble> {
        let work = Arc::clone(self);
        let connected = off_thread(move |_stop| work.prepared.connect()).await;
        match connected {
            Some(connected) => connected.map_err(|error| Trouble::from(&error)),
            None => Err(Trouble::open("internal error while connecting; the plugin's log has more")),
        }
    }

    fn well(&self, outcome: Outcome) {
        tracing::info!(
            source.deliveries = outcome.found,
            source.imported = outcome.imported,
            source.failed = outcome.failures.len(),
            store.generation = outcome.generation,
            "looked at a source"
        );
        let now = self.common.clock.now();
        self.shelf.standing.send_modify(|standing| {
            standing.looks += 1;
            standing.looked = Some(now);
            standing.trouble = None;
            standing.failed_in_a_row = 0;
            standing.outcome = Some(Arc::new(outcome));
        });
    }

    fn badly(&self, trouble: Trouble) -> Duration {
        let locked = trouble.writer.is_some();
        if !locked {
            tracing::warn!(source.fault = %trouble.public, "a look at a source failed");
        }
        let mut failed = 0;
        self.shelf.standing.send_modify(|standing| {
            standing.looks += 1;
            standing.trouble = Some(trouble);
            standing.failed_in_a_row += 1;
            failed = standing.failed_in_a_row;
        });
        if locked {
            return pace::jittered(pace::while_locked(failed));
        }
        self.back_off(failed)
    }

    /// Rests until it is time, until asked to look now, until the place changes with the day, or until a query finds
    /// damage in the store, which a look mends.
    async fn rest(&self, rest: Duration, day: Option<Day>, hurt: impl Fn() -> bool) {
        let began = Moment::now();
        loop {
            // The interval may be shortened meanwhile.
            let interval = self.interval();
            let left = rest.min(interval + interval / 8).saturating_sub(began.elapsed());
            let new_day = day.is_some_and(|day| self.common.clock.now().day() != day);
            if left.is_zero() || new_day || hurt() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.min(self.common.tick)) => {}
                () = self.nudge.notified() => return,
            }
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.refresh_seconds.load(Ordering::Relaxed))
    }

    fn back_off(&self, failed: u32) -> Duration {
        pace::jittered(pace::after_failures(failed, self.common.back_off, self.interval()))
    }
}
