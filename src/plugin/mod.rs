//! The edge to Grafana: handshake, messages, frames, health, resources, metrics, logs, and a clean end.
//! The only room that knows Grafana; it knows no store, no vendor and no arithmetic of cost.

mod data;
mod error;
mod frame_meta;
pub mod frames;
mod health;
mod life;
mod listen;
mod log;
mod metrics;
mod resource;
mod server;
mod services;
mod wire;

use std::io::Write;
use std::process::ExitCode;

/// Name of the variable by which Grafana says that it started us, and what it says to a data source.
const COOKIE: (&str, &str) = ("grafana_plugin_type", "datasource");

/// Runs the plugin until Grafana ends it: the whole `main`.
#[must_use]
pub fn run() -> ExitCode {
    if std::env::var_os(COOKIE.0).is_none_or(|value| value != COOKIE.1) {
        let hint = "This is a Grafana plugin: it is started by Grafana and does nothing by itself.\n\
            Put its folder into Grafana's plugins directory and restart Grafana.\n";
        let _written = std::io::stderr().write_all(hint.as_bytes());
        return ExitCode::FAILURE;
    }
    log::install();
    no_core_dumps();
    server::run()
}

/// A core dump would write decrypted secrets to disk.
fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
            tracing::warn!(%error, "core dumps could not be turned off");
        }
    }
}
