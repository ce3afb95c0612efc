//! Grafana's stand-in: `examples/ask` starts the built plugin as Grafana does and asks it what a script says.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::tools::{self, cargo, target};

/// Which binary answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Optimized, as people install it.
    Release,
    /// Quick to build.
    Debug,
}

/// The plugin and the stand-in, built.
#[derive(Debug)]
pub(crate) struct StandIn {
    ask: PathBuf,
    plugin: PathBuf,
}

impl StandIn {
    /// Builds both.
    pub(crate) fn build(build: Build) -> Result<Self> {
        let mut command = cargo();
        command.args(["build", "--locked", "--bin", "outlay", "--example", "ask"]);
        if build == Build::Release {
            command.arg("--release");
        }
        tools::run(&mut command)?;
        let folder = target().join(if build == Build::Release { "release" } else { "debug" });
        let exe = std::env::consts::EXE_SUFFIX;
        Ok(Self { ask: folder.join("examples").join(format!("ask{exe}")), plugin: folder.join(format!("outlay{exe}")) })
    }

    /// Starts one plugin process, makes the calls in order, stops it; gives one answer per call, with those of
    /// the start first and of the stop last.
    pub(crate) fn script(&self, env: &Value, datasource: &Value, calls: &[Value]) -> Result<Vec<Value>> {
        let script = json!({ "plugin": self.plugin, "env": env, "datasource": datasource, "calls": calls });
        let mut child = tools::command(&self.ask)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", self.ask.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.to_string().as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answers: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if let Some(failed) = answers.iter().find_map(|answer| answer["failed"].as_str()) {
            bail!("the plugin failed: {failed}");
        }
        if !output.status.success() || answers.len() != calls.len() + 2 {
            bail!("the stand-in ended with {} after {} answers", output.status, answers.len());
        }
        Ok(answers)
    }
}

/// An empty folder below `target/` for stores, so that a run starts from nothing.
pub(crate) fn fresh_folder(name: &str) -> Result<PathBuf> {
    let folder = target().join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    Ok(folder)
}

/// The operator's settings for a run: where stores lie.
pub(crate) fn environment(store: &Path) -> Value {
    json!({ "GF_PLUGIN_OUTLAY_STORE_DIR": store })
}

/// A panel's answer in a few words.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    /// Points or rows over all frames.
    pub(crate) rows: usize,
    /// The last value of the first number column, as Grafana would show it without a unit.
    pub(crate) last_value: String,
    /// How long it took, milliseconds.
    pub(crate) ms: f64,
    /// What is wrong, if anything is.
    pub(crate) error: Option<String>,
    /// What the reader of the panel is told.
    pub(crate) notices: Vec<String>,
}

impl Answered {
    /// Reads one call's answer.
    pub(crate) fn of(answer: &Value) -> Self {
        let mut told = Self { ms: answer["ms"].as_f64().unwrap_or(f64::NAN), ..Self::default() };
        told.error = answer["broken"].as_str().map(str::to_owned);
        let Some(answers) = answer["answers"].as_object().filter(|answers| !answers.is_empty()) else {
            told.error.get_or_insert_with(|| "no answer".to_owned());
            return told;
        };
        for (ref_id, one) in answers {
            let problem = one["error"].as_str().filter(|text| !text.is_empty()).or(one["broken"].as_str());
            if let Some(problem) = problem {
                told.error = Some(format!("{ref_id}: {problem}"));
            } else if one["status"] != 200 {
                told.error = Some(format!("{ref_id}: status {}", one["status"]));
            }
            for frame in one["frames"].as_array().map(Vec::as_slice).unwrap_or_default() {
                told.frame(frame);
            }
        }
        told
    }

    fn frame(&mut self, frame: &Value) {
        for notice in frame["meta"]["notices"].as_array().map(Vec::as_slice).unwrap_or_default() {
            self.notices.extend(notice["text"].as_str().map(str::to_owned));
        }
        let fields = frame["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.rows += fields.first().and_then(|field| field["values"].as_array()).map_or(0, Vec::len);
        let number = fields.iter().find(|field| field["type"] == "number");
        let last = number.and_then(|field| field["values"].as_array()?.iter().rev().find(|value| !value.is_null()));
        if let (true, Some(last)) = (self.last_value.is_empty(), last) {
            self.last_value = last.as_f64().map_or_else(|| last.to_string(), |number| format!("{number:.2}"));
        }
    }
}
