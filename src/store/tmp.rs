//! A file in the making: hashed while it is written, then made durable and given its hash as its name.
//! Whatever goes wrong on the way, the temporary file goes and nothing else has changed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::Error;
use super::io::{Sink, StoreIo};
use super::layout::{Layout, RESERVE_BYTES};

/// Bytes between two looks at the free space.
const LOOK_EVERY: u64 = 16 << 20;

/// Where temporary files of one run of the writer lie, and the number of the next one.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    io: Arc<dyn StoreIo>,
    layout: Layout,
    epoch: Arc<str>,
    next: Arc<AtomicU64>,
}

impl Scratch {
    pub(crate) fn new(io: Arc<dyn StoreIo>, layout: Layout, epoch: &str) -> Self {
        Self { io, layout, epoch: epoch.into(), next: Arc::default() }
    }

    /// A new temporary file.
    pub(crate) fn create(&self) -> Result<TmpFile, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.layout.tmp.join(format!("{}-{number}", self.epoch));
        let sink = self.io.create_new(&path).map_err(|error| self.failed("create a file", &error))?;
        Ok(TmpFile {
            scratch: self.clone(),
            path,
            sink: Some(sink),
            hasher: blake3::Hasher::new(),
            size: 0,
            failure: Failure::default(),
        })
    }

    /// An error of the disk as an error of the store.
    pub(crate) fn failed(&self, action: &'static str, error: &io::Error) -> Error {
        Error::disk(action, error, || self.io.free(&self.layout.root).unwrap_or(0))
    }
}

/// See [`Scratch::create`]. Dropping it removes the file.
pub(crate) struct TmpFile {
    scratch: Scratch,
    path: PathBuf,
    sink: Option<Box<dyn Sink>>,
    hasher: blake3::Hasher,
    size: u64,
    failure: Failure,
}

/// The first error of writing a file, kept because libraries in between turn it into their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<Error>>>);

impl Failure {
    /// The disk's error if there was one, else what the library says.
    pub(crate) fn or(&self, action: &'static str, said: &dyn std::fmt::Display) -> Error {
        self.get().unwrap_or_else(|| Error::Io { action, why: said.to_string() })
    }

    fn get(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for TmpFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TmpFile of {} bytes", self.size)
    }
}

impl TmpFile {
    /// Remembers the disk's error if writing fails.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// Hash and size of what has been written.
    pub(crate) fn content(&self) -> (String, u64) {
        (self.hasher.finalize().to_hex().to_string(), self.size)
    }

    /// Writes all of `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes).map_err(|error| self.scratch.failed("write a file", &error))
    }

    /// Makes the content durable and renames the file. The name is durable once its directory is synced.
    pub(crate) fn publish(mut self, to: &Path) -> Result<(), Error> {
        let mut sink = self.sink.take().ok_or_else(|| self.failure.get().unwrap_or_else(Error::closed))?;
        let synced = sink.sync();
        drop(sink);
        synced.map_err(|error| self.scratch.failed("sync a file", &error))?;
        self.scratch.io.rename(&self.path, to).map_err(|error| self.scratch.failed("rename a file", &error))?;
        self.path = PathBuf::new();
        Ok(())
    }

    /// Reads back what has been written so far; for a file that is to be written again in another form.
    pub(crate) fn reopen(&self) -> Result<Arc<dyn super::io::Bytes>, Error> {
        self.scratch.io.open(&self.path).map_err(|error| self.scratch.failed("read a file", &error))
    }
}

impl TmpFile {
    /// Stops before the reserve of the disk is used up.
    fn look(&self, written: usize) -> io::Result<usize> {
        let free = self.scratch.io.free(&self.scratch.layout.root)?;
        if free >= RESERVE_BYTES {
            return Ok(written);
        }
        let full = Error::DiskFull { needed_mib: RESERVE_BYTES >> 20, free_mib: free >> 20 };
        self.failure.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(full);
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Write for TmpFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(sink) = &mut self.sink else { return Err(io::ErrorKind::BrokenPipe.into()) };
        match sink.write(bytes) {
            Ok(written) => {
                self.hasher.update(bytes.get(..written).unwrap_or_default());
                let looked = self.size / LOOK_EVERY;
                self.size += written as u64;
                if self.size / LOOK_EVERY > looked { self.look(written) } else { Ok(written) }
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    let told = self.scratch.failed("write a file", &error);
                    self.failure.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(told);
                }
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.as_mut().map_or(Ok(()), |sink| sink.flush())
    }
}

impl Drop for TmpFile {
    fn drop(&mut self) {
        self.sink = None;
        if !self.path.as_os_str().is_empty() && self.scratch.io.remove(&self.path).is_err() {
            tracing::debug!("a temporary file stays until the next collection");
        }
    }
}
