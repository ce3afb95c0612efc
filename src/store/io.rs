//! The only place of the store that touches the disk: what a store needs of a file system, and the real one.
//! It knows nothing of parts or generations. Tests put a file system in memory here that crashes and fails on purpose.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a store needs of a file system. Paths are whole; nothing here follows a link in the last part of a path.
pub(crate) trait StoreIo: Send + Sync + fmt::Debug {
    /// Makes one directory, private to this user; fine if it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// A new file, private to this user; an error if the name is taken.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>>;
    /// Opens a file for reading; what was opened stays readable when its name goes.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Bytes>>;
    /// Renames within the store, replacing what has the new name, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Names and sizes in a directory, by name.
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Bytes that may still be written below a directory.
    fn free(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the lock and leaves `owner` in it for others to read; `None` while somebody else has it.
    fn lock(&self, path: &Path, owner: &[u8]) -> io::Result<Option<Box<dyn Lock>>>;
    /// Sets a marker file's time to now, making it where it is missing.
    fn touch(&self, path: &Path) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait Sink: Write + Send {
    /// Makes content and size durable. Never asked again after it failed.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file open for reading at any place.
pub(crate) trait Bytes: Send + Sync + fmt::Debug {
    /// Its size.
    fn size(&self) -> io::Result<u64>;
    /// Fills `buffer` from `at` on, as far as the file goes.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

/// A lock that is held until it is dropped.
pub(crate) trait Lock: Send + fmt::Debug {
    /// True while the lock's file is still the one that was locked, with our text in it.
    fn is_ours(&mut self) -> bool;
}

/// Reads a file whole, up to a limit.
pub(crate) fn read_all(file: &dyn Bytes, limit: u64) -> io::Result<Vec<u8>> {
    let size = file.size()?;
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{size} bytes, at most {limit}")));
    }
    let mut content = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    let read = read_full(file, &mut content, 0)?;
    content.truncate(read);
    Ok(content)
}

/// Fills a buffer from `at` on; fewer bytes than asked only at the end of the file.
pub(crate) fn read_full(file: &dyn Bytes, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], at + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct Disk;

impl StoreIo for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        match private_dir().create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_dir(dir) => Ok(()),
            other => other,
        }
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(DiskSink(private_file().write(true).create_new(true).open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Bytes>> {
        Ok(Arc::new(DiskBytes(private_file().read(true).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if cfg!(windows) {
            return Ok(());
        }
        File::open(dir)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if let (Ok(name), Ok(about)) = (entry.file_name().into_string(), entry.metadata()) {
                names.push((name, about.len()));
            }
        }
        names.sort();
        Ok(names)
    }

    fn free(&self, dir: &Path) -> io::Result<u64> {
        free_space(dir)
    }

    fn lock(&self, path: &Path, owner: &[u8]) -> io::Result<Option<Box<dyn Lock>>> {
        let mut file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.write_all(owner)?;
        Ok(Some(Box::new(DiskLock { file, path: path.to_owned(), owner: owner.to_owned() })))
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        let file = private_file().write(true).create(true).truncate(false).open(path)?;
        file.set_modified(std::time::SystemTime::now())
    }
}

struct DiskSink(File);

impl Write for DiskSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink for DiskSink {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

#[derive(Debug)]
struct DiskBytes(File);

impl Bytes for DiskBytes {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, at)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, at)
    }
}

#[derive(Debug)]
struct DiskLock {
    file: File,
    path: PathBuf,
    owner: Vec<u8>,
}

impl Lock for DiskLock {
    fn is_ours(&mut self) -> bool {
        let mut content = Vec::new();
        same_file(&self.file, &self.path)
            && self.file.seek(SeekFrom::Start(0)).is_ok()
            && self.file.read_to_end(&mut content).is_ok()
            && content == self.owner
    }
}

impl Drop for DiskLock {
    fn drop(&mut self) {
        // A clean end leaves no owner behind; the lock itself goes with the handle.
        if self.file.set_len(0).is_err() {
            tracing::debug!("the owner's name stays in the released lock");
        }
    }
}

/// A directory builder whose directories only this user may enter.
fn private_dir() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(false);
    builder
}

/// Open options for files that only this user may read, and that are no links.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |about: fs::Metadata| (about.dev(), about.ino());
    matches!((file.metadata().map(place), fs::symlink_metadata(path).map(place)), (Ok(ours), Ok(named)) if ours == named)
}

#[cfg(not(unix))]
fn same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(unix)]
fn free_space(dir: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(dir)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_dir: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

/// Checks that a directory may hold what belongs to this user alone, and makes it where it is missing.
/// Says in a few words why not.
pub(crate) fn private_place(dir: &Path) -> Result<(), String> {
    if !dir.is_absolute() {
        return Err("the path is not absolute".into());
    }
    if fs::symlink_metadata(dir).is_err() {
        let mut builder = private_dir();
        builder.recursive(true);
        builder.create(dir).map_err(|error| format!("it cannot be created: {}", words(&error)))?;
        if dir.parent().is_some_and(|parent| Disk.sync_dir(parent).is_err()) {
            tracing::debug!("the name of the store's directory is not known to be durable");
        }
    }
    let about = fs::symlink_metadata(dir).map_err(|error| format!("it cannot be looked at: {}", words(&error)))?;
    if about.is_symlink() {
        return Err("it is a symbolic link".into());
    }
    if !about.is_dir() {
        return Err("it is no directory".into());
    }
    ours_alone(&about)
}

#[cfg(unix)]
fn ours_alone(about: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user".into());
    }
    if about.mode() & 0o022 != 0 {
        return Err("others may write to it".into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn ours_alone(_about: &fs::Metadata) -> Result<(), String> {
    Ok(())
}

/// The system's words for an error, without a path.
pub(crate) fn words(error: &io::Error) -> String {
    match error.get_ref() {
        None => error.kind().to_string(),
        Some(inner) => inner.to_string(),
    }
}

/// Name of this machine, for people who ask who holds a lock.
pub(crate) fn host() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        "this host".into()
    }
}

/// The base directory of all stores: its secret, and the folders in it.
#[derive(Debug)]
pub(crate) struct BaseIo {
    dir: PathBuf,
}

impl BaseIo {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Reads a small private file; mends rights that are too wide.
    pub(crate) fn secret(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = private_file().read(true).open(self.dir.join(name))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if file.metadata()?.permissions().mode() & 0o077 != 0 {
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
            }
        }
        let mut content = Vec::new();
        file.take(4_096).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Writes a small private file durably, replacing what was there in one step. Call it under [`Self::exclusive`].
    pub(crate) fn keep_secret(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let tmp = self.dir.join(format!("{name}.tmp"));
        match fs::remove_file(&tmp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private_file().write(true).create_new(true).open(&tmp)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&tmp, self.dir.join(name))?;
        Disk.sync_dir(&self.dir)
    }

    /// Waits until no other process writes the file of this name; holds as long as the result lives.
    pub(crate) fn exclusive(&self, name: &str) -> io::Result<impl Sized + use<>> {
        let path = self.dir.join(format!("{name}.lock"));
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        Ok(file)
    }

    /// Names of the directories, sorted; links are none.
    pub(crate) fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// When a file in a folder was last changed, in nanoseconds since 1970.
    pub(crate) fn modified(&self, folder: &str, name: &str) -> Option<i64> {
        let time = fs::symlink_metadata(self.dir.join(folder).join(name)).ok()?.modified().ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    }

    /// The writers' locks of a store in all its formats; `None` while one of them is held.
    pub(crate) fn writer_locks(&self, folder: &str) -> Option<Vec<File>> {
        let store = self.dir.join(folder);
        let formats = fs::read_dir(&store).ok()?.flatten().map(|entry| entry.path().join("LOCK"));
        let mut locks = Vec::new();
        for path in formats.filter(|path| path.is_file()) {
            let file = private_file().read(true).write(true).open(path).ok()?;
            file.try_lock().ok()?;
            locks.push(file);
        }
        Some(locks)
    }

    /// Renames a folder; true where that worked.
    pub(crate) fn rename(&self, from: &str, to: &str) -> bool {
        fs::rename(self.dir.join(from), self.dir.join(to)).is_ok()
    }

    /// Removes a folder with all that is in it; what cannot be removed now goes with the next sweep.
    pub(crate) fn discard(&self, folder: &str) {
        if fs::remove_dir_all(self.dir.join(folder)).is_err() {
            tracing::warn!("the store of an identity that nobody uses cannot be removed");
        }
    }
}
