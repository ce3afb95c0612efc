//! From nothing to cost panels on the sample, by the best means that this machine has.

pub(crate) mod grafana;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::dashboards::{self, Panel};
use crate::stand_in::{self, Answered, Build, StandIn};
use crate::tools::{self, command, works};

/// Compose where there is a Docker engine, a Grafana where `GRAFANA_HOME` names one, else the panels by themselves.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    if arguments.contains(&"--panels") {
        return panels(Build::Release);
    }
    if works(command("docker").arg("info")) && works(command("docker").args(["compose", "version"])) {
        println!("Grafana at http://localhost:3000/d/outlay-hosting-cost (Ctrl-C ends)");
        return tools::run(command("docker").args(["compose", "up", "--build"]));
    }
    if std::env::var_os("GRAFANA_HOME").is_some() {
        let mut grafana = grafana::start(3000)?;
        println!("\nGrafana at {}/d/outlay-hosting-cost (Ctrl-C ends)", grafana.url);
        return grafana.wait();
    }
    println!("no Docker engine and no GRAFANA_HOME: asking every panel through the plugin, as Grafana would");
    panels(Build::Release)
}

/// Starts the plugin just as Grafana does on an empty store, asks every panel of every provisioned dashboard, and
/// prints what each answered. The first panel's time holds the import of the sample.
pub(crate) fn panels(build: Build) -> Result<()> {
    let dashboards = dashboards::provisioned()?;
    let stand_in = StandIn::build(build)?;
    let store = stand_in::fresh_folder("demo-store")?;
    let calls: Vec<Value> = dashboards.iter().flat_map(|dashboard| &dashboard.panels).map(call).collect();
    let answers = stand_in.script(&stand_in::environment(&store), &json!({}), &calls)?;
    println!("\nplugin ready in {:.0} ms", answers[0]["ms"].as_f64().unwrap_or(f64::NAN));
    let (mut at, mut failed) = (0, 0);
    for dashboard in &dashboards {
        println!("\n{}", dashboard.title);
        println!("  {:<48} {:>6} {:>18} {:>10}", "panel", "rows", "last value", "ms");
        for panel in &dashboard.panels {
            at += 1;
            let answered = Answered::of(&answers[at]);
            let why = failure(&answered);
            println!(
                "  {:<48} {:>6} {:>18} {:>10.1}{}",
                shorten(&panel.title, 48),
                answered.rows,
                shorten(&answered.last_value, 18),
                answered.ms,
                why.as_deref().map(|why| format!("  FAILED: {why}")).unwrap_or_default()
            );
            failed += usize::from(why.is_some());
        }
    }
    println!("\n{at} panels asked, {failed} failed");
    if failed > 0 || at == 0 {
        bail!("{failed} of {at} panels failed");
    }
    Ok(())
}

fn call(panel: &Panel) -> Value {
    let queries: Vec<Value> = panel
        .queries
        .iter()
        .map(|query| {
            json!({
                "refId": query["refId"],
                "json": query,
                "intervalMs": query["intervalMs"],
                "maxDataPoints": query["maxDataPoints"],
            })
        })
        .collect();
    json!({ "title": panel.title, "from": panel.from, "to": panel.to, "queries": queries })
}

/// Why this answer is no good, if it is not. On the sample every panel has something to show.
fn failure(answered: &Answered) -> Option<String> {
    if answered.error.is_some() {
        return answered.error.clone();
    }
    (answered.rows == 0).then(|| format!("no data ({})", answered.notices.join("; ")))
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
