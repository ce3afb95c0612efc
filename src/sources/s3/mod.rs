//! A prefix of an S3 bucket: lists it, downloads its files at the version listed, spools large ones.
//! Knows S3's requests and answers, not what is inside the files; signing is object_store's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::place::{Entries, Entry, Folder, MAX_ENTRIES, MAX_PATH_BYTES};
use super::{Content, Error, FileRef};

mod answer;
mod credentials;
mod request;
mod spool;

pub(super) use credentials::Credentials;
pub(super) use request::Bucket;

use request::{Ask, TRIES};
use spool::Spool;

/// Longest time for a whole listing.
const LISTING: Duration = Duration::from_secs(300);
/// Longest time for one file.
const DOWNLOAD: Duration = Duration::from_secs(900);
/// Begins the version of a file that has no ETag.
const WRITTEN: &str = "written ";
/// Most bytes of one page of a listing.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// A prefix of a bucket.
#[derive(Debug)]
pub(super) struct S3Folder {
    bucket: Bucket,
    /// What every key begins with: empty, or ending in `/`.
    prefix: String,
    shown: Arc<str>,
    spool_dir: PathBuf,
}

impl S3Folder {
    /// The keys of a bucket below a prefix.
    pub(super) fn new(bucket: Bucket, prefix: String, shown: &str, spool_dir: &Path) -> Self {
        Self { bucket, prefix, shown: shown.into(), spool_dir: spool_dir.to_owned() }
    }

    async fn list(&self) -> Result<Entries, Error> {
        let mut entries = Entries::default();
        let mut after: Option<String> = None;
        loop {
            let response = self.bucket.send(&Ask::list(&self.prefix, after.as_deref())).await?;
            let body = self.bucket.small_body(response, MAX_PAGE_BYTES).await?;
            let page = answer::page(&body).map_err(|why| self.bucket.unusable(&why))?;
            for listed in page.keys {
                self.add(&mut entries, listed);
            }
            if entries.files.len() > MAX_ENTRIES {
                return Err(self.too_many());
            }
            match page.next {
                Some(next) if after.as_ref() == Some(&next) => {
                    return Err(self.bucket.unusable("its listing goes in circles"));
                }
                Some(next) => after = Some(next),
                None => break,
            }
        }
        entries.files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Ok(entries)
    }

    fn add(&self, entries: &mut Entries, listed: answer::Listed) {
        // A key that ends in `/` is how consoles make empty folders.
        let Some(path) = listed.key.strip_prefix(&self.prefix).filter(|path| !path.is_empty()) else { return };
        if path.ends_with('/') && listed.size == 0 {
            return;
        }
        if let Some(why) = unreadable(path, &listed) {
            entries.ignored.note(path, why);
            return;
        }
        let file = FileRef { path: path.to_owned(), size: listed.size, version: version(&listed) };
        entries.files.push(Entry { file, modified: listed.modified, same_as: None });
    }

    fn too_many(&self) -> Error {
        Error::TooLarge {
            file: self.shown.to_string(),
            what: "the number of files".into(),
            found: format!("over {MAX_ENTRIES}"),
            limit: MAX_ENTRIES.to_string(),
        }
    }

    /// Downloads a file, going on where a broken connection left off; all parts carry the same version.
    async fn download(&self, file: &FileRef) -> Result<Content, Error> {
        let mut spool = Spool::new(&self.spool_dir, file).await?;
        let key = format!("{}{}", self.prefix, file.path);
        for _try in 0..TRIES {
            let mut response = self.bucket.send(&Ask::get(&key, file, spool.length())).await?;
            let from = answer::begins_at(&response);
            let length = response.content_length().map(|length| length.saturating_add(from));
            check_version(file, &response, length)?;
            spool.go_on_at(from).await?;
            loop {
                match response.chunk().await {
                    Ok(Some(chunk)) if spool.length() + chunk.len() as u64 > file.size => return Err(changed(file)),
                    Ok(Some(chunk)) => spool.write(chunk).await?,
                    // Ended or broke: whatever is missing is asked for again.
                    Ok(None) | Err(_) => break,
                }
            }
            if spool.length() == file.size {
                return spool.finish().await;
            }
        }
        let why = format!("`{}` ended after {} of {} bytes, {TRIES} times", file.path, spool.length(), file.size);
        Err(self.bucket.unusable(&why))
    }

    async fn head(&self, file: &FileRef) -> Result<(), Error> {
        let key = format!("{}{}", self.prefix, file.path);
        let response = self.bucket.send(&Ask::head(&key, file)).await?;
        check_version(file, &response, answer::stated_length(&response))
    }
}

#[async_trait]
impl Folder for S3Folder {
    fn shown(&self) -> &str {
        &self.shown
    }

    async fn entries(&self) -> Result<Entries, Error> {
        let late = |_elapsed| self.bucket.unusable("the listing takes more than 5 minutes: narrow the prefix");
        tokio::time::timeout(LISTING, self.list()).await.map_err(late)?
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        let late = |_elapsed| self.bucket.unusable(&format!("`{}` takes more than 15 minutes to download", file.path));
        tokio::time::timeout(DOWNLOAD, self.download(file)).await.map_err(late)?
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.head(file).await
    }
}

/// Why a key cannot be read, `None` where it can.
fn unreadable(path: &str, listed: &answer::Listed) -> Option<&'static str> {
    if path.len() > MAX_PATH_BYTES {
        return Some("a key of more than 1,024 bytes");
    }
    // An URL cannot express these: every client would ask for another key.
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Some("a key with `.` or `..` in it");
    }
    if path.chars().any(char::is_control) {
        return Some("a key with control characters");
    }
    listed.archived.then_some("archived (Glacier): restore it first")
}

/// The ETag; without one the time of writing, so that a replaced file is noticed at the next listing at least.
fn version(listed: &answer::Listed) -> String {
    match listed.modified {
        _ if !listed.etag.is_empty() => listed.etag.clone(),
        Some(modified) => format!("{WRITTEN}{modified}"),
        None => format!("{WRITTEN}?"),
    }
}

/// What an answer says about version and length must be what was listed; what it does not say is not held against it.
fn check_version(file: &FileRef, response: &reqwest::Response, length: Option<u64>) -> Result<(), Error> {
    let other_version = match file.version.strip_prefix(WRITTEN) {
        None => answer::etag(response).is_some_and(|etag| !same_etag(&etag, &file.version)),
        Some(written) => {
            // The header knows seconds only.
            let listed: Option<i64> = written.parse().ok().map(|nanos: i64| nanos.div_euclid(1_000_000_000));
            answer::written(response).zip(listed).is_some_and(|(now, listed)| now != listed)
        }
    };
    if other_version || length.is_some_and(|length| length != file.size) {
        return Err(changed(file));
    }
    Ok(())
}

fn changed(file: &FileRef) -> Error {
    Error::Changed { file: file.path.clone() }
}

/// ETags are equal whatever their quotes.
fn same_etag(a: &str, b: &str) -> bool {
    let bare = |etag: &str| etag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    bare(a) == bare(b)
}
