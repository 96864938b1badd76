//! The process between supervisor and command when the command has a session of its own.
//!
//! In a session of its own, the command's process group would have no parent in that session outside of the group, and
//! from such an orphaned group the kernel takes no stops (setpgid(2)). So a process leads the session that is the
//! command's parent, and stops and ends as the command does, for the supervisor to see.

use std::ffi::{CString, OsString};

use crate::sys::children::{Change, End, Pid, wait_for_change};
use crate::sys::descriptors;
use crate::sys::exec::reenter;
use crate::sys::process::set_name;
use crate::sys::signal::{Signal, suffer};

/// The first argument of a program that was executed to lead; the second is the number of the command.
pub(super) const LEAD: &str = "__lead";

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
        // Without /dev/null they stay open as long as the command runs.
        let _ = descriptors::silence(number);
    }
    let _ = descriptors::close_from(3, &[]);
    Some(mirror(command))
}

/// Stops, goes on and ends as `command` does. All signals are blocked.
fn mirror(command: Pid) -> u8 {
    loop {
        match wait_for_change(command) {
            // This process is in an orphaned group itself, so only this stops it.
            Ok(Change::Stopped(_)) => suffer(Signal::STOP),
            Ok(Change::Continued) => {}
            Ok(Change::Ended(end)) => {
                if let End::Killed(signal) = end {
                    suffer(signal);
                }
                return end.status();
            }
            Err(_) => return 125,
        }
    }
}
