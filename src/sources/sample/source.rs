//! The sample as a billing source: one delivery for each billing month, its file made when it is opened.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use parquet::basic::Compression;

use super::catalog::Catalog;
use super::export::{Columns, Money, write_parquet};
use super::month::Edition;
use super::planted::RESTATED;
use super::seed::SEED;
use super::timeline::Timeline;
use crate::model::{Day, Month};
use crate::sources::{BillingSource, Content, Delivery, Error, FileRef, Listing};

/// Changes whenever the generator makes other rows than before.
const GENERATOR: u32 = 2;

/// About how many bytes a day's rows take in a file, for progress only.
const BYTES_A_DAY: u64 = 3_000;

/// The sample of a date: 18 billing months, the newest up to the day before.
#[derive(Debug)]
pub struct SampleSource {
    timeline: Timeline,
    scale: u32,
    edition: Edition,
    catalog: OnceLock<Arc<Catalog>>,
}

impl SampleSource {
    /// The sample with rows for all days before `until`, each client's resources `scale` times.
    #[must_use]
    pub fn new(until: Day, scale: u32) -> Self {
        let timeline = Timeline::ending(until);
        Self { timeline, scale: scale.max(1), edition: Edition::Last, catalog: OnceLock::new() }
    }

    /// The same before the restated month was delivered again: that month lacks rows and has another version.
    #[must_use]
    pub fn before_restatement(mut self) -> Self {
        self.edition = Edition::First;
        self
    }

    /// The catalogue behind it, made at first use.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(self.catalog.get_or_init(|| Arc::new(Catalog::new(self.timeline, self.scale))))
    }

    /// What the content of a month depends on. Days count for the newest month only, so the others keep theirs.
    fn version(&self, month: Month) -> String {
        let newest = self.timeline.newest;
        let mut version = format!("sample-{GENERATOR}-{SEED:x}-x{}-{newest}", self.scale);
        if month == newest {
            version.push_str(&format!("-{:?}", self.timeline.until));
        }
        if month.0 == newest.0 - RESTATED.0 && self.edition == Edition::First {
            version.push_str("-first");
        }
        version
    }

    fn delivery(&self, month: Month) -> Delivery {
        let (from, to) = self.timeline.days(month);
        let days = u64::try_from(to.0 - from.0).unwrap_or(0);
        let version = self.version(month);
        let file = FileRef {
            path: format!("sample/{month}.parquet"),
            // The file is made when it is opened: this is what it will be about.
            size: days * BYTES_A_DAY * u64::from(self.scale),
            version: version.clone(),
        };
        Delivery { key: format!("sample/{month}"), version, month: Some(month), complete: true, files: vec![file] }
    }

    /// The month of a file of this listing.
    fn month_of(&self, file: &FileRef) -> Result<Month, Error> {
        let name = file.path.strip_prefix("sample/").and_then(|rest| rest.strip_suffix(".parquet"));
        let month = name.and_then(Month::parse).filter(|month| self.timeline.months().any(|one| one == *month));
        let month = month.ok_or_else(|| Error::NotFound { place: file.path.clone() })?;
        if file.version == self.version(month) { Ok(month) } else { Err(Error::Changed { file: file.path.clone() }) }
    }
}

#[async_trait]
impl BillingSource for SampleSource {
    async fn list(&self) -> Result<Listing, Error> {
        let deliveries = self.timeline.months().map(|month| self.delivery(month)).collect();
        Ok(Listing { deliveries, ..Listing::default() })
    }

    async fn open(&self, file: &FileRef) -> Result<Content, Error> {
        let month = self.month_of(file)?;
        let catalog = self.catalog();
        let edition = self.edition;
        // A month takes some milliseconds of work, which the request threads must not do.
        let made = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let rows = catalog.month(month, edition);
            let how = (Columns::Lean, Money::Decimal18, Compression::UNCOMPRESSED);
            write_parquet(&catalog, month, rows, how, &mut bytes).map(|_rows| bytes)
        });
        let failed = |why: String| Error::Io { file: file.path.clone(), why };
        let bytes =
            made.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        Ok(Content::Bytes(Bytes::from(bytes)))
    }

    async fn confirm(&self, file: &FileRef) -> Result<(), Error> {
        self.month_of(file).map(|_month| ())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::truth::of_catalog;
    use super::*;
    use crate::model::Instant;
    use crate::sources::{Format, open_reader};

    fn source(year: i32, month: u32, day: u32) -> SampleSource {
        SampleSource::new(Instant::midnight(year, month, day).unwrap().day(), 1)
    }

    async fn listed(source: &SampleSource) -> Vec<Delivery> {
        source.list().await.unwrap().deliveries
    }

    async fn bytes(source: &SampleSource, delivery: &Delivery) -> Bytes {
        match source.open(&delivery.files[0]).await.unwrap() {
            Content::Bytes(bytes) => bytes,
            Content::File(file) => panic!("{file:?}"),
        }
    }

    #[tokio::test]
    async fn each_month_is_a_complete_delivery_of_one_file() {
        let deliveries = listed(&source(2026, 11, 24)).await;
        assert_eq!(deliveries.len(), 18);
        assert_eq!(deliveries[0].key, "sample/2025-06");
        assert_eq!(deliveries[17].month, Some(Month::of(2026, 11)));
        assert!(deliveries.iter().all(|one| one.complete && one.files.len() == 1 && one.files[0].size > 0));
    }

    #[tokio::test]
    async fn the_same_date_gives_the_same_bytes() {
        let (one, other) = (source(2026, 11, 24), source(2026, 11, 24));
        let deliveries = listed(&one).await;
        assert_eq!(deliveries, listed(&other).await);
        // In another order: a month does not depend on those made before it.
        let mut others = Vec::new();
        for at in [17, 15, 6, 0] {
            others.push((at, bytes(&other, &deliveries[at]).await));
        }
        for (at, bytes_of_other) in others.into_iter().rev() {
            assert_eq!(bytes(&one, &deliveries[at]).await, bytes_of_other, "{}", deliveries[at].key);
        }
    }

    #[tokio::test]
    async fn a_day_later_only_the_newest_month_is_another() {
        let (today, tomorrow) = (source(2026, 11, 24), source(2026, 11, 25));
        let (before, after) = (listed(&today).await, listed(&tomorrow).await);
        assert_eq!(before[..17], after[..17]);
        assert_ne!(before[17].version, after[17].version);
        for at in [0, 9, 16] {
            assert_eq!(bytes(&today, &before[at]).await, bytes(&tomorrow, &after[at]).await, "{}", before[at].key);
        }
        assert!(bytes(&today, &before[17]).await.len() < bytes(&tomorrow, &after[17]).await.len());
        // On the second of a month the sample moves on by a month, and everything in it.
        let next = listed(&source(2026, 12, 2)).await;
        assert!(next.iter().all(|one| !before.iter().any(|other| other.version == one.version)));
        assert_eq!(next[0].key, "sample/2025-07");
    }

    #[tokio::test]
    async fn the_first_delivery_of_the_restated_month_is_shorter() {
        let (last, first) = (source(2026, 11, 24), source(2026, 11, 24).before_restatement());
        let (full, short) = (listed(&last).await, listed(&first).await);
        let other: Vec<usize> = (0..18).filter(|at| full[*at].version != short[*at].version).collect();
        assert_eq!(other, [15]);
        assert_eq!(full[15].key, short[15].key);
        assert!(bytes(&first, &short[15]).await.len() < bytes(&last, &full[15]).await.len());
    }

    #[tokio::test]
    async fn only_what_is_listed_can_be_opened() {
        let source = source(2026, 11, 24);
        let file = listed(&source).await[3].files[0].clone();
        assert_eq!(source.confirm(&file).await, Ok(()));
        let older = FileRef { version: "sample-0".into(), ..file.clone() };
        assert_eq!(source.confirm(&older).await, Err(Error::Changed { file: file.path.clone() }));
        assert!(matches!(source.open(&older).await, Err(Error::Changed { .. })));
        for path in ["sample/2025-05.parquet", "sample/2026-12.parquet", "sample/x.parquet", "../2026-09.parquet"] {
            let file = FileRef { path: path.into(), ..file.clone() };
            assert_eq!(source.confirm(&file).await, Err(Error::NotFound { place: path.into() }));
        }
    }

    /// The ordinary walk: what the sample serves, read by the reader of all FOCUS exports, is the truth, and needs no repair.
    #[tokio::test]
    async fn the_ordinary_reader_finds_the_truth_in_it() {
        let source = source(2026, 11, 24);
        let truth = of_catalog(&source.catalog());
        for delivery in listed(&source).await {
            let file = &delivery.files[0];
            let mut reader = open_reader(file, source.open(file).await.unwrap(), Format::Auto).unwrap();
            while let Some(rows) = reader.next_rows().unwrap() {
                assert!(rows.billing_start.iter().all(|start| Some(start.month()) == delivery.month));
            }
            let report = reader.report();
            assert_eq!(report.format, "FOCUS 1.2");
            assert_eq!((&report.rejects, &report.repairs), (&BTreeMap::new(), &BTreeMap::new()), "{}", file.path);
            assert_eq!(report.ignored_columns, Vec::<String>::new());
            let totals = truth.total(|key| Some(key.month) == delivery.month);
            assert_eq!(report.rows_kept, totals.values().map(|sums| sums.rows).sum::<u64>(), "{}", file.path);
            for (currency, sums) in totals {
                let costs = [
                    ("BilledCost", sums.billed),
                    ("EffectiveCost", sums.effective),
                    ("ContractedCost", sums.contracted),
                    ("ListCost", sums.list),
                ];
                for (column, cost) in costs {
                    let control = report.control.get(&format!("{column} {currency}"));
                    assert_eq!(control, Some(&cost.to_string()), "{} {column} {currency}", file.path);
                }
            }
        }
    }
}
