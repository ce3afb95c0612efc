//! Outlay: a Grafana data source for cloud hosting cost, CPU utilization and business KPIs.
//!
//! Two walks meet in the store. A billing file goes `sources` → `ingest` → `store`; a panel goes
//! `plugin` → `query` → `store` and `engine`, and back. See `ARCHITECTURE.md` for the rooms and their invariants.

pub mod app;
pub mod engine;
pub mod ingest;
pub mod model;
pub mod plugin;
pub mod query;
pub mod sources;
pub mod store;

#[cfg(test)]
mod typescript;
