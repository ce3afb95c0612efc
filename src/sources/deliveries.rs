//! From the files of a place to its deliveries: the manifest is the truth where there is one, else each file counts alone.
//! The same for folders and buckets; reads no bytes, and knows nothing of what is inside an export file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ignored::{Ignored, why_ignored};
use super::manifest::{self, Manifest, Named, OWN_NAME, broken};
use super::place::Entry;
use super::{Delivery, Error, FileRef, Listing};
use crate::model::Month;

/// What was found before any manifest is read.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// The manifests to read, by key.
    pub manifests: Vec<FoundManifest<'a>>,
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
pub(super) struct FoundManifest<'a> {
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

impl FoundManifest<'_> {
    /// The manifest's file.
    pub(super) fn file(&self) -> &FileRef {
        &self.entry.file
    }
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
        } else if survey.governed.iter().any(|prefix| path.starts_with(prefix.as_str())) {
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
    told
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

/// The files of a place by path, and by path with the partition's name in lower case.
struct Files<'a> {
    exact: BTreeMap<&'a str, &'a Entry>,
    folded: BTreeMap<String, &'a Entry>,
}

impl<'a> Files<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut files = Self { exact: BTreeMap::new(), folded: BTreeMap::new() };
        for entry in entries {
            files.exact.insert(&entry.file.path, entry);
            let folded = fold(&entry.file.path);
            let newest = files.folded.entry(folded).or_insert(entry);
            if entry.modified > newest.modified {
                *newest = entry;
            }
        }
        files
    }

    /// A file of an AWS manifest. Its URI keeps the first bucket and prefix when an export is copied, so only its
    /// tail `data/<period>/…` counts, below the root of the manifest itself.
    fn of_aws(&self, root: &str, month: Month, name: &str) -> Result<&'a Entry, &'static str> {
        let decoded = decode(name).filter(|decoded| manifest::is_safe(decoded));
        let mut outside = true;
        for name in [Some(name), decoded.as_deref()].into_iter().flatten() {
            let Some(path) = rebase(root, month, name) else { continue };
            outside = false;
            if let Some(entry) = self.exact.get(path.as_str()).or_else(|| self.folded.get(&fold(&path))) {
                return Ok(entry);
            }
        }
        Err(if outside { "which lies outside of the month's `data` folder" } else { "which is not there (yet)" })
    }

    /// A file of our own manifest: a path below its folder.
    fn of_own(&self, folder: &str, name: &str) -> Result<&'a Entry, &'static str> {
        if name.starts_with('/') || name.contains("://") {
            return Err("which is no path below the manifest's folder");
        }
        self.exact.get(format!("{folder}{name}").as_str()).copied().ok_or("which is not there (yet)")
    }
}

/// The path below the location that a manifest's URI or key means; `None` where it means none there.
fn rebase(root: &str, month: Month, name: &str) -> Option<String> {
    let key = match name.split_once("://") {
        Some(("s3" | "s3a" | "s3n", rest)) => rest.split_once('/')?.1,
        Some(_) => return None,
        None => name,
    };
    let parts: Vec<&str> = key.split('/').collect();
    let is_tail = |pair: &[&str]| pair[0].eq_ignore_ascii_case("data") && partition(pair[1]) == Some(month);
    let at = parts.windows(2).rposition(is_tail)?;
    (parts.len() > at + 2).then(|| format!("{root}data/{}", parts[at + 1..].join("/")))
}

/// The path with the names of its billing period partitions in lower case: `BILLING_PERIOD=` comes in any case.
fn fold(path: &str) -> String {
    let parts = path.split('/').map(|part| match partition(part) {
        Some(_) => part.to_ascii_lowercase(),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The month of a partition `BILLING_PERIOD=YYYY-MM`, in any case ("AWS Data Exports", Understanding export delivery).
fn partition(part: &str) -> Option<Month> {
    let (name, value) = part.split_once('=')?;
    (name.eq_ignore_ascii_case("billing_period") && value.len() == 7).then(|| Month::parse(value)).flatten()
}

struct AwsPath {
    root: String,
    month: Month,
    /// True below a run's folder: an earlier run that is kept beside the current one.
    deeper: bool,
}

/// `<root>metadata/BILLING_PERIOD=YYYY-MM/[<run>/]<export>-Manifest.json`.
fn aws_path(path: &str) -> Option<AwsPath> {
    let parts: Vec<&str> = path.split('/').collect();
    let (name, folders) = parts.split_last()?;
    let name = name.to_ascii_lowercase();
    if !(name.ends_with("-manifest.json") || name.ends_with("-manifest-focus.json")) {
        return None;
    }
    let at = folders
        .windows(2)
        .rposition(|pair| pair[0].eq_ignore_ascii_case("metadata") && partition(pair[1]).is_some())?;
    let month = partition(folders[at + 1])?;
    let root = folders[..at].iter().map(|part| format!("{part}/")).collect();
    Some(AwsPath { root, month, deeper: folders.len() > at + 2 })
}

fn aws_key(root: &str, month: Month) -> String {
    format!("{root}BILLING_PERIOD={month}")
}

/// The name with its percent escapes resolved, `None` where it has none or they are no UTF-8.
fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = match tail {
            [high, low, ..] if *first == b'%' => {
                char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)).map(|(h, l)| h * 16 + l)
            }
            _ => None,
        };
        match escape.and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|decoded| decoded != name)
}

#[cfg(test)]
#[path = "deliveries_tests.rs"]
mod tests;
