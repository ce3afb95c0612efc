//! Running other programs: with their output shown, and with an error that names the command.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A command in the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs this tool.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told this tool about itself is not for the builds below it: build scripts that look at it (ring's does)
    // would run again whenever a verb and plain cargo take turns.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// npm in `ui/`.
pub(crate) fn npm() -> Command {
    let mut npm = command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(root().join("ui"));
    npm
}

/// Says what runs, runs it, and fails where it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = words(command);
    println!("\n$ {words}");
    let status = command.status().with_context(|| format!("`{words}` cannot be started; is it installed?"))?;
    if !status.success() {
        bail!("`{words}` failed ({status})");
    }
    Ok(())
}

/// Runs silently and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let words = words(command);
    let output = command.output().with_context(|| format!("`{words}` cannot be started; is it installed?"))?;
    if !output.status.success() {
        bail!("`{words}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// True where the command runs and succeeds.
pub(crate) fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Installs what `ui/package-lock.json` names, unless that was done already.
pub(crate) fn npm_ci() -> Result<()> {
    let ui = root().join("ui");
    let stamp = ui.join("node_modules").join(".outlay-lock");
    let lock = std::fs::read(ui.join("package-lock.json")).context("ui/package-lock.json")?;
    if std::fs::read(&stamp).is_ok_and(|done| done == lock) {
        return Ok(());
    }
    run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    std::fs::write(&stamp, lock).context("node_modules cannot be written")
}

/// A Python environment below `target/` with the given packages; `None` where there is no Python to make one.
pub(crate) fn python(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = target().join(name);
    let python = folder.join("bin").join("python");
    let stamp = folder.join(".packages");
    let wanted = packages.join(" ");
    if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
        return Some(python);
    }
    if !works(command("python3").args(["-m", "venv"]).arg(&folder)) {
        return None;
    }
    println!("\n$ pip install {wanted}   (into target/{name})");
    let mut pip = command(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    if !pip.status().is_ok_and(|status| status.success()) {
        return None;
    }
    std::fs::write(&stamp, wanted).ok()?;
    Some(python)
}

fn words(command: &Command) -> String {
    let shorten = |part: &OsStr| {
        let text = part.to_string_lossy().into_owned();
        Path::new(&text)
            .file_name()
            .filter(|_| text.starts_with('/'))
            .map_or(text.clone(), |name| name.to_string_lossy().into_owned())
    };
    std::iter::once(command.get_program()).chain(command.get_args()).map(shorten).collect::<Vec<_>>().join(" ")
}
