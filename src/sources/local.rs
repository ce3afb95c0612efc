//! A folder on this machine, below a root that the operator allows: opened as a handle, everything else relative to it.
//! Links that leave the folder, devices, pipes and sockets are never opened.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, Metadata, OpenOptions};

use super::ignored::{Ignored, Why, why_ignored};
use super::place::{Entries, Entry, Folder, MAX_ENTRIES, MAX_PATH_BYTES};
use super::{Content, Error, FileRef};
use crate::model::Stop;

/// Deepest folder below the location.
const MAX_DEPTH: usize = 32;
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
        let root = Dir::open_ambient_dir(&self.root, ambient_authority()).map_err(|error| self.failed(&error))?;
        if self.below.as_os_str().is_empty() {
            self.check_place()?;
            return Ok(root);
        }
        let dir = root.open_dir(&self.below).map_err(|error| self.failed(&error))?;
        self.check_place()?;
        Ok(dir)
    }

    /// The real path must lie outside of every forbidden folder, whatever links led there.
    fn check_place(&self) -> Result<(), Error> {
        let real = self.root.join(&self.below).canonicalize().map_err(|error| self.failed(&error))?;
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
        off_thread(&self.shown, move || {
            let dir = folder.dir()?;
            let mut walk = Walk::new(&folder, walk_stop);
            walk.all(&dir)?;
            Ok(walk.finish())
        })
        .await
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

/// Which file or folder a name means: device and inode, or a number of its own where there are none.
type Id = (u64, u64);

/// One listing under way.
struct Walk<'a> {
    folder: &'a LocalFolder,
    stop: Stop,
    files: Vec<Met>,
    /// Folders walked or refused, so that links cannot lead in circles.
    folders: BTreeSet<Id>,
    forbidden: BTreeSet<Id>,
    links: Vec<String>,
    /// True while links are followed.
    by_link: bool,
    ignored: Ignored,
}

/// A file met on the way.
struct Met {
    entry: Entry,
    id: Id,
    by_link: bool,
}

impl<'a> Walk<'a> {
    fn new(folder: &'a LocalFolder, stop: Stop) -> Self {
        Self {
            folder,
            stop,
            files: Vec::new(),
            folders: BTreeSet::new(),
            forbidden: folder.forbidden_ids(),
            links: Vec::new(),
            by_link: false,
            ignored: Ignored::default(),
        }
    }

    /// The same bytes under several names count under one: the first that is no link, by path.
    fn finish(mut self) -> Entries {
        self.files.sort_by(|a, b| (a.by_link, &a.entry.file.path).cmp(&(b.by_link, &b.entry.file.path)));
        let mut first: BTreeMap<Id, String> = BTreeMap::new();
        for met in &mut self.files {
            let path = &met.entry.file.path;
            let known = first.entry(met.id).or_insert_with(|| path.clone());
            met.entry.same_as = (known != path).then(|| known.clone());
        }
        let mut files: Vec<Entry> = self.files.into_iter().map(|met| met.entry).collect();
        files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Entries { files, ignored: self.ignored }
    }

    /// Everything that really lies here first, then what links inside of it add.
    fn all(&mut self, base: &Dir) -> Result<(), Error> {
        self.folders.insert(id(&base.dir_metadata().map_err(|error| self.folder.failed(&error))?));
        self.below(base, "", 0)?;
        self.by_link = true;
        while !self.links.is_empty() {
            let mut links = std::mem::take(&mut self.links);
            links.sort();
            for path in links {
                self.link(base, &path)?;
            }
        }
        Ok(())
    }

    fn below(&mut self, dir: &Dir, prefix: &str, depth: usize) -> Result<(), Error> {
        let entries = dir.entries().map_err(|error| self.folder.failed(&error))?;
        for entry in entries {
            if self.stop.stopped() {
                return Err(Error::Io { file: self.folder.shown.to_string(), why: "the listing was stopped".into() });
            }
            let entry = entry.map_err(|error| self.folder.failed(&error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.ignored.note(&format!("{prefix}{}", name.to_string_lossy()), "a name that is no UTF-8");
                continue;
            };
            self.one(&entry, &format!("{prefix}{name}"), depth)?;
        }
        Ok(())
    }

    fn one(&mut self, entry: &DirEntry, path: &str, depth: usize) -> Result<(), Error> {
        if matches!(why_ignored(path), Some(Why::Hidden)) {
            self.ignored.note(path, Why::Hidden.reason());
            return Ok(());
        }
        let (Ok(kind), Ok(metadata)) = (entry.file_type(), entry.metadata()) else {
            self.ignored.note(path, "cannot be looked at, or is gone");
            return Ok(());
        };
        if kind.is_symlink() {
            self.links.push(path.to_owned());
            return self.check_count();
        }
        if kind.is_dir() {
            return match entry.open_dir() {
                Ok(dir) => self.folder(&dir, path, depth),
                Err(_closed) => {
                    self.ignored.note(path, "a folder that may not be opened");
                    Ok(())
                }
            };
        }
        self.file(path, &metadata)
    }

    fn folder(&mut self, dir: &Dir, path: &str, depth: usize) -> Result<(), Error> {
        let Ok(metadata) = dir.dir_metadata() else {
            self.ignored.note(path, "cannot be looked at, or is gone");
            return Ok(());
        };
        if self.forbidden.contains(&id(&metadata)) {
            self.ignored.note(path, "belongs to Grafana, to Outlay's own store, or to the system");
            return Ok(());
        }
        if !self.folders.insert(id(&metadata)) {
            self.ignored.note(path, "a folder that was listed before");
            return Ok(());
        }
        if depth + 1 >= MAX_DEPTH {
            return Err(too_large(&self.folder.shown, "the depth of folders", MAX_DEPTH));
        }
        self.below(dir, &format!("{path}/"), depth + 1)
    }

    fn file(&mut self, path: &str, metadata: &Metadata) -> Result<(), Error> {
        if !metadata.is_file() {
            self.ignored.note(path, "a pipe, socket or device");
            return Ok(());
        }
        if path.len() > MAX_PATH_BYTES {
            self.ignored.note(path, "a path of more than 1,024 bytes");
            return Ok(());
        }
        let file = FileRef { path: path.to_owned(), size: metadata.len(), version: version(metadata) };
        let entry = Entry { file, modified: modified(metadata), same_as: None };
        self.files.push(Met { entry, id: id(metadata), by_link: self.by_link });
        self.check_count()
    }

    /// A link counts where it stays below the location; the sandbox of the handle refuses the rest.
    fn link(&mut self, base: &Dir, path: &str) -> Result<(), Error> {
        match base.metadata(path) {
            Ok(metadata) if metadata.is_dir() => match base.open_dir(path) {
                Ok(dir) => self.folder(&dir, path, path.matches('/').count()),
                Err(_closed) => {
                    self.ignored.note(path, "a folder that may not be opened");
                    Ok(())
                }
            },
            Ok(metadata) => self.file(path, &metadata),
            Err(error) if is_escape(&error) => {
                self.ignored.note(path, "a link that leaves the folder");
                Ok(())
            }
            Err(_broken) => {
                self.ignored.note(path, "a link that leads nowhere");
                Ok(())
            }
        }
    }

    fn check_count(&self) -> Result<(), Error> {
        if self.files.len() + self.links.len() > MAX_ENTRIES {
            return Err(too_large(&self.folder.shown, "the number of files", MAX_ENTRIES));
        }
        Ok(())
    }
}

impl LocalFolder {
    fn forbidden_ids(&self) -> BTreeSet<Id> {
        let of =
            |folder: &PathBuf| Dir::open_ambient_dir(folder, ambient_authority()).and_then(|dir| dir.dir_metadata());
        self.forbidden.iter().filter_map(|folder| of(folder).ok()).map(|metadata| id(&metadata)).collect()
    }
}

#[cfg(unix)]
fn id(metadata: &Metadata) -> Id {
    use cap_std::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Size, modification time to the nanosecond, and inode: a replaced file differs in the last even if the others agree.
#[cfg(unix)]
fn version(metadata: &Metadata) -> String {
    use cap_std::fs::MetadataExt;
    format!("{}-{}.{:09}-{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino())
}

#[cfg(unix)]
fn modified(metadata: &Metadata) -> Option<i64> {
    use cap_std::fs::MetadataExt;
    metadata.mtime().checked_mul(1_000_000_000)?.checked_add(metadata.mtime_nsec())
}

/// Elsewhere a file has no inode that this crate can read: links are told apart by nothing, and a version is weaker.
#[cfg(not(unix))]
fn id(_metadata: &Metadata) -> Id {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    (u64::MAX, NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(not(unix))]
fn version(metadata: &Metadata) -> String {
    format!("{}-{}", metadata.len(), modified(metadata).unwrap_or_default())
}

#[cfg(not(unix))]
fn modified(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.into_std().duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
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

fn too_large(place: &str, what: &str, limit: usize) -> Error {
    Error::TooLarge {
        file: place.to_owned(),
        what: what.into(),
        found: format!("over {limit}"),
        limit: limit.to_string(),
    }
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
#[path = "local_tests.rs"]
mod tests;
