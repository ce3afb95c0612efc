//! Whose data a store holds: the keyed hash that names its directory, the key behind it, and the sweep of names that
//! nobody uses any more. It knows fields and bytes, not which provider they belong to.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::io::{self, BaseIo};
use super::layout::{SEEN, is_hash};
use crate::model::{Clock, DAY};

/// Name of the key's file in the base directory.
const KEY_FILE: &str = "identity.key";
/// Length of the key.
const KEY_BYTES: usize = 32;
/// A directory that nobody has used for this long goes.
const UNUSED_FOR: i64 = 7 * DAY;

/// The secret of one base directory, from which the identities of its stores are made. Without it a reader of the
/// directory could guess weak credentials from their hashes. Lost key, new identities: everything is imported again.
pub struct IdentityKey {
    key: [u8; KEY_BYTES],
    base: PathBuf,
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey")
    }
}

impl IdentityKey {
    /// Opens the base directory of all stores, making it and its key where they are missing. Two processes that do so
    /// at the same time get the same key.
    ///
    /// # Errors
    /// [`Error::Unusable`] where the directory is not absolute, a symbolic link, of another user or open to others, or
    /// where it has no key and cannot be written.
    pub fn open(base: &Path) -> Result<Self, Error> {
        io::private_place(base).map_err(|why| Error::Unusable { why })?;
        let place = BaseIo::new(base);
        let read = || place.secret(KEY_FILE).ok().and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        let key = match read() {
            Some(key) => key,
            None => {
                let unusable = |error: std::io::Error| Error::Unusable {
                    why: format!("the key of its identities cannot be written: {}", io::words(&error)),
                };
                let _lock = place.exclusive(KEY_FILE).map_err(unusable)?;
                // Another process may have been first.
                match read() {
                    Some(key) => key,
                    None => {
                        let mut key = [0_u8; KEY_BYTES];
                        getrandom::fill(&mut key).map_err(|error| Error::Unusable {
                            why: format!("no random number for the key of its identities: {error}"),
                        })?;
                        place.keep_secret(KEY_FILE, &key).map_err(unusable)?;
                        key
                    }
                }
            }
        };
        Ok(Self { key, base: base.to_owned() })
    }

    /// The identity of one source: 64 hexadecimal digits that change with the organization, the uid, the definition of
    /// the source (provider, location, region, endpoint, format; not its display name or refresh interval), and any
    /// configured credential. `credentials` are field names with their secrets, in any order.
    #[must_use]
    pub fn identity<'a>(
        &self,
        org_id: i64,
        uid: &str,
        source_definition: &str,
        credentials: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> String {
        let mut credentials: Vec<(&str, &[u8])> = credentials.into_iter().collect();
        credentials.sort_unstable();
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(b"outlay identity 1");
        field(&org_id.to_le_bytes());
        field(uid.as_bytes());
        field(source_definition.as_bytes());
        field(&(credentials.len() as u64).to_le_bytes());
        for (name, secret) in credentials {
            field(name.as_bytes());
            field(secret);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The directory of an identity's store, for [`super::Store::open`].
    #[must_use]
    pub fn store_dir(&self, identity: &str) -> PathBuf {
        self.base.join(identity)
    }

    /// Removes the stores of identities that nobody has opened for seven days; never one of `in_use`, and never one
    /// that another process is writing. Returns the identities that went.
    #[must_use]
    pub fn sweep(&self, in_use: &[&str], clock: &dyn Clock) -> Vec<String> {
        let place = BaseIo::new(&self.base);
        let oldest = clock.now().0.saturating_sub(UNUSED_FOR);
        let mut gone = Vec::new();
        for name in place.folders() {
            if let Some(identity) = name.strip_prefix(SWEPT) {
                // A sweep that was cut short.
                if is_hash(identity) {
                    place.discard(&name);
                }
                continue;
            }
            let unused = || place.modified(&name, SEEN).is_some_and(|seen| seen < oldest);
            if !is_hash(&name) || in_use.contains(&name.as_str()) || !unused() {
                continue;
            }
            // Under the lock nobody starts to write it; renamed first, so that half a store is never found.
            let Some(_locks) = place.writer_locks(&name) else { continue };
            let swept = format!("{SWEPT}{name}");
            if unused() && place.rename(&name, &swept) {
                place.discard(&swept);
                gone.push(name);
            }
        }
        gone
    }
}

/// Prefix of a directory on its way out.
const SWEPT: &str = "swept-";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FixedClock, Instant};
    use crate::store::Store;

    fn key() -> (tempfile::TempDir, IdentityKey) {
        let base = tempfile::tempdir().unwrap();
        let key = IdentityKey::open(base.path()).unwrap();
        (base, key)
    }

    #[test]
    fn every_field_enters_the_identity_and_none_runs_into_the_next() {
        let (_base, key) = key();
        let of = |org, uid: &str, source: &str, credentials: &[(&str, &[u8])]| {
            key.identity(org, uid, source, credentials.iter().copied())
        };
        let identities = [
            of(1, "uid", "s3://b", &[("id", b"a"), ("secret", b"b")]),
            of(0, "uid", "s3://b", &[("id", b"a"), ("secret", b"b")]),
            of(1, "uid2", "s3://b", &[("id", b"a"), ("secret", b"b")]),
            of(1, "uid", "s3://c", &[("id", b"a"), ("secret", b"b")]),
            of(1, "uids3", "://b", &[("id", b"a"), ("secret", b"b")]),
            of(1, "uid", "s3://b", &[("id", b"a"), ("secret", b"c")]),
            of(1, "uid", "s3://b", &[("id", b"b"), ("secret", b"a")]),
            of(1, "uid", "s3://b", &[("id", b"as"), ("ecret", b"b")]),
            of(1, "uid", "s3://b", &[("id", b"a")]),
            of(1, "uid", "s3://b", &[]),
        ];
        let distinct: std::collections::BTreeSet<&String> = identities.iter().collect();
        assert_eq!(distinct.len(), identities.len());
        assert!(identities.iter().all(|identity| is_hash(identity)));
        assert_eq!(identities[0], of(1, "uid", "s3://b", &[("secret", b"b"), ("id", b"a")]), "order of fields");
    }

    #[test]
    fn the_key_is_private_lasts_and_is_the_same_for_all_who_race_for_it() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("stores");
        let identities: Vec<String> = std::thread::scope(|scope| {
            let open = || IdentityKey::open(&path).unwrap().identity(1, "u", "s", []);
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert!(identities.iter().all(|identity| *identity == identities[0]));
        assert_eq!(IdentityKey::open(&path).unwrap().identity(1, "u", "s", []), identities[0]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join(KEY_FILE))), (0o700, 0o600));
        }
        std::fs::write(path.join(KEY_FILE), b"short").unwrap();
        assert_ne!(
            IdentityKey::open(&path).unwrap().identity(1, "u", "s", []),
            identities[0],
            "a lost key is replaced"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_base_directory_that_others_reach_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let refused = |path: &Path, why: &str| {
            let error = IdentityKey::open(path).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            let error = Store::open(path, "id").unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains(&*path.to_string_lossy()), "{error}");
        };
        for mode in [0o770, 0o707, 0o777] {
            let open = base.path().join(format!("{mode:o}"));
            std::fs::create_dir(&open).unwrap();
            std::fs::set_permissions(&open, std::fs::Permissions::from_mode(mode)).unwrap();
            let writable = mode & 0o022 != 0;
            assert!(writable);
            refused(&open, "others may write");
        }
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        refused(&link, "symbolic link");
        let file = base.path().join("file");
        std::fs::write(&file, b"").unwrap();
        refused(&file, "no directory");
        refused(Path::new("relative"), "not absolute");
    }

    #[test]
    fn the_sweep_takes_what_was_not_used_for_a_week_and_nothing_else() {
        let (base, key) = key();
        let of = |uid: &str| key.identity(1, uid, "s", []);
        let [old, fresh, used, locked] = ["old", "fresh", "used", "locked"].map(of);
        let now = Instant::midnight(2026, 11, 24).unwrap();
        let stores: Vec<Store> = [&old, &fresh, &used, &locked]
            .into_iter()
            .map(|identity| Store::open(&key.store_dir(identity), identity).unwrap())
            .collect();
        let seen = |identity: &str, at: i64| {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(at.try_into().unwrap());
            let file = std::fs::File::options().write(true).open(base.path().join(identity).join(SEEN)).unwrap();
            file.set_modified(time).unwrap();
        };
        [&old, &used, &locked].into_iter().for_each(|identity| seen(identity, now.0 - 7 * DAY - 1));
        seen(&fresh, now.0 - 7 * DAY);
        let _writer = stores[3].writer().unwrap();
        std::fs::create_dir(base.path().join("other")).unwrap();
        assert_eq!(key.sweep(&[&used], &FixedClock(now)), vec![old.clone()]);
        assert!(!base.path().join(&old).exists());
        for kept in [&fresh, &used, &locked, &"other".to_owned(), &KEY_FILE.to_owned()] {
            assert!(base.path().join(kept).exists(), "{kept}");
        }
    }
}
