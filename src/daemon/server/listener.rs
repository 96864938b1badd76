//! The daemon's own socket: never shared by two daemons, never in the way of the next one.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::{Gid, chown};

use crate::daemon::settings;
use crate::sys::accounts;
use crate::sys::fs::describe;

/// The longest path of a socket, in bytes (unix(7)); one more is for the end.
const LONGEST: usize = 107;

/// What is added to the socket's name for the file that only its daemon has locked.
const LOCK_SUFFIX: &str = ".lock";

/// A socket of our own. Its name goes with it.
pub(crate) struct OwnSocket {
    settings: settings::Socket,
    system: bool,
    /// Which file it is: another daemon may have replaced it, with the lock file gone by somebody's hand.
    identity: Identity,
    /// Held as long as the name is ours.
    lock: Flock<File>,
}

/// The device and the inode of a file.
type Identity = (u64, u64);

/// Why there is no socket.
#[derive(Debug)]
pub enum ListenError {
    /// Another daemon serves it.
    Taken(PathBuf),
    /// There is something else than a socket.
    NoSocket(PathBuf),
    /// There is no such group.
    NoGroup(String),
    /// The folder of this one is missing.
    NoFolder(PathBuf),
    /// The path is longer than one of a socket may be.
    TooLong(PathBuf),
    /// Its name was taken away, and it cannot be bound to it again.
    Lost(PathBuf, Box<ListenError>),
    /// Its name is taken away again and again.
    Contested(PathBuf),
    /// The system refuses something.
    Io(String, io::Error),
}

impl std::fmt::Display for ListenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken(path) => write!(f, "another daemon serves {}", path.display()),
            Self::NoSocket(path) => write!(f, "{} is there, and is no socket", path.display()),
            Self::NoGroup(name) => {
                write!(f, "there is no group {name}, which the socket is to have")
            }
            Self::NoFolder(folder) => write!(
                f,
                "{} cannot be made: the folder above it is missing",
                folder.display()
            ),
            Self::TooLong(path) => {
                write!(f, "{} is too long for a socket's path", path.display())
            }
            Self::Lost(path, reason) => write!(
                f,
                "the socket {} was taken away, and cannot be put back: {reason}",
                path.display()
            ),
            Self::Contested(path) => {
                write!(
                    f,
                    "the socket {} is taken away again and again",
                    path.display()
                )
            }
            Self::Io(what, error) => write!(f, "{what}: {}", describe(error)),
        }
    }
}

impl std::error::Error for ListenError {}

impl ListenError {
    /// What helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Taken(_) => Some(
                "escrun status asks that one; end it first, or serve another path with --socket",
            ),
            Self::TooLong(_) => Some("name a path of at most 107 bytes with --socket"),
            Self::NoSocket(_) => Some("serve another path, or remove what is there"),
            Self::NoGroup(_) => Some("name one that exists: socket.group in daemon.yaml"),
            Self::Lost(..) => Some("nobody can reach this daemon any more; start it again"),
            Self::Contested(_) => {
                Some("find out what does so, or serve another path with --socket")
            }
            Self::NoFolder(_) => Some("make them with mkdir -p, or correct the path"),
            Self::Io(_, error) if error.kind() == io::ErrorKind::PermissionDenied => Some(
                "the machine's daemon is started by systemctl start escrun; another may serve a path of its user with --socket",
            ),
            Self::Io(..) => None,
        }
    }
}

impl OwnSocket {
    /// Listens at the path that `settings` say. The folder is made if there is none, but none above it. What a daemon that
    /// was killed has left there is replaced, in one step.
    ///
    /// # Errors
    /// When another daemon serves it, or the system refuses.
    pub(crate) fn bind(
        settings: &settings::Socket,
        system: bool,
    ) -> Result<(Self, UnixListener), ListenError> {
        // Before anything is made for it.
        check_path(&settings.path)?;
        make_folder_of(&settings.path, system)?;
        // A path that is mistyped must not cost the file that is there.
        let found = fs::symlink_metadata(&settings.path);
        if found.is_ok_and(|found| !found.file_type().is_socket()) {
            return Err(ListenError::NoSocket(settings.path.clone()));
        }
        let lock = claim(&settings.path)?;
        let (listener, identity) = place(settings)?;
        let own = Self {
            settings: settings.clone(),
            system,
            identity,
            lock,
        };
        Ok((own, listener))
    }

    /// Listens at the same path again, after its name was taken away. Who has connected by the old name is in the backlog
    /// of the old listener.
    ///
    /// # Errors
    /// As [`Self::bind`]: another daemon may have come there, with a lock file of its own if this one's is gone too.
    pub(crate) fn bind_anew(&mut self) -> Result<UnixListener, ListenError> {
        make_folder_of(&self.settings.path, self.system)?;
        if !self.has_locked_the_path() {
            self.lock = lock(&self.settings.path)?;
        }
        let (listener, identity) = place(&self.settings)?;
        self.identity = identity;
        Ok(listener)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.settings.path
    }

    /// Whether whoever connects to the path comes here.
    pub(crate) fn is_in_place(&self) -> bool {
        let metadata = fs::symlink_metadata(&self.settings.path);
        metadata.is_ok_and(|metadata| identity(&metadata) == self.identity)
    }

    /// Whether the file that is locked is the one that other daemons would lock.
    fn has_locked_the_path(&self) -> bool {
        let ours = self.lock.metadata();
        let theirs = fs::symlink_metadata(lock_path(&self.settings.path));
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if identity(&ours) == identity(&theirs))
    }

    /// Takes the name away, so that nobody finds the socket any more. No other daemon may take its place yet.
    pub(crate) fn withdraw(&self) {
        if self.is_in_place() {
            // The next daemon replaces what is left.
            let _ = fs::remove_file(&self.settings.path);
        }
    }
}

impl Drop for OwnSocket {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Listens at the path that `settings` say, in a folder that is there. What is there is replaced, in one step.
fn place(settings: &settings::Socket) -> Result<(UnixListener, Identity), ListenError> {
    let path = &settings.path;
    let staged = staged_beside(path);
    let refused = |what: &Path| {
        let what = what.display().to_string();
        move |error| ListenError::Io(what, error)
    };
    let group = group(settings.group.as_deref())?;
    remove(&staged).map_err(refused(&staged))?;
    let listener = UnixListener::bind(&staged).map_err(refused(path))?;
    let settle = || {
        if let Some(group) = group {
            chown(&staged, None, Some(Gid::from_raw(group)))?;
        }
        fs::set_permissions(&staged, Permissions::from_mode(settings.mode))?;
        let metadata = fs::symlink_metadata(&staged)?;
        // Whoever looks for the socket finds the old one or the new one, and never one with another mode.
        fs::rename(&staged, path)?;
        listener.set_nonblocking(true)?;
        Ok(identity(&metadata))
    };
    let identity = settle().map_err(|error| {
        // It is no use to anyone; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&staged);
        refused(path)(error)
    })?;
    Ok((listener, identity))
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// The folder of the socket at `path`.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A path beside `path` that no other socket has.
fn staged_beside(path: &Path) -> PathBuf {
    folder_of(path).join(format!(".{}", std::process::id()))
}

/// Makes sure that a socket can have the path, and can be made beside it.
fn check_path(path: &Path) -> Result<(), ListenError> {
    if path.file_name().is_none() {
        let error = Errno::EISDIR.into();
        return Err(ListenError::Io(path.display().to_string(), error));
    }
    let length = |path: &Path| path.as_os_str().len();
    match length(path).max(length(&staged_beside(path))) <= LONGEST {
        true => Ok(()),
        false => Err(ListenError::TooLong(path.to_owned())),
    }
}

/// Makes the folder of a socket.
fn make_folder_of(path: &Path, system: bool) -> Result<(), ListenError> {
    let mode = if system { 0o755 } else { 0o700 };
    make_folder(folder_of(path), mode)
}

/// Makes the folder, if the one that is to hold it is there: else the path is mistyped. One that is there stays as it is.
fn make_folder(folder: &Path, mode: u32) -> Result<(), ListenError> {
    if folder.is_dir() {
        return Ok(());
    }
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ListenError::NoFolder(folder.to_owned()),
        _ => ListenError::Io(folder.display().to_string(), error),
    };
    DirBuilder::new()
        .mode(mode)
        .create(folder)
        .map_err(refused)?;
    // The umask keeps others out of all that is made, and the socket of a machine is for others.
    fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(refused)
}

/// Takes the path for this daemon. One that was just killed may not have ended yet, and what it has started even less, and
/// holds it for a moment.
fn claim(path: &Path) -> Result<Flock<File>, ListenError> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let started = Instant::now();
    loop {
        // Whoever was handed the socket by a service manager has not locked that file.
        let claimed = lock(path).and_then(|lock| match is_served(path) {
            true => Err(ListenError::Taken(path.to_owned())),
            false => Ok(lock),
        });
        match claimed {
            Err(ListenError::Taken(_)) if started.elapsed() < PATIENCE => {
                thread::sleep(PATIENCE / 40);
            }
            claimed => return claimed,
        }
    }
}

/// Takes the lock that goes with the socket. The file stays for the next daemon: if it were removed, two could have
/// locked one each.
fn lock(socket: &Path) -> Result<Flock<File>, ListenError> {
    let path = lock_path(socket);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(&path)
        .map_err(|error| ListenError::Io(path.display().to_string(), error))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => ListenError::Taken(socket.to_owned()),
        errno => ListenError::Io(path.display().to_string(), errno.into()),
    })
}

fn lock_path(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(LOCK_SUFFIX);
    path.into()
}

/// Whether somebody has the socket at the path. What a killed daemon has left refuses (unix(7), `ECONNREFUSED`).
fn is_served(path: &Path) -> bool {
    let address = UnixAddr::new(path);
    let socket = socket(
        AddressFamily::Unix,
        SockType::Stream,
        // A listener whose backlog is full must not keep the start waiting.
        SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
        None,
    );
    let (Ok(address), Ok(socket)) = (address, socket) else {
        return false;
    };
    // One of another type, of which nothing listens, refuses in another way (`EPROTOTYPE`).
    matches!(
        connect(socket.as_raw_fd(), &address),
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE)
    )
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The number of a group that is named or numbered.
fn group(name: Option<&str>) -> Result<Option<u32>, ListenError> {
    let Some(name) = name else {
        return Ok(None);
    };
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    match accounts::group_named(name) {
        Ok(Some(number)) => Ok(Some(number)),
        Ok(None) => Err(ListenError::NoGroup(name.to_owned())),
        Err(error) => Err(ListenError::Io(format!("group {name}"), error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn settings(path: &Path, mode: u32) -> settings::Socket {
        settings::Socket {
            path: path.to_owned(),
            mode,
            group: None,
        }
    }

    #[test]
    fn a_socket_has_its_mode_and_goes_with_its_daemon() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("escrun/s");
        let (own, _listener) = OwnSocket::bind(&settings(&path, 0o660), false).expect("a socket");
        let mode = |path: &Path| path.metadata().expect("it is there").mode() & 0o777;
        assert_eq!(mode(&path), 0o660);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
        assert!(UnixStream::connect(&path).is_ok());
        drop(own);
        assert!(!path.exists());
    }

    #[test]
    fn a_path_that_is_mistyped_makes_no_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rnu/escrun/s");
        let error = OwnSocket::bind(&settings(&path, 0o600), false).err();
        assert!(matches!(error, Some(ListenError::NoFolder(_))));
        assert!(!folder.path().join("rnu").exists());
    }

    #[test]
    fn two_daemons_never_share_a_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        let (own, listener) = OwnSocket::bind(&settings(&path, 0o600), false).expect("a socket");
        let second = OwnSocket::bind(&settings(&path, 0o600), false);
        assert!(matches!(second, Err(ListenError::Taken(_))));
        assert!(UnixStream::connect(&path).is_ok(), "the first still serves");
        drop((own, listener));
        assert!(OwnSocket::bind(&settings(&path, 0o600), false).is_ok());
    }

    #[test]
    fn a_socket_that_a_service_manager_has_handed_over_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        let _theirs = UnixListener::bind(&path).expect("a socket");
        let ours = OwnSocket::bind(&settings(&path, 0o600), false);
        assert!(matches!(ours, Err(ListenError::Taken(_))));
        assert!(UnixStream::connect(&path).is_ok(), "it is still served");
    }

    #[test]
    fn a_socket_that_takes_datagrams_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        let theirs = UnixDatagram::bind(&path).expect("a socket");
        let ours = OwnSocket::bind(&settings(&path, 0o600), false);
        assert!(matches!(ours, Err(ListenError::Taken(_))));
        let ours = UnixDatagram::unbound().expect("a socket");
        ours.send_to(b"x", &path).expect("it is still theirs");
        drop(theirs);
        assert!(OwnSocket::bind(&settings(&path, 0o600), false).is_ok());
    }

    #[test]
    fn one_that_is_about_to_end_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        let ending = OwnSocket::bind(&settings(&path, 0o600), false).expect("a socket");
        let ends = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(ending);
        });
        assert!(OwnSocket::bind(&settings(&path, 0o600), false).is_ok());
        ends.join().expect("it ended");
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        fs::write(&path, "mine").expect("written");
        let ours = OwnSocket::bind(&settings(&path, 0o600), false);
        assert!(matches!(ours, Err(ListenError::NoSocket(_))));
        assert_eq!(fs::read(&path).expect("it is there"), b"mine");
    }

    #[test]
    fn what_a_killed_daemon_left_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).expect("a socket"));
        assert!(UnixStream::connect(&path).is_err());
        let (_own, _listener) = OwnSocket::bind(&settings(&path, 0o600), false).expect("a socket");
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_told_before_anything_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = folder.path().join("escrun").join("x".repeat(120));
        let error = OwnSocket::bind(&settings(&long, 0o600), false).err();
        assert!(matches!(error, Some(ListenError::TooLong(_))));
        let parent = folder.path().join("escrun/..");
        let error = OwnSocket::bind(&settings(&parent, 0o600), false).err();
        let told = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.ends_with("escrun/..: is a directory"), "{told}");
        assert!(!folder.path().join("escrun").exists());
    }
}
