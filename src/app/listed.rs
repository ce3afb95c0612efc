//! A place whose listing was just made: it is given to whoever lists next, so that waiting for a slow or silent place
//! needs no turn among the imports, and a place is not listed twice.

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
        let listing = place.list().await?;
        Ok(Self { place, newest: Mutex::new(Some((Moment::now(), listing))) })
    }
}

#[async_trait]
impl BillingSource for Listed {
    async fn list(&self) -> Result<Listing, Error> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
        match newest {
            Some((at, listing)) if at.elapsed() < FRESH => Ok(listing),
            _ => self.place.list().await,
        }
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        self.place.open(file).await
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.place.confirm(file).await
    }
}
