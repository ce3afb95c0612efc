//! A flag that asks work to stop: set by whoever no longer waits for it, looked at by long loops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asked to stop: nobody waits for the work any more. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks all work with this flag to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once asked.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
