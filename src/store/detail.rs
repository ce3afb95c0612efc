//! Writing the detail grain: canonical rows as a plain Parquet file, in row groups of bounded size.
//! Any Parquet reader can read it; what makes it a part of ours stands in its key-value metadata.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use super::decimal::{self, Form};
use super::detail_read::PartBytes;
use super::error::Error;
use super::layout::FORMAT;
use super::tmp::{Scratch, TmpFile};
use crate::model::{ALL_NUMBERS, ALL_TEXTS, Amount, Coded, Instant, Rows};

/// Rows of one row group: what a reader takes into memory at once, and what can be skipped by time.
pub(crate) const GROUP_ROWS: usize = 1 << 17;
/// Encoded bytes at which a row group ends early.
const GROUP_BYTES: usize = 64 << 20;
/// Dictionaries up to this size; longer ones are rare and then cost space.
const DICTIONARY_BYTES: usize = 4 << 20;
/// After this many changes of form a column that grows again takes the widest.
const MAX_REWRITES: u32 = 3;
/// The column that row groups are skipped by.
pub(crate) const CHARGE_START: &str = "ChargePeriodStart";
/// The time columns, in file order.
pub(crate) const TIMES: [&str; 4] = [CHARGE_START, "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"];
/// Key of our entry in the metadata.
pub(crate) const HEADER_KEY: &str = "outlay";

/// What makes a Parquet file a part of a store. Its length stands in the manifest, its hash is its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// `detail`.
    pub grain: String,
    /// Format of the store.
    pub format: u32,
    /// Hash of the identity.
    pub identity: String,
    /// Rows.
    pub rows: u64,
}

/// Rows on their way into a file.
#[derive(Debug)]
pub(crate) struct DetailWriter {
    scratch: Scratch,
    forms: Vec<Form>,
    file: Option<ArrowWriter<TmpFile>>,
    rows: u64,
    rewrites: u32,
}

impl DetailWriter {
    pub(crate) fn new(scratch: Scratch) -> Self {
        Self { scratch, forms: vec![Form::FIRST; ALL_NUMBERS.len()], file: None, rows: 0, rewrites: 0 }
    }

    pub(crate) fn write(&mut self, rows: &Rows) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let numbers = self.numbers(rows)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(TIMES.len() + ALL_TEXTS.len() + ALL_NUMBERS.len());
        for times in [&rows.charge_start, &rows.charge_end, &rows.billing_start, &rows.billing_end] {
            columns.push(instants(times));
        }
        columns.extend(ALL_TEXTS.iter().map(|column| texts(rows.text(*column))));
        columns.extend(numbers);
        let batch = RecordBatch::try_new(schema(&self.forms), columns)
            .map_err(|error| Error::Io { action: "lay out rows", why: error.to_string() })?;
        if self.file.is_none() {
            self.file = Some(open(&self.scratch, &self.forms)?);
        }
        let file = self.file.as_mut().ok_or_else(Error::closed)?;
        file.write(&batch).map_err(|error| file.inner().failure().or("write a file", &error))?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// The closed file, not yet durable; `None` where there was no row.
    pub(crate) fn finish(mut self, mark: &str) -> Result<Option<(TmpFile, u64)>, Error> {
        let Some(mut file) = self.file.take() else { return Ok(None) };
        let header = Header { grain: "detail".into(), format: FORMAT, identity: mark.into(), rows: self.rows };
        let header = serde_json::to_string(&header)
            .map_err(|error| Error::Io { action: "write a header", why: error.to_string() })?;
        file.append_key_value_metadata(KeyValue::new(HEADER_KEY.into(), header));
        Ok(Some((close(file)?, self.rows)))
    }

    /// The decimal columns in the file's forms, which grow where a value needs it.
    fn numbers(&mut self, rows: &Rows) -> Result<Vec<ArrayRef>, Error> {
        let arrays = |forms: &[Form]| -> Vec<Option<ArrayRef>> {
            ALL_NUMBERS.iter().zip(forms).map(|(column, form)| form.array(rows.number(*column))).collect()
        };
        let fitted = arrays(&self.forms);
        if fitted.iter().all(Option::is_some) {
            return Ok(fitted.into_iter().flatten().collect());
        }
        let grow = |((column, form), fits): ((&crate::model::Number, &Form), &Option<ArrayRef>)| match fits {
            Some(_) => *form,
            None if self.rewrites >= MAX_REWRITES => Form::WIDEST,
            None => form.grown(rows.number(*column)),
        };
        self.forms = ALL_NUMBERS.iter().zip(&self.forms).zip(&fitted).map(grow).collect();
        self.rewrite()?;
        let grown: Vec<ArrayRef> = arrays(&self.forms).into_iter().flatten().collect();
        if grown.len() == ALL_NUMBERS.len() {
            Ok(grown)
        } else {
            Err(Error::Io { action: "lay out rows", why: "an amount has more than 48 integer digits".into() })
        }
    }

    /// Copies what has been written so far into a new file of the new forms. Rare: the first rows mostly decide.
    fn rewrite(&mut self) -> Result<(), Error> {
        let Some(old) = self.file.take() else { return Ok(()) };
        self.rewrites += 1;
        let old = close(old)?;
        let unread = |error: ParquetError| Error::Io { action: "read a file again", why: error.to_string() };
        let bytes = PartBytes::new(old.reopen()?).map_err(|error| self.scratch.failed("read a file again", &error))?;
        let batches =
            ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|reader| reader.build()).map_err(unread)?;
        let mut file = open(&self.scratch, &self.forms)?;
        let schema = schema(&self.forms);
        for batch in batches {
            let batch = batch.map_err(|error| unread(error.into()))?;
            let mut columns = batch.columns().to_vec();
            for (column, form) in columns.iter_mut().skip(TIMES.len() + ALL_TEXTS.len()).zip(&self.forms) {
                if *column.data_type() != form.data_type() {
                    let sums = decimal::sums(column.as_ref()).ok_or_else(Error::closed)?;
                    let values: Vec<Option<Amount>> = (0..column.len()).map(|row| sums.get(row)).collect();
                    *column = form.array(&values).ok_or_else(Error::closed)?;
                }
            }
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| unread(error.into()))?;
            file.write(&batch).map_err(|error| file.inner().failure().or("write a file", &error))?;
        }
        self.file = Some(file);
        Ok(())
    }
}

fn schema(forms: &[Form]) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let times = TIMES.iter().map(|name| Field::new(*name, time.clone(), false));
    let texts = ALL_TEXTS.iter().map(|column| Field::new(column.name(), text.clone(), true));
    let numbers = ALL_NUMBERS.iter().zip(forms).map(|(column, form)| Field::new(column.name(), form.data_type(), true));
    Arc::new(Schema::new(times.chain(texts).chain(numbers).collect::<Vec<_>>()))
}

fn open(scratch: &Scratch, forms: &[Form]) -> Result<ArrowWriter<TmpFile>, Error> {
    let file = scratch.create()?;
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let properties = WriterProperties::builder()
        .set_created_by("outlay".into())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from(CHARGE_START), EnabledStatistics::Chunk)
        .build();
    let failure = file.failure();
    ArrowWriter::try_new(file, schema(forms), Some(properties)).map_err(|error| failure.or("write a file", &error))
}

fn close(file: ArrowWriter<TmpFile>) -> Result<TmpFile, Error> {
    let failure = file.inner().failure();
    file.into_inner().map_err(|error| failure.or("write a file", &error))
}

fn instants(times: &[Instant]) -> ArrayRef {
    let array = TimestampNanosecondArray::from_iter_values(times.iter().map(|time| time.0));
    Arc::new(array.with_timezone("UTC"))
}

fn texts(column: &Coded) -> ArrayRef {
    let known = |code: &u32| i32::try_from(*code).ok().filter(|_| (*code as usize) < column.values.len());
    let keys = Int32Array::from_iter(column.codes.iter().map(known));
    if keys.null_count() == keys.len() {
        let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        return arrow::array::new_null_array(&text, keys.len());
    }
    let values = Arc::new(StringArray::from_iter_values(&column.values));
    // Every key was checked against the dictionary above.
    DictionaryArray::<Int32Type>::try_new(keys, values).map_or_else(
        |_impossible| arrow::array::new_null_array(&DataType::Null, column.codes.len()),
        |array| Arc::new(array) as ArrayRef,
    )
}
