//! Parquet files as batches of cells, in the types of their schema, never by the first row.
//! The footer is checked against the file before anything is allocated by it; a panic of the decoder is a damaged file.

use std::io::BufReader;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::Type;

use super::input::{Input, RawBytes, damaged, too_large};
use super::parquet_arrays::cells_of;
use super::parquet_pages::check_pages;
use super::{BATCH_ROWS, Batch, CellReader, Form, MAX_COLUMNS, Wanted};
use crate::sources::Error;

const MAX_FOOTER_BYTES: u64 = 16 << 20;
const MAX_ROW_GROUPS: usize = 10_000;
const MAX_NESTING: usize = 8;
const MAX_ROWS: u64 = 200_000_000;
/// More rows than this for each byte of the file is a bomb.
const MAX_ROWS_PER_BYTE: u64 = 8;
/// Unpacked bytes: this many times the file, and no more than the second.
const MAX_SWELLING: u64 = 1_000;
const MAX_UNPACKED_BYTES: u64 = 64 << 30;
/// What a batch should take by the footer's own figures, and what it may take as measured.
const BATCH_BYTES: u64 = 64 << 20;
const MAX_BATCH_BYTES: usize = 256 << 20;

/// A Parquet file whose footer was read and checked.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    input: Input,
    metadata: Arc<ParquetMetaData>,
    schema: Arc<Schema>,
    columns: Vec<String>,
}

impl ParquetFile {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::TooLarge`], [`Error::UnknownFormat`] for an encrypted file.
    pub(super) fn open(input: Input) -> Result<Self, Error> {
        check_tail(&input)?;
        let metadata = guarded(&input.path, "its footer", || {
            let metadata = ParquetMetaDataReader::new().parse_and_finish(&Chunks(input.raw(), input.size))?;
            Ok(check_footer(&input, &metadata).map(|()| Arc::new(metadata)))
        })??;
        let schema = guarded(&input.path, "its schema", || {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            Ok(Arc::clone(ArrowReaderMetadata::try_new(Arc::clone(&metadata), options)?.schema()))
        })?;
        let columns = schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
        Ok(Self { input, metadata, schema, columns })
    }

    /// The names of the top-level columns.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Starts reading.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(super) fn read(&self, wanted: &[Wanted]) -> Result<Box<dyn CellReader>, Error> {
        let mut roots: Vec<usize> = wanted.iter().map(|wanted| wanted.column).collect();
        roots.sort_unstable();
        roots.dedup();
        self.check_pages(&roots)?;
        let places = wanted.iter().filter_map(|wanted| roots.binary_search(&wanted.column).ok()).collect();
        let reader = guarded(&self.input.path, "its schema", || {
            let options = ArrowReaderOptions::new().with_schema(self.hinted(wanted));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)?;
            let mask = ProjectionMask::roots(self.metadata.file_metadata().schema_descr(), roots);
            ParquetRecordBatchReaderBuilder::new_with_metadata(Chunks(self.input.raw(), self.input.size), metadata)
                .with_projection(mask)
                .with_batch_size(self.batch_rows())
                .build()
        })?;
        let names = wanted.iter().filter_map(|wanted| self.columns.get(wanted.column).cloned()).collect();
        let forms = wanted.iter().map(|wanted| wanted.form).collect();
        Ok(Box::new(ParquetReader { path: self.input.path.clone(), reader, places, names, forms, row: 0 }))
    }

    /// Checks the pages of the columns that will be decoded.
    fn check_pages(&self, roots: &[usize]) -> Result<(), Error> {
        let schema = self.metadata.file_metadata().schema_descr();
        let bytes = self.input.raw();
        for group in self.metadata.row_groups() {
            for (leaf, chunk) in group.columns().iter().enumerate() {
                if roots.binary_search(&schema.get_column_root_idx(leaf)).is_ok() {
                    check_pages(&self.input.path, &bytes, chunk, chunk_range(chunk).unwrap_or(0..0))?;
                }
            }
        }
        Ok(())
    }

    /// The schema with a dictionary asked for where texts repeat, and INT96 in a range that cannot wrap.
    fn hinted(&self, wanted: &[Wanted]) -> Arc<Schema> {
        let root = self.metadata.file_metadata().schema();
        let hint = |(place, field): (usize, &Arc<Field>)| {
            let coded = wanted.iter().any(|wanted| wanted.column == place && wanted.form == Form::Coded);
            let int96 = root.get_fields().get(place).is_some_and(|column| is_int96(column));
            match field.data_type() {
                text @ (DataType::Utf8 | DataType::Binary) if coded => Arc::new(
                    field
                        .as_ref()
                        .clone()
                        .with_data_type(DataType::Dictionary(Box::new(DataType::Int32), Box::new(text.clone()))),
                ),
                DataType::Timestamp(TimeUnit::Nanosecond, None) if int96 => {
                    Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(TimeUnit::Microsecond, None)))
                }
                _ => Arc::clone(field),
            }
        };
        Arc::new(Schema::new(self.schema.fields().iter().enumerate().map(hint).collect::<Vec<_>>()))
    }

    /// Rows of a batch, so that by the footer's figures it stays within its bytes.
    fn batch_rows(&self) -> usize {
        let widest = self.metadata.row_groups().iter().filter(|group| group.num_rows() > 0);
        let widest = widest.map(|group| (group.total_byte_size() / group.num_rows()).cast_unsigned()).max();
        usize::try_from(BATCH_BYTES / widest.unwrap_or(1).max(1)).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
    }
}

fn is_int96(column: &Type) -> bool {
    column.is_primitive() && column.get_physical_type() == Physical::INT96
}

/// The last eight bytes: length of the footer, and a magic word.
fn check_tail(input: &Input) -> Result<(), Error> {
    let short = || damaged(&input.path, format!("byte {}", input.size), "it ends before its footer");
    let start = input.size.checked_sub(8).filter(|start| *start >= 4).ok_or_else(short)?;
    let tail = Chunks(input.raw(), input.size).get_bytes(start, 8).map_err(|_parquet| short())?;
    let (length, magic) = tail.split_at_checked(4).ok_or_else(short)?;
    match magic {
        b"PAR1" => {}
        b"PARE" => {
            return Err(Error::UnknownFormat {
                file: input.path.clone(),
                found: "it is an encrypted Parquet file; deliver it without encryption".into(),
            });
        }
        _ => return Err(short()),
    }
    let length = length.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if length > MAX_FOOTER_BYTES {
        return Err(too_large(
            &input.path,
            "its footer",
            format!("{length} bytes"),
            format!("{MAX_FOOTER_BYTES} bytes"),
        ));
    }
    if length > start - 4 {
        return Err(damaged(&input.path, "its footer".into(), "the stated length is past the start of the file"));
    }
    Ok(())
}

/// What the footer declares, against what the file can hold.
fn check_footer(input: &Input, metadata: &ParquetMetaData) -> Result<(), Error> {
    let file = &input.path;
    let limit = |what: &str, found: u64, limit: u64| {
        if found <= limit { Ok(()) } else { Err(too_large(file, what, found.to_string(), limit.to_string())) }
    };
    let schema = metadata.file_metadata().schema_descr();
    limit("the number of columns", schema.num_columns() as u64, MAX_COLUMNS as u64)?;
    limit("the number of top-level columns", schema.root_schema().get_fields().len() as u64, MAX_COLUMNS as u64)?;
    limit("the number of row groups", metadata.num_row_groups() as u64, MAX_ROW_GROUPS as u64)?;
    let depth = schema.columns().iter().map(|column| column.path().parts().len()).max().unwrap_or(0);
    limit("the nesting of its columns", depth as u64, MAX_NESTING as u64)?;
    let negative = || damaged(file, "its footer".into(), "a count or size in it is negative");
    let mut rows = 0_u64;
    let mut unpacked = 0_u64;
    let mut chunks: Vec<Range<u64>> = Vec::new();
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).map_err(|_sign| negative())?);
        for chunk in group.columns() {
            unpacked = unpacked.saturating_add(u64::try_from(chunk.uncompressed_size()).map_err(|_sign| negative())?);
            chunks.push(chunk_range(chunk).ok_or_else(negative)?);
            if let Compression::BROTLI(_) | Compression::LZO = chunk.compression() {
                let found = format!(
                    "it is packed with {}; deliver it with Snappy, gzip, LZ4 or Zstandard",
                    chunk.compression()
                );
                return Err(Error::UnknownFormat { file: file.clone(), found });
            }
        }
    }
    limit("the number of rows", rows, MAX_ROWS.min(input.size.saturating_mul(MAX_ROWS_PER_BYTE)))?;
    limit("its unpacked size in bytes", unpacked, MAX_UNPACKED_BYTES.min(input.size.saturating_mul(MAX_SWELLING)))?;
    if u64::try_from(metadata.file_metadata().num_rows()).map_err(|_sign| negative())? != rows {
        return Err(damaged(file, "its footer".into(), "the row groups do not add up to the stated number of rows"));
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks.sort_unstable_by_key(|chunk| chunk.start);
    if chunks.last().is_some_and(|last| last.end > input.size - 8)
        || chunks.first().is_some_and(|first| first.start < 4)
    {
        return Err(damaged(file, "its footer".into(), "a column lies outside the file"));
    }
    if chunks.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return Err(damaged(file, "its footer".into(), "two columns overlap"));
    }
    Ok(())
}

/// Where a column chunk lies; `None` where a number is negative.
fn chunk_range(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset())).ok()?;
    let length = u64::try_from(chunk.compressed_size()).ok()?;
    Some(start..start.saturating_add(length))
}

/// Runs the decoder; what it cannot read, and where it panics, is a damaged file.
fn guarded<T>(file: &str, place: &str, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(file, place.to_owned(), &in_short(&error.to_string()))),
        Err(_panic) => Err(damaged(file, place.to_owned(), "the Parquet decoder gave up on it")),
    }
}

fn in_short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    line.trim_start_matches("Parquet error: ").to_owned()
}

struct ParquetReader {
    path: String,
    reader: ParquetRecordBatchReader,
    /// Place in the decoded batch of each wanted column.
    places: Vec<usize>,
    names: Vec<String>,
    forms: Vec<Form>,
    row: u64,
}

impl CellReader for ParquetReader {
    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let place = format!("row {}", self.row + 1);
        let decoded = guarded(&self.path, &place, || self.reader.next().transpose().map_err(ParquetError::from))?;
        let Some(decoded) = decoded else { return Ok(None) };
        if decoded.get_array_memory_size() > MAX_BATCH_BYTES {
            let found = format!("{} bytes", decoded.get_array_memory_size());
            let what = format!("the unpacked size of {} rows from {place}", decoded.num_rows());
            return Err(too_large(&self.path, &what, found, format!("{MAX_BATCH_BYTES} bytes")));
        }
        let rows = decoded.num_rows();
        let mut batch = Batch { row_numbers: (self.row + 1..=self.row + rows as u64).collect(), ..Batch::default() };
        for ((column, name), form) in self.places.iter().zip(&self.names).zip(&self.forms) {
            let array = decoded.column(*column);
            let cells =
                guarded(&self.path, &place, || Ok(cells_of(array, *form, name, self.row, &mut batch.bad_rows)))?;
            batch.columns.push(cells);
        }
        self.row += rows as u64;
        Ok(Some(batch))
    }
}

/// The bytes as the decoder asks for them; never past the end.
struct Chunks(RawBytes, u64);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.1
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<RawBytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.0.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.1);
        let end = end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} are past the end")))?;
        self.0.bytes(start..end).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
