//! Tells the service manager what the daemon does: sd_notify(3).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::thread;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tracing::warn;

use crate::sys::datagram::Recipient;

/// The variable with the name of the manager's socket.
pub(super) const VARIABLE: &str = "NOTIFY_SOCKET";

/// How long a manager is waited for that has too much to read, in milliseconds. It is not told in the end if it does not
/// read for longer than their sum.
const WAITS: [u64; 5] = [1, 10, 100, 400, 1000];

/// The longest text of a state that is told, in bytes: less than what any manager reads at once.
const LONGEST_STATUS: usize = 1000;

/// Tells the service manager, if there is one. Cheap to copy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notifier {
    manager: Option<Recipient>,
}

impl Notifier {
    /// Tells the socket of this name: what `NOTIFY_SOCKET` says, if it is set.
    pub fn named(name: Option<&OsStr>) -> Self {
        let manager = name.and_then(|name| match Recipient::named(name.as_bytes()) {
            Ok(manager) => Some(manager),
            Err(_) => {
                warn!(
                    "the service manager is not told anything: NOTIFY_SOCKET is no name of a socket"
                );
                None
            }
        });
        Self { manager }
    }

    /// Whether there is a service manager.
    pub fn is_heard(&self) -> bool {
        self.manager.is_some()
    }

    /// The daemon serves: for the first time, or again after [`Self::reloading`].
    pub fn ready(&self, status: &str) {
        self.tell("READY=1", Some(status));
    }

    /// The daemon reads its configuration anew; [`Self::ready`] has to follow, whatever comes of it.
    pub fn reloading(&self) {
        // Without the time, a manager that sent SIGHUP itself (Type=notify-reload) cannot tell this from an earlier one.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        self.tell(
            &format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()),
            None,
        );
    }

    /// The daemon ends.
    pub fn stopping(&self, status: &str) {
        self.tell("STOPPING=1", Some(status));
    }

    /// What `systemctl status` shows: one line of names and numbers, never a value.
    pub fn status(&self, status: &str) {
        self.tell("", Some(status));
    }

    /// The daemon is alive. Not told if the manager would have to be waited for: the next time will do.
    pub(super) fn alive(&self) {
        if let Some(manager) = self.manager {
            // A manager that does not read does not judge either.
            let _ = manager.send(b"WATCHDOG=1", &[]);
        }
    }

    fn tell(&self, state: &str, status: Option<&str>) {
        let Some(manager) = self.manager else {
            return;
        };
        let message = message(state, status);
        let mut waits = WAITS.into_iter();
        loop {
            match manager.send(message.as_bytes(), &[]) {
                Ok(()) => return,
                Err(error) if is_passing(&error) => match waits.next() {
                    Some(wait) => thread::sleep(Duration::from_millis(wait)),
                    None => break failed(&error),
                },
                Err(error) => break failed(&error),
            }
        }
    }
}

fn failed(error: &io::Error) {
    warn!(reason = %error, "the service manager cannot be told what the daemon does");
}

/// Whether a socket is merely full.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    ) || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

/// The assignments, one per line; what is told of the state must not look like one.
fn message(state: &str, status: Option<&str>) -> String {
    let mut message = state.to_owned();
    if let Some(status) = status {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str("STATUS=");
        for char in status.chars() {
            if message.len() + char.len_utf8() > LONGEST_STATUS {
                break;
            }
            message.push(if char.is_control() { ' ' } else { char });
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::datagram::Inbox;

    fn told(tell: impl FnOnce(Notifier)) -> Vec<String> {
        let (inbox, name) = Inbox::open().expect("a socket");
        let name = [b"@", &name[..]].concat();
        tell(Notifier::named(Some(OsStr::from_bytes(&name))));
        let next = || inbox.next().expect("received");
        let datagrams = std::iter::from_fn(next);
        datagrams
            .map(|datagram| String::from_utf8(datagram.bytes).expect("a text"))
            .collect()
    }

    #[test]
    fn states_are_told_in_order() {
        let told = told(|notifier| {
            assert!(notifier.manager.is_some());
            notifier.ready("serves 3 environments");
            notifier.status("locked");
            notifier.alive();
            notifier.stopping("ends");
        });
        let expected = [
            "READY=1\nSTATUS=serves 3 environments",
            "STATUS=locked",
            "WATCHDOG=1",
            "STOPPING=1\nSTATUS=ends",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_reload_says_when_it_began() {
        let now = || {
            let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock");
            Duration::from(now).as_micros()
        };
        let before = now();
        let told = told(|notifier| notifier.reloading());
        let [message] = &told[..] else {
            panic!("{told:?}");
        };
        let began = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        let began: u128 = began.expect("a reload").parse().expect("a number");
        assert!((before..=now()).contains(&began), "{message}");
    }

    #[test]
    fn a_status_is_one_line_and_no_assignment() {
        assert_eq!(
            message("READY=1", Some("a\nWATCHDOG=trigger\u{1b}")),
            "READY=1\nSTATUS=a WATCHDOG=trigger "
        );
        let long = message("", Some(&"é".repeat(LONGEST_STATUS)));
        assert!(long.len() <= LONGEST_STATUS && long.ends_with('é'));
    }

    #[test]
    fn nobody_is_told_where_nobody_listens() {
        let notifier = Notifier::named(None);
        assert!(notifier.manager.is_none());
        notifier.ready("unheard");
        // No name of a socket.
        assert!(
            Notifier::named(Some(OsStr::new("relative")))
                .manager
                .is_none()
        );
        // The manager has gone.
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone");
        Notifier::named(Some(gone.as_os_str())).stopping("unheard");
    }
}
