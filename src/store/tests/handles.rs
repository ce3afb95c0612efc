//! Several handles on one directory: one writes, the others read and see what it publishes.

use std::path::Path;
use std::time::Duration;

use super::make::{content, expected, put, record};
use crate::store::{Error, Store};

fn open(dir: &Path) -> Store {
    let mut store = Store::open(dir, "identity").unwrap();
    store.look_every = Duration::ZERO;
    store
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    assert_eq!(one.owner(), None);
    let writer = one.writer().unwrap();
    let Err(Error::Locked { owner }) = two.writer().map(drop) else { panic!("two writers") };
    assert!(owner.contains(&std::process::id().to_string()), "{owner}");
    assert!(matches!(one.writer(), Err(Error::Locked { .. })), "also in the same handle");
    assert_eq!(two.owner().map(|owner| owner.pid), Some(std::process::id()));
    drop(writer);
    assert_eq!(two.owner(), None, "a writer that ended in order leaves no name");
    assert!(two.writer().is_ok());
}

#[test]
fn a_reader_sees_what_another_handle_publishes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    put(&one, &[("a", 1)]).unwrap();
    let held = two.snapshot();
    assert_eq!(content(&held), expected(&[("a", 1)]));
    put(&one, &[("a", 2), ("b", 3)]).unwrap();
    assert_eq!(content(&two.snapshot()), expected(&[("a", 2), ("b", 3)]));
    assert_eq!(content(&held), expected(&[("a", 1)]));
    assert_eq!(put(&two, &[("c", 4)]), Ok(3), "writing goes on from what the other wrote");
    assert_eq!(content(&one.snapshot()), expected(&[("a", 2), ("b", 3), ("c", 4)]));
}

#[test]
fn a_reader_looks_at_most_once_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (one, mut two) = (open(dir.path()), open(dir.path()));
    two.look_every = Duration::from_secs(3_600);
    put(&one, &[("a", 1)]).unwrap();
    assert_eq!((one.snapshot().generation, two.snapshot().generation), (1, 0));
}

#[test]
fn a_generation_that_was_collected_says_so_instead_of_mixing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    put(&one, &[("a", 1)]).unwrap();
    let (never_read, read) = (two.snapshot(), one.snapshot());
    for seed in 2..7 {
        put(&one, &[("a", seed)]).unwrap();
    }
    assert_eq!(content(&read), expected(&[("a", 1)]), "the writer's own readers keep their parts");
    drop(read);
    put(&one, &[("a", 7)]).unwrap();
    let error = never_read.day(&never_read.deliveries[0]).unwrap_err().to_string();
    assert!(error.contains("replaced by 7"), "{error}");
    assert_eq!(two.snapshot().damaged(), Vec::<String>::new());
    assert_eq!(content(&two.snapshot()), expected(&[("a", 7)]));
}

#[test]
fn an_open_part_is_read_on_after_its_name_went() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    put(&one, &[("a", 1)]).unwrap();
    let held = two.snapshot();
    assert_eq!(content(&held), expected(&[("a", 1)]));
    for seed in 2..8 {
        put(&one, &[("a", seed)]).unwrap();
    }
    assert_eq!(content(&held), expected(&[("a", 1)]));
}

#[test]
fn a_writer_whose_lock_was_taken_away_publishes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    put(&one, &[("a", 1)]).unwrap();
    let mut late = one.writer().unwrap();
    let stale = record(&mut late, "a", 2).unwrap();
    std::fs::remove_file(dir.path().join("v1/LOCK")).unwrap();
    let mut next = two.writer().unwrap();
    assert!(matches!(late.commit(vec![stale], &[]), Err(Error::Locked { .. })));
    let new = record(&mut next, "a", 3).unwrap();
    assert_eq!(next.commit(vec![new], &[]), Ok(2));
    assert_eq!(content(&one.snapshot()), expected(&[("a", 3)]));
}

#[test]
fn parts_of_one_run_wait_for_their_own_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut writer = store.writer().unwrap();
    let (first, second) = (record(&mut writer, "a", 1).unwrap(), record(&mut writer, "b", 2).unwrap());
    let dropped = writer.part().unwrap();
    writer.commit(vec![first], &[]).unwrap();
    writer.commit(vec![second], &[]).unwrap();
    drop((dropped, writer));
    assert_eq!(content(&store.snapshot()), expected(&[("a", 1), ("b", 2)]));
    assert_eq!(std::fs::read_dir(dir.path().join("v1/tmp")).unwrap().count(), 0);
}

#[test]
fn a_record_whose_parts_are_not_there_is_not_published() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, elsewhere) = (open(dir.path()), open(other.path()));
    let foreign = record(&mut elsewhere.writer().unwrap(), "a", 1).unwrap();
    assert!(matches!(store.writer().unwrap().commit(vec![foreign], &[]), Err(Error::Damaged { .. })));
    assert_eq!(store.snapshot().generation, 0);
}

#[test]
fn daily_sums_are_kept_in_memory_between_generations() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, &[("a", 1)]).unwrap();
    let day = |store: &Store| {
        let snapshot = store.snapshot();
        snapshot.day(&snapshot.deliveries[0]).unwrap()
    };
    let first = day(&store);
    put(&store, &[("b", 2)]).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &day(&store)));
    let weak = std::sync::Arc::downgrade(&first);
    drop(first);
    for seed in 3..7 {
        put(&store, &[("a", seed)]).unwrap();
    }
    assert!(weak.upgrade().is_none(), "gone once no generation names them");
}

#[test]
fn daily_sums_that_do_not_fit_in_memory_are_read_at_each_use() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.parts.day_bytes.store(0, std::sync::atomic::Ordering::Relaxed);
    put(&store, &[("a", 1)]).unwrap();
    let snapshot = store.snapshot();
    let (one, two) = (snapshot.day(&snapshot.deliveries[0]).unwrap(), snapshot.day(&snapshot.deliveries[0]).unwrap());
    assert!(one == two && !std::sync::Arc::ptr_eq(&one, &two));
}
