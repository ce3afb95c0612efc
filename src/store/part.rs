//! Parts in use: verified at their first use in this process, kept while a generation names them, set aside when damaged.
//! One [`Parts`] is shared by a store and all its snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use super::detail_read::DetailPart;
use super::error::Error;
use super::io::{Bytes, StoreIo, read_all, read_full, words};
use super::layout::{Layout, MAX_DAY_BYTES, QUARANTINE_BYTES, is_hash, short};
use super::{DeliveryRecord, PartRef, day};
use crate::model::{Amount, Coded, Sums, Table};

/// Detail parts that are kept open, so that they can be read although their names are gone.
const OPEN_PARTS: usize = 32;
/// Most memory for daily sums that are kept, over all stores of the process; beyond it they are read at each use.
const DAY_BYTES: usize = 160 << 20;
/// Daily sums that nobody has used for this long make room for others. Younger ones stay, so that panels over more
/// than fits find at least some of it in memory.
const IDLE: Duration = Duration::from_secs(60);
/// What all stores of the process keep now.
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);
/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// What a store and its snapshots share.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) io: Arc<dyn StoreIo>,
    pub(crate) layout: Layout,
    pub(crate) identity: String,
    mark: [u8; 32],
    mark_text: String,
    held: Mutex<Held>,
    /// How often the set of damaged parts changed.
    changes: AtomicU64,
    /// True while this process holds the writer's lock.
    pub(crate) writing: AtomicBool,
    /// Most memory for daily sums.
    pub(crate) day_bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct Held {
    days: BTreeMap<String, Day>,
    details: Vec<(String, Arc<DetailPart>)>,
    /// Damaged parts by hash, with the reason.
    damaged: BTreeMap<String, String>,
}

/// Daily sums of one part, loaded or about to be.
#[derive(Debug)]
struct Day {
    table: Arc<Mutex<Option<Arc<Table>>>>,
    used: Moment,
    /// What it counts for in [`KEPT_BYTES`].
    bytes: usize,
}

impl Drop for Day {
    fn drop(&mut self) {
        KEPT_BYTES.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Parts {
    pub(crate) fn new(io: Arc<dyn StoreIo>, layout: Layout, identity: &str) -> Self {
        let mark = blake3::hash(identity.as_bytes());
        Self {
            io,
            layout,
            identity: identity.to_owned(),
            mark: *mark.as_bytes(),
            mark_text: mark.to_hex().to_string(),
            held: Mutex::default(),
            changes: AtomicU64::new(0),
            writing: AtomicBool::new(false),
            day_bytes: AtomicUsize::new(DAY_BYTES),
        }
    }

    /// Hash of the identity, as it stands in every part.
    pub(crate) const fn mark(&self) -> &[u8; 32] {
        &self.mark
    }

    /// The same as text.
    pub(crate) fn mark_text(&self) -> &str {
        &self.mark_text
    }

    /// Daily sums, from memory or verified from disk. Several readers of one part load it once.
    pub(crate) fn day(&self, part: &PartRef) -> Result<Arc<Table>, Error> {
        if let Some(why) = self.why_damaged(&part.hash) {
            return Err(damaged(part, why));
        }
        let slot = {
            let mut held = self.held();
            let day = held.days.entry(part.hash.clone()).or_insert_with(|| Day {
                table: Arc::default(),
                used: Moment::now(),
                bytes: 0,
            });
            day.used = Moment::now();
            Arc::clone(&day.table)
        };
        let mut table = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref() {
            return Ok(Arc::clone(table));
        }
        let loaded = self.checked(part, |file| {
            let bytes = read_all(file.as_ref(), MAX_DAY_BYTES).map_err(|error| Fault::read(&error))?;
            if blake3::hash(&bytes).to_hex().as_str() != part.hash {
                return Err(Fault::Damaged(WRONG_HASH.into()));
            }
            let table = day::decode(&bytes, &self.mark).map_err(|error| Fault::Damaged(error.to_string()))?;
            if table.len() as u64 != part.rows {
                return Err(Fault::Damaged("it has another number of rows".into()));
            }
            Ok(Arc::new(table))
        })?;
        if self.make_room(&part.hash, bytes_of(&loaded)) {
            *table = Some(Arc::clone(&loaded));
        }
        Ok(loaded)
    }

    /// Whether daily sums of this size may be kept; forgets idle ones where that makes room.
    fn make_room(&self, hash: &str, bytes: usize) -> bool {
        let limit = self.day_bytes.load(Ordering::Relaxed);
        let mut held = self.held();
        if KEPT_BYTES.load(Ordering::Acquire) + bytes > limit {
            held.days.retain(|name, day| name == hash || day.used.elapsed() < IDLE);
        }
        match held.days.get_mut(hash) {
            Some(day) if KEPT_BYTES.load(Ordering::Acquire) + bytes <= limit => {
                KEPT_BYTES.fetch_add(bytes, Ordering::AcqRel);
                day.bytes += bytes;
                true
            }
            _ => false,
        }
    }

    /// An open detail part, verified.
    pub(crate) fn detail(&self, part: &PartRef) -> Result<Arc<DetailPart>, Error> {
        if let Some(why) = self.why_damaged(&part.hash) {
            return Err(damaged(part, why));
        }
        let known = self.held().details.iter().find(|(hash, _)| *hash == part.hash).map(|(_, open)| Arc::clone(open));
        if let Some(open) = known {
            return Ok(open);
        }
        let open = self.checked(part, |file| {
            verify(file.as_ref(), &part.hash)?;
            let open = DetailPart::open(file, &self.mark_text, part.rows).map_err(Fault::Damaged)?;
            Ok(Arc::new(open))
        })?;
        let mut held = self.held();
        if held.details.len() >= OPEN_PARTS {
            held.details.remove(0);
        }
        held.details.push((part.hash.clone(), Arc::clone(&open)));
        Ok(open)
    }

    /// Checks a part without keeping it.
    pub(crate) fn check(&self, part: &PartRef) -> Result<(), Error> {
        if let Some(why) = self.why_damaged(&part.hash) {
            return Err(damaged(part, why));
        }
        self.checked(part, |file| verify(file.as_ref(), &part.hash))
    }

    /// Opens a part and reads it with `read`; sets it aside where that shows damage twice.
    fn checked<T>(&self, part: &PartRef, read: impl Fn(Arc<dyn Bytes>) -> Result<T, Fault>) -> Result<T, Error> {
        let once = || {
            if !is_hash(&part.hash) {
                return Err(Fault::Damaged("its name is no hash".into()));
            }
            let file = self.io.open(&self.layout.part(&part.hash)).map_err(|error| Fault::read(&error))?;
            let size = file.size().map_err(|error| Fault::read(&error))?;
            if size != part.size {
                return Err(Fault::Damaged(format!("it has {size} bytes instead of {}", part.size)));
            }
            read(file)
        };
        match once().or_else(|_first| once()) {
            Ok(read) => Ok(read),
            Err(Fault::Busy(why)) => Err(Error::Io { action: "open a part", why }),
            Err(Fault::Missing) => Err(Error::Io { action: MISSING, why: short(&part.hash) }),
            Err(Fault::Damaged(why)) => {
                self.set_aside(&part.hash, &why);
                Err(damaged(part, why))
            }
        }
    }

    /// Why a part counts as damaged, if it does.
    pub(crate) fn why_damaged(&self, hash: &str) -> Option<String> {
        self.held().damaged.get(hash).cloned()
    }

    /// Reasons of the damaged parts of a delivery.
    pub(crate) fn damage_of(&self, delivery: &DeliveryRecord) -> Vec<Error> {
        let held = self.held();
        let why = |part: &PartRef| held.damaged.get(&part.hash).map(|why| damaged(part, why.clone()));
        delivery.parts.all().filter_map(why).collect()
    }

    /// How often the set of damaged parts changed; readers compare it.
    pub(crate) fn damage_changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Remembers that a part is damaged; moves it to quarantine where this process may write.
    pub(crate) fn set_aside(&self, hash: &str, why: &str) {
        {
            let mut held = self.held();
            held.days.remove(hash);
            held.details.retain(|(name, _)| name != hash);
            held.damaged.insert(hash.to_owned(), why.to_owned());
        }
        self.changes.fetch_add(1, Ordering::AcqRel);
        tracing::warn!(part = %short(hash), why, "a part of the store is damaged and set aside");
        let lock = self.layout.lock();
        if self.writing.load(Ordering::Acquire) {
            self.quarantine(hash);
        } else if let Ok(Some(_lock)) = self.io.lock(&lock, b"") {
            self.quarantine(hash);
        }
    }

    /// Moves a damaged part where it can be looked at, as long as there is room for such files.
    fn quarantine(&self, hash: &str) {
        let (from, to) = (self.layout.part(hash), self.layout.quarantine.join(hash));
        let moved = self.io.rename(&from, &to);
        if let Err(error) = moved {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(part = %short(hash), why = %words(&error), "a damaged part cannot be moved");
            }
            return;
        }
        let mut names = self.io.list(&self.layout.quarantine).unwrap_or_default();
        // The newest comes last, so that it is the last to go.
        names.sort_by_key(|(name, _)| name == hash);
        let mut total: u64 = names.iter().map(|(_, size)| size).sum();
        for (name, size) in names {
            if total <= QUARANTINE_BYTES {
                break;
            }
            if self.io.remove(&self.layout.quarantine.join(name)).is_ok() {
                total = total.saturating_sub(size);
            }
        }
    }

    /// A part was written anew: whatever was known of its name is void.
    pub(crate) fn renewed(&self, hash: &str) {
        let mut held = self.held();
        held.days.remove(hash);
        held.details.retain(|(name, _)| name != hash);
        if held.damaged.remove(hash).is_some() {
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Forgets parts that no generation in use names.
    pub(crate) fn retain(&self, named: &BTreeSet<String>) {
        let mut held = self.held();
        held.days.retain(|hash, _| named.contains(hash));
        held.details.retain(|(hash, _)| named.contains(hash));
        let before = held.damaged.len();
        held.damaged.retain(|hash, _| named.contains(hash));
        if held.damaged.len() != before {
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const WRONG_HASH: &str = "its content does not have its hash";
/// Action of the error of a part whose file is gone.
pub(crate) const MISSING: &str = "find a part";

/// Why a part was not read.
enum Fault {
    /// Not the part's fault: too many open files, no memory, no permission.
    Busy(String),
    /// The file is not there.
    Missing,
    /// The part's fault, a block that cannot be read included.
    Damaged(String),
}

impl Fault {
    fn read(error: &std::io::Error) -> Self {
        // EMFILE and ENFILE have no kind of their own.
        let out_of_handles = matches!(error.raw_os_error(), Some(23 | 24));
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::OutOfMemory | ErrorKind::PermissionDenied | ErrorKind::ResourceBusy => Self::Busy(words(error)),
            _ if out_of_handles => Self::Busy(words(error)),
            _ => Self::Damaged(words(error)),
        }
    }
}

fn damaged(part: &PartRef, why: String) -> Error {
    Error::Damaged { part: short(&part.hash), why }
}

/// What a table takes in memory, about.
fn bytes_of(table: &Table) -> usize {
    let text = |column: &Coded| {
        column.codes.len() * size_of::<u32>()
            + column.values.iter().map(|value| value.len() + size_of::<Box<str>>()).sum::<usize>()
    };
    let sums = |sums: &Sums| match sums {
        Sums::Narrow { values, present, .. } => values.len() * 16 + present.as_ref().map_or(0, Vec::len),
        Sums::Wide(values) => values.len() * size_of::<Option<Amount>>(),
    };
    table.len() * 16 + table.dimensions.values().map(text).sum::<usize>() + table.sums.values().map(sums).sum::<usize>()
}

/// Hashes a file, which must come to its name.
fn verify(file: &dyn Bytes, hash: &str) -> Result<(), Fault> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let read = read_full(file, &mut buffer, at).map_err(|error| Fault::read(&error))?;
        hasher.update(buffer.get(..read).unwrap_or_default());
        at += read as u64;
        if read < buffer.len() {
            break;
        }
    }
    if hasher.finalize().to_hex().as_str() == hash { Ok(()) } else { Err(Fault::Damaged(WRONG_HASH.into())) }
}
