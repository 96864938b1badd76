//! Whether a socket may be believed to be a daemon's: whoever can put another one in its place could give programs any
//! variables, and be told passphrases.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::error::Error;

/// A socket that only those can have made who are trusted anyway.
#[derive(Debug)]
pub(super) struct TrustedPath {
    /// Without symbolic links.
    pub(super) path: PathBuf,
    /// Whom it belongs to.
    owner: u32,
    /// Who asks.
    user: u32,
}

impl TrustedPath {
    /// Finds out for `user`, who is about to ask. Root is trusted, and the user. So is whoever the socket belongs to, if one
    /// of the first two has given it the folder that it is in: nobody gets there by making a folder in `/tmp`.
    ///
    /// # Errors
    /// [`Error::NoSocket`]; [`Error::Untrusted`]; those of realpath(3) and lstat(2).
    pub(super) fn check(socket: &Path, user: u32) -> Result<Self, Error> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::NoSocket {
                socket: socket.to_owned(),
            },
            _ => Error::io("cannot find out who may change", socket)(error),
        };
        let distrusted = |reason: String| Error::Untrusted {
            socket: socket.to_owned(),
            reason,
        };
        let path = fs::canonicalize(socket).map_err(failed)?;
        let metadata = fs::symlink_metadata(&path).map_err(failed)?;
        if !metadata.file_type().is_socket() {
            return Err(distrusted("it is no socket".to_owned()));
        }
        let owner = metadata.uid();
        let folders: Vec<&Path> = path.ancestors().skip(1).collect();
        // From the root down: what a folder is depends on who may change the one above it.
        let mut is_open = false;
        for folder in folders.into_iter().rev() {
            let metadata = fs::symlink_metadata(folder).map_err(failed)?;
            is_open = judge(&metadata, is_open, owner, user)
                .map_err(|reason| distrusted(format!("{} {reason}", folder.display())))?;
        }
        if is_open && !is_own(owner, user) {
            return Err(distrusted(format!("it belongs to user {owner}")));
        }
        Ok(Self { path, owner, user })
    }

    /// Whether a process of `user` is one of those who are trusted to serve it.
    pub(super) fn may_be_served_by(&self, user: u32) -> bool {
        is_own(user, self.user) || user == self.owner
    }
}

/// Whether anybody may put something into a folder; an error says why what is in it cannot be trusted. `is_open` says that
/// of the folder above it.
fn judge(folder: &Metadata, is_open: bool, daemon: u32, user: u32) -> Result<bool, String> {
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let owner = folder.uid();
    let is_given = owner == daemon && !is_open;
    if !is_own(owner, user) && !is_given {
        return Err(format!("belongs to user {owner}"));
    }
    let others_write = folder.mode() & OTHERS_WRITE != 0;
    if others_write && folder.mode() & STICKY == 0 {
        return Err("can be changed by others".to_owned());
    }
    Ok(others_write)
}

fn is_own(owner: u32, user: u32) -> bool {
    owner == 0 || owner == user
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sys::fs::effective_user;

    fn check(path: &Path) -> Result<TrustedPath, Error> {
        TrustedPath::check(path, effective_user())
    }

    fn reason(path: &Path) -> String {
        match check(path) {
            Err(Error::Untrusted { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_folder_that_others_can_change_is_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("s");
        assert!(matches!(check(&path), Err(Error::NoSocket { .. })));
        let _listener = UnixListener::bind(&path).unwrap();
        for (mode, is_trusted) in [
            (0o700, true),
            (0o755, true),
            (0o775, false),
            (0o777, false),
            (0o1777, true),
        ] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            match is_trusted {
                true => assert_eq!(check(&path).unwrap().owner, effective_user()),
                false => assert!(reason(&path).ends_with("can be changed by others")),
            }
        }
    }

    #[test]
    fn links_are_followed_and_files_are_no_sockets() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("s");
        fs::write(&path, "").unwrap();
        assert_eq!(reason(&path), "it is no socket");
        fs::remove_file(&path).unwrap();
        let _listener = UnixListener::bind(&path).unwrap();
        let link = root.path().join("link");
        symlink(&path, &link).unwrap();
        let found = check(&link).unwrap().path;
        assert_eq!(found, fs::canonicalize(&path).unwrap());
        assert!(matches!(
            check(&path.join("below")),
            Err(Error::NoSocket { .. })
        ));
    }

    #[test]
    fn who_made_a_folder_is_not_trusted_by_that() {
        let root = tempfile::tempdir().unwrap();
        let metadata = fs::symlink_metadata(root.path()).unwrap();
        let owner = metadata.uid();
        // As somebody else sees it: given by root, or made in a folder that is open to all.
        let user = owner.wrapping_add(1);
        assert_eq!(judge(&metadata, false, owner, user), Ok(false));
        assert_eq!(
            judge(&metadata, true, owner, user).is_ok(),
            owner == 0,
            "{owner}"
        );
        let daemon = owner.wrapping_add(2);
        assert_eq!(judge(&metadata, false, daemon, user).is_ok(), owner == 0);
    }
}
