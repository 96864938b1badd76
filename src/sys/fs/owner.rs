//! Whom a file belongs to, and giving it to somebody else.

use std::io;
use std::os::fd::AsFd;

use nix::unistd::{Gid, Uid, fchown};

/// The user and the group that something belongs to, by their numbers.
pub type Owner = (u32, u32);

/// Gives an open file to `owner`, if there is one.
///
/// # Errors
/// Those of fchown(2).
pub fn give(file: impl AsFd, owner: Option<Owner>) -> io::Result<()> {
    if let Some((user, group)) = owner {
        fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
    }
    Ok(())
}
