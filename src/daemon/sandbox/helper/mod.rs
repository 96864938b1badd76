//! The helper: a process that starts what the daemon may not start itself, once it has shut itself in.
//!
//! It is a program of its own from the beginning (`escrun __helper`), so it has no secret and no descriptor of the
//! daemon's. For each request it forks an attendant, which has a [`Line`] to the daemon: when either end of that is
//! closed, the other knows, and nothing that was started for it stays. When the daemon ends, however it does, so do the
//! helper and all attendants.

mod attendant;
mod launch;
mod plugin;
mod request;

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::channel::Channel;
use crate::sys::children::Pid;
use crate::sys::exec::own_program;
use crate::sys::hang_up::has_hung_up;
use crate::sys::readable::Readable;
use crate::sys::signal::Mask;
use crate::sys::start::{Failure, Image, block_signals, reap};
use crate::sys::step::Step;
use crate::withheld::is_withheld;

pub use attendant::resume;

/// The first argument of the program that is the helper.
const ENTRY: &CStr = c"__helper";

/// The descriptor under which it finds its channel.
const CHANNEL: RawFd = 3;

/// What is said when the helper has ended before the daemon.
const GONE: &str = "the process that starts programs is gone";

/// And what that means: who has shut himself in can start nothing, and so not another one.
const CONSEQUENCE: &str =
    "no plugin, command or question for consent is started until the daemon is started anew";

/// What the daemon has of its helper. The helper ends when this is dropped.
#[derive(Debug)]
pub struct Helper {
    /// Always there until it is dropped.
    channel: Option<Channel>,
    pid: Pid,
    /// Whether the helper has ended before the daemon, which was told then.
    is_gone: AtomicBool,
}

impl Drop for Helper {
    fn drop(&mut self) {
        // That is how it learns of it. All that it does then is end.
        self.channel = None;
        if !self.is_gone() {
            reap(self.pid);
        }
    }
}

/// Variables that are the daemon's alone: what the service manager told it (sd_notify(3), sd_listen_fds(3),
/// systemd.exec(5)).
const OWN: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "CREDENTIALS_DIRECTORY",
];

/// What an attendant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Duty {
    /// Starts a program and waits for its end.
    Launch = b'l',
    /// Talks to an age plugin.
    Plugin = b'p',
}

/// The daemon's end of its connection to one attendant.
type Line = UnixStream;

impl Helper {
    /// Starts the helper. `environment` is what the programs get that are not given another one: age plugins. What
    /// unlocks secrets is taken out of it, and what the service manager has told this process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(environment: &[(OsString, OsString)]) -> io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        let nowhere = std::fs::File::open("/dev/null")?;
        let is_passed = |name: &OsString| !is_withheld(name) && !OWN.iter().any(|own| name == own);
        let variables = environment.iter().filter(|(name, _)| is_passed(name));
        let variables: Vec<CString> = variables
            .map(|(name, value)| variable(name, value))
            .collect::<io::Result<_>>()?;
        let steps = [
            // Neither the terminal's signals nor the daemon's group are its.
            Step::LeadSession,
            Step::NoNewPrivileges,
            Step::Place {
                from: nowhere.as_raw_fd(),
                to: libc::STDIN_FILENO,
            },
            Step::KeepStandardDescriptors,
            Step::Place {
                from: theirs.as_fd().as_raw_fd(),
                to: CHANNEL,
            },
        ];
        let arguments = [c"escrun", ENTRY].map(CStr::to_owned);
        let mut image = Image::new(own_program(), arguments.into());
        let mask = Mask::now();
        block_signals();
        let started = image.start(variables.iter().map(CString::as_c_str), &[], &steps);
        mask.impose();
        let pid = started.map_err(|Failure { error, .. }| error)?;
        Ok(Self {
            channel: Some(ours),
            pid,
            is_gone: AtomicBool::new(false),
        })
    }

    /// Returns when the helper has ended, which is not to be before the daemon does. Nothing is left of it then. Within a
    /// runtime.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn ended(&self) -> io::Result<()> {
        let Some(channel) = &self.channel else {
            return Ok(());
        };
        // It never says anything: what can be read there is its end.
        let end = Readable::of(channel.as_fd())?;
        end.next(|| Ok(has_hung_up(channel)?.then_some(()))).await?;
        self.note_end();
        Ok(())
    }

    /// What is worse than it should be: that it has ended.
    pub fn warning(&self) -> Option<String> {
        self.is_gone().then(|| format!("{GONE}: {CONSEQUENCE}"))
    }

    /// Whether the helper has ended: nothing can be started any more.
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire)
    }

    /// Notes that it has ended, tells of it and reaps it: once.
    fn note_end(&self) {
        if !self.is_gone.swap(true, Ordering::AcqRel) {
            tracing::error!("{GONE}: {CONSEQUENCE}");
            reap(self.pid);
        }
    }

    /// Has an attendant forked, which finds `descriptors`.
    fn call(&self, duty: Duty, descriptors: &[BorrowedFd<'_>]) -> io::Result<Line> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut all = vec![theirs.as_fd()];
        all.extend(descriptors);
        let channel = self.channel.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        channel.send(&[duty as u8], &all).map_err(|error| {
            if error.kind() != io::ErrorKind::BrokenPipe {
                return error;
            }
            self.note_end();
            gone()
        })?;
        Ok(ours)
    }
}

/// What is said when the helper or an attendant was killed by somebody else.
fn gone() -> io::Error {
    io::Error::other(GONE)
}

/// `NAME=value`.
fn variable(name: &OsString, value: &OsString) -> io::Result<CString> {
    let mut entry = name.clone();
    entry.push("=");
    entry.push(value);
    Ok(CString::new(entry.into_vec())?)
}

impl Duty {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Launch, Self::Plugin]
            .into_iter()
            .find(|duty| *duty as u8 == byte)
    }
}
