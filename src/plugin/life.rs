//! How the process ends: asked by Grafana, by SIGTERM, or because Grafana itself is gone.
//! Knows nothing of what is running; whoever runs something waits for [`Ending::begun`] beside it.

use std::time::Duration;

use tokio::sync::watch;

/// The one switch that ends everything. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Ending(watch::Sender<bool>);

impl Ending {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Begins the end; later calls change nothing.
    pub(super) fn begin(&self, why: &'static str) {
        if !self.0.send_replace(true) {
            tracing::info!(why, "stopping");
        }
    }

    /// Returns once the end has begun.
    pub(super) async fn begun(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ended = receiver.wait_for(|ended| *ended).await;
    }
}

/// How often we look whether Grafana is still there: killed hard, it can't tell us.
const PARENT_POLL: Duration = Duration::from_secs(1);

/// Takes over the signals and starts the watch over our parent. From here on SIGINT does nothing: terminals send it to
/// the whole group, and Grafana ends us in its own order.
///
/// # Errors
/// As the system refuses signal handlers.
#[cfg(unix)]
pub(super) fn watch_signals_and_parent(ending: &Ending, parent: u32) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ending = ending.clone();
    tokio::spawn(async move {
        let mut poll = tokio::time::interval(PARENT_POLL);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => return ending.begin("SIGTERM"),
                _ = poll.tick() => {
                    if std::os::unix::process::parent_id() != parent {
                        return ending.begin("Grafana is gone");
                    }
                }
                () = ending.begun() => return,
            }
        }
    });
    Ok(())
}

/// Here nothing tells us about our parent or its signals but the connection.
#[cfg(not(unix))]
pub(super) fn watch_signals_and_parent(ending: &Ending, _parent: u32) -> std::io::Result<()> {
    let ending = ending.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                // Swallowed, as on unix.
                _ = tokio::signal::ctrl_c() => {}
                () = ending.begun() => return,
            }
        }
    });
    let _unused = PARENT_POLL;
    Ok(())
}
