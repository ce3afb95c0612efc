//! Reading the detail grain: only the row groups that can hold the asked time, and only the asked columns.
//! A verified part in, tables out; where the part's bytes come from is told by its caller.

use std::io::{self, Read};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampNanosecondType};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use super::decimal;
use super::detail::{CHARGE_START, GROUP_ROWS, HEADER_KEY, Header};
use super::io::{self as store_io, read_full};
use super::layout::FORMAT;
use crate::model::{Coded, Dimension, Instant, NULL, Number, Period, Sums, Table, Text, Times};

/// The bytes of a part, as the Parquet reader wants them.
#[derive(Clone, Debug)]
pub(crate) struct PartBytes {
    file: Arc<dyn store_io::Bytes>,
    size: u64,
}

impl PartBytes {
    pub(crate) fn new(file: Arc<dyn store_io::Bytes>) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self { file, size })
    }
}

impl Length for PartBytes {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for PartBytes {
    type T = io::BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(io::BufReader::new(At { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(ParquetError::EOF("a range past the end of the file".into()));
        }
        let mut buffer = vec![0; length];
        if read_full(self.file.as_ref(), &mut buffer, start)? < length {
            return Err(ParquetError::EOF("the file ends early".into()));
        }
        Ok(buffer.into())
    }
}

/// A place in a part from which it is read on.
#[derive(Debug)]
pub(crate) struct At {
    file: Arc<dyn store_io::Bytes>,
    at: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A detail part that is open and verified.
#[derive(Clone, Debug)]
pub(crate) struct DetailPart {
    bytes: PartBytes,
    about: ArrowReaderMetadata,
}

impl DetailPart {
    /// Opens bytes whose hash is known to be right. Says in short why they are no detail part of this identity.
    pub(crate) fn open(file: Arc<dyn store_io::Bytes>, mark: &str, rows: u64) -> Result<Self, String> {
        let bytes = PartBytes::new(file).map_err(|error| store_io::words(&error))?;
        let about = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).map_err(|error| error.to_string())?;
        let pairs = about.metadata().file_metadata().key_value_metadata();
        let header = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == HEADER_KEY)?.value.as_deref());
        let header: Header = header
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| "it has no header of ours".to_owned())?;
        let expected = Header { grain: "detail".into(), format: FORMAT, identity: mark.into(), rows };
        if header != expected || about.metadata().file_metadata().num_rows() != rows.cast_signed() {
            return Err("its header is another one than expected".into());
        }
        Ok(Self { bytes, about })
    }

    /// Tables of the rows whose charges start inside the period, one per row group, made as they are asked for.
    pub(crate) fn tables(&self, period: Period, dimensions: &[Dimension], numbers: &[Number]) -> DetailTables {
        let mut groups: Vec<usize> = (0..self.about.metadata().num_row_groups())
            .filter(|group| self.span(*group).is_none_or(|(low, high)| low < period.end.0 && high >= period.start.0))
            .collect();
        groups.reverse();
        DetailTables {
            part: self.clone(),
            period,
            dimensions: dimensions.to_vec(),
            numbers: numbers.to_vec(),
            groups,
            batches: None,
        }
    }

    /// Earliest and latest charge start of a row group.
    fn span(&self, group: usize) -> Option<(i64, i64)> {
        let columns = self.about.metadata().row_group(group).columns();
        let column = columns.iter().find(|column| column.column_path().string() == CHARGE_START)?;
        match column.statistics()? {
            Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
            _ => None,
        }
    }
}

type Batches = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

/// See [`DetailPart::tables`]. An error says in short what does not decode.
pub(crate) struct DetailTables {
    part: DetailPart,
    period: Period,
    dimensions: Vec<Dimension>,
    numbers: Vec<Number>,
    /// Groups still to be read, the next one last.
    groups: Vec<usize>,
    batches: Option<Batches>,
}

impl Iterator for DetailTables {
    type Item = Result<Table, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let table = match self.next_batch()? {
                Ok(batch) => self.table(&batch),
                Err(why) => Err(why),
            };
            match table {
                Ok(table) if table.is_empty() => {}
                Ok(table) => return Some(Ok(table)),
                Err(why) => {
                    (self.groups, self.batches) = (Vec::new(), None);
                    return Some(Err(why));
                }
            }
        }
    }
}

impl DetailTables {
    /// How many row groups are still to be read.
    #[cfg(test)]
    pub(crate) fn groups_left(&self) -> usize {
        self.groups.len()
    }

    fn next_batch(&mut self) -> Option<Result<RecordBatch, String>> {
        loop {
            if let Some(batches) = &mut self.batches {
                match batches.next() {
                    Some(batch) => return Some(batch.map_err(|error| error.to_string())),
                    None => self.batches = None,
                }
            }
            let group = self.groups.pop()?;
            match self.open_group(group) {
                Ok(batches) => self.batches = Some(batches),
                Err(why) => return Some(Err(why)),
            }
        }
    }

    fn open_group(&self, group: usize) -> Result<Batches, String> {
        let schema = self.part.about.parquet_schema();
        let texts = self.dimensions.iter().map(|dimension| source(dimension).name());
        let names: Vec<&str> =
            texts.chain(self.numbers.iter().map(|number| number.name())).chain([CHARGE_START]).collect();
        let places = (0..schema.num_columns()).filter(|at| names.contains(&schema.column(*at).name()));
        let mask = ProjectionMask::roots(schema, places);
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.part.bytes.clone(), self.part.about.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(GROUP_ROWS)
            .build()
            .map_err(|error| error.to_string())
    }

    fn table(&self, batch: &RecordBatch) -> Result<Table, String> {
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("column {name} is missing"));
        let starts = column(CHARGE_START)?;
        let starts = starts.as_primitive_opt::<TimestampNanosecondType>().ok_or("its times have another type")?;
        let inside = |start: &i64| self.period.contains(Instant(*start));
        let keep: Option<Vec<usize>> = (!starts.values().iter().all(inside)).then(|| {
            starts.values().iter().enumerate().filter(|(_, start)| inside(start)).map(|(row, _)| row).collect()
        });
        let times = pick(starts.values(), keep.as_deref()).into_iter().map(Instant).collect::<Vec<_>>();
        let mut table = Table { rows: vec![1; times.len()], ..Table::default() };
        if times.is_empty() {
            return Ok(table);
        }
        table.times = Times::Instants(times);
        for dimension in &self.dimensions {
            let coded = coded(column(source(dimension).name())?.as_ref(), keep.as_deref())?;
            let coded = match dimension {
                Dimension::Column(_) => coded,
                Dimension::Tag(key) => coded.map(|tags| tag(tags, key)),
            };
            table.dimensions.insert(dimension.clone(), coded);
        }
        for number in &self.numbers {
            let sums = decimal::sums(column(number.name())?.as_ref()).ok_or("its amounts have another type")?;
            table.sums.insert(*number, kept(sums, keep.as_deref()));
        }
        Ok(table)
    }
}

/// The text column that a dimension is read from.
const fn source(dimension: &Dimension) -> Text {
    match dimension {
        Dimension::Column(column) => *column,
        Dimension::Tag(_) => Text::Tags,
    }
}

/// The value of one key in a flat JSON object of tags.
fn tag(tags: &str, key: &str) -> Option<Box<str>> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(tags).ok()?.remove(key)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

fn coded(array: &dyn Array, keep: Option<&[usize]>) -> Result<Coded, String> {
    let wrong = || "its texts have another type".to_owned();
    let array = array.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
    let texts = array.values().as_string_opt::<i32>().ok_or_else(wrong)?;
    let values = texts.iter().map(|text| text.unwrap_or_default().into()).collect();
    let keys = array.keys();
    let codes: Vec<u32> = keys.iter().map(|key| key.and_then(|key| u32::try_from(key).ok()).unwrap_or(NULL)).collect();
    Ok(Coded { codes: pick(&codes, keep), values })
}

fn kept(sums: Sums, keep: Option<&[usize]>) -> Sums {
    match (sums, keep) {
        (sums, None) => sums,
        (Sums::Wide(values), keep) => Sums::Wide(pick(&values, keep)),
        (Sums::Narrow { scale, values, present }, keep) => {
            Sums::Narrow { scale, values: pick(&values, keep), present: present.map(|present| pick(&present, keep)) }
        }
    }
}

fn pick<T: Copy>(values: &[T], keep: Option<&[usize]>) -> Vec<T> {
    match keep {
        None => values.to_vec(),
        Some(rows) => rows.iter().filter_map(|row| values.get(*row).copied()).collect(),
    }
}
