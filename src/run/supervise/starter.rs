//! Starts the command, the first time and every other.

use std::ffi::{CStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cgroup::Cgroup;
use super::leader::become_leader;
use super::notify::Notify;
use super::outlets::Outlets;
use super::terminal::Belonging;
use crate::run::files::{self, Folder, Placed, place};
use crate::run::replace::{explain, image};
use crate::run::{Delivery, EnvironmentBlock, Error, Privileges, Program};
use crate::sys::children::Pid;
use crate::sys::led::{Led, start_led};
use crate::sys::start::{AT_PARENTS_DEATH, Failure};
use crate::sys::step::Step;

/// Variables that hold the number of the process that they are meant for: sd_listen_fds(3), sd_watchdog_enabled(3).
const OWN_PID: [&CStr; 2] = [c"LISTEN_PID", c"WATCHDOG_PID"];

/// Everything about the start of a command but what it is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Starter {
    /// The command.
    pub(super) program: Program,
    /// Its arguments, without argument 0.
    pub(super) arguments: Vec<OsString>,
    /// How it belongs to the terminal.
    pub(super) belonging: Belonging,
    /// The control group that it enters. As a text of the system, which need not be UTF-8.
    pub(super) cgroup: Option<OsString>,
    /// As whom, where and within which limits it runs.
    pub(super) privileges: Privileges,
    /// Whether it is killed when its supervisor dies.
    pub(super) die_with_parent: bool,
}

/// What surrounds a start.
pub(super) struct Occasion<'a> {
    /// Whether the command's process group comes to the terminal's foreground.
    pub(super) takes_foreground: bool,
    /// How files and documents are handed over.
    pub(super) files: &'a files::Options,
    /// Where the command's messages go.
    pub(super) notify: Option<&'a Notify>,
    /// Where its output goes.
    pub(super) outlets: &'a Outlets,
}

/// A command that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Started {
    /// Its process.
    pub(super) command: Pid,
    /// The process that leads its session and ends as it does, if it has a session of its own.
    pub(super) leader: Option<Pid>,
}

impl Started {
    /// The process that tells of its stops and its end.
    pub(super) fn watched(self) -> Pid {
        self.leader.unwrap_or(self.command)
    }
}

impl Starter {
    /// Starts the command with what `delivery` gives it. All signals must be blocked. `folder` is that of its files,
    /// if there is one already or will be one. Gives the variables of what was placed for it, too.
    ///
    /// # Errors
    /// When it does not come to run; there is no process then.
    pub(super) fn start(
        &self,
        delivery: &Delivery,
        occasion: &Occasion<'_>,
        folder: &mut Option<Folder>,
    ) -> Result<(Started, Vec<(OsString, OsString)>), Error> {
        let mut placed = place(delivery, occasion.files, folder.take())?;
        let notify = occasion.notify.map(Notify::variable);
        placed.variables.extend(notify);
        let started = self.start_with(delivery, occasion, &placed);
        *folder = placed.folder.take();
        let started = started?;
        if let Some(folder) = folder {
            // Without it, the folder may be removed if escrun is killed while the command goes on.
            let _ = folder.belongs_to(started.command);
        }
        Ok((started, std::mem::take(&mut placed.variables)))
    }

    /// Starts the command with what was placed for it.
    fn start_with(
        &self,
        delivery: &Delivery,
        occasion: &Occasion<'_>,
        placed: &Placed,
    ) -> Result<Started, Error> {
        let environment = delivery.environment(&placed.variables)?;
        let privileges = self.privileges.steps();
        let mut image = image(&self.program, &self.arguments, &environment, &privileges)?;
        environment
            .keep_on_fork()
            .map_err(Error::supervising("hand the environment on"))?;
        let door = self.cgroup().and_then(|cgroup| cgroup.door().ok());
        let mut steps = Vec::new();
        steps.extend(
            door.as_ref()
                .map(|door| Step::EnterCgroup(door.as_raw_fd())),
        );
        if !self.belonging.shares_group {
            steps.push(Step::LeadGroup);
        }
        if occasion.takes_foreground {
            steps.push(Step::TakeForeground(io::stdin().as_raw_fd()));
        }
        steps.extend(occasion.outlets.steps());
        steps.extend(placed.steps.iter().cloned());
        // Almost last: the rights to what comes before are given up here. And the kernel forgets what is to happen when the
        // parent dies as soon as the user changes.
        steps.extend(privileges);
        if self.die_with_parent {
            steps.push(Step::DieWithParent(AT_PARENTS_DEATH));
        }

        let own_pid: Vec<&CStr> = OWN_PID
            .into_iter()
            .filter(|name| names_this_process(&environment, name))
            .collect();
        let others = environment
            .entries()
            .filter(|entry| !own_pid.iter().any(|name| is_of(entry, name)));
        let start = || image.start(others, &own_pid, &steps);
        let started = match occasion.outlets.session() {
            Some(terminal) => self.start_led(terminal, start),
            None => start().map(|command| Started {
                command,
                leader: None,
            }),
        };
        started.map_err(|failure| {
            explain(
                &self.program,
                &self.arguments,
                &environment,
                &steps,
                failure,
            )
        })
    }

    /// Has a process that leads a session of its own do the start.
    fn start_led(
        &self,
        terminal: RawFd,
        start: impl FnOnce() -> Result<Pid, Failure>,
    ) -> Result<Started, Failure> {
        let mut steps = vec![Step::LeadSession, Step::TakeTerminal(terminal)];
        if self.die_with_parent {
            steps.push(Step::DieWithParent(AT_PARENTS_DEATH));
        }
        let Led { leader, program } = start_led(&steps, start, become_leader)?;
        Ok(Started {
            command: program,
            leader: Some(leader),
        })
    }

    /// The control group.
    pub(super) fn cgroup(&self) -> Option<Cgroup> {
        self.cgroup
            .as_ref()
            .map(|path| Cgroup::at(PathBuf::from(path)))
    }
}

/// Whether a variable says the number of this process, so that it has to say that of the command instead.
fn names_this_process(environment: &EnvironmentBlock, name: &CStr) -> bool {
    let expected = format!("={}", Pid::own());
    environment.entries().any(|entry| {
        let value = entry.to_bytes().strip_prefix(name.to_bytes());
        value == Some(expected.as_bytes())
    })
}

/// Whether an entry is that of the variable `name`.
fn is_of(entry: &CStr, name: &CStr) -> bool {
    entry
        .to_bytes()
        .strip_prefix(name.to_bytes())
        .is_some_and(|rest| rest.first() == Some(&b'='))
}
