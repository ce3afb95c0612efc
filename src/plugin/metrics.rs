//! The plugin's own counters as Prometheus text. Anyone may read them: no names of customers, no secrets, closed labels.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the histogram's buckets, in seconds.
const BOUNDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 5.0, 10.0];

/// Counters of this process.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    queries: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    durations: Mutex<BTreeMap<&'static str, Histogram>>,
    resources: Mutex<BTreeMap<(&'static str, u16), u64>>,
    in_flight: AtomicI64,
    rejected_peers: AtomicU64,
    panics: AtomicU64,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: Duration,
}

impl Metrics {
    /// Counts one query as running until the guard is dropped.
    pub(super) fn running(&self) -> Running<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Running { metrics: self, kind: "unknown", outcome: "cancelled", started: std::time::Instant::now() }
    }

    pub(super) fn rejected_peer(&self) {
        self.rejected_peers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn resource(&self, route: &'static str, code: u16) {
        *lock(&self.resources).entry((route, code)).or_default() += 1;
    }

    /// All counters as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let head = |text: &mut String, name: &str, kind: &str, help: &str| {
            let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        };
        head(&mut text, "outlay_build_info", "gauge", "Version of the plugin; always 1.");
        line(&mut text, "outlay_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        head(&mut text, "outlay_queries_total", "counter", "Answered queries by kind and outcome.");
        for ((kind, outcome), count) in lock(&self.queries).iter() {
            line(&mut text, "outlay_queries_total", &[("kind", kind), ("outcome", outcome)], count);
        }
        head(&mut text, "outlay_query_duration_seconds", "histogram", "Time from a query to its frames.");
        for (kind, histogram) in lock(&self.durations).iter() {
            let mut below = 0;
            for (bound, count) in BOUNDS.iter().zip(histogram.buckets) {
                below += count;
                let bound = bound.to_string();
                line(&mut text, "outlay_query_duration_seconds_bucket", &[("kind", kind), ("le", &bound)], below);
            }
            let labels = [("kind", *kind)];
            let all = [("kind", *kind), ("le", "+Inf")];
            line(&mut text, "outlay_query_duration_seconds_bucket", &all, histogram.count);
            line(&mut text, "outlay_query_duration_seconds_sum", &labels, histogram.sum.as_secs_f64());
            line(&mut text, "outlay_query_duration_seconds_count", &labels, histogram.count);
        }
        head(&mut text, "outlay_queries_in_flight", "gauge", "Queries that are being answered.");
        line(&mut text, "outlay_queries_in_flight", &[], self.in_flight.load(Ordering::Relaxed));
        head(&mut text, "outlay_resource_calls_total", "counter", "Resource calls by route and status.");
        for ((route, code), count) in lock(&self.resources).iter() {
            line(&mut text, "outlay_resource_calls_total", &[("route", route), ("code", &code.to_string())], count);
        }
        head(&mut text, "outlay_rejected_peers_total", "counter", "Connections of others than our Grafana.");
        line(&mut text, "outlay_rejected_peers_total", &[], self.rejected_peers.load(Ordering::Relaxed));
        head(&mut text, "outlay_panics_total", "counter", "Caught panics; each failed one query or call.");
        line(&mut text, "outlay_panics_total", &[], self.panics.load(Ordering::Relaxed));
        text
    }
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _infallible = writeln!(text, "{name}{labels} {value}");
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A query on its way. Dropped without [`Running::ended`], it was cancelled.
#[derive(Debug)]
pub(super) struct Running<'m> {
    metrics: &'m Metrics,
    kind: &'static str,
    outcome: &'static str,
    started: std::time::Instant,
}

impl Running<'_> {
    /// Says which kind of query it turned out to be.
    pub(super) fn is(&mut self, kind: &'static str) {
        self.kind = kind;
    }

    /// Says how it ended.
    pub(super) fn ended(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    /// Time since it started.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.fetch_sub(1, Ordering::Relaxed);
        *lock(&self.metrics.queries).entry((self.kind, self.outcome)).or_default() += 1;
        let elapsed = self.elapsed();
        let mut durations = lock(&self.metrics.durations);
        let histogram = durations.entry(self.kind).or_default();
        histogram.count += 1;
        histogram.sum += elapsed;
        let place = BOUNDS.iter().position(|bound| elapsed.as_secs_f64() <= *bound);
        if let Some(bucket) = place.and_then(|place| histogram.buckets.get_mut(place)) {
            *bucket += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_counted_by_kind_and_outcome() {
        let metrics = Metrics::default();
        let mut query = metrics.running();
        query.is("cost");
        assert!(metrics.text().contains("outlay_queries_in_flight 1\n"));
        query.ended("ok");
        drop(query);
        drop(metrics.running());
        metrics.resource("values", 200);
        let text = metrics.text();
        for expected in [
            "outlay_queries_total{kind=\"cost\",outcome=\"ok\"} 1\n",
            "outlay_queries_total{kind=\"unknown\",outcome=\"cancelled\"} 1\n",
            "outlay_query_duration_seconds_count{kind=\"cost\"} 1\n",
            "outlay_query_duration_seconds_bucket{kind=\"cost\",le=\"+Inf\"} 1\n",
            "outlay_queries_in_flight 0\n",
            "outlay_resource_calls_total{route=\"values\",code=\"200\"} 1\n",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
}
