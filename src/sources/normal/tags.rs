//! Tags in every shape that was seen, as one flat JSON object of texts with sorted keys; null where there are none.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::marks::Marks;
use super::texts::is_null_word;
use crate::model::{Coded, NULL};
use crate::sources::cells::{Interner, MAX_TEXT_BYTES};

/// What had to be done to read a tag text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Done {
    /// It was no object: no braces, a list of keys and values, JSON inside a JSON text.
    reshaped: bool,
    /// A value was an object or a list and became its JSON text.
    nested: bool,
    /// A key came twice; the first is kept.
    clash: bool,
    /// No shape fits.
    unreadable: bool,
}

/// Names of [`Done::flags`].
const DONE_CODES: [&str; 4] = ["tags-reshaped", "tags-nested", "tags-key-twice", "tags-unreadable"];

impl Done {
    const UNREADABLE: Self = Self { reshaped: false, nested: false, clash: false, unreadable: true };

    fn flags(self) -> [bool; 4] {
        [self.reshaped, self.nested, self.clash, self.unreadable]
    }
}

/// Reads a column of tags. What no shape fits becomes null, counted: the cost of the row still stands.
pub(in crate::sources) fn tags(texts: &Coded, column: &'static str, marks: &mut Marks<'_>) -> Coded {
    let read: Vec<(Option<String>, Done)> = texts.values.iter().map(|text| flatten(text)).collect();
    for (place, code) in DONE_CODES.into_iter().enumerate() {
        if read.iter().any(|(_tags, done)| done.flags()[place]) {
            let here = |at: u32| read.get(at as usize).is_some_and(|(_tags, done)| done.flags()[place]);
            let rows = texts.codes.iter().enumerate().filter(|(_row, at)| here(**at)).map(|(row, _at)| row);
            // Tags may hold names and addresses of people: the sample shows the place, not the text.
            marks.repaired(code, column, rows, |_row| "");
        }
    }
    Coded::from_texts(texts.codes.iter().map(|at| read.get(*at as usize).and_then(|(tags, _done)| tags.as_deref())))
}

/// One tag column (`tags/team`) as flat objects of one key.
pub(in crate::sources) fn single(key: &str, texts: &Coded) -> Coded {
    texts.map(|text| {
        let object = BTreeMap::from([(key, text)]);
        (!is_null_word(text)).then(|| serde_json::to_string(&object).unwrap_or_default().into())
    })
}

/// Two columns of flat objects as one; where both have a key, the first column's value stays and the row is counted.
pub(in crate::sources) fn merged(first: &Coded, second: &Coded, column: &'static str, marks: &mut Marks<'_>) -> Coded {
    let mut seen: HashMap<(u32, u32), (u32, bool)> = HashMap::new();
    let mut interner = Interner::default();
    let mut clashes = Vec::new();
    for (row, pair) in first.codes.iter().copied().zip(second.codes.iter().copied()).enumerate() {
        let (code, clash) = match seen.get(&pair) {
            Some(known) => *known,
            None => {
                let (text, clash) = merge(first.get(row), second.get(row));
                let known = (text.map_or(NULL, |text| interner.code(&text)), clash);
                seen.insert(pair, known);
                known
            }
        };
        interner.push_code(code);
        if clash {
            clashes.push(row);
        }
    }
    marks.repaired("tags-key-twice", column, clashes, |_row| "");
    interner.finish()
}

fn merge<'a>(first: Option<&'a str>, second: Option<&'a str>) -> (Option<Cow<'a, str>>, bool) {
    match (first, second) {
        (text, None) | (None, text) => (text.map(Cow::Borrowed), false),
        (Some(first), Some(second)) => {
            let read = |text| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap_or_default();
            let (mut tags, more) = (read(first), read(second));
            let mut clash = false;
            for (key, value) in more {
                clash |= tags.get(&key).is_some_and(|known| *known != value);
                tags.entry(key).or_insert(value);
            }
            (serde_json::to_string(&tags).ok().map(Cow::Owned), clash)
        }
    }
}

fn flatten(text: &str) -> (Option<String>, Done) {
    let text = text.trim();
    if is_null_word(text) {
        return (None, Done::default());
    }
    if text.len() > MAX_TEXT_BYTES {
        return (None, Done::UNREADABLE);
    }
    let read = match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str::<Flat>(text).ok(),
        Some(b'[') => pairs(text).map(Flat::reshaped),
        Some(b'"') => {
            let bare = serde_json::from_str::<Flat>(&format!("{{{text}}}")).ok();
            let inside =
                || serde_json::from_str::<String>(text).ok().filter(|inner| inner.trim().starts_with(['{', '[']));
            match (bare, inside) {
                (Some(flat), _inside) => Some(flat.reshaped()),
                (None, inside) => {
                    return inside().map_or((None, Done::UNREADABLE), |inner| {
                        let (tags, done) = flatten(&inner);
                        (tags, Done { reshaped: true, ..done })
                    });
                }
            }
        }
        _ => None,
    };
    match read {
        None => (None, Done::UNREADABLE),
        Some(flat) if flat.tags.is_empty() => (None, flat.done),
        Some(flat) => (serde_json::to_string(&flat.tags).ok(), flat.done),
    }
}

/// A flat object of texts in the making.
#[derive(Debug, Default)]
struct Flat {
    tags: BTreeMap<String, String>,
    done: Done,
}

impl Flat {
    fn reshaped(mut self) -> Self {
        self.done.reshaped = true;
        self
    }

    /// A tag without value is `true` in FOCUS; a null is a tag that the row does not have.
    fn add(&mut self, key: String, value: &RawValue) {
        let raw = value.get();
        let value = match raw.as_bytes().first() {
            Some(b'n') => return,
            Some(b'"') => serde_json::from_str::<String>(raw).unwrap_or_default(),
            Some(b'{' | b'[') => {
                self.done.nested = true;
                raw.to_owned()
            }
            _ => raw.to_owned(),
        };
        match self.tags.get(&key) {
            Some(_first) => self.done.clash = true,
            None => {
                self.tags.insert(key, value);
            }
        }
    }
}

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Flat;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of tags")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Flat, A::Error> {
                let mut flat = Flat::default();
                while let Some((key, value)) = entries.next_entry::<String, &RawValue>()? {
                    flat.add(key, value);
                }
                Ok(flat)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A list of `{"key": …, "value": …}`, the names in any case.
fn pairs(text: &str) -> Option<Flat> {
    let mut flat = Flat::default();
    for entry in serde_json::from_str::<Vec<BTreeMap<String, &RawValue>>>(text).ok()? {
        let named = |wanted: &str| {
            entry.iter().find(|(name, _value)| name.eq_ignore_ascii_case(wanted)).map(|(_name, value)| *value)
        };
        let key = serde_json::from_str::<String>(named("key")?.get()).ok()?;
        if let Some(value) = named("value") {
            flat.add(key, value);
        }
    }
    Some(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>, done: &str) {
        let (tags, found) = flatten(text);
        let told: Vec<&str> =
            DONE_CODES.into_iter().zip(found.flags()).filter(|(_code, is)| *is).map(|(code, _is)| &code[5..]).collect();
        assert_eq!((tags.as_deref(), told.join(" ").as_str()), (expected, done), "{text}");
    }

    #[test]
    fn every_shape_becomes_one_flat_sorted_object() {
        check(r#"{"b": "2", "a": "1"}"#, Some(r#"{"a":"1","b":"2"}"#), "");
        check(r#""b": "2","a": "1""#, Some(r#"{"a":"1","b":"2"}"#), "reshaped");
        check(r#"[{"key":"b","value":"2"},{"Key":"a","Value":"1"}]"#, Some(r#"{"a":"1","b":"2"}"#), "reshaped");
        check(r#""{\"a\":\"1\"}""#, Some(r#"{"a":"1"}"#), "reshaped");
        check(r#"{"a": true, "b": 1.10, "c": ""}"#, Some(r#"{"a":"true","b":"1.10","c":""}"#), "");
        check(r#"{"a": {"x": [1, 2]}}"#, Some(r#"{"a":"{\"x\": [1, 2]}"}"#), "nested");
        check(r#"{"a": "1", "a": "2"}"#, Some(r#"{"a":"1"}"#), "key-twice");
        check(r#"{"é\n\"": "\u00e9"}"#, Some("{\"é\\n\\\"\":\"é\"}"), "");
        check(r#"{"a": null}"#, None, "");
        for null in ["", "{}", "[]", " null ", "NULL"] {
            check(null, None, "");
        }
        for text in ["env=prod", "{'a': 'b'}", "{\"a\":", "[1,2]", "\"a\"", "7", "[{\"value\":\"1\"}]"] {
            check(text, None, "unreadable");
        }
    }

    #[test]
    fn a_deep_nest_is_read_without_recursion() {
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let (tags, done) = flatten(&deep);
        assert!(done.nested || done.unreadable, "{}", tags.is_some());
    }

    proptest::proptest! {
        #[test]
        fn what_comes_out_is_flat_and_reads_again(text in r#"[\[\]{}":,a1 tn\\]{0,30}"#) {
            if let Some(tags) = flatten(&text).0 {
                let read: BTreeMap<String, String> = serde_json::from_str(&tags).unwrap();
                proptest::prop_assert_eq!(serde_json::to_string(&read).unwrap(), tags.clone());
                proptest::prop_assert_eq!(flatten(&tags), (Some(tags), Done::default()));
            }
        }
    }
}
