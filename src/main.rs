//! The plugin binary that Grafana starts.
fn main() {}
