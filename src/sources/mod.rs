//! Where billing data comes from: places, formats, and readers that turn files into canonical rows.
//! Only this room names a vendor's columns; it knows nothing of the store, of queries or of Grafana.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::model::{Month, Rejects, Repairs, Rows};

mod cells;
mod connect;
mod deliveries;
pub mod error;
mod focus;
mod hosts;
mod ignored;
mod local;
pub mod location;
mod manifest;
mod normal;
mod place;
mod recognize;
mod s3;
pub mod sample;

pub use error::Error;

/// What a place holds at one moment: deliveries, each of which is imported and replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The deliveries, in a stable order.
    pub deliveries: Vec<Delivery>,
    /// What lies there but is not read, with the reason; shown, never fatal.
    pub ignored: Vec<String>,
    /// Deliveries that cannot be followed now, by key: a manifest that is cut off, a file that is missing.
    pub failures: Vec<(String, Error)>,
}

/// A set of files that counts as one: the files of one manifest, or a single file where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Name that stays the same when the delivery is replaced: the manifest's period folder, or the file's path.
    pub key: String,
    /// Changes whenever the content may have changed; compared for equality only.
    pub version: String,
    /// Billing month that the manifest states, if there is a manifest.
    pub month: Option<Month>,
    /// True where a manifest vouches for completeness.
    pub complete: bool,
    /// The files, in the manifest's order or by name.
    pub files: Vec<FileRef>,
}

/// One file at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRef {
    /// Path below the source's location, with `/` between parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// ETag, or size and modification time of a local file; empty if the place knows neither.
    pub version: String,
}

/// Which format files are read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Recognized by the columns of each file.
    #[default]
    Auto,
    /// FOCUS, whatever the recognition would say.
    Focus,
}

/// Opens a reader for a file.
///
/// # Errors
/// [`Error`] where the bytes are no export that Outlay knows.
pub fn open_reader(file: &FileRef, content: Content, format: Format) -> Result<Box<dyn RowReader>, Error> {
    recognize::open(file, content, format)
}

/// A file opened for reading: seekable bytes that are known to be of the version asked for.
#[derive(Debug)]
pub enum Content {
    /// A file on this machine (a local export, or a spooled download), read from its start.
    File(std::fs::File),
    /// Bytes in memory.
    Bytes(bytes::Bytes),
}

/// A place with billing exports.
#[async_trait]
pub trait BillingSource: Send + Sync + std::fmt::Debug {
    /// What lies there now.
    ///
    /// # Errors
    /// [`Error`] that names the place and the way out.
    async fn list(&self) -> Result<Listing, Error>;

    /// Opens one file at the version of the listing.
    ///
    /// # Errors
    /// [`Error::Changed`] where the file is no longer the version asked for, else as the place fails.
    async fn open(&self, file: &FileRef) -> Result<Content, Error>;

    /// After reading: is the file still the version that was opened, and the manifest that named it too?
    ///
    /// # Errors
    /// [`Error::Changed`] if not.
    async fn confirm(&self, file: &FileRef) -> Result<(), Error>;
}

/// Reads one export file batch by batch. Synchronous: it runs off the request threads.
pub trait RowReader: Send {
    /// The next batch of canonical rows, `None` at the end.
    ///
    /// # Errors
    /// [`Error`] for a file that cannot be read to its end; rows given before are void then.
    fn next_rows(&mut self) -> Result<Option<Rows>, Error>;

    /// What has been read so far.
    fn report(&self) -> &ReadReport;
}

/// What reading a file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Format and version recognized, e.g. `FOCUS 1.0`.
    pub format: String,
    /// Rows in the file, blank lines apart.
    pub rows_read: u64,
    /// Rows that came out as canonical rows.
    pub rows_kept: u64,
    /// Rows rejected, by reason and column; `rows_read = rows_kept + sum of counts`.
    pub rejects: Rejects,
    /// Repairs done, by code and column.
    pub repairs: Repairs,
    /// What was done that is no repair: `renamed:ProviderName to ServiceProviderName`, `double:BilledCost`; with rows.
    pub conversions: Repairs,
    /// BilledCost of rejected rows where it could be read, by `BilledCost <currency>`, as exact text.
    pub rejected_cost: BTreeMap<String, String>,
    /// Columns of the file that have no canonical place.
    pub ignored_columns: Vec<String>,
    /// Second, independent sums of what was kept: cost column and currency to exact text.
    pub control: BTreeMap<String, String>,
}
