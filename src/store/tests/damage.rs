//! Damaged stores (F5): no wrong number, everything noticed, the rest goes on serving, and a new import heals it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fake::{Fake, Fault};
use super::make::{Dice, always, content, expected, put};
use crate::store::io::StoreIo;
use crate::store::{DeliveryRecord, Error, Snapshot, Store};

const OLDER: [(&str, u64); 2] = [("a", 1), ("b", 2)];
const NEWEST: [(&str, u64); 3] = [("a", 1), ("b", 5), ("c", 3)];

fn dir() -> PathBuf {
    PathBuf::from("/store")
}

fn open(disk: &Fake, identity: &str) -> Store {
    Store::open_with(Arc::new(disk.clone()), &dir(), identity)
}

fn filled(identity: &str) -> Fake {
    let disk = Fake::new(&dir());
    let store = open(&disk, identity);
    put(&store, &OLDER).unwrap();
    put(&store, &NEWEST[1..]).unwrap();
    drop(store);
    disk
}

/// Damages one file, or two, in one of many ways. Returns the files and what was done to them.
fn damage(disk: &Fake, foreign: &Fake, dice: &mut Dice) -> (Vec<PathBuf>, String) {
    let files: Vec<PathBuf> = disk.files(&dir()).into_iter().filter(|path| !path.ends_with("seen")).collect();
    let path = files[dice.below(files.len())].clone();
    let length = disk.bytes(&path).len();
    let (at, bit) = (dice.below(length), dice.below(8));
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let how = dice.below(7);
    match how {
        0 | 1 if length > 0 => disk.damage(&path, |bytes| bytes[at] ^= 1 << bit),
        2 => disk.damage(&path, |bytes| bytes.truncate(at)),
        3 => disk.damage(&path, |bytes| bytes.iter_mut().skip(at).take(512).for_each(|byte| *byte = !*byte)),
        4 => {
            let other = files[dice.below(files.len())].clone();
            let (mine, theirs) = (disk.bytes(&path), disk.bytes(&other));
            disk.damage(&path, |bytes| *bytes = theirs);
            disk.damage(&other, |bytes| *bytes = mine);
            return (vec![path, other], format!("swapped {name}"));
        }
        5 => {
            let there = foreign.files(path.parent().unwrap());
            let theirs = foreign.bytes(&there[dice.below(there.len())]);
            disk.damage(&path, |bytes| *bytes = theirs);
        }
        _ => disk.remove(&path).unwrap(),
    }
    (vec![path], format!("way {how} at {at} of {length} of {name}"))
}

/// Every delivery is right or said to be damaged. Returns the keys of those that are right.
fn right_or_told(snapshot: &Snapshot, deliveries: &[(&str, u64)], what: &str) -> BTreeSet<String> {
    let told = content(snapshot);
    let hurt = snapshot.damaged();
    let mut right = BTreeSet::new();
    assert_eq!(told.len(), deliveries.len(), "{what}");
    for (found, wanted) in told.into_iter().zip(expected(deliveries)) {
        if found == wanted {
            right.insert(found.0);
        } else {
            assert!(found.2.contains("is damaged"), "{what}: {found:?}");
            assert!(hurt.contains(&found.0), "{what}: {} is not in {hurt:?}", found.0);
        }
    }
    right
}

fn check(seed: u64, while_open: bool, (filled, foreign): &(Fake, Fake)) -> bool {
    let mut dice = Dice(seed);
    let disk = filled.fork();
    let before: Vec<(PathBuf, Vec<u8>)> = disk.files(&dir()).into_iter().map(|p| (p.clone(), disk.bytes(&p))).collect();
    let early = while_open.then(|| open(&disk, "identity"));
    let (paths, what) = damage(&disk, foreign, &mut dice);
    let what = format!("seed {seed}: {what}");
    let store = early.unwrap_or_else(|| open(&disk, "identity"));
    let snapshot = store.snapshot();
    let deliveries: &[(&str, u64)] = match snapshot.generation {
        2 => &NEWEST,
        1 => &OLDER,
        0 => &[],
        other => panic!("{what}: generation {other}"),
    };
    let right = right_or_told(&snapshot, deliveries, &what);
    let hurt = snapshot.damaged();
    assert_eq!(right.len() + hurt.len(), deliveries.len(), "{what}: others serve");
    assert!(hurt.len() <= 2, "{what}: one damage hurts {hurt:?}");
    // Detected: whatever really changed, and is in use, is told.
    let changed =
        |path: &PathBuf| before.iter().any(|(p, bytes)| p == path && disk.try_bytes(p).as_ref() != Some(bytes));
    for delivery in &snapshot.deliveries {
        let part_hit = |path: &&PathBuf| delivery.parts.all().any(|part| path.ends_with(&part.hash));
        if paths.iter().filter(part_hit).any(changed) {
            assert!(hurt.contains(&delivery.key), "{what}: the damage of {} was not noticed", delivery.key);
        }
    }
    let pointer = paths.iter().any(|path| path.ends_with("CURRENT") && changed(path));
    let newest = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with("00000000000000000002-");
    let manifest = paths.iter().any(|path| newest(path) && changed(path));
    let notes = store.snapshot().notes.clone();
    if while_open {
        assert_eq!(snapshot.generation, 2, "{what}: what is in memory is not given up");
    } else if pointer || manifest {
        assert!(!notes.is_empty(), "{what}");
    }
    assert!(notes.iter().filter(|note| note.contains("is damaged")).count() >= hurt.len(), "{what}: {notes:?}");
    // Healed: what is damaged or missing is imported again.
    drop(snapshot);
    put(&store, &NEWEST).unwrap_or_else(|error| panic!("{what}: {error}"));
    let snapshot = store.snapshot();
    assert_eq!(content(&snapshot), expected(&NEWEST), "{what}");
    assert_eq!((snapshot.damaged(), snapshot.notes.clone()), (vec![], vec![]), "{what}");
    drop((snapshot, store));
    let store = open(&disk, "identity");
    assert_eq!((content(&store.snapshot()), store.snapshot().notes.clone()), (expected(&NEWEST), vec![]), "{what}");
    !hurt.is_empty() || pointer || manifest
}

#[test]
fn damage_is_noticed_harms_only_its_own_delivery_and_heals() {
    let disks = (filled("identity"), filled("another identity"));
    let noticed = (0..300).filter(|seed| check(*seed, false, &disks)).count();
    assert!(noticed > 150, "{noticed}: the test damages what is in use");
}

#[test]
fn damage_under_an_open_store_is_noticed_and_heals() {
    let disks = (filled("identity"), filled("another identity"));
    let noticed = (1_000..1_100).filter(|seed| check(*seed, true, &disks)).count();
    assert!(noticed > 50, "{noticed}");
}

#[test]
fn a_damaged_part_goes_to_quarantine_and_its_bytes_are_kept() {
    let disk = filled("identity");
    let store = open(&disk, "identity");
    let part = store.snapshot().deliveries[0].parts.day.clone().unwrap();
    let path = dir().join("v1/data").join(&part.hash);
    disk.damage(&path, |bytes| bytes[100] ^= 1);
    let bytes = disk.bytes(&path);
    let snapshot = store.snapshot();
    let error = snapshot.day(&snapshot.deliveries[0]).unwrap_err().to_string();
    assert!(error.contains(&part.hash[..12]) && error.contains("hash"), "{error}");
    assert!(!error.contains("/store"), "no path in {error}");
    assert_eq!(snapshot.damaged(), ["a"]);
    assert!(snapshot.notes.is_empty(), "a snapshot that a reader holds does not change");
    assert_eq!(store.snapshot().notes.len(), 1, "the next one tells");
    assert_eq!(disk.bytes(&dir().join("v1/quarantine").join(&part.hash)), bytes);
    assert!(disk.try_bytes(&path).is_none());
    drop((snapshot, store));
    assert_eq!(open(&disk, "identity").snapshot().damaged(), ["a"], "known at once after a restart");
}

#[test]
fn the_quarantine_does_not_grow_without_end() {
    let disk = filled("identity");
    let store = open(&disk, "identity");
    let old = dir().join("v1/quarantine").join("f".repeat(64));
    disk.create_new(&old).unwrap();
    disk.pretend_size(&old, 1 << 30);
    let part = store.snapshot().deliveries[0].parts.day.clone().unwrap();
    disk.damage(&dir().join("v1/data").join(&part.hash), |bytes| bytes[9] ^= 1);
    assert!(store.snapshot().day(&store.snapshot().deliveries[0]).is_err());
    let left = disk.files(&dir().join("v1/quarantine"));
    assert_eq!(left, [dir().join("v1/quarantine").join(&part.hash)]);
}

#[test]
fn a_store_of_another_identity_is_not_served() {
    let disk = filled("another identity");
    let store = open(&disk, "identity");
    let snapshot = store.snapshot();
    assert_eq!(
        (snapshot.generation, snapshot.deliveries.len(), snapshot.notes.len()),
        (0, 0, 1),
        "{:?}",
        snapshot.notes
    );
    put(&store, &OLDER).unwrap();
    assert_eq!((content(&store.snapshot()), store.snapshot().notes.clone()), (expected(&OLDER), vec![]));
}

#[test]
fn a_newer_format_is_left_alone_and_built_anew_beside() {
    let disk = filled("identity");
    let newer = dir().join("v2");
    disk.create_dir(&newer).unwrap();
    let file = newer.join("CURRENT");
    disk.create_new(&file).unwrap().write_all(b"from the future").unwrap();
    let store = open(&disk, "identity");
    assert_eq!(content(&store.snapshot()), expected(&NEWEST));
    assert!(store.snapshot().notes[0].contains("format 2"), "{:?}", store.snapshot().notes);
    put(&store, &OLDER).unwrap();
    assert_eq!(disk.bytes(&file), b"from the future");
}

#[test]
fn a_scrub_finds_damage_that_nobody_has_asked_for() {
    let disk = filled("identity");
    let store = open(&disk, "identity");
    let snapshot = store.snapshot();
    let detail = snapshot.deliveries[2].parts.detail.clone().unwrap();
    disk.damage(&dir().join("v1/data").join(&detail.hash), |bytes| bytes[50] ^= 4);
    assert_eq!(store.scrub(&mut || true), ["c"]);
    let mut asked = 0;
    store.scrub(&mut || {
        asked += 1;
        asked < 3
    });
    assert_eq!(asked, 3, "it stops when told to");
}

#[test]
fn a_read_only_directory_is_served() {
    let disk = filled("identity");
    disk.read_only();
    let store = open(&disk, "identity");
    assert_eq!(content(&store.snapshot()), expected(&NEWEST));
    assert!(store.writer().is_err());
    let part = store.snapshot().deliveries[0].parts.day.clone().unwrap();
    disk.damage(&dir().join("v1/data").join(&part.hash), |bytes| bytes[9] ^= 1);
    let store = open(&disk, "identity");
    assert!(store.snapshot().day(&store.snapshot().deliveries[0]).is_err());
    assert_eq!(store.snapshot().damaged(), ["a"]);
    let empty = Fake::new(&dir());
    empty.read_only();
    assert_eq!(open(&empty, "identity").snapshot().generation, 0);
}

#[test]
fn a_read_that_fails_once_is_tried_again() {
    let disk = filled("identity");
    for at in 0..6 {
        let store = open(&disk, "identity");
        let snapshot = store.snapshot();
        for grain in ["day", "detail"] {
            disk.plan(Some(Fault::Fail { at, errno: 5 }));
            let delivery = &snapshot.deliveries[0];
            let read = match grain {
                "day" => snapshot.day(delivery).map(drop),
                _ => snapshot.detail(delivery, always(), &[], &[]).map(drop),
            };
            disk.plan(None);
            assert_eq!(read, Ok(()), "{grain}, step {at}");
        }
        assert_eq!(snapshot.damaged(), Vec::<String>::new());
    }
}

#[test]
fn a_part_that_is_whole_but_of_another_identity_is_refused() {
    let (disk, foreign) = (filled("identity"), filled("another identity"));
    let store = open(&disk, "identity");
    let theirs = open(&foreign, "another identity").snapshot();
    let parts = theirs.deliveries[0].parts.clone();
    for part in parts.all() {
        let path = dir().join("v1/data").join(&part.hash);
        disk.create_new(&path).unwrap().write_all(&foreign.bytes(&path)).unwrap();
    }
    let record = DeliveryRecord { key: "z".into(), parts, ..DeliveryRecord::default() };
    store.writer().unwrap().commit(vec![record.clone()], &[]).unwrap();
    let snapshot = store.snapshot();
    assert!(matches!(snapshot.day(&record), Err(Error::Damaged { .. })));
    assert!(matches!(snapshot.detail(&record, always(), &[], &[]).map(drop), Err(Error::Damaged { .. })));
    assert_eq!(snapshot.damaged(), ["z"]);
}

#[test]
fn what_is_in_memory_is_the_base_of_the_next_commit_where_the_disk_fell_behind() {
    let disk = filled("identity");
    let store = open(&disk, "identity");
    let files = disk.files(&dir());
    let newest = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("00000000000000000002-");
    disk.damage(files.iter().find(newest).unwrap(), |bytes| bytes[5] ^= 1);
    assert_eq!(content(&store.snapshot()), expected(&NEWEST));
    put(&store, &[("d", 4)]).unwrap();
    assert_eq!(content(&store.snapshot()), expected(&[NEWEST[0], NEWEST[1], NEWEST[2], ("d", 4)]));
    assert_eq!(open(&disk, "identity").snapshot().notes, Vec::<String>::new());
}
