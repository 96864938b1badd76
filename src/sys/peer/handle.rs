//! A process by a descriptor of it (pidfd_open(2)), which stays that process's when its number becomes another one's.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::sys::check::check;
use crate::sys::children::Pid;

/// A process, whatever becomes of its number.
#[derive(Debug)]
pub(super) struct Handle(OwnedFd);

/// As whom a process acts at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acting {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Handle {
    /// That of a descriptor that the kernel made for a process.
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// The process that has the number `pid` now.
    ///
    /// # Errors
    /// Those of pidfd_open(2): `ESRCH` if there is none, `ENOSYS` before Linux 5.3.
    pub(super) fn open(pid: Pid) -> io::Result<Self> {
        // SAFETY: takes numbers only.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.number(), 0) };
        check(descriptor)?;
        let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
        // SAFETY: it was opened just now, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Whether the process has not ended. One that has ended and that nobody has waited for counts as ended.
    ///
    /// # Errors
    /// Those of poll(2).
    pub(super) fn is_alive(&self) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        loop {
            // SAFETY: one entry, which lives through the call.
            match check(unsafe { libc::poll(&raw mut poll, 1, 0) }) {
                Ok(()) => return Ok(poll.revents == 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The number of the process in the kernel's file system of processes, where [`Self::info`] tells something: no other
    /// process has had it or will.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub(super) fn inode(&self) -> io::Result<u64> {
        let status = nix::sys::stat::fstat(&self.0)?;
        Ok(status.st_ino)
    }

    /// As whom the process acts, and the number of its control group in the second hierarchy; none where the kernel cannot
    /// tell: before Linux 6.13, or of a process that has no number here.
    pub(super) fn info(&self) -> Option<(Acting, Option<u64>)> {
        let mut info = Info {
            mask: INFO_CREDENTIALS | INFO_CGROUP,
            // SAFETY: numbers only, for which all bits may be zero.
            ..unsafe { MaybeUninit::zeroed().assume_init() }
        };
        // SAFETY: the kernel writes at most as many bytes as the number of the request says, which is the size of `info`.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), GET_INFO as _, &raw mut info) };
        if result < 0 || info.mask & INFO_CREDENTIALS == 0 {
            return None;
        }
        let acting = Acting {
            user: info.effective_user,
            group: info.effective_group,
        };
        let cgroup = (info.mask & INFO_CGROUP != 0).then_some(info.cgroup);
        Some((acting, cgroup))
    }
}

/// `struct pidfd_info` of linux/pidfd.h, in its first version.
#[repr(C)]
struct Info {
    mask: u64,
    cgroup: u64,
    pid: u32,
    thread_group: u32,
    parent: u32,
    real_user: u32,
    real_group: u32,
    effective_user: u32,
    effective_group: u32,
    saved_user: u32,
    saved_group: u32,
    file_user: u32,
    file_group: u32,
    exit_code: i32,
}

/// `PIDFD_INFO_CREDS`.
const INFO_CREDENTIALS: u64 = 1 << 1;
/// `PIDFD_INFO_CGROUPID`.
const INFO_CGROUP: u64 = 1 << 2;

/// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)`.
const GET_INFO: u32 = 3 << 30 | (mem::size_of::<Info>() as u32) << 16 | 0xFF << 8 | 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_that_of_the_first_version() {
        assert_eq!(GET_INFO, 0xC040_FF0B);
    }

    #[test]
    fn a_process_acts_as_it_is() {
        let own = Handle::open(Pid::own()).expect("this process is there");
        assert!(own.is_alive().expect("poll"));
        let Some((acting, _)) = own.info() else {
            return;
        };
        assert_eq!(acting.user, crate::sys::fs::effective_user());
    }
}
