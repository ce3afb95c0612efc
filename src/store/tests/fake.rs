//! A file system in memory that forgets what was not synced when it crashes, and fails on purpose.
//! Names and contents are kept twice: as processes see them, and as they are sure to be after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::make::Dice;
use crate::store::io::{Bytes, Lock, Sink, StoreIo};

/// What goes wrong, and at which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process and the machine die: nothing works from this step on.
    Crash { at: u64 },
    /// One step fails with this error number; all others work.
    Fail { at: u64, errno: i32 },
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Fake(Arc<Mutex<World>>);

#[derive(Clone, Debug, Default)]
struct World {
    files: Vec<File>,
    names: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    locked: BTreeMap<usize, u64>,
    next_lock: u64,
    steps: u64,
    fault: Option<Fault>,
    crashed: bool,
    free: u64,
    read_only: bool,
    pretended: BTreeMap<PathBuf, u64>,
}

#[derive(Clone, Debug, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
    synced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

impl Fake {
    /// An empty file system with one directory.
    pub(super) fn new(dir: &Path) -> Self {
        let names = BTreeMap::from([(dir.to_owned(), Node::Dir)]);
        Self(Arc::new(Mutex::new(World { durable: names.clone(), names, free: 1 << 40, ..World::default() })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// A copy that goes its own way.
    pub(super) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.world().clone())))
    }

    /// Sets the fault to come, counted from now on.
    pub(super) fn plan(&self, fault: Option<Fault>) {
        let mut world = self.world();
        (world.fault, world.steps) = (fault, 0);
    }

    pub(super) fn steps(&self) -> u64 {
        self.world().steps
    }

    pub(super) fn set_free(&self, bytes: u64) {
        self.world().free = bytes;
    }

    /// What the disk holds after the machine died: every name and content that was not synced may be there or not.
    pub(super) fn after_crash(&self, dice: &mut Dice) -> Self {
        let old = self.world();
        let mut new = World { free: old.free, ..World::default() };
        let all: BTreeSet<&PathBuf> = old.names.keys().chain(old.durable.keys()).collect();
        for path in all {
            let (seen, sure) = (old.names.get(path), old.durable.get(path));
            let kept = if dice.below(2) == 0 { seen } else { sure };
            let inside = path.parent().is_some_and(|dir| new.names.get(dir) == Some(&Node::Dir));
            let Some(node) =
                kept.filter(|_| inside || sure.is_some() && path.parent().is_none_or(|p| !old.names.contains_key(p)))
            else {
                continue;
            };
            let node = match node {
                Node::Dir => Node::Dir,
                Node::File(id) => {
                    let content = old.files[*id].survives(dice);
                    new.files.push(File { durable: content.clone(), content, synced: true });
                    Node::File(new.files.len() - 1)
                }
            };
            new.names.insert(path.clone(), node);
        }
        new.durable = new.names.clone();
        Self(Arc::new(Mutex::new(new)))
    }

    /// What a killed process leaves behind on a machine that goes on: all that it did, but no locks.
    pub(super) fn after_kill(&self) -> Self {
        let mut world = self.world().clone();
        world.locked.clear();
        (world.fault, world.crashed) = (None, false);
        Self(Arc::new(Mutex::new(world)))
    }

    /// Changes a file's bytes in place, as a failing disk does.
    pub(super) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.world();
        let Some(Node::File(id)) = world.names.get(path).copied() else { panic!("no file to damage") };
        change(&mut world.files[id].content);
    }

    /// The bytes of a file that must be there.
    pub(super) fn bytes(&self, path: &Path) -> Vec<u8> {
        self.try_bytes(path).unwrap()
    }

    /// The bytes of a file, if it is there.
    pub(super) fn try_bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world();
        world.file(path).ok().map(|file| world.files[file].content.clone())
    }

    /// Lets a file appear larger than it is, to those who list it.
    pub(super) fn pretend_size(&self, path: &Path, size: u64) {
        self.world().pretended.insert(path.to_owned(), size);
    }

    /// From now on nothing can be written.
    pub(super) fn read_only(&self) {
        self.world().read_only = true;
    }

    fn change(&self) -> io::Result<MutexGuard<'_, World>> {
        let world = self.step()?;
        if world.read_only { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(world) }
    }

    /// Names of all files below a directory.
    pub(super) fn files(&self, dir: &Path) -> Vec<PathBuf> {
        let world = self.world();
        let inside = world.names.iter().filter(|(path, node)| path.starts_with(dir) && **node != Node::Dir);
        inside.map(|(path, _)| path.clone()).collect()
    }

    fn step(&self) -> io::Result<MutexGuard<'_, World>> {
        let mut world = self.world();
        let now = world.steps;
        world.steps += 1;
        match world.fault {
            Some(Fault::Crash { at }) if now >= at => world.crashed = true,
            Some(Fault::Fail { at, errno }) if now == at => return Err(io::Error::from_raw_os_error(errno)),
            _ => {}
        }
        if world.crashed { Err(io::Error::other("crashed")) } else { Ok(world) }
    }
}

impl File {
    fn survives(&self, dice: &mut Dice) -> Vec<u8> {
        if self.synced {
            return self.durable.clone();
        }
        let cut = dice.below(self.content.len() + 1);
        match dice.below(4) {
            0 => self.durable.clone(),
            1 => self.content.clone(),
            2 => self.content[..cut].to_vec(),
            _ => self.content.iter().enumerate().map(|(at, byte)| if at < cut { *byte } else { 0 }).collect(),
        }
    }
}

impl World {
    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(id)) => Ok(*id),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn make(&mut self, path: &Path) -> io::Result<usize> {
        let dir = path.parent().ok_or(io::ErrorKind::NotFound)?;
        if self.names.get(dir) != Some(&Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.files.push(File::default());
        self.names.insert(path.to_owned(), Node::File(self.files.len() - 1));
        Ok(self.files.len() - 1)
    }
}

impl StoreIo for Fake {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.change()?.names.entry(dir.to_owned()).or_insert(Node::Dir);
        Ok(())
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let mut world = self.change()?;
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = world.make(path)?;
        Ok(Box::new(FakeFile { disk: self.clone(), file, failed: false }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Bytes>> {
        let world = self.step()?;
        Ok(Arc::new(FakeFile { disk: self.clone(), file: world.file(path)?, failed: false }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.change()?;
        let node = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change()?.names.remove(path).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.step()?;
        let inside = |path: &Path| path.parent() == Some(dir);
        let names: Vec<(PathBuf, Node)> =
            world.names.iter().filter(|(path, _)| inside(path)).map(|(path, node)| (path.clone(), *node)).collect();
        world.durable.retain(|path, _| !inside(path));
        world.durable.extend(names);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        let world = self.step()?;
        if world.names.get(dir) != Some(&Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = world.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        let size = |path: &PathBuf, node: &Node| match node {
            Node::Dir => 0,
            Node::File(id) => world.pretended.get(path).copied().unwrap_or(world.files[*id].content.len() as u64),
        };
        Ok(inside
            .map(|(path, node)| (path.file_name().unwrap().to_str().unwrap().to_owned(), size(path, node)))
            .collect())
    }

    fn free(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.step()?.free)
    }

    fn lock(&self, path: &Path, owner: &[u8]) -> io::Result<Option<Box<dyn Lock>>> {
        let mut world = self.change()?;
        let file = match world.file(path) {
            Ok(file) => file,
            Err(_) => world.make(path)?,
        };
        if world.locked.contains_key(&file) {
            return Ok(None);
        }
        world.next_lock += 1;
        let token = world.next_lock;
        world.locked.insert(file, token);
        world.files[file].content = owner.to_owned();
        world.files[file].synced = false;
        Ok(Some(Box::new(FakeLock { disk: self.clone(), path: path.to_owned(), file, owner: owner.to_owned() })))
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        let mut world = self.change()?;
        if world.file(path).is_err() {
            world.make(path)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct FakeFile {
    disk: Fake,
    file: usize,
    failed: bool,
}

impl Write for FakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = match self.disk.step() {
            Ok(mut world) => {
                let file = &mut world.files[self.file];
                file.content.extend_from_slice(bytes);
                file.synced = false;
                return Ok(bytes.len());
            }
            // A write that fails may have written some of it.
            Err(error) => (bytes.len() / 2, error),
        };
        let mut world = self.disk.world();
        let file = &mut world.files[self.file];
        file.content.extend_from_slice(&bytes[..taken.0]);
        file.synced = false;
        Err(taken.1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for FakeFile {
    fn sync(&mut self) -> io::Result<()> {
        assert!(!self.failed, "a file whose sync failed is synced again");
        match self.disk.step() {
            Ok(mut world) => {
                let file = &mut world.files[self.file];
                file.durable = file.content.clone();
                file.synced = true;
                Ok(())
            }
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        }
    }
}

impl Bytes for FakeFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.step()?.files[self.file].content.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let world = self.disk.step()?;
        let rest = world.files[self.file].content.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

#[derive(Debug)]
struct FakeLock {
    disk: Fake,
    path: PathBuf,
    file: usize,
    owner: Vec<u8>,
}

impl Lock for FakeLock {
    fn is_ours(&mut self) -> bool {
        let Ok(world) = self.disk.step() else { return false };
        world.file(&self.path).is_ok_and(|file| file == self.file) && world.files[self.file].content == self.owner
    }
}

impl Drop for FakeLock {
    fn drop(&mut self) {
        let mut world = self.disk.world();
        world.locked.remove(&self.file);
        if !world.crashed {
            world.files[self.file].content.clear();
        }
    }
}
