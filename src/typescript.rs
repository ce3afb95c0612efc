//! Renders the wire types for the frontend and compares them with `ui/src/generated`: the types have one origin, here.
//! Test-only. `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript` writes the files instead.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use ts_rs::{Config, TS, TypeVisitor};

use crate::app::settings::RawSettings;
use crate::app::{DimensionInfo, SourceStatus};
use crate::query::SourceState;
use crate::query::filter::ALL;
use crate::query::kinds::cost::CostQuery;
use crate::query::kinds::data::{DataQuery, FILTERS};
use crate::query::request::{KINDS, PanelQuery, VERSION};

const HEADER: &str =
    "// Rendered from the Rust types by `OUTLAY_UPDATE_GENERATED=1 cargo test --lib typescript`. Not edited by hand.\n";

#[test]
fn the_frontend_has_the_types_of_the_backend() {
    check("query.ts", &types::<PanelQuery>());
    check("settings.ts", &types::<RawSettings>());
    check("resources.ts", &format!("{}\n{}", types::<DimensionInfo>(), types::<SourceStatus>()));
}

#[test]
fn the_frontend_has_the_defaults_of_the_backend() {
    check("defaults.ts", &defaults());
}

#[test]
fn the_frontend_has_the_version_of_the_backend() {
    for file in ["package.json", "package-lock.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui").join(file);
        let text = std::fs::read_to_string(&path).expect("the frontend has this file");
        let package: Value = serde_json::from_str(&text).expect("the file is JSON");
        assert_eq!(package["version"], env!("CARGO_PKG_VERSION"), "ui/{file} and Cargo.toml have one version");
    }
}

/// One file of `ui/src/generated` holds what was rendered, or is written where the update is asked for.
fn check(file: &str, body: &str) {
    let rendered = format!("{HEADER}\n{body}");
    let path = folder().join(file);
    if std::env::var_os("OUTLAY_UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(folder()).expect("ui/src/generated can be made");
        std::fs::write(&path, &rendered).expect("ui/src/generated can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == rendered,
        "ui/src/generated/{file} differs from the Rust types; OUTLAY_UPDATE_GENERATED=1 writes it\n--- rendered\n{rendered}"
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/generated")
}

/// Declarations of a type and of all it is made of, sorted by name.
fn types<T: TS + 'static>() -> String {
    struct Collect<'a> {
        config: &'a Config,
        seen: Vec<TypeId>,
        found: BTreeMap<String, String>,
    }
    impl TypeVisitor for Collect<'_> {
        fn visit<T: TS + 'static + ?Sized>(&mut self) {
            let id = TypeId::of::<T>();
            if self.seen.contains(&id) {
                return;
            }
            self.seen.push(id);
            if T::output_path().is_some() {
                let docs = T::docs().unwrap_or_default();
                let declaration = format!("{}\nexport {}\n", docs.trim_end(), T::decl(self.config));
                self.found.insert(T::ident(self.config), tidy(&declaration));
            }
            T::visit_dependencies(self);
            T::visit_generics(self);
        }
    }
    let config = Config::new().with_large_int("number");
    let mut all = Collect { config: &config, seen: Vec::new(), found: BTreeMap::new() };
    all.visit::<T>();
    all.found.into_values().collect::<Vec<_>>().join("\n")
}

/// The declaration with one field a line, indented, and short comments on one line.
fn tidy(declaration: &str) -> String {
    let joined = declaration.trim().replace("/**\n * ", "/** ").replace(", };", ",\n};").replace(", }", " }");
    let mut out = String::new();
    let mut depth = 0;
    for line in joined.lines().map(str::trim_end) {
        if line.starts_with("};") {
            depth = 0;
        }
        match line.trim_start() {
            "*/" => {
                out.truncate(out.trim_end().len());
                out += " */\n";
            }
            text => {
                let indent = if depth > 0 && text.starts_with("* ") { "   " } else { &"  "[..depth] };
                out += &format!("{indent}{}{text}\n", if depth == 0 && text.starts_with("* ") { " " } else { "" });
            }
        }
        if line.ends_with("= {") {
            depth = 2;
        }
    }
    out
}

/// What an absent field means, per kind; the query that a new panel starts with; names that no type spells out.
fn defaults() -> String {
    let states = [SourceState::Ready, SourceState::Importing, SourceState::Stale, SourceState::Failed];
    let kinds: String = KINDS.iter().map(|kind| format!("  {kind}: {},\n", default_of(kind))).collect();
    // By currency, so that a new panel shows something for bills of several currencies too.
    let start = serde_json::json!({ "groupBy": ["BillingCurrency"], "kind": KINDS[0], "version": VERSION });
    [
        "import type { CostQuery, DataQuery } from './query';\n".to_owned(),
        format!("/** Version of the query model that these editors write. */\nexport const VERSION = {VERSION};\n"),
        format!("/** All kinds, in the order of the kind switch. */\nexport const KINDS = {} as const;\n", list(&KINDS)),
        format!("/** What an absent field means, where the kind has a value for it. */\nexport const DEFAULTS = {{\n{kinds}}};\n"),
        format!("/** The query of a new panel. */\nexport const DEFAULT_QUERY = {start} satisfies CostQuery & {{ kind: 'cost' }};\n"),
        format!("/** What a dashboard variable set to \"All\" becomes in a filter. */\nexport const ALL = '{ALL}';\n"),
        format!("/** Columns that filters of kind `data` may name. */\nexport const DATA_FILTERS = {} as const;\n", list(&FILTERS)),
        format!(
            "/** States of a source. */\nexport const SOURCE_STATES = {} as const;\n",
            list(&states.map(SourceState::name))
        ),
    ]
    .join("\n")
}

fn default_of(kind: &str) -> String {
    let (name, query) = match kind {
        "cost" => (CostQuery::ident(&Config::new()), PanelQuery::Cost(CostQuery::default())),
        "data" => (DataQuery::ident(&Config::new()), PanelQuery::Data(DataQuery::default())),
        other => panic!("kind `{other}` has no default here"),
    };
    let mut value = serde_json::to_value(query).expect("a query is JSON");
    let fields = value.as_object_mut().expect("a query is an object");
    fields.retain(|name, field| name != "kind" && !field.is_null());
    let lines: String = fields.iter().map(|(name, field)| format!("    {name}: {field},\n")).collect();
    format!("{{\n{lines}  }} satisfies {name}")
}

fn list(names: &[&str]) -> String {
    serde_json::to_string(names).expect("names are JSON")
}
