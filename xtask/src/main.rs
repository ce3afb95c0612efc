//! Developer verbs: `cargo xtask demo | test | check | dist | dev | bench`. Depends on nothing of the product, so it
//! builds in seconds; it needs cargo, and npm for `ui/`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod check;
mod dashboards;
mod demo;
mod dev;
mod dist;
mod stand_in;
mod test;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <verb>

  demo    from nothing to cost panels on the sample: with a Docker engine by compose, with GRAFANA_HOME in that
          Grafana, with neither by asking every panel of every dashboard through the plugin as Grafana would
  test    all tests, Rust and ui/, whatever this machine can run; what it cannot run it names
  check   all that can be said without running: format, lints, docs, types, licenses and advisories
  dist    the installable plugin folder dist/outlay-hostingcost-datasource/ and its zip
  dev     rebuilds and restarts the demo whenever sources change
  bench   panels and imports on the sample scaled to 10 million rows, beside DuckDB

demo --panels   asks the panels even where there is a Docker engine or GRAFANA_HOME
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("demo") => demo::run(&rest),
        Some("test") => test::run(&rest),
        Some("check") => check::run(),
        Some("dist") => dist::run().map(|folder| println!("built {}", folder.display())),
        Some("dev") => dev::run(),
        Some("bench") => bench::run(&rest),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => Err(anyhow::anyhow!("no verb `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
