//! Reads the text of a manifest: which files make a delivery, as the manifest names them.
//! Knows nothing of what really lies beside it; [`super::deliveries`] compares.

use serde::Deserialize;
use serde_json::Value;

use super::place::MAX_PATH_BYTES;
use super::{Error, FileRef};
use crate::model::Month;

/// Most bytes of a manifest.
const MAX_BYTES: u64 = 16 << 20;
/// Deepest nesting of its JSON.
const MAX_DEPTH: usize = 32;
/// Most files of one delivery.
const MAX_FILES: usize = 10_000;
/// Newest version of our own manifest.
const OWN_VERSION: u64 = 1;
/// Name of our own manifest.
pub(super) const OWN_NAME: &str = "outlay-manifest.json";

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The files, in its order.
    pub files: Vec<Named>,
    /// The billing month, where our own manifest states it.
    pub period: Option<Month>,
    /// Name of the run, where it has one; part of the delivery's version.
    pub run: String,
}

/// A file as a manifest names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// A full URI, a key, or a path below the manifest's folder.
    pub name: String,
    /// Bytes, where stated.
    pub size: Option<u64>,
}

/// Refuses a manifest by its size, before it is fetched: an empty one is not ready yet, a huge one is none.
///
/// # Errors
/// [`Error::Manifest`] or [`Error::TooLarge`].
pub(super) fn check_size(file: &FileRef) -> Result<(), Error> {
    match file.size {
        0 => Err(broken(&file.path, "it is empty: the delivery is still being written")),
        1..=MAX_BYTES => Ok(()),
        size => Err(too_large(&file.path, "the manifest", format!("{size} bytes"), format!("{MAX_BYTES} bytes"))),
    }
}

/// Reads a manifest: our own by its name, else one of AWS.
///
/// # Errors
/// [`Error::Manifest`] for text that is no manifest, [`Error::TooLarge`], or [`Error::UnsupportedVersion`] for a newer
/// version of our own.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Manifest, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(broken(path, "it is empty: the delivery is still being written"));
    }
    check_depth(path, bytes)?;
    let manifest = if path.rsplit('/').next() == Some(OWN_NAME) { own(path, bytes) } else { aws(path, bytes) }?;
    if manifest.files.is_empty() {
        return Err(broken(path, "it names no files"));
    }
    check_names(path, &manifest.files)?;
    Ok(manifest)
}

/// Our own manifest: `{version, run, period, files: [{path, bytes, rows}]}`, written last by whatever job exports the files.
#[derive(Deserialize)]
struct Own {
    #[serde(default = "first_version")]
    version: u64,
    #[serde(default)]
    run: String,
    period: Option<String>,
    files: Vec<OwnFile>,
}

#[derive(Deserialize)]
struct OwnFile {
    path: String,
    bytes: Option<u64>,
}

const fn first_version() -> u64 {
    1
}

fn own(path: &str, bytes: &[u8]) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default = "first_version")]
        version: u64,
    }
    // The version first: a later one may have changed everything else.
    let Version { version } = json(path, bytes)?;
    if version > OWN_VERSION {
        return Err(Error::UnsupportedVersion {
            file: path.to_owned(),
            found: version.to_string(),
            known: OWN_VERSION.to_string(),
        });
    }
    let own: Own = json(path, bytes)?;
    if own.version == 0 {
        return Err(broken(path, "its `version` is 0"));
    }
    let period = match own.period.as_deref() {
        None => None,
        Some(text) => match Month::parse(text) {
            Some(month) => Some(month),
            None => return Err(broken(path, "its `period` is no month: write `YYYY-MM`")),
        },
    };
    let files = own.files.into_iter().map(|file| Named { name: file.path, size: file.bytes }).collect();
    Ok(Manifest { files, period, run: own.run })
}

/// The manifest of an AWS Data Export: `dataFiles` holds full URIs. Exports by other tools say `reportKeys` or `files`;
/// an entry may be an object that holds the name.
fn aws(path: &str, bytes: &[u8]) -> Result<Manifest, Error> {
    let value: Value = json(path, bytes)?;
    let Value::Object(fields) = value else { return Err(broken(path, "it is no JSON object")) };
    let field = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let Some(list) = ["dataFiles", "reportKeys", "files"].into_iter().find_map(field) else {
        return Err(broken(path, "it has no list `dataFiles`"));
    };
    let Some(list) = list.as_array() else { return Err(broken(path, "its `dataFiles` is no list")) };
    let files = list.iter().map(named).collect::<Option<Vec<_>>>();
    let files = files.ok_or_else(|| broken(path, "an entry of its `dataFiles` is no file name"))?;
    let text = |name: &str| field(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let run = Some(text("executionId")).filter(|run| !run.is_empty()).unwrap_or_else(|| text("assemblyId"));
    Ok(Manifest { files, period: None, run })
}

fn named(entry: &Value) -> Option<Named> {
    match entry {
        Value::String(name) => Some(Named { name: name.clone(), size: None }),
        Value::Object(fields) => {
            let name = ["path", "key", "uri", "name"].into_iter().find_map(|field| fields.get(field)?.as_str())?;
            let size = ["bytes", "size"].into_iter().find_map(|field| fields.get(field)?.as_u64());
            Some(Named { name: name.to_owned(), size })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// Names that could lead elsewhere, or repeat, void the whole manifest: whoever writes it directs our credentials.
fn check_names(path: &str, files: &[Named]) -> Result<(), Error> {
    if files.len() > MAX_FILES {
        return Err(too_large(path, "the number of files", files.len().to_string(), MAX_FILES.to_string()));
    }
    let mut seen = std::collections::BTreeSet::new();
    for Named { name, .. } in files {
        // A URI carries its bucket in front of the key.
        if name.len() > 2 * MAX_PATH_BYTES {
            return Err(too_large(path, "a file name", format!("{} bytes", name.len()), MAX_PATH_BYTES.to_string()));
        }
        if !is_safe(name) {
            return Err(broken(path, &format!("it names `{}`, which could lead elsewhere", shown(name))));
        }
        if !seen.insert(name) {
            return Err(broken(path, &format!("it names `{}` twice", shown(name))));
        }
    }
    Ok(())
}

/// True for a name without parts that step aside: no `.` or `..` (also percent-encoded), no backslash, no control character.
pub(super) fn is_safe(name: &str) -> bool {
    let steps = |part: &str| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        part == "." || part == ".."
    };
    !name.is_empty()
        && !name.contains(['\\', '\u{7f}'])
        && !name.bytes().any(|b| b < 0x20)
        && !name.split('/').any(steps)
        && !name.to_ascii_lowercase().contains("%2f")
        && !name.to_ascii_lowercase().contains("%00")
}

/// The last part of a name, fit for a message: no bucket, no query, no control characters, no more than 120 characters.
pub(super) fn shown(name: &str) -> String {
    let name = name.split(['?', '#']).next().unwrap_or_default();
    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(120).collect()
}

fn json<'de, T: Deserialize<'de>>(path: &str, bytes: &'de [u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        let why = match error.classify() {
            serde_json::error::Category::Eof => format!("it is cut off at {at}"),
            serde_json::error::Category::Data => format!("a field is missing or of another type at {at}"),
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => format!("it is no JSON at {at}"),
        };
        broken(path, &why)
    })
}

/// Counts brackets outside of texts, so that no parser ever recurses deeper.
fn check_depth(path: &str, bytes: &[u8]) -> Result<(), Error> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_large(path, "its nesting", format!("over {MAX_DEPTH}"), MAX_DEPTH.to_string()));
        }
    }
    Ok(())
}

pub(super) fn broken(path: &str, why: &str) -> Error {
    Error::Manifest { file: path.to_owned(), why: why.to_owned() }
}

fn too_large(path: &str, what: &str, found: String, limit: String) -> Error {
    Error::TooLarge { file: path.to_owned(), what: what.to_owned(), found, limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "metadata/BILLING_PERIOD=2026-01/focus-Manifest.json";
    const OWN: &str = "2026-01/outlay-manifest.json";

    fn check(path: &str, text: &str, expected: Result<&[&str], &str>) {
        let found = parse(path, text.as_bytes());
        match (&found, expected) {
            (Ok(manifest), Ok(names)) => {
                let found: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
                assert_eq!(found, names, "{text}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
            _ => panic!("{text}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn lists_of_files_under_any_of_their_names() {
        check(AWS, r#"{"dataFiles": ["s3://b/p/data/x.csv.gz"], "executionId": "7"}"#, Ok(&["s3://b/p/data/x.csv.gz"]));
        check(AWS, r#"{"DataFiles": ["a.parquet", "b.parquet"]}"#, Ok(&["a.parquet", "b.parquet"]));
        check(AWS, r#"{"reportKeys": ["/p/r/20260101-20260201/x.csv.gz"]}"#, Ok(&["/p/r/20260101-20260201/x.csv.gz"]));
        check(AWS, r#"{"files": [{"key": "a.csv", "size": 3}]}"#, Ok(&["a.csv"]));
        check(AWS, "\u{feff}{\"files\": [\"a.csv\"]}", Ok(&["a.csv"]));
        check(AWS, r#"{"columns": [{"name": "BilledCost"}], "dataFiles": ["a.csv"], "new": {"x": 1}}"#, Ok(&["a.csv"]));
        check(
            OWN,
            r#"{"version": 1, "run": "r", "period": "2026-01", "files": [{"path": "a.csv", "bytes": 3, "rows": 1}]}"#,
            Ok(&["a.csv"]),
        );
        check(OWN, r#"{"files": [{"path": "a.csv", "later": true}], "later": {}}"#, Ok(&["a.csv"]));
    }

    #[test]
    fn what_is_no_manifest_says_why() {
        for (path, text, part) in [
            (AWS, "", "still being written"),
            (AWS, " \n", "still being written"),
            (AWS, "{\"dataFiles\": [\"a.csv\"", "cut off at line 1"),
            (AWS, "BilledCost,EffectiveCost", "no JSON"),
            (AWS, "[]", "no JSON object"),
            (AWS, "{}", "no list `dataFiles`"),
            (AWS, r#"{"dataFiles": "a.csv"}"#, "is no list"),
            (AWS, r#"{"dataFiles": [7]}"#, "no file name"),
            (AWS, r#"{"dataFiles": []}"#, "names no files"),
            (AWS, r#"{"dataFiles": ["a.csv", "a.csv"]}"#, "names `a.csv` twice"),
            (OWN, r#"{"version": 2, "files": "changed"}"#, "has version 2; Outlay reads up to 1"),
            (OWN, r#"{"version": 0, "files": []}"#, "`version` is 0"),
            (OWN, r#"{"version": 1}"#, "a field is missing"),
            (OWN, r#"{"period": "January", "files": [{"path": "a.csv"}]}"#, "no month"),
            (OWN, r#"{"files": [{"path": ""}]}"#, "could lead elsewhere"),
        ] {
            check(path, text, Err(part));
        }
        check(AWS, &format!("{}1{}", "[".repeat(33), "]".repeat(33)), Err("its nesting is over 32"));
        check(AWS, &format!("{{\"dataFiles\": [\"{}\"]}}", "a".repeat(3_000)), Err("a file name is 3000 bytes"));
        let many: Vec<String> = (0..10_001).map(|n| format!("\"{n}.csv\"")).collect();
        check(AWS, &format!("{{\"dataFiles\": [{}]}}", many.join(",")), Err("the number of files is 10001"));
        // Brackets inside of texts do not nest.
        check(
            AWS,
            &format!("{{\"dataFiles\": [\"a{}.csv\"]}}", "[".repeat(40)),
            Ok(&[&format!("a{}.csv", "[".repeat(40))]),
        );
    }

    #[test]
    fn names_that_lead_elsewhere_void_the_manifest() {
        for name in [
            "../a.csv",
            "data/../../a.csv",
            "s3://b/p/data/../../x.csv",
            "data/%2e%2e/a.csv",
            "data/.%2E/a.csv",
            "./a.csv",
            "data\\\\..\\\\a.csv",
            "data/a%2f..%2fb.csv",
            "data/a\\u0000.csv",
            "data/a\\n.csv",
            "data/a%00.csv",
            "..",
        ] {
            check(AWS, &format!("{{\"dataFiles\": [\"{name}\"]}}"), Err("could lead elsewhere"));
        }
    }

    #[test]
    fn messages_show_the_last_part_of_a_name_only() {
        assert_eq!(shown("s3://secret-bucket/p/x.csv?X-Amz-Signature=abc"), "x.csv");
        assert_eq!(shown("a/b\u{7}c.csv"), "bc.csv");
    }

    #[test]
    fn size_is_checked_before_the_text_is_fetched() {
        let file = |size| FileRef { path: AWS.into(), size, version: String::new() };
        assert!(check_size(&file(0)).unwrap_err().to_string().contains("still being written"));
        assert!(check_size(&file(MAX_BYTES + 1)).unwrap_err().to_string().contains("over a limit"));
        assert_eq!(check_size(&file(MAX_BYTES)), Ok(()));
    }
}
