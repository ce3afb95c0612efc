//! Which billing format a file is, by its columns and never by its name: a closed table that each new format joins.

use super::cells::TableFile;
use super::focus;
use super::{Content, Error, FileRef, Format, RowReader};

/// Most columns that a message lists.
const LISTED_COLUMNS: usize = 8;

/// How like a format a header is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is of the format.
    Full,
    /// It has most of the format's columns, but not these, without which no row can be made.
    Lacking(Vec<&'static str>),
    /// It is something else.
    None,
}

/// Starts reading a table in a format.
type Open = fn(&FileRef, TableFile) -> Result<Box<dyn RowReader>, Error>;

/// A format that is read.
struct Known {
    format: Format,
    name: &'static str,
    likeness: fn(&[String]) -> Likeness,
    open: Open,
}

/// The formats, in the order in which they are tried.
const KNOWN: &[Known] =
    &[Known { format: Format::Focus, name: "FOCUS Cost and Usage", likeness: focus::likeness, open: focus::open }];

/// Formats that are told by a column of their own, folded, but not read yet.
const FOREIGN: &[(&str, &[&str])] = &[
    ("an AWS Cost and Usage Report", &["lineitemunblendedcost", "lineitemlineitemtype", "identitylineitemid"]),
    ("an Azure cost export", &["costinbillingcurrency", "pretaxcost", "metercategory", "meterid"]),
    (
        "a Google Cloud billing export",
        &["billingaccountid+usagestarttime", "projectid+invoicemonth", "costtype+invoicemonth"],
    ),
    ("an OCI cost report", &["lineitemreferenceno", "costmycost", "usagebilledquantity"]),
    ("the FOCUS dataset Invoice Detail, which is not Cost and Usage", &["invoicedetailid+paymentcurrency"]),
    ("the FOCUS dataset Contract Commitment, which is not Cost and Usage", &["contractcommitmentid"]),
];

/// Opens the reader that fits the file's columns, or the one asked for.
///
/// # Errors
/// [`Error::UnknownFormat`] that says what the file looks like or lacks, else as the file fails.
pub(super) fn open(file: &FileRef, content: Content, format: Format) -> Result<Box<dyn RowReader>, Error> {
    let table = TableFile::open(file, content)?;
    let header = table.columns();
    let unknown = |found: String| Error::UnknownFormat { file: file.path.clone(), found };
    let candidates = KNOWN.iter().filter(|known| format == Format::Auto || known.format == format);
    let mut nearest = None;
    for known in candidates {
        match (known.likeness)(header) {
            Likeness::Full => return (known.open)(file, table),
            Likeness::Lacking(columns) => nearest = nearest.or(Some((known.name, columns))),
            Likeness::None => {}
        }
    }
    match (nearest, foreign(header)) {
        (Some((name, lacking)), _) => Err(unknown(format!("it looks like {name}, but lacks {}", lacking.join(", ")))),
        (None, Some(name)) => Err(unknown(format!("it looks like {name}, which this version cannot read yet"))),
        (None, None) => Err(unknown(described(header))),
    }
}

/// Lower-case letters and digits of a header; of one with a name in brackets (`Ressourcengruppe (ResourceGroup)`), of that.
pub(super) fn fold(header: &str) -> String {
    let name = header.rsplit_once('(').and_then(|(_before, inside)| inside.trim_end().strip_suffix(')'));
    let folded = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let inside: String = folded(name.unwrap_or_default());
    if inside.is_empty() { folded(header) } else { inside }
}

fn foreign(header: &[String]) -> Option<&'static str> {
    let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
    let has = |mark: &&str| mark.split('+').all(|name| folded.iter().any(|column| column == name));
    FOREIGN.iter().find(|(_name, marks)| marks.iter().any(has)).map(|(name, _marks)| *name)
}

fn described(header: &[String]) -> String {
    if let [only] = header
        && let Some(separator) = [';', '\t', '|'].into_iter().find(|separator| only.contains(*separator))
    {
        return format!("its columns are separated by {separator:?}; deliver them separated by commas");
    }
    let names: Vec<String> = header
        .iter()
        .take(LISTED_COLUMNS)
        .map(|name| name.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect())
        .collect();
    let more = header.len().saturating_sub(LISTED_COLUMNS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "its columns are {}{more}; a FOCUS file has BilledCost, ChargePeriodStart and ChargePeriodEnd",
        names.join(", ")
    )
}
