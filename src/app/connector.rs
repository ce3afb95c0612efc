//! From a checked billing source to something that can be read: its definition, its connection, its store.
//! The only place of this room that names kinds of places.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::checked::{Billing, Place};
use super::limits::Operator;
use crate::model::Clock;
use crate::sources::location::{self, Allowed, PlaceSettings};
use crate::sources::sample::SampleSource;
use crate::sources::{BillingSource, Error, Format};
use crate::store::identity::IdentityKey;
use crate::store::{self, Store};

/// Size of the sample that a datasource without settings serves.
const SAMPLE_SCALE: u32 = 1;

/// Whose source it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// Organization.
    pub org_id: i64,
    /// Uid of the datasource.
    pub uid: String,
}

/// A source that can be connected to.
pub(super) struct Prepared {
    owner: Owner,
    place: String,
    format: Format,
    secrets: BTreeMap<String, SecretString>,
    link: Link,
}

/// Connects to a place. May touch the disk, so it is called off the request threads.
pub(super) type Link = Box<dyn Fn() -> Result<Arc<dyn BillingSource>, Error> + Send + Sync>;

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared source of org {}", self.owner.org_id)
    }
}

impl Prepared {
    /// A source over any link. `place` is what makes it this place and not another; `secrets` are its own, by field.
    pub(super) fn new(
        owner: &Owner,
        billing: &Billing,
        place: String,
        secrets: BTreeMap<String, SecretString>,
        link: Link,
    ) -> Self {
        Self { owner: owner.clone(), place, format: billing.format, secrets, link }
    }

    /// What makes the place this one and not another, without its credentials.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// A fingerprint of whose data it is: owner, definition, lasting credentials; under a key of this process.
    pub(super) fn fingerprint(&self, key: &[u8; 32]) -> String {
        let mut parts = Parts::new(key);
        parts.add(&self.owner.org_id.to_string());
        parts.add(&self.owner.uid);
        parts.add(&self.definition());
        for (field, secret) in self.secrets.iter().filter(|(field, _)| lasts(field)) {
            parts.add(field);
            parts.add(secret.expose_secret());
        }
        parts.finish()
    }

    /// A fingerprint of all secrets, passing ones too: with another one, the source is connected anew.
    pub(super) fn connection(&self, key: &[u8; 32]) -> String {
        let mut parts = Parts::new(key);
        for (field, secret) in &self.secrets {
            parts.add(field);
            parts.add(secret.expose_secret());
        }
        parts.finish()
    }

    fn definition(&self) -> String {
        format!("{}format={:?}\n", self.place, self.format)
    }

    /// Connects; touches the disk at most.
    ///
    /// # Errors
    /// As the place fails.
    pub(super) fn connect(&self) -> Result<Arc<dyn BillingSource>, Error> {
        (self.link)()
    }

    /// Opens the store of this source below `base`; gives its identity on this machine's disk too.
    ///
    /// # Errors
    /// Where the directory cannot be used.
    pub(super) fn open_store(&self, base: &Path) -> Result<(String, Store), store::Error> {
        let key = IdentityKey::open(base)?;
        let secrets = self.secrets.iter().filter(|(field, _)| lasts(field));
        let secrets = secrets.map(|(field, secret)| (field.as_str(), secret.expose_secret().as_bytes()));
        let identity = key.identity(self.owner.org_id, &self.owner.uid, &self.definition(), secrets);
        let store = Store::open(&key.store_dir(&identity), &identity)?;
        Ok((identity, store))
    }
}

/// False for secrets that change all the time and say nothing about who is meant.
fn lasts(field: &str) -> bool {
    field != "sessionToken"
}

/// Hashes parts one after another, each with its length, so that no two lists of parts run together.
struct Parts(blake3::Hasher);

impl Parts {
    fn new(key: &[u8; 32]) -> Self {
        Self(blake3::Hasher::new_keyed(key))
    }

    fn add(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// Makes sources readable; tests bring their own.
pub(super) trait Connector: Send + Sync + fmt::Debug {
    /// Checks where the source lies and whether that is allowed, without touching it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], [`Error::Settings`].
    fn prepare(
        &self,
        owner: &Owner,
        billing: &Billing,
        secrets: BTreeMap<String, SecretString>,
    ) -> Result<Prepared, Error>;
}

/// The real places.
#[derive(Debug)]
pub(super) struct Places {
    allowed: Allowed,
    clock: Arc<dyn Clock>,
}

impl Places {
    /// Places as far as the operator allows them. Outlay's own store is never read as an export, nor is Grafana's data
    /// directory around it.
    pub(super) fn new(operator: &Operator, clock: &Arc<dyn Clock>) -> Self {
        let allowed = Allowed {
            local_roots: operator.local_roots.clone(),
            hosts: operator.allowed_hosts.clone(),
            ambient_identity: operator.ambient_identity.clone(),
            forbidden: operator.forbidden(),
            spool_dir: operator.store_dir.join("spool"),
        };
        Self { allowed, clock: Arc::clone(clock) }
    }
}

impl Connector for Places {
    fn prepare(
        &self,
        owner: &Owner,
        billing: &Billing,
        secrets: BTreeMap<String, SecretString>,
    ) -> Result<Prepared, Error> {
        let (location, region, endpoint, path_style) = match &billing.place {
            Place::Sample => return Ok(self.sample(owner, billing, secrets)),
            Place::Export { location, region, endpoint, path_style } => (location, region, endpoint, path_style),
        };
        let settings = PlaceSettings {
            source_id: billing.id.clone(),
            location: location.clone(),
            region: region.clone(),
            endpoint: endpoint.clone(),
            path_style: *path_style,
            since: billing.rules.since,
            access_key_id: secrets.get("accessKeyId").cloned(),
            secret_access_key: secrets.get("secretAccessKey").cloned(),
            session_token: secrets.get("sessionToken").cloned(),
        };
        let place = location::check(&settings, &self.allowed)?.definition();
        // Connecting opens nothing, so that missing keys are told when the settings are read.
        let source = location::connect(&settings, &self.allowed)?;
        let link = Box::new(move || Ok(Arc::clone(&source)));
        Ok(Prepared::new(owner, billing, place, secrets, link))
    }
}

impl Places {
    /// The made-up company as of today; its data ends yesterday.
    fn sample(&self, owner: &Owner, billing: &Billing, secrets: BTreeMap<String, SecretString>) -> Prepared {
        let clock = Arc::clone(&self.clock);
        let link = Box::new(move || {
            let source: Arc<dyn BillingSource> = Arc::new(SampleSource::new(clock.now().day(), SAMPLE_SCALE));
            Ok(source)
        });
        Prepared::new(owner, billing, "provider=sample\n".into(), secrets, link)
    }
}
