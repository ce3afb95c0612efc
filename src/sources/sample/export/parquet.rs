//! Charges as Parquet, batch by batch: text dictionary-coded, money as DECIMAL or, as AWS does it, DOUBLE.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::super::catalog::Catalog;
use super::super::line::{Charge, amount};
use super::super::month::MonthRows;
use super::columns::{Column, Columns, number, scale};
use crate::model::{Month, NULL, Number, Text};

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// DECIMAL(38), as Azure writes it.
    Decimal,
    /// DECIMAL(18), which fits 64 bits and is the fastest to read.
    Decimal18,
    /// DOUBLE, as AWS writes it. The sample's numbers have at most 15 digits, so their shortest text is exact.
    Double,
}

/// Rows that are collected before they are encoded.
const BATCH_ROWS: usize = 32_768;

/// Rows of a row group, which is kept in memory encoded until it is full.
const ROW_GROUP_ROWS: usize = 262_144;

/// Writes the rows of a month and says how many there were. Memory is bounded by the batch, whatever the scale.
///
/// # Errors
/// As the writer fails.
pub fn write_parquet(
    catalog: &Catalog,
    month: Month,
    mut rows: MonthRows<'_>,
    (columns, money, compression): (Columns, Money, Compression),
    to: impl Write + Send,
) -> io::Result<u64> {
    let columns = columns.list();
    let schema = Arc::new(Schema::new(columns.iter().map(|column| field(*column, money)).collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("parquet-rs".into())
        .build();
    // Without the Arrow schema the file says plain strings, as the providers' files do.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(to, Arc::clone(&schema), options).map_err(io::Error::other)?;
    let mut encoder = Encoder { catalog, month, money, places: vec![NULL; catalog.lines.symbols()] };
    let (mut batch, mut count, mut more) = (Vec::new(), 0, true);
    while more {
        more = rows.next_day(&mut batch);
        if batch.len() >= BATCH_ROWS || (!more && !batch.is_empty()) {
            let arrays = columns.iter().map(|column| encoder.array(&batch, *column)).collect::<io::Result<Vec<_>>>()?;
            let encoded = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(io::Error::other)?;
            writer.write(&encoded).map_err(io::Error::other)?;
            count += batch.len() as u64;
            batch.clear();
        }
    }
    writer.close().map_err(io::Error::other)?;
    Ok(count)
}

fn field(column: Column, money: Money) -> Field {
    let kind = match column {
        Column::Text(_) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        Column::Time(_) => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Column::Number(column) => number_type(column, money),
    };
    Field::new(column.name(), kind, true)
}

fn number_type(column: Number, money: Money) -> DataType {
    // A scale of this writer is 10 or 6.
    let places = if scale(column) == 6 { 6 } else { 10 };
    match money {
        Money::Decimal => DataType::Decimal128(38, places),
        Money::Decimal18 => DataType::Decimal128(18, places),
        Money::Double => DataType::Float64,
    }
}

struct Encoder<'a> {
    catalog: &'a Catalog,
    month: Month,
    money: Money,
    /// Place of each symbol in the dictionary at hand; all [`NULL`] between two columns.
    places: Vec<u32>,
}

impl Encoder<'_> {
    fn array(&mut self, batch: &[Charge], column: Column) -> io::Result<ArrayRef> {
        Ok(match column {
            Column::Text(column) => Arc::new(self.text(batch, column)?),
            Column::Number(column) => self.number(batch, column)?,
            Column::Time(column) => {
                let millis = batch.iter().map(|charge| column.day(charge, self.month).start().0 / 1_000_000);
                Arc::new(TimestampMillisecondArray::from_iter_values(millis).with_timezone("UTC"))
            }
        })
    }

    fn text(&mut self, batch: &[Charge], column: Text) -> io::Result<DictionaryArray<Int32Type>> {
        let mut symbols: Vec<u32> = Vec::new();
        let keys: Int32Array = batch
            .iter()
            .map(|charge| {
                let symbol = match column {
                    Text::InvoiceId => charge.invoice,
                    _ => self.catalog.lines.line(charge.line).symbol(column),
                };
                let place = self.places.get_mut(symbol as usize)?;
                if *place == NULL {
                    *place = u32::try_from(symbols.len()).ok()?;
                    symbols.push(symbol);
                }
                i32::try_from(*place).ok()
            })
            .collect();
        for symbol in &symbols {
            self.places[*symbol as usize] = NULL;
        }
        let values: StringArray = symbols.iter().map(|symbol| self.catalog.lines.text(*symbol)).collect();
        DictionaryArray::try_new(keys, Arc::new(values)).map_err(io::Error::other)
    }

    fn number(&self, batch: &[Charge], column: Number) -> io::Result<ArrayRef> {
        let values = batch.iter().map(|charge| number(charge, column));
        if self.money == Money::Double {
            let doubles = values.map(|value| {
                value.map(|value| amount(value, scale(column)).map(|exact| exact.to_nearest_f64()).unwrap_or(f64::NAN))
            });
            return Ok(Arc::new(doubles.collect::<Float64Array>()));
        }
        let decimals: Decimal128Array = values.map(|value| value.map(i128::from)).collect();
        let DataType::Decimal128(precision, places) = number_type(column, self.money) else {
            return Err(io::Error::other("a decimal column without decimal type"));
        };
        decimals.validate_decimal_precision(precision).map_err(io::Error::other)?;
        Ok(Arc::new(decimals.with_precision_and_scale(precision, places).map_err(io::Error::other)?))
    }
}
