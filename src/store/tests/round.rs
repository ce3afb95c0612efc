//! What is written is read back: every column and value, by time, by tag, in any order of writes.

use super::make::{always, content, expected, january, put, record, rows, table};
use crate::model::{
    ALL_NUMBERS, ALL_TEXTS, Amount, Coded, DAY, Dimension, Instant, Number, Period, Rows, Sums, Table, Text, Times,
};
use crate::store::{DeliveryRecord, Parts, Store};

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), "identity").unwrap();
    (dir, store)
}

/// Commits these batches as one delivery.
fn deliver(store: &Store, batches: &[Rows], day: &Table) -> DeliveryRecord {
    let mut writer = store.writer().unwrap();
    let mut part = writer.part().unwrap();
    batches.iter().for_each(|batch| part.write(batch).unwrap());
    let record = DeliveryRecord { key: "a".into(), parts: part.finish(day).unwrap(), ..DeliveryRecord::default() };
    writer.commit(vec![record.clone()], &[]).unwrap();
    record
}

fn every_dimension() -> Vec<Dimension> {
    ALL_TEXTS.iter().copied().map(Dimension::Column).collect()
}

/// The rows of a store, each as text, in the order of writing.
fn told(store: &Store, record: &DeliveryRecord, period: Period) -> Vec<String> {
    let (dimensions, numbers) = (every_dimension(), ALL_NUMBERS.to_vec());
    let mut all = Vec::new();
    for table in store.snapshot().detail(record, period, &dimensions, &numbers).unwrap() {
        let table = table.unwrap();
        let Times::Instants(times) = &table.times else { panic!("detail has instants") };
        assert!(table.rows == vec![1; times.len()] && table.sums.len() == numbers.len());
        for (row, time) in times.iter().enumerate() {
            let texts: Vec<Option<&str>> = dimensions.iter().map(|d| table.dimensions[d].get(row)).collect();
            let amounts: Vec<Option<Amount>> = numbers.iter().map(|n| table.sums[n].get(row)).collect();
            all.push(format!("{time:?} {texts:?} {amounts:?}"));
        }
    }
    all
}

fn written(batches: &[Rows], period: Period) -> Vec<String> {
    let line = |rows: &Rows, row: usize| {
        let texts: Vec<Option<&str>> = ALL_TEXTS.iter().map(|column| rows.text(*column).get(row)).collect();
        let amounts: Vec<Option<Amount>> = ALL_NUMBERS.iter().map(|column| rows.number(*column)[row]).collect();
        format!("{:?} {texts:?} {amounts:?}", rows.charge_start[row])
    };
    let inside = |rows: &Rows, row: &usize| period.contains(rows.charge_start[*row]);
    batches
        .iter()
        .flat_map(|b| (0..b.len()).filter(|row| inside(b, row)).map(|row| line(b, row)).collect::<Vec<_>>())
        .collect()
}

fn check(batches: &[Rows]) {
    let (_dir, store) = store();
    let record = deliver(&store, batches, &Table::default());
    let day = |day: i64| Instant(january().0 + day * DAY);
    for period in [always(), Period { start: day(3), end: day(9) }, Period { start: day(400), end: day(500) }] {
        assert_eq!(told(&store, &record, period), written(batches, period));
    }
}

#[test]
fn rows_come_back_with_every_value() {
    check(&[rows(300, 1)]);
    check(&[rows(1, 2), rows(0, 3), rows(700, 4)]);
}

#[test]
fn a_column_whose_values_outgrow_its_form_stays_exact() {
    let batch = |texts: &[&str]| {
        let at: Vec<Instant> = texts.iter().map(|_| january()).collect();
        let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
        rows.set_number(Number::ListCost, texts.iter().map(|text| Amount::parse(text).ok()).collect());
        rows.set_number(Number::BilledCost, texts.iter().rev().map(|text| Amount::parse(text).ok()).collect());
        rows
    };
    check(&[
        batch(&["1.25", "", "-3"]),
        batch(&["0.000000000012345", "7"]),
        batch(&["123456789012", "-0.00000000000000000001", "1"]),
        batch(&["8", "0.0000000000000000000000000001"]),
        batch(&["123456789012345678901234567890.1234567890123456789012345678", "-1", ""]),
        batch(&["2"]),
    ]);
}

#[test]
fn texts_that_outgrow_a_dictionary_come_back() {
    let count = 70_000_usize;
    let at = vec![january(); count];
    let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
    let texts: Vec<Option<String>> = (0..count).map(|row| (row % 3 > 0).then(|| format!("{row:0100}"))).collect();
    rows.set_text(Text::ResourceId, Coded::from_texts(texts.iter().map(Option::as_deref)));
    let (_dir, store) = store();
    let record = deliver(&store, &[rows.clone(), rows], &Table::default());
    let column = Dimension::Column(Text::ResourceId);
    let mut read = Vec::new();
    for table in store.snapshot().detail(&record, always(), std::slice::from_ref(&column), &[]).unwrap() {
        let table = table.unwrap();
        read.extend((0..table.len()).map(|row| table.dimensions[&column].get(row).map(str::to_owned)));
    }
    assert!(read == [texts.clone(), texts].concat());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    /// Amounts of any size and fineness, cut into batches anyhow, with any times.
    #[test]
    fn whatever_is_written_is_read_back(
        batches in proptest::collection::vec(
            proptest::collection::vec(
                (proptest::option::of((proptest::prelude::any::<i128>(), 0_u32..127, 0_u32..30)), -9_i64..9, 0_usize..6),
                0..12,
            ),
            1..6,
        ),
    ) {
        let batches: Vec<Rows> = batches
            .into_iter()
            .map(|lines| {
                let at: Vec<Instant> = lines.iter().map(|line| Instant(january().0 + line.1 * DAY)).collect();
                let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
                let text = |line: usize| (line > 0).then(|| ["", "a", "b", "\u{1F4B0}", "null"][line - 1]);
                rows.set_text(Text::ServiceName, Coded::from_texts(lines.iter().map(|line| text(line.2))));
                let amount = |(value, cut, up): (i128, u32, u32)| {
                    Amount::from_units(ethnum::I256::from(value >> cut) * crate::model::power_of_ten(up))
                };
                rows.set_number(Number::ListCost, lines.iter().map(|line| line.0.map(amount)).collect());
                rows
            })
            .collect();
        let dir = std::path::Path::new("/store");
        let store = Store::open_with(std::sync::Arc::new(super::fake::Fake::new(dir)), dir, "identity");
        let record = deliver(&store, &batches, &Table::default());
        for period in [always(), Period { start: january(), end: Instant(january().0 + 3 * DAY) }] {
            proptest::prop_assert_eq!(told(&store, &record, period), written(&batches, period));
        }
    }
}

#[test]
fn row_groups_outside_the_period_are_not_read() {
    let (_dir, store) = store();
    // Three row groups, one per month.
    let months: Vec<Instant> = (1..=3).map(|month| Instant::midnight(2026, month, 1).unwrap()).collect();
    let mut writer = store.writer().unwrap();
    let mut part = writer.part().unwrap();
    for month in &months {
        let at = vec![*month; super::super::detail::GROUP_ROWS];
        part.write(&Rows::with_periods(at.clone(), at.clone(), at.clone(), at)).unwrap();
    }
    let record =
        DeliveryRecord { key: "a".into(), parts: part.finish(&Table::default()).unwrap(), ..Default::default() };
    writer.commit(vec![record.clone()], &[]).unwrap();
    let groups = |start: usize, end: usize| {
        let period = Period { start: months[start], end: months[end] };
        let open = store.parts.detail(record.parts.detail.as_ref().unwrap()).unwrap();
        open.tables(period, &[], &[]).groups_left()
    };
    assert_eq!((groups(0, 1), groups(1, 2), groups(0, 2)), (1, 1, 2));
    let period = Period { start: months[1], end: months[2] };
    let tables: Vec<Table> = store.snapshot().detail(&record, period, &[], &[]).unwrap().map(Result::unwrap).collect();
    assert_eq!(tables.iter().map(Table::len).collect::<Vec<_>>(), [super::super::detail::GROUP_ROWS]);
}

#[test]
fn a_tag_is_read_out_of_the_tags_of_each_row() {
    let (_dir, store) = store();
    let tags = [
        Some(r#"{"env":"prod","team":"a"}"#),
        Some(r#"{"team":""}"#),
        None,
        Some(r#"{"env":"dev","n":7,"team":null}"#),
        Some("no json"),
    ];
    let at = vec![january(); tags.len()];
    let mut rows = Rows::with_periods(at.clone(), at.clone(), at.clone(), at);
    rows.set_text(Text::Tags, Coded::from_texts(tags));
    let record = deliver(&store, &[rows], &Table::default());
    let keys = ["env", "team", "n", "none"].map(|key| Dimension::Tag(key.into()));
    let mut tables = store.snapshot().detail(&record, always(), &keys, &[]).unwrap();
    let table = tables.next().unwrap().unwrap();
    let values = |key: usize| (0..tags.len()).map(|row| table.dimensions[&keys[key]].get(row)).collect::<Vec<_>>();
    assert_eq!(values(0), [Some("prod"), None, None, Some("dev"), None]);
    assert_eq!(values(1), [Some("a"), Some(""), None, None, None]);
    assert_eq!(values(2), [None, None, None, Some("7"), None]);
    assert_eq!(values(3), [None; 5]);
    assert!(tables.next().is_none());
}

#[test]
fn daily_sums_come_back_equal_also_after_a_restart() {
    let wide = vec![Amount::parse("123456789012345678901234567890.5").ok(), None, Some(Amount::ZERO)];
    let mut special = table(3, 5);
    special.sums.insert(Number::ListCost, Sums::Wide(wide));
    special.sums.insert(Number::ConsumedQuantity, Sums::compact(vec![None, Amount::parse("-0.25").ok(), None]));
    for day in [special, table(5_000, 6), table(1, 7), Table::default()] {
        let (dir, store) = store();
        let record = deliver(&store, &[rows(3, 1)], &day);
        assert_eq!(*store.snapshot().day(&record).unwrap(), day);
        drop(store);
        let store = Store::open(dir.path(), "identity").unwrap();
        assert_eq!(*store.snapshot().day(&record).unwrap(), day);
    }
}

#[test]
fn damaged_bytes_of_daily_sums_never_panic() {
    let mark = [7_u8; 32];
    let good = super::super::day::encode(&table(200, 3), &mark).unwrap();
    assert_eq!(super::super::day::decode(&good, &mark), Ok(table(200, 3)));
    let mut dice = super::make::Dice(1);
    for _case in 0..3_000 {
        let mut bytes = good.clone();
        for _change in 0..=dice.below(3) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes.truncate(at + 1),
                1 => bytes[at] = u8::MAX,
                _ => bytes[at] ^= 1 << dice.below(8),
            }
        }
        if let Ok(table) = super::super::day::decode(&bytes, &mark) {
            assert!(table.dimensions.values().all(|column| column.codes.len() == table.len()));
        }
    }
    assert!(super::super::day::decode(&good, &[8; 32]).is_err(), "another identity");
}

#[test]
fn a_delivery_without_rows_answers_with_nothing() {
    let (_dir, store) = store();
    let record = deliver(&store, &[], &Table::default());
    assert_eq!(record.parts.detail, None);
    assert_eq!(told(&store, &record, always()), Vec::<String>::new());
    let bare = DeliveryRecord { parts: Parts::default(), ..record };
    assert!(store.snapshot().day(&bare).unwrap().is_empty());
}

#[test]
fn the_order_of_writes_does_not_matter_to_the_answer() {
    let deliveries = [("a", 10), ("b", 20), ("c", 30)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let (_dir, store) = store();
        let generations: Vec<u64> = order.iter().map(|at| put(&store, &[deliveries[*at]]).unwrap()).collect();
        assert_eq!(generations, [1, 2, 3]);
        assert_eq!(content(&store.snapshot()), expected(&deliveries));
    }
    let (_dir, store) = store();
    put(&store, &deliveries).unwrap();
    put(&store, &deliveries).unwrap();
    assert_eq!(content(&store.snapshot()), expected(&deliveries), "written twice counts once");
}

#[test]
fn a_commit_replaces_by_key_and_removes() {
    let (dir, store) = store();
    put(&store, &[("a", 1), ("b", 2), ("c", 3)]).unwrap();
    let old = store.snapshot();
    {
        let mut writer = store.writer().unwrap();
        let new = record(&mut writer, "b", 9).unwrap();
        assert_eq!(writer.commit(vec![new], &["a".into(), "unknown".into()]), Ok(2));
        assert_eq!(writer.commit(Vec::new(), &["unknown".into()]), Ok(2), "nothing to do is no generation");
    }
    assert_eq!(content(&store.snapshot()), expected(&[("b", 9), ("c", 3)]));
    assert_eq!(content(&old), expected(&[("a", 1), ("b", 2), ("c", 3)]), "a reader keeps its generation");
    drop((old, store));
    let store = Store::open(dir.path(), "identity").unwrap();
    assert_eq!((store.snapshot().generation, store.snapshot().notes.len()), (2, 0));
    assert_eq!(content(&store.snapshot()), expected(&[("b", 9), ("c", 3)]));
    assert_eq!(put(&store, &[("d", 4)]), Ok(3), "numbers go on after a restart");
}
