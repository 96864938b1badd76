//! The process between supervisor and command when the command has a session of its own.
//!
//! In a session of its own, the command's process group would have no parent in that session outside of the group, and
//! from such an orphaned group the kernel takes no stops (setpgid(2)). So a process leads the session that is the
//! command's parent, and stops and ends as the command does, for the supervisor to see.
//!
//! While escrun is in the background of the real terminal, so is the command in its own: then it stops when it reads, as
//! any job in the background does. Nobody outside of the session can change that, so the leader does when it is told.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::terminal::Foreground;
use crate::sys::children::{Change, End, Next, Pid, next_change};
use crate::sys::descriptors;
use crate::sys::exec::reenter;
use crate::sys::process::set_name;
use crate::sys::signal::{Received, Receiver, Signal, Target, send, suffer};

/// The first argument of a program that was executed to lead; the second is the number of the command.
pub(super) const LEAD: &str = "__lead";

/// Tells a leader that escrun is in the foreground.
pub(super) const TO_FOREGROUND: Signal = Signal::USR1;
/// Tells a leader that escrun is in the background.
pub(super) const TO_BACKGROUND: Signal = Signal::USR2;

/// Becomes a program that leads, so that nothing that this process knew is left; gives the exit status if that fails.
pub(super) fn become_leader(command: Pid) -> u8 {
    let words = ["escrun", LEAD, &command.to_string()].map(CString::new);
    if let [Ok(name), Ok(verb), Ok(number)] = &words {
        // The command runs, so whatever the reason is that there is no such program, somebody has to lead.
        let _ = reenter(&[name, verb, number], &[]);
    }
    mirror(command)
}

/// Leads, if that is what this program was executed for; gives the exit status.
pub(super) fn lead(arguments: &[OsString]) -> Option<u8> {
    let [_, verb, number, ..] = arguments else {
        return None;
    };
    if verb != LEAD {
        return None;
    }
    let number = number.to_str().and_then(|number| number.parse().ok());
    let command = number.and_then(Pid::from_number)?;
    set_name(c"escrun");
    for number in 0..3 {
        // Otherwise they stay open as long as the command runs.
        let _ = descriptors::silence(number);
    }
    let _ = descriptors::close_from(3, &[]);
    Some(mirror(command))
}

/// Stops, goes on and ends as `command` does. All signals are blocked.
fn mirror(command: Pid) -> u8 {
    match try_mirror(command) {
        Ok(End::Killed(signal)) => {
            suffer(signal);
            End::Killed(signal).status()
        }
        Ok(end) => end.status(),
        Err(_) => 125,
    }
}

fn try_mirror(command: Pid) -> io::Result<End> {
    let terminal = Foreground::open().ok();
    let signals = Receiver::new()?;
    // What happened before there was a descriptor to tell of it.
    let mut end = children(command)?;
    while end.is_none() {
        wait(&signals)?;
        // Of what has come, the lowest number is first: the foreground is right before anybody goes on there.
        while let Some(Received { signal, .. }) = signals.next()? {
            match signal {
                TO_FOREGROUND => terminal.iter().for_each(|terminal| terminal.give(command)),
                TO_BACKGROUND => terminal.iter().for_each(|terminal| terminal.take(command)),
                Signal::CHLD => end = end.or(children(command)?),
                Signal::CONT => {
                    // Who is gone needs no signal.
                    let _ = send(Target::Group(command), Signal::CONT);
                }
                _ => {}
            }
        }
    }
    end.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Sees what has become of the command, and of orphans; gives its end.
fn children(command: Pid) -> io::Result<Option<End>> {
    let mut end = None;
    while let Next::Change(pid, change) = next_change()? {
        match change {
            Change::Ended(of_command) if pid == command => end = Some(of_command),
            // This process is in an orphaned group itself, so only this stops it.
            Change::Stopped(_) if pid == command => suffer(Signal::STOP),
            _ => {}
        }
    }
    Ok(end)
}

/// Waits until there is a signal. One that is there already is one.
fn wait(signals: &Receiver) -> io::Result<()> {
    match poll(
        &mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)],
        PollTimeout::NONE,
    ) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
