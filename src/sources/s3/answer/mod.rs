//! What S3 answers: a page of keys, a complaint, headers. Everything comes from outside and is taken with caps.
//! Pure; the request side decides what an answer means.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::sources::hosts::is_region;

/// A page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The keys, in the server's order.
    pub keys: Vec<Listed>,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
}

/// One key of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The whole key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// As given, quotes included: some servers compare it literally. Empty where there is none.
    pub etag: String,
    /// When the server says it was written, in nanoseconds since 1970.
    pub modified: Option<i64>,
    /// True in a storage class that cannot be read at once.
    pub archived: bool,
}

/// What an error's body says that is fit for a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The provider's code, e.g. `SlowDown`.
    pub code: Option<String>,
    /// Region in which the bucket lies, where the answer says so.
    pub region: Option<String>,
}

/// Reads a page of ListObjectsV2.
///
/// # Errors
/// In a few words, for text that is no such page.
pub(super) fn page(body: &[u8]) -> Result<Page, String> {
    let mut page = Page::default();
    let (mut known, mut encoded, mut truncated) = (false, false, false);
    let mut keys: Vec<Raw> = Vec::new();
    leaves(body, |path, text| {
        let [root, rest @ ..] = path else { return };
        known |= root == "ListBucketResult";
        match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["EncodingType"] => encoded = text == "url",
            ["IsTruncated"] => truncated = text == "true",
            ["NextContinuationToken"] => page.next = Some(text.to_owned()),
            ["Contents"] => keys.push(Raw::default()),
            ["Contents", field] => {
                if let Some(raw) = keys.last_mut() {
                    raw.set(field, text);
                }
            }
            _ => {}
        }
    })?;
    if !known {
        return Err("it answers with something else than a listing".into());
    }
    if !truncated {
        page.next = None;
    } else if page.next.is_none() {
        return Err("its listing is cut off without a way to go on".into());
    }
    page.keys = keys
        .into_iter()
        .map(|raw| raw.listed(encoded))
        .collect::<Option<_>>()
        .ok_or("a size or key in its listing is not readable")?;
    Ok(page)
}

/// Reads the code of an error's body; whatever else is in there is dropped.
pub(super) fn complaint(body: &[u8]) -> Complaint {
    let mut complaint = Complaint::default();
    // A body that is no XML says nothing.
    let _no_xml = leaves(body, |path, text| match path {
        [root, field] if root == "Error" => match field.as_str() {
            "Code" => complaint.code = Some(text.to_owned()).filter(|code| is_code(code)),
            "Region" => complaint.region = Some(text.to_owned()).filter(|region| is_region(region)),
            _ => {}
        },
        _ => {}
    });
    complaint
}

/// Region that the bucket lies in, as the header says.
pub(super) fn region(response: &reqwest::Response) -> Option<String> {
    let value = response.headers().get("x-amz-bucket-region")?.to_str().ok()?;
    is_region(value).then(|| value.to_owned())
}

/// The answer's ETag.
pub(super) fn etag(response: &reqwest::Response) -> Option<String> {
    response.headers().get(http::header::ETAG)?.to_str().ok().map(str::to_owned)
}

/// `Content-Length`, also of an answer without a body.
pub(super) fn stated_length(response: &reqwest::Response) -> Option<u64> {
    response.headers().get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// When the file was written, as the answer says, in seconds since 1970.
pub(super) fn written(response: &reqwest::Response) -> Option<i64> {
    let value = response.headers().get(http::header::LAST_MODIFIED)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(value).ok().map(|time| time.timestamp())
}

/// The byte with which the body begins: 0, unless the server sends a part.
pub(super) fn begins_at(response: &reqwest::Response) -> u64 {
    let range = || {
        response
            .headers()
            .get(http::header::CONTENT_RANGE)?
            .to_str()
            .ok()?
            .strip_prefix("bytes ")?
            .split_once('-')?
            .0
            .parse()
            .ok()
    };
    if response.status() == http::StatusCode::PARTIAL_CONTENT { range().unwrap_or(0) } else { 0 }
}

/// A provider's code: letters and digits, so that nothing else can be smuggled into a message.
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[derive(Default)]
struct Raw {
    key: String,
    size: Option<u64>,
    etag: String,
    modified: Option<i64>,
    archived: bool,
}

impl Raw {
    fn set(&mut self, field: &str, text: &str) {
        match field {
            "Key" => self.key = text.to_owned(),
            "Size" => self.size = text.trim().parse().ok(),
            // Longer than any ETag; a cut one would never match.
            "ETag" if text.len() <= 1_024 && text.bytes().all(|b| (0x20..0x7f).contains(&b)) => {
                self.etag = text.to_owned()
            }
            "LastModified" => {
                let time = chrono::DateTime::parse_from_rfc3339(text.trim()).ok();
                self.modified = time.and_then(|time| time.timestamp_nanos_opt());
            }
            "StorageClass" => self.archived = matches!(text, "GLACIER" | "DEEP_ARCHIVE"),
            _ => {}
        }
    }

    fn listed(self, encoded: bool) -> Option<Listed> {
        let key = if encoded { decoded(&self.key)? } else { self.key };
        (!key.is_empty()).then_some(Listed {
            key,
            size: self.size?,
            etag: self.etag,
            modified: self.modified,
            archived: self.archived,
        })
    }
}

/// Resolves `encoding-type=url`: percent escapes, and `+` for a space as some servers write it.
fn decoded(text: &str) -> Option<String> {
    let pair = format!("k={text}");
    let (_k, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    // What is no UTF-8 came out as the replacement character, and names another key.
    (!value.contains('\u{fffd}') && !text.contains('&')).then(|| value.into_owned())
}

/// Calls `found` for each element with the names from the root and its text; for one with children, as it begins, with
/// no text.
fn leaves(body: &[u8], mut found: impl FnMut(&[String], &str)) -> Result<(), String> {
    const DEPTH: usize = 8;
    let broken = || "its answer is no XML".to_owned();
    let mut reader = Reader::from_str(std::str::from_utf8(body).map_err(|_error| broken())?);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut leaf = false;
    loop {
        match reader.read_event().map_err(|_error| broken())? {
            Event::Start(start) => {
                if leaf {
                    found(&path, "");
                }
                path.push(start.local_name().as_ref().to_owned());
                if path.len() > DEPTH {
                    return Err(broken());
                }
                (leaf, text) = (true, String::new());
            }
            Event::End(_) => {
                if leaf {
                    found(&path, &text);
                }
                path.pop();
                leaf = false;
            }
            Event::Text(part) if leaf => text.push_str(&part.xml10_content()),
            Event::CData(part) if leaf => text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) if leaf => {
                let by_number = name.resolve_char_ref().map_err(|_error| broken())?;
                text.push(by_number.or_else(|| predefined(&name.xml10_content())).ok_or_else(broken)?);
            }
            // No listing has one, and it is where entity bombs live.
            Event::DocType(_) => return Err(broken()),
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err("its answer is cut off".into()),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_) => {}
        }
    }
}

/// The five entities that XML has without a declaration.
fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
