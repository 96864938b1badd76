//! The files of an audit: how they are made and opened, and who else may do what with them.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use super::error::Error;
use crate::daemon::settings;
use crate::sys::fs::{FileKind, effective_user};

/// A file that no other daemon writes.
pub(super) type LockedFile = Arc<Flock<File>>;

/// open(2): nothing is waited for, no link is followed, no program inherits it.
pub(super) const GUARDED: OFlag = OFlag::O_NOFOLLOW
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY);

/// How it is opened to write at its end.
pub(super) fn appending(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(mode);
    options.custom_flags(GUARDED.bits());
    options
}

/// Opens the file of an audit, or makes it.
pub(super) fn open(settings: &settings::Audit) -> Result<Flock<File>, Error> {
    let path = || settings.file.clone();
    let at = |error| failed(&settings.file, error);
    let mut options = appending(settings.mode);
    let file = match options.open(&settings.file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = options.create_new(true).open(&settings.file).map_err(at)?;
            // The process's own mask may have taken bits away.
            let mode = Permissions::from_mode(settings.mode);
            file.set_permissions(mode).map_err(at)?;
            file
        }
        opened => opened.map_err(at)?,
    };
    let found = file.metadata().map_err(at)?;
    let kind = FileKind::of(&found);
    if kind != FileKind::Regular {
        return Err(Error::Kind { file: path(), kind });
    }
    if found.uid() != effective_user() && found.uid() != 0 {
        return Err(Error::Foreign {
            file: path(),
            owner: found.uid(),
            user: effective_user(),
        });
    }
    if found.mode() & 0o022 != 0 {
        return Err(Error::Exposed(path()));
    }
    lock(file).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Error::Busy(path()),
        _ => at(error),
    })
}

/// Takes away what others may do beyond the settings, as where logrotate(8) has made the file. What they may do less is left
/// so. Only for a file that is known to be an audit: one that was named by mistake is not ours to change.
pub(super) fn withdraw_rights(file: &File, found: &Metadata, settings: &settings::Audit) {
    let (mode, wanted) = (found.mode() & 0o7777, found.mode() & settings.mode);
    if mode == wanted {
        return;
    }
    let changed = file.set_permissions(Permissions::from_mode(wanted));
    let path = settings.file.display().to_string();
    let (mode, wanted) = (format!("{mode:04o}"), format!("{wanted:04o}"));
    match changed {
        Ok(()) => tracing::warn!(
            file = path,
            mode,
            "the audit's mode was changed to {wanted}"
        ),
        Err(error) => tracing::warn!(
            file = path,
            mode,
            reason = crate::sys::fs::describe(&error),
            "the audit may be read by others, and its mode cannot be changed to {wanted}"
        ),
    }
}

/// Keeps other daemons out of a file.
pub(super) fn lock(file: File) -> io::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno): (File, Errno)| errno.into())
}

/// What the system says of a file.
pub(super) fn failed(file: &Path, error: io::Error) -> Error {
    Error::Io {
        file: PathBuf::from(file),
        error,
    }
}

/// Makes the folder that holds the file, if there is none.
pub(super) fn make_folder(settings: &settings::Audit) -> Result<(), Error> {
    let Some(folder) = settings.file.parent() else {
        return Ok(());
    };
    // The XDG Base Directory Specification has the usual one made with all above it.
    let made = DirBuilder::new()
        .recursive(settings.is_usual)
        .mode(0o700)
        .create(folder);
    match made {
        Err(_) if folder.is_dir() => Ok(()),
        // More than one that is missing is a mistake in the path.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::NoFolder(settings.file.clone()))
        }
        made => made.map_err(|error| failed(folder, error)),
    }
}
