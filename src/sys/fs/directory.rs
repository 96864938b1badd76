//! A directory that is changed entry by entry, whatever others make of its path meanwhile. Entries are named, never
//! followed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, unlinkat};

use super::owner::{Owner, give};

/// How directories are opened here: to be listed and changed, and never by way of a link.
const OPENING: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// Whom an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner's user id.
    pub user: u32,
    /// The permission bits, the sticky one included.
    pub mode: u32,
    /// Whether the directory is still in another one.
    pub is_linked: bool,
}

impl Ownership {
    /// Whether only the owner, and the superuser, can exchange what is in the directory.
    pub fn is_exclusive(self) -> bool {
        const STICKY: u32 = 0o1000;
        const OTHERS: u32 = 0o022;
        self.mode & OTHERS == 0 || self.mode & STICKY != 0
    }
}

impl Directory {
    /// Opens the directory at `path`, the last part of which is no link.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            descriptor: openat(AT_FDCWD, path, OPENING, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens the directory `name` in this one.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self {
            descriptor: openat(&self.descriptor, name, OPENING, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    /// Makes the directory `name` in this one.
    ///
    /// # Errors
    /// Those of mkdir(2).
    pub fn make(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        Ok(mkdirat(&self.descriptor, name, bits(mode))?)
    }

    /// Makes the named pipe `name`, for `owner` if there is one.
    ///
    /// # Errors
    /// Those of mkfifo(3) and fchownat(2).
    #[cfg(target_os = "linux")]
    pub fn make_pipe(&self, name: &OsStr, owner: Option<Owner>) -> io::Result<()> {
        nix::unistd::mkfifoat(&self.descriptor, name, bits(0o600))?;
        if let Some((user, group)) = owner {
            nix::unistd::fchownat(
                &self.descriptor,
                name,
                Some(Uid::from_raw(user)),
                Some(Gid::from_raw(group)),
                nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
            )?;
        }
        Ok(())
    }

    /// Writes the new file `name`, which nobody but `owner` can read at any moment, and nobody change but by way of what
    /// this gives.
    ///
    /// # Errors
    /// Those of open(2), write(2), fchmod(2) and fchown(2). What was written stays.
    pub fn write(&self, name: &OsStr, content: &[u8], owner: Option<Owner>) -> io::Result<OwnedFd> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = File::from(openat(&self.descriptor, name, flags, bits(0o600))?);
        file.write_all(content)?;
        fchmod(&file, bits(0o400))?;
        give(&file, owner)?;
        Ok(file.into())
    }

    /// Gives the directory itself to `owner`, if there is one, and has it have this mode.
    ///
    /// # Errors
    /// Those of fchmod(2) and fchown(2).
    pub fn give(&self, owner: Option<Owner>, mode: u32) -> io::Result<()> {
        fchmod(&self.descriptor, bits(mode))?;
        give(&self.descriptor, owner)
    }

    /// Has the entry `from` take the place of `to`.
    ///
    /// # Errors
    /// Those of rename(2).
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    /// Removes what is no directory.
    ///
    /// # Errors
    /// Those of unlink(2).
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        let flags = UnlinkatFlags::NoRemoveDir;
        Ok(unlinkat(&self.descriptor, name, flags)?)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Those of rmdir(2).
    pub fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        let flags = UnlinkatFlags::RemoveDir;
        Ok(unlinkat(&self.descriptor, name, flags)?)
    }

    /// Whom it belongs to.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn ownership(&self) -> io::Result<Ownership> {
        let metadata = File::from(self.descriptor.try_clone()?).metadata()?;
        Ok(Ownership {
            user: metadata.uid(),
            mode: metadata.mode() & 0o7777,
            is_linked: metadata.nlink() > 0,
        })
    }

    /// Tries to lock the directory, for as long as this opening of it lasts, in whichever process. Says whether nobody else
    /// has it locked.
    ///
    /// # Errors
    /// Those of flock(2).
    pub fn try_lock(&self) -> io::Result<bool> {
        let number = self.descriptor.as_raw_fd();
        // SAFETY: takes numbers only.
        if unsafe { libc::flock(number, libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock => Ok(false),
            _ => Err(error),
        }
    }

    /// Waits until nobody else has the directory locked, and locks it.
    ///
    /// # Errors
    /// Those of flock(2).
    pub fn lock(&self) -> io::Result<()> {
        loop {
            // SAFETY: takes numbers only.
            if unsafe { libc::flock(self.descriptor.as_raw_fd(), libc::LOCK_EX) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as libc::mode_t)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    #[test]
    fn entries_are_never_followed() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("folder");
        fs::create_dir(&path).expect("a folder");
        let target = scratch.path().join("target");
        fs::write(&target, "kept").expect("a file");
        std::os::unix::fs::symlink(&target, path.join("link")).expect("a link");
        std::os::unix::fs::symlink(scratch.path(), path.join("up")).expect("a link");
        let directory = Directory::open(&path).expect("open");
        assert!(directory.write(name("link"), b"lost", None).is_err());
        assert!(directory.enter(name("up")).is_err());
        assert!(Directory::open(&path.join("up")).is_err());
        directory.write(name("new"), b"new", None).expect("written");
        directory
            .rename(name("new"), name("link"))
            .expect("renamed");
        assert_eq!(fs::read(path.join("link")).expect("a file"), b"new");
        directory.remove(name("link")).expect("removed");
        directory.remove(name("up")).expect("removed");
        assert_eq!(fs::read(&target).expect("a file"), b"kept");
    }

    #[test]
    fn files_are_for_their_owner() {
        let scratch = tempfile::tempdir().expect("a folder");
        let directory = Directory::open(scratch.path()).expect("open");
        directory.write(name("file"), b"x", None).expect("written");
        let mode = |entry: &str| {
            let metadata = fs::metadata(scratch.path().join(entry)).expect("an entry");
            metadata.mode() & 0o777
        };
        assert_eq!(mode("file"), 0o400);
        directory.make_pipe(name("pipe"), None).expect("a pipe");
        assert_eq!(mode("pipe"), 0o600);
        assert!(directory.write(name("file"), b"y", None).is_err());
    }

    #[test]
    fn a_directory_that_is_gone_is_told() {
        let scratch = tempfile::tempdir().expect("a folder");
        let directory = Directory::open(scratch.path()).expect("open");
        directory.make(name("inner"), 0o700).expect("made");
        let inner = directory.enter(name("inner")).expect("open");
        assert!(inner.ownership().expect("a status").is_linked);
        directory.remove_directory(name("inner")).expect("removed");
        assert!(!inner.ownership().expect("a status").is_linked);
    }

    #[test]
    fn a_lock_is_held_by_one_opening() {
        let scratch = tempfile::tempdir().expect("a folder");
        let open = || Directory::open(scratch.path()).expect("open");
        let (one, other) = (open(), open());
        assert!(one.try_lock().expect("an answer"));
        assert!(!other.try_lock().expect("an answer"));
        drop(one);
        assert!(other.try_lock().expect("an answer"));
    }
}
