//! Where Grafana finds us: a unix socket that only our own parent may use, TCP on loopback where there are none.
//! Knows nothing of what is served; it hands over connections.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::metrics::Metrics;

#[cfg(unix)]
pub(super) use unix::{Folder, accept};

/// An open door and how to announce it.
#[derive(Debug)]
pub(super) enum Door {
    /// A unix socket in its own folder.
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, Folder),
    /// A port on loopback: any local process can call, so what is operator-only never comes from a message.
    Tcp(TcpListener),
}

impl Door {
    /// Opens the best door that this system has.
    ///
    /// # Errors
    /// Only where not even a loopback port can be had.
    pub(super) async fn open() -> io::Result<Self> {
        #[cfg(unix)]
        match unix::open() {
            Ok((listener, folder)) => return Ok(Self::Unix(listener, folder)),
            Err(error) => {
                tracing::warn!(%error, "no unix socket: listening on loopback, where every local process can call");
            }
        }
        Ok(Self::Tcp(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?))
    }

    /// The line that Grafana waits for: core version, protocol version, network, address, protocol.
    ///
    /// # Errors
    /// As the system can't tell the port.
    pub(super) fn handshake(&self) -> io::Result<String> {
        match self {
            #[cfg(unix)]
            Self::Unix(_, folder) => Ok(format!("1|2|unix|{}|grpc\n", folder.socket().display())),
            Self::Tcp(listener) => Ok(format!("1|2|tcp|{}|grpc\n", listener.local_addr()?)),
        }
    }
}

/// Connections on loopback.
pub(super) fn accept_tcp(listener: TcpListener) -> impl futures::Stream<Item = io::Result<tokio::net::TcpStream>> {
    tokio_stream::wrappers::TcpListenerStream::new(listener)
}

/// Counts a caller that was turned away and says so, once a minute at most.
fn turn_away(metrics: &Metrics, last_told: &mut Option<std::time::Instant>, why: &str) {
    metrics.rejected_peer();
    let quiet = last_told.is_some_and(|at| at.elapsed().as_secs() < 60);
    if !quiet {
        *last_told = Some(std::time::Instant::now());
        tracing::warn!(why, "a caller that is not our Grafana was turned away");
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::{Path, PathBuf};

    use tokio::net::{UnixListener, UnixStream};

    use super::{Arc, Metrics, io, turn_away};

    /// Where go-plugin wants the socket, when it says so.
    const DIR_VARIABLE: &str = "PLUGIN_UNIX_SOCKET_DIR";
    /// All our folders start so, then comes the process id.
    const PREFIX: &str = "outlay-";
    /// Systems allow 104 to 108 bytes, the end included.
    const LONGEST_PATH: usize = 100;

    /// The folder of our socket, 0700; gone when dropped.
    #[derive(Debug)]
    pub(in crate::plugin) struct Folder(PathBuf);

    impl Folder {
        /// Path of the socket.
        pub(in crate::plugin) fn socket(&self) -> PathBuf {
            self.0.join("plugin.sock")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            remove(&self.0);
        }
    }

    fn remove(folder: &Path) {
        let _socket = fs::remove_file(folder.join("plugin.sock"));
        let _folder = fs::remove_dir(folder);
    }

    /// A listening socket in a fresh folder of ours.
    pub(super) fn open() -> io::Result<(UnixListener, Folder)> {
        let asked = std::env::var_os(DIR_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let mut last = io::Error::other("no directory for temporary files");
        for parent in asked.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]) {
            match open_in(&parent) {
                Ok(opened) => {
                    sweep(&parent);
                    return Ok(opened);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn open_in(parent: &Path) -> io::Result<(UnixListener, Folder)> {
        let mut random = [0_u8; 4];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{PREFIX}{}-{:08x}", std::process::id(), u32::from_ne_bytes(random));
        let path = std::path::absolute(parent)?.join(name);
        if path.as_os_str().len() + "/plugin.sock".len() > LONGEST_PATH {
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, "the path of the socket would be too long"));
        }
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Folder(path);
        let listener = UnixListener::bind(folder.socket())?;
        Ok((listener, folder))
    }

    /// Removes folders of processes that were killed: ours by owner, whose process is gone and whose socket is dead.
    fn sweep(parent: &Path) {
        let Ok(entries) = fs::read_dir(parent) else { return };
        for entry in entries.flatten() {
            let Some(pid) = owner(&entry.file_name()) else { continue };
            let own =
                entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw());
            // Both questions: a process id says nothing across containers that share this directory.
            if own && !runs(pid) && !answers(&entry.path().join("plugin.sock")) {
                remove(&entry.path());
            }
        }
    }

    fn owner(name: &OsStr) -> Option<rustix::process::Pid> {
        let (pid, _random) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
        rustix::process::Pid::from_raw(pid.parse().ok()?)
    }

    fn runs(pid: rustix::process::Pid) -> bool {
        rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
    }

    fn answers(socket: &Path) -> bool {
        std::os::unix::net::UnixStream::connect(socket).is_ok()
    }

    /// Connections of our own user and, where the system tells it, of our own parent; all others are closed.
    pub(in crate::plugin) fn accept(
        listener: UnixListener,
        parent: u32,
        metrics: Arc<Metrics>,
    ) -> impl futures::Stream<Item = io::Result<UnixStream>> {
        let state = (listener, None::<std::time::Instant>);
        futures::stream::unfold(state, move |(listener, mut last_told)| {
            let metrics = Arc::clone(&metrics);
            async move {
                loop {
                    let Ok((stream, _)) = listener.accept().await else {
                        // Out of file handles, for instance: serving goes on with what is open.
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        continue;
                    };
                    match check_peer(&stream, parent) {
                        Ok(()) => return Some((Ok(stream), (listener, last_told))),
                        Err(why) => turn_away(&metrics, &mut last_told, why),
                    }
                }
            }
        })
    }

    fn check_peer(stream: &UnixStream, parent: u32) -> Result<(), &'static str> {
        let peer = stream.peer_cred().map_err(|_unknown| "the system does not say who called")?;
        if peer.uid() != rustix::process::geteuid().as_raw() {
            return Err("another user");
        }
        // A parent of 0 lies in another process namespace; then only the user can be compared.
        match peer.pid().map(u32::try_from) {
            Some(pid) if parent != 0 && pid != Ok(parent) => Err("another process than our parent"),
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn folders_are_private_and_vanish() {
            let place = tempfile::tempdir().unwrap();
            let (_listener, folder) = open_in(place.path()).unwrap();
            let path = folder.0.clone();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
            assert!(answers(&folder.socket()));
            drop(folder);
            assert!(!path.exists());
        }

        #[tokio::test]
        async fn only_folders_of_dead_processes_are_swept() {
            let place = tempfile::tempdir().unwrap();
            let (_listener, living) = open_in(place.path()).unwrap();
            // A process that has certainly ended.
            let mut child = std::process::Command::new("true").spawn().unwrap();
            let dead = place.path().join(format!("{PREFIX}{}-00000000", child.id()));
            child.wait().unwrap();
            fs::create_dir(&dead).unwrap();
            drop(std::os::unix::net::UnixListener::bind(dead.join("plugin.sock")).unwrap());
            let foreign = place.path().join("outlay-notes");
            fs::create_dir(&foreign).unwrap();
            sweep(place.path());
            assert!(!dead.exists());
            assert!(living.socket().exists() && foreign.exists());
        }

        #[tokio::test]
        async fn a_path_that_no_socket_can_have_is_refused() {
            let place = tempfile::tempdir().unwrap();
            let deep = place.path().join("x".repeat(90));
            fs::create_dir(&deep).unwrap();
            assert_eq!(open_in(&deep).unwrap_err().kind(), io::ErrorKind::InvalidFilename);
            assert!(fs::read_dir(&deep).unwrap().next().is_none());
        }

        #[tokio::test]
        async fn a_caller_that_is_not_the_parent_is_turned_away() {
            let place = tempfile::tempdir().unwrap();
            let (listener, folder) = open_in(place.path()).unwrap();
            let client = UnixStream::connect(folder.socket()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            assert_eq!(check_peer(&stream, std::process::id()), Ok(()));
            assert_eq!(check_peer(&stream, std::process::id() + 1), Err("another process than our parent"));
            assert_eq!(check_peer(&stream, 0), Ok(()));
            drop(client);
        }
    }
}
