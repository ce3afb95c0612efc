//! A crash or an error of the disk at every step of a commit leaves the old or the new state, never a mix (F2, F4).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fake::{Fake, Fault};
use super::make::{Dice, content, expected, put, record};
use crate::store::{Error, Store};

/// What the store holds before, what the commit puts and removes, and what it holds then.
const BEFORE: [(&str, u64); 3] = [("a", 1), ("b", 2), ("c", 3)];
const PUT: [(&str, u64); 2] = [("b", 9), ("d", 4)];
const REMOVE: &str = "a";
const AFTER: [(&str, u64); 3] = [("b", 9), ("c", 3), ("d", 4)];
const LATER: [(&str, u64); 4] = [("b", 9), ("c", 3), ("d", 4), ("e", 5)];

fn dir() -> PathBuf {
    PathBuf::from("/store")
}

fn open(disk: &Fake) -> Store {
    Store::open_with(Arc::new(disk.clone()), &dir(), "identity")
}

/// A disk with four generations behind it.
fn filled() -> Fake {
    let disk = Fake::new(&dir());
    let store = open(&disk);
    for deliveries in [&[("a", 7)][..], &[("a", 8), ("b", 2)], &[("c", 6)], &BEFORE] {
        put(&store, deliveries).unwrap();
    }
    drop(store);
    disk
}

fn change(store: &Store) -> Result<u64, Error> {
    let mut writer = store.writer()?;
    let mut records = Vec::new();
    for (key, seed) in PUT {
        records.push(record(&mut writer, key, seed)?);
    }
    writer.commit(records, &[REMOVE.to_owned()])
}

/// The generation that is shown must hold exactly what belongs to it. Returns the generation.
fn whole(disk: &Fake, what: &str) -> u64 {
    let store = open(disk);
    let snapshot = store.snapshot();
    let deliveries = match snapshot.generation {
        4 => expected(&BEFORE),
        5 => expected(&AFTER),
        other => panic!("{what}: generation {other}: {:?}", snapshot.notes),
    };
    assert_eq!(content(&snapshot), deliveries, "{what}");
    // A crash damages nothing that counts: neither the pointer nor a manifest is ever fallen back from.
    let damage = snapshot.notes.iter().find(|note| note.contains("damaged"));
    assert_eq!(damage, None, "{what}");
    snapshot.generation
}

/// A later commit brings all up to date and leaves nothing behind that nobody names.
fn goes_on(disk: &Fake, what: &str) {
    let store = open(disk);
    change(&store).unwrap_or_else(|error| panic!("{what}: {error}"));
    let manifests = disk.files(&dir().join("v1/manifests"));
    let number = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap()[..20].to_owned();
    let numbers: std::collections::BTreeSet<String> = manifests.iter().map(number).collect();
    assert_eq!(numbers.len(), manifests.len(), "{what}: a generation number was given twice");
    put(&store, &[("e", 5)]).unwrap_or_else(|error| panic!("{what}: {error}"));
    let snapshot = store.snapshot();
    assert_eq!((content(&snapshot), snapshot.notes.as_slice()), (expected(&LATER), &[][..]), "{what}");
    drop(snapshot);
    put(&store, &[("e", 5)]).unwrap();
    put(&store, &[("e", 5)]).unwrap();
    let data = dir().join("v1/data");
    assert_eq!((disk.files(&data).len(), disk.files(&dir().join("v1/tmp")).len()), (8, 0), "{what}");
    assert_eq!(disk.files(&dir().join("v1/manifests")).len(), 3, "{what}");
}

fn steps(disk: &Fake) -> u64 {
    let disk = disk.fork();
    let store = open(&disk);
    disk.plan(None);
    change(&store).unwrap();
    disk.steps()
}

#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new_state() {
    let filled = filled();
    let total = steps(&filled);
    assert!(total > 50, "{total}");
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..4 {
        for at in 0..=total {
            let what = format!("crash at {at} of {total}, seed {seed}");
            let disk = filled.fork();
            let store = open(&disk);
            disk.plan(Some(Fault::Crash { at }));
            let outcome = change(&store);
            drop(store);
            let left = if seed == 0 { disk.after_kill() } else { disk.after_crash(&mut Dice(seed * 10_000 + at)) };
            let generation = whole(&left, &what);
            assert!(outcome.is_err() || generation == 5, "{what}: told as done, but lost");
            seen.insert((outcome.is_ok(), generation));
            if at % 5 == seed {
                goes_on(&left, &what);
            }
        }
    }
    assert!(seen.contains(&(false, 4)) && seen.contains(&(false, 5)) && seen.contains(&(true, 5)), "{seen:?}");
}

#[test]
fn a_second_crash_while_recovering_changes_nothing() {
    let filled = filled();
    let total = steps(&filled);
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let mut disk = filled.fork();
        for _crash in 0..3 {
            let at = dice.below(usize::try_from(total).unwrap() + 10) as u64;
            disk.plan(Some(Fault::Crash { at }));
            let store = open(&disk);
            let outcome = change(&store);
            drop((outcome, store));
            disk = disk.after_crash(&mut dice);
            let store = open(&disk);
            let told = content(&store.snapshot());
            assert!(told == expected(&BEFORE) || told == expected(&AFTER), "seed {seed}: {told:?}");
        }
        if seed % 10 == 0 {
            goes_on(&disk, &format!("seed {seed}"));
        }
    }
}

#[test]
fn an_error_of_the_disk_at_any_step_is_told_and_harms_nothing() {
    let filled = filled();
    let total = steps(&filled);
    // EIO, ENOSPC, EDQUOT, EROFS.
    for (errno, full) in [(5, false), (28, true), (122, true), (30, false)] {
        for at in 0..total {
            let what = format!("error {errno} at {at} of {total}");
            let disk = filled.fork();
            let store = open(&disk);
            disk.plan(Some(Fault::Fail { at, errno }));
            let outcome = change(&store);
            disk.plan(None);
            match &outcome {
                Ok(generation) => assert_eq!(*generation, 5, "{what}"),
                Err(Error::DiskFull { .. }) => assert!(full, "{what}"),
                Err(Error::Io { .. }) => assert!(!full, "{what}: {outcome:?}"),
                Err(Error::Locked { .. } | Error::Damaged { .. }) => {}
                Err(other) => panic!("{what}: {other}"),
            }
            let shown = content(&store.snapshot());
            let right = if outcome.is_ok() { expected(&AFTER) } else { expected(&BEFORE) };
            assert_eq!(shown, right, "{what}: {outcome:?}");
            drop(store);
            let generation = whole(&disk.after_crash(&mut Dice(at)), &what);
            assert!(outcome.is_err() || generation == 5, "{what}: told as done, but lost");
            if at % 7 == 0 {
                goes_on(&disk, &what);
            }
        }
    }
}

#[test]
fn a_crash_of_the_very_first_commit_leaves_an_empty_or_a_filled_store() {
    let empty = Fake::new(&dir());
    let total = {
        let disk = empty.fork();
        put(&open(&disk), &BEFORE).unwrap();
        disk.steps()
    };
    for at in 0..=total {
        let disk = empty.fork();
        disk.plan(Some(Fault::Crash { at }));
        let outcome = put(&open(&disk), &BEFORE);
        let left = disk.after_crash(&mut Dice(at));
        let snapshot = open(&left).snapshot();
        let right = if snapshot.generation == 0 { Vec::new() } else { expected(&BEFORE) };
        assert_eq!(content(&snapshot), right, "crash at {at} of {total}");
        assert!(outcome.is_err() || snapshot.generation == 1, "crash at {at} of {total}");
        put(&open(&left), &BEFORE).unwrap();
        assert_eq!(content(&open(&left).snapshot()), expected(&BEFORE), "crash at {at} of {total}");
    }
}

#[test]
fn a_full_disk_is_refused_before_anything_is_written() {
    let disk = filled();
    let store = open(&disk);
    let files = disk.files(Path::new("/store")).len();
    disk.set_free((64 << 20) - 1);
    assert_eq!(change(&store), Err(Error::DiskFull { needed_mib: 64, free_mib: 63 }));
    assert_eq!((content(&store.snapshot()), disk.files(Path::new("/store")).len()), (expected(&BEFORE), files));
    disk.set_free(1 << 30);
    assert_eq!(store.writer().unwrap().room_for(1 << 30), Err(Error::DiskFull { needed_mib: 2112, free_mib: 1024 }));
    assert_eq!(change(&store), Ok(5));
}
