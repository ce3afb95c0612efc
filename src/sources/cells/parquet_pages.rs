//! Walks the page headers of a Parquet file before it is decoded. A page states its unpacked size in its own header, not
//! in the footer, and the decoder reserves that much at once: here a stated size past its limit is refused before.

use std::ops::Range;

use parquet::file::metadata::ColumnChunkMetaData;

use super::input::{RawBytes, damaged, too_large};
use crate::sources::Error;

/// Largest page; writers aim at 1 MiB, and the largest that one is known to write is 100 MB.
const MAX_PAGE_BYTES: u64 = 120 << 20;
/// How much is read for a header at first, and at most: statistics make some of them long.
const HEADER_BYTES: [u64; 3] = [256, 16 << 10, 1 << 20];
/// Structs inside structs in a page header; the format has three.
const MAX_DEPTH: u32 = 8;

/// Checks every page of a column chunk that the decoder would touch.
///
/// # Errors
/// [`Error::TooLarge`] for a page past its limit, [`Error::Damaged`] where the pages do not fill the chunk as they should.
pub(super) fn check_pages(
    file: &str,
    bytes: &RawBytes,
    chunk: &ColumnChunkMetaData,
    range: Range<u64>,
) -> Result<(), Error> {
    let (mut at, mut values) = (range.start, 0_i64);
    while at < range.end && values < chunk.num_values() {
        let place = format!("byte {at}, column `{}`", chunk.column_path().string());
        let Some(page) = header_at(bytes, at..range.end) else {
            return Err(damaged(file, place, "the header of a page cannot be read"));
        };
        if page.unpacked > MAX_PAGE_BYTES {
            let what = format!("the unpacked size of the page at {place}");
            return Err(too_large(file, &what, format!("{} bytes", page.unpacked), format!("{MAX_PAGE_BYTES} bytes")));
        }
        at = at.saturating_add(page.header).saturating_add(page.packed);
        if at > range.end {
            return Err(damaged(file, place, "a page is longer than its column"));
        }
        values = values.saturating_add(page.values);
    }
    Ok(())
}

/// What a page header says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    header: u64,
    unpacked: u64,
    packed: u64,
    values: i64,
}

fn header_at(bytes: &RawBytes, range: Range<u64>) -> Option<Page> {
    for length in HEADER_BYTES {
        let end = range.end.min(range.start.saturating_add(length));
        let window = bytes.bytes(range.start..end).ok()?;
        if let Some(page) = read_header(&window) {
            return Some(page);
        }
        if end == range.end {
            break;
        }
    }
    None
}

/// The header at the start of `bytes`; `None` where it is cut off or makes no sense.
fn read_header(bytes: &[u8]) -> Option<Page> {
    let mut thrift = Thrift(bytes);
    let (mut unpacked, mut packed, mut values) = (None, None, 0);
    let mut id = 0;
    while let Some(kind) = thrift.field(&mut id)? {
        match (id, kind) {
            (2, Kind::I32) => unpacked = u64::try_from(thrift.integer()?).ok(),
            (3, Kind::I32) => packed = u64::try_from(thrift.integer()?).ok(),
            // The data page headers, version 1 and 2; both start with the number of values.
            (5 | 8, Kind::STRUCT) => {
                let mut inner = 0;
                while let Some(kind) = thrift.field(&mut inner)? {
                    match (inner, kind) {
                        (1, Kind::I32) => values = thrift.integer()?,
                        _ => thrift.skip(kind, MAX_DEPTH)?,
                    }
                }
            }
            _ => thrift.skip(kind, MAX_DEPTH)?,
        }
    }
    let header = (bytes.len() - thrift.0.len()) as u64;
    Some(Page { header, unpacked: unpacked?, packed: packed?, values })
}

/// A type of Thrift's compact protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    const TRUE: Self = Self(1);
    const FALSE: Self = Self(2);
    const I8: Self = Self(3);
    const I16: Self = Self(4);
    const I32: Self = Self(5);
    const I64: Self = Self(6);
    const DOUBLE: Self = Self(7);
    const BINARY: Self = Self(8);
    const LIST: Self = Self(9);
    const SET: Self = Self(10);
    const STRUCT: Self = Self(12);
}

/// What is left of a text in Thrift's compact protocol. Every method is `None` at its end.
struct Thrift<'a>(&'a [u8]);

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn advance(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }

    /// The type of the next field, whose id replaces `id`; `Some(None)` at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Option<Option<Kind>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.integer()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(Some(Kind(byte & 0x0f)))
    }

    fn skip(&mut self, kind: Kind, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            Kind::TRUE | Kind::FALSE => Some(()),
            Kind::I8 => self.advance(1),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(|_value| ()),
            Kind::DOUBLE => self.advance(8),
            Kind::BINARY => self.varint().and_then(|length| self.advance(length)),
            Kind::LIST | Kind::SET => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                let element = Kind(byte & 0x0f);
                // A list of booleans spends a byte on each.
                let element = if element == Kind::TRUE || element == Kind::FALSE { Kind::I8 } else { element };
                (0..count).try_for_each(|_nth| self.skip(element, depth))
            }
            Kind::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::cells::{Form, TableFile, Wanted};
    use crate::sources::{Content, FileRef};

    #[test]
    fn a_header_says_its_sizes_and_values() {
        // type = 0, unpacked 300, packed 200, v1 header {values 7, encoding 0, 3, 3, statistics {min "ab"}}.
        let bytes = [
            0x15, 0, 0x15, 0xd8, 0x04, 0x15, 0x90, 0x03, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x28, 2,
            b'a', b'b', 0, 0, 0, 0xff,
        ];
        let page = Page { header: 25, unpacked: 300, packed: 200, values: 7 };
        assert_eq!(read_header(&bytes), Some(page));
        assert!((0..25).all(|length| read_header(&bytes[..length]).is_none()));
    }

    #[test]
    fn negative_sizes_and_deep_nests_are_refused() {
        assert_eq!(read_header(&[0x15, 0, 0x15, 0x01, 0x15, 0x02, 0]), None);
        assert_eq!(read_header(&[0x9c; 100]), None);
        assert_eq!(read_header(&[0x99; 100]), None);
    }

    #[test]
    fn a_page_that_states_too_much_is_refused_before_it_is_unpacked() {
        use arrow::array::{ArrayRef, RecordBatch, StringArray};
        let text: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["x".repeat(2 << 20)]));
        let batch = RecordBatch::try_from_iter([("a", text)]).unwrap();
        let plain = parquet::file::properties::WriterProperties::builder().set_dictionary_enabled(false).build();
        let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), Some(plain)).unwrap();
        writer.write(&batch).unwrap();
        let mut bytes = writer.into_inner().unwrap();
        let open = |bytes: Vec<u8>| {
            let file = FileRef { path: "a.parquet".into(), size: 0, version: String::new() };
            let table = TableFile::open(&file, Content::Bytes(bytes.into())).unwrap();
            table.read(&[Wanted { column: 0, form: Form::Plain }]).map(|_reader| ())
        };
        assert_eq!(open(bytes.clone()), Ok(()));
        // The first page header: its type, then the unpacked size, here in four bytes.
        assert_eq!(bytes[4..7], [0x15, 0, 0x15]);
        bytes[7..11].copy_from_slice(&[0xfe, 0xff, 0xff, 0x7f]);
        assert!(
            matches!(open(bytes), Err(Error::TooLarge { what, .. }) if what.contains("page at byte 4, column `a`"))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _page = read_header(&bytes);
        }
    }
}
