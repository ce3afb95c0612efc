//! Who may work now: bounded lanes for panels and alert rules, fair between datasources.
//! A lane decides only when work starts; what the work is, and its deadline, it doesn't know.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::query::Error;

/// Panel queries that run at once.
const PANELS: usize = 4;
/// Alert queries that always find a place.
const ALERTS_RESERVED: usize = 2;
/// Alert queries that run at once while panels leave places unused.
const ALERTS: usize = 4;
/// Waiting queries of one datasource in one lane.
const WAITING_PER_INSTANCE: usize = 64;
/// Waiting queries of one lane.
const WAITING: usize = 256;

/// A lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Panels, variables, annotations.
    Panels,
    /// Alert rules. A query that only claims to be one fills this lane, never the panels'.
    Alerts,
}

impl Lane {
    /// The lane's name in messages and metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Panels => "panels",
            Self::Alerts => "alerts",
        }
    }
}

/// The lanes of this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(Arc<Mutex<Both>>);

#[derive(Debug, Default)]
struct Both {
    panels: Queue,
    alerts: Queue,
    tickets: u64,
}

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    rejected: u64,
    /// Waiting queries by datasource, in their order of arrival. Never an empty entry.
    waiting: BTreeMap<u64, VecDeque<Waiter>>,
    depth: usize,
    /// The datasource that was served last; the next one in turn goes first.
    turn: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    go: oneshot::Sender<Permit>,
}

/// The right to work; given back on drop.
#[derive(Debug)]
pub(super) struct Permit {
    lanes: Lanes,
    lane: Lane,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let lanes = self.lanes.clone();
        let mut both = lanes.lock();
        both.queue(self.lane).running -= 1;
        lanes.serve(both);
    }
}

/// Takes a waiting query out of its queue when nobody waits for it any more.
struct Place<'l> {
    lanes: &'l Lanes,
    lane: Lane,
    instance: u64,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut both = self.lanes.lock();
        let queue = both.queue(self.lane);
        let Some(line) = queue.waiting.get_mut(&self.instance) else { return };
        let before = line.len();
        line.retain(|waiter| waiter.ticket != self.ticket);
        queue.depth -= before - line.len();
        if line.is_empty() {
            queue.waiting.remove(&self.instance);
        }
    }
}

impl Lanes {
    /// Waits for a place. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once where the queue is full.
    pub(super) async fn enter(&self, lane: Lane, instance: u64) -> Result<Permit, Error> {
        let (ticket, ready) = {
            let mut both = self.lock();
            if both.queue(lane).depth == 0 && both.may_start(lane) {
                both.queue(lane).running += 1;
                return Ok(Permit { lanes: self.clone(), lane });
            }
            both.tickets += 1;
            let ticket = both.tickets;
            let queue = both.queue(lane);
            let own = queue.waiting.get(&instance).map_or(0, VecDeque::len);
            if own >= WAITING_PER_INSTANCE || queue.depth >= WAITING {
                queue.rejected += 1;
                return Err(Error::Overloaded { lane: lane.name(), waiting: queue.depth });
            }
            let (go, ready) = oneshot::channel();
            queue.waiting.entry(instance).or_default().push_back(Waiter { ticket, go });
            queue.depth += 1;
            (ticket, ready)
        };
        let _place = Place { lanes: self, lane, instance, ticket };
        // The sender lives in the queue until it sends; it is never dropped before.
        ready.await.map_err(|_gone| Error::Overloaded { lane: lane.name(), waiting: 0 })
    }

    /// Running, waiting and rejected queries of a lane.
    pub(super) fn figures(&self, lane: Lane) -> (usize, usize, u64) {
        let mut both = self.lock();
        let queue = both.queue(lane);
        (queue.running, queue.depth, queue.rejected)
    }

    fn lock(&self) -> MutexGuard<'_, Both> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts whoever may start now. Permits are handed over without the lock: one that nobody takes comes back at once.
    fn serve(&self, mut both: MutexGuard<'_, Both>) {
        let mut starting = Vec::new();
        for lane in [Lane::Alerts, Lane::Panels] {
            while both.may_start(lane) {
                let Some(waiter) = both.queue(lane).next() else { break };
                both.queue(lane).running += 1;
                starting.push((lane, waiter));
            }
        }
        drop(both);
        for (lane, waiter) in starting {
            drop(waiter.go.send(Permit { lanes: self.clone(), lane }));
        }
    }
}

impl Both {
    const fn queue(&mut self, lane: Lane) -> &mut Queue {
        match lane {
            Lane::Panels => &mut self.panels,
            Lane::Alerts => &mut self.alerts,
        }
    }

    const fn may_start(&self, lane: Lane) -> bool {
        let (panels, alerts) = (self.panels.running, self.alerts.running);
        match lane {
            // Panels never wait for alert rules: what alert rules borrow comes on top.
            Lane::Panels => panels < PANELS,
            Lane::Alerts => {
                let borrow = self.panels.depth == 0 && panels + alerts < PANELS + ALERTS_RESERVED;
                alerts < ALERTS_RESERVED || (alerts < ALERTS && borrow)
            }
        }
    }
}

impl Queue {
    fn next(&mut self) -> Option<Waiter> {
        let after = self.waiting.range((Excluded(self.turn), Unbounded)).next();
        let instance = *after.or_else(|| self.waiting.iter().next())?.0;
        let line = self.waiting.get_mut(&instance)?;
        let waiter = line.pop_front();
        if line.is_empty() {
            self.waiting.remove(&instance);
        }
        self.turn = instance;
        self.depth -= usize::from(waiter.is_some());
        waiter
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    async fn take(lanes: &Lanes, lane: Lane, instance: u64, count: usize) -> Vec<Permit> {
        let mut permits = Vec::new();
        for _each in 0..count {
            permits.push(lanes.enter(lane, instance).await.unwrap());
        }
        permits
    }

    fn waits(lanes: &Lanes, lane: Lane, instance: u64) -> bool {
        lanes.enter(lane, instance).now_or_never().is_none()
    }

    #[tokio::test]
    async fn panels_and_alerts_do_not_take_each_others_places() {
        let lanes = Lanes::default();
        let panels = take(&lanes, Lane::Panels, 1, PANELS).await;
        assert!(waits(&lanes, Lane::Panels, 1));
        let alerts = take(&lanes, Lane::Alerts, 1, ALERTS_RESERVED).await;
        assert!(waits(&lanes, Lane::Alerts, 1), "panels are busy: only the reserved places");
        drop(panels);
        let more = take(&lanes, Lane::Alerts, 1, ALERTS - ALERTS_RESERVED).await;
        assert!(waits(&lanes, Lane::Alerts, 1), "never more than {ALERTS}");
        let panels = take(&lanes, Lane::Panels, 1, PANELS).await;
        assert_eq!(lanes.figures(Lane::Panels), (PANELS, 0, 0));
        drop((panels, alerts, more));
        assert_eq!((lanes.figures(Lane::Panels).0, lanes.figures(Lane::Alerts).0), (0, 0));
    }

    #[tokio::test]
    async fn places_come_back_and_go_to_those_who_still_wait() {
        let lanes = Lanes::default();
        let mut permits = take(&lanes, Lane::Panels, 1, PANELS).await;
        let mut gone = Box::pin(lanes.enter(Lane::Panels, 1));
        assert!(gone.as_mut().now_or_never().is_none());
        let mut stays = Box::pin(lanes.enter(Lane::Panels, 1));
        assert!(stays.as_mut().now_or_never().is_none());
        assert_eq!(lanes.figures(Lane::Panels), (PANELS, 2, 0));
        drop(gone);
        assert_eq!(lanes.figures(Lane::Panels), (PANELS, 1, 0));
        permits.pop();
        assert!(stays.as_mut().now_or_never().unwrap().is_ok());
        drop((permits, stays));
        assert_eq!(lanes.figures(Lane::Panels), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_permit_that_was_sent_to_someone_who_left_is_not_lost() {
        let lanes = Lanes::default();
        let permits = take(&lanes, Lane::Panels, 1, PANELS).await;
        let mut left = Box::pin(lanes.enter(Lane::Panels, 1));
        assert!(left.as_mut().now_or_never().is_none());
        drop(permits);
        assert_eq!(lanes.figures(Lane::Panels).0, 1, "sent, not yet taken");
        drop(left);
        assert_eq!(lanes.figures(Lane::Panels).0, 0);
    }

    #[tokio::test]
    async fn a_full_queue_says_so_and_only_to_its_datasource() {
        let lanes = Lanes::default();
        let _running = take(&lanes, Lane::Panels, 1, PANELS).await;
        let mut waiting = Vec::new();
        for _each in 0..WAITING_PER_INSTANCE {
            let mut entering = Box::pin(lanes.enter(Lane::Panels, 1));
            assert!(entering.as_mut().now_or_never().is_none());
            waiting.push(entering);
        }
        let refused = lanes.enter(Lane::Panels, 1).now_or_never().unwrap().unwrap_err();
        assert_eq!(refused, Error::Overloaded { lane: "panels", waiting: WAITING_PER_INSTANCE });
        assert!(waits(&lanes, Lane::Panels, 2));
        assert_eq!(lanes.figures(Lane::Panels).2, 1);
    }

    #[tokio::test]
    async fn the_whole_queue_is_bounded() {
        let lanes = Lanes::default();
        let _running = take(&lanes, Lane::Panels, 1, PANELS).await;
        let mut waiting = Vec::new();
        for at in 0..WAITING {
            let mut entering = Box::pin(lanes.enter(Lane::Panels, at as u64 % 8));
            assert!(entering.as_mut().now_or_never().is_none());
            waiting.push(entering);
        }
        assert!(matches!(lanes.enter(Lane::Panels, 99).now_or_never(), Some(Err(Error::Overloaded { .. }))));
    }

    #[tokio::test]
    async fn a_busy_datasource_does_not_starve_another() {
        let lanes = Lanes::default();
        let permits = take(&lanes, Lane::Panels, 1, PANELS).await;
        let mut waiting: Vec<_> =
            [1, 1, 1, 1, 1, 1, 2, 2].map(|instance| Box::pin(lanes.enter(Lane::Panels, instance))).into();
        assert!(waiting.iter_mut().all(|entering| entering.as_mut().now_or_never().is_none()));
        drop(permits);
        let started: Vec<bool> = waiting.iter_mut().map(|w| w.as_mut().now_or_never().is_some()).collect();
        assert_eq!(started[..4], [true, true, true, true], "the first two, and as each ends the next");
        assert_eq!(started[6..], [true, true], "the other datasource did not wait for all of them");
    }
}
