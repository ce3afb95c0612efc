//! What the operator of this Grafana allows: `GF_PLUGIN_OUTLAY_…`, read once at start.
//! A wrong value never fails the start: the strict default holds and health names the setting.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Start of every variable's name; the ini key behind it is `outlay_…`.
const PREFIX: &str = "GF_PLUGIN_OUTLAY_";
/// Providers that have a machine identity.
const PROVIDERS: [&str; 3] = ["aws", "azure", "gcp"];

/// Operator settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Where stores live.
    pub store_dir: PathBuf,
    /// Grafana's own data directory, where it is known.
    pub grafana_data: Option<PathBuf>,
    /// Directories below which `file://` locations may lie; empty means no `file://` at all.
    pub local_roots: Vec<PathBuf>,
    /// Hosts beyond the providers' own that `endpoint` and `url` may name: exact, `*.suffix`, or with `http://` and port.
    pub allowed_hosts: Vec<String>,
    /// Providers whose machine identity may be used (`aws`, `gcp`, `azure`).
    pub ambient_identity: Vec<String>,
    /// Memory for queries and imports together, MiB.
    pub memory_limit_mib: u64,
    /// Most rows of one answer.
    pub row_limit: u64,
    /// Most disk for all stores, GiB.
    pub store_limit_gib: u64,
    /// Whether answers are kept and given again while nothing changed; off only to measure without it.
    pub answer_cache: bool,
    /// Settings that were not usable, each with what holds instead. They name settings, never values.
    pub warnings: Vec<String>,
}

impl Default for Operator {
    fn default() -> Self {
        Self::from_vars(&BTreeMap::new())
    }
}

impl Operator {
    /// The variables that [`Operator::from_vars`] looks at; nothing else of the environment is needed.
    pub const VARIABLES: [&str; 12] = [
        "GF_PATHS_DATA",
        "GF_PLUGIN_OUTLAY_ALLOWED_HOSTS",
        "GF_PLUGIN_OUTLAY_AMBIENT_IDENTITY",
        "GF_PLUGIN_OUTLAY_ANSWER_CACHE",
        "GF_PLUGIN_OUTLAY_LOCAL_ROOTS",
        "GF_PLUGIN_OUTLAY_MEMORY_LIMIT_MIB",
        "GF_PLUGIN_OUTLAY_ROW_LIMIT",
        "GF_PLUGIN_OUTLAY_STORE_DIR",
        "GF_PLUGIN_OUTLAY_STORE_LIMIT_GIB",
        "HOME",
        "LOCALAPPDATA",
        "XDG_CACHE_HOME",
    ];

    /// Reads the settings out of the environment's variables. An empty value is as good as none.
    #[must_use]
    pub fn from_vars(vars: &BTreeMap<String, String>) -> Self {
        let mut reader = Reader { vars, warnings: Vec::new() };
        Self {
            store_dir: reader.store_dir(),
            grafana_data: reader.plain("GF_PATHS_DATA").and_then(|dir| absolute(Path::new(dir))),
            local_roots: reader.local_roots(),
            allowed_hosts: reader.list("ALLOWED_HOSTS", "a host, `*.suffix` or `http://host:port`", host),
            ambient_identity: reader.list("AMBIENT_IDENTITY", "one of aws, azure, gcp", provider),
            memory_limit_mib: reader.number("MEMORY_LIMIT_MIB", 128, 1 << 20, 1_024),
            row_limit: reader.number("ROW_LIMIT", 1, 10_000_000, 1_000_000),
            store_limit_gib: reader.number("STORE_LIMIT_GIB", 1, 1 << 16, 20),
            answer_cache: reader.switch("ANSWER_CACHE", true),
            warnings: reader.warnings,
        }
    }

    /// Folders that are never read as exports, whatever the roots are: our store, the system's own, and Grafana's data.
    /// Where a root was set inside of Grafana's data on purpose, only what Grafana itself keeps there.
    #[must_use]
    pub fn forbidden(&self) -> Vec<PathBuf> {
        let mut forbidden = vec![self.store_dir.clone()];
        forbidden.extend(["/dev", "/proc", "/sys"].map(PathBuf::from));
        if let Some(data) = &self.grafana_data {
            let inside = |root: &PathBuf| root != data && root.starts_with(data);
            if self.local_roots.iter().any(inside) {
                let kept = ["alerting", "csv", "dashboards", "grafana.db", "pdf", "plugins", "png", "sessions"];
                forbidden.extend(kept.map(|name| data.join(name)));
            } else {
                forbidden.push(data.clone());
            }
        }
        forbidden
    }

    /// The same settings with the store kept out of the plugin's own folder, where any extra file makes Grafana refuse
    /// the plugin as modified.
    #[must_use]
    pub fn outside(mut self, plugin_folder: &Path) -> Self {
        if self.store_dir.starts_with(plugin_folder) {
            self.store_dir = std::env::temp_dir().join("outlay");
            self.warnings.push(
                "outlay_store_dir lies in the plugin's own folder; the system's temporary directory is used".into(),
            );
        }
        self
    }
}

struct Reader<'v> {
    vars: &'v BTreeMap<String, String>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn plain(&self, name: &str) -> Option<&str> {
        debug_assert!(Operator::VARIABLES.contains(&name), "{name} would never arrive");
        self.vars.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn ours(&self, name: &str) -> Option<String> {
        self.plain(&format!("{PREFIX}{name}")).map(str::to_owned)
    }

    fn warn(&mut self, name: &str, wrong: &str, holds: &str) {
        self.warnings.push(format!("outlay_{} {wrong}; {holds}", name.to_ascii_lowercase()));
    }

    fn store_dir(&mut self) -> PathBuf {
        if let Some(value) = self.ours("STORE_DIR") {
            if let Some(dir) = absolute(Path::new(&value)) {
                return dir;
            }
            self.warn("STORE_DIR", "is no absolute path without `..`", "the default directory is used");
        }
        let below = |name: &str, rest: &str| {
            self.plain(name).and_then(|dir| absolute(Path::new(dir))).map(|dir| dir.join(rest).join("outlay"))
        };
        let cache = match std::env::consts::OS {
            "macos" => below("HOME", "Library/Caches"),
            "windows" => below("LOCALAPPDATA", ""),
            _ => below("XDG_CACHE_HOME", "").or_else(|| below("HOME", ".cache")),
        };
        below("GF_PATHS_DATA", "").or(cache).unwrap_or_else(|| std::env::temp_dir().join("outlay"))
    }

    fn local_roots(&mut self) -> Vec<PathBuf> {
        let Some(value) = self.ours("LOCAL_ROOTS") else { return Vec::new() };
        let (mut roots, mut wrong) = (Vec::new(), 0);
        for path in std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()) {
            match absolute(&path).filter(|root| root.parent().is_some()) {
                Some(root) if !roots.contains(&root) => roots.push(root),
                Some(_) => {}
                None => wrong += 1,
            }
        }
        if wrong > 0 {
            let text = format!("has {wrong} entries that are no absolute path below `/`");
            self.warn("LOCAL_ROOTS", &text, "they are left out");
        }
        roots
    }

    fn list(&mut self, name: &str, form: &str, check: fn(&str) -> Option<String>) -> Vec<String> {
        let Some(value) = self.ours(name) else { return Vec::new() };
        let (mut found, mut wrong) = (Vec::new(), 0);
        for entry in value.split([',', ' ', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
            match check(entry) {
                Some(entry) if !found.contains(&entry) => found.push(entry),
                Some(_) => {}
                None if is_no(entry) => {}
                None => wrong += 1,
            }
        }
        if wrong > 0 {
            self.warn(name, &format!("has {wrong} entries that are not {form}"), "they are left out");
        }
        found
    }

    fn number(&mut self, name: &str, low: u64, high: u64, default: u64) -> u64 {
        let Some(value) = self.ours(name) else { return default };
        match value.parse::<u64>() {
            Ok(number) if (low..=high).contains(&number) => number,
            _ => {
                self.warn(name, &format!("is no whole number from {low} to {high}"), &format!("{default} holds"));
                default
            }
        }
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.ours(name) else { return default };
        match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            _ => {
                self.warn(name, "is neither `on` nor `off`", if default { "it is on" } else { "it is off" });
                default
            }
        }
    }
}

/// Ways to say "none" in a list.
fn is_no(entry: &str) -> bool {
    ["none", "false", "off"].iter().any(|no| entry.eq_ignore_ascii_case(no))
}

fn absolute(path: &Path) -> Option<PathBuf> {
    let plain = path.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
    let clean = !path.as_os_str().as_encoded_bytes().contains(&0);
    (path.is_absolute() && plain && clean).then(|| path.components().collect())
}

fn provider(entry: &str) -> Option<String> {
    let entry = entry.to_ascii_lowercase();
    PROVIDERS.contains(&entry.as_str()).then_some(entry)
}

fn host(entry: &str) -> Option<String> {
    let entry = entry.to_ascii_lowercase();
    let rest = entry.strip_prefix("http://").or_else(|| entry.strip_prefix("https://")).unwrap_or(&entry);
    let rest = rest.strip_prefix("*.").unwrap_or(rest);
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !rest.ends_with(']') => (name, Some(port)),
        _ => (rest, None),
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_is_good = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            name.len() <= 253 && name.split('.').all(label)
        }
    };
    (port_is_good && name_is_good).then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Operator {
        Operator::from_vars(&vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn without_settings_everything_is_strict() {
        let operator = read(&[("GF_PATHS_DATA", "/var/lib/grafana"), ("HOME", "/root")]);
        assert_eq!(operator.store_dir, Path::new("/var/lib/grafana/outlay"));
        assert_eq!((operator.memory_limit_mib, operator.row_limit, operator.store_limit_gib), (1_024, 1_000_000, 20));
        assert!(operator.local_roots.is_empty() && operator.allowed_hosts.is_empty());
        assert!(operator.ambient_identity.is_empty() && operator.warnings.is_empty() && operator.answer_cache);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_store_goes_where_the_system_keeps_caches() {
        let check = |vars: &[(&str, &str)], expected: &str| assert_eq!(read(vars).store_dir, Path::new(expected));
        check(&[("GF_PLUGIN_OUTLAY_STORE_DIR", "/srv/outlay/"), ("GF_PATHS_DATA", "/data")], "/srv/outlay");
        check(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/home/a")], "/c/outlay");
        check(&[("HOME", "/home/a")], "/home/a/.cache/outlay");
        check(&[("HOME", "relative"), ("GF_PATHS_DATA", " ")], std::env::temp_dir().join("outlay").to_str().unwrap());
    }

    #[test]
    fn usable_values_are_taken() {
        let operator = read(&[
            ("GF_PLUGIN_OUTLAY_LOCAL_ROOTS", "/srv/bills:/mnt/exports/::/srv/bills"),
            (
                "GF_PLUGIN_OUTLAY_ALLOWED_HOSTS",
                "minio.example.com, *.Internal.example.com,http://10.0.0.7:9000,[::1]:90",
            ),
            ("GF_PLUGIN_OUTLAY_AMBIENT_IDENTITY", "AWS,gcp"),
            ("GF_PLUGIN_OUTLAY_MEMORY_LIMIT_MIB", "512"),
            ("GF_PLUGIN_OUTLAY_ANSWER_CACHE", "off"),
        ]);
        assert_eq!(operator.local_roots, [Path::new("/srv/bills"), Path::new("/mnt/exports")]);
        assert_eq!(
            operator.allowed_hosts,
            ["minio.example.com", "*.internal.example.com", "http://10.0.0.7:9000", "[::1]:90"]
        );
        assert_eq!(operator.ambient_identity, ["aws", "gcp"]);
        assert_eq!((operator.memory_limit_mib, operator.answer_cache), (512, false));
        assert_eq!(operator.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_wrong_value_leaves_the_strict_default_and_is_named() {
        let check = |name: &str, value: &str, warning: &str| {
            let full = format!("GF_PLUGIN_OUTLAY_{name}");
            let operator = read(&[(&full, value), ("GF_PATHS_DATA", "/data")]);
            let strict = Operator { warnings: vec![warning.into()], ..read(&[("GF_PATHS_DATA", "/data")]) };
            assert_eq!(operator, strict, "{name}={value}");
        };
        check(
            "STORE_DIR",
            "outlay",
            "outlay_store_dir is no absolute path without `..`; the default directory is used",
        );
        check(
            "STORE_DIR",
            "/a/../b",
            "outlay_store_dir is no absolute path without `..`; the default directory is used",
        );
        let roots = "outlay_local_roots has 1 entries that are no absolute path below `/`; they are left out";
        check("LOCAL_ROOTS", "bills", roots);
        check("LOCAL_ROOTS", "/", roots);
        check("LOCAL_ROOTS", "/srv/../etc", roots);
        let hosts = "outlay_allowed_hosts has 1 entries that are not a host, `*.suffix` or `http://host:port`; \
                     they are left out";
        for value in ["*", "*.", "http://", "a/b", "user@host", "host:0", "host:99999", "[zz]", "a..b", "s3://b"] {
            check("ALLOWED_HOSTS", value, hosts);
        }
        check(
            "AMBIENT_IDENTITY",
            "true",
            "outlay_ambient_identity has 1 entries that are not one of aws, azure, gcp; they are left out",
        );
        for value in ["0", "-1", "lots", "1e3", "99999999999999999999"] {
            check("ROW_LIMIT", value, "outlay_row_limit is no whole number from 1 to 10000000; 1000000 holds");
        }
        check("MEMORY_LIMIT_MIB", "1", "outlay_memory_limit_mib is no whole number from 128 to 1048576; 1024 holds");
        check("ANSWER_CACHE", "maybe", "outlay_answer_cache is neither `on` nor `off`; it is on");
    }

    #[test]
    fn saying_none_is_no_mistake() {
        let operator = read(&[("GF_PLUGIN_OUTLAY_AMBIENT_IDENTITY", "false"), ("GF_PLUGIN_OUTLAY_ALLOWED_HOSTS", "")]);
        assert!(operator.warnings.is_empty() && operator.ambient_identity.is_empty());
    }

    #[test]
    fn grafanas_own_data_is_no_export() {
        let forbidden =
            |roots: &str| read(&[("GF_PATHS_DATA", "/data"), ("GF_PLUGIN_OUTLAY_LOCAL_ROOTS", roots)]).forbidden();
        assert!(forbidden("/").contains(&PathBuf::from("/data")));
        assert!(forbidden("/data").contains(&PathBuf::from("/data")));
        let inside = forbidden("/data/bills");
        assert!(!inside.contains(&PathBuf::from("/data")) && inside.contains(&PathBuf::from("/data/grafana.db")));
        assert!(inside.contains(&PathBuf::from("/data/outlay")));
    }

    #[test]
    fn the_plugin_folder_is_never_written() {
        let operator = read(&[("GF_PLUGIN_OUTLAY_STORE_DIR", "/plugins/outlay/store")]);
        let moved = operator.clone().outside(Path::new("/plugins/outlay"));
        assert!(!moved.store_dir.starts_with("/plugins") && moved.warnings.len() == 1);
        assert_eq!(operator.clone().outside(Path::new("/plugins/other")), operator);
    }
}
