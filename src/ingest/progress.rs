//! How far an import is: counters that panels, health and status read while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::model::grouped;

/// A shared, cheap view of one source's import.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    running: AtomicBool,
    deliveries: AtomicU64,
    done: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// True while deliveries are being read.
    #[must_use]
    pub fn running(&self) -> bool {
        self.0.running.load(Ordering::Relaxed)
    }

    /// Rows read in the running or last import.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }

    /// In words, e.g. `importing, 3 of 18 deliveries, 120,000 rows`; empty where nothing runs.
    #[must_use]
    pub fn describe(&self) -> String {
        if !self.running() {
            return String::new();
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "importing, {} of {} deliveries, {} rows, {} MiB",
            grouped(count(&self.0.done)),
            grouped(count(&self.0.deliveries)),
            grouped(count(&self.0.rows)),
            grouped(count(&self.0.bytes) >> 20)
        )
    }

    pub(super) fn begin(&self, deliveries: usize) {
        self.0.deliveries.store(deliveries as u64, Ordering::Relaxed);
        for counter in [&self.0.done, &self.0.rows, &self.0.bytes] {
            counter.store(0, Ordering::Relaxed);
        }
        self.0.running.store(true, Ordering::Relaxed);
    }

    pub(super) fn rows_read(&self, rows: usize) {
        self.0.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(super) fn file_done(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn delivery_done(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.0.running.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_words_while_it_runs() {
        let progress = Progress::default();
        assert_eq!(progress.describe(), "");
        progress.begin(18);
        progress.rows_read(1_234_567);
        progress.file_done(5 << 20);
        progress.delivery_done();
        assert_eq!(progress.describe(), "importing, 1 of 18 deliveries, 1,234,567 rows, 5 MiB");
        progress.end();
        assert_eq!(progress.describe(), "");
    }
}
