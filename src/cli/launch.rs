//! The last step of a run, taken when everything is wiped that is not needed for it.

use std::convert::Infallible;
use std::ffi::OsString;

use super::choice::Choice;
use super::error::Failure;
use super::ui::Ui;
use crate::log;
#[cfg(target_os = "linux")]
use crate::run::supervise;
use crate::run::{Delivery, Error, Lifecycle, Policy, Privileges, Program, files, replace};
use crate::sys::signal::Signal;
use crate::sys::step::Step;

/// A command that is ready to be started.
pub struct Launch {
    pub(super) program: Program,
    pub(super) arguments: Vec<OsString>,
    pub(super) delivery: Delivery,
    pub(super) files: files::Options,
    pub(super) privileges: Privileges,
    pub(super) choice: Choice,
    pub(super) masks: bool,
    pub(super) policy: Policy,
    pub(super) log: log::Settings,
    pub(super) lifecycle: Lifecycle,
    #[cfg(target_os = "linux")]
    pub(super) watch: Option<supervise::Watch>,
    pub(super) own_arguments: Vec<OsString>,
    pub(super) ui: Ui,
}

impl Launch {
    /// Becomes the command or its supervisor. Returns only if that failed: the exit status, after telling why.
    pub fn start(self) -> u8 {
        let ui = self.ui;
        let failure = Failure::from(self.try_start());
        ui.failure(&failure);
        failure.status
    }

    fn try_start(self) -> Error {
        match self.choice {
            Choice::Replace => match self.replace() {
                Ok(never) => match never {},
                Err(error) => error,
            },
            #[cfg(target_os = "linux")]
            Choice::Supervise(_) => supervise::launch(supervise::Order {
                program: self.program,
                arguments: self.arguments,
                delivery: self.delivery,
                files: self.files,
                privileges: self.privileges,
                policy: self.policy,
                log: self.log,
                lifecycle: self.lifecycle,
                watch: self.watch,
                masks: self.masks,
                own_arguments: self.own_arguments,
            }),
            #[cfg(not(target_os = "linux"))]
            Choice::Supervise(_) => Error::Supervision {
                what: "do on this system what it takes",
                reason: std::io::ErrorKind::Unsupported.into(),
            },
        }
    }

    /// Becomes the command itself.
    fn replace(self) -> Result<Infallible, Error> {
        #[cfg(target_os = "linux")]
        let placed = files::place(&self.delivery, &self.files, None)?;
        #[cfg(target_os = "linux")]
        let (variables, mut steps) = (&placed.variables[..], placed.steps.clone());
        #[cfg(not(target_os = "linux"))]
        let (variables, mut steps) = (&[], Vec::new());
        steps.extend(self.privileges.steps());
        if self.policy.die_with_parent {
            // There is no supervisor whose death it would be.
            steps.push(Step::DieWithParent(Signal::TERM));
        }
        let environment = self.delivery.environment(variables)?;
        let (program, arguments) = (&self.program, &self.arguments);
        Err(replace(program, arguments, &environment, &steps))
    }
}
