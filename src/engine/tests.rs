//! Tests of the summing engine against tables small enough to add up by hand.

use proptest::prelude::*;

use super::*;
use crate::model::{DAY, Text};

const SERVICE: Dimension = Dimension::Column(Text::ServiceName);
const REGION: Dimension = Dimension::Column(Text::RegionId);

/// Day, service, region and cost.
type Row<'t> = (i32, Option<&'t str>, Option<&'t str>, Option<&'t str>);
/// The parts of a key and the sums by bucket, as text.
type Summed = (Vec<Option<String>>, Vec<Option<String>>);

fn table(rows: &[Row<'_>]) -> Table {
    let amounts = rows.iter().map(|row| row.3.map(|text| Amount::parse(text).unwrap())).collect();
    Table {
        times: Times::Days(rows.iter().map(|row| row.0).collect()),
        dimensions: [
            (SERVICE, Coded::from_texts(rows.iter().map(|row| row.1))),
            (REGION, Coded::from_texts(rows.iter().map(|row| row.2))),
        ]
        .into(),
        sums: [(Number::EffectiveCost, Sums::compact(amounts))].into(),
        rows: vec![1; rows.len()],
    }
}

fn plan(group: &[Dimension], days: std::ops::RangeInclusive<i64>) -> SumPlan {
    SumPlan {
        number: Number::EffectiveCost,
        group: group.to_vec(),
        filters: Vec::new(),
        borders: days.map(|day| Instant(day * DAY)).collect(),
    }
}

fn sum(plan: &SumPlan, tables: &[Table]) -> Vec<Summed> {
    let mut summer = Summer::new(plan);
    for table in tables {
        summer.add(table, &Stop::default()).unwrap();
    }
    let text = |group: Group| {
        (
            group.key.into_iter().map(|part| part.map(String::from)).collect(),
            group.sums.into_iter().map(|sum| sum.map(|amount| amount.to_string())).collect(),
        )
    };
    summer.finish().into_iter().map(text).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn sums_by_group_and_day_with_a_null_bucket() {
    let tables = [
        table(&[(0, Some("a"), Some("x"), Some("1.5")), (1, None, Some("x"), Some("-0.0000001"))]),
        table(&[(1, Some("b"), None, Some("2")), (0, Some("a"), None, Some("0.5")), (9, Some("a"), None, Some("7"))]),
    ];
    assert_eq!(
        sum(&plan(&[SERVICE], 0..=2), &tables),
        [
            (vec![None], vec![None, some("-0.0000001")]),
            (vec![some("a")], vec![some("2"), None]),
            (vec![some("b")], vec![None, some("2")]),
        ]
    );
}

#[test]
fn filters_are_asked_with_null_too() {
    let mut plan = plan(&[], 0..=1);
    plan.filters.push(Condition { dimension: REGION, passes: Box::new(|value| value.is_none()) });
    let tables = [table(&[(0, Some("a"), Some("x"), Some("1")), (0, Some("a"), None, Some("2"))])];
    assert_eq!(sum(&plan, &tables), [(vec![], vec![some("2")])]);
}

#[test]
fn a_column_that_a_table_lacks_is_null() {
    let mut bare = table(&[(0, Some("a"), None, Some("1"))]);
    bare.dimensions.clear();
    assert_eq!(sum(&plan(&[SERVICE], 0..=1), &[bare]), [(vec![None], vec![some("1")])]);
}

#[test]
fn a_group_without_values_is_kept_and_its_sum_is_null() {
    assert_eq!(sum(&plan(&[SERVICE], 0..=1), &[table(&[(0, Some("a"), None, None)])]), [(vec![some("a")], vec![None])]);
}

#[test]
fn a_stopped_sum_says_so() {
    let (plan, stop) = (plan(&[], 0..=1), Stop::default());
    stop.stop();
    let table = table(&[(0, None, None, Some("1"))]);
    assert_eq!(Summer::new(&plan).add(&table, &stop), Err(Error::Stopped));
}

proptest! {
    /// Whatever the grouping, parts add up to the total, and order and chunking change nothing.
    #[test]
    fn parts_add_up_in_any_order(
        rows in prop::collection::vec((0..40_i32, 0..4_u8, 0..3_u8, any::<i64>(), 0..28_u32), 1..80),
        chunk in 1..20_usize,
    ) {
        let texts: Vec<_> = rows.iter().map(|(day, service, region, units, scale)| {
            let name = |n: u8| (n > 0).then(|| format!("n{n}"));
            let amount = Amount::from_parts(I256::from(*units), *scale).unwrap();
            (*day, name(*service), name(*region), amount.to_string())
        }).collect();
        let view: Vec<_> = texts.iter().map(|t| (t.0, t.1.as_deref(), t.2.as_deref(), Some(t.3.as_str()))).collect();
        let mut reversed = view.clone();
        reversed.reverse();
        let total = texts.iter().fold(Amount::ZERO, |sum, t| sum.checked_add(Amount::parse(&t.3).unwrap()).unwrap());
        for group in [vec![], vec![SERVICE], vec![SERVICE, REGION]] {
            let plan = plan(&group, 0..=40);
            let whole = sum(&plan, &[table(&view)]);
            let chunks: Vec<Table> = reversed.chunks(chunk).map(table).collect();
            prop_assert_eq!(&whole, &sum(&plan, &chunks));
            let parts = whole.iter().flat_map(|(_, sums)| sums.iter().flatten())
                .fold(Amount::ZERO, |sum, text| sum.checked_add(Amount::parse(text).unwrap()).unwrap());
            prop_assert_eq!(parts, total);
        }
    }
}
