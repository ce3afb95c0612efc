//! The local rollup store of one source: immutable parts, manifest generations, one atomic swap.
//! Derived data: in doubt it is rebuilt from the exports, never repaired in place. Knows neither vendors nor Grafana.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant as Moment};

use serde::{Deserialize, Serialize};

use crate::model::{Instant, Month, Rejects, Repairs};

mod collect;
mod day;
mod decimal;
mod detail;
mod detail_read;
pub mod error;
pub mod identity;
mod io;
mod layout;
mod load;
mod manifest;
mod part;
mod snapshot;
#[cfg(test)]
mod tests;
mod tmp;
mod writer;

pub use error::Error;
pub use snapshot::Snapshot;
pub use writer::{Owner, PartWriter, Writer};

use load::Loaded;

/// How often a reader looks whether another process has published a generation.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a store in use is marked as such.
const TOUCH_EVERY: Duration = Duration::from_secs(3_600);

/// The store of one identity: (org, datasource uid, source definition, keyed hash of credentials).
#[derive(Debug)]
pub struct Store {
    parts: Arc<part::Parts>,
    state: Mutex<State>,
    look_every: Duration,
}

#[derive(Debug)]
struct State {
    loaded: Loaded,
    snapshot: Arc<Snapshot>,
    looked: Moment,
    touched: Moment,
    /// State of the damaged parts that the snapshot's notes tell.
    damage: u64,
    /// Snapshots that readers may still hold.
    live: Vec<Weak<Snapshot>>,
}

impl Store {
    /// Opens or creates the store in `dir`, a directory of this identity's own below the base directory
    /// ([`identity::IdentityKey::store_dir`]). No content can make this fail: damaged generations fall back to the one
    /// before, foreign or newer formats are left alone and an empty generation is served, each with a note in the snapshot.
    ///
    /// # Errors
    /// Only where the directory itself cannot be used (not creatable, a symlink, of another user, open to others).
    pub fn open(dir: &Path, identity: &str) -> Result<Self, Error> {
        io::private_place(dir).map_err(|why| Error::Unusable { why })?;
        Ok(Self::open_with(Arc::new(io::Disk), dir, identity))
    }

    /// The same over any file system, in a directory that is known to be good.
    fn open_with(io: Arc<dyn io::StoreIo>, dir: &Path, identity: &str) -> Self {
        let parts = Arc::new(part::Parts::new(io, layout::Layout::new(dir), identity));
        let readonly = writer::make_folders(&parts).is_err() | parts.io.touch(&parts.layout.seen()).is_err();
        if readonly {
            tracing::info!("the store's directory cannot be written; what is there is served");
        }
        let mut loaded = load::load(&parts);
        missing_parts(&parts, &mut loaded);
        let now = Moment::now();
        let state = State {
            snapshot: Arc::default(),
            loaded: Loaded::default(),
            looked: now,
            touched: now,
            damage: 0,
            live: Vec::new(),
        };
        let store = Self { parts, state: Mutex::new(state), look_every: LOOK_EVERY };
        store.adopt(loaded);
        store
    }

    /// The newest committed generation. Cheap; a reader keeps it as long as it likes.
    /// A generation that another process published shows within a second.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut state = self.state();
        if state.looked.elapsed() >= self.look_every {
            state.looked = Moment::now();
            self.look(&mut state);
            if state.touched.elapsed() >= TOUCH_EVERY {
                state.touched = Moment::now();
                if self.parts.io.touch(&self.parts.layout.seen()).is_err() {
                    tracing::debug!("the store's directory cannot be marked as in use");
                }
            }
        }
        if state.damage != self.parts.damage_changes() {
            self.show(&mut state);
        }
        Arc::clone(&state.snapshot)
    }

    /// Becomes the writer of this store, or says who is.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process or handle writes, [`Error::Io`] where the directory cannot be written.
    pub fn writer(&self) -> Result<Writer<'_>, Error> {
        Writer::new(self)
    }

    /// Who writes this store, for people: the holder of the lock, or one that ended without releasing it.
    /// `None` where the last writer ended in order.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        let file = self.parts.io.open(&self.parts.layout.lock()).ok()?;
        serde_json::from_slice(&io::read_all(file.as_ref(), 4_096).ok()?).ok()
    }

    /// How many damaged files are set aside for a look.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.parts.io.list(&self.parts.layout.quarantine).map_or(0, |names| names.len())
    }

    /// Checks every part of the newest generation against its hash, `pause` between two of them; returns the keys of
    /// deliveries that turned out damaged. Slow on purpose: it reads all bytes.
    pub fn scrub(&self, pause: &mut dyn FnMut() -> bool) -> Vec<String> {
        let snapshot = self.snapshot();
        for part in snapshot.deliveries.iter().flat_map(|delivery| delivery.parts.all()) {
            if !pause() {
                break;
            }
            if let Err(error) = snapshot.check(part) {
                tracing::warn!(%error, "a part did not pass the scrub");
            }
        }
        snapshot.damaged()
    }

    /// Looks at `CURRENT`, and takes up the generation that it names if that is another one. What is whole in memory
    /// is not given up for a pointer that is damaged.
    fn look(&self, state: &mut State) {
        let raw = load::pointer_bytes(&self.parts);
        if raw == state.loaded.raw || manifest::Pointer::decode(&raw).is_none() {
            return;
        }
        let mut loaded = load::load(&self.parts);
        if Some(loaded.generation) == manifest::Pointer::decode(&loaded.raw).map(|pointer| pointer.generation) {
            missing_parts(&self.parts, &mut loaded);
            state.loaded = loaded;
            self.show(state);
        }
    }

    /// The generation as it was last taken up.
    fn loaded(&self) -> Loaded {
        self.state().loaded.clone()
    }

    /// Takes up a generation.
    fn adopt(&self, loaded: Loaded) {
        let mut state = self.state();
        state.loaded = loaded;
        state.looked = Moment::now();
        self.show(&mut state);
    }

    /// Makes the snapshot that readers get from now on.
    fn show(&self, state: &mut State) {
        state.damage = self.parts.damage_changes();
        let mut notes = state.loaded.notes.clone();
        for delivery in &state.loaded.deliveries {
            notes.extend(self.parts.damage_of(delivery).iter().map(|error| format!("{}: {error}", delivery.key)));
        }
        state.snapshot = Arc::new(Snapshot {
            generation: state.loaded.generation,
            deliveries: state.loaded.deliveries.clone(),
            notes,
            parts: Some(Arc::clone(&self.parts)),
        });
        let newest = Arc::downgrade(&state.snapshot);
        state.live.retain(|live| live.strong_count() > 0);
        state.live.push(newest);
    }

    /// Parts that snapshots of this process name.
    fn in_use(&self) -> BTreeSet<String> {
        self.state().live.iter().filter_map(Weak::upgrade).flat_map(|snapshot| snapshot.named()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parts that a generation names but that are not there with their size are damaged; told before anyone asks for them.
fn missing_parts(parts: &part::Parts, loaded: &mut Loaded) {
    let Ok(there) = parts.io.list(&parts.layout.data) else { return };
    let there: BTreeMap<String, u64> = there.into_iter().collect();
    for part in loaded.deliveries.iter().flat_map(|delivery| delivery.parts.all()) {
        match there.get(&part.hash) {
            Some(size) if *size == part.size => {}
            Some(_) => parts.set_aside(&part.hash, "it has another size than it was written with"),
            None => parts.set_aside(&part.hash, "its file is gone"),
        }
    }
}

/// The files of one delivery in the store, by grain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Canonical rows as exported.
    pub detail: Option<PartRef>,
    /// Daily sums.
    pub day: Option<PartRef>,
}

impl Parts {
    /// The files that are there.
    pub fn all(&self) -> impl Iterator<Item = &PartRef> + Clone {
        self.detail.iter().chain(&self.day)
    }
}

/// An immutable file of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRef {
    /// Hash of the content; also its name.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
}

/// What the store holds of one delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// The delivery's key at its source.
    pub key: String,
    /// The version that was read, import rules included; compared for equality only.
    pub version: String,
    /// The version as people read it: the manifest's run id or the file's ETag, shortened.
    pub label: String,
    /// When it was imported.
    pub imported: Option<Instant>,
    /// True where a manifest vouches for completeness.
    pub complete: bool,
    /// Format and version recognized.
    pub format: String,
    /// What it holds, by billing month and currency.
    pub months: Vec<MonthRecord>,
    /// Rejected rows by reason and column.
    pub rejects: Rejects,
    /// What rejected rows would have added where it could be read: cost column and currency to exact text.
    #[serde(default)]
    pub rejected_cost: BTreeMap<String, String>,
    /// Repairs by code and column.
    pub repairs: Repairs,
    /// Columns of the export that are not kept.
    pub ignored_columns: Vec<String>,
    /// The files.
    pub parts: Parts,
}

/// One billing month of a delivery, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthRecord {
    /// Billing month.
    pub month: Month,
    /// ISO 4217 code.
    pub currency: String,
    /// Rows kept.
    pub rows: u64,
    /// Exact sums as decimal text, by cost column.
    pub sums: BTreeMap<String, String>,
    /// Start of the earliest charge.
    pub charge_start: Instant,
    /// End of the latest usage charge; what is billed for later (fees of a year) does not count.
    pub data_until: Instant,
}
