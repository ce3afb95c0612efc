//! Nested Parquet values as JSON text: maps and structs become objects, lists become arrays.
//! The footer check bounds the nesting, so this may recurse.

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::Interner;
use crate::model::Coded;

/// The JSON text of each row; null rows are null.
pub(super) fn json_of(array: &ArrayRef) -> Coded {
    let mut interner = Interner::default();
    let mut text = String::new();
    for row in 0..array.len() {
        text.clear();
        if !array.is_null(row) {
            write_value(array.as_ref(), row, &mut text);
        }
        interner.push(&text);
    }
    interner.finish()
}

fn write_value(array: &dyn Array, row: usize, into: &mut String) {
    if array.is_null(row) {
        into.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let (Some(keys), Some(values)) = (entries.columns().first(), entries.columns().get(1)) else {
                into.push_str("{}");
                return;
            };
            object(into, (0..entries.len()).filter(|entry| !keys.is_null(*entry)), |entry, into| {
                write_key(keys.as_ref(), entry, into);
                write_value(values.as_ref(), entry, into);
            });
        }
        DataType::Struct(fields) => {
            let parts: &StructArray = array.as_struct();
            // A field that is null is a key that this row does not have.
            let present = (0..parts.num_columns()).filter(|place| !parts.column(*place).is_null(row));
            object(into, present, |place, into| {
                string(fields.get(place).map_or("", |field| field.name()), into);
                into.push(':');
                write_value(parts.column(place).as_ref(), row, into);
            });
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row), into),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), into),
        DataType::Utf8 => string(array.as_string::<i32>().value(row), into),
        DataType::LargeUtf8 => string(array.as_string::<i64>().value(row), into),
        DataType::Utf8View => string(array.as_string_view().value(row), into),
        DataType::Binary => string(&String::from_utf8_lossy(array.as_binary::<i32>().value(row)), into),
        DataType::Boolean => into.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        kind => {
            let options = FormatOptions::default();
            let shown = ArrayFormatter::try_new(array, &options).map(|formatter| formatter.value(row).to_string());
            let shown = shown.unwrap_or_default();
            // Numbers stand bare where JSON can read them; times and all else are text.
            if kind.is_numeric() && shown.parse::<serde_json::Number>().is_ok() {
                into.push_str(&shown);
            } else {
                string(&shown, into);
            }
        }
    }
}

fn write_key(keys: &dyn Array, row: usize, into: &mut String) {
    let mut key = String::new();
    write_value(keys, row, &mut key);
    // A key is text in JSON, whatever type it had.
    if key.starts_with('"') {
        into.push_str(&key)
    } else {
        string(&key, into)
    }
    into.push(':');
}

fn object(into: &mut String, entries: impl Iterator<Item = usize>, write: impl Fn(usize, &mut String)) {
    into.push('{');
    for (nth, entry) in entries.enumerate() {
        if nth > 0 {
            into.push(',');
        }
        write(entry, into);
    }
    into.push('}');
}

fn list(values: &ArrayRef, into: &mut String) {
    into.push('[');
    for row in 0..values.len() {
        if row > 0 {
            into.push(',');
        }
        write_value(values.as_ref(), row, into);
    }
    into.push(']');
}

fn string(text: &str, into: &mut String) {
    into.push_str(&serde_json::Value::from(text).to_string());
}
