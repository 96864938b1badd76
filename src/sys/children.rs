//! The children of this process: what becomes of them, and of what they leave behind.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;

use serde::{Deserialize, Serialize};

use super::signal::Signal;

/// The number of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32")]
pub struct Pid(i32);

impl TryFrom<i32> for Pid {
    type Error = &'static str;

    fn try_from(number: i32) -> Result<Self, Self::Error> {
        Self::from_number(number).ok_or("no process has such a number")
    }
}

impl Pid {
    /// The process of this number, which is positive: 0 and below mean others to most calls.
    pub fn from_number(number: i32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// This process.
    pub fn own() -> Self {
        // SAFETY: takes nothing, cannot fail.
        Self(unsafe { libc::getpid() })
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(u8),
    /// By a signal.
    Killed(Signal),
}

impl End {
    /// The status that a shell would show: 128 and the number of the signal.
    pub fn status(self) -> u8 {
        match self {
            End::Exited(status) => status,
            End::Killed(signal) => 128 + signal.number(),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(status) => write!(f, "ended with status {status}"),
            End::Killed(signal) => write!(f, "was killed by {signal}"),
        }
    }
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is no more, and reaped.
    Ended(End),
    /// It was stopped.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

/// What asking for a change gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Something happened to a child.
    Change(Pid, Change),
    /// There are children, to whom nothing new has happened.
    Nothing,
    /// There are no children.
    Childless,
}

/// Takes the next change of any child; who ended is reaped by this.
///
/// # Errors
/// Those of waitid(2).
pub fn next_change() -> io::Result<Next> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG | every_kind();
    // SAFETY: the structure is ours; it is zeroed, and zeroes are a valid content of it.
    let (result, info) = unsafe {
        let result = libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options);
        (result, info.assume_init())
    };
    if result != 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ECHILD) => Ok(Next::Childless),
            _ => Err(error),
        };
    }
    // SAFETY: waitid(2) has filled these fields, or left them zero.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let Some(pid) = Pid::from_number(pid) else {
        return Ok(Next::Nothing);
    };
    let signal = || Signal::from_number(status).unwrap_or(Signal::KILL);
    let change = match info.si_code {
        libc::CLD_EXITED => Change::Ended(End::Exited((status & 0xff) as u8)),
        libc::CLD_KILLED | libc::CLD_DUMPED => Change::Ended(End::Killed(signal())),
        libc::CLD_STOPPED | libc::CLD_TRAPPED => Change::Stopped(signal()),
        _ => Change::Continued,
    };
    Ok(Next::Change(pid, change))
}

/// waitid(2): children that were made by clone(2) in an unusual way count as well.
fn every_kind() -> libc::c_int {
    #[cfg(target_os = "linux")]
    return libc::__WALL;
    #[cfg(not(target_os = "linux"))]
    0
}

/// Makes this process the one that adopts what its descendants leave behind. Outlives execve(2).
///
/// # Errors
/// Those of prctl(2).
#[cfg(target_os = "linux")]
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: takes numbers only.
    if unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1 as libc::c_ulong) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The process that has made this one, or adopted it.
pub fn parent() -> Option<Pid> {
    // SAFETY: takes nothing, cannot fail. 0 is a parent outside of the namespace.
    Pid::from_number(unsafe { libc::getppid() })
}

/// Has the kernel send `signal` to this process when its parent dies, or more exactly the thread that forked it.
/// Async-signal-safe.
///
/// # Errors
/// Those of prctl(2).
#[cfg(target_os = "linux")]
pub fn signal_at_parents_death(signal: Signal) -> io::Result<()> {
    let number = libc::c_ulong::from(signal.number());
    // SAFETY: takes numbers only.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, number) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
