//! Where the manifests of an export lie, and which files their names mean. Pure comparison of paths.
//! Nothing that a manifest says leads to a file outside of its own export.

use std::collections::BTreeMap;

use super::Entry;
use super::manifest;
use crate::model::Month;

/// The files of a place by path, and by path with the partition's name in lower case.
pub(super) struct Files<'a> {
    exact: BTreeMap<&'a str, &'a Entry>,
    folded: BTreeMap<String, &'a Entry>,
}

impl<'a> Files<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
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
    pub(super) fn of_aws(&self, root: &str, month: Month, name: &str) -> Result<&'a Entry, &'static str> {
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
    pub(super) fn of_own(&self, folder: &str, name: &str) -> Result<&'a Entry, &'static str> {
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

/// True for a path below a partition of a billing period.
pub(super) fn in_partition(path: &str) -> bool {
    path.split('/').any(|part| partition(part).is_some())
}

/// The month of a partition `BILLING_PERIOD=YYYY-MM`, in any case ("AWS Data Exports", Understanding export delivery).
fn partition(part: &str) -> Option<Month> {
    let (name, value) = part.split_once('=')?;
    (name.eq_ignore_ascii_case("billing_period") && value.len() == 7).then(|| Month::parse(value)).flatten()
}

/// Where a manifest of AWS lies.
pub(super) struct AwsPath {
    /// The export's folder: empty, or ending in `/`.
    pub(super) root: String,
    /// The month of its partition.
    pub(super) month: Month,
    /// True below a run's folder: an earlier run that is kept beside the current one.
    pub(super) deeper: bool,
}

/// `<root>metadata/BILLING_PERIOD=YYYY-MM/[<run>/]<export>-Manifest.json`.
pub(super) fn aws_path(path: &str) -> Option<AwsPath> {
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

/// The name of a month of an export, the same for both spellings of its partition.
pub(super) fn aws_key(root: &str, month: Month) -> String {
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
