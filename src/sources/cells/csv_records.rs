//! Takes comma-separated text apart into records (RFC 4180), in place and without copying.
//!
//! Stricter than a general reader in one point: a quote that is not closed where it should be must not swallow the rows
//! after it. Such a record is given up at its first line end, and reading goes on with the next line.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memchr2};

/// Longest record, quotes and line breaks included.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;
/// A file with more misquoted records than this is not worth going on with: each may cost a search of 1 MiB.
const MAX_MISQUOTED: u32 = 1_000;
const START_BYTES: usize = 256 << 10;

/// Reads records from a stream.
pub(super) struct Records {
    stream: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// The part of `buffer` that is filled and not yet given out.
    filled: Range<usize>,
    ended: bool,
    /// Where in the text `buffer` starts.
    base: u64,
    fields: Vec<Field>,
    /// The record given last, within `buffer`.
    record: Range<usize>,
    misquoted: u32,
}

/// Where a field lies in the buffer, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    start: usize,
    end: usize,
    /// Holds doubled quotes.
    doubled: bool,
}

/// What the next record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record, to be had from [`Records::fields`].
    Record,
    /// A line whose quotes make no sense; it was skipped.
    Misquoted,
    /// There is no more.
    End,
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(super) enum Fault {
    /// The stream failed.
    Io(io::Error),
    /// A record is longer than allowed.
    RecordTooLong,
    /// Too many misquoted records.
    TooManyMisquoted,
}

enum Scan {
    Done { next: usize },
    NeedsMore,
    Misquoted,
}

impl Records {
    /// Starts at the beginning of a text; a byte order mark is skipped.
    pub(super) fn new(stream: Box<dyn Read + Send>) -> Self {
        Self {
            stream,
            buffer: vec![0; START_BYTES],
            filled: 0..0,
            ended: false,
            base: 0,
            fields: Vec::new(),
            record: 0..0,
            misquoted: 0,
        }
    }

    /// Moves to the next record.
    ///
    /// # Errors
    /// [`Fault`]; its place is [`Records::position`].
    pub(super) fn advance(&mut self) -> Result<Next, Fault> {
        if self.base == 0 && self.filled == (0..0) && !self.ended {
            self.fill()?;
            if self.buffer.get(self.filled.clone()).is_some_and(|text| text.starts_with(b"\xef\xbb\xbf")) {
                self.filled.start += 3;
            }
        }
        self.record = self.filled.start..self.filled.start;
        loop {
            if self.filled.is_empty() && self.ended {
                return Ok(Next::End);
            }
            match self.scan() {
                Scan::Done { next } => {
                    self.record = self.filled.start..next;
                    self.filled.start = next;
                    return Ok(Next::Record);
                }
                Scan::NeedsMore if self.filled.len() < MAX_RECORD_BYTES => self.fill()?,
                // The record is too long, or its quotes are broken; if its first line ends, only that line is given up.
                Scan::NeedsMore | Scan::Misquoted => return self.give_up_line(),
            }
        }
    }

    /// Treats the record given last as misquoted after all: only its first line is skipped, the next record starts after it.
    ///
    /// # Errors
    /// As [`Records::advance`].
    pub(super) fn retreat_to_first_line(&mut self) -> Result<(), Fault> {
        self.filled.start = self.record.start;
        self.give_up_line().map(|_misquoted| ())
    }

    fn give_up_line(&mut self) -> Result<Next, Fault> {
        self.misquoted += 1;
        if self.misquoted > MAX_MISQUOTED {
            return Err(Fault::TooManyMisquoted);
        }
        loop {
            let line = self.buffer.get(self.filled.clone()).unwrap_or_default();
            let length = match memchr(b'\n', line) {
                Some(end) => end + 1,
                None if self.ended => line.len(),
                None if line.len() >= MAX_RECORD_BYTES => return Err(Fault::RecordTooLong),
                None => {
                    self.fill()?;
                    continue;
                }
            };
            self.record = self.filled.start..self.filled.start + length;
            self.filled.start += length;
            return Ok(Next::Misquoted);
        }
    }

    /// The fields of the record.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The bytes of a field as they stand in the file, doubled quotes and all.
    pub(super) fn raw(&self, field: Field) -> &[u8] {
        self.buffer.get(field.start..field.end).unwrap_or_default()
    }

    /// A field's text within the text of the whole record, doubled quotes and all.
    pub(super) fn within<'a>(&self, record: &'a str, field: Field) -> &'a str {
        let start = field.start.saturating_sub(self.record.start);
        record.get(start..start + (field.end - field.start)).unwrap_or_default()
    }

    /// The whole record as it stands in the file.
    pub(super) fn record(&self) -> &[u8] {
        self.buffer.get(self.record.clone()).unwrap_or_default()
    }

    /// Byte of the text at which the record starts.
    pub(super) fn position(&self) -> u64 {
        self.base + self.record.start as u64
    }

    /// Bytes of text read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.base + self.filled.end as u64
    }

    fn scan(&mut self) -> Scan {
        let text = &self.buffer[..self.filled.end];
        self.fields.clear();
        let mut at = self.filled.start;
        loop {
            if text.get(at) == Some(&b'"') {
                let start = at + 1;
                let (mut from, mut doubled) = (start, false);
                let end = loop {
                    let Some(found) = memchr(b'"', &text[from..]) else {
                        return if self.ended { Scan::Misquoted } else { Scan::NeedsMore };
                    };
                    let quote = from + found;
                    match text.get(quote + 1) {
                        Some(b'"') => (from, doubled) = (quote + 2, true),
                        None if !self.ended => return Scan::NeedsMore,
                        _ => break quote,
                    }
                };
                self.fields.push(Field { start, end, doubled });
                match (text.get(end + 1), text.get(end + 2)) {
                    (Some(b','), _) => at = end + 2,
                    (Some(b'\n'), _) => return Scan::Done { next: end + 2 },
                    (Some(b'\r'), Some(b'\n')) => return Scan::Done { next: end + 3 },
                    (Some(b'\r'), None) if !self.ended => return Scan::NeedsMore,
                    (Some(b'\r'), None) | (None, _) => return Scan::Done { next: text.len() },
                    _ => return Scan::Misquoted,
                }
            } else {
                match memchr2(b',', b'\n', &text[at..]) {
                    Some(found) => {
                        let end = at + found;
                        let line_end = text[end] == b'\n';
                        let carriage = line_end && found > 0 && text[end - 1] == b'\r';
                        self.fields.push(Field { start: at, end: end - usize::from(carriage), doubled: false });
                        at = end + 1;
                        if line_end {
                            return Scan::Done { next: at };
                        }
                    }
                    None if !self.ended => return Scan::NeedsMore,
                    None => {
                        let carriage = at < text.len() && text.last() == Some(&b'\r');
                        self.fields.push(Field { start: at, end: text.len() - usize::from(carriage), doubled: false });
                        return Scan::Done { next: text.len() };
                    }
                }
            }
        }
    }

    /// Moves the unread part to the front and reads until the buffer is full; a full buffer is made twice as large.
    fn fill(&mut self) -> Result<(), Fault> {
        let from = self.filled.start;
        self.buffer.copy_within(self.filled.clone(), 0);
        self.filled = 0..self.filled.len();
        self.record = self.record.start.saturating_sub(from)..self.record.end.saturating_sub(from);
        self.base += from as u64;
        if self.filled.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while self.filled.end < self.buffer.len() {
            match self.stream.read(&mut self.buffer[self.filled.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.filled.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error)),
            }
        }
        Ok(())
    }
}

/// Appends a field's text to `into` with doubled quotes made single.
pub(super) fn unescape(raw: &str, into: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr(b'"', rest.as_bytes()) {
        let (kept, after) = rest.split_at(at + 1);
        into.push_str(kept);
        rest = after.strip_prefix('"').unwrap_or(after);
    }
    into.push_str(rest);
}

impl Field {
    /// True where doubled quotes have to be made single.
    pub(super) fn doubled(self) -> bool {
        self.doubled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the scanner makes of a text.
    fn scanned(text: &[u8]) -> Vec<Vec<String>> {
        let mut records = Records::new(Box::new(io::Cursor::new(text.to_vec())));
        let mut all = Vec::new();
        loop {
            match records.advance().unwrap() {
                Next::End => return all,
                Next::Misquoted => panic!("misquoted: {text:?}"),
                Next::Record => {
                    let field = |field: &Field| {
                        let mut value = String::new();
                        unescape(std::str::from_utf8(records.raw(*field)).unwrap(), &mut value);
                        value
                    };
                    all.push(records.fields().iter().map(field).collect());
                }
            }
        }
    }

    proptest! {
        /// Well-formed text means the same to the scanner as to the csv crate, quotes, commas and line breaks included.
        #[test]
        fn well_formed_text_reads_as_the_csv_crate_reads_it(
            rows in prop::collection::vec(prop::collection::vec("[a-c,\" \r\n\u{e9}]{0,12}", 3), 1..20),
            crlf in any::<bool>(),
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = writer.into_inner().unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
            let read: Vec<Vec<String>> =
                reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(&read, &rows);
            prop_assert_eq!(scanned(&text), rows);
        }
    }
}
