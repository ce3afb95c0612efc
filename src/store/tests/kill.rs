//! A real process killed while it commits over and over: what it leaves is one whole generation (F3).

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::make::{Dice, content, expected, put};
use crate::store::Store;

/// Names the directory to the process that is to be killed.
const DIR: &str = "OUTLAY_TEST_STORE_DIR";
/// How often it is killed.
const KILLS: u64 = 25;

/// Not a test of its own: what the killed process runs. Ends at once where nobody started it for that.
#[test]
fn commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = Store::open(dir.as_ref(), "identity").unwrap();
    for seed in store.snapshot().generation + 1.. {
        put(&store, &[("a", seed), ("b", seed)]).unwrap();
    }
}

struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn a_killed_writer_leaves_one_whole_generation() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let mut last = 0;
    for kill in 0..KILLS {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "store::tests::kill::commits_until_it_is_killed", "--nocapture"]);
        command.env(DIR, dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = Reaped(command.spawn().unwrap());
        std::thread::sleep(Duration::from_millis(20 + dice.roll() % 120));
        drop(child);
        let store = Store::open(dir.path(), "identity").unwrap();
        let snapshot = store.snapshot();
        assert!(snapshot.generation >= last, "kill {kill}");
        last = snapshot.generation;
        // A generation that was prepared when the kill came leaves a gap in the numbers, so that the seed is told by the version.
        let seed = snapshot.deliveries.first().map_or(0, |delivery| delivery.label.parse().unwrap());
        let right = if last == 0 { Vec::new() } else { expected(&[("a", seed), ("b", seed)]) };
        assert_eq!(content(&snapshot), right, "kill {kill}: generation {last}");
    }
    assert!(last > 1, "it never came to commit anything");
    let store = Store::open(dir.path(), "identity").unwrap();
    put(&store, &[("a", 1), ("b", 2)]).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("v1/tmp")).unwrap().count(), 0, "what was left is collected");
}
