//! One delivery from its files to a record that can be published: read, allocate, roll up, reconcile.

use std::collections::BTreeMap;

use super::month::Months;
use super::reconcile::{self, Read};
use super::rollup::Rollup;
use super::schedule::Work;
use super::{Error, Job, wait};
use crate::model::{Amount, Month, Rejects, Repairs, Rows, Tally};
use crate::sources::{self, ReadReport};
use crate::store::{DeliveryRecord, PartWriter, Writer};

/// Length of a version as people read it.
const LABEL: usize = 12;

/// Imports one delivery. Nothing is visible until the writer commits the record.
///
/// # Errors
/// [`Error`]; the parts written so far are discarded.
pub(super) fn import(
    job: &Job,
    runtime: &tokio::runtime::Handle,
    writer: &mut Writer<'_>,
    work: &Work,
) -> Result<DeliveryRecord, Error> {
    let delivery = &work.delivery;
    let mut reading = Reading {
        job,
        key: &delivery.key,
        part: writer.part().map_err(Error::Store)?,
        rollup: Rollup::new(&job.rules.promoted_tags),
        months: Months::default(),
        left_out: Months::default(),
        read: Read::default(),
        told: Told::default(),
    };
    for file in &delivery.files {
        let content = wait(runtime, &job.stop, job.source.open(file))??;
        reading.file(file, content)?;
        wait(runtime, &job.stop, job.source.confirm(file))??;
        job.progress.file_done(file.size);
    }
    let Reading { part, rollup, months, left_out, read, told, .. } = reading;
    let day = rollup.finish().map_err(|column| overflow(&delivery.key, column.name()))?;
    reconcile::check(&delivery.key, &read, &[&months, &left_out], &months, &day)?;
    let parts = part.finish(&day).map_err(Error::Store)?;
    Ok(DeliveryRecord {
        key: delivery.key.clone(),
        version: work.version.clone(),
        label: label(&delivery.version),
        imported: Some(job.clock.now()),
        complete: delivery.complete,
        format: told.formats.join(", "),
        months: months.records(),
        rejects: told.rejects,
        rejected_cost: told.rejected_cost.into_iter().map(|(name, sum)| (name, sum.to_string())).collect(),
        repairs: told.repairs,
        ignored_columns: told.ignored_columns,
        parts,
    })
}

/// What is gathered while the files of one delivery are read.
struct Reading<'a> {
    job: &'a Job,
    key: &'a str,
    part: PartWriter,
    rollup: Rollup,
    months: Months,
    /// Rows before the `since` of the source: read, and counted, but not kept.
    left_out: Months,
    read: Read,
    told: Told,
}

impl Reading<'_> {
    fn file(&mut self, file: &sources::FileRef, content: sources::Content) -> Result<(), Error> {
        let mut reader = sources::open_reader(file, content, self.job.format)?;
        while let Some(rows) = reader.next_rows()? {
            if self.job.stop.stopped() {
                return Err(Error::Stopped);
            }
            self.job.progress.rows_read(rows.len());
            self.rows(rows)?;
        }
        let report = reader.report();
        self.read.add(self.key, report)?;
        self.told.add(&file.path, report).map_err(|column| overflow(self.key, &column))?;
        Ok(())
    }

    fn rows(&mut self, rows: Rows) -> Result<(), Error> {
        let mut rows = match self.job.rules.since {
            Some(since) => self.since(rows, since)?,
            None => rows,
        };
        if rows.is_empty() {
            return Ok(());
        }
        self.job.rules.apply(&mut rows);
        self.months.add(&rows).map_err(|column| overflow(self.key, column.name()))?;
        self.rollup.add(&rows).map_err(|column| overflow(self.key, column.name()))?;
        self.part.write(&rows).map_err(Error::Store)
    }

    fn since(&mut self, rows: Rows, since: Month) -> Result<Rows, Error> {
        let (kept, early): (Vec<usize>, Vec<usize>) =
            (0..rows.len()).partition(|row| rows.billing_start[*row].month() >= since);
        if early.is_empty() {
            return Ok(rows);
        }
        self.left_out.add(&rows.take(&early)).map_err(|column| overflow(self.key, column.name()))?;
        Ok(rows.take(&kept))
    }
}

/// What the readers said about the files, put together.
#[derive(Default)]
struct Told {
    formats: Vec<String>,
    rejects: Rejects,
    rejected_cost: BTreeMap<String, Amount>,
    repairs: Repairs,
    ignored_columns: Vec<String>,
}

impl Told {
    /// Takes up one file's report.
    ///
    /// # Errors
    /// The column whose sum left the range of exact amounts.
    fn add(&mut self, path: &str, report: &ReadReport) -> Result<(), String> {
        if !self.formats.contains(&report.format) {
            self.formats.push(report.format.clone());
        }
        let merge = |into: &mut BTreeMap<String, Tally>, from: &Rejects| {
            for (code, tally) in from {
                let sum = into.entry(code.clone()).or_default();
                if sum.count == 0 {
                    sum.sample = format!("{path}: {}", tally.sample);
                }
                sum.count += tally.count;
            }
        };
        merge(&mut self.rejects, &report.rejects);
        merge(&mut self.repairs, &report.repairs);
        for column in &report.ignored_columns {
            if !self.ignored_columns.contains(column) {
                self.ignored_columns.push(column.clone());
            }
        }
        for (name, text) in &report.rejected_cost {
            let amount = Amount::parse(text).map_err(|_unreadable| name.clone())?;
            let sum = self.rejected_cost.entry(name.clone()).or_default();
            *sum = sum.checked_add(amount).ok_or_else(|| name.clone())?;
        }
        Ok(())
    }
}

fn overflow(delivery: &str, column: &str) -> Error {
    Error::Overflow { delivery: delivery.to_owned(), column: column.to_owned() }
}

/// The version as people read it, short and without quotes.
fn label(version: &str) -> String {
    version.chars().filter(|c| !matches!(c, '"' | '|')).take(LABEL).collect()
}
