//! What tells one file from another, and one state of a file from the next.
//! Pure reading of what the system says about a file.

use cap_std::fs::Metadata;

/// Which file or folder a name means: device and inode, or a number of its own where there are none.
pub(super) type Id = (u64, u64);

#[cfg(unix)]
pub(super) fn id(metadata: &Metadata) -> Id {
    use cap_std::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Size, modification time to the nanosecond, and inode: a replaced file differs in the last even if the others agree.
#[cfg(unix)]
pub(super) fn version(metadata: &Metadata) -> String {
    use cap_std::fs::MetadataExt;
    format!("{}-{}.{:09}-{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino())
}

#[cfg(unix)]
pub(super) fn modified(metadata: &Metadata) -> Option<i64> {
    use cap_std::fs::MetadataExt;
    metadata.mtime().checked_mul(1_000_000_000)?.checked_add(metadata.mtime_nsec())
}

/// Elsewhere a file has no inode that this crate can read: links are told apart by nothing, and a version is weaker.
#[cfg(not(unix))]
pub(super) fn id(_metadata: &Metadata) -> Id {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    (u64::MAX, NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(not(unix))]
pub(super) fn version(metadata: &Metadata) -> String {
    format!("{}-{}", metadata.len(), modified(metadata).unwrap_or_default())
}

#[cfg(not(unix))]
pub(super) fn modified(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.into_std().duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}
