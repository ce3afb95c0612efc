//! What went wrong with a source, in two wordings: in full for those who may edit the datasource, and without places,
//! hosts and provider words for everyone who sees a panel.

use crate::{ingest, sources, store};

/// Why the newest look at a source failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// For everyone: what it is about and who can mend it; no location.
    pub public: String,
    /// For editors: names the place and the way out.
    pub full: String,
    /// Who writes the store, where it is another process: then this one reads what that one imports.
    pub writer: Option<String>,
}

impl Trouble {
    /// A trouble whose text holds nothing to hide.
    pub(super) fn open(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { public: text.clone(), full: text, writer: None }
    }
}

impl From<&sources::Error> for Trouble {
    fn from(error: &sources::Error) -> Self {
        use sources::Error as E;
        let public = match error {
            E::Unreachable { .. } => "its location cannot be reached".into(),
            E::Denied { .. } => "access to its location is denied".into(),
            E::NotAllowed { .. } => "its location is not allowed by the operator of this Grafana, \
                 who can allow it with `outlay_local_roots` or `outlay_allowed_hosts`"
                .into(),
            E::NotFound { .. } => "its location does not exist".into(),
            E::Empty { .. } => "its location holds no billing export".into(),
            // Says which setting is wrong, never what it holds.
            E::Settings { why, .. } => why.clone(),
            E::Io { .. } => "one of its files cannot be read".into(),
            // These name files below the location only, as the list of deliveries does.
            E::Changed { .. }
            | E::UnknownFormat { .. }
            | E::UnsupportedVersion { .. }
            | E::Damaged { .. }
            | E::Manifest { .. }
            | E::TooLarge { .. }
            | E::AmbiguousDates { .. } => error.to_string(),
        };
        let public = format!("{public}; \"Save & test\" of the datasource says more");
        Self { public, full: error.to_string(), writer: None }
    }
}

impl From<&store::Error> for Trouble {
    fn from(error: &store::Error) -> Self {
        let writer = match error {
            store::Error::Locked { owner } => Some(owner.clone()),
            store::Error::Unusable { .. }
            | store::Error::Damaged { .. }
            | store::Error::NewerFormat { .. }
            | store::Error::DiskFull { .. }
            | store::Error::Io { .. } => None,
        };
        Self { writer, ..Self::open(error.to_string()) }
    }
}

impl From<&ingest::Error> for Trouble {
    fn from(error: &ingest::Error) -> Self {
        match error {
            ingest::Error::Source(error) => error.into(),
            ingest::Error::Store(error) => error.into(),
            ingest::Error::NotReconciled { .. }
            | ingest::Error::Overflow { .. }
            | ingest::Error::Stopped
            | ingest::Error::Panicked => Self::open(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_do_not_learn_where_bills_lie() {
        let place = || "s3://secret-bucket".to_owned();
        let errors = [
            sources::Error::Unreachable { place: place(), why: "secret-bucket.s3 timed out".into() },
            sources::Error::Denied { place: place(), why: "secret-bucket: AccessDenied".into() },
            sources::Error::NotAllowed { place: place(), why: "secret-bucket".into() },
            sources::Error::NotFound { place: place() },
            sources::Error::Empty { place: place(), found: "secret-bucket/readme".into() },
        ];
        for error in errors {
            let trouble = Trouble::from(&ingest::Error::Source(error.clone()));
            assert!(!trouble.public.contains("secret-bucket"), "{}", trouble.public);
            assert!(trouble.full.contains("secret-bucket"), "{}", trouble.full);
        }
        let damaged =
            sources::Error::Damaged { file: "2026-10/a.csv".into(), place: "row 3".into(), why: "torn".into() };
        assert!(Trouble::from(&damaged).public.contains("2026-10/a.csv"));
    }

    #[test]
    fn another_writer_is_no_fault() {
        let trouble = Trouble::from(&store::Error::Locked { owner: "process 7".into() });
        assert_eq!(trouble.writer.as_deref(), Some("process 7"));
    }
}
