//! Rebuilds and restarts the demo whenever Rust sources or dashboards change.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use crate::tools::root;

/// Runs until it is interrupted. A failing build is shown and waits for the next change.
pub(crate) fn run() -> Result<()> {
    let mut seen = SystemTime::UNIX_EPOCH;
    loop {
        let newest = newest(&["src", "provisioning", "examples", "Cargo.toml"].map(|name| root().join(name)));
        if newest > seen {
            seen = newest;
            if let Err(error) = crate::demo::panels(crate::stand_in::Build::Debug) {
                println!("{error:#}");
            }
            println!("\nwaiting for a change (Ctrl-C ends)");
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn newest(places: &[impl AsRef<Path>]) -> SystemTime {
    places.iter().map(|place| newest_in(place.as_ref())).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest_in(place: &Path) -> SystemTime {
    let own = place.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = std::fs::read_dir(place) else { return own };
    entries.flatten().map(|entry| newest_in(&entry.path())).chain([own]).max().unwrap_or(own)
}
