//! Collection: what no kept generation names goes. Only the holder of the writer's lock calls this; no clock decides.

use std::collections::BTreeSet;

use super::layout::{KEPT_GENERATIONS, manifest_name, parse_manifest_name};
use super::load;
use super::manifest::Pointer;
use super::part::Parts;

/// Removes temporary files of other runs than the holder's.
pub(crate) fn tmp(parts: &Parts, epoch: &str) {
    let folder = &parts.layout.tmp;
    for (name, _) in parts.io.list(folder).unwrap_or_default() {
        if name.split('-').next() != Some(epoch) {
            remove(parts, &folder.join(name));
        }
    }
}

/// Keeps the generation in force and the newest ones before it; removes other manifests and the parts that none of
/// the kept names, except parts that live snapshots use and parts that wait for their commit.
pub(crate) fn data(parts: &Parts, in_use: &BTreeSet<String>, unnamed: &BTreeSet<String>) {
    // Without a whole pointer it is not known what counts.
    let Some(pointer) = Pointer::decode(&load::pointer_bytes(parts)) else { return };
    let mut named: BTreeSet<String> = in_use.union(unnamed).cloned().collect();
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for (generation, hash) in load::manifest_names(parts).into_iter().rev() {
        let current = generation == pointer.generation && hash == pointer.manifest;
        if kept.len() >= KEPT_GENERATIONS || generation > pointer.generation {
            continue;
        }
        match load::read(parts, generation, &hash) {
            Ok(manifest) => {
                kept.insert(manifest_name(generation, &hash));
                named.extend(manifest.deliveries.iter().flat_map(|d| d.parts.all()).map(|part| part.hash.clone()));
            }
            // The one in force cannot be read just now: nothing may go.
            Err(_) if current => return,
            Err(_) => {}
        }
    }
    if !kept.contains(&manifest_name(pointer.generation, &pointer.manifest)) {
        return;
    }
    for (name, _) in parts.io.list(&parts.layout.manifests).unwrap_or_default() {
        if parse_manifest_name(&name).is_some() && !kept.contains(&name) {
            remove(parts, &parts.layout.manifests.join(name));
        }
    }
    for (name, _) in parts.io.list(&parts.layout.data).unwrap_or_default() {
        if !named.contains(&name) {
            remove(parts, &parts.layout.data.join(name));
        }
    }
    parts.retain(&named);
}

fn remove(parts: &Parts, path: &std::path::Path) {
    if parts.io.remove(path).is_err() {
        tracing::debug!("a file that nothing names cannot be removed; the next collection tries again");
    }
}
