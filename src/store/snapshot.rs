//! A generation held open by a reader: its deliveries, their daily sums and their rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::Error;
use super::load;
use super::part::{MISSING, Parts};
use super::{DeliveryRecord, PartRef};
use crate::model::{Dimension, Number, Period, Table};

/// A generation held open by a reader.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Number of the generation; 0 for the empty one before the first commit.
    pub generation: u64,
    /// What it holds, ordered by key.
    pub deliveries: Vec<Arc<DeliveryRecord>>,
    /// What readers must know: quarantined parts, a fallback to the generation before.
    pub notes: Vec<String>,
    /// Where its parts are; `None` for a snapshot without a store.
    pub(crate) parts: Option<Arc<Parts>>,
}

impl Snapshot {
    /// The daily sums of one delivery, verified at first use, then kept in memory.
    ///
    /// # Errors
    /// [`Error::Damaged`]: the part went to quarantine and is imported again at the next refresh.
    pub fn day(&self, delivery: &DeliveryRecord) -> Result<Arc<Table>, Error> {
        match self.part(delivery.parts.day.as_ref()) {
            None => Ok(Arc::default()),
            Some((parts, part)) => parts.day(part).map_err(|error| self.told(parts, part, error)),
        }
    }

    /// The rows of one delivery whose charges start inside the period, batch by batch, with only the asked columns.
    /// Each table has [`crate::model::Times::Instants`] and a count of 1 in each row.
    ///
    /// # Errors
    /// As [`Snapshot::day`].
    pub fn detail(
        &self,
        delivery: &DeliveryRecord,
        period: Period,
        dimensions: &[Dimension],
        numbers: &[Number],
    ) -> Result<Box<dyn Iterator<Item = Result<Table, Error>> + Send>, Error> {
        let Some((parts, part)) = self.part(delivery.parts.detail.as_ref()) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let open = parts.detail(part).map_err(|error| self.told(parts, part, error))?;
        let (parts, hash) = (Arc::clone(parts), part.hash.clone());
        Ok(Box::new(open.tables(period, dimensions, numbers).map(move |table| {
            table.map_err(|why| {
                parts.set_aside(&hash, &why);
                Error::Damaged { part: super::layout::short(&hash), why }
            })
        })))
    }

    /// Keys of the deliveries that have a damaged part and must be imported again, in order.
    #[must_use]
    pub fn damaged(&self) -> Vec<String> {
        let Some(parts) = &self.parts else { return Vec::new() };
        let hurt = |delivery: &&Arc<DeliveryRecord>| !parts.damage_of(delivery).is_empty();
        self.deliveries.iter().filter(hurt).map(|delivery| delivery.key.clone()).collect()
    }

    /// Loads all daily sums, so that the first panel does not wait for them. Damaged ones are found by this, too.
    pub fn warm(&self) {
        for delivery in &self.deliveries {
            if let Err(error) = self.day(delivery) {
                tracing::warn!(%error, "daily sums cannot be loaded");
            }
        }
    }

    /// Checks a part of this generation without keeping it.
    pub(crate) fn check(&self, part: &PartRef) -> Result<(), Error> {
        match self.part(Some(part)) {
            None => Ok(()),
            Some((parts, part)) => parts.check(part).map_err(|error| self.told(parts, part, error)),
        }
    }

    /// Hashes of all parts that this generation names.
    pub(crate) fn named(&self) -> BTreeSet<String> {
        self.deliveries.iter().flat_map(|delivery| delivery.parts.all()).map(|part| part.hash.clone()).collect()
    }

    fn part<'s>(&'s self, part: Option<&'s PartRef>) -> Option<(&'s Arc<Parts>, &'s PartRef)> {
        Some((self.parts.as_ref()?, part?))
    }

    /// A part that is gone is damage if the generation in force still names it; else this snapshot is just too old.
    fn told(&self, parts: &Parts, part: &PartRef, error: Error) -> Error {
        if !matches!(error, Error::Io { action: MISSING, .. }) {
            return error;
        }
        let newest = load::load(parts);
        let named = newest.deliveries.iter().any(|delivery| delivery.parts.all().any(|other| other.hash == part.hash));
        if named {
            let why = "its file is gone";
            parts.set_aside(&part.hash, why);
            return Error::Damaged { part: super::layout::short(&part.hash), why: why.into() };
        }
        Error::Io {
            action: "answer from this generation",
            why: format!("{} has been replaced by {} meanwhile; ask again", self.generation, newest.generation),
        }
    }
}
