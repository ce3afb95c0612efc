//! The sources of one datasource: each one's place checked, and its reader found running or started.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::checked::{Billing, Place, Problem};
use super::connector::{Owner, Prepared};
use super::hub::Hub;
use super::instance::Instance;
use super::reader::{Manner, Reader};
use super::trouble::Trouble;
use crate::query::{SourceState, SourceView};

/// A source as this datasource names it.
#[derive(Debug)]
pub(super) struct Attached {
    /// Its id, or its path in the settings where it has none.
    pub id: String,
    /// Its reader, or why it is not read.
    pub reader: Result<Arc<Reader>, Trouble>,
}

impl Attached {
    /// The source as a query sees it.
    pub(super) fn view(&self) -> SourceView {
        match &self.reader {
            Ok(reader) => reader.view(&self.id),
            Err(trouble) => SourceView {
                id: self.id.clone(),
                snapshot: Arc::default(),
                state: SourceState::Failed,
                message: trouble.public.clone(),
                failures: Vec::new(),
            },
        }
    }

    /// The fingerprint of whose data it is; empty where nothing is read.
    pub(super) fn identity(&self) -> &str {
        self.reader.as_ref().map_or("", |reader| reader.identity())
    }
}

/// All sources, in the order of their ids. Readers of the instance before are kept where they read the same.
pub(super) fn attach_all(
    hub: &Hub,
    owner: &Owner,
    billing: &[Billing],
    secrets: &BTreeMap<String, SecretString>,
    before: Option<&Instance>,
) -> Vec<Attached> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut sources: Vec<Attached> = billing
        .iter()
        .map(|billing| {
            let own = secrets_of(&billing.id, secrets);
            let reader =
                prepare(hub, owner, billing, own, &mut taken).map(|prepared| attach(hub, billing, prepared, before));
            Attached { id: billing.id.clone(), reader }
        })
        .collect();
    sources.sort_by(|a, b| a.id.cmp(&b.id));
    sources
}

/// The secrets of one source, by field.
fn secrets_of(id: &str, secrets: &BTreeMap<String, SecretString>) -> BTreeMap<String, SecretString> {
    let prefix = format!("billing.{id}.");
    let own = secrets.iter().filter_map(|(name, secret)| Some((name.strip_prefix(&prefix)?, secret)));
    own.filter(|(_, secret)| !secret.expose_secret().is_empty())
        .map(|(field, secret)| (field.to_owned(), secret.clone()))
        .collect()
}

/// A source that can be connected to, or why not. Two sources that read the same would count every cost twice.
fn prepare(
    hub: &Hub,
    owner: &Owner,
    billing: &Billing,
    secrets: BTreeMap<String, SecretString>,
    taken: &mut BTreeMap<String, String>,
) -> Result<Prepared, Trouble> {
    if !billing.problems.is_empty() {
        let all: Vec<String> = billing.problems.iter().map(ToString::to_string).collect();
        return Err(Trouble::open(all.join("; ")));
    }
    let prepared = hub.connector.prepare(owner, billing, secrets).map_err(|error| {
        let trouble = Trouble::from(&error);
        let told = |text: String| format!("{} (source `{}`): {text}", billing.path, billing.id);
        Trouble { public: told(trouble.public), full: told(trouble.full), ..trouble }
    })?;
    if let Some(first) = taken.get(prepared.place()) {
        let why = format!("reads the same as source `{first}`, which would count every cost twice; remove one of them");
        let problem = Problem { path: format!("{}.location", billing.path), why };
        return Err(Trouble::open(problem.to_string()));
    }
    taken.insert(prepared.place().to_owned(), billing.id.clone());
    Ok(prepared)
}

/// The running reader of the same source, a new one over its store where it is read in another manner, or a new one.
fn attach(hub: &Hub, billing: &Billing, prepared: Prepared, before: Option<&Instance>) -> Arc<Reader> {
    let connection = prepared.connection(&hub.key);
    let manner = Manner {
        text: format!("{:?} {:?} {} {connection}", billing.place, billing.format, billing.rules.version()),
        rules: billing.rules.clone(),
        format: billing.format,
        daily: billing.place == Place::Sample,
        refresh: billing.refresh,
    };
    let identity = prepared.fingerprint(&hub.key);
    let held = before.and_then(|before| before.readers().find(|reader| reader.identity() == identity));
    match held {
        Some(reader) if reader.reads_like(&manner) => {
            reader.set_refresh(manner.refresh);
            Arc::clone(reader)
        }
        held => Reader::start(&hub.common, identity, prepared, manner, held.map(AsRef::as_ref)),
    }
}
