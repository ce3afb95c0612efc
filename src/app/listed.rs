//! A place whose listing was just made: it is given to whoever lists next, so that waiting for a slow or silent place
//! needs no turn among the imports, and a place is not listed twice. What goes wrong with a single delivery is shown to
//! every viewer, so it leaves here without the name of the bucket or host.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use async_trait::async_trait;

use crate::sources::{BillingSource, Content, Error, FileRef, Listing};

/// A listing that waited longer than this is made anew.
const FRESH: Duration = Duration::from_secs(30);

/// A place with its newest listing.
#[derive(Debug)]
pub(super) struct Listed {
    place: Arc<dyn BillingSource>,
    newest: Mutex<Option<(Moment, Listing)>>,
}

impl Listed {
    /// Lists the place now.
    ///
    /// # Errors
    /// As the place fails.
    pub(super) async fn now(place: Arc<dyn BillingSource>) -> Result<Self, Error> {
        let listing = without_places(place.list().await?);
        Ok(Self { place, newest: Mutex::new(Some((Moment::now(), listing))) })
    }
}

#[async_trait]
impl BillingSource for Listed {
    async fn list(&self) -> Result<Listing, Error> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
        match newest {
            Some((at, listing)) if at.elapsed() < FRESH => Ok(listing),
            _ => self.place.list().await.map(without_places),
        }
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        self.place.open(file).await.map_err(without_place)
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.place.confirm(file).await.map_err(without_place)
    }
}

fn without_places(mut listing: Listing) -> Listing {
    let failures = std::mem::take(&mut listing.failures);
    listing.failures = failures.into_iter().map(|(key, error)| (key, without_place(error))).collect();
    listing
}

fn without_place(error: Error) -> Error {
    const PLACE: &str = "the source's location";
    let hidden = |place: &str, why: &str| why.replace(place, PLACE);
    match error {
        Error::Unreachable { place, why } => Error::Unreachable { why: hidden(&place, &why), place: PLACE.into() },
        Error::Denied { place, why } => Error::Denied { why: hidden(&place, &why), place: PLACE.into() },
        Error::NotAllowed { place, why } => Error::NotAllowed { why: hidden(&place, &why), place: PLACE.into() },
        Error::NotFound { .. } => Error::NotFound { place: PLACE.into() },
        Error::Empty { found, .. } => Error::Empty { place: PLACE.into(), found },
        // The others name files below the location.
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_single_deliveries_say_names_no_place() {
        let place = || "bucket.example.com".to_owned();
        let why = || "bucket.example.com timed out".to_owned();
        let errors = [
            Error::Unreachable { place: place(), why: why() },
            Error::Denied { place: place(), why: why() },
            Error::NotAllowed { place: place(), why: why() },
            Error::NotFound { place: place() },
        ];
        for error in errors {
            let text = without_place(error).to_string();
            assert!(text.contains("the source's location") && !text.contains("bucket"), "{text}");
        }
        let torn = Error::Damaged { file: "a.csv".into(), place: "row 3".into(), why: "torn".into() };
        assert_eq!(without_place(torn.clone()), torn);
    }
}
