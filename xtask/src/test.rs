//! All tests that this machine can run, and the names of those it cannot.
//! The Rust integration tests come last, so that the output ends in their summary.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{self, cargo, npm, npm_ci, python, root, works};

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let mut not_run: Vec<String> = Vec::new();
    if arguments.contains(&"--rust") {
        not_run.push("ui/: left out by --rust".into());
    } else if works(npm().arg("--version")) {
        npm_ci()?;
        tools::run(npm().args(["run", "typecheck"]))?;
        tools::run(npm().args(["run", "test:ci"]))?;
        tools::run(npm().args(["run", "build"]))?;
        browser(&mut not_run)?;
    } else {
        not_run.push("ui/: npm is not installed".into());
    }
    let moto = moto();
    if moto.is_none() {
        not_run.push("S3 against a real server: python3 with venv cannot install moto".into());
    }
    if !root().join("../shared/data/README.md").exists() {
        not_run.push("golden totals of real exports: ../shared/data is not here".into());
    }
    tools::run(cargo().args(["test", "--locked", "--doc"]))?;
    // One package at a time: asked for together, they would share features and build all dependencies once more.
    tools::run(cargo().args(["test", "--locked", "--lib", "--bins", "--examples"]))?;
    tools::run(cargo().args(["test", "--locked", "--package", "xtask"]))?;
    for what in &not_run {
        println!("\nnot run: {what}");
    }
    let mut last = cargo();
    last.args(["test", "--locked", "--test", "it"]);
    if let Some(server) = moto {
        last.env("OUTLAY_MOTO", server);
    }
    tools::run(&mut last)
}

/// The S3 server that the tests talk to on loopback.
fn moto() -> Option<PathBuf> {
    let python = python("moto", &["moto[s3,server]==5.2.5"])?;
    let server = python.with_file_name("moto_server");
    server.exists().then_some(server)
}

/// Browser tests, against the Grafana that the environment names.
fn browser(not_run: &mut Vec<String>) -> Result<()> {
    if std::env::var_os("GRAFANA_URL").is_some() {
        return tools::run(npm().args(["run", "e2e"]));
    }
    if std::env::var_os("GRAFANA_HOME").is_some() {
        let grafana = crate::demo::grafana::start(0)?;
        return tools::run(npm().args(["run", "e2e"]).env("GRAFANA_URL", &grafana.url));
    }
    not_run.push("browser tests: no Grafana (set GRAFANA_URL or GRAFANA_HOME)".into());
    Ok(())
}
