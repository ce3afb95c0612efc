//! Work that ends with its owner: tasks that are aborted on drop, and CPU work that is asked to stop on drop.
//! The only place of this room that spawns.

use std::time::Duration;

use crate::engine::Stop;

/// A background task; dropping it ends it.
#[derive(Debug)]
pub(super) struct Task(tokio::task::JoinHandle<()>);

impl Task {
    /// Starts the work on the current runtime.
    pub(super) fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Asks the work to end, without waiting.
    pub(super) fn abort(&self) {
        self.0.abort();
    }

    /// Waits until the task is gone, at most this long.
    pub(super) async fn ended(&mut self, patience: Duration) -> bool {
        tokio::time::timeout(patience, &mut self.0).await.is_ok()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Raises the flag when whoever waits for the work is gone.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Runs CPU or disk work off the request threads. Dropping the future raises the work's stop flag.
/// `None` where the work panicked; the panic itself is told by the process's panic hook.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce(&Stop) -> T + Send + 'static) -> Option<T> {
    let stop = Stop::default();
    let _guard = StopOnDrop(stop.clone());
    tokio::task::spawn_blocking(move || work(&stop)).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dropping_the_waiter_stops_the_work() {
        let (told, seen) = tokio::sync::oneshot::channel();
        let work = off_thread(move |stop: &Stop| {
            while !stop.stopped() {
                std::thread::sleep(Duration::from_millis(1));
            }
            told.send(()).ok();
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), work).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(5), seen).await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_no_answer_and_nothing_more() {
        assert_eq!(off_thread(|_: &Stop| -> u8 { panic!("on purpose") }).await, None);
        assert_eq!(off_thread(|_: &Stop| 7).await, Some(7));
    }
}
