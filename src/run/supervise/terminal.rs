//! The terminal's foreground: who has it, and how it goes from escrun to the command and back.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::unistd::{Pid as Group, getpgid, getpgrp, getpid, getppid, getsid, tcgetpgrp, tcsetpgrp};

use serde::{Deserialize, Serialize};

use crate::sys::children::Pid;

/// How a command that is about to start belongs to the terminal of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Belonging {
    /// Whether it stays in the process group of escrun.
    pub(super) shares_group: bool,
    /// Whether its own process group has the terminal while escrun would have it.
    pub(super) is_handed_over: bool,
}

impl Belonging {
    /// What holds for standard input, output and error.
    ///
    /// A job of a shell that is escrun alone gives its place to the command's group. Where escrun is one of several
    /// processes of a job (in a pipeline, in a script), taking the terminal away would stop the others, so the command is
    /// one more process of that job.
    pub(super) fn of(standard: [BorrowedFd<'_>; 3]) -> Self {
        let foreground = standard.map(|descriptor| tcgetpgrp(descriptor).ok());
        let is_job = getpgrp() == getpid() && foreground[0].is_some() && foreground[1].is_some();
        let has_terminal = foreground.iter().any(Option::is_some);
        Self {
            shares_group: has_terminal && !is_job,
            is_handed_over: is_job,
        }
    }
}

/// Whether the process group of escrun has the terminal that this is.
pub(super) fn is_foreground(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal) == Ok(getpgrp())
}

/// Whether nobody can continue this process if it stops, as far as its parent shows: then the kernel does not stop it for
/// the terminal's sake (setpgid(2)).
pub(super) fn is_orphaned() -> bool {
    let parent = getppid();
    let shares_session = getsid(Some(parent)).is_ok_and(|session| getsid(None) == Ok(session));
    let is_apart = getpgid(Some(parent)).is_ok_and(|group| group != getpgrp());
    !(shares_session && is_apart)
}

/// The terminal of the session, for handing over.
pub(super) struct Foreground {
    terminal: File,
}

impl Foreground {
    /// Opens the terminal.
    ///
    /// # Errors
    /// Those of opening it: there may be none any more.
    pub(super) fn open() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        Ok(Self { terminal })
    }

    /// Makes the group that `command` leads the foreground one, if that of escrun is.
    pub(super) fn give(&self, command: Pid) {
        if self.holder() == Some(getpgrp()) {
            // The group may be gone.
            let _ = tcsetpgrp(self.terminal.as_fd(), Group::from_raw(command.number()));
        }
    }

    /// Makes the group of escrun the foreground one, if that of `command` is or there is none: it may be gone, and with
    /// it all others that it gave the terminal to.
    pub(super) fn take(&self, command: Pid) {
        let Some(holder) = self.holder() else { return };
        let is_commands = holder.as_raw() == command.number();
        let is_gone = nix::sys::signal::killpg(holder, None) == Err(nix::errno::Errno::ESRCH);
        if is_commands || is_gone {
            let _ = tcsetpgrp(self.terminal.as_fd(), getpgrp());
        }
    }

    fn holder(&self) -> Option<Group> {
        tcgetpgrp(self.terminal.as_fd()).ok()
    }
}
