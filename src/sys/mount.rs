//! Mounts that only this process and its descendants see, and what a file system keeps its files in.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::sys::statfs::{FsType, TMPFS_MAGIC, fstatfs};

use super::check::check;

/// `RAMFS_MAGIC` of statfs(2).
const RAMFS: FsType = FsType(0x8584_58f6);

/// What a file system keeps files in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Memory that is never written to a disk.
    Memory,
    /// Memory that may be swapped: a tmpfs, of which it cannot be told here whether it has `noswap`.
    SwappableMemory,
    /// Anything else.
    Disk,
}

/// What the file system of an open file keeps files in.
///
/// # Errors
/// Those of fstatfs(2).
pub fn medium(file: impl AsFd) -> io::Result<Medium> {
    Ok(match fstatfs(file)?.filesystem_type() {
        RAMFS => Medium::Memory,
        TMPFS_MAGIC => Medium::SwappableMemory,
        _ => Medium::Disk,
    })
}

/// Has this process, and what it starts, see mounts of its own. Those that others make later still appear here; what is
/// mounted here appears nowhere else, and is gone with the last process that sees it.
///
/// # Errors
/// Those of unshare(2) and mount(2); EPERM without CAP_SYS_ADMIN. After an error of mount(2) the mounts are this process's
/// own already.
pub fn enter_private_namespace() -> io::Result<()> {
    // SAFETY: takes numbers only. The call separates what this thread sees, and nothing here relies on sharing that.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    let nothing: *const libc::c_char = ptr::null();
    // SAFETY: the path lives through the call, and mount(2) takes null pointers where there is nothing to say.
    check(unsafe {
        libc::mount(
            nothing,
            c"/".as_ptr(),
            nothing,
            libc::MS_REC | libc::MS_SLAVE,
            ptr::null(),
        )
    })
}

/// Mounts an empty file system at the folder `at`, which keeps its files in memory that is never swapped.
///
/// # Errors
/// Those of mount(2).
pub fn mount_memory(at: &Path) -> io::Result<()> {
    // `noswap`: Linux 6.4, and not in user namespaces. ramfs has no limit, but is everywhere.
    mount_at(at, c"tmpfs", c"mode=0700,noswap").or_else(|_| mount_at(at, c"ramfs", c"mode=0700"))
}

fn mount_at(at: &Path, kind: &CStr, options: &CStr) -> io::Result<()> {
    let at = CString::new(at.as_os_str().as_bytes())?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: the strings live through the call.
    check(unsafe {
        libc::mount(
            c"escrun".as_ptr(),
            at.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    })
}

/// Takes the mount at a folder away. Who has a file of it open keeps that.
///
/// # Errors
/// Those of umount2(2); EINVAL where nothing is mounted.
pub fn unmount(at: &Path) -> io::Result<()> {
    let at = CString::new(at.as_os_str().as_bytes())?;
    // SAFETY: the path lives through the call.
    check(unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW) })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn memory_and_disk_are_told_apart() {
        for (path, expected) in [
            ("/dev/shm", Medium::SwappableMemory),
            ("/proc", Medium::Disk),
        ] {
            if let Ok(folder) = File::open(path) {
                assert_eq!(medium(&folder).expect("a medium"), expected, "{path}");
            }
        }
    }
}
