//! Listing a folder: everything that really lies there, then what links inside of it add, each file once.
//! Knows names and kinds of files; opens none.

use std::collections::{BTreeMap, BTreeSet};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, Metadata};

use super::stamp::{Id, id, modified, version};
use super::{Error, FileRef, LocalFolder, is_escape};
use crate::model::Stop;
use crate::sources::ignored::{Ignored, Why, why_ignored};
use crate::sources::place::{Entries, Entry, MAX_ENTRIES, MAX_PATH_BYTES};

/// Deepest folder below the location.
const MAX_DEPTH: usize = 32;

/// All files below the folder's location.
pub(super) fn entries(folder: &LocalFolder, stop: Stop) -> Result<Entries, Error> {
    let dir = folder.dir()?;
    let mut walk = Walk::new(folder, stop);
    walk.all(&dir)?;
    Ok(walk.finish())
}

/// One listing under way.
struct Walk<'a> {
    folder: &'a LocalFolder,
    stop: Stop,
    files: Vec<Met>,
    /// Folders walked or refused, so that links cannot lead in circles.
    folders: BTreeSet<Id>,
    forbidden: BTreeSet<Id>,
    links: Vec<String>,
    /// True while links are followed.
    by_link: bool,
    ignored: Ignored,
}

/// A file met on the way.
struct Met {
    entry: Entry,
    id: Id,
    by_link: bool,
}

impl<'a> Walk<'a> {
    fn new(folder: &'a LocalFolder, stop: Stop) -> Self {
        Self {
            folder,
            stop,
            files: Vec::new(),
            folders: BTreeSet::new(),
            forbidden: ids(&folder.forbidden),
            links: Vec::new(),
            by_link: false,
            ignored: Ignored::default(),
        }
    }

    /// The same bytes under several names count under one: the first that is no link, by path.
    fn finish(mut self) -> Entries {
        self.files.sort_by(|a, b| (a.by_link, &a.entry.file.path).cmp(&(b.by_link, &b.entry.file.path)));
        let mut first: BTreeMap<Id, String> = BTreeMap::new();
        for met in &mut self.files {
            let path = &met.entry.file.path;
            let known = first.entry(met.id).or_insert_with(|| path.clone());
            met.entry.same_as = (known != path).then(|| known.clone());
        }
        let mut files: Vec<Entry> = self.files.into_iter().map(|met| met.entry).collect();
        files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Entries { files, ignored: self.ignored }
    }

    /// Everything that really lies here first, then what links inside of it add.
    fn all(&mut self, base: &Dir) -> Result<(), Error> {
        self.folders.insert(id(&base.dir_metadata().map_err(|error| self.folder.failed(&error))?));
        self.below(base, "", 0)?;
        self.by_link = true;
        while !self.links.is_empty() {
            let mut links = std::mem::take(&mut self.links);
            links.sort();
            for path in links {
                self.link(base, &path)?;
            }
        }
        Ok(())
    }

    fn below(&mut self, dir: &Dir, prefix: &str, depth: usize) -> Result<(), Error> {
        let entries = dir.entries().map_err(|error| self.folder.failed(&error))?;
        for entry in entries {
            if self.stop.stopped() {
                return Err(Error::Io { file: self.folder.shown.to_string(), why: "the listing was stopped".into() });
            }
            let entry = entry.map_err(|error| self.folder.failed(&error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.ignored.note(&format!("{prefix}{}", name.to_string_lossy()), "a name that is no UTF-8");
                continue;
            };
            self.one(&entry, &format!("{prefix}{name}"), depth)?;
        }
        Ok(())
    }

    fn one(&mut self, entry: &DirEntry, path: &str, depth: usize) -> Result<(), Error> {
        if matches!(why_ignored(path), Some(Why::Hidden)) {
            self.ignored.note(path, Why::Hidden.reason());
            return Ok(());
        }
        let (Ok(kind), Ok(metadata)) = (entry.file_type(), entry.metadata()) else {
            self.ignored.note(path, "cannot be looked at, or is gone");
            return Ok(());
        };
        if kind.is_symlink() {
            self.links.push(path.to_owned());
            return self.check_count();
        }
        if kind.is_dir() {
            return match entry.open_dir() {
                Ok(dir) => self.folder(&dir, path, depth),
                Err(_closed) => {
                    self.ignored.note(path, "a folder that may not be opened");
                    Ok(())
                }
            };
        }
        self.file(path, &metadata)
    }

    fn folder(&mut self, dir: &Dir, path: &str, depth: usize) -> Result<(), Error> {
        let Ok(metadata) = dir.dir_metadata() else {
            self.ignored.note(path, "cannot be looked at, or is gone");
            return Ok(());
        };
        if self.forbidden.contains(&id(&metadata)) {
            self.ignored.note(path, "belongs to Grafana, to Outlay's own store, or to the system");
            return Ok(());
        }
        if !self.folders.insert(id(&metadata)) {
            self.ignored.note(path, "a folder that was listed before");
            return Ok(());
        }
        if depth + 1 >= MAX_DEPTH {
            return Err(too_large(&self.folder.shown, "the depth of folders", MAX_DEPTH));
        }
        self.below(dir, &format!("{path}/"), depth + 1)
    }

    fn file(&mut self, path: &str, metadata: &Metadata) -> Result<(), Error> {
        if !metadata.is_file() {
            self.ignored.note(path, "a pipe, socket or device");
            return Ok(());
        }
        if path.len() > MAX_PATH_BYTES {
            self.ignored.note(path, "a path of more than 1,024 bytes");
            return Ok(());
        }
        let file = FileRef { path: path.to_owned(), size: metadata.len(), version: version(metadata) };
        let entry = Entry { file, modified: modified(metadata), same_as: None };
        self.files.push(Met { entry, id: id(metadata), by_link: self.by_link });
        self.check_count()
    }

    /// A link counts where it stays below the location; the sandbox of the handle refuses the rest.
    fn link(&mut self, base: &Dir, path: &str) -> Result<(), Error> {
        match base.metadata(path) {
            Ok(metadata) if metadata.is_dir() => match base.open_dir(path) {
                Ok(dir) => self.folder(&dir, path, path.matches('/').count()),
                Err(_closed) => {
                    self.ignored.note(path, "a folder that may not be opened");
                    Ok(())
                }
            },
            Ok(metadata) => self.file(path, &metadata),
            Err(error) if is_escape(&error) => {
                self.ignored.note(path, "a link that leaves the folder");
                Ok(())
            }
            Err(_broken) => {
                self.ignored.note(path, "a link that leads nowhere");
                Ok(())
            }
        }
    }

    fn check_count(&self) -> Result<(), Error> {
        if self.files.len() + self.links.len() > MAX_ENTRIES {
            return Err(too_large(&self.folder.shown, "the number of files", MAX_ENTRIES));
        }
        Ok(())
    }
}

/// Folders that are passed over, by what they are, so that no other name leads into them.
fn ids(folders: &[std::path::PathBuf]) -> BTreeSet<Id> {
    let of = |folder: &std::path::PathBuf| {
        Dir::open_ambient_dir(folder, ambient_authority()).and_then(|dir| dir.dir_metadata())
    };
    folders.iter().filter_map(|folder| of(folder).ok()).map(|metadata| id(&metadata)).collect()
}

fn too_large(place: &str, what: &str, limit: usize) -> Error {
    Error::TooLarge {
        file: place.to_owned(),
        what: what.into(),
        found: format!("over {limit}"),
        limit: limit.to_string(),
    }
}
