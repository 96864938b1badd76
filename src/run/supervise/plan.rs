//! What the supervisor is told by the program that it was: everything but secrets.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::notify::Left;
use super::outlets::Outlet;
use super::starter::Starter;
use crate::log;
use crate::reaction::Rules;
use crate::run::{Lifecycle, Policy, Restart, Subscription, files};
use crate::sys::children::Pid;
use crate::sys::process::Inherited;

/// What is to be supervised, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The command, which runs already.
    pub(super) command: Pid,
    /// How it was started, and can be again.
    pub(super) starter: Starter,
    /// How it is given files and a document.
    pub(super) files: files::Options,
    /// The folder of its files, to be removed in the end.
    pub(super) folder: Option<files::Place>,
    /// The user's wishes.
    pub(super) policy: Policy,
    /// How much is told of what happens, and how.
    pub(super) log: log::Settings,
    /// When the command is started again, and when it counts as up.
    pub(super) lifecycle: Lifecycle,
    /// What is watched, if anything is.
    pub(super) watch: Option<WatchPlan>,
    /// The socket on which the command talks, if there is one.
    pub(super) notify: Option<Left>,
    /// The process that leads the command's session, if it has one of its own.
    pub(super) leader: Option<Pid>,
    /// The pipe with what is to be kept, or of that what is to be hidden, if one of these is needed.
    pub(super) keepsake: Option<RawFd>,
    /// Variables of what was placed for the command.
    pub(super) placed: Vec<(OsString, OsString)>,
    /// Whether what the command is given is to be kept.
    pub(super) keeps_delivery: bool,
    /// Where the command writes, if that is to be masked.
    pub(super) outlets: Vec<Outlet>,
    /// What escrun was started with.
    pub(super) inherited: Inherited,
}

/// How changes are noticed, and what is done about them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WatchPlan {
    /// What escrun was called with.
    pub(super) arguments: Vec<OsString>,
    /// The files that went into the values. As texts of the system, which need not be UTF-8.
    pub(super) inputs: Vec<OsString>,
    /// When they began to be read.
    pub(super) since: SystemTime,
    /// What is done.
    pub(super) rules: Rules,
    /// How a daemon tells of changes, if the values are from one.
    pub(super) subscription: Option<Subscription>,
}

impl Plan {
    /// Whether the command may be started again.
    pub(super) fn starts_again(&self) -> bool {
        self.watch.is_some() || self.lifecycle.restart != Restart::No
    }

    /// Writes the plan where a program that this process becomes finds it: in memory, under a descriptor that is
    /// inherited.
    ///
    /// # Errors
    /// Those of memfd_create(2) and writing.
    pub(super) fn leave(&self) -> io::Result<OwnedFd> {
        let mut file = File::from(nix::sys::memfd::memfd_create(
            c"escrun-plan",
            nix::sys::memfd::MFdFlags::empty(),
        )?);
        file.write_all(&serde_json::to_vec(self)?)?;
        file.rewind()?;
        Ok(file.into())
    }

    /// Takes the plan that was left under `descriptor`.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything but a plan.
    pub(super) fn take(descriptor: OwnedFd) -> io::Result<Self> {
        let mut text = Vec::new();
        File::from(descriptor).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}
