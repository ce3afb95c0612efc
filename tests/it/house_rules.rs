//! The house's own rules, held over our sources: layers, doors to the world, opening comments. `ARCHITECTURE.md` lists
//! them as invariants. Each rule is shown to bite by a line that breaks it.

use std::path::Path;

/// What each room may name of the others; what is not listed, it must not know.
const LAYERS: [(&str, &[&str]); 9] = [
    ("plugin", &["app", "query", "model"]),
    ("app", &["query", "ingest", "engine", "store", "sources", "model"]),
    ("query", &["model", "insight", "store", "engine"]),
    ("ingest", &["model", "sources", "store"]),
    ("engine", &["model"]),
    ("store", &["model"]),
    ("sources", &["model"]),
    ("insight", &["model"]),
    ("model", &[]),
];

/// Words that only some places may say, with the reason.
struct Rule {
    words: &'static [&'static str],
    /// Path prefixes below `src/` that may say them.
    only_in: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 11] = [
    Rule {
        words: &["grafana_plugin_sdk", "pluginv2", "tonic::", "tonic_health"],
        only_in: &["plugin/wire.rs", "plugin/server.rs", "plugin/services.rs"],
        why: "only the edge names Grafana's messages: all of them print decrypted secrets",
    },
    Rule {
        words: &["grafana_plugin_sdk::backend", "grafana_plugin_sdk::data", "arrow2", "init_subscriber"],
        only_in: &[],
        why: "the SDK's own frames and services lose labels and log secrets",
    },
    Rule {
        words: &["arrow::ipc", "FileWriter", "StreamWriter"],
        only_in: &["plugin/frames.rs"],
        why: "only frames.rs writes frames, and casts for Grafana",
    },
    Rule {
        words: &[
            "line_item_",
            "lineItem",
            "bill_payer_account",
            "costInBillingCurrency",
            "MeterCategory",
            "usage_start_time",
            "cost_at_list",
            "oci_",
            "x_ServiceCode",
        ],
        only_in: &["sources/"],
        why: "only sources know a vendor's columns",
    },
    Rule {
        words: &["println!", "print!", "eprintln!", "eprint!", "dbg!", "io::stdout"],
        only_in: &["plugin/server.rs"],
        why: "standard output carries the handshake and nothing else",
    },
    Rule {
        words: &["std::fs", "tokio::fs", "File::open", "File::create", "OpenOptions", "cap_std"],
        only_in: &["store/", "sources/", "plugin/listen.rs", "app/metrics.rs"],
        why: "files are touched by the store and the sources; the edge has its socket's folder, metrics their own memory",
    },
    Rule {
        words: &["reqwest", "object_store", "TcpStream", "UdpSocket"],
        only_in: &["sources/", "plugin/listen.rs"],
        why: "only sources reach the network, and only through their own checked connections",
    },
    Rule {
        words: &["Utc::now", "Local::now", "SystemTime::now"],
        only_in: &["model/time.rs", "store/io.rs"],
        why: "the clock is passed in; only the store marks its files as used now",
    },
    Rule {
        words: &["env::var", "env::vars"],
        only_in: &["plugin/", "app/limits.rs"],
        why: "Grafana's environment holds passwords: only named variables are read, in named places",
    },
    Rule {
        words: &["from_env()", "LocalFileSystem", "unbounded_channel", "process::exit", "RUST_LOG"],
        only_in: &[],
        why: "credentials are never taken unasked, queues are bounded, the end is always clean",
    },
    Rule {
        words: &["deny_unknown_fields", "serde(other)"],
        only_in: &["store/", "sources/"],
        why: "Grafana adds its own fields to queries and settings",
    },
];

/// Words that the pure rooms never say.
const PURE: [&str; 10] =
    ["async ", ".await", "tokio", "arrow", "parquet", "datafusion", "std::io", "std::net", "std::thread", "futures"];

/// All broken rules of one file below `src/`.
fn findings(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{path}: no opening comment (`//!`) that says what it is for"));
    }
    let room = path.split('/').next().unwrap_or_default();
    let allowed = LAYERS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
    for (number, line) in code(text) {
        let mut tell =
            |what: &str, why: &str| found.push(format!("{path}:{number}: {what}: {why}\n    {}", line.trim()));
        for rule in RULES.iter().filter(|rule| !rule.only_in.iter().any(|place| path.starts_with(place))) {
            if let Some(word) = rule.words.iter().find(|word| says(line, word)) {
                tell(word, rule.why);
            }
        }
        if matches!(room, "model" | "insight")
            && let Some(word) = PURE.iter().find(|word| says(line, word))
        {
            tell(word, "model and insight are pure");
        }
        let Some(allowed) = allowed else { continue };
        for other in rooms(line).filter(|other| *other != room && !allowed.contains(other)) {
            tell(&format!("crate::{other}"), "this room must not know that one");
        }
    }
    found
}

/// The lines of the product itself: without comments, and without the tests at the end of a file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests =
        lines.windows(2).position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].trim().starts_with("mod "));
    let end = tests.filter(|at| !lines[at + 1].ends_with(';')).unwrap_or(lines.len());
    let uncommented = |line: &'_ str| !line.trim_start().starts_with("//");
    lines.into_iter().enumerate().take(end).filter(move |(_, line)| uncommented(line)).map(|(at, line)| (at + 1, line))
}

/// True where `line` says `word` as a word of its own, a trailing comment left out.
fn says(line: &str, word: &str) -> bool {
    let line = line.split(" // ").next().unwrap_or_default();
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Rooms that a line names, also in `use crate::{…}`.
fn rooms(line: &str) -> impl Iterator<Item = &str> {
    let names = LAYERS.iter().map(|(name, _)| *name);
    let grouped = line.split_once("crate::{").map(|(_, list)| list);
    names.filter(move |name| {
        says(line, &format!("crate::{name}"))
            || grouped.is_some_and(|list| says(list, &format!("{name}::")) || says(list, &format!("{name},")))
    })
}

fn each_file(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            each_file(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn our_sources_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut found) = (0, Vec::new());
    each_file(&root.join("src"), &mut |path, text| {
        files += 1;
        let name = path.strip_prefix(root.join("src")).unwrap().to_string_lossy().replace('\\', "/");
        // Test-only files: the drift test of the TypeScript types, and tests beside their room.
        if name == "typescript.rs" || name.ends_with("tests.rs") || name.contains("/tests/") {
            return;
        }
        found.extend(findings(&name, text));
    });
    assert!(files > 30, "only {files} files were found");
    assert!(found.is_empty(), "{} rules are broken:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut silent = Vec::new();
    for folder in ["src", "tests", "examples", "benches", "xtask/src"] {
        each_file(&root.join(folder), &mut |path, text| {
            if !text.starts_with("//!") {
                silent.push(path.display().to_string());
            }
        });
    }
    assert!(silent.is_empty(), "no opening comment in {silent:?}");
}

#[test]
fn every_room_is_in_the_table_of_layers() {
    let lib = include_str!("../../src/lib.rs");
    for line in lib.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let room = line.trim_end_matches(';');
        assert!(LAYERS.iter().any(|(name, _)| *name == room), "room {room} has no layer");
    }
}

#[test]
fn each_rule_bites() {
    for (path, line, expected) in [
        ("query/x.rs", "use grafana_plugin_sdk::pluginv2 as pb;", "only the edge"),
        ("plugin/data.rs", "use tonic::Status;", "only the edge"),
        ("plugin/server.rs", "use grafana_plugin_sdk::backend::DataService;", "SDK's own frames"),
        ("query/x.rs", "use arrow::ipc::writer::FileWriter;", "only frames.rs"),
        ("query/x.rs", "let name = \"lineItem/UnblendedCost\";", "vendor's columns"),
        ("app/x.rs", "println!(\"x\");", "standard output"),
        ("query/x.rs", "let text = std::fs::read(path);", "files are touched"),
        ("query/x.rs", "let client = reqwest::Client::new();", "reach the network"),
        ("engine/x.rs", "let now = chrono::Utc::now();", "clock is passed in"),
        ("sources/x.rs", "let dir = std::env::var(\"AWS_PROFILE\");", "named variables"),
        ("sources/x.rs", "let s3 = AmazonS3Builder::from_env();", "never taken unasked"),
        ("query/x.rs", "#[serde(deny_unknown_fields)]", "adds its own fields"),
        ("model/x.rs", "pub async fn read() {}", "pure"),
        ("insight/x.rs", "use arrow::array::Array;", "pure"),
        ("query/x.rs", "use crate::sources::Location;", "must not know"),
        ("query/x.rs", "use crate::{model::Amount, sources::Location};", "must not know"),
        ("store/x.rs", "use crate::sources;", "must not know"),
        ("sources/x.rs", "let snapshot = crate::store::Snapshot::default();", "must not know"),
        ("ingest/x.rs", "use crate::engine::Stop;", "must not know"),
        ("model/x.rs", "use crate::query::Error;", "must not know"),
        ("plugin/x.rs", "use crate::store::Store;", "must not know"),
    ] {
        let text = format!("//! A file.\n\n{line}\n");
        let found = findings(path, &text);
        assert!(found.iter().any(|finding| finding.contains(expected)), "{path} may say `{line}`: {found:?}");
    }
    assert!(findings("model/x.rs", "use std::fmt;\n")[0].contains("opening comment"));
}

#[test]
fn good_lines_pass() {
    for (path, line) in [
        ("plugin/wire.rs", "use grafana_plugin_sdk::pluginv2 as pb;"),
        ("query/x.rs", "use crate::{engine::Stop, model::Amount};"),
        ("query/x.rs", "/// Never `crate::sources`, never println!."),
        ("store/x.rs", "use std::fs;"),
        ("model/x.rs", "let narrow = 1; // not async fn"),
        ("query/x.rs", "#[cfg(test)]\nmod tests {\n    use crate::sources::X;\n}"),
    ] {
        let found = findings(path, &format!("//! A file.\n\n{line}\n"));
        assert!(found.is_empty(), "{path}: {line}: {found:?}");
    }
}
