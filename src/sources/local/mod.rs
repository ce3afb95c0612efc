//! A folder on this machine, below a root that the operator allows: opened as a handle, everything else relative to it.
//! Links that leave the folder, devices, pipes and sockets are never opened.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::place::{Entries, Folder};
use super::{Content, Error, FileRef};
use crate::model::Stop;

mod stamp;
mod walk;

use stamp::version;

/// Folders of the system that are never a place for exports, even below a root of `/`.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Opening a pipe must not wait for its other end.
#[cfg(any(target_os = "linux", target_os = "android"))]
const O_NONBLOCK: i32 = 0o4000;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const O_NONBLOCK: i32 = 0x4;

/// A folder of exports. Cheap to make: nothing is opened before it is asked for.
#[derive(Clone, Debug)]
pub(super) struct LocalFolder {
    /// The operator's root.
    root: PathBuf,
    /// The location below it; empty for the root itself.
    below: PathBuf,
    /// The location as written.
    shown: Arc<str>,
    /// Folders whose content is never read: the store, Grafana's data.
    forbidden: Vec<PathBuf>,
}

impl LocalFolder {
    /// The folder `below` the operator's `root`.
    pub(super) fn new(root: PathBuf, below: PathBuf, shown: &str, forbidden: &[PathBuf]) -> Self {
        let forbidden = forbidden.iter().cloned().chain(SYSTEM.iter().map(PathBuf::from)).collect();
        Self { root, below, shown: shown.into(), forbidden }
    }

    /// Opens the folder itself, and looks at what was really opened.
    fn dir(&self) -> Result<Dir, Error> {
        let failed = |error| self.failed(&error);
        let root = Dir::open_ambient_dir(&self.root, ambient_authority()).map_err(failed)?;
        let dir = if self.below.as_os_str().is_empty() { root } else { root.open_dir(&self.below).map_err(failed)? };
        self.check_place(&dir)?;
        Ok(dir)
    }

    /// The real path must lie outside of every forbidden folder, whatever links led there, and be the folder that was opened.
    fn check_place(&self, dir: &Dir) -> Result<(), Error> {
        let failed = |error| self.failed(&error);
        let real = self.root.join(&self.below).canonicalize().map_err(failed)?;
        let there = Dir::open_ambient_dir(&real, ambient_authority()).and_then(|there| there.dir_metadata());
        if stamp::id(&there.map_err(failed)?) != stamp::id(&dir.dir_metadata().map_err(failed)?) {
            return Err(Error::Changed { file: self.shown.to_string() });
        }
        let inside = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
        if self.forbidden.iter().any(inside) {
            return Err(not_allowed(&self.shown, "it belongs to Grafana, to Outlay's own store, or to the system"));
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Error {
        let place = self.shown.to_string();
        match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound { place },
            _ if is_escape(error) => {
                not_allowed(&self.shown, "a link in it leaves the folders of `outlay_local_roots`")
            }
            io::ErrorKind::PermissionDenied => {
                Error::Denied { place, why: "the user that Grafana runs as may not read it".into() }
            }
            io::ErrorKind::NotADirectory => {
                Error::NotAllowed { place, why: "it is a file: name the folder that holds it".into() }
            }
            kind => Error::Io { file: place, why: kind.to_string() },
        }
    }

    fn open_now(&self, file: &FileRef) -> Result<std::fs::File, Error> {
        let changed = || Error::Changed { file: file.path.clone() };
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, O_NONBLOCK);
        let opened = self.dir()?.open_with(&file.path, &options).map_err(|error| file_failed(file, &error))?;
        // The opened handle is judged, not the name: that may mean another file by now.
        let metadata = opened.metadata().map_err(|error| file_failed(file, &error))?;
        if !metadata.is_file() || version(&metadata) != file.version {
            return Err(changed());
        }
        Ok(opened.into_std())
    }

    fn confirm_now(&self, file: &FileRef) -> Result<(), Error> {
        let metadata = self.dir()?.metadata(&file.path).map_err(|error| file_failed(file, &error))?;
        if metadata.is_file() && version(&metadata) == file.version {
            return Ok(());
        }
        Err(Error::Changed { file: file.path.clone() })
    }
}

#[async_trait]
impl Folder for LocalFolder {
    fn shown(&self) -> &str {
        &self.shown
    }

    async fn entries(&self) -> Result<Entries, Error> {
        let folder = self.clone();
        let on_drop = StopOnDrop::default();
        let walk_stop = on_drop.0.clone();
        off_thread(&self.shown, move || walk::entries(&folder, walk_stop)).await
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        let (folder, wanted) = (self.clone(), file.clone());
        off_thread(&file.path, move || folder.open_now(&wanted)).await.map(Content::File)
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        let (folder, wanted) = (self.clone(), file.clone());
        off_thread(&file.path, move || folder.confirm_now(&wanted)).await
    }
}

fn is_escape(error: &io::Error) -> bool {
    // cap-std's own refusal carries no code of the system.
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

fn file_failed(file: &FileRef, error: &io::Error) -> Error {
    let path = file.path.clone();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Changed { file: path },
        _ if is_escape(error) => not_allowed(&path, "it is a link that leaves the folder"),
        io::ErrorKind::PermissionDenied => {
            Error::Denied { place: path, why: "the user that Grafana runs as may not read it".into() }
        }
        kind => Error::Io { file: path, why: kind.to_string() },
    }
}

fn not_allowed(place: &str, why: &str) -> Error {
    Error::NotAllowed { place: place.to_owned(), why: why.to_owned() }
}

/// Ends a walk whose caller no longer waits for it.
#[derive(Default)]
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs file access off the request threads: a folder may lie on a slow network file system.
async fn off_thread<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let stopped = |_error| Error::Io { file: what.to_owned(), why: "reading was stopped".into() };
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
