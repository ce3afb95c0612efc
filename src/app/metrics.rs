//! This room's own counters as Prometheus text. Labels are lanes and numbers: no names, accounts, paths or buckets.

use std::fmt::Write;

use super::hub::Hub;
use super::instance::Instance;
use super::lanes::Lane;

/// One family: its name, type, meaning, and lines of labels and value.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    lines: Vec<(String, String)>,
}

/// All counters. Sources are numbered in the order of the instances.
pub(super) fn text(hub: &Hub, instances: &[std::sync::Arc<Instance>]) -> String {
    let mut families = lanes(hub);
    families.extend(kept(hub));
    families.extend(sources(hub, instances));
    let plain = |value: u64| vec![(String::new(), value.to_string())];
    families.push(gauge("outlay_instances", "Datasources in use.", plain(instances.len() as u64)));
    if let Some(bytes) = resident_bytes() {
        families.push(gauge("outlay_resident_bytes", "Resident memory of the plugin process.", plain(bytes)));
    }
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.lines.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {}", family.name, family.help, family.name, family.kind);
        for (labels, value) in &family.lines {
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            let _ = writeln!(text, "{}{labels} {value}", family.name);
        }
    }
    text
}

fn gauge(name: &'static str, help: &'static str, lines: Vec<(String, String)>) -> Family {
    Family { name, kind: "gauge", help, lines }
}

fn counter(name: &'static str, help: &'static str, lines: Vec<(String, String)>) -> Family {
    Family { name, kind: "counter", help, lines }
}

fn lanes(hub: &Hub) -> Vec<Family> {
    let lanes = [Lane::Alerts, Lane::Panels].map(|lane| (lane.name(), hub.lanes.figures(lane)));
    let of = |value: fn(&(usize, usize, u64)) -> u64| {
        lanes.iter().map(|(name, figures)| (format!("lane=\"{name}\""), value(figures).to_string())).collect()
    };
    vec![
        gauge("outlay_queries_running", "Queries that run now.", of(|figures| figures.0 as u64)),
        gauge("outlay_queries_waiting", "Queries that wait for a place.", of(|figures| figures.1 as u64)),
        counter("outlay_queries_rejected_total", "Queries refused because a queue was full.", of(|f| f.2)),
    ]
}

fn kept(hub: &Hub) -> Vec<Family> {
    let answers = hub.answers.figures();
    let plain = |value: u64| vec![(String::new(), value.to_string())];
    vec![
        counter("outlay_answer_cache_hits_total", "Queries answered from kept answers.", plain(answers.hits)),
        counter("outlay_answer_cache_misses_total", "Queries that were worked on.", plain(answers.misses)),
        counter("outlay_answers_shared_total", "Queries that joined an identical one.", plain(answers.joined)),
        gauge("outlay_answer_cache_bytes", "Size of kept answers.", plain(answers.bytes as u64)),
    ]
}

fn sources(hub: &Hub, instances: &[std::sync::Arc<Instance>]) -> Vec<Family> {
    let now = hub.common.clock.now();
    let names: [(&str, &str, &str); 7] = [
        ("outlay_import_age_seconds", "gauge", "Seconds since a source was last read well."),
        ("outlay_data_age_seconds", "gauge", "Seconds since the end of the newest usage of a source."),
        ("outlay_source_up", "gauge", "1 where the newest look at a source went well."),
        ("outlay_store_generation", "gauge", "Generation of a source's store."),
        ("outlay_rows", "gauge", "Billing rows held of a source."),
        ("outlay_rows_rejected", "gauge", "Billing rows of a source that could not be kept."),
        ("outlay_deliveries_failed", "gauge", "Deliveries of a source that could not be read."),
    ];
    let mut families: Vec<Family> =
        names.map(|(name, kind, help)| Family { name, kind, help, lines: Vec::new() }).into();
    let (mut quarantined, mut noted) = (0, 0);
    for (number, reader) in instances.iter().flat_map(|instance| instance.readers()).enumerate() {
        let (standing, snapshot, _) = reader.standing();
        let holding = super::standing::Holding::of(&snapshot);
        quarantined += standing.store.as_ref().map_or(0, |store| store.quarantined());
        noted += snapshot.notes.len();
        let age = |at: crate::model::Instant| ((now.0 - at.0) / crate::model::SECOND).to_string();
        let failed = standing.outcome.as_ref().map_or(0, |outcome| outcome.failures.len());
        let values = [
            standing.looked.map(age),
            holding.until.map(age),
            Some(u8::from(standing.looks > 0 && standing.trouble.is_none()).to_string()),
            Some(snapshot.generation.to_string()),
            Some(holding.rows.to_string()),
            Some(holding.rejected.to_string()),
            Some(failed.to_string()),
        ];
        for (family, value) in families.iter_mut().zip(values) {
            family.lines.extend(value.map(|value| (format!("source=\"{number}\""), value)));
        }
    }
    let plain = |value: usize| vec![(String::new(), value.to_string())];
    families.push(gauge(
        "outlay_quarantined_files",
        "Damaged files of stores that were set aside.",
        plain(quarantined),
    ));
    families.push(gauge("outlay_store_notes", "What the stores have to say, damage above all.", plain(noted)));
    families
}

/// Resident memory, where the system tells it (Linux: `/proc/self/statm`, in pages of 4 KiB on all supported machines).
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * 4_096)
}
