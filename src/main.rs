//! The plugin binary that Grafana starts.

fn main() -> std::process::ExitCode {
    outlay::plugin::run()
}
