//! Results kept while nothing changed, bounded by bytes, and one execution for identical questions in flight.
//! What a key stands for is the business of whoever makes it: a key must hold all that a result depends on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

use crate::query::Error;

/// A result heavier than this share of the room is not kept: it would push out all others.
const LARGEST_SHARE: usize = 8;

/// Hash of all that a result depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(pub [u8; 32]);

/// How much memory a result takes, roughly.
pub(super) trait Weight {
    /// Bytes.
    fn weight(&self) -> usize;
}

/// Kept results of one kind. Clones share them.
#[derive(Debug)]
pub(super) struct Kept<T>(Arc<Mutex<Inner<T>>>);

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

type Outcome<T> = Result<Arc<T>, Error>;
type Work<T> = BoxFuture<'static, Outcome<T>>;

#[derive(Debug)]
struct Inner<T> {
    room: usize,
    used: usize,
    clock: u64,
    entries: HashMap<Key, Entry<T>>,
    /// Keys by last use, the longest unused first.
    by_use: BTreeMap<u64, Key>,
    flights: HashMap<Key, Flight<T>>,
    figures: Figures,
}

#[derive(Debug)]
struct Entry<T> {
    result: Arc<T>,
    weight: usize,
    last_use: u64,
}

#[derive(Debug)]
struct Flight<T> {
    number: u64,
    work: WeakShared<Work<T>>,
}

/// How often keeping results helped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Questions answered from what was kept.
    pub hits: u64,
    /// Questions that joined an identical one in flight.
    pub joined: u64,
    /// Questions that were worked on.
    pub misses: u64,
    /// Bytes kept.
    pub bytes: usize,
}

/// A result, and whether it was kept from before.
#[derive(Debug)]
pub(super) struct Found<T> {
    /// The result.
    pub result: Arc<T>,
    /// True where nothing was worked on for it.
    pub kept: bool,
}

impl<T: Weight + Send + Sync + 'static> Kept<T> {
    /// Room for so many bytes; with none, only questions in flight are shared.
    pub(super) fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            room,
            used: 0,
            clock: 0,
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            flights: HashMap::new(),
            figures: Figures::default(),
        })))
    }

    /// The result under this key: kept, worked on by someone else just now, or worked on here. Whoever asks polls the
    /// shared work, so that it goes on when the first asker leaves, and is dropped with the last.
    ///
    /// # Errors
    /// As the work fails; failures are not kept.
    pub(super) async fn get<W>(&self, key: Key, work: impl FnOnce() -> W) -> Result<Found<T>, Error>
    where
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let flight = {
            let mut inner = self.lock();
            if let Some(result) = inner.hit(key) {
                return Ok(Found { result, kept: true });
            }
            let running = inner.flights.get(&key).and_then(|flight| flight.work.upgrade());
            if let Some(running) = running {
                inner.figures.joined += 1;
                running
            } else {
                self.start(&mut inner, key, work())
            }
        };
        flight.await.map(|result| Found { result, kept: false })
    }

    /// How often keeping results helped.
    pub(super) fn figures(&self) -> Figures {
        let inner = self.lock();
        Figures { bytes: inner.used, ..inner.figures }
    }

    fn start<W>(&self, inner: &mut Inner<T>, key: Key, work: W) -> Shared<Work<T>>
    where
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        inner.figures.misses += 1;
        inner.clock += 1;
        let number = inner.clock;
        let landing = Landing { kept: self.clone(), key, number };
        let flight = async move {
            let outcome = work.await.map(Arc::new);
            if let Ok(result) = &outcome {
                landing.kept.lock().keep(key, Arc::clone(result));
            }
            drop(landing);
            outcome
        };
        let flight = flight.boxed().shared();
        if let Some(work) = flight.downgrade() {
            inner.flights.insert(key, Flight { number, work });
        }
        flight
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the board when it ends or is dropped, unless a newer one of the same key took its place.
struct Landing<T: Weight + Send + Sync + 'static> {
    kept: Kept<T>,
    key: Key,
    number: u64,
}

impl<T: Weight + Send + Sync + 'static> Drop for Landing<T> {
    fn drop(&mut self) {
        let mut inner = self.kept.lock();
        if inner.flights.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            inner.flights.remove(&self.key);
        }
    }
}

impl<T: Weight> Inner<T> {
    fn hit(&mut self, key: Key) -> Option<Arc<T>> {
        let entry = self.entries.get_mut(&key)?;
        self.by_use.remove(&entry.last_use);
        self.clock += 1;
        entry.last_use = self.clock;
        self.by_use.insert(self.clock, key);
        self.figures.hits += 1;
        Some(Arc::clone(&entry.result))
    }

    fn keep(&mut self, key: Key, result: Arc<T>) {
        let weight = result.weight() + std::mem::size_of::<Entry<T>>() + 64;
        if weight > self.room / LARGEST_SHARE {
            return;
        }
        self.clock += 1;
        let last_use = self.clock;
        if let Some(old) = self.entries.insert(key, Entry { result, weight, last_use }) {
            self.by_use.remove(&old.last_use);
            self.used -= old.weight;
        }
        self.by_use.insert(last_use, key);
        self.used += weight;
        while self.used > self.room {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.used -= entry.weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    impl Weight for String {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    fn key(number: u8) -> Key {
        Key([number; 32])
    }

    async fn text(kept: &Kept<String>, number: u8, text: &str) -> (String, bool) {
        let text = text.to_owned();
        let found = kept.get(key(number), || async { Ok(text) }).await.unwrap();
        (found.result.as_ref().clone(), found.kept)
    }

    #[tokio::test]
    async fn a_result_is_kept_under_its_key() {
        let kept = Kept::with_room(1 << 20);
        assert_eq!(text(&kept, 1, "one").await, ("one".into(), false));
        assert_eq!(text(&kept, 1, "other").await, ("one".into(), true));
        assert_eq!(text(&kept, 2, "two").await, ("two".into(), false));
        let figures = kept.figures();
        assert_eq!((figures.hits, figures.misses, figures.joined), (1, 2, 0));
    }

    #[tokio::test]
    async fn the_longest_unused_goes_when_the_room_is_full() {
        let kept = Kept::with_room(10_000);
        let long = "x".repeat(1_000);
        for number in 0..12 {
            text(&kept, number, &long).await;
            assert!(text(&kept, 0, "").await.1, "used each time, so it stays");
            assert!(kept.figures().bytes <= 10_000);
        }
        assert!(!text(&kept, 1, &long).await.1, "pushed out");
        let huge = "x".repeat(5_000);
        text(&kept, 99, &huge).await;
        assert!(!text(&kept, 99, &huge).await.1, "too large to be kept");
        assert!(text(&kept, 0, "").await.1);
    }

    #[tokio::test]
    async fn without_room_nothing_is_kept() {
        let kept = Kept::with_room(0);
        text(&kept, 1, "one").await;
        assert_eq!(text(&kept, 1, "again").await, ("again".into(), false));
    }

    #[tokio::test]
    async fn failures_are_not_kept() {
        let kept: Kept<String> = Kept::with_room(1 << 20);
        let failed = kept.get(key(1), || async { Err(Error::Store("broken".into())) }).await;
        assert_eq!(failed.unwrap_err(), Error::Store("broken".into()));
        assert_eq!(text(&kept, 1, "mended").await, ("mended".into(), false));
    }

    #[tokio::test]
    async fn identical_questions_in_flight_are_worked_on_once_even_if_the_first_asker_leaves() {
        let kept: Kept<String> = Kept::with_room(1 << 20);
        let runs = AtomicUsize::new(0);
        let (go, wait) = oneshot::channel::<()>();
        let mut first = Box::pin(kept.get(key(1), || {
            runs.fetch_add(1, Ordering::Relaxed);
            async {
                wait.await.ok();
                Ok("shared".to_owned())
            }
        }));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(kept.get(key(1), || {
            runs.fetch_add(1, Ordering::Relaxed);
            async { Ok("never".to_owned()) }
        }));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        go.send(()).unwrap();
        assert_eq!(second.await.unwrap().result.as_str(), "shared");
        assert_eq!((runs.load(Ordering::Relaxed), kept.figures().joined), (1, 1));
        assert!(kept.lock().flights.is_empty());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_dropped_and_can_start_again() {
        let kept: Kept<String> = Kept::with_room(1 << 20);
        let (alive, dropped) = oneshot::channel::<()>();
        let mut only = Box::pin(kept.get(key(1), || async move {
            let _alive = alive;
            std::future::pending::<()>().await;
            Ok(String::new())
        }));
        assert!(only.as_mut().now_or_never().is_none());
        drop(only);
        assert!(dropped.await.is_err(), "the sender went with the work");
        assert!(kept.lock().flights.is_empty());
        assert_eq!(text(&kept, 1, "new").await, ("new".into(), false));
    }
}
