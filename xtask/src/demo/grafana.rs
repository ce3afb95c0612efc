//! A Grafana from `GRAFANA_HOME`, started on loopback with the built plugin and everything in `provisioning/`.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::dist;
use crate::tools::{self, root, target};

/// Where the dashboards lie in the container that compose starts.
const DASHBOARDS_IN_IMAGE: &str = "/etc/grafana/provisioning/dashboards";

/// A running Grafana; it ends when this value goes.
#[derive(Debug)]
pub(crate) struct Grafana {
    child: Child,
    /// Its address.
    pub(crate) url: String,
}

impl Grafana {
    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("Grafana ended with {status}") }
    }
}

impl Drop for Grafana {
    fn drop(&mut self) {
        // A polite end first, so that Grafana stops the plugin; the kill is for one that does not listen.
        let asked = tools::works(std::process::Command::new("kill").arg(self.child.id().to_string()));
        let until = Instant::now() + Duration::from_secs(10);
        while asked && Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// Builds the plugin and starts Grafana with it. Port 0 takes a free one; a taken port is replaced by a free one too.
pub(crate) fn start(port: u16) -> Result<Grafana> {
    let home = PathBuf::from(std::env::var_os("GRAFANA_HOME").context("GRAFANA_HOME is not set")?);
    let program = ["bin/grafana", "bin/grafana.exe"].iter().map(|name| home.join(name)).find(|path| path.exists());
    let program = program.with_context(|| format!("{} holds no bin/grafana", home.display()))?;
    let plugin = dist::run()?;
    let data = target().join("grafana");
    if data.exists() {
        fs::remove_dir_all(&data).context("target/grafana")?;
    }
    let provisioning = data.join("provisioning");
    provision(&root().join("provisioning"), &provisioning)?;
    let free = |port| TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr());
    let port = free(port).or_else(|_taken| free(0))?.port();
    let url = format!("http://127.0.0.1:{port}");
    let log = fs::File::create(data.join("grafana.log"))?;
    let mut command = tools::command(&program);
    command.arg("server").arg("--homepath").arg(&home).current_dir(&home);
    for (name, value) in [
        ("GF_SERVER_HTTP_ADDR", "127.0.0.1"),
        ("GF_SERVER_HTTP_PORT", port.to_string().as_str()),
        ("GF_SERVER_ROOT_URL", url.as_str()),
        ("GF_PATHS_DATA", &data.to_string_lossy()),
        ("GF_PATHS_LOGS", &data.join("log").to_string_lossy()),
        ("GF_PATHS_PROVISIONING", &provisioning.to_string_lossy()),
        ("GF_PATHS_PLUGINS", &plugin.parent().unwrap_or(&plugin).to_string_lossy()),
        ("GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS", dist::PLUGIN_ID),
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_AUTH_ANONYMOUS_ENABLED", "true"),
        ("GF_AUTH_ANONYMOUS_ORG_ROLE", "Admin"),
        ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
    ] {
        command.env(name, value);
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let grafana = Grafana { child, url };
    wait_until_ready(&grafana, port)?;
    Ok(grafana)
}

fn wait_until_ready(grafana: &Grafana, port: u16) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        if healthy(port).unwrap_or(false) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    bail!("{} did not become ready within two minutes; see target/grafana/grafana.log", grafana.url)
}

fn healthy(port: u16) -> Result<bool> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(2)))?;
    connection.write_all(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.") && answer.contains(" 200 "))
}

/// Copies `provisioning/`, with the dashboards' folder as it is here rather than in the container.
fn provision(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            provision(&source, &copy)?;
        } else if source.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&source)?.replace(DASHBOARDS_IN_IMAGE, &to.to_string_lossy());
            fs::write(copy, text)?;
        } else {
            fs::copy(source, copy)?;
        }
    }
    Ok(())
}
