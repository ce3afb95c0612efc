//! All that can be said without running: format, lints, docs, types, licenses and advisories.

use anyhow::Result;

use crate::tools::{self, cargo, npm, npm_ci, works};

pub(crate) fn run() -> Result<()> {
    tools::run(cargo().args(["fmt", "--all", "--check"]))?;
    // One package at a time: asked for together, they would share features and build all dependencies once more.
    for package in ["outlay", "xtask"] {
        tools::run(cargo().args([
            "clippy",
            "--locked",
            "--package",
            package,
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    tools::run(
        cargo()
            .args(["doc", "--locked", "--no-deps", "--document-private-items", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    npm_ci()?;
    tools::run(npm().args(["run", "typecheck"]))?;
    tools::run(npm().args(["run", "lint"]))?;
    // Advisories need the advisory database from the network: public CI runs them, and this machine where it can.
    if works(cargo().args(["deny", "--version"])) {
        tools::run(cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    } else {
        println!(
            "not run: cargo-deny (licenses, bans, advisories); install it with `cargo install --locked cargo-deny`"
        );
    }
    println!("\nchecked: format, lints, docs, types");
    Ok(())
}
