//! From the files of a place to its deliveries: the manifest is the truth where there is one, else each file counts alone.
//! The same for folders and buckets; reads no bytes, and knows nothing of what is inside an export file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ignored::{Ignored, why_ignored};
use super::manifest::{self, Manifest, Named, OWN_NAME, broken};
use super::place::Entry;
use super::{Delivery, Error, FileRef, Listing};
use crate::model::Month;

mod paths;

use paths::{AwsPath, Files, aws_key, aws_path};

/// What was found before any manifest is read.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// The manifests to read, by key.
    manifests: Vec<FoundManifest<'a>>,
    files: &'a [Entry],
    /// Prefixes below which only a manifest makes a file count.
    governed: BTreeSet<String>,
    /// Manifest files of any kind: never export files themselves.
    manifest_paths: BTreeSet<&'a str>,
    failures: Vec<(String, Error)>,
    superseded: Vec<&'a str>,
    since: Option<Month>,
    /// True where months before `since` were passed over: the place is not empty then.
    passed_over: bool,
}

/// A manifest that speaks for a delivery.
#[derive(Debug)]
struct FoundManifest<'a> {
    entry: &'a Entry,
    key: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// AWS Data Exports: `<root>metadata/BILLING_PERIOD=<month>/<export>-Manifest.json`.
    Aws { root: String, month: Month },
    /// Our own, which speaks for its folder.
    Own { folder: String },
}

/// What a place comes to.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The deliveries, failures and leftovers.
    pub listing: Listing,
    /// The manifest that named a file, by the file's path.
    pub named_by: BTreeMap<String, FileRef>,
    /// True where there is neither an export file nor a manifest.
    pub nothing: bool,
    /// What lies there instead, in words.
    pub found: String,
}

impl<'a> Survey<'a> {
    /// Finds the manifests among the files of a place; months before `since` are left out.
    pub(super) fn of(files: &'a [Entry], since: Option<Month>) -> Self {
        let mut survey = Self { files, since, ..Self::default() };
        let mut current: BTreeMap<(String, Month), Vec<&Entry>> = BTreeMap::new();
        let mut history: BTreeMap<(String, Month), &Entry> = BTreeMap::new();
        for entry in files.iter().filter(|entry| why_ignored(&entry.file.path).is_none_or(|why| why.is_name())) {
            let path = entry.file.path.as_str();
            if let Some(folder) =
                path.strip_suffix(OWN_NAME).filter(|folder| folder.is_empty() || folder.ends_with('/'))
            {
                survey.manifest_paths.insert(path);
                survey.governed.insert(folder.to_owned());
                let kind = Kind::Own { folder: folder.to_owned() };
                survey.manifests.push(FoundManifest { entry, key: path.to_owned(), kind });
            } else if let Some(AwsPath { root, month, deeper }) = aws_path(path) {
                survey.manifest_paths.insert(path);
                survey.governed.insert(format!("{root}data/"));
                if deeper {
                    history.insert((root, month), entry);
                } else if !path.to_ascii_lowercase().ends_with("-manifest-focus.json") {
                    current.entry((root, month)).or_default().push(entry);
                }
            }
        }
        for (period, entry) in history {
            if !current.contains_key(&period) {
                survey.only_history(&period, entry);
            }
        }
        for (period, candidates) in current {
            survey.choose(period, candidates);
        }
        survey.manifests.sort_by(|a, b| a.key.cmp(&b.key));
        survey
    }

    /// The manifests' files, in the order of the manifests.
    pub(super) fn manifest_files(&self) -> Vec<FileRef> {
        self.manifests.iter().map(|found| found.entry.file.clone()).collect()
    }

    /// Runs without a manifest of the month itself: which of them counts is nowhere said.
    fn only_history(&mut self, (root, month): &(String, Month), entry: &Entry) {
        if self.is_left_out(*month) {
            return;
        }
        let why = format!("the month {month} has manifests of single runs only, none right below its folder");
        self.failures.push((aws_key(root, *month), broken(&entry.file.path, &why)));
    }

    /// One manifest speaks for a month: the one named after the export, in the newest of its folder's spellings.
    fn choose(&mut self, (root, month): (String, Month), mut candidates: Vec<&'a Entry>) {
        if self.is_left_out(month) {
            return;
        }
        let name = |entry: &Entry| entry.file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let export = root.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let after_the_export = format!("{export}-manifest.json");
        if candidates.iter().any(|entry| name(entry) == after_the_export) {
            candidates.retain(|entry| name(entry) == after_the_export);
        }
        candidates.sort_by(|a, b| (a.modified, &a.file.path).cmp(&(b.modified, &b.file.path)));
        let Some(entry) = candidates.pop() else { return };
        let key = aws_key(&root, month);
        if let Some(other) = candidates.iter().find(|other| name(other) != name(entry)) {
            let why = format!("`{}` beside it speaks for the same month", manifest::shown(&other.file.path));
            self.failures.push((key, broken(&entry.file.path, &why)));
            return;
        }
        self.superseded.extend(candidates.iter().map(|entry| entry.file.path.as_str()));
        self.manifests.push(FoundManifest { entry, key, kind: Kind::Aws { root, month } });
    }

    /// True where a folder above the path has a manifest that speaks for it.
    fn is_governed(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..=at]);
        std::iter::once("").chain(above).any(|folder| self.governed.contains(folder))
    }

    fn is_left_out(&mut self, month: Month) -> bool {
        let left_out = self.since.is_some_and(|since| month < since);
        self.passed_over |= left_out;
        left_out
    }
}

/// Puts files and manifests together. `read` holds what each of the survey's manifests says, in their order.
pub(super) fn tell(survey: &Survey<'_>, read: &[Result<Arc<Manifest>, Error>], mut ignored: Ignored) -> Told {
    let mut told = Told::default();
    let mut claimed: BTreeMap<&str, &str> = BTreeMap::new();
    told.listing.failures.clone_from(&survey.failures);
    let files = Files::of(survey.files);
    let mut passed_over = survey.passed_over;
    for (found, manifest) in survey.manifests.iter().zip(read) {
        let delivery = match manifest {
            Ok(manifest) => {
                if survey.since.zip(manifest.period).is_some_and(|(since, month)| month < since) {
                    passed_over = true;
                    continue;
                }
                delivery(found, manifest, &files, &mut claimed)
            }
            Err(error) => Err(error.clone()),
        };
        match delivery {
            Ok(delivery) => {
                let named = delivery.files.iter().map(|file| (file.path.clone(), found.entry.file.clone()));
                told.named_by.extend(named);
                told.listing.deliveries.push(delivery);
            }
            Err(error) => told.listing.failures.push((found.key.clone(), error)),
        }
    }
    for entry in survey.files {
        let path = entry.file.path.as_str();
        if survey.manifest_paths.contains(path) || claimed.contains_key(path) {
            continue;
        }
        if let Some(why) = why_ignored(path) {
            ignored.note(path, why.reason());
        } else if survey.is_governed(path) {
            ignored.note(path, "not named by a manifest");
        } else if let Some(first) = &entry.same_as {
            ignored.note(path, &format!("the same file as `{first}`"));
        } else {
            told.listing.deliveries.push(alone(entry));
        }
    }
    for path in &survey.superseded {
        ignored.note(path, "superseded by a newer manifest of the same month");
    }
    told.listing.deliveries.sort_by(|a, b| a.key.cmp(&b.key));
    told.listing.failures.sort_by(|a, b| a.0.cmp(&b.0));
    told.nothing = told.listing.deliveries.is_empty() && told.listing.failures.is_empty() && !passed_over;
    told.found = ignored.summary();
    told.listing.ignored = ignored.lines();
    if survey.manifest_paths.is_empty() {
        told.listing.ignored.extend(hint(&told.listing.deliveries));
    }
    told
}

/// Partitions of an export without its manifests: most likely the location is a folder too deep.
fn hint(deliveries: &[Delivery]) -> Option<String> {
    let in_partition = deliveries.iter().find(|delivery| paths::in_partition(&delivery.key))?;
    Some(format!(
        "no manifest lies below the location, so each file counts alone, such as `{}`: set `location` to the folder \
         that holds `data` and `metadata`",
        in_partition.key
    ))
}

/// A file without a manifest: a delivery of its own.
fn alone(entry: &Entry) -> Delivery {
    Delivery {
        key: entry.file.path.clone(),
        version: entry.file.version.clone(),
        month: None,
        complete: false,
        files: vec![entry.file.clone()],
    }
}

/// The delivery that a manifest describes, if all of its files are there as stated.
fn delivery<'a>(
    found: &'a FoundManifest<'_>,
    manifest: &Manifest,
    files: &Files<'a>,
    claimed: &mut BTreeMap<&'a str, &'a str>,
) -> Result<Delivery, Error> {
    let path = &found.entry.file.path;
    let mut entries: Vec<&'a Entry> = Vec::with_capacity(manifest.files.len());
    let mut seen = BTreeSet::new();
    for named in &manifest.files {
        let entry = match &found.kind {
            Kind::Aws { root, month } => files.of_aws(root, *month, &named.name),
            Kind::Own { folder } => files.of_own(folder, &named.name),
        };
        let entry =
            entry.map_err(|why| broken(path, &format!("it names `{}`, {why}", manifest::shown(&named.name))))?;
        check_stated(path, named, entry)?;
        if !seen.insert(entry.file.path.as_str()) {
            return Err(broken(path, &format!("it names `{}` twice", manifest::shown(&named.name))));
        }
        if let Some(other) = claimed.get(entry.file.path.as_str()) {
            return Err(broken(
                path,
                &format!("it names `{}`, which counts for `{other}`", manifest::shown(&named.name)),
            ));
        }
        entries.push(entry);
    }
    claimed.extend(entries.iter().map(|entry| (entry.file.path.as_str(), found.key.as_str())));
    let month = match &found.kind {
        Kind::Aws { month, .. } => Some(*month),
        Kind::Own { .. } => manifest.period,
    };
    Ok(Delivery {
        key: found.key.clone(),
        version: version(&found.entry.file, manifest, &entries),
        month,
        complete: !entries.iter().any(|entry| is_younger(entry, found.entry)),
        files: entries.into_iter().map(|entry| entry.file.clone()).collect(),
    })
}

/// Files come first and the manifest last, so a file that is younger belongs to a rewrite under way, or the
/// folder is a copy that lost the order: either way nobody vouches for it.
fn is_younger(entry: &Entry, manifest: &Entry) -> bool {
    entry.modified.zip(manifest.modified).is_some_and(|(file, manifest)| file > manifest)
}

fn check_stated(path: &str, named: &Named, entry: &Entry) -> Result<(), Error> {
    let size = entry.file.size;
    if size == 0 {
        return Err(broken(path, &format!("it names `{}`, which is empty", manifest::shown(&named.name))));
    }
    match named.size {
        Some(stated) if stated != size => {
            let name = manifest::shown(&named.name);
            Err(broken(path, &format!("it names `{name}` with {stated} bytes, but the file has {size}")))
        }
        _ => Ok(()),
    }
}

fn version(manifest_file: &FileRef, manifest: &Manifest, entries: &[&Entry]) -> String {
    let mut hash = blake3::Hasher::new();
    let mut part = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    part(&manifest_file.version);
    part(&manifest.run);
    for entry in entries {
        part(&entry.file.path);
        part(&entry.file.size.to_string());
        part(&entry.file.version);
    }
    hash.finalize().to_hex().chars().take(32).collect()
}

#[cfg(test)]
mod tests;
