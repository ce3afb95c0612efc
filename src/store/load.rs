//! From a directory to the generation in force: `CURRENT` where it is whole, else the newest manifest that is.
//! Reads only; whatever is wrong becomes a note, never an error.

use std::sync::Arc;

use super::DeliveryRecord;
use super::error::Error;
use super::io::{read_all, words};
use super::layout::{FORMAT, MAX_MANIFEST_BYTES, parse_format, parse_manifest_name};
use super::manifest::{Manifest, Pointer};
use super::part::Parts;

/// A generation as found on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    /// 0 where there is none.
    pub generation: u64,
    /// Hash of its manifest; empty where there is none.
    pub manifest: String,
    /// What it holds, ordered by key.
    pub deliveries: Vec<Arc<DeliveryRecord>>,
    /// What readers must know.
    pub notes: Vec<String>,
    /// The bytes of `CURRENT`, to notice a change.
    pub raw: Vec<u8>,
}

/// The bytes of `CURRENT`; empty where it is missing or cannot be read.
pub(crate) fn pointer_bytes(parts: &Parts) -> Vec<u8> {
    let file = parts.io.open(&parts.layout.current());
    file.and_then(|file| read_all(file.as_ref(), 4_096)).unwrap_or_default()
}

/// The generation in force.
pub(crate) fn load(parts: &Parts) -> Loaded {
    let raw = pointer_bytes(parts);
    let mut notes = newer_formats(parts);
    let names = manifest_names(parts);
    let pointer = Pointer::decode(&raw);
    let mut broken = match &pointer {
        Some(_) => None,
        None if names.is_empty() && raw.is_empty() => return Loaded { notes, raw, ..Loaded::default() },
        None => Some("the store's pointer to its newest generation is missing or damaged".to_owned()),
    };
    if let Some(pointer) = pointer {
        match read(parts, pointer.generation, &pointer.manifest) {
            Ok(manifest) => {
                let newer = names.iter().rev().take_while(|(generation, _)| *generation > pointer.generation);
                for (generation, hash) in newer {
                    if read(parts, *generation, hash).is_ok() {
                        notes.push(format!(
                            "generation {} of the store is shown, although {generation} was prepared; the next refresh \
                             brings it up to date",
                            pointer.generation
                        ));
                        break;
                    }
                }
                return of(manifest, pointer.manifest, notes, raw);
            }
            Err(why) => broken = Some(format!("generation {} of the store is damaged ({why})", pointer.generation)),
        }
    }
    let broken = broken.unwrap_or_default();
    for (generation, hash) in names.into_iter().rev() {
        if let Ok(manifest) = read(parts, generation, &hash) {
            notes.push(format!("{broken}; generation {generation} is shown until the next refresh"));
            return of(manifest, hash, notes, raw);
        }
    }
    notes.push(format!("{broken}, and no other is whole; the bills are imported again"));
    Loaded { notes, raw, ..Loaded::default() }
}

/// All manifests that are there, by generation.
pub(crate) fn manifest_names(parts: &Parts) -> Vec<(u64, String)> {
    let names = parts.io.list(&parts.layout.manifests).unwrap_or_default();
    names.iter().filter_map(|(name, _)| parse_manifest_name(name)).map(|(g, hash)| (g, hash.to_owned())).collect()
}

/// Reads and checks one manifest.
pub(crate) fn read(parts: &Parts, generation: u64, hash: &str) -> Result<Manifest, String> {
    let file = parts.io.open(&parts.layout.manifest(generation, hash)).map_err(|error| words(&error))?;
    let bytes = read_all(file.as_ref(), MAX_MANIFEST_BYTES).map_err(|error| words(&error))?;
    Manifest::decode(&bytes, hash, generation, &parts.identity)
}

fn of(manifest: Manifest, hash: String, notes: Vec<String>, raw: Vec<u8>) -> Loaded {
    Loaded { generation: manifest.generation, manifest: hash, deliveries: manifest.shared(), notes, raw }
}

/// A note for each format that a newer plugin left beside ours.
pub(crate) fn newer_formats(parts: &Parts) -> Vec<String> {
    let names = parts.io.list(&parts.layout.dir).unwrap_or_default();
    let formats = names.iter().filter_map(|(name, _)| parse_format(name)).filter(|format| *format > FORMAT);
    formats.map(|found| Error::NewerFormat { found, known: FORMAT }.to_string()).collect()
}
