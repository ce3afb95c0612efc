//! All instances of this process: found by whose they are, replaced when their settings change, dropped when idle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::connector::{Connector, Owner, Places};
use super::hub::Hub;
use super::instance::Instance;
use super::tasks::Task;
use super::{DatasourceSettings, Operator, metrics};
use crate::model::Clock;

/// An instance that nobody asked for this long is dropped, and its background work with it. More than a day, so that a
/// dashboard that is opened each morning finds fresh data.
const IDLE: Duration = Duration::from_secs(26 * 3_600);
/// How often idle instances are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Time to stop all work in.
const STOPPING: Duration = Duration::from_millis(500);

/// All instances of this process.
#[derive(Debug)]
pub struct App {
    /// What the operator allows.
    pub operator: Operator,
    hub: Arc<Hub>,
    running: Arc<Mutex<Running>>,
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
        Self { operator, hub, running: Arc::default() }
    }

    /// The instance for these settings: the running one, or a new one where settings or secrets changed.
    /// Settings that make no sense are kept inside the instance and told by its answers and its health.
    pub async fn instance(&self, settings: DatasourceSettings) -> Arc<Instance> {
        let fingerprint = self.fingerprint(&settings);
        let owner = Owner { org_id: settings.org_id, uid: settings.uid };
        let key = (owner.org_id, owner.uid.clone());
        let mut running = self.lock();
        let before = running.instances.get(&key);
        if let Some(slot) = before
            && slot.settings == fingerprint
        {
            slot.instance.touch();
            return Arc::clone(&slot.instance);
        }
        let before = before.map(|slot| Arc::clone(&slot.instance));
        let (json, secrets) = (&settings.json_data, &settings.secrets);
        let instance = Arc::new(Instance::build(&self.hub, &owner, json, secrets, before.as_deref()));
        if let Some(before) = before {
            end_unless_kept(&before, &instance);
        }
        if running.stopped {
            instance.readers().for_each(|reader| reader.end());
            return instance;
        }
        running.instances.insert(key, Slot { settings: fingerprint, instance: Arc::clone(&instance) });
        if running.sweeper.is_none() {
            running.sweeper = Some(Task::start(sweep(Arc::downgrade(&self.running))));
        }
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

    fn common(&mut self) -> &mut super::reader::Common {
        let hub = Arc::get_mut(&mut self.hub).expect("no instance yet");
        Arc::get_mut(&mut hub.common).expect("no reader yet")
    }
}

/// Ends the readers of an instance that its successor did not take over.
fn end_unless_kept(before: &Instance, after: &Instance) {
    let kept = |reader: &Arc<super::reader::Reader>| after.readers().any(|other| Arc::ptr_eq(other, reader));
    before.readers().filter(|reader| !kept(reader)).for_each(|reader| reader.end());
}

/// Drops instances that nobody asked for a long time, for as long as the app lives.
async fn sweep(running: std::sync::Weak<Mutex<Running>>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(running) = running.upgrade() else { return };
        drop_idle(&running, IDLE);
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
