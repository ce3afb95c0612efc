//! Log lines as Grafana reads them: one JSON object a line on standard error, bounded, with a filter that is compiled in.
//! `RUST_LOG` is never read: libraries below could print decrypted secrets at debug, so they are heard from WARN on.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::model::{Clock, SystemClock};

/// The operator's choice: `error`, `warn`, `info` (default), `debug` or `trace`; `outlay_log` in grafana.ini.
const LEVEL_VARIABLE: &str = "GF_PLUGIN_OUTLAY_LOG";
/// Grafana cuts lines of 64 KiB and demotes them; ours stay far below.
const LONGEST_LINE: usize = 8 * 1024;
const LONGEST_TEXT: usize = 2 * 1024;

/// Sends log events and panics to standard error. Called once, before anything else runs.
pub(super) fn install() {
    let own = std::env::var(LEVEL_VARIABLE).ok().and_then(|name| level(&name)).unwrap_or(Level::INFO);
    let subscriber = tracing_subscriber::registry().with(JsonLines { own });
    // Fails only where one is installed already, which is then as good.
    let _installed = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(|info| {
        let code = new_code();
        PANIC_CODE.set(Some(code));
        let place = info.location().map_or_else(String::new, |at| format!("{}:{}", file_name(at.file()), at.line()));
        // A formatted payload may hold data; a literal one was written by a programmer.
        let payload = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted text left out)");
        let code = format!("{code:08x}");
        tracing::error!(code, place, payload, "panic");
    }));
}

fn level(name: &str) -> Option<Level> {
    name.trim().parse().ok()
}

fn file_name(path: &str) -> &str {
    let from = path.rfind("src/").or_else(|| path.rfind("src\\")).unwrap_or(0);
    path.get(from..).unwrap_or(path)
}

thread_local! {
    static PANIC_CODE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The code under which this thread's newest panic was logged, or a new one.
pub(super) fn panic_code() -> String {
    format!("{:08x}", PANIC_CODE.take().unwrap_or_else(new_code))
}

fn new_code() -> u32 {
    let mut bytes = [0_u8; 4];
    // Without randomness the code is 0: still a code.
    let _filled = getrandom::fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

#[derive(Debug)]
struct JsonLines {
    own: Level,
}

impl JsonLines {
    fn passes(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let own = target == "outlay" || target.starts_with("outlay::");
        *metadata.level() <= if own { self.own } else { Level::WARN }
    }
}

impl<S: tracing::Subscriber> Layer<S> for JsonLines {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.passes(metadata)
    }

    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = render(*event.metadata().level(), event.metadata().target(), &fields);
        line.push('\n');
        // One write per line, so that lines of several threads never mix. Where nobody listens, nothing is lost.
        let _written = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn render(level: Level, target: &str, fields: &Fields) -> String {
    let head = |message: &str| {
        let mut object = Map::new();
        let now = SystemClock.now().utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        object.insert("@level".into(), level.as_str().to_ascii_lowercase().into());
        object.insert("@message".into(), message.into());
        object.insert("@timestamp".into(), now.into());
        object.insert("target".into(), target.into());
        object
    };
    let mut object = head(&fields.message);
    for (name, value) in &fields.others {
        object.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let line = Value::Object(object).to_string();
    if line.len() < LONGEST_LINE {
        return line;
    }
    // Escapes can make text six times as long.
    let mut object = head(cut(&fields.message, LONGEST_TEXT / 2));
    object.insert("cut".into(), true.into());
    Value::Object(object).to_string()
}

/// The fields of one event.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else {
            // Grafana's own keys are strings by contract and never set by a field.
            self.others.insert(field.name().trim_start_matches('@').to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, clean(value).into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _infallible = write!(text, "{value:?}");
        self.put(field, clean(&text).into());
    }
}

/// Text without the queries of addresses (signed URLs carry secrets there), bounded.
fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    let mut rest = cut(text, LONGEST_TEXT);
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at);
        let end = address.find(|c: char| c.is_whitespace() || "\"'<>)]}".contains(c)).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        cleaned += before;
        match address.find('?') {
            Some(query) => {
                cleaned += address.get(..query).unwrap_or_default();
                cleaned += "?...";
            }
            None => cleaned += address,
        }
        rest = after;
    }
    cleaned + rest
}

fn cut(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, others: &[(&str, Value)]) -> Value {
        let others = others.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let line = render(Level::WARN, "outlay::x", &Fields { message: message.into(), others });
        assert!(line.len() < LONGEST_LINE && !line.contains('\n'), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn lines_hold_what_grafana_reads_as_strings() {
        let object = line("two\nlines \u{1F600}", &[("rows", 3.into()), ("@level", 7.into())]);
        assert_eq!(object["@message"], "two\nlines \u{1F600}");
        assert_eq!(object["@level"], "warn");
        assert_eq!(object["rows"], 3);
        let time = object["@timestamp"].as_str().unwrap();
        assert_eq!((time.len(), time.as_bytes()[19], time.as_bytes()[26]), (27, b'.', b'Z'), "{time}");
    }

    #[test]
    fn long_lines_are_cut() {
        let object = line(&"\u{1}".repeat(LONGEST_TEXT), &[("a", "x".repeat(9_000).into())]);
        assert_eq!(object["cut"], true);
        assert!(clean(&"é".repeat(5_000)).len() <= LONGEST_TEXT);
    }

    #[test]
    fn signed_addresses_lose_their_signature() {
        let text = "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed: (see http://h/x?sig=1) ok? yes";
        assert_eq!(clean(text), "GET https://b.s3.amazonaws.com/k?... failed: (see http://h/x?...) ok? yes");
    }

    #[test]
    fn only_our_own_crate_is_heard_below_warnings() {
        assert_eq!(level("debug"), Some(Level::DEBUG));
        assert_eq!(level("everything"), None);
        let layer = JsonLines { own: Level::TRACE };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            assert!(tracing::enabled!(target: "outlay::plugin", Level::TRACE));
            assert!(!tracing::enabled!(target: "outlayer", Level::INFO));
            assert!(!tracing::enabled!(target: "h2::codec", Level::INFO));
            assert!(tracing::enabled!(target: "tonic", Level::WARN));
        });
    }
}
