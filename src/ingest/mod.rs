//! Taking bills in: list what a source holds, read what changed, roll it up, reconcile, commit.
//! A delivery is imported and replaced as a whole; what cannot be read keeps its older version and says why.
//! This room knows neither queries nor Grafana; where bytes come from and where they go is told by its callers.

mod allocate;
mod delivery;
mod error;
mod month;
mod progress;
mod reconcile;
mod rollup;
mod schedule;

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

pub use allocate::Rules;
pub use error::Error;
pub use progress::Progress;

use crate::model::{Clock, Stop};
use crate::sources::{BillingSource, Format, Listing};
use crate::store::{DeliveryRecord, Store, Writer};

/// Imported deliveries are published together at most this often, so that thousands of small files do not mean
/// thousands of generations, and panels still see an import grow.
const PUBLISH_EVERY: Duration = Duration::from_millis(1_000);

/// What one look at a source came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Deliveries that the source holds.
    pub found: usize,
    /// Deliveries read and published this time.
    pub imported: usize,
    /// Deliveries that are gone from the source and so from the store.
    pub removed: usize,
    /// Deliveries that could not be read, by key, with the reason; an older version of them stays.
    pub failures: Vec<(String, String)>,
    /// What lies at the source but is not read, with the reason.
    pub ignored: Vec<String>,
    /// Generation that readers see from now on.
    pub generation: u64,
}

/// Everything that a refresh works with.
#[derive(Debug)]
pub struct Job {
    /// Where bills are.
    pub source: Arc<dyn BillingSource>,
    /// Which format they are in.
    pub format: Format,
    /// Where they go.
    pub store: Arc<Store>,
    /// How rows are given to clients and markets, and which tags daily sums keep.
    pub rules: Rules,
    /// What the outside sees of it.
    pub progress: Progress,
    /// When "now" is, for the import time.
    pub clock: Arc<dyn Clock>,
    /// Asks all work to stop; also set when the future of [`refresh`] is dropped.
    pub stop: Stop,
}

/// Brings the store up to what the source holds now. Runs on a thread of its own; must be called inside a tokio runtime.
///
/// # Errors
/// [`Error::Source`] where the source cannot be listed at all, [`Error::Store`] where the store cannot be written
/// (by another process' lock, a full disk), [`Error::Stopped`]. What was published before stays published.
pub async fn refresh(job: Job) -> Result<Outcome, Error> {
    let guard = StopOnDrop(job.stop.clone());
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let progress = job.progress.clone();
        let outcome = run(&job, &runtime);
        progress.end();
        outcome
    })
    .await;
    drop(guard);
    done.unwrap_or(Err(Error::Panicked))
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn run(job: &Job, runtime: &tokio::runtime::Handle) -> Result<Outcome, Error> {
    let listing = wait(runtime, &job.stop, job.source.list())??;
    let snapshot = job.store.snapshot();
    let plan = schedule::plan(&listing, &snapshot, &job.rules);
    let mut outcome = begin(&listing, snapshot.generation);
    if plan.import.is_empty() && plan.remove.is_empty() {
        return Ok(outcome);
    }
    job.progress.begin(plan.import.len());
    let mut writer = job.store.writer().map_err(Error::Store)?;
    let mut ready: Vec<DeliveryRecord> = Vec::new();
    let mut gone = plan.remove;
    let mut published = Moment::now();
    for work in &plan.import {
        match delivery::import(job, runtime, &mut writer, work) {
            Ok(record) => ready.push(record),
            Err(Error::Stopped) => return Err(Error::Stopped),
            // A full or broken disk will not get better with the next delivery.
            Err(error @ Error::Store(_)) => {
                publish(&mut writer, &mut ready, &mut gone, &mut outcome)?;
                return Err(error);
            }
            Err(error) => outcome.failures.push((work.delivery.key.clone(), error.to_string())),
        }
        job.progress.delivery_done();
        if published.elapsed() >= PUBLISH_EVERY {
            publish(&mut writer, &mut ready, &mut gone, &mut outcome)?;
            published = Moment::now();
        }
    }
    publish(&mut writer, &mut ready, &mut gone, &mut outcome)?;
    outcome.failures.sort();
    Ok(outcome)
}

fn begin(listing: &Listing, generation: u64) -> Outcome {
    Outcome {
        found: listing.deliveries.len() + listing.failures.len(),
        failures: listing.failures.iter().map(|(key, error)| (key.clone(), error.to_string())).collect(),
        ignored: listing.ignored.clone(),
        generation,
        ..Outcome::default()
    }
}

fn publish(
    writer: &mut Writer<'_>,
    ready: &mut Vec<DeliveryRecord>,
    gone: &mut Vec<String>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    if ready.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let (put, remove) = (std::mem::take(ready), std::mem::take(gone));
    let (imported, removed) = (put.len(), remove.len());
    outcome.generation = writer.commit(put, &remove).map_err(Error::Store)?;
    outcome.imported += imported;
    outcome.removed += removed;
    Ok(())
}

/// Waits for the network or disk on this thread, but not past a stop.
fn wait<T>(runtime: &tokio::runtime::Handle, stop: &Stop, work: impl Future<Output = T>) -> Result<T, Error> {
    runtime.block_on(async {
        let stopped = async {
            while !stop.stopped() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            done = work => Ok(done),
            () = stopped => Err(Error::Stopped),
        }
    })
}

#[cfg(test)]
mod tests;
