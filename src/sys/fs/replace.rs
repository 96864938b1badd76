//! Replacing a file as a whole: at any moment the old text or the new one stands there, never a part of one.
//!
//! Access control lists and other extended attributes are not carried over; mode, owner and group are.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, Gid, Uid, UnlinkatFlags};

use super::owner::Owner;
use super::read::{FileKind, ReadError, UNINVOLVED, describe, read_regular};

/// What the writer believes to stand there.
#[derive(Clone, Copy)]
pub enum Expected<'a> {
    /// Nothing: the file is new and gets this mode, whatever the umask.
    Absent {
        /// The permission bits.
        mode: u32,
    },
    /// Exactly these bytes.
    Content(&'a [u8]),
}

/// Why a file was not replaced. It is as it was, except after [`ReplaceError::Unconfirmed`].
#[derive(Debug)]
pub enum ReplaceError {
    /// Something stands there already.
    Exists,
    /// What stands there is not what the writer read: another one came first.
    Changed,
    /// Another process has been writing in the same folder for longer than one waits.
    Busy,
    /// It is no regular file.
    NotRegular(FileKind),
    /// It is write-protected.
    ReadOnly,
    /// The new file cannot be given to the owner and the group of the old one.
    Owner,
    /// What was written did not read back the same.
    Garbled,
    /// The new text is there, but the system did not confirm that it will be after a loss of power.
    Unconfirmed(io::Error),
    /// The system refused a step.
    Io(&'static str, io::Error),
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplaceError::Exists => f.write_str("exists already"),
            ReplaceError::Changed => f.write_str("changed meanwhile"),
            ReplaceError::Busy => f.write_str("another process is writing in its folder"),
            ReplaceError::NotRegular(kind) => write!(f, "is {kind}, not a regular file"),
            ReplaceError::ReadOnly => f.write_str("is write-protected"),
            ReplaceError::Owner => {
                f.write_str("belongs to another user or group, which writing would change")
            }
            ReplaceError::Garbled => {
                f.write_str("the new text did not read back as it was written")
            }
            ReplaceError::Unconfirmed(error) => {
                write!(
                    f,
                    "written, but not confirmed by the disk: {}",
                    describe(error)
                )
            }
            ReplaceError::Io(step, error) => write!(f, "{step}: {}", describe(error)),
        }
    }
}

impl std::error::Error for ReplaceError {}

/// Replaces the file at `path` by `bytes`, or creates it, if what stands there is what is `expected`. A link at `path` is
/// not followed: the caller gives the file that is meant.
///
/// Writers in one folder take turns by a lock on it, and each compares what stands there with what it had read, so of two
/// that started from the same text the second is refused. An editor that knows nothing of the lock is noticed too, unless
/// it writes in the very moment between the last comparison and the rename.
///
/// # Errors
/// When the file is not as expected or a step fails; no temporary file is left behind then.
pub fn replace_file(path: &Path, bytes: &[u8], expected: Expected<'_>) -> Result<(), ReplaceError> {
    let Some(name) = path.file_name() else {
        return Err(ReplaceError::Io("open", Errno::EINVAL.into()));
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let target = Target {
        folder: lock(parent)?,
        name,
    };
    let attributes = target.compare(expected)?;
    let staged = Staged::write(&target, bytes)?;
    staged.take_over(&attributes)?;
    staged.verify(bytes)?;
    // Writing took its time: whoever does not know of the lock may have come meanwhile.
    target.compare(expected)?;
    staged.publish(expected)?;
    sync_folder(&target.folder)
}

/// The name that the new text of file `name` has before it takes its place. A file of this name is left over from a writer
/// that died; the next one removes it.
pub fn staging_name(name: &OsStr) -> OsString {
    let mut staging = OsString::from(".");
    staging.push(name);
    staging.push(".escrun-new");
    staging
}

/// An open folder, locked where the file system can.
enum Turn {
    Locked(Flock<OwnedFd>),
    Unlocked(OwnedFd),
}

impl std::os::fd::AsFd for Turn {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Turn::Locked(lock) => lock.as_fd(),
            Turn::Unlocked(folder) => folder.as_fd(),
        }
    }
}

/// How often, and how far apart, a taken lock is tried: 10 s in all. Anyone who may read the folder can hold the lock, so
/// waiting has to end.
const ATTEMPTS: u32 = 1000;
const PAUSE: Duration = Duration::from_millis(10);

fn lock(folder: &Path) -> Result<Turn, ReplaceError> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut folder =
        nix::fcntl::open(folder, flags, Mode::empty()).map_err(step("open its folder"))?;
    for _ in 0..ATTEMPTS {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(Turn::Locked(lock)),
            Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) => folder = unlocked,
            // Network file systems may have no locks on directories; comparing is left then.
            Err((unlocked, _)) => return Ok(Turn::Unlocked(unlocked)),
        }
        std::thread::sleep(PAUSE);
    }
    Err(ReplaceError::Busy)
}

fn step(name: &'static str) -> impl Fn(Errno) -> ReplaceError {
    move |errno| ReplaceError::Io(name, errno.into())
}

fn io_step(name: &'static str) -> impl Fn(io::Error) -> ReplaceError {
    move |error| ReplaceError::Io(name, error)
}

/// The file to be replaced, by name in its folder.
struct Target<'a> {
    folder: Turn,
    name: &'a OsStr,
}

/// What the new file is to have.
struct Attributes {
    mode: u32,
    owner: Option<Owner>,
}

impl Target<'_> {
    /// Compares what stands there with what is expected.
    fn compare(&self, expected: Expected<'_>) -> Result<Attributes, ReplaceError> {
        match (self.open()?, expected) {
            (None, Expected::Absent { mode }) => Ok(Attributes { mode, owner: None }),
            (None, Expected::Content(_)) => Err(ReplaceError::Changed),
            (Some(_), Expected::Absent { .. }) => Err(ReplaceError::Exists),
            (Some(file), Expected::Content(content)) => {
                let metadata = read_same(file, content)?;
                self.check_writable()?;
                Ok(Attributes {
                    mode: metadata.mode() & 0o7777,
                    owner: Some((metadata.uid(), metadata.gid())),
                })
            }
        }
    }

    fn open(&self) -> Result<Option<File>, ReplaceError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | UNINVOLVED;
        match nix::fcntl::openat(&self.folder, self.name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(File::from(descriptor))),
            Err(Errno::ENOENT) => Ok(None),
            // A link has come to stand there, dangling perhaps.
            Err(Errno::ELOOP | Errno::EMLINK) => Err(ReplaceError::Changed),
            Err(errno) => Err(ReplaceError::Io("open", errno.into())),
        }
    }

    /// rename(2) asks the folder's permissions only, but a write-protected file means what it says.
    fn check_writable(&self) -> Result<(), ReplaceError> {
        let access = nix::unistd::faccessat(
            &self.folder,
            self.name,
            AccessFlags::W_OK,
            AtFlags::AT_EACCESS,
        );
        match access {
            Err(Errno::EACCES | Errno::EPERM) => Err(ReplaceError::ReadOnly),
            Err(errno) => Err(ReplaceError::Io("open for writing", errno.into())),
            Ok(()) => Ok(()),
        }
    }
}

/// Reads `file`, which must hold exactly `content`.
fn read_same(file: File, content: &[u8]) -> Result<Metadata, ReplaceError> {
    match read_regular(file, content.len() as u64) {
        Ok((bytes, metadata)) if bytes == content => Ok(metadata),
        Ok(_) | Err(ReadError::TooLarge(_)) => Err(ReplaceError::Changed),
        Err(ReadError::NotRegular(kind)) => Err(ReplaceError::NotRegular(kind)),
        Err(ReadError::Io(error)) => Err(ReplaceError::Io("read", error)),
    }
}

/// The new text, under a name of its own; removed again unless it is published.
struct Staged<'a> {
    target: &'a Target<'a>,
    name: OsString,
    file: File,
    published: bool,
}

impl<'a> Staged<'a> {
    fn write(target: &'a Target<'a>, bytes: &[u8]) -> Result<Self, ReplaceError> {
        let name = staging_name(target.name);
        // Whoever holds the lock knows that no living writer has it. Without a lock it may be a living one's.
        if matches!(target.folder, Turn::Locked(_)) {
            match nix::unistd::unlinkat(&target.folder, &*name, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => {
                    return Err(ReplaceError::Io("remove a temporary file", errno.into()));
                }
            }
        }
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let private = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = match nix::fcntl::openat(&target.folder, &*name, flags, private) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::EEXIST) => return Err(ReplaceError::Busy),
            Err(errno) => {
                return Err(ReplaceError::Io("create a file beside it", errno.into()));
            }
        };
        let mut staged = Self {
            target,
            name,
            file,
            published: false,
        };
        staged.file.write_all(bytes).map_err(io_step("write"))?;
        Ok(staged)
    }

    /// Gives the new file what the old one had.
    fn take_over(&self, attributes: &Attributes) -> Result<(), ReplaceError> {
        if let Some((user, group)) = attributes.owner {
            let own = self.file.metadata().map_err(io_step("read back"))?;
            if (own.uid(), own.gid()) != (user, group) {
                let user = (own.uid() != user).then(|| Uid::from_raw(user));
                let group = (own.gid() != group).then(|| Gid::from_raw(group));
                nix::unistd::fchown(&self.file, user, group).map_err(|_| ReplaceError::Owner)?;
            }
        }
        // After chown(2), which may clear bits. By descriptor, so that the umask has no say.
        let mode = Mode::from_bits_truncate(attributes.mode as libc::mode_t);
        nix::sys::stat::fchmod(&self.file, mode).map_err(step("set the mode"))
    }

    /// Waits until the text is on the disk and reads it back.
    fn verify(&self, bytes: &[u8]) -> Result<(), ReplaceError> {
        self.file.sync_all().map_err(io_step("write to the disk"))?;
        let mut read = vec![0; bytes.len()];
        let same = std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut read, 0).is_ok()
            && read == bytes
            && self
                .file
                .metadata()
                .is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
        if same {
            Ok(())
        } else {
            Err(ReplaceError::Garbled)
        }
    }

    /// Puts the new file in its place, in one step.
    fn publish(mut self, expected: Expected<'_>) -> Result<(), ReplaceError> {
        let folder = &self.target.folder;
        let renamed = || {
            nix::fcntl::renameat(folder, &*self.name, folder, self.target.name)
                .map_err(step("rename the new file"))
        };
        match expected {
            Expected::Content(_) => renamed()?,
            // Unlike rename(2), link(2) never replaces anything. The staged name goes when `self` is dropped.
            Expected::Absent { .. } => {
                let linked = nix::unistd::linkat(
                    folder,
                    &*self.name,
                    folder,
                    self.target.name,
                    AtFlags::empty(),
                );
                match linked {
                    Ok(()) => return Ok(()),
                    Err(Errno::EEXIST) => return Err(ReplaceError::Exists),
                    // File systems without hard links.
                    Err(_) => renamed()?,
                }
            }
        }
        self.published = true;
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: a file that stays is removed by the next writer.
            let _ =
                nix::unistd::unlinkat(&self.target.folder, &*self.name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Waits until the new name is on the disk.
fn sync_folder(folder: &Turn) -> Result<(), ReplaceError> {
    match nix::unistd::fsync(folder) {
        // Some file systems cannot sync directories.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOTSUP) => Ok(()),
        Err(errno) => Err(ReplaceError::Unconfirmed(errno.into())),
    }
}

#[cfg(test)]
mod tests;
