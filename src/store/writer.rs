//! The writer: parts first, then a manifest, then the swap of `CURRENT`. A crash anywhere leaves the old or the new state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::detail::DetailWriter;
use super::error::Error;
use super::io::Lock;
use super::layout::{FORMAT, RESERVE_BYTES};
use super::load::{self, Loaded};
use super::manifest::{Manifest, Pointer};
use super::part::Parts;
use super::tmp::{Scratch, TmpFile};
use super::{DeliveryRecord, PartRef, Store, collect, day};
use crate::model::{Rows, Table};

/// Who holds, or last held, the writer's lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Name of the machine.
    pub host: String,
    /// The run of the writer, drawn at random.
    pub epoch: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// The right to write a store; held by one process at a time.
#[derive(Debug)]
pub struct Writer<'a> {
    store: &'a Store,
    lock: Box<dyn Lock>,
    epoch: String,
    scratch: Scratch,
    /// Parts of this run that no generation names yet.
    unnamed: Arc<Mutex<BTreeSet<String>>>,
}

impl<'a> Writer<'a> {
    /// Takes the lock, or says who has it.
    pub(super) fn new(store: &'a Store) -> Result<Self, Error> {
        let parts = &store.parts;
        make_folders(parts)?;
        // A run before this one may have been killed between making them and syncing them.
        for folder in [&parts.layout.root, &parts.layout.dir] {
            parts.io.sync_dir(folder).map_err(|error| Error::disk("sync a folder", &error, || 0))?;
        }
        let epoch = random_epoch()?;
        let owner = Owner { pid: std::process::id(), host: super::io::host(), epoch: epoch.clone() };
        let text = serde_json::to_vec(&owner).unwrap_or_default();
        let locked = parts.io.lock(&parts.layout.lock(), &text);
        let lock = match locked.map_err(|error| Error::disk("take the writer's lock", &error, || 0))? {
            Some(lock) => lock,
            None => {
                let owner = store.owner().map_or_else(|| "another process".into(), |owner| owner.to_string());
                return Err(Error::Locked { owner });
            }
        };
        parts.writing.store(true, Ordering::Release);
        let scratch = Scratch::new(Arc::clone(&parts.io), parts.layout.clone(), &epoch);
        let writer = Self { store, lock, epoch, scratch, unnamed: Arc::default() };
        collect::tmp(parts, &writer.epoch);
        Ok(writer)
    }

    /// Starts writing the parts of one delivery. Nothing is visible until [`Writer::commit`]; dropping the parts discards them.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`].
    pub fn part(&mut self) -> Result<PartWriter, Error> {
        self.room_for(0)?;
        Ok(PartWriter {
            parts: Arc::clone(&self.store.parts),
            detail: DetailWriter::new(self.scratch.clone()),
            scratch: self.scratch.clone(),
            unnamed: Arc::clone(&self.unnamed),
        })
    }

    /// Checks that twice `bytes` can be written with a reserve left.
    ///
    /// # Errors
    /// [`Error::DiskFull`].
    pub fn room_for(&self, bytes: u64) -> Result<(), Error> {
        let needed = bytes.saturating_mul(2).saturating_add(RESERVE_BYTES);
        let free = self.store.parts.io.free(&self.store.parts.layout.root);
        let free = free.map_err(|error| self.scratch.failed("ask for free space", &error))?;
        if free < needed {
            return Err(Error::DiskFull { needed_mib: needed >> 20, free_mib: free >> 20 });
        }
        Ok(())
    }

    /// Publishes a new generation: `put` replaces deliveries of the same key as a whole, `remove` drops keys.
    /// Old or new state, never a mix, at whatever instant the process dies. Returns the new generation; where nothing
    /// is put and nothing removed, the one in force.
    ///
    /// # Errors
    /// As the disk fails; the old generation stays.
    pub fn commit(&mut self, put: Vec<DeliveryRecord>, remove: &[String]) -> Result<u64, Error> {
        self.fence()?;
        let parts = Arc::clone(&self.store.parts);
        // What is whole in memory is not given up for an older state that the disk falls back to.
        let (disk, memory) = (load::load(&parts), self.store.loaded());
        let base = if memory.generation > disk.generation { memory } else { disk };
        let mut deliveries: BTreeMap<&str, &DeliveryRecord> =
            base.deliveries.iter().map(|delivery| (delivery.key.as_str(), delivery.as_ref())).collect();
        let before = deliveries.len();
        deliveries.retain(|key, _| !remove.iter().any(|gone| gone == key));
        if put.is_empty() && deliveries.len() == before {
            return Ok(base.generation);
        }
        deliveries.extend(put.iter().map(|delivery| (delivery.key.as_str(), delivery)));
        self.written(&put)?;
        let newest = load::manifest_names(&parts).last().map_or(0, |(generation, _)| *generation);
        let manifest = Manifest {
            format: FORMAT,
            identity: parts.identity.clone(),
            generation: newest.max(base.generation).saturating_add(1),
            epoch: self.epoch.clone(),
            parent: base.manifest.clone(),
            deliveries: deliveries.into_values().cloned().collect(),
        };
        let pointer = self.write_manifest(&manifest)?;
        self.fence()?;
        self.swap(&pointer)?;
        {
            let mut unnamed = self.unnamed.lock().unwrap_or_else(PoisonError::into_inner);
            put.iter().flat_map(|delivery| delivery.parts.all()).for_each(|part| {
                unnamed.remove(&part.hash);
            });
        }
        let raw = pointer.encode().into_bytes();
        self.store.adopt(Loaded {
            generation: manifest.generation,
            manifest: pointer.manifest,
            deliveries: manifest.shared(),
            notes: load::newer_formats(&parts),
            raw,
        });
        let unnamed = self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        collect::data(&parts, &self.store.in_use(), &unnamed);
        Ok(pointer.generation)
    }

    /// The parts of new deliveries must be on disk with their size: a manifest never names what is not there.
    fn written(&self, put: &[DeliveryRecord]) -> Result<(), Error> {
        let parts = &self.store.parts;
        let there: BTreeMap<String, u64> = parts
            .io
            .list(&parts.layout.data)
            .map_err(|error| self.scratch.failed("look for parts", &error))?
            .into_iter()
            .collect();
        match put.iter().flat_map(|d| d.parts.all()).find(|part| there.get(&part.hash) != Some(&part.size)) {
            None => Ok(()),
            Some(part) => Err(Error::Damaged {
                part: super::layout::short(&part.hash),
                why: "it is not in the store as it was written".into(),
            }),
        }
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<Pointer, Error> {
        let parts = &self.store.parts;
        let bytes = manifest.encode().map_err(|why| Error::Io { action: "write a manifest", why })?;
        self.room_for(bytes.len() as u64)?;
        let mut file = self.scratch.create()?;
        file.put(&bytes)?;
        let (hash, _size) = file.content();
        file.publish(&parts.layout.manifest(manifest.generation, &hash))?;
        let synced = parts.io.sync_dir(&parts.layout.manifests);
        synced.map_err(|error| self.scratch.failed("sync the manifests", &error))?;
        Ok(Pointer { generation: manifest.generation, manifest: hash })
    }

    /// The swap: readers see the old generation before the rename and the new one after it.
    fn swap(&self, pointer: &Pointer) -> Result<(), Error> {
        let (io, layout) = (&self.store.parts.io, &self.store.parts.layout);
        let next = layout.next_current();
        // A crash may have left one behind; `create_new` makes sure that none is written into.
        if let Err(error) = io.remove(&next)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(self.scratch.failed("remove an old pointer", &error));
        }
        let write = || {
            let mut sink = io.create_new(&next)?;
            sink.write_all(pointer.encode().as_bytes())?;
            sink.sync()
        };
        if let Err(error) = write() {
            if io.remove(&next).is_err() {
                tracing::debug!("an unfinished pointer stays until the next commit");
            }
            return Err(self.scratch.failed("write the pointer", &error));
        }
        io.rename(&next, &layout.current()).map_err(|error| self.scratch.failed("swap the pointer", &error))?;
        io.sync_dir(&layout.root).map_err(|error| self.scratch.failed("sync the pointer", &error))
    }

    /// The lock must still be ours: its file may have been taken away under us.
    fn fence(&mut self) -> Result<(), Error> {
        if self.lock.is_ours() {
            return Ok(());
        }
        let owner = self.store.owner().map_or_else(|| "another process".into(), |owner| owner.to_string());
        Err(Error::Locked { owner })
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.store.parts.writing.store(false, Ordering::Release);
    }
}

/// Writes the detail rows and the daily sums of one delivery.
#[derive(Debug)]
pub struct PartWriter {
    parts: Arc<Parts>,
    detail: DetailWriter,
    scratch: Scratch,
    unnamed: Arc<Mutex<BTreeSet<String>>>,
}

impl PartWriter {
    /// Appends canonical rows to the detail grain, in bounded memory.
    ///
    /// # Errors
    /// As the disk fails.
    pub fn write(&mut self, rows: &Rows) -> Result<(), Error> {
        self.detail.write(rows)
    }

    /// Writes the daily sums, makes all durable, and says what was written.
    ///
    /// # Errors
    /// As the disk fails.
    pub fn finish(self, day: &Table) -> Result<super::Parts, Error> {
        let Self { parts, detail, scratch, unnamed } = self;
        let keep = |file: TmpFile, rows: u64| {
            let (hash, size) = file.content();
            unnamed.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.clone());
            let part = PartRef { hash, size, rows };
            // An equal name means equal content, unless what lies there is damaged.
            let there = parts.io.open(&parts.layout.part(&part.hash)).is_ok();
            if !there || parts.check(&part).is_err() {
                file.publish(&parts.layout.part(&part.hash))?;
                parts.renewed(&part.hash);
            }
            Ok(part)
        };
        let detail = match detail.finish(parts.mark_text())? {
            Some((file, rows)) => Some(keep(file, rows)?),
            None => None,
        };
        let bytes = day::encode(day, parts.mark())
            .map_err(|error| Error::Io { action: "write daily sums", why: error.to_string() })?;
        let mut file = scratch.create()?;
        file.put(&bytes)?;
        let day = Some(keep(file, day.len() as u64)?);
        parts.io.sync_dir(&parts.layout.data).map_err(|error| scratch.failed("sync the parts", &error))?;
        Ok(super::Parts { detail, day })
    }
}

/// Makes the folders that are missing, durably.
pub(super) fn make_folders(parts: &Parts) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::disk("create a folder", &error, || 0);
    let missing = parts.layout.folders().into_iter().any(|folder| parts.io.list(folder).is_err());
    if missing {
        for folder in parts.layout.folders() {
            parts.io.create_dir(folder).map_err(failed)?;
        }
        parts.io.sync_dir(&parts.layout.root).map_err(failed)?;
        parts.io.sync_dir(&parts.layout.dir).map_err(failed)?;
    }
    Ok(())
}

fn random_epoch() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Io { action: "draw a random number", why: error.to_string() })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
