//! CSV files as batches of cells. No type is guessed, ever: every cell is text, and an id keeps its leading zeros.
//! A record with broken text is counted and left out; a file with broken structure is an error with its place.

use super::csv_records::{Fault, MAX_RECORD_BYTES, Next, Records, unescape};
use super::input::{Container, Input, damaged, too_large};
use super::{
    BATCH_ROWS, BadRecord, Batch, CellReader, Cells, Form, Interner, MAX_COLUMNS, MAX_TEXT_BYTES, Plain, Wanted,
};
use crate::sources::Error;

/// Text that a batch aims at, at most.
const BATCH_BYTES: usize = 16 << 20;

/// A CSV file whose header was read.
#[derive(Debug)]
pub(crate) struct CsvFile {
    input: Input,
    container: Container,
    columns: Vec<String>,
}

impl CsvFile {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::TooLarge`], [`Error::UnknownFormat`] for text that is no UTF-8.
    pub(super) fn open(input: Input) -> Result<Self, Error> {
        let container = input.container()?;
        let mut records = Records::new(input.text(container));
        let columns = header(&input, &mut records)?;
        Ok(Self { input, container, columns })
    }

    /// The column names as spelled.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Starts reading after the header.
    ///
    /// # Errors
    /// As the file fails.
    pub(super) fn read(&self, wanted: &[Wanted]) -> Result<Box<dyn CellReader>, Error> {
        let mut records = Records::new(self.input.text(self.container));
        header(&self.input, &mut records)?;
        let columns = wanted.iter().map(|wanted| (wanted.column, Column::new(wanted.form))).collect();
        // The reader outlives this file, and its errors name it.
        let input = Input::open(&self.input.path, self.input.share()?)?;
        Ok(Box::new(CsvReader { input, records, names: self.columns.clone(), columns, row: 0, scratch: String::new() }))
    }
}

fn header(input: &Input, records: &mut Records) -> Result<Vec<String>, Error> {
    loop {
        match records.advance().map_err(|fault| file_error(input, records, "header", fault))? {
            Next::End => return Err(damaged(&input.path, "byte 0".into(), "it holds no header, only blank lines")),
            Next::Misquoted => return Err(damaged(&input.path, "its header".into(), "a quote is not closed")),
            Next::Record if is_blank(records) => {}
            Next::Record => break,
        }
    }
    let fields = records.fields();
    if fields.len() > MAX_COLUMNS {
        return Err(too_large(
            &input.path,
            "the number of columns",
            fields.len().to_string(),
            format!("{MAX_COLUMNS} columns"),
        ));
    }
    let names = fields.iter().map(|field| {
        let raw = records.raw(*field);
        let text = std::str::from_utf8(raw).ok().filter(|text| !text.contains('\0'))?;
        let mut name = String::new();
        unescape(text, &mut name);
        Some(name.trim().to_owned())
    });
    let unknown = |found: &str| Error::UnknownFormat { file: input.path.clone(), found: found.into() };
    let names: Vec<String> =
        names.collect::<Option<_>>().ok_or_else(|| unknown("its header is not UTF-8 text; deliver it in UTF-8"))?;
    if names.iter().any(|name| name.contains('\r')) {
        return Err(unknown("its lines end with a carriage return alone; deliver it with line feeds"));
    }
    Ok(names)
}

fn file_error(input: &Input, records: &Records, what: &str, fault: Fault) -> Error {
    let place = format!("byte {} of its text", records.position());
    match fault {
        Fault::Io(error) => input.read_error(&error, records.bytes_read()),
        Fault::RecordTooLong => too_large(
            &input.path,
            &format!("the {what} at {place}"),
            format!("more than {MAX_RECORD_BYTES} bytes"),
            format!("{MAX_RECORD_BYTES} bytes"),
        ),
        Fault::TooManyMisquoted => damaged(&input.path, place, "its quotes are broken in too many records"),
    }
}

/// A line without any value: empty, blank, or commas alone.
fn is_blank(records: &Records) -> bool {
    records.record().iter().all(|byte| matches!(byte, b' ' | b'\t' | b',' | b'\r' | b'\n'))
}

struct CsvReader {
    input: Input,
    records: Records,
    names: Vec<String>,
    columns: Vec<(usize, Column)>,
    row: u64,
    scratch: String,
}

impl CellReader for CsvReader {
    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.rows() + batch.bad_records.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let next = self.records.advance();
            match next.map_err(|fault| file_error(&self.input, &self.records, "record", fault))? {
                Next::End => break,
                Next::Misquoted => self.reject(&mut batch, "misquoted", None),
                Next::Record if is_blank(&self.records) => batch.blank_lines += 1,
                Next::Record => {
                    bytes += self.records.record().len();
                    self.take_record(&mut batch)?;
                }
            }
        }
        if batch.rows() == 0 && batch.bad_records.is_empty() && batch.blank_lines == 0 {
            return Ok(None);
        }
        batch.columns = self.columns.iter_mut().map(|(_place, column)| column.finish()).collect();
        Ok(Some(batch))
    }
}

impl CsvReader {
    fn take_record(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let fields = self.records.fields();
        let record = self.records.record();
        let (have, want) = (fields.len(), self.names.len());
        let surplus_is_empty = || fields[want..].iter().all(|field| self.records.raw(*field).is_empty());
        if have < want || (have > want && !surplus_is_empty()) {
            // With line breaks inside quotes, the quotes are the likelier fault: keep the lines after the first.
            let lines = memchr::memchr_iter(b'\n', record).count();
            if lines > 1 {
                let retreat = self.records.retreat_to_first_line();
                retreat.map_err(|fault| file_error(&self.input, &self.records, "record", fault))?;
            }
            self.reject(batch, "field-count", None);
            return Ok(());
        }
        batch.surplus_fields += u64::from(have > want);
        if memchr::memchr(0, record).is_some() {
            let place = self.field_where(|raw| raw.contains(&0));
            self.reject(batch, "nul-byte", place);
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(record) else {
            let place = self.field_where(|raw| std::str::from_utf8(raw).is_err());
            self.reject(batch, "invalid-utf8", place);
            return Ok(());
        };
        if record.len() > MAX_TEXT_BYTES
            && let Some(place) = self.field_where(|raw| raw.len() > MAX_TEXT_BYTES)
        {
            self.reject(batch, "too-long", Some(place));
            return Ok(());
        }
        self.row += 1;
        batch.row_numbers.push(self.row);
        for (place, column) in &mut self.columns {
            let Some(field) = fields.get(*place).copied() else { continue };
            let text = self.records.within(text, field);
            if field.doubled() {
                self.scratch.clear();
                unescape(text, &mut self.scratch);
                column.push(&self.scratch);
            } else {
                column.push(text);
            }
        }
        Ok(())
    }

    fn field_where(&self, wrong: impl Fn(&[u8]) -> bool) -> Option<usize> {
        self.records.fields().iter().position(|field| wrong(self.records.raw(*field)))
    }

    fn reject(&mut self, batch: &mut Batch, reason: &'static str, column: Option<usize>) {
        self.row += 1;
        let name = column.and_then(|column| self.names.get(column));
        batch.bad_records.push(BadRecord {
            reason,
            column: name.cloned().unwrap_or_else(|| "record".into()),
            place: format!("row {} (byte {})", self.row, self.records.position()),
        });
    }
}

/// A column being collected.
enum Column {
    Coded(Interner),
    Plain(Plain),
}

impl Column {
    fn new(form: Form) -> Self {
        match form {
            Form::Coded => Self::Coded(Interner::default()),
            Form::Plain => Self::Plain(Plain::default()),
        }
    }

    fn push(&mut self, text: &str) {
        match self {
            Self::Coded(interner) => interner.push(text),
            Self::Plain(plain) => plain.push(text),
        }
    }

    fn finish(&mut self) -> Cells {
        match self {
            Self::Coded(interner) => Cells::Texts(interner.finish()),
            Self::Plain(plain) => Cells::Plain(std::mem::take(plain)),
        }
    }
}
