//! Files: opened so that nothing waits and nothing leads out of a folder, read with a limit, replaced as a whole.

mod directory;
mod folder;
mod owner;
mod read;
mod replace;

pub use directory::{Directory, Ownership};
pub use folder::{Entry, Folder, OpenError};
pub use owner::{Owner, give};
pub use read::{FileKind, ReadError, describe, read_file, read_file_without_links};
pub use replace::{Expected, ReplaceError, replace_file, staging_name};

/// The user that this process acts as: its effective user id.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The group that this process acts as: its effective group id.
pub fn effective_group() -> u32 {
    nix::unistd::getegid().as_raw()
}
