//! What can go wrong with a store, named after what its reader can do about it.

use super::io;
use super::layout::RESERVE_BYTES;

/// Why the store cannot do what was asked. Messages name parts by hash, never by path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The directory is no place for a store.
    #[error("the store directory cannot be used: {why}; set `outlay_store_dir` to a writable private directory")]
    Unusable {
        /// In short.
        why: String,
    },
    /// Another process writes.
    #[error("the store is being written by {owner}; this process reads only")]
    Locked {
        /// Process and host.
        owner: String,
    },
    /// A file does not match its hash or cannot be decoded.
    #[error("part {part} of the store is damaged ({why}); it is set aside and imported again")]
    Damaged {
        /// Hash of the part.
        part: String,
        /// In short.
        why: String,
    },
    /// Written by a newer plugin.
    #[error("the store has format {found}, this plugin writes {known}; it is left alone and built anew beside")]
    NewerFormat {
        /// As found.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// No room left.
    #[error("no room for the store: {needed_mib} MiB needed, {free_mib} MiB free")]
    DiskFull {
        /// Needed.
        needed_mib: u64,
        /// Free.
        free_mib: u64,
    },
    /// The disk failed.
    #[error("the store cannot {action}: {why}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The system's own words.
        why: String,
    },
}

impl Error {
    /// An error of the disk while doing `action`; `free` tells the bytes that are left.
    pub(crate) fn disk(action: &'static str, error: &std::io::Error, free: impl FnOnce() -> u64) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            return Self::DiskFull { needed_mib: RESERVE_BYTES >> 20, free_mib: free() >> 20 };
        }
        Self::Io { action, why: io::words(error) }
    }

    /// Writing goes on after it failed.
    pub(crate) fn closed() -> Self {
        Self::Io { action: "write a file", why: "an earlier write failed".into() }
    }
}
