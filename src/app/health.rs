//! "Save & test": connects to every source, lists what lies there, and says what was found, source by source.
//! Bounded in time, one at a time per datasource, and kept for a few seconds, since every viewer may ask.

use std::time::{Duration, Instant as Moment};

use tokio::sync::Mutex;

use super::attached::Attached;
use super::instance::Instance;
use super::reader::Reader;
use super::standing::Holding;
use super::{Check, Health};
use crate::model::grouped;
use crate::query::SourceState;
use crate::sources::Listing;

/// Time for all sources together.
const PATIENCE: Duration = Duration::from_millis(4_500);
/// How long a result is given again.
const KEPT: Duration = Duration::from_secs(10);
/// Longest message; the checks hold the rest.
const LONGEST: usize = 1_500;

/// The newest check of a datasource.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<Option<(Moment, Health)>>);

impl Checked {
    /// The newest result, or a new one. Whoever asks while a check runs waits for that one.
    pub(super) async fn get(&self, instance: &Instance) -> Health {
        let mut newest = self.0.lock().await;
        if let Some((at, health)) = &*newest
            && at.elapsed() < KEPT
        {
            return health.clone();
        }
        let health = check(instance).await;
        *newest = Some((Moment::now(), health.clone()));
        health
    }
}

async fn check(instance: &Instance) -> Health {
    let sources = futures::future::join_all(instance.sources.iter().map(check_source)).await;
    let mut checks: Vec<Check> = instance
        .problems
        .iter()
        .map(|problem| Check { name: "settings".into(), ok: false, message: problem.clone() })
        .collect();
    checks.extend(sources);
    let notes = instance.hub.operator.warnings.iter().map(|text| ("operator settings", text));
    let notes = notes.chain(instance.warnings.iter().map(|text| ("settings", text)));
    let notes: Vec<Check> =
        notes.map(|(name, text)| Check { name: name.into(), ok: true, message: text.clone() }).collect();
    let ok = checks.iter().all(|check| check.ok);
    let message = message(instance, &checks, &notes);
    checks.extend(notes);
    Health { ok, message, checks }
}

/// Bad news first, then what was found, then what is odd.
fn message(instance: &Instance, checks: &[Check], notes: &[Check]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let (bad, good): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| !check.ok);
    for check in bad.into_iter().chain(good) {
        let name = check.name.strip_prefix("billing ").unwrap_or(&check.name);
        parts.push(format!("{name} {}", check.message));
    }
    parts.extend(notes.iter().map(|note| format!("note: {}", note.message)));
    let count = instance.sources.len();
    let head = if count == 1 { "1 source".to_owned() } else { format!("{count} sources") };
    let text = format!("{head}: {}", parts.join("; "));
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut} …; the rest is in the details")
}

async fn check_source(source: &Attached) -> Check {
    let name = format!("billing {}", source.id);
    let (ok, message) = match &source.reader {
        Err(trouble) => (false, format!("is not usable: {}", trouble.full)),
        Ok(reader) => check_reader(reader).await,
    };
    Check { name, ok, message }
}

async fn check_reader(reader: &Reader) -> (bool, String) {
    let began = Moment::now();
    // Settings that were saved just now have not been looked at; what is imported within seconds is told as found.
    let probe = tokio::time::timeout(PATIENCE, reader.probe());
    let listing = match probe.await {
        Err(_elapsed) => return late(reader),
        Ok(Err(trouble)) => return failed(reader, &trouble.full),
        Ok(Ok(listing)) => listing,
    };
    if reader.standing().0.trouble.is_some_and(|trouble| trouble.writer.is_none()) {
        // It answers now although the newest look failed: look again rather than waiting for the next turn.
        reader.look_now();
    }
    drop(tokio::time::timeout(PATIENCE.saturating_sub(began.elapsed()), reader.answerable()).await);
    found(reader, &listing)
}

/// It answers: what is there, what is held of it, what is not.
fn found(reader: &Reader, listing: &Listing) -> (bool, String) {
    let (standing, snapshot, verdict) = reader.standing();
    let holding = Holding::of(&snapshot).words();
    let mut parts: Vec<String> = vec![match verdict.state {
        SourceState::Ready if verdict.full.is_empty() => "ready".into(),
        state if verdict.full.is_empty() => state.name().to_owned(),
        SourceState::Importing => verdict.full.clone(),
        state => format!("{}: {}", state.name(), verdict.full),
    }];
    if !holding.is_empty() {
        parts.push(holding);
    }
    if snapshot.deliveries.is_empty() {
        parts.push(format!("{} deliveries found", grouped(listing.deliveries.len() as u64)));
    }
    for (key, error) in listing.failures.iter().take(3) {
        parts.push(format!("{key} cannot be followed: {error}"));
    }
    if let Some(first) = listing.ignored.first() {
        parts.push(format!("{} other files are not read, the first is {first}", grouped(listing.ignored.len() as u64)));
    }
    parts.extend(snapshot.notes.iter().take(3).cloned());
    let by_other = standing.trouble.is_some_and(|trouble| trouble.writer.is_some());
    let good = matches!(verdict.state, SourceState::Ready | SourceState::Importing) || by_other;
    (good && listing.failures.is_empty(), parts.join(", "))
}

/// It did not answer in time: a fault, unless the background reads it well and it is only large.
fn late(reader: &Reader) -> (bool, String) {
    let (standing, _, _) = reader.standing();
    if standing.looks > 0 && standing.trouble.is_none() {
        return found(reader, &Listing::default());
    }
    failed(reader, &format!("did not answer within {} s", PATIENCE.as_secs_f32()))
}

/// It does not answer: why, and what of it is still shown.
fn failed(reader: &Reader, why: &str) -> (bool, String) {
    let (_, snapshot, _) = reader.standing();
    let holding = Holding::of(&snapshot).words();
    let still = if holding.is_empty() { String::new() } else { format!("; older data is shown: {holding}") };
    (false, format!("failed: {why}{still}"))
}
