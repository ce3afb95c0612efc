//! Where things lie in a store's directory, and how its files are named. Knows names only, not contents.

use std::path::{Path, PathBuf};

/// Format of the files that this plugin writes. A newer one gets a directory of its own beside this one's.
pub(crate) const FORMAT: u32 = 1;
/// Generations that stay readable: the current one and those before it.
pub(crate) const KEPT_GENERATIONS: usize = 3;
/// Most bytes of damaged files that are kept for a look.
pub(crate) const QUARANTINE_BYTES: u64 = 1 << 30;
/// Free space that is never used up.
pub(crate) const RESERVE_BYTES: u64 = 64 << 20;
/// Largest manifest that is read.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 256 << 20;
/// Largest file of daily sums that is read.
pub(crate) const MAX_DAY_BYTES: u64 = 2 << 30;

/// The folders of one store in one format.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Directory of the store; holds one folder per format.
    pub dir: PathBuf,
    /// Folder of this format.
    pub root: PathBuf,
    /// Parts, by hash.
    pub data: PathBuf,
    /// Manifests, by generation and hash.
    pub manifests: PathBuf,
    /// Files in the making, by epoch.
    pub tmp: PathBuf,
    /// Damaged files.
    pub quarantine: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: &Path) -> Self {
        let root = dir.join(format!("v{FORMAT}"));
        Self {
            dir: dir.to_owned(),
            data: root.join("data"),
            manifests: root.join("manifests"),
            tmp: root.join("tmp"),
            quarantine: root.join("quarantine"),
            root,
        }
    }

    /// All folders, parents first.
    pub(crate) fn folders(&self) -> [&Path; 5] {
        [&self.root, &self.data, &self.manifests, &self.tmp, &self.quarantine]
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("CURRENT")
    }

    pub(crate) fn next_current(&self) -> PathBuf {
        self.root.join("CURRENT.tmp")
    }

    /// Marker whose time says when the store was last in use.
    pub(crate) fn seen(&self) -> PathBuf {
        self.dir.join(SEEN)
    }

    pub(crate) fn part(&self, hash: &str) -> PathBuf {
        self.data.join(hash)
    }

    pub(crate) fn manifest(&self, generation: u64, hash: &str) -> PathBuf {
        self.manifests.join(manifest_name(generation, hash))
    }
}

/// Name of the marker file.
pub(crate) const SEEN: &str = "seen";

/// Name of a manifest: sorts by generation.
pub(crate) fn manifest_name(generation: u64, hash: &str) -> String {
    format!("{generation:020}-{hash}")
}

/// Generation and hash of a manifest's name.
pub(crate) fn parse_manifest_name(name: &str) -> Option<(u64, &str)> {
    let (generation, hash) = name.split_once('-')?;
    is_hash(hash).then_some(())?;
    (generation.len() == 20).then(|| generation.parse().ok().map(|generation| (generation, hash)))?
}

/// Format of a folder that another version of the plugin keeps.
pub(crate) fn parse_format(name: &str) -> Option<u32> {
    name.strip_prefix('v').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// True for the name of a part: 64 lower-case hexadecimal digits. Nothing else ever becomes a path.
pub(crate) fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A hash as people read it.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(parse_manifest_name(&manifest_name(7, &hash)), Some((7, hash.as_str())));
        for wrong in ["", "7", "00000000000000000007-", "00000000000000000007-xyz", "7-0123"] {
            assert_eq!(parse_manifest_name(wrong), None, "{wrong}");
        }
        assert!(!is_hash(&hash.to_uppercase()) && !is_hash("../../../../etc/passwd") && is_hash(&hash));
        assert_eq!((parse_format("v12"), parse_format("vx"), parse_format("12")), (Some(12), None, None));
    }
}
