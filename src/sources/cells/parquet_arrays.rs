//! Arrow arrays as cells: each Arrow type has one way in, and none goes through a float that was not one.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ethnum::I256;

use super::nested::json_of;
use super::{BadRecord, Cells, Form, Interner, MAX_TEXT_BYTES, Plain, TimeKind};
use crate::model::{DAY, NULL, SECOND};

/// Where faults of a column are told.
pub(super) struct Faults<'a> {
    name: &'a str,
    rows_before: u64,
    bad_rows: &'a mut Vec<(usize, BadRecord)>,
}

impl Faults<'_> {
    fn reject(&mut self, row: usize, reason: &'static str) {
        let place = format!("row {}", self.rows_before + row as u64 + 1);
        self.bad_rows.push((row, BadRecord { reason, column: self.name.to_owned(), place }));
    }
}

/// The cells of a decoded column. Texts that are no text reject their row.
pub(super) fn cells_of(
    array: &ArrayRef,
    form: Form,
    name: &str,
    rows_before: u64,
    bad_rows: &mut Vec<(usize, BadRecord)>,
) -> Cells {
    let mut faults = Faults { name, rows_before, bad_rows };
    match array.data_type() {
        DataType::Dictionary(_, _) => match array.as_any().downcast_ref::<DictionaryArray<Int32Type>>() {
            Some(array) => dictionary(array, &mut faults),
            None => displayed(array),
        },
        DataType::Utf8 => texts(array.as_string::<i32>().iter().map(as_bytes), form, &mut faults),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter().map(as_bytes), form, &mut faults),
        DataType::Utf8View => texts(array.as_string_view().iter().map(as_bytes), form, &mut faults),
        DataType::Binary => texts(array.as_binary::<i32>().iter(), form, &mut faults),
        DataType::LargeBinary => texts(array.as_binary::<i64>().iter(), form, &mut faults),
        DataType::BinaryView => texts(array.as_binary_view().iter(), form, &mut faults),
        DataType::FixedSizeBinary(_) => texts(array.as_fixed_size_binary().iter(), form, &mut faults),
        DataType::Boolean => {
            let words = array.as_boolean().iter().map(|value| value.map(|value| if value { "true" } else { "false" }));
            texts(words.map(as_bytes), Form::Coded, &mut faults)
        }
        DataType::Decimal32(_, scale) => decimals::<Decimal32Type, _>(array, *scale, I256::from),
        DataType::Decimal64(_, scale) => decimals::<Decimal64Type, _>(array, *scale, I256::from),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type, _>(array, *scale, I256::from),
        DataType::Decimal256(_, scale) => {
            decimals::<Decimal256Type, _>(array, *scale, |value| I256::from_le_bytes(value.to_le_bytes()))
        }
        DataType::Int8 => decimals::<Int8Type, _>(array, 0, I256::from),
        DataType::Int16 => decimals::<Int16Type, _>(array, 0, I256::from),
        DataType::Int32 => decimals::<Int32Type, _>(array, 0, I256::from),
        DataType::Int64 => decimals::<Int64Type, _>(array, 0, I256::from),
        DataType::UInt8 => decimals::<UInt8Type, _>(array, 0, I256::from),
        DataType::UInt16 => decimals::<UInt16Type, _>(array, 0, I256::from),
        DataType::UInt32 => decimals::<UInt32Type, _>(array, 0, I256::from),
        DataType::UInt64 => decimals::<UInt64Type, _>(array, 0, I256::from),
        DataType::Float16 => doubles::<Float16Type>(array, |value, into| write!(into, "{:e}", value.to_f32())),
        DataType::Float32 => doubles::<Float32Type>(array, |value, into| write!(into, "{value:e}")),
        DataType::Float64 => doubles::<Float64Type>(array, |value, into| write!(into, "{value:e}")),
        DataType::Date32 => times::<Date32Type>(array, TimeKind::Date, |days| i64::from(days).saturating_mul(DAY)),
        DataType::Date64 => times::<Date64Type>(array, TimeKind::Date, |ms| ms.saturating_mul(1_000_000)),
        DataType::Timestamp(unit, zone) => {
            let kind = if zone.is_some() { TimeKind::Utc } else { TimeKind::Local };
            match unit {
                TimeUnit::Second => times::<TimestampSecondType>(array, kind, |s| s.saturating_mul(SECOND)),
                TimeUnit::Millisecond => {
                    times::<TimestampMillisecondType>(array, kind, |ms| ms.saturating_mul(1_000_000))
                }
                TimeUnit::Microsecond => times::<TimestampMicrosecondType>(array, kind, |us| us.saturating_mul(1_000)),
                TimeUnit::Nanosecond => times::<TimestampNanosecondType>(array, kind, |ns| ns),
            }
        }
        DataType::Map(_, _) | DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) => {
            Cells::Nested(json_of(array))
        }
        _ => displayed(array),
    }
}

fn as_bytes(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}

/// The text of a cell, or why its row is rejected.
fn text_of(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.len() > MAX_TEXT_BYTES {
        return Err("too-long");
    }
    if memchr::memchr(0, bytes).is_some() {
        return Err("nul-byte");
    }
    std::str::from_utf8(bytes).map_err(|_utf8| "invalid-utf8")
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, form: Form, faults: &mut Faults<'_>) -> Cells {
    let mut checked = values.enumerate().map(|(row, bytes)| {
        text_of(bytes.unwrap_or_default()).unwrap_or_else(|reason| {
            faults.reject(row, reason);
            ""
        })
    });
    match form {
        Form::Coded => {
            let mut interner = Interner::default();
            checked.for_each(|text| interner.push(text));
            Cells::Texts(interner.finish())
        }
        Form::Plain => {
            let mut plain = Plain::default();
            checked.by_ref().for_each(|text| plain.push(text));
            Cells::Plain(plain)
        }
    }
}

/// Takes the codes of a file's own dictionary; only the values that the batch uses are looked at.
fn dictionary(array: &DictionaryArray<Int32Type>, faults: &mut Faults<'_>) -> Cells {
    const UNSEEN: u32 = NULL - 1;
    const BAD: u32 = NULL - 2;
    let values = array.values();
    let value = |place: usize| -> Option<&[u8]> {
        if values.is_null(place) {
            return None;
        }
        match values.data_type() {
            DataType::Utf8 => Some(values.as_string::<i32>().value(place).as_bytes()),
            DataType::Binary => Some(values.as_binary::<i32>().value(place)),
            _ => None,
        }
    };
    let mut interner = Interner::default();
    let mut codes = vec![UNSEEN; values.len()];
    for (row, key) in array.keys().iter().enumerate() {
        let place = key.and_then(|key| usize::try_from(key).ok()).filter(|place| *place < codes.len());
        let Some(place) = place else {
            interner.push_null();
            continue;
        };
        if codes[place] == UNSEEN {
            codes[place] = match text_of(value(place).unwrap_or_default()) {
                Ok(text) => interner.code(text),
                Err(_reason) => BAD,
            };
        }
        if codes[place] == BAD {
            let reason = text_of(value(place).unwrap_or_default()).err().unwrap_or("invalid-utf8");
            faults.reject(row, reason);
            interner.push_null();
        } else {
            interner.push_code(codes[place]);
        }
    }
    Cells::Texts(interner.finish())
}

fn decimals<T, F>(array: &ArrayRef, scale: i8, widen: F) -> Cells
where
    T: ArrowPrimitiveType,
    F: Fn(T::Native) -> I256,
{
    let values = array.as_primitive::<T>().iter().map(|value| value.map(&widen));
    // Parquet knows no negative scale; one from elsewhere would be multiplied out.
    let up = I256::new(10).checked_pow(u32::from(scale.min(0).unsigned_abs())).unwrap_or(I256::MAX);
    let values = if scale < 0 {
        values.map(|value| value.map(|value| value.saturating_mul(up))).collect()
    } else {
        values.collect()
    };
    Cells::Decimals { scale: u32::from(scale.max(0).unsigned_abs()), values }
}

/// Binary floats by their shortest text that reads back as the same float.
fn doubles<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    print: impl Fn(T::Native, &mut String) -> std::fmt::Result,
) -> Cells {
    let mut plain = Plain::default();
    let mut text = String::new();
    for value in array.as_primitive::<T>() {
        text.clear();
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _written = print(value, &mut text);
        }
        plain.push(&text);
    }
    Cells::Doubles(plain)
}

fn times<T: ArrowPrimitiveType>(array: &ArrayRef, kind: TimeKind, nanos: impl Fn(T::Native) -> i64) -> Cells {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Cells::Times { values: array.iter().map(|value| value.map(&nanos)).collect(), kind }
}

/// Types that no billing export uses, by Arrow's own text.
fn displayed(array: &ArrayRef) -> Cells {
    let mut interner = Interner::default();
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => (0..array.len()).for_each(|row| interner.push(&formatter.value(row).to_string())),
        Err(_arrow) => (0..array.len()).for_each(|_row| interner.push_null()),
    }
    Cells::Texts(interner.finish())
}
