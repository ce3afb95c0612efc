//! One batch of FOCUS cells as canonical rows: first everything that can reject a row, then the rest.

use std::collections::BTreeMap;

use super::columns::{Columns, Place, TIMES};
use super::earlier;
use crate::model::{Amount, Coded, Currency, Instant, Number, Rows, Text};
use crate::sources::cells::{Batch, Cells};
use crate::sources::normal::control::Control;
use crate::sources::normal::lists;
use crate::sources::normal::marks::{Marks, Repaired};
use crate::sources::normal::numbers::{OnFault, numbers};
use crate::sources::normal::periods::Periods;
use crate::sources::normal::tags;
use crate::sources::normal::texts::{currencies, listed, note_missing, texts};
use crate::sources::normal::time_text::DateOrder;
use crate::sources::normal::times::{Times, times};

/// The costs, in the order of their checks.
const COSTS: [Number; 4] = [Number::BilledCost, Number::EffectiveCost, Number::ContractedCost, Number::ListCost];

/// Where the cells of each place are in a batch.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Columns,
    pub(super) slots: BTreeMap<Place, usize>,
    /// Slots of columns that hold one tag each, with its key.
    pub(super) tag_slots: Vec<(String, usize)>,
}

/// Second sums of a file: of the rows that were kept, and of what is known of those that were rejected.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) kept: Control,
    pub(super) rejected: Control,
}

/// Repairs of a column, and the cells to show a case from.
type Notes = Vec<(&'static str, Option<usize>, Repaired)>;

impl Layout {
    /// Slots of the time columns.
    pub(super) fn time_slots(&self) -> impl Iterator<Item = usize> {
        (0..TIMES.len()).filter_map(|time| self.slots.get(&Place::Time(time)).copied())
    }

    /// The file's columns of times.
    pub(super) fn time_columns(&self) -> impl Iterator<Item = usize> {
        (0..TIMES.len()).filter_map(|time| self.columns.at(Place::Time(time)))
    }

    /// The canonical rows of a batch, those apart that are rejected.
    pub(super) fn canonical(
        &self,
        mut batch: Batch,
        order: Option<DateOrder>,
        mut marks: Marks<'_>,
        sums: &mut Sums,
    ) -> Rows {
        let mut notes = Notes::new();
        let periods = self.periods(&batch, order, &mut marks, &mut notes);
        let currency = self.currency(&batch, &mut marks);
        let costs = self.costs(&batch, &mut marks, &mut notes);
        for (column, slot, repaired) in notes {
            let cells = slot.and_then(|slot| batch.columns.get(slot));
            for (code, rows) in repaired {
                marks.repaired(code, column, rows, |row| cells.map_or_else(String::new, |cells| cells.show(row)));
            }
        }
        self.note_doubles(&batch, &mut marks);
        self.sum(&batch, &marks, sums);
        let mut rows = empty_rows(periods);
        rows.set_text(Text::BillingCurrency, currency);
        for (cost, values) in costs {
            note_missing(values.iter().copied(), cost.name(), &mut marks);
            rows.set_number(cost, values);
        }
        self.rest(&mut batch, &mut rows, &mut marks);
        self.notes_on_the_whole(&rows, &mut marks);
        match marks.finish() {
            None => rows,
            Some(kept) => rows.take(&kept),
        }
    }

    fn cells<'a>(&self, batch: &'a Batch, place: Place) -> Option<&'a Cells> {
        self.slots.get(&place).and_then(|slot| batch.columns.get(*slot))
    }

    fn periods(&self, batch: &Batch, order: Option<DateOrder>, marks: &mut Marks<'_>, notes: &mut Notes) -> Periods {
        let mut read = TIMES.iter().enumerate().map(|(time, name)| {
            let place = Place::Time(time);
            let column = self.cells(batch, place).map(|cells| times(cells, order, name, marks));
            let mut column = column.unwrap_or_else(|| Times::nulls(batch.columns.first().map_or(0, Cells::len)));
            notes.push((name, self.slots.get(&place).copied(), std::mem::take(&mut column.repaired)));
            column
        });
        let mut next = || read.next().unwrap_or_default();
        let mut periods =
            Periods { charge_start: next(), charge_end: next(), billing_start: next(), billing_end: next() };
        drop(read);
        notes.extend(periods.mend(marks).into_iter().map(|(column, repaired)| (column, None, repaired)));
        periods
    }

    fn currency(&self, batch: &Batch, marks: &mut Marks<'_>) -> Coded {
        match self.cells(batch, Place::Text(Text::BillingCurrency)) {
            Some(cells) => currencies(cells, Text::BillingCurrency.name(), marks),
            // Examples and in-house files may lack the column; their costs form a total of their own.
            None => Coded { codes: vec![0; marks.rows()], values: vec![Currency::NONE.as_str().into()] },
        }
    }

    fn costs(&self, batch: &Batch, marks: &mut Marks<'_>, notes: &mut Notes) -> Vec<(Number, Vec<Option<Amount>>)> {
        let mut costs = Vec::new();
        for cost in COSTS {
            let Some(cells) = self.cells(batch, Place::Number(cost)) else { continue };
            let read = numbers(cells, OnFault::Reject, cost.name(), marks);
            notes.push((cost.name(), self.slots.get(&Place::Number(cost)).copied(), read.repaired));
            costs.push((cost, read.values));
        }
        costs
    }

    /// Floats are read by their shortest text, and the reader of the answer is told so.
    fn note_doubles(&self, batch: &Batch, marks: &mut Marks<'_>) {
        for (place, slot) in &self.slots {
            if let (Place::Number(number), Some(Cells::Doubles(texts))) = (place, batch.columns.get(*slot)) {
                let rows = (0..texts.len()).filter(|row| !texts.get(*row).is_empty());
                marks.converted(&format!("double:{}", number.name()), rows);
            }
        }
    }

    fn sum(&self, batch: &Batch, marks: &Marks<'_>, sums: &mut Sums) {
        let currencies = self.cells(batch, Place::Text(Text::BillingCurrency));
        for cost in COSTS {
            let Some(cells) = self.cells(batch, Place::Number(cost)) else { continue };
            sums.kept.add(cost.name(), cells, currencies, |row| !marks.is_rejected(row));
            if cost == Number::BilledCost && marks.any_rejected() {
                sums.rejected.add(cost.name(), cells, currencies, |row| marks.is_rejected(row));
            }
        }
    }

    /// Everything that cannot reject a row.
    fn rest(&self, batch: &mut Batch, rows: &mut Rows, marks: &mut Marks<'_>) {
        let mut earlier = earlier::Parts::default();
        for (place, slot) in &self.slots {
            let Some(cells) = batch.columns.get_mut(*slot) else { continue };
            match place {
                Place::Number(number) if COSTS.contains(number) => {}
                Place::Time(_) | Place::Text(Text::BillingCurrency) => {}
                Place::Number(number) => {
                    let read = numbers(cells, OnFault::Null, number.name(), marks);
                    for (code, repaired) in read.repaired {
                        marks.repaired(code, number.name(), repaired, |row| cells.show(row));
                    }
                    rows.set_number(*number, read.values);
                }
                Place::Text(Text::Tags) => {
                    let texts = std::mem::take(cells).into_coded();
                    rows.set_text(Text::Tags, tags::tags(&texts, "Tags", marks));
                }
                Place::Text(text) => {
                    let name = text.name();
                    let mut column = texts(std::mem::take(cells), name, marks);
                    if let Some((list, renamed)) = list_of(*text) {
                        column = listed(column, list, renamed, name, marks);
                    }
                    rows.set_text(*text, column);
                }
                Place::ChargeSubcategory => {
                    earlier.subcategory = Some(texts(std::mem::take(cells), "ChargeSubcategory", marks))
                }
                Place::CostCategories => {
                    let texts = std::mem::take(cells).into_coded();
                    earlier.cost_categories = Some(tags::tags(&texts, "x_CostCategories", marks));
                }
            }
        }
        for (key, slot) in &self.tag_slots {
            if let Some(cells) = batch.columns.get_mut(*slot) {
                let column = tags::single(key, &std::mem::take(cells).into_coded());
                rows.set_text(Text::Tags, tags::merged(rows.text(Text::Tags), &column, "Tags", marks));
            }
        }
        earlier.apply(&self.columns, rows, marks);
    }

    /// What is told of a column as a whole: renamed, missing, floats.
    fn notes_on_the_whole(&self, rows: &Rows, marks: &mut Marks<'_>) {
        for name in &self.columns.renamed {
            marks.converted(&format!("renamed:{name}"), 0..rows.len());
        }
        for place in self.columns.missing() {
            marks.repaired("missing-column", place, 0..rows.len(), |_row| "");
        }
        if self.columns.at(Place::Text(Text::ChargeCategory)).is_some() {
            let category = rows.text(Text::ChargeCategory);
            note_missing((0..rows.len()).map(|row| category.get(row)), Text::ChargeCategory.name(), marks);
        }
    }
}

/// Rows with their periods; rejected rows hold the epoch until they are dropped.
fn empty_rows(periods: Periods) -> Rows {
    let column = |times: Times| times.values.into_iter().map(|instant| instant.unwrap_or(Instant(0))).collect();
    Rows::with_periods(
        column(periods.charge_start),
        column(periods.charge_end),
        column(periods.billing_start),
        column(periods.billing_end),
    )
}

/// A closed list, and older names of its values.
type List = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// The closed list of a column.
fn list_of(text: Text) -> Option<List> {
    Some(match text {
        Text::ChargeCategory => (lists::CHARGE_CATEGORY, &[]),
        Text::ChargeClass => (lists::CHARGE_CLASS, &[]),
        Text::ChargeFrequency => (lists::CHARGE_FREQUENCY, &[]),
        Text::CommitmentDiscountCategory => (lists::COMMITMENT_CATEGORY, &[]),
        Text::CommitmentDiscountStatus | Text::CapacityReservationStatus => (lists::USED, &[]),
        Text::PricingCategory => (lists::PRICING_CATEGORY, lists::PRICING_CATEGORY_RENAMED),
        Text::ServiceCategory => (lists::SERVICE_CATEGORY, &[]),
        Text::ServiceSubcategory => (lists::SERVICE_SUBCATEGORY, &[]),
        _ => return None,
    })
}
