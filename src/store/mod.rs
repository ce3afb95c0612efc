//! The local rollup store of one source: immutable parts, manifest generations, one atomic swap.
//! Derived data: in doubt it is rebuilt from the exports, never repaired in place. Knows neither vendors nor Grafana.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Dimension, Instant, Month, Number, Period, Rejects, Repairs, Rows, Table};

pub mod error;
pub use error::Error;

/// The store of one identity: (org, datasource uid, source definition, keyed hash of credentials).
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens or creates the store in `dir`. No content can make this fail: damaged generations fall back to the one
    /// before, foreign or newer formats are left alone and an empty generation is served, each with a note in the snapshot.
    ///
    /// # Errors
    /// Only where the directory itself cannot be used (not creatable, a symlink, of another user, open to others).
    pub fn open(dir: &Path, identity: &str) -> Result<Self, Error> {
        let _unused = (dir, identity);
        Err(Error::Unusable { why: "not built".into() })
    }

    /// The newest committed generation. Cheap; a reader keeps it as long as it likes.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::default())
    }

    /// Becomes the writer of this store, or says who is.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process or handle writes.
    pub fn writer(&self) -> Result<Writer<'_>, Error> {
        Err(Error::Unusable { why: "not built".into() })
    }
}

/// The right to write a store; held by one process at a time.
#[derive(Debug)]
pub struct Writer<'a> {
    _store: &'a Store,
}

impl Writer<'_> {
    /// Starts writing the parts of one delivery. Nothing is visible until [`Writer::commit`]; dropping the parts discards them.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Io`].
    pub fn part(&mut self) -> Result<PartWriter, Error> {
        Err(Error::Unusable { why: "not built".into() })
    }

    /// Publishes a new generation: `put` replaces deliveries of the same key as a whole, `remove` drops keys.
    /// Old or new state, never a mix, at whatever instant the process dies. Returns the new generation.
    ///
    /// # Errors
    /// As the disk fails; the old generation stays.
    pub fn commit(&mut self, put: Vec<DeliveryRecord>, remove: &[String]) -> Result<u64, Error> {
        let _unused = (put, remove);
        Err(Error::Unusable { why: "not built".into() })
    }
}

/// Writes the detail rows and the daily sums of one delivery.
#[derive(Debug)]
pub struct PartWriter {}

impl PartWriter {
    /// Appends canonical rows to the detail grain, in bounded memory.
    ///
    /// # Errors
    /// As the disk fails.
    pub fn write(&mut self, rows: &Rows) -> Result<(), Error> {
        let _unused = rows;
        Ok(())
    }

    /// Writes the daily sums, makes all durable, and says what was written.
    ///
    /// # Errors
    /// As the disk fails.
    pub fn finish(self, day: &Table) -> Result<Parts, Error> {
        let _unused = day;
        Ok(Parts::default())
    }
}

/// The files of one delivery in the store, by grain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Canonical rows as exported.
    pub detail: Option<PartRef>,
    /// Daily sums.
    pub day: Option<PartRef>,
}

/// An immutable file of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRef {
    /// Hash of the content; also its name.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
}

/// What the store holds of one delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// The delivery's key at its source.
    pub key: String,
    /// The version that was read, import rules included; compared for equality only.
    pub version: String,
    /// The version as people read it: the manifest's run id or the file's ETag, shortened.
    pub label: String,
    /// When it was imported.
    pub imported: Option<Instant>,
    /// True where a manifest vouches for completeness.
    pub complete: bool,
    /// Format and version recognized.
    pub format: String,
    /// What it holds, by billing month and currency.
    pub months: Vec<MonthRecord>,
    /// Rejected rows by reason and column.
    pub rejects: Rejects,
    /// Repairs by code and column.
    pub repairs: Repairs,
    /// Columns of the export that are not kept.
    pub ignored_columns: Vec<String>,
    /// The files.
    pub parts: Parts,
}

/// One billing month of a delivery, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthRecord {
    /// Billing month.
    pub month: Month,
    /// ISO 4217 code.
    pub currency: String,
    /// Rows kept.
    pub rows: u64,
    /// Exact sums as decimal text, by cost column.
    pub sums: BTreeMap<String, String>,
    /// Start of the earliest charge.
    pub charge_start: Instant,
    /// End of the latest usage charge; what is billed for later (fees of a year) does not count.
    pub data_until: Instant,
}

/// A generation held open by a reader.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Number of the generation; 0 for the empty one before the first commit.
    pub generation: u64,
    /// What it holds, ordered by key.
    pub deliveries: Vec<Arc<DeliveryRecord>>,
    /// What readers must know: quarantined parts, a fallback to the generation before.
    pub notes: Vec<String>,
}

impl Snapshot {
    /// Keys of deliveries whose parts are damaged and must be imported again.
    #[must_use]
    pub fn damaged(&self) -> Vec<String> {
        Vec::new()
    }

    /// The daily sums of one delivery, verified at first use, then kept in memory.
    ///
    /// # Errors
    /// [`Error::Damaged`]: the part went to quarantine and is imported again at the next refresh.
    pub fn day(&self, delivery: &DeliveryRecord) -> Result<Arc<Table>, Error> {
        let _unused = delivery;
        Err(Error::Unusable { why: "not built".into() })
    }

    /// The rows of one delivery whose charges start inside the period, batch by batch, with only the asked columns.
    ///
    /// # Errors
    /// As [`Snapshot::day`].
    pub fn detail(
        &self,
        delivery: &DeliveryRecord,
        period: Period,
        dimensions: &[Dimension],
        numbers: &[Number],
    ) -> Result<Box<dyn Iterator<Item = Result<Table, Error>> + Send>, Error> {
        let _unused = (delivery, period, dimensions, numbers);
        Err(Error::Unusable { why: "not built".into() })
    }
}
