//! A billing source over any kind of place: lists it, reads its manifests, gives out its files.
//! Knows neither file systems nor networks (a [`Folder`] does), nor what is inside the export files.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::deliveries::{self, Survey};
use super::ignored::{Ignored, why_ignored};
use super::manifest::{self, Manifest};
use super::{BillingSource, Content, Error, FileRef, Listing};
use crate::model::Month;

/// Most files below one location.
pub(super) const MAX_ENTRIES: usize = 1_000_000;
/// Most bytes of one file.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 30;
/// Most bytes of a path below the location.
pub(super) const MAX_PATH_BYTES: usize = 1_024;
/// Manifests read at once.
const MANIFESTS_AT_ONCE: usize = 4;

/// A place that holds files: a folder on this machine or a prefix of a bucket.
#[async_trait]
pub(super) trait Folder: Send + Sync + std::fmt::Debug {
    /// The location as it is written in the settings.
    fn shown(&self) -> &str;

    /// All files below the location, sorted by path.
    async fn entries(&self) -> Result<Entries, Error>;

    /// Opens one file at its version; [`Error::Changed`] where it has another one now, or is gone.
    async fn open(&self, file: &FileRef) -> Result<Content, Error>;

    /// [`Error::Changed`] where the file has another version now, or is gone.
    async fn confirm(&self, file: &FileRef) -> Result<(), Error>;
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// The files, sorted by path.
    pub files: Vec<Entry>,
    /// What was passed over while listing, with the reason.
    pub ignored: Ignored,
}

/// One file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path, size and version.
    pub file: FileRef,
    /// When the place says it was written, in nanoseconds since 1970; compared with its siblings only, never with a clock.
    pub modified: Option<i64>,
    /// The path under which the same bytes were listed before (a link), if any: such a file counts once.
    pub same_as: Option<String>,
}

/// A billing source over a folder.
#[derive(Debug)]
pub(super) struct Place<F> {
    folder: F,
    since: Option<Month>,
    known: Mutex<Known>,
}

/// What earlier listings taught.
#[derive(Debug, Default)]
struct Known {
    /// Manifests read before, by path: they are fetched again only where their version changed.
    manifests: BTreeMap<String, (String, Arc<Manifest>)>,
    /// The manifest that named a file, by the file's path: a refresh of the export rewrites it last.
    named_by: BTreeMap<String, FileRef>,
}

impl<F: Folder> Place<F> {
    /// A source over this folder that leaves out months before `since`.
    pub(super) fn new(folder: F, since: Option<Month>) -> Self {
        Self { folder, since, known: Mutex::default() }
    }

    async fn manifest(&self, file: FileRef) -> Result<Arc<Manifest>, Error> {
        if let Some((version, manifest)) = self.known().manifests.get(&file.path)
            && *version == file.version
        {
            return Ok(Arc::clone(manifest));
        }
        manifest::check_size(&file)?;
        let content = self.folder.open(&file).await?;
        let bytes = bytes_of(&file, content).await?;
        Ok(Arc::new(manifest::parse(&file.path, &bytes)?))
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let stopped =
            |_error| Error::Io { file: self.folder.shown().to_owned(), why: "the listing was stopped".into() };
        tokio::task::spawn_blocking(work).await.map_err(stopped)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // What is in there is a cache: also good after a panic elsewhere.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<F: Folder> BillingSource for Place<F> {
    async fn list(&self) -> Result<Listing, Error> {
        let Entries { files, ignored } = self.folder.entries().await?;
        let (files_listed, files, since) = (files.len(), Arc::new(files), self.since);
        // A million names are too many to sort on a request thread.
        let found = {
            let files = Arc::clone(&files);
            self.off_thread(move || Survey::of(&files, since).manifest_files()).await?
        };
        let read: Vec<_> =
            stream::iter(found.clone()).map(|file| self.manifest(file)).buffered(MANIFESTS_AT_ONCE).collect().await;
        let mut known = Known::default();
        for (file, manifest) in found.iter().zip(&read) {
            if let Ok(manifest) = manifest {
                known.manifests.insert(file.path.clone(), (file.version.clone(), Arc::clone(manifest)));
            }
        }
        let told = self.off_thread(move || deliveries::tell(&Survey::of(&files, since), &read, ignored)).await?;
        if told.nothing {
            let place = self.folder.shown().to_owned();
            // A bucket has no folders that could be missing: the name of a file is just a prefix without keys.
            let is_file = files_listed == 0 && why_ignored(&place).is_none();
            let found = if is_file { "name the folder, not the file".to_owned() } else { told.found };
            return Err(Error::Empty { place, found });
        }
        known.named_by = told.named_by;
        *self.known() = known;
        Ok(told.listing)
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        if file.size > MAX_FILE_BYTES {
            return Err(Error::TooLarge {
                file: file.path.clone(),
                what: "the file".into(),
                found: format!("{} bytes", file.size),
                limit: format!("{MAX_FILE_BYTES} bytes"),
            });
        }
        self.folder.open(file).await
    }

    /// Also fails where the manifest that named the file was rewritten: during a refresh of an export
    /// its files belong to two versions, and the manifest comes last.
    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.folder.confirm(file).await?;
        let manifest = self.known().named_by.get(&file.path).cloned();
        match manifest {
            Some(manifest) => self.folder.confirm(&manifest).await,
            None => Ok(()),
        }
    }
}

/// The bytes of a small file.
async fn bytes_of(file: &FileRef, content: Content) -> Result<bytes::Bytes, Error> {
    let (path, size) = (file.path.clone(), file.size);
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::File(mut opened) => {
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                opened.by_ref().take(size).read_to_end(&mut bytes).map(|_length| bytes)
            });
            match read.await {
                Ok(Ok(bytes)) => Ok(bytes.into()),
                Ok(Err(error)) => Err(Error::Io { file: path, why: error.kind().to_string() }),
                Err(_stopped) => Err(Error::Io { file: path, why: "reading was stopped".into() }),
            }
        }
    }
}
