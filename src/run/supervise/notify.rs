//! What the command says of itself by sd_notify(3), and what is passed on to the service manager.
//!
//! systemd listens only to the main process of a service, which is escrun. So the command talks to escrun, which passes
//! on what it says, descriptors included, in its own name.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::family::is_of_family;
use crate::sys::children::Pid;
use crate::sys::datagram::{Datagram, Inbox, Recipient};
use crate::sys::descriptors;
use crate::sys::fs::effective_user;

/// The variable with the name of the socket.
pub(super) const VARIABLE: &str = "NOTIFY_SOCKET";

/// How many datagrams are taken before signals have their turn: what a socket holds by default (unix(7),
/// `max_dgram_qlen`).
const AT_ONCE: usize = 10;

/// The socket on which the command talks, and that of the service manager.
pub(super) struct Notify {
    inbox: Inbox,
    /// What the command knows it by.
    name: OsString,
    manager: Option<Recipient>,
    /// The user that the command is, if that is not the one of escrun.
    user: Option<u32>,
}

/// How one is found again by the program that this process becomes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Left {
    descriptor: RawFd,
    name: OsString,
    manager: Option<OsString>,
}

impl Left {
    /// The number under which it is inherited.
    pub(super) fn descriptor(&self) -> RawFd {
        self.descriptor
    }
}

/// Something that a process of the command said.
#[derive(Debug)]
pub(super) struct Message {
    datagram: Datagram,
    /// Who said it, if that can still be told.
    pub(super) sender: Option<Pid>,
}

impl Notify {
    /// Opens a socket; `manager` is the name of the service manager's, if there is one.
    ///
    /// # Errors
    /// Those of socket(2) and bind(2).
    pub(super) fn open(manager: Option<OsString>) -> io::Result<(Self, Left)> {
        let (inbox, name) = Inbox::open()?;
        let name = OsString::from_vec([b"@", &name[..]].concat());
        let left = Left {
            descriptor: inbox.as_fd().as_raw_fd(),
            name: name.clone(),
            manager: manager.clone(),
        };
        Ok((Self::new(inbox, name, manager), left))
    }

    fn new(inbox: Inbox, name: OsString, manager: Option<OsString>) -> Self {
        // Who gives a name that no socket can have is not listening.
        let manager = manager.and_then(|name| Recipient::named(name.as_bytes()).ok());
        Self {
            inbox,
            name,
            manager,
            user: None,
        }
    }

    /// Has the program that this process becomes inherit the socket.
    ///
    /// # Errors
    /// Those of fcntl(2).
    pub(super) fn leave(&self) -> io::Result<()> {
        fcntl(self.inbox.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    }

    /// Takes over the socket that was left, on which a command talks that is `user`, if it is not the one of escrun.
    pub(super) fn take(left: Left, user: Option<u32>) -> Option<Self> {
        let socket: OwnedFd = descriptors::adopt(left.descriptor)?;
        let inbox = Inbox::from_descriptor(socket);
        let notify = Self::new(inbox, left.name, left.manager);
        Some(Self { user, ..notify })
    }

    /// The variable that tells the command of it.
    pub(super) fn variable(&self) -> (OsString, OsString) {
        (VARIABLE.into(), self.name.clone())
    }

    /// The messages that are there of processes that descend from this one, but not of more than [`AT_ONCE`] datagrams:
    /// every user can send here, as fast as can be, and signals must not wait for that to end.
    pub(super) fn messages(&self) -> Vec<Message> {
        let datagrams = (0..AT_ONCE).map_while(|_| self.inbox.next().ok().flatten());
        datagrams
            .filter_map(|datagram| self.of_family(datagram))
            .collect()
    }

    /// The message that a datagram is, if it is from a process that descends from this one.
    fn of_family(&self, datagram: Datagram) -> Option<Message> {
        let (sender, user) = datagram.sender?;
        let is_family = sender.and_then(|pid| is_of_family(pid, Pid::own()));
        let sender = match is_family {
            Some(true) => sender,
            Some(false) => return None,
            // It has ended since: all that is known is the user.
            None if user == 0 || user == effective_user() || Some(user) == self.user => None,
            None => return None,
        };
        Some(Message { datagram, sender })
    }

    /// Passes on what the command said. `is_ending` says whether it ends for good: the service does not stop when the
    /// command does to be started anew.
    pub(super) fn pass_on(&self, message: &Message, is_ending: bool) {
        let Some(manager) = &self.manager else { return };
        let text = passed_on(&message.datagram.bytes, is_ending);
        if !text.is_empty() {
            // A manager that does not listen is no fault of the command.
            let _ = manager.send(&text, &message.datagram.descriptors);
        }
    }

    /// Tells the service manager something.
    pub(super) fn say(&self, text: &str) {
        if let Some(manager) = &self.manager {
            // As with what is passed on.
            let _ = manager.send(text.as_bytes(), &[]);
        }
    }

    /// Tells the service manager that values are about to change.
    pub(super) fn say_reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
            i128::from(now.tv_sec()) * 1_000_000 + i128::from(now.tv_nsec()) / 1000
        });
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inbox.as_fd()
    }
}

impl Message {
    /// Whether it says that the command is up.
    pub(super) fn is_ready(&self) -> bool {
        let mut lines = self.datagram.bytes.split(|byte| *byte == b'\n');
        lines.any(|line| line == b"READY=1")
    }
}

/// The lines that concern the service manager. The main process is escrun, whatever the command says.
fn passed_on(text: &[u8], is_ending: bool) -> Vec<u8> {
    let concerns = |line: &&[u8]| {
        let is_about_itself = line.starts_with(b"MAINPID");
        !line.is_empty() && !is_about_itself && (is_ending || *line != b"STOPPING=1")
    };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(concerns).collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_ended_is_heard_if_it_was_the_user_of_the_command() {
        let mut ended = std::process::Command::new("true")
            .spawn()
            .expect("a process");
        ended.wait().expect("its end");
        let ended = i32::try_from(ended.id()).ok().and_then(Pid::from_number);
        let others = effective_user() + 7;
        for (user, sender, is_heard) in [
            (None, others, false),
            (Some(others), others, true),
            (Some(others), others + 1, false),
            (Some(others), effective_user(), true),
        ] {
            let (notify, _) = Notify::open(None).expect("a socket");
            let notify = Notify { user, ..notify };
            let datagram = Datagram {
                bytes: b"READY=1".to_vec(),
                sender: Some((ended, sender)),
                descriptors: Vec::new(),
            };
            let heard = notify.of_family(datagram);
            assert_eq!(heard.is_some(), is_heard, "{user:?} {sender}");
        }
    }

    #[test]
    fn what_does_not_concern_the_manager_is_left_out() {
        for (text, is_ending, expected) in [
            ("READY=1", false, "READY=1"),
            (
                "READY=1\nMAINPID=7\nSTATUS=up\n",
                false,
                "READY=1\nSTATUS=up",
            ),
            ("STOPPING=1", false, ""),
            ("STOPPING=1", true, "STOPPING=1"),
            ("", false, ""),
        ] {
            let passed = passed_on(text.as_bytes(), is_ending);
            assert_eq!(String::from_utf8_lossy(&passed), expected, "{text}");
        }
    }
}
