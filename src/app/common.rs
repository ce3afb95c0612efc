//! What all readers of a process share: the clock, the operator's limits, one import at a time, the open stores.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::limits::Operator;
use super::tasks::off_thread;
use crate::model::{Clock, grouped};
use crate::store::Store;
use crate::store::identity::IdentityKey;

/// How long queries may wait for the first import into an empty store.
const FIRST_IMPORT: Duration = Duration::from_secs(4);
/// Wait after a first failure.
const BACK_OFF: Duration = Duration::from_secs(15);
/// How often a resting source looks at the clock, at its interval and at its store.
const TICK: Duration = Duration::from_secs(20);

/// What all readers share.
#[derive(Debug)]
pub(super) struct Common {
    /// When "now" is.
    pub clock: Arc<dyn Clock>,
    /// What the operator allows.
    pub operator: Operator,
    /// One import at a time in the whole process: imports are what takes memory.
    pub imports: Semaphore,
    /// How long queries may wait for the first import into an empty store, counted from the start of the source.
    pub first_import: Duration,
    /// Wait after a first failure; doubled with each further one, up to the refresh interval.
    pub back_off: Duration,
    /// How often a resting source looks around.
    pub tick: Duration,
    /// Open stores by their identity on disk.
    stores: Mutex<BTreeMap<String, Weak<Store>>>,
}

impl Common {
    pub(super) fn new(clock: Arc<dyn Clock>, operator: Operator) -> Self {
        Self {
            clock,
            operator,
            imports: Semaphore::new(1),
            first_import: FIRST_IMPORT,
            back_off: BACK_OFF,
            tick: TICK,
            stores: Mutex::default(),
        }
    }

    /// Remembers an open store for as long as someone holds it.
    pub(super) fn opened(&self, identity: &str, store: &Arc<Store>) {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|_, store| store.strong_count() > 0);
        stores.insert(identity.to_owned(), Arc::downgrade(store));
    }

    /// Whether another import may start.
    ///
    /// # Errors
    /// Why not: the stores have reached what the operator allows.
    pub(super) fn has_room(&self) -> Result<(), String> {
        let held = self.held_bytes();
        let limit = self.operator.store_limit_gib << 30;
        if held < limit {
            return Ok(());
        }
        Err(format!(
            "nothing more is imported: the stores hold {} MiB, `outlay_store_limit_gib` allows {} GiB; \
             leave out older months with `since`, or ask the operator for more",
            grouped(held >> 20),
            self.operator.store_limit_gib
        ))
    }

    /// Removes the stores that no datasource has used for days; off the request threads.
    pub(super) async fn sweep_stores(self: &Arc<Self>) {
        let common = Arc::clone(self);
        let swept = off_thread(move |_stop| {
            let used = common.identities();
            let used: Vec<&str> = used.iter().map(String::as_str).collect();
            IdentityKey::open(&common.operator.store_dir).map(|key| key.sweep(&used, common.clock.as_ref()).len())
        });
        if let Some(Ok(swept @ 1..)) = swept.await {
            tracing::info!(stores.removed = swept, "stores that no datasource uses any more are removed");
        }
    }

    fn identities(&self) -> Vec<String> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.iter().filter(|(_, store)| store.strong_count() > 0).map(|(identity, _)| identity.clone()).collect()
    }

    /// Bytes of the newest generation of all open stores.
    fn held_bytes(&self) -> u64 {
        let stores: Vec<Arc<Store>> = {
            let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            stores.values().filter_map(Weak::upgrade).collect()
        };
        let size = |store: &Arc<Store>| -> u64 {
            let snapshot = store.snapshot();
            snapshot.deliveries.iter().flat_map(|delivery| delivery.parts.all()).map(|part| part.size).sum()
        };
        stores.iter().map(size).sum()
    }
}
