//! The file of daily sums: a table by column, in codes and integers as narrow as they go, each column compressed.
//! It loads as fast as it decompresses; nothing is parsed. Bytes in, table out: it knows no disk.

use ethnum::I256;

use super::layout::FORMAT;
use crate::model::{Amount, Coded, Dimension, Instant, NULL, Number, Sums, Table, Text, Times};

const MAGIC: &[u8; 8] = b"OUTLAYDY";
/// Length of what stands before the columns: magic, format, identity, rows, length of the columns.
const HEADER: usize = 8 + 4 + 32 + 8 + 8;
/// Fast to write, and within a tenth of what the strong levels reach on codes.
const LEVEL: i32 = 1;
/// Largest dictionary of one column.
const MAX_DICTIONARY: usize = 1 << 30;
/// Most rows of one table.
const MAX_ROWS: usize = 1 << 28;

/// Why bytes are no file of daily sums of ours, in short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DayError {
    #[error("its header is no header of daily sums")]
    Header,
    #[error("it has format {0}")]
    Format(u32),
    #[error("it belongs to another identity")]
    Identity,
    #[error("it ends early")]
    Short,
    #[error("{0} does not decode")]
    Column(&'static str),
}

/// The table as a file of the identity with this mark.
pub(crate) fn encode(table: &Table, mark: &[u8; 32]) -> Result<Vec<u8>, DayError> {
    let mut out = Out(Vec::with_capacity(1 << 16));
    out.0.extend_from_slice(MAGIC);
    out.0.extend_from_slice(&FORMAT.to_le_bytes());
    out.0.extend_from_slice(mark);
    out.0.extend_from_slice(&(table.len() as u64).to_le_bytes());
    out.0.extend_from_slice(&[0; 8]);
    match &table.times {
        Times::Days(days) => {
            out.byte(0);
            out.block(days.iter().flat_map(|day| day.to_le_bytes()).collect())?;
        }
        Times::Instants(instants) => {
            out.byte(1);
            out.block(instants.iter().flat_map(|instant| instant.0.to_le_bytes()).collect())?;
        }
    }
    out.integers(table.rows.iter().map(|rows| i128::from(*rows)))?;
    out.count(table.dimensions.len());
    for (dimension, column) in &table.dimensions {
        match dimension {
            Dimension::Column(text) => out.name(0, text.name()),
            Dimension::Tag(key) => out.name(1, key),
        }
        out.coded(column)?;
    }
    out.count(table.sums.len());
    for (number, sums) in &table.sums {
        out.name(2, number.name());
        out.sums(sums)?;
    }
    let length = (out.0.len() - HEADER) as u64;
    out.0[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
    Ok(out.0)
}

/// The table of a file.
pub(crate) fn decode(bytes: &[u8], mark: &[u8; 32]) -> Result<Table, DayError> {
    let mut input = In(bytes);
    if input.take(8)? != MAGIC {
        return Err(DayError::Header);
    }
    let format = u32::from_le_bytes(input.array()?);
    if format != FORMAT {
        return Err(DayError::Format(format));
    }
    if input.take(32)? != mark {
        return Err(DayError::Identity);
    }
    let rows = usize::try_from(u64::from_le_bytes(input.array()?)).map_err(|_big| DayError::Header)?;
    let length = u64::from_le_bytes(input.array()?);
    if rows > MAX_ROWS || length != input.0.len() as u64 {
        return Err(DayError::Header);
    }
    let mut table = Table {
        times: match input.byte()? {
            0 => Times::Days(input.numbers(rows, i32::from_le_bytes)?),
            1 => Times::Instants(input.numbers(rows, |bytes| Instant(i64::from_le_bytes(bytes)))?),
            _ => return Err(DayError::Column("the time")),
        },
        ..Table::default()
    };
    table.rows = input.integers(rows)?.into_iter().map(|count| u64::try_from(count).unwrap_or(0)).collect();
    for _column in 0..input.count()? {
        let dimension = match input.name()? {
            (0, name) => Dimension::Column(Text::named(name).ok_or(DayError::Column("a dimension"))?),
            (1, key) => Dimension::Tag(key.into()),
            _ => return Err(DayError::Column("a dimension")),
        };
        let column = input.coded(rows)?;
        table.dimensions.insert(dimension, column);
    }
    for _column in 0..input.count()? {
        let (_, name) = input.name()?;
        let number = Number::named(name).ok_or(DayError::Column("a sum"))?;
        let sums = input.sums(rows)?;
        table.sums.insert(number, sums);
    }
    if input.0.is_empty() { Ok(table) } else { Err(DayError::Header) }
}

struct Out(Vec<u8>);

impl Out {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn name(&mut self, kind: u8, name: &str) {
        self.byte(kind);
        self.count(name.len());
        self.0.extend_from_slice(name.as_bytes());
    }

    /// Compressed bytes with their length before them.
    fn block(&mut self, raw: Vec<u8>) -> Result<(), DayError> {
        let packed = zstd::bulk::compress(&raw, LEVEL).map_err(|_zstd| DayError::Column("a column"))?;
        self.count(packed.len());
        self.0.extend_from_slice(&packed);
        Ok(())
    }

    /// Integers in as few bytes as hold them all.
    fn integers(&mut self, values: impl Iterator<Item = i128> + Clone) -> Result<(), DayError> {
        let (low, high) = values.clone().fold((0, 0), |(low, high), v| (v.min(low), v.max(high)));
        let fits = |bits: u32| low >= -(1_i128 << (bits - 1)) && high < 1_i128 << (bits - 1);
        let width: u8 = [1_u8, 2, 4, 8].into_iter().find(|width| fits(u32::from(*width) * 8)).unwrap_or(16);
        self.byte(width);
        self.block(values.flat_map(|value| value.to_le_bytes().into_iter().take(usize::from(width))).collect())
    }

    fn coded(&mut self, column: &Coded) -> Result<(), DayError> {
        self.count(column.values.len());
        let mut dictionary: Vec<u8> = Vec::new();
        for value in &column.values {
            let length = u32::try_from(value.len()).map_err(|_long| DayError::Column("a text"))?;
            dictionary.extend_from_slice(&length.to_le_bytes());
        }
        column.values.iter().for_each(|value| dictionary.extend_from_slice(value.as_bytes()));
        self.count(dictionary.len());
        self.block(dictionary)?;
        // The highest code of each width stands for null.
        let width = match column.values.len() {
            0..=0xFF => 1_u8,
            0x100..=0xFFFF => 2,
            _ => 4,
        };
        self.byte(width);
        let known = |code: &u32| if (*code as usize) < column.values.len() { *code } else { NULL };
        let codes = column.codes.iter().map(known);
        self.block(codes.flat_map(|code| code.to_le_bytes().into_iter().take(usize::from(width))).collect())
    }

    fn sums(&mut self, sums: &Sums) -> Result<(), DayError> {
        match sums {
            Sums::Narrow { scale, values, present } => {
                self.byte(0);
                self.0.extend_from_slice(&scale.to_le_bytes());
                self.integers(values.iter().copied())?;
                self.byte(u8::from(present.is_some()));
                match present {
                    Some(present) => self.block(present.iter().map(|here| u8::from(*here)).collect()),
                    None => Ok(()),
                }
            }
            Sums::Wide(values) => {
                self.byte(1);
                self.block(values.iter().map(|value| u8::from(value.is_some())).collect())?;
                let units = values.iter().map(|value| value.unwrap_or_default().units());
                self.block(units.flat_map(I256::to_le_bytes).collect())
            }
        }
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DayError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(DayError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DayError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(DayError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, DayError> {
        Ok(self.array::<1>()?[0])
    }

    fn count(&mut self) -> Result<usize, DayError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_big| DayError::Short)
    }

    fn name(&mut self) -> Result<(u8, &'a str), DayError> {
        let kind = self.byte()?;
        let length = self.count()?;
        let name = std::str::from_utf8(self.take(length)?).map_err(|_utf8| DayError::Column("a name"))?;
        Ok((kind, name))
    }

    /// A block of exactly this many bytes.
    fn block(&mut self, length: usize) -> Result<Vec<u8>, DayError> {
        let packed = self.count()?;
        let packed = self.take(packed)?;
        // Guards the allocation: one compressed byte gives at most about 130 KiB.
        if length > packed.len().saturating_mul(1 << 18) {
            return Err(DayError::Column("a column"));
        }
        let raw = zstd::bulk::decompress(packed, length).map_err(|_zstd| DayError::Column("a column"))?;
        if raw.len() == length { Ok(raw) } else { Err(DayError::Column("a column")) }
    }

    fn numbers<const N: usize, T>(&mut self, rows: usize, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, DayError> {
        let raw = self.block(rows * N)?;
        let (chunks, _rest) = raw.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
    }

    fn integers(&mut self, rows: usize) -> Result<Vec<i128>, DayError> {
        match self.byte()? {
            1 => self.numbers(rows, |bytes| i128::from(i8::from_le_bytes(bytes))),
            2 => self.numbers(rows, |bytes| i128::from(i16::from_le_bytes(bytes))),
            4 => self.numbers(rows, |bytes| i128::from(i32::from_le_bytes(bytes))),
            8 => self.numbers(rows, |bytes| i128::from(i64::from_le_bytes(bytes))),
            16 => self.numbers(rows, i128::from_le_bytes),
            _ => Err(DayError::Column("a number")),
        }
    }

    fn coded(&mut self, rows: usize) -> Result<Coded, DayError> {
        let bad = DayError::Column("a text");
        let (count, length) = (self.count()?, self.count()?);
        if length > MAX_DICTIONARY || count > length / 4 {
            return Err(bad);
        }
        let dictionary = self.block(length)?;
        let (lengths, mut texts) = dictionary.split_at_checked(count * 4).ok_or(DayError::Short)?;
        let texts = std::str::from_utf8(std::mem::take(&mut texts)).map_err(|_utf8| bad.clone())?;
        let mut values: Vec<Box<str>> = Vec::with_capacity(count);
        let mut at = 0_usize;
        for length in lengths.as_chunks::<4>().0 {
            let end = at.saturating_add(u32::from_le_bytes(*length) as usize);
            values.push(texts.get(at..end).ok_or_else(|| bad.clone())?.into());
            at = end;
        }
        let codes: Vec<u32> = match self.byte()? {
            1 => self.numbers(rows, |[code]| if code == u8::MAX { NULL } else { u32::from(code) })?,
            2 => self.numbers(rows, |bytes| match u16::from_le_bytes(bytes) {
                u16::MAX => NULL,
                code => u32::from(code),
            })?,
            4 => self.numbers(rows, u32::from_le_bytes)?,
            _ => return Err(bad),
        };
        if codes.iter().any(|code| *code != NULL && *code as usize >= count) || at != texts.len() {
            return Err(bad);
        }
        Ok(Coded { codes, values })
    }

    fn sums(&mut self, rows: usize) -> Result<Sums, DayError> {
        match self.byte()? {
            0 => Ok(Sums::Narrow {
                scale: Some(u32::from_le_bytes(self.array()?))
                    .filter(|scale| *scale <= crate::model::SCALE)
                    .ok_or(DayError::Column("a sum"))?,
                values: self.integers(rows)?,
                present: match self.byte()? {
                    0 => None,
                    _ => Some(self.numbers(rows, |[here]| here != 0)?),
                },
            }),
            1 => {
                let present = self.numbers(rows, |[here]| here != 0)?;
                let units = self.numbers(rows, |bytes| Amount::from_units(I256::from_le_bytes(bytes)))?;
                Ok(Sums::Wide(present.into_iter().zip(units).map(|(here, units)| here.then_some(units)).collect()))
            }
            _ => Err(DayError::Column("a sum")),
        }
    }
}
