//! The installable plugin: frontend, binary, manifest and documents in one folder, and its zip.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tools::{self, cargo, npm, npm_ci, root, target, works};

/// Id of the plugin, and name of its folder.
pub(crate) const PLUGIN_ID: &str = "outlay-hostingcost-datasource";

/// Builds everything and assembles `dist/<id>/` and `dist/<id>-<version>.zip`; gives the folder.
pub(crate) fn run() -> Result<PathBuf> {
    frontend()?;
    let binary = binary()?;
    let folder = assemble(&binary)?;
    let zip = root().join("dist").join(format!("{PLUGIN_ID}-{}.zip", env!("CARGO_PKG_VERSION")));
    pack(&folder, &zip)?;
    println!("packed {}", zip.display());
    Ok(folder)
}

/// Builds the release binary: static with musl where this machine can, else for the machine itself.
pub(crate) fn binary() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--bin", "outlay"]);
    let musl = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let has_target = tools::output(std::process::Command::new("rustc").args(["--print", "sysroot"]))
        .is_ok_and(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib").join(&musl).exists());
    let has_compiler = works(tools::command(format!("{}-linux-musl-gcc", std::env::consts::ARCH)).arg("--version"))
        || works(tools::command("musl-gcc").arg("--version"));
    if cfg!(target_os = "linux") && !cfg!(target_env = "musl") && has_target && has_compiler {
        build.args(["--target", &musl]);
        tools::run(&mut build)?;
        return Ok(target().join(musl).join("release").join("outlay"));
    }
    if cfg!(all(target_os = "linux", not(target_env = "musl"))) {
        println!(
            "note: built for this machine's C library; for Grafana's Alpine image build with docker compose, or add \
             `rustup target add {musl}` and musl-gcc"
        );
    }
    tools::run(&mut build)?;
    Ok(target().join("release").join(format!("outlay{}", std::env::consts::EXE_SUFFIX)))
}

fn frontend() -> Result<()> {
    npm_ci()?;
    tools::run(npm().args(["run", "build"]))
}

fn assemble(binary: &Path) -> Result<PathBuf> {
    let folder = root().join("dist").join(PLUGIN_ID);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("the old dist/ cannot be removed")?;
    }
    copy_tree(&root().join("ui").join("dist"), &folder)?;
    for name in ["LICENSE", "CHANGELOG.md"] {
        fs::copy(root().join(name), folder.join(name)).with_context(|| name.to_owned())?;
    }
    let executable = folder.join(executable_name());
    fs::copy(binary, &executable).with_context(|| format!("{} cannot be copied", binary.display()))?;
    make_executable(&executable)?;
    for needed in ["plugin.json", "module.js", "README.md", "dashboards/hosting-cost.json", "img/logo.svg"] {
        if !folder.join(needed).exists() {
            bail!("dist/{PLUGIN_ID}/{needed} is missing; ui/ did not build it");
        }
    }
    Ok(folder)
}

/// `gpx_outlay_<os>_<arch>` in Go's names, which is what Grafana looks for.
fn executable_name() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    format!("gpx_outlay_{os}_{arch}{}", std::env::consts::EXE_SUFFIX)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("gpx_") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_file: &Path) -> Result<()> {
    Ok(())
}

/// One root folder, named as the plugin; the executable keeps its mode, which Grafana asks for exactly.
fn pack(folder: &Path, zip: &Path) -> Result<()> {
    let mut writer = zip::ZipWriter::new(fs::File::create(zip)?);
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    for file in files {
        let inside = file.strip_prefix(folder).unwrap_or(&file);
        let name = format!("{PLUGIN_ID}/{}", inside.to_string_lossy().replace('\\', "/"));
        let mode = if name.contains("/gpx_") { 0o755 } else { 0o644 };
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .unix_permissions(mode);
        writer.start_file(name, options)?;
        writer.write_all(&fs::read(&file)?)?;
    }
    writer.finish()?;
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
