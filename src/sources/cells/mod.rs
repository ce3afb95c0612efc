//! Export files as tables of typed cells: CSV, gzipped CSV and Parquet behind one face, each with its caps.
//! Knows bytes, not bills: which columns matter, and what their texts mean, is the caller's.

mod csv_records;
mod csv_text;
mod input;
mod intern;
mod nested;
mod parquet_arrays;
mod parquet_file;
mod parquet_pages;

use std::borrow::Cow;

use ethnum::I256;

use self::csv_text::CsvFile;
use self::input::{Container, Input};
pub(crate) use self::intern::Interner;
use self::parquet_file::ParquetFile;
use super::{Content, Error, FileRef};
use crate::model::{Amount, Coded, Instant};

/// Rows that a batch aims at: enough for its dictionaries to pay, few enough to stay small.
const BATCH_ROWS: usize = 16_384;
/// Most columns a file may have.
const MAX_COLUMNS: usize = 4_096;
/// Longest single text; longer ones reject their row.
pub(crate) const MAX_TEXT_BYTES: usize = 256 << 10;

/// A file whose container and column names are known. It can be read more than once.
#[derive(Debug)]
pub(crate) enum TableFile {
    /// Comma-separated text, plain or gzipped.
    Csv(CsvFile),
    /// Apache Parquet.
    Parquet(ParquetFile),
}

impl TableFile {
    /// Looks at the first bytes and reads the column names.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::TooLarge`], [`Error::UnknownFormat`] for containers that are not read.
    pub(crate) fn open(file: &FileRef, content: Content) -> Result<Self, Error> {
        let input = Input::open(&file.path, content)?;
        match input.container()? {
            Container::Text | Container::Gzip => CsvFile::open(input).map(Self::Csv),
            Container::Parquet => ParquetFile::open(input).map(Self::Parquet),
        }
    }

    /// The column names as the file spells them.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::Csv(file) => file.columns(),
            Self::Parquet(file) => file.columns(),
        }
    }

    /// Starts reading the wanted columns from the first row.
    ///
    /// # Errors
    /// As the file fails.
    pub(crate) fn read(&self, wanted: &[Wanted]) -> Result<Box<dyn CellReader>, Error> {
        match self {
            Self::Csv(file) => file.read(wanted),
            Self::Parquet(file) => file.read(wanted),
        }
    }
}

/// A column to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its place in [`TableFile::columns`].
    pub(crate) column: usize,
    /// How texts come; typed Parquet columns come in their own type.
    pub(crate) form: Form,
}

/// How the texts of a column are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With a dictionary of the batch: for names, times, tags.
    Coded,
    /// One after the other: for numbers, which rarely repeat.
    Plain,
}

/// Gives batch after batch of cells.
pub(crate) trait CellReader: Send {
    /// The next batch, `None` at the end.
    ///
    /// # Errors
    /// [`Error`] for a file that cannot be read to its end.
    fn next_batch(&mut self) -> Result<Option<Batch>, Error>;
}

/// Some rows of a file.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Number of each row in the file, from 1, header and blank lines apart.
    pub(crate) row_numbers: Vec<u64>,
    /// The wanted columns, in the order asked for; each has as many cells as there are row numbers.
    pub(crate) columns: Vec<Cells>,
    /// Records that could not be taken apart; they are no rows of the batch.
    pub(crate) bad_records: Vec<BadRecord>,
    /// Rows of the batch, by place, that hold a cell that is no text.
    pub(crate) bad_rows: Vec<(usize, BadRecord)>,
    /// Lines without any value.
    pub(crate) blank_lines: u64,
    /// Rows whose surplus fields, past the last column, were empty.
    pub(crate) surplus_fields: u64,
}

impl Batch {
    /// How many rows, bad records apart.
    pub(crate) fn rows(&self) -> usize {
        self.row_numbers.len()
    }
}

/// A record that is no row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRecord {
    /// What is wrong, e.g. `invalid-utf8`.
    pub(crate) reason: &'static str,
    /// The column, or `record` where it is the whole.
    pub(crate) column: String,
    /// Row and byte.
    pub(crate) place: String,
}

/// The cells of one column in one batch, as the file types them. An empty text is a null.
#[derive(Debug)]
pub(crate) enum Cells {
    /// Texts with a dictionary.
    Texts(Coded),
    /// Texts in a row.
    Plain(Plain),
    /// Binary floats, by their shortest text.
    Doubles(Plain),
    /// Exact numbers: integer counts of 10^-scale.
    Decimals {
        /// Decimal places.
        scale: u32,
        /// The counts.
        values: Vec<Option<I256>>,
    },
    /// Instants in nanoseconds since 1970; what does not fit saturates.
    Times {
        /// The instants.
        values: Vec<Option<i64>>,
        /// What the type says about them.
        kind: TimeKind,
    },
    /// Nested values, as JSON text with a dictionary.
    Nested(Coded),
}

/// What a typed time column knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// Instants in UTC.
    Utc,
    /// Times without a zone.
    Local,
    /// Dates.
    Date,
}

impl Default for Cells {
    fn default() -> Self {
        Self::Texts(Coded::default())
    }
}

impl Cells {
    /// The cell as text for a reader's eye; empty for null.
    pub(crate) fn show(&self, row: usize) -> String {
        match self {
            Self::Texts(texts) | Self::Nested(texts) => texts.get(row).unwrap_or_default().to_owned(),
            Self::Plain(texts) | Self::Doubles(texts) => texts.get(row).to_owned(),
            Self::Decimals { scale, values } => {
                let amount = values.get(row).copied().flatten().map(|value| Amount::from_parts(value, *scale));
                amount.map_or_else(String::new, |amount| {
                    amount.map_or_else(|error| error.to_string(), |amount| amount.to_string())
                })
            }
            Self::Times { values, .. } => {
                values.get(row).copied().flatten().map_or_else(String::new, |nanos| format!("{:?}", Instant(nanos)))
            }
        }
    }

    /// The cells as texts with a dictionary; numbers and times by their plain text.
    pub(crate) fn into_coded(self) -> Coded {
        match self {
            Self::Texts(texts) | Self::Nested(texts) => texts,
            other => other.to_coded().into_owned(),
        }
    }

    /// As [`Cells::into_coded`], leaving the cells where they are; borrows where that is enough.
    pub(crate) fn to_coded(&self) -> Cow<'_, Coded> {
        match self {
            Self::Texts(texts) | Self::Nested(texts) => Cow::Borrowed(texts),
            Self::Plain(_) | Self::Doubles(_) | Self::Decimals { .. } | Self::Times { .. } => {
                let mut interner = Interner::default();
                (0..self.len()).for_each(|row| interner.push(&self.show(row)));
                Cow::Owned(interner.finish())
            }
        }
    }

    /// How many cells.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) | Self::Nested(texts) => texts.codes.len(),
            Self::Plain(texts) | Self::Doubles(texts) => texts.len(),
            Self::Decimals { values, .. } => values.len(),
            Self::Times { values, .. } => values.len(),
        }
    }
}

/// Texts one after the other in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    bytes: String,
    ends: Vec<usize>,
}

impl Plain {
    /// Adds a text; empty for null.
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// The text of a row, empty for null and past the end.
    pub(crate) fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(row).and_then(|end| self.bytes.get(start..*end)).unwrap_or_default()
    }

    /// How many texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}
