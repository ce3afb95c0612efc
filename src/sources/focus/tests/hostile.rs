//! Files that are broken or mean harm: each ends in a typed error with its place, or in rows that are all accounted for.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::bill::{Typed, a_bill};
use super::{lines, read_bytes};
use crate::sources::Error;

const HEADER: &str = "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ServiceName\n";
const ROW: &str = "1,USD,2026-03-05T00:00:00Z,2026-03-06T00:00:00Z,";

fn check_error(what: &str, bytes: impl Into<bytes::Bytes>, expected: &str) {
    let error = read_bytes(bytes).map(|read| read.1).unwrap_err().to_string();
    assert!(error.contains("`case.csv`") && error.contains(expected), "{what}: {error}");
}

fn check_rejects(what: &str, bytes: Vec<u8>, expected: &[(&str, u64)], kept: usize) {
    let (rows, report) = read_bytes(bytes).unwrap();
    let rejects: Vec<(&str, u64)> = report.rejects.iter().map(|(key, tally)| (key.as_str(), tally.count)).collect();
    assert_eq!((rejects.as_slice(), lines(&rows).len()), (expected, kept), "{what}: {report:?}");
}

#[test]
fn files_that_are_no_exports_say_what_they_are() {
    check_error("empty", "", "the file is empty");
    check_error("blank lines", "\n\n  \n", "no header");
    check_error("UTF-16", b"\xff\xfeB\0i\0l\0l\0".to_vec(), "UTF-16");
    check_error("UTF-16 without mark", b"B\0i\0l\0l\0".to_vec(), "UTF-16");
    check_error("latin header", b"Kosten \xe4,b\n1,2\n".to_vec(), "not UTF-8");
    check_error("zip", b"PK\x03\x04rest".to_vec(), "zip archive");
    check_error("zstd", b"\x28\xb5\x2f\xfdrest".to_vec(), "zstandard");
    check_error("json", "{\"a\": 1}", "JSON");
    check_error("encrypted", b"PARE....PARE".to_vec(), "encrypted");
    check_error("carriage returns", "a,b\r1,2\r", "carriage return alone");
    check_error("open quote in the header", "\"a,b\n1,2\n", "quote is not closed");
}

#[test]
fn torn_and_trailing_gzip_is_damaged() {
    let whole = a_bill(500).gzip(1);
    for cut in [20, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        check_error(&format!("cut at {cut}"), whole[..cut].to_vec(), "ends early");
    }
    let mut trailing = whole.clone();
    trailing.extend(b"garbage after the end");
    check_error("garbage", trailing, "damaged");
    let mut flipped = whole;
    let at = flipped.len() - 6; // in the checksum
    flipped[at] ^= 1;
    check_error("checksum", flipped, "damaged");
}

#[test]
fn a_gzip_bomb_stops_at_its_lid() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(HEADER.as_bytes()).unwrap();
    let line = format!("{ROW}{}\n", "x".repeat(900)).repeat(1_000);
    (0..220).for_each(|_block| encoder.write_all(line.as_bytes()).unwrap());
    let bomb = encoder.finish().unwrap();
    let error = read_bytes(bomb).map(|read| read.1).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { what, .. } if what.contains("unzipped")), "{error}");
}

#[test]
fn lengths_have_limits() {
    let header_of =
        |columns: usize| format!("{}\n", (0..columns).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","));
    check_error("columns", header_of(4_097), "the number of columns is 4097");
    check_error("header", format!("{}\n", "x".repeat(3 << 20)), "over a limit");
    check_error("record", format!("{HEADER}{ROW}{}\n", "x".repeat(3 << 20)), "the record at byte 73 of its text");
    let long = format!("{HEADER}{ROW}{}\n{ROW}ok\n", "x".repeat(300 << 10));
    check_rejects("field", long.into_bytes(), &[("too-long:ServiceName", 1)], 1);
}

#[test]
fn records_with_broken_text_are_left_out_and_counted() {
    let record = |text: &[u8]| [ROW.as_bytes(), text, b"\n"].concat();
    let file =
        [HEADER.as_bytes(), &record(b"a"), &record(b"b\xff"), &record(b"c\0"), &record("dé".as_bytes())].concat();
    check_rejects("bytes", file, &[("invalid-utf8:ServiceName", 1), ("nul-byte:ServiceName", 1)], 2);
}

#[test]
fn an_open_quote_does_not_swallow_the_rows_after_it() {
    let rows: String = (0..20_000).map(|n| format!("{ROW}s{n}\n")).collect();
    let file = format!("{HEADER}{ROW}\"open\n{rows}");
    check_rejects("1.1 MB after it", file.into_bytes(), &[("misquoted:record", 1)], 20_000);
    let many: String = (0..2_000).map(|n| format!("{ROW}\"open{n}\n")).collect();
    check_error("everywhere", format!("{HEADER}{many}"), "quotes are broken");
}

#[test]
fn truncated_parquet_is_damaged_wherever_it_ends() {
    let whole = a_bill(300).parquet(Typed::Decimal128);
    for cut in (0..whole.len()).step_by(whole.len() / 97) {
        let error = read_bytes(whole[..cut].to_vec()).map(|read| read.1).unwrap_err();
        let typed = matches!(error, Error::Damaged { .. } | Error::TooLarge { .. } | Error::UnknownFormat { .. });
        assert!(typed, "cut at {cut}: {error}");
    }
}

#[test]
fn a_footer_that_lies_is_refused() {
    let whole = a_bill(50).parquet(Typed::Text);
    let mut long = whole.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    check_error("2 GiB footer", long, "its footer");
    let mut outside = whole;
    let most = u32::try_from(at - 1).unwrap();
    outside[at..at + 4].copy_from_slice(&most.to_le_bytes());
    assert!(read_bytes(outside).is_err());
}

/// Whatever a mutated file is read as, it ends; `read` itself holds that every row is accounted for.
fn survives(mut bytes: Vec<u8>, flips: &[(prop::sample::Index, u8)]) {
    for (at, value) in flips {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    let _read = read_bytes(bytes);
}

fn flips() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_rows_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _read = read_bytes(bytes.clone());
        let _read = read_bytes([HEADER.as_bytes(), &bytes].concat());
        let _read = read_bytes([b"PAR1", bytes.as_slice(), b"PAR1"].concat());
    }

    #[test]
    fn csv_like_text_ends_in_rows_or_an_error(text in "[-,\"\r\n 0-9a-eT:Z/{}\\[\\]é]{0,300}") {
        let _read = read_bytes(format!("{HEADER}{text}"));
    }

    #[test]
    fn mutated_csv_ends_in_rows_or_an_error(flips in flips()) {
        survives(a_bill(40).csv(), &flips);
    }

    #[test]
    fn mutated_gzip_ends_in_rows_or_an_error(flips in flips()) {
        survives(a_bill(40).gzip(2), &flips);
    }

    #[test]
    fn mutated_parquet_ends_in_rows_or_an_error(flips in flips(), typed in 0..4) {
        let typed = [Typed::Text, Typed::Decimal128, Typed::Decimal256, Typed::Double][typed as usize];
        survives(a_bill(40).parquet(typed), &flips);
    }

    #[test]
    fn mutated_footers_end_in_rows_or_an_error(flips in flips()) {
        let whole = a_bill(40).parquet(Typed::Decimal128);
        let footer = whole.len() - 3_000;
        let (head, tail) = whole.split_at(footer);
        let mut tail = tail.to_vec();
        for (at, value) in &flips {
            let at = at.index(tail.len());
            tail[at] = *value;
        }
        let _read = read_bytes([head, &tail].concat());
    }
}
