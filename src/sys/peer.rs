//! The process at the other end of a Unix socket, as the kernel knows it: what the process says of itself counts for
//! nothing (unix(7), pidfd_open(2), cgroups(7)).

mod handle;
mod proc;

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::check::check;
use super::children::Pid;
use handle::{Acting, Handle};

/// A process that has connected to a socket of ours.
///
/// Who it is was settled when it connected (`SO_PEERCRED`), and stays so for as long as the connection does, like the rights
/// of an open file. What it is part of is asked anew each time, of that very process: a descriptor of it is kept, so that no
/// other process with the same number is taken for it.
#[derive(Debug)]
pub struct PeerProcess {
    acting: Acting,
    groups: Vec<u32>,
    pid: Option<Pid>,
    handle: Arc<Handle>,
    /// Whether the handle is of the socket.
    is_by_socket: bool,
}

/// Why nothing is known of a peer.
#[derive(Debug)]
pub enum Unknown {
    /// It has ended.
    Gone,
    /// It acts as another user or group than when it connected.
    Changed,
    /// The kernel does not tell.
    Io(io::Error),
}

impl From<io::Error> for Unknown {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ESRCH) => Self::Gone,
            _ => Self::Io(error),
        }
    }
}

impl PeerProcess {
    /// The process that has connected the other end of `socket`.
    ///
    /// Before Linux 6.5, which has no `SO_PEERPIDFD`, it is looked up by its number. Another process that has got this number
    /// between connecting and now is only found out if it acts as someone else or has started after this call began.
    ///
    /// # Errors
    /// When it has ended, or is not to be told.
    pub fn of(socket: &impl AsFd) -> Result<Self, Unknown> {
        let socket = socket.as_fd();
        let (acting, pid) = credentials(socket)?;
        let (handle, is_by_socket) = match descriptor(socket) {
            Ok(descriptor) => (Handle::new(descriptor), true),
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => {
                (by_number(acting, pid)?, false)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            acting,
            groups: groups(socket)?,
            pid,
            handle: Arc::new(handle),
            is_by_socket,
        })
    }

    /// Whether the socket tells of this very process at any time, so that nothing need be kept open for it (Linux 6.5).
    pub fn can_be_had_again(&self) -> bool {
        self.is_by_socket
    }

    /// Keeps what the kernel has made for it.
    pub fn hold(&self) -> Hold {
        Hold(Arc::clone(&self.handle))
    }

    /// The user that it acted as when it connected.
    pub fn user(&self) -> u32 {
        self.acting.user
    }

    /// The group that it acted as when it connected.
    pub fn group(&self) -> u32 {
        self.acting.group
    }

    /// Its supplementary groups when it connected, in the system's order.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// Its number; none if it is of a process namespace that cannot be seen from here.
    pub fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Makes sure that it has not ended.
    ///
    /// # Errors
    /// When it has, whether or not someone has waited for it.
    pub fn check_alive(&self) -> Result<(), Unknown> {
        match self.handle.is_alive()? {
            true => Ok(()),
            false => Err(Unknown::Gone),
        }
    }

    /// Makes sure that it acts as when it connected. Of a process that has no number here, this cannot be told.
    ///
    /// Gives what tells it from all others and where it is, where the kernel says so. Whether it still lives is for
    /// [`Self::check_alive`] or [`Self::look`] to say, afterwards.
    ///
    /// # Errors
    /// When it acts as another user or group, or has ended.
    pub fn check_unchanged(&self) -> Result<Option<Mark>, Unknown> {
        let (now, mark) = match (self.handle.info(), self.pid) {
            (Some((now, group)), _) => (now, self.mark(group)?),
            (None, None) => return Ok(None),
            (None, Some(pid)) => match proc::acting(pid) {
                // Where what belongs to others is hidden (proc(5), hidepid), this is too.
                Err(error) if is_hidden(&error) => return Ok(None),
                acting => {
                    // Whoever has the number now, it is the same process only if that one is still there.
                    self.check_alive()?;
                    (acting?, None)
                }
            },
        };
        if now == self.acting {
            Ok(mark)
        } else {
            Err(Unknown::Changed)
        }
    }

    fn mark(&self, group: Option<u64>) -> io::Result<Option<Mark>> {
        match group {
            // Elsewhere, the kernel's numbers for processes may come again.
            Some(group) if cfg!(target_pointer_width = "64") => Ok(Some(Mark {
                process: self.handle.inode()?,
                group,
            })),
            _ => Ok(None),
        }
    }

    /// What is to be seen of it in /proc.
    ///
    /// # Errors
    /// When it has ended.
    pub fn look(&self) -> Result<Look, Unknown> {
        let Some(pid) = self.pid else {
            self.check_alive()?;
            return Ok(Look::default());
        };
        let control_groups = proc::control_groups(pid);
        let executable = match PROGRAMS_ARE_HIDDEN.load(Ordering::Relaxed) {
            true => None,
            false => proc::executable(pid).ok(),
        };
        let name = proc::name(pid).ok();
        // While it lives, its number is its own: what was read is of it.
        self.check_alive()?;
        let control_groups = match control_groups {
            Ok(text) => Some(text),
            Err(error) if is_hidden(&error) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Look {
            control_groups,
            executable,
            name,
        })
    }
}

/// Keeps what the kernel has made for a process that has connected, one descriptor of this process: as long as there is one,
/// another for the same process costs half as much, since it needs no inode of its own.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "it is there to be kept")] Arc<Handle>);

/// What tells a process from all others, those before and after it as well, and its control group (Linux 6.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The number of the process in the kernel's file system of processes, which counts them with 64 bits.
    process: u64,
    /// The number of its control group in the second hierarchy. No other group ever has that number.
    group: u64,
}

#[cfg(test)]
impl Mark {
    /// One of a process that there is not.
    pub(crate) fn of_test(process: u64) -> Self {
        Self { process, group: 1 }
    }
}

/// What /proc shows of a process.
#[derive(Debug, Default)]
pub struct Look {
    /// The control groups that it is in, as the text of /proc/PID/cgroup; none where that is hidden.
    pub control_groups: Option<String>,
    /// The path of its program, if that is to be seen. Any process can change it.
    pub executable: Option<PathBuf>,
    /// Its name, if that is to be seen. Any process can change it.
    pub name: Option<String>,
}

/// Whether this process cannot see what others execute.
static PROGRAMS_ARE_HIDDEN: AtomicBool = AtomicBool::new(false);

/// To be called when this process has been confined so that it cannot see any more what others execute: asking the kernel
/// each time would only take time.
pub fn expect_no_programs() {
    PROGRAMS_ARE_HIDDEN.store(true, Ordering::Relaxed);
}

/// Whether a file of /proc is not there for this process, while the process that it is of may well be.
fn is_hidden(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied};

    matches!(error.kind(), NotFound | PermissionDenied)
}

/// Who has connected, and its number.
fn credentials(socket: BorrowedFd<'_>) -> Result<(Acting, Option<Pid>), Unknown> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut length = mem::size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, the size of the structure.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    })?;
    // So the kernel says that nobody has connected.
    if peer.uid == u32::MAX {
        return Err(io::Error::from(io::ErrorKind::NotConnected).into());
    }
    let acting = Acting {
        user: peer.uid,
        group: peer.gid,
    };
    Ok((acting, Pid::from_number(peer.pid)))
}

/// The supplementary groups of who has connected.
fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 32];
    loop {
        let mut length = mem::size_of_val(&*groups) as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes, the size of the list.
        let result = check(unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        });
        let count = length as usize / mem::size_of::<u32>();
        match result {
            Ok(()) => {
                groups.truncate(count);
                return Ok(groups);
            }
            // The length says what it takes.
            Err(error) if error.raw_os_error() == Some(libc::ERANGE) && count > groups.len() => {
                groups.resize(count, 0);
            }
            Err(error) => return Err(error),
        }
    }
}

/// A descriptor of the process that has connected.
fn descriptor(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut number: libc::c_int = -1;
    let mut length = mem::size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, the size of the number.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PEERPIDFD,
            (&raw mut number).cast(),
            &raw mut length,
        )
    })?;
    // SAFETY: the kernel has opened it just now (close-on-exec), and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// linux/socket.h, since Linux 6.5; the C library's headers are often older.
const SO_PEERPIDFD: libc::c_int = 77;

/// The process that has the number of who has connected, if it can be that one.
fn by_number(connected: Acting, pid: Option<Pid>) -> Result<Handle, Unknown> {
    let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
    let now = proc::now()?;
    let handle = Handle::open(pid)?;
    let (started, acting) = (proc::start(pid)?, proc::acting(pid)?);
    // What was read is of the process that the handle is of only if that one has its number still.
    if !handle.is_alive()? || started > now {
        return Err(Unknown::Gone);
    }
    if acting != connected {
        return Err(Unknown::Changed);
    }
    Ok(handle)
}

#[cfg(test)]
mod tests;
