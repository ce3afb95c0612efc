//! What Outlay promises, tested from outside: one module per behavior.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what could not be run is named")]

mod bad_bills;
mod bills;
mod contract;
mod dashboards;
mod deliveries;
mod frames;
mod grafana;
mod house_rules;
mod http_server;
mod kills;
mod moto;
mod places;
mod plugin;
mod plugin_answers;
mod plugin_process;
mod plugin_queries;
mod plugin_resources;
mod s3;
mod s3_hostile;
mod totals;
