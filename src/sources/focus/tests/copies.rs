//! The same rows in another shape are the same rows: container, types, order, chunks and column names change nothing.

use super::bill::{Bill, Typed, a_bill};
use super::{lines, naive_totals, read_bytes};
use crate::model::Rows;

const ROWS: usize = 1_003;

fn read_all(files: impl IntoIterator<Item = Vec<u8>>) -> Vec<Rows> {
    files.into_iter().flat_map(|bytes| read_bytes(bytes).unwrap().0).collect()
}

/// The copy gives the same rows, in any order, and the same totals as the plain CSV.
fn check(what: &str, copy: impl IntoIterator<Item = Vec<u8>>) {
    let (plain, copy) = (read_all([a_bill(ROWS).csv()]), read_all(copy));
    assert_eq!(naive_totals(&copy), naive_totals(&plain), "{what}");
    let sorted = |batches: &[Rows]| {
        let mut lines = lines(batches);
        lines.sort();
        lines
    };
    assert_eq!(sorted(&copy), sorted(&plain), "{what}");
}

/// A fixed shuffle: steps of a prime that does not divide the number of rows.
fn shuffled(bill: &Bill) -> Bill {
    bill.part((0..ROWS).map(|row| row * 389 % ROWS))
}

#[test]
fn the_bill_is_what_it_should_be() {
    let (rows, report) = read_bytes(a_bill(ROWS).csv()).unwrap();
    assert_eq!((report.format.as_str(), report.rows_kept), ("FOCUS 1.0", ROWS as u64));
    assert_eq!(report.repairs.keys().collect::<Vec<_>>(), ["missing:ListCost"]);
    assert_eq!(lines(&rows).len(), ROWS);
    let tokens = ["BilledCost EUR", "BilledCost USD", "ListCost USD"];
    assert!(tokens.iter().all(|name| report.control.contains_key(*name)), "{:?}", report.control);
}

#[test]
fn container_and_types_change_nothing() {
    let bill = a_bill(ROWS);
    check("gzip", [bill.gzip(1)]);
    check("gzip of three members", [bill.gzip(3)]);
    for typed in [Typed::Text, Typed::Decimal128, Typed::Decimal256, Typed::Double] {
        check(&format!("{typed:?}"), [bill.parquet(typed)]);
    }
}

#[test]
fn order_and_chunks_change_nothing() {
    let bill = a_bill(ROWS);
    check("shuffled", [shuffled(&bill).csv()]);
    check("shuffled Parquet", [shuffled(&bill).parquet(Typed::Decimal128)]);
    let chunk = |nth: usize| bill.part((0..ROWS).filter(|row| row % 20 == nth));
    check("20 files", (0..20).map(|nth| chunk(nth).csv()));
    let mixed = |nth: usize| match nth % 4 {
        0 => chunk(nth).csv(),
        1 => chunk(nth).gzip(2),
        2 => chunk(nth).parquet(Typed::Double),
        _ => chunk(nth).parquet(Typed::Decimal256),
    };
    check("20 files of all kinds", (0..20).map(mixed));
}

#[test]
fn column_order_header_case_and_unknown_columns_change_nothing() {
    let bill = a_bill(ROWS);
    let mut turned = bill.clone();
    turned.header.reverse();
    turned.rows.iter_mut().for_each(|row| row.reverse());
    check("columns the other way round", [turned.csv()]);
    let mut lower = bill.clone();
    lower.header.iter_mut().for_each(|name| *name = name.to_lowercase());
    lower.header.push("x_Unknown".into());
    lower.rows.iter_mut().for_each(|row| row.push("?".into()));
    check("lower case and an unknown column", [lower.csv()]);
}

#[test]
fn a_1_0_file_and_the_same_rows_as_1_4_have_the_same_totals() {
    let (old, new) = (a_bill(ROWS), a_bill(ROWS).renamed("ProviderName", "ServiceProviderName"));
    let (old, new) = (read_bytes(old.csv()).unwrap(), read_bytes(new.csv()).unwrap());
    assert_eq!((old.1.format.as_str(), new.1.format.as_str()), ("FOCUS 1.0", "FOCUS 1.4"));
    assert_eq!(old.1.control, new.1.control);
    assert_eq!(old.1.conversions["renamed:ProviderName to ServiceProviderName"].count, ROWS as u64);
    // 1.0 names one provider for both roles; 1.4 would name the host apart.
    let without_host = |line: &String| {
        line.replace(" HostProviderName=\"AWS\"", "")
            .replace(" HostProviderName=\"Microsoft\"", "")
            .replace(" HostProviderName=\"Google Cloud\"", "")
    };
    assert_eq!(lines(&old.0).iter().map(without_host).collect::<Vec<_>>(), lines(&new.0));
}

#[test]
fn slashed_dates_are_decided_by_the_whole_file_whatever_it_is_packed_in() {
    let mut bill = a_bill(ROWS);
    let start = bill.header.iter().position(|name| name == "ChargePeriodStart").unwrap();
    for row in &mut bill.rows {
        let day: u32 = row[start][8..10].parse().unwrap();
        row[start] = format!("{day}/3/2026 {}", &row[start][11..16]);
    }
    for copy in [bill.csv(), bill.gzip(2), bill.parquet(Typed::Text)] {
        let (rows, report) = read_bytes(copy).unwrap();
        assert_eq!(report.repairs["date-day-first:ChargePeriodStart"].count, ROWS as u64);
        assert_eq!(naive_totals(&rows), naive_totals(&read_all([a_bill(ROWS).csv()])));
    }
    // The only date that tells stands in the last row, after more than one batch of others.
    let many = 40_000;
    let row = |day: u32| format!("1,USD,{day}/3/2026,{day}/3/2026\n");
    let rows: String = (0..many).map(|_nth| row(2)).chain([row(13)]).collect();
    let (rows, _report) =
        read_bytes(format!("BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd\n{rows}")).unwrap();
    assert_eq!(format!("{:?}", rows[0].charge_start[0]), "2026-03-02T00:00:00Z");
    assert_eq!(rows.iter().map(Rows::len).sum::<usize>(), many + 1);
    assert!(rows.len() > 2, "one batch would prove nothing");
}
