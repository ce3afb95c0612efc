//! The bytes of one file: what container they are, and streams over them with a lid on what gzip may swell to.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use super::super::{Content, Error};

/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 8 << 30;
/// How far gzip may swell: this many times its size, and a start.
const MAX_SWELLING: u64 = 200;
const SWELLING_START: u64 = 64 << 20;
const READ_BYTES: usize = 256 << 10;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Text,
    Gzip,
    Parquet,
}

/// An opened file.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: String,
    pub(super) size: u64,
    content: Arc<Content>,
}

impl Input {
    /// # Errors
    /// [`Error::Damaged`] without bytes, [`Error::TooLarge`], [`Error::Io`].
    pub(super) fn open(path: &str, content: Content) -> Result<Self, Error> {
        let size = match &content {
            Content::File(file) => file.metadata().map_err(|error| io_error(path, &error))?.len(),
            Content::Bytes(bytes) => bytes.len() as u64,
        };
        if size == 0 {
            return Err(damaged(path, "byte 0".into(), "the file is empty (0 bytes)"));
        }
        if size > MAX_FILE_BYTES {
            return Err(too_large(path, "the file", format!("{size} bytes"), format!("{MAX_FILE_BYTES} bytes")));
        }
        Ok(Self { path: path.to_owned(), size, content: Arc::new(content) })
    }

    /// Tells the container by its magic bytes; the name of the file plays no part.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] that names a container or encoding that is not read.
    pub(super) fn container(&self) -> Result<Container, Error> {
        let mut head = Vec::with_capacity(8);
        self.raw().take(8).read_to_end(&mut head).map_err(|error| io_error(&self.path, &error))?;
        let foreign = match head.as_slice() {
            [0x1f, 0x8b, ..] => return Ok(Container::Gzip),
            [b'P', b'A', b'R', b'1', ..] => return Ok(Container::Parquet),
            [b'P', b'A', b'R', b'E', ..] => "an encrypted Parquet file; deliver it without encryption of the footer",
            [b'P', b'K', 3, 4, ..] => "a zip archive (or a spreadsheet); deliver CSV, gzipped CSV or Parquet",
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => {
                "text in UTF-16 or UTF-32; deliver it in UTF-8"
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstandard data; deliver gzip or Parquet",
            [b'B', b'Z', b'h', ..] => "bzip2 data; deliver gzip or Parquet",
            [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz data; deliver gzip or Parquet",
            [b'O', b'R', b'C', ..] | [b'O', b'b', b'j', 1, ..] => "an ORC or Avro file; deliver CSV or Parquet",
            [b'{', ..] | [b'[', ..] => "JSON; deliver CSV or Parquet",
            _ => return Ok(Container::Text),
        };
        Err(Error::UnknownFormat { file: self.path.clone(), found: format!("it is {foreign}") })
    }

    /// The stored bytes, from the first.
    pub(super) fn raw(&self) -> RawBytes {
        RawBytes { content: Arc::clone(&self.content), at: 0 }
    }

    /// The text inside, unzipped where it is zipped.
    pub(super) fn text(&self, container: Container) -> Box<dyn Read + Send> {
        match container {
            Container::Gzip => Box::new(Lidded {
                inner: MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, self.raw())),
                left: self.size.saturating_mul(MAX_SWELLING).saturating_add(SWELLING_START),
            }),
            Container::Text | Container::Parquet => Box::new(self.raw()),
        }
    }

    /// A second owner of the same bytes, for readers that seek on their own.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn share(&self) -> Result<Content, Error> {
        match self.content.as_ref() {
            Content::File(file) => file.try_clone().map(Content::File).map_err(|error| io_error(&self.path, &error)),
            Content::Bytes(bytes) => Ok(Content::Bytes(bytes.clone())),
        }
    }

    /// The error of a failed read of [`Input::text`], `read` bytes into the text.
    pub(super) fn read_error(&self, error: &io::Error, read: u64) -> Error {
        let place = || format!("byte {read} of its text");
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged(&self.path, place(), "the gzip data ends early"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                damaged(&self.path, place(), &format!("no valid gzip data ({error})"))
            }
            io::ErrorKind::FileTooLarge => too_large(
                &self.path,
                "its unzipped size",
                format!("more than {MAX_SWELLING} times its {} bytes", self.size),
                format!("{MAX_SWELLING} times and 64 MiB"),
            ),
            _ => io_error(&self.path, error),
        }
    }
}

/// Reads shared content from a place of its own, so that two readers of one file do not move each other.
#[derive(Debug)]
pub(super) struct RawBytes {
    content: Arc<Content>,
    at: u64,
}

impl RawBytes {
    /// The same bytes from another place.
    pub(super) fn from(&self, at: u64) -> Self {
        Self { content: Arc::clone(&self.content), at }
    }

    /// A stretch of the bytes.
    ///
    /// # Errors
    /// As the system fails; an end before the stretch's end is one.
    pub(super) fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        if let Content::Bytes(bytes) = self.content.as_ref() {
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            let end = start.checked_add(length).filter(|end| *end <= bytes.len());
            return end.map(|end| bytes.slice(start..end)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut stretch = vec![0; length];
        self.from(range.start).read_exact(&mut stretch)?;
        Ok(stretch.into())
    }
}

impl Read for RawBytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.content.as_ref() {
            Content::File(file) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(self.at))?;
                file.read(into)?
            }
            Content::Bytes(bytes) => {
                let from = usize::try_from(self.at).unwrap_or(usize::MAX).min(bytes.len());
                let count = into.len().min(bytes.len() - from);
                into[..count].copy_from_slice(&bytes[from..from + count]);
                count
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

/// Fails once more has come out than the lid allows.
struct Lidded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Lidded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

/// A damaged file.
pub(super) fn damaged(file: &str, place: String, why: &str) -> Error {
    Error::Damaged { file: file.to_owned(), place, why: why.to_owned() }
}

/// A file over a limit.
pub(super) fn too_large(file: &str, what: &str, found: String, limit: String) -> Error {
    Error::TooLarge { file: file.to_owned(), what: what.to_owned(), found, limit }
}

/// A failure of the machine.
pub(super) fn io_error(file: &str, error: &io::Error) -> Error {
    Error::Io { file: file.to_owned(), why: error.to_string() }
}
