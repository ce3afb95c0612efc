//! Where a download goes: small files stay in memory, larger ones into a file without a name that vanishes with its handle.
//! Knows nothing of where the bytes come from.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Content, Error, FileRef};

/// From this size on a file is spooled to disk.
const IN_MEMORY: u64 = 8 << 20;
/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;

/// A download under way.
#[derive(Debug)]
pub(super) struct Spool {
    /// Path of the file that is downloaded, for messages.
    path: String,
    /// Bytes not written yet; all of them where there is no file.
    buffer: Vec<u8>,
    file: Option<File>,
    length: u64,
}

impl Spool {
    /// An empty one, big enough for the file.
    pub(super) async fn new(dir: &Path, file: &FileRef) -> Result<Self, Error> {
        let mut spool = Self { path: file.path.clone(), buffer: Vec::new(), file: None, length: 0 };
        if file.size >= IN_MEMORY {
            let dir = dir.to_owned();
            spool.file = Some(spool.on_disk(move || nameless(&dir)).await?);
        } else {
            spool.buffer.reserve(usize::try_from(file.size).unwrap_or_default());
        }
        Ok(spool)
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.length += bytes.len() as u64;
        self.buffer.extend_from_slice(&bytes);
        if self.file.is_some() && self.buffer.len() >= BUFFER {
            self.flush().await?;
        }
        Ok(())
    }

    /// The next bytes belong at `at`: what lies behind is dropped.
    pub(super) async fn go_on_at(&mut self, at: u64) -> Result<(), Error> {
        if at == self.length {
            return Ok(());
        }
        self.flush().await?;
        match self.file.take() {
            Some(mut file) => {
                let cut = move || file.set_len(at).and_then(|()| file.seek(SeekFrom::Start(at))).map(|_at| file);
                self.file = Some(self.on_disk(cut).await?);
            }
            None => self.buffer.truncate(usize::try_from(at).unwrap_or_default()),
        }
        self.length = at;
        Ok(())
    }

    /// The whole, to be read from its start.
    pub(super) async fn finish(mut self) -> Result<Content, Error> {
        self.flush().await?;
        match self.file.take() {
            None => Ok(Content::Bytes(self.buffer.into())),
            Some(mut file) => self.on_disk(move || file.rewind().map(|()| file)).await.map(Content::File),
        }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if let Some(mut file) = self.file.take() {
            let bytes = std::mem::take(&mut self.buffer);
            let write = move || file.write_all(&bytes).map(|()| (file, bytes));
            let (file, mut bytes) = self.on_disk(write).await?;
            bytes.clear();
            (self.file, self.buffer) = (Some(file), bytes);
        }
        Ok(())
    }

    /// Runs disk work off the request threads.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let failed =
            |kind: &str| Error::Io { file: self.path.clone(), why: format!("the download cannot be kept: {kind}") };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failed(&error.kind().to_string())),
            Err(_stopped) => Err(failed("it was stopped")),
        }
    }
}

/// A new file that no name leads to, so that a crash leaves nothing behind.
fn nameless(dir: &Path) -> io::Result<File> {
    make_dir(dir)?;
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|_error| io::Error::from(io::ErrorKind::Other))?;
    let path: PathBuf = dir.join(format!("download-{:016x}", u64::from_le_bytes(random)));
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn file(size: u64) -> FileRef {
        FileRef { path: "a.csv".into(), size, version: String::new() }
    }

    async fn check(size: u64) {
        let dir = tempfile::tempdir().unwrap();
        let spool_dir = dir.path().join("new/spool");
        let mut spool = Spool::new(&spool_dir, &file(size)).await.unwrap();
        let chunk = Bytes::from((0..=255).cycle().take(300_000).collect::<Vec<u8>>());
        let mut expected = Vec::new();
        while expected.len() < 3_000_000 {
            spool.write(chunk.clone()).await.unwrap();
            expected.extend_from_slice(&chunk);
        }
        // A broken connection: the server starts again from another place.
        spool.go_on_at(1_234_567).await.unwrap();
        expected.truncate(1_234_567);
        spool.write(chunk.clone()).await.unwrap();
        expected.extend_from_slice(&chunk);
        assert_eq!(spool.length(), expected.len() as u64);
        let found = match spool.finish().await.unwrap() {
            Content::Bytes(bytes) => {
                assert!(size < IN_MEMORY);
                bytes.to_vec()
            }
            Content::File(mut file) => {
                assert!(size >= IN_MEMORY);
                assert_eq!(std::fs::read_dir(&spool_dir).unwrap().count(), 0, "the spooled file has no name");
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map(|_length| bytes).unwrap()
            }
        };
        assert!(found == expected, "{} bytes, expected {}", found.len(), expected.len());
    }

    #[tokio::test]
    async fn bytes_come_back_as_they_came() {
        check(3_000_000).await;
        check(IN_MEMORY).await;
    }

    #[tokio::test]
    async fn a_full_or_forbidden_disk_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        std::fs::write(&blocked, b"").unwrap();
        let error = Spool::new(&blocked, &file(IN_MEMORY)).await.unwrap_err();
        assert!(error.to_string().starts_with("`a.csv` cannot be read: the download cannot be kept"), "{error}");
    }
}
