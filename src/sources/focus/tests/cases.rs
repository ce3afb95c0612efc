//! The case files of `tests/data/focus`: each gives exactly the rows, repairs and rejects that stand beside it.

use std::path::{Path, PathBuf};

use super::{lines, read};
use crate::model::Rejects;
use crate::sources::Content;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/focus")
}

/// What a case came to, as the text that its `.txt` file holds.
fn told(case: &str) -> String {
    let bytes = std::fs::read(folder().join(format!("{case}.csv"))).unwrap();
    let (rows, report) = match read(&format!("{case}.csv"), Content::Bytes(bytes.into())) {
        Ok(read) => read,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut told = format!("{}: {} rows read, {} kept\n", report.format, report.rows_read, report.rows_kept);
    let mut tell = |title: &str, tallies: &Rejects| {
        for (key, tally) in tallies {
            told += &format!("{title} {key} x{}: {}\n", tally.count, tally.sample.replace(&format!("{case}.csv "), ""));
        }
    };
    tell("rejected", &report.rejects);
    tell("repaired", &report.repairs);
    tell("converted", &report.conversions);
    for (name, cost) in &report.rejected_cost {
        told += &format!("rejected {name} {cost}\n");
    }
    if !report.ignored_columns.is_empty() {
        told += &format!("ignored {}\n", report.ignored_columns.join(", "));
    }
    lines(&rows).iter().for_each(|line| told += &format!("{line}\n"));
    told
}

/// Compares a case with its expectation. With `OUTLAY_WRITE_CASES` set the expectation is written instead, to be reviewed.
fn check(case: &str) -> Result<(), String> {
    let expected = folder().join(format!("{case}.txt"));
    let told = told(case);
    if std::env::var_os("OUTLAY_WRITE_CASES").is_some() {
        return std::fs::write(expected, told).map_err(|error| error.to_string());
    }
    let expected = std::fs::read_to_string(expected).map_err(|error| format!("{case}: no expectation: {error}"))?;
    if expected == told { Ok(()) } else { Err(format!("{case}\n--- expected\n{expected}--- found\n{told}")) }
}

#[test]
fn every_case_gives_its_rows_repairs_and_rejects() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<String> = files.filter_map(|name| name.strip_suffix(".csv").map(str::to_owned)).collect();
    cases.sort();
    assert!(cases.len() >= 38, "case files are missing: {cases:?}");
    let untold: Vec<&String> = cases.iter().filter(|case| !readme.contains(&format!("| {case} |"))).collect();
    assert!(untold.is_empty(), "not in the README: {untold:?}");
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
