//! Small makers: rows, tables and records that differ in the ways that matter to a store.

use std::collections::BTreeMap;

use crate::model::{
    ALL_NUMBERS, ALL_TEXTS, Amount, Coded, DAY, Dimension, Instant, Month, Number, Period, Rows, Sums, Table, Text,
    Times,
};
use crate::store::{DeliveryRecord, MonthRecord, Snapshot, Store};

/// A small generator of numbers, the same for a seed everywhere.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % (limit.max(1) as u64)).unwrap()
    }
}

pub(super) fn january() -> Instant {
    Instant::midnight(2026, 1, 1).unwrap()
}

/// All of time.
pub(super) fn always() -> Period {
    Period { start: Instant(i64::MIN), end: Instant(i64::MAX) }
}

/// Rows of a month, with every column filled in its own way and some nulls.
pub(super) fn rows(count: usize, seed: u64) -> Rows {
    let mut dice = Dice(seed);
    let starts: Vec<Instant> =
        (0..count).map(|_| Instant(january().0 + i64::try_from(dice.below(31 * 24)).unwrap() * DAY / 24)).collect();
    let ends = starts.iter().map(|start| Instant(start.0 + DAY / 24)).collect();
    let mut rows =
        Rows::with_periods(starts, ends, vec![january(); count], vec![Instant::midnight(2026, 2, 1).unwrap(); count]);
    for (at, column) in ALL_TEXTS.iter().enumerate() {
        let texts: Vec<Option<String>> = (0..count)
            .map(|_| {
                let value = dice.below(2 + at * 3);
                (value > 0).then(|| match column {
                    Text::Tags => format!(r#"{{"env":"e{}","team":"t{}"}}"#, value % 3, value % 5),
                    _ => format!("{}-{value}", column.name()),
                })
            })
            .collect();
        rows.set_text(*column, Coded::from_texts(texts.iter().map(Option::as_deref)));
    }
    for column in ALL_NUMBERS {
        let values = (0..count).map(|_| (dice.below(9) > 0).then(|| cents(dice.roll() % 1_000_000))).collect();
        rows.set_number(*column, values);
    }
    rows
}

/// Rows with few columns, quick to make and to write.
fn few(count: usize, seed: u64) -> Rows {
    let mut dice = Dice(seed);
    let at: Vec<Instant> = (0..count).map(|_| january()).collect();
    let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
    let texts: Vec<String> = (0..count).map(|_| format!("service {}", dice.below(5))).collect();
    rows.set_text(Text::ServiceName, Coded::from_texts(texts.iter().map(|text| Some(text.as_str()))));
    rows.set_number(Number::BilledCost, (0..count).map(|_| Some(cents(dice.roll() % 1_000_000))).collect());
    rows
}

/// An amount of hundredths, some of them finer.
pub(super) fn cents(count: u64) -> Amount {
    Amount::parse(&format!(
        "{}.{:02}{}",
        count / 100,
        count % 100,
        if count.is_multiple_of(7) { "0000125" } else { "" }
    ))
    .unwrap()
}

/// Daily sums with a known total per seed.
pub(super) fn table(count: usize, seed: u64) -> Table {
    let mut dice = Dice(seed);
    let mut days: Vec<i32> = (0..count).map(|_| january().day().0 + i32::try_from(dice.below(31)).unwrap()).collect();
    days.sort_unstable();
    let texts: Vec<Option<String>> = (0..count).map(|_| Some(format!("service {}", dice.below(40)))).collect();
    let tags: Vec<Option<String>> =
        (0..count).map(|_| Some(dice.below(300)).filter(|v| *v > 9).map(|v| format!("team {v}"))).collect();
    let coded = |texts: &[Option<String>]| Coded::from_texts(texts.iter().map(Option::as_deref));
    let amounts = |dice: &mut Dice| (0..count).map(|_| Some(cents(dice.roll() % 1_000_000))).collect::<Vec<_>>();
    Table {
        times: Times::Days(days),
        dimensions: BTreeMap::from([
            (Dimension::Column(Text::ServiceName), coded(&texts)),
            (Dimension::Column(Text::BillingCurrency), Coded::from_texts(vec![Some("USD"); count])),
            (Dimension::Tag("team".into()), coded(&tags)),
        ]),
        sums: BTreeMap::from([
            (Number::BilledCost, Sums::compact(amounts(&mut dice))),
            (Number::EffectiveCost, Sums::compact(amounts(&mut dice))),
        ]),
        rows: (0..count).map(|_| 1 + dice.roll() % 300).collect(),
    }
}

/// Writes one delivery made from a seed and returns its record, uncommitted.
pub(super) fn record(
    writer: &mut crate::store::Writer<'_>,
    key: &str,
    seed: u64,
) -> Result<DeliveryRecord, crate::store::Error> {
    let mut part = writer.part()?;
    part.write(&few(9, seed))?;
    part.write(&few(5, seed + 1))?;
    let parts = part.finish(&table(30, seed))?;
    Ok(DeliveryRecord {
        key: key.into(),
        version: format!("version {seed}"),
        label: format!("{seed}"),
        imported: Some(january()),
        complete: true,
        format: "FOCUS 1.2".into(),
        months: vec![MonthRecord {
            month: Month::of(2026, 1),
            currency: "USD".into(),
            rows: 14,
            sums: BTreeMap::from([("BilledCost".into(), total(&table(30, seed)).to_string())]),
            charge_start: january(),
            data_until: Instant::midnight(2026, 2, 1).unwrap(),
        }],
        parts,
        ..DeliveryRecord::default()
    })
}

/// Puts deliveries into a store, one generation for all of them.
pub(super) fn put(store: &Store, deliveries: &[(&str, u64)]) -> Result<u64, crate::store::Error> {
    let mut writer = store.writer()?;
    let records =
        deliveries.iter().map(|(key, seed)| record(&mut writer, key, *seed)).collect::<Result<Vec<_>, _>>()?;
    writer.commit(records, &[])
}

/// The exact sum of a table's billed cost.
pub(super) fn total(table: &Table) -> Amount {
    let Some(sums) = table.sums.get(&Number::BilledCost) else { return Amount::ZERO };
    (0..table.len()).filter_map(|row| sums.get(row)).fold(Amount::ZERO, |sum, value| sum.checked_add(value).unwrap())
}

/// What a snapshot holds, read in full: key, version, daily total, detail total, or the error instead.
pub(super) fn content(snapshot: &Snapshot) -> Vec<(String, String, String)> {
    let told = |delivery: &DeliveryRecord| -> Result<String, crate::store::Error> {
        let day = total(snapshot.day(delivery)?.as_ref());
        let mut detail = Amount::ZERO;
        for table in snapshot.detail(delivery, always(), &[], &[Number::BilledCost])? {
            detail = detail.checked_add(total(&table?)).unwrap();
        }
        Ok(format!("{day} by day, {detail} in detail"))
    };
    let deliveries = snapshot.deliveries.iter();
    deliveries.map(|d| (d.key.clone(), d.version.clone(), told(d).unwrap_or_else(|e| e.to_string()))).collect()
}

/// What [`content`] says of deliveries made by [`record`].
pub(super) fn expected(deliveries: &[(&str, u64)]) -> Vec<(String, String, String)> {
    let sum = |rows: Rows| {
        rows.number(Number::BilledCost).iter().flatten().fold(Amount::ZERO, |a, b| a.checked_add(*b).unwrap())
    };
    deliveries
        .iter()
        .map(|(key, seed)| {
            let detail = sum(few(9, *seed)).checked_add(sum(few(5, seed + 1))).unwrap();
            let day = total(&table(30, *seed));
            ((*key).into(), format!("version {seed}"), format!("{day} by day, {detail} in detail"))
        })
        .collect()
}
