//! All instances of this process: found by whose they are, replaced when their settings change, dropped when idle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::connector::{Connector, Owner, Places};
use super::hub::Hub;
use super::instance::Instance;
use super::tasks::{Task, off_thread};
use super::{DatasourceSettings, Operator, metrics};
use crate::model::Clock;

/// An instance that nobody asked for this long is dropped, and its background work with it. More than a day, so that a
/// dashboard that is opened each morning finds fresh data.
const IDLE: Duration = Duration::from_secs(26 * 3_600);
/// How often idle instances are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Most instances at once; with one more, the one that was unused the longest goes.
const MOST: usize = 1_000;
/// Time to stop all work in.
const STOPPING: Duration = Duration::from_millis(500);

/// All instances of this process.
#[derive(Debug)]
pub struct App {
    /// What the operator allows.
    pub operator: Operator,
    hub: Arc<Hub>,
    running: Arc<Mutex<Running>>,
    /// Held while an instance is built.
    building: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Running {
    instances: BTreeMap<(i64, String), Slot>,
    sweeper: Option<Task>,
    stopped: bool,
}

#[derive(Debug)]
struct Slot {
    /// Keyed hash of the settings and secrets that the instance was built from.
    settings: blake3::Hash,
    instance: Arc<Instance>,
}

impl App {
    /// An app without instances; cheap, touches neither disk nor network.
    #[must_use]
    pub fn new(operator: Operator, clock: Arc<dyn Clock>) -> Self {
        let folder = std::env::current_exe().ok().and_then(|exe| exe.parent().map(std::path::Path::to_path_buf));
        let operator = match folder {
            Some(folder) => operator.outside(&folder),
            None => operator,
        };
        let places = Box::new(Places::new(&operator, &clock));
        Self::with_connector(operator, clock, places)
    }

    pub(super) fn with_connector(operator: Operator, clock: Arc<dyn Clock>, connector: Box<dyn Connector>) -> Self {
        let hub = Arc::new(Hub::new(operator.clone(), clock, connector));
        Self { operator, hub, running: Arc::default(), building: tokio::sync::Mutex::default() }
    }

    /// The instance for these settings: the running one, or a new one where settings or secrets changed.
    /// Settings that make no sense are kept inside the instance and told by its answers and its health.
    pub async fn instance(&self, settings: DatasourceSettings) -> Arc<Instance> {
        let fingerprint = self.fingerprint(&settings);
        let key = (settings.org_id, settings.uid.clone());
        if let Ok(running) = self.running_as(&key, &fingerprint) {
            return running;
        }
        // A dashboard asks many times at once: the first one builds, the others find what it built. Off the request
        // threads, since settings can be long and connecting loads certificates.
        let _building = self.building.lock().await;
        let before = match self.running_as(&key, &fingerprint) {
            Ok(running) => return running,
            Err(before) => before,
        };
        let hub = Arc::clone(&self.hub);
        let built = off_thread(move |_stop| build(&hub, settings, before.as_deref())).await;
        let instance = Arc::new(built.unwrap_or_else(|| Instance::broken(&self.hub)));
        self.put(key, fingerprint, &instance);
        instance
    }

    /// Stops all background work; returns when it has stopped or after half a second.
    pub async fn stop(&self) {
        let instances: Vec<Arc<Instance>> = {
            let mut running = self.lock();
            running.stopped = true;
            running.sweeper = None;
            std::mem::take(&mut running.instances).into_values().map(|slot| slot.instance).collect()
        };
        let readers = instances.iter().flat_map(|instance| instance.readers());
        futures::future::join_all(readers.map(|reader| reader.ended(STOPPING))).await;
    }

    /// Prometheus text lines of this app's own counters: no tags, accounts, paths or buckets in labels.
    #[must_use]
    pub fn metrics(&self) -> String {
        let instances: Vec<Arc<Instance>> =
            self.lock().instances.values().map(|slot| Arc::clone(&slot.instance)).collect();
        metrics::text(&self.hub, &instances)
    }

    /// The running instance of these settings, or the one to replace, if any.
    fn running_as(
        &self,
        key: &(i64, String),
        fingerprint: &blake3::Hash,
    ) -> Result<Arc<Instance>, Option<Arc<Instance>>> {
        let running = self.lock();
        match running.instances.get(key) {
            Some(slot) if slot.settings == *fingerprint => {
                slot.instance.touch();
                Ok(Arc::clone(&slot.instance))
            }
            other => Err(other.map(|slot| Arc::clone(&slot.instance))),
        }
    }

    /// Puts an instance into its place and ends what it replaces.
    fn put(&self, key: (i64, String), settings: blake3::Hash, instance: &Arc<Instance>) {
        let mut running = self.lock();
        if running.stopped {
            instance.readers().for_each(|reader| reader.end());
            return;
        }
        let slot = Slot { settings, instance: Arc::clone(instance) };
        if let Some(before) = running.instances.insert(key, slot) {
            end_unless_kept(&before.instance, instance);
        }
        if running.instances.len() > MOST {
            let longest = running.instances.iter().max_by_key(|(_, slot)| slot.instance.idle());
            if let Some(key) = longest.map(|(key, _)| key.clone())
                && let Some(slot) = running.instances.remove(&key)
            {
                slot.instance.readers().for_each(|reader| reader.end());
            }
        }
        if running.sweeper.is_none() {
            running.sweeper = Some(Task::start(sweep(Arc::downgrade(&self.running), Arc::clone(&self.hub))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under a key of this process, so that nothing about a secret can be learned from it. The display name is left out:
    /// it changes nothing.
    fn fingerprint(&self, settings: &DatasourceSettings) -> blake3::Hash {
        let mut hash = blake3::Hasher::new_keyed(&self.hub.key);
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(&settings.updated_ms.to_le_bytes());
        part(&settings.json_data);
        for (name, secret) in &settings.secrets {
            part(name.as_bytes());
            part(secret.expose_secret().as_bytes());
        }
        hash.finalize()
    }
}

#[cfg(test)]
impl App {
    /// Only before the first instance.
    pub(super) fn shorten_first_wait(&mut self, wait: Duration) {
        self.common().first_import = wait;
    }

    /// Only before the first instance.
    pub(super) fn shorten_back_off(&mut self, wait: Duration) {
        self.common().back_off = wait;
    }

    pub(super) fn drop_idle(&self, idle: Duration) {
        drop_idle(&self.running, idle);
    }

    /// Only before the first instance.
    pub(super) fn shorten_tick(&mut self, tick: Duration) {
        self.common().tick = tick;
    }

    fn common(&mut self) -> &mut super::common::Common {
        let hub = Arc::get_mut(&mut self.hub).expect("no instance yet");
        Arc::get_mut(&mut hub.common).expect("no reader yet")
    }
}

/// Ends the readers of an instance that its successor did not take over.
fn end_unless_kept(before: &Instance, after: &Instance) {
    let kept = |reader: &Arc<super::reader::Reader>| after.readers().any(|other| Arc::ptr_eq(other, reader));
    before.readers().filter(|reader| !kept(reader)).for_each(|reader| reader.end());
}

/// Builds an instance and forgets the secrets that it was built from.
fn build(hub: &Arc<Hub>, settings: DatasourceSettings, before: Option<&Instance>) -> Instance {
    let owner = Owner { org_id: settings.org_id, uid: settings.uid };
    Instance::build(hub, &owner, &settings.json_data, &settings.secrets, before)
}

/// Drops instances and stores that nobody asked for a long time, for as long as the app lives.
async fn sweep(running: std::sync::Weak<Mutex<Running>>, hub: Arc<Hub>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(running) = running.upgrade() else { return };
        drop_idle(&running, IDLE);
        hub.common.sweep_stores().await;
    }
}

fn drop_idle(running: &Mutex<Running>, idle: Duration) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    running.instances.retain(|_, slot| {
        let stays = slot.instance.idle() < idle;
        if !stays {
            slot.instance.readers().for_each(|reader| reader.end());
        }
        stays
    });
}
