//! Where the folders of runs can be.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::Options;
use super::error::Unfit;
use crate::sys::fs::{Directory, effective_user};
use crate::sys::mount::{Medium, medium};

/// What the file system of a base must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// One that keeps files in memory, because secrets are written to it.
    Memory,
    /// Any: nothing is written to it.
    Anything,
}

/// The paths of bases, best first.
pub(super) fn candidates(options: &Options) -> Vec<PathBuf> {
    let user = effective_user();
    let mut paths = Vec::new();
    if let Some(runtime) = &options.runtime_folder
        && !is_for_another(options)
    {
        // Nobody else may search it.
        paths.push(Path::new(runtime).join("escrun"));
    }
    paths.push(PathBuf::from("/run/escrun"));
    for shared in ["/dev/shm", "/tmp"] {
        paths.push(Path::new(shared).join(format!("escrun-{user}")));
    }
    paths
}

/// Whether the command is another user than escrun.
pub(super) fn is_for_another(options: &Options) -> bool {
    options
        .owner
        .is_some_and(|(user, _)| user != effective_user())
}

/// Opens the base at `path`, which is made if there is none.
///
/// # Errors
/// When others could exchange what is in it, or it is not what is needed.
pub(super) fn open(path: &Path, need: Need, options: &Options) -> Result<Directory, Unfit> {
    let user = effective_user();
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Unfit::Io(io::ErrorKind::InvalidInput.into()));
    };
    let above = Directory::open(above)?;
    let ownership = above.ownership()?;
    if !(ownership.is_exclusive() && (ownership.user == user || ownership.user == 0)) {
        return Err(Unfit::NotExclusive);
    }
    let base = match above.enter(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Before anything is made there.
            check(&above, need)?;
            make(&above, name)?;
            above.enter(name)?
        }
        entered => entered?,
    };
    check(&base, need)?;
    // Whoever made it: it must be this user's, and nobody else may write to it, sticky or not.
    let ownership = base.ownership()?;
    if ownership.user != user || ownership.mode & 0o022 != 0 {
        return Err(Unfit::NotExclusive);
    }
    if is_for_another(options) && ownership.mode & 0o011 != 0o011 {
        base.give(None, 0o711)?;
    }
    Ok(base)
}

fn make(above: &Directory, name: &OsStr) -> io::Result<()> {
    match above.make(name, 0o700) {
        // Two start at once.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn check(directory: &Directory, need: Need) -> Result<(), Unfit> {
    if need == Need::Memory && medium(directory)? == Medium::Disk {
        return Err(Unfit::OnDisk);
    }
    Ok(())
}
