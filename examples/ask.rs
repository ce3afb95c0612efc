//! Asks a plugin as Grafana would, without Grafana: a script in, one line of JSON per call out. `cargo xtask demo` runs it.
//!
//! Standard input holds one or more scripts, each starting its own plugin:
//!
//! ```json
//! {"plugin": "target/debug/outlay", "env": {"GF_PLUGIN_OUTLAY_STORE_DIR": "/tmp/x"},
//!  "datasource": {"uid": "outlay", "jsonData": {}, "secureJsonData": {}, "role": "Admin"},
//!  "calls": [
//!    {"title": "ready", "waitSeconds": 30},
//!    {"title": "test", "health": true},
//!    {"title": "memory", "memory": true},
//!    {"title": "values", "resource": "values?dimension=ServiceName", "method": "GET"},
//!    {"title": "cost", "from": 1767225600000, "to": 1775001600000, "alert": false,
//!     "queries": [{"refId": "A", "json": {"kind": "cost"}}]}]}
//! ```
//!
//! Each answer has `title` and `ms`; a panel's has `answers` by refId with `status`, `error` and `frames`, and `broken`
//! where Grafana would refuse a frame or an expression could not read it. Ends non-zero where a plugin does not start or
//! does not end cleanly; what a failed call means is left to whoever asked.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

#[path = "../tests/it/grafana/mod.rs"]
#[expect(dead_code, reason = "the process tests use more of it")]
mod grafana;

use grafana::{Datasource, Grafana, Query};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    plugin: PathBuf,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    datasource: Datasource,
    calls: Vec<Call>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Call {
    title: String,
    /// Waits until no source is importing any more, at most so long.
    wait_seconds: Option<u64>,
    health: bool,
    /// Resident memory of the plugin, now and at its peak, where the system tells it (Linux).
    memory: bool,
    /// Path and query of a resource route.
    resource: Option<String>,
    method: Option<String>,
    from: i64,
    to: i64,
    /// Asks as an alert rule does.
    alert: bool,
    queries: Vec<Asked>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    ref_id: String,
    json: Value,
    interval_ms: Option<i64>,
    max_data_points: Option<i64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut clean = true;
    for script in serde_json::Deserializer::from_reader(std::io::stdin().lock()).into_iter::<Script>() {
        let done = match script {
            Ok(script) => run(script).await,
            Err(error) => Err(format!("no script: {error}")),
        };
        if let Err(error) = done {
            say(&json!({ "failed": error }));
            clean = false;
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(script: Script) -> Result<(), String> {
    let started = Instant::now();
    let grafana = Grafana::start(&script.plugin, &script.env).await?;
    say(&json!({ "title": "start", "ms": ms(started), "handshake": grafana.handshake }));
    for call in script.calls {
        let started = Instant::now();
        let title = call.title.clone();
        let mut answer = ask(&grafana, &script.datasource, call).await;
        answer["title"] = title.into();
        answer["ms"] = ms(started).into();
        say(&answer);
    }
    let stopping = Instant::now();
    let ended = grafana.stop().await;
    say(&json!({ "title": "stop", "ms": ms(stopping), "code": ended.code }));
    if ended.code == Some(0) && ended.stdout.is_empty() {
        Ok(())
    } else {
        Err(format!("the plugin ended with {:?}, standard output {:?}", ended.code, ended.stdout))
    }
}

async fn ask(grafana: &Grafana, datasource: &Datasource, call: Call) -> Value {
    let answer = if let Some(seconds) = call.wait_seconds {
        wait(grafana, datasource, Duration::from_secs(seconds)).await
    } else if call.health {
        health(grafana, datasource).await
    } else if call.memory {
        Ok(memory(grafana.pid()))
    } else if let Some(url) = &call.resource {
        let method = call.method.as_deref().unwrap_or("GET");
        let resource = grafana.resource(datasource, method, url, Vec::new()).await;
        resource.map(|found| json!({ "code": found.code, "body": found.json() })).map_err(|error| error.to_string())
    } else {
        panel(grafana, datasource, call).await
    };
    answer.unwrap_or_else(|error| json!({ "broken": error }))
}

async fn panel(grafana: &Grafana, datasource: &Datasource, call: Call) -> Result<Value, String> {
    let headers: &[(&str, &str)] = if call.alert { &[("FromAlert", "true")] } else { &[] };
    let queries = call.queries.into_iter().map(|asked| {
        let mut query = Query::new(&asked.ref_id, asked.json, (call.from, call.to));
        query.interval_ms = asked.interval_ms.unwrap_or(query.interval_ms);
        query.max_data_points = asked.max_data_points.unwrap_or(query.max_data_points);
        query
    });
    let answers = grafana.query(datasource, headers, queries.collect()).await?;
    let mut told = serde_json::Map::new();
    for (ref_id, answer) in answers {
        let mut object = json!({ "status": answer.status, "error": answer.error, "frames": answer.frames });
        if answer.status == 200
            && let Err(error) = grafana::rules::check(&answer.frames, call.alert)
        {
            object["broken"] = error.into();
        }
        told.insert(ref_id, object);
    }
    Ok(json!({ "answers": told }))
}

async fn health(grafana: &Grafana, datasource: &Datasource) -> Result<Value, String> {
    let health = grafana.health(datasource).await.map_err(|error| error.to_string())?;
    let details: Value = serde_json::from_slice(&health.json_details).map_err(|error| error.to_string())?;
    Ok(json!({ "ok": health.status == 1, "message": health.message, "details": details }))
}

fn memory(pid: u32) -> Value {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    json!({ "residentKib": kib("VmRSS:"), "peakKib": kib("VmHWM:") })
}

/// Asks for the state of the sources until none is importing.
async fn wait(grafana: &Grafana, datasource: &Datasource, most: Duration) -> Result<Value, String> {
    let started = Instant::now();
    loop {
        let status = grafana.resource(datasource, "GET", "status", Vec::new()).await;
        let status = status.map_err(|error| error.to_string())?.json();
        let sources = status.as_array().cloned().unwrap_or_default();
        let ready = !sources.is_empty() && sources.iter().all(|source| source["state"] != "importing");
        if ready || started.elapsed() > most {
            return Ok(json!({ "ready": ready, "sources": sources }));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

fn say(line: &Value) {
    let mut stdout = std::io::stdout().lock();
    // Where nobody reads on, there is nothing left to do.
    let _written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
