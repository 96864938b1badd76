//! The last step of a run, taken when everything is wiped that is not needed for it.

use std::ffi::OsString;

use super::choice::Choice;
use super::error::Failure;
use super::ui::Ui;
use crate::log;
use crate::run::{Delivery, Error, Policy, Privileges, Program, replace};
use crate::sys::signal::Signal;
use crate::sys::step::Step;

/// A command that is ready to be started.
pub struct Launch {
    pub(super) program: Program,
    pub(super) arguments: Vec<OsString>,
    pub(super) delivery: Delivery,
    pub(super) privileges: Privileges,
    pub(super) choice: Choice,
    pub(super) policy: Policy,
    pub(super) log: log::Settings,
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
        let environment = match self.delivery.environment(&[]) {
            Ok(environment) => environment,
            Err(error) => return error,
        };
        drop(self.delivery);
        match self.choice {
            Choice::Replace => {
                let mut steps = self.privileges.steps();
                if self.policy.die_with_parent {
                    // There is no supervisor whose death it would be.
                    steps.push(Step::DieWithParent(Signal::TERM));
                }
                replace(&self.program, &self.arguments, &environment, &steps)
            }
            #[cfg(target_os = "linux")]
            Choice::Supervise(_) => crate::run::supervise::launch(crate::run::supervise::Order {
                program: &self.program,
                arguments: &self.arguments,
                environment,
                privileges: &self.privileges,
                policy: self.policy,
                log: self.log,
                own_arguments: &self.own_arguments,
            }),
            #[cfg(not(target_os = "linux"))]
            Choice::Supervise(_) => Error::Supervision {
                what: "be there",
                reason: std::io::ErrorKind::Unsupported.into(),
            },
        }
    }
}
