//! What the operator of this Grafana allows: `GF_PLUGIN_OUTLAY_…`, read once at start.
//! A wrong value never fails the start: the strict default holds and health names the setting.

use std::path::PathBuf;

/// Operator settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Where stores live.
    pub store_dir: PathBuf,
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
    /// Settings that were not usable, each with what holds instead.
    pub warnings: Vec<String>,
}
