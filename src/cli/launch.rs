//! The last step of a run, taken when everything is wiped that is not needed for it.

use std::ffi::OsString;

use super::choice::Choice;
use super::error::Failure;
use super::ui::Ui;
#[cfg(target_os = "linux")]
use crate::run::supervise;
use crate::run::{Delivery, Error, Program, replace};

/// A command that is ready to be started.
pub struct Launch {
    pub(super) program: Program,
    pub(super) arguments: Vec<OsString>,
    pub(super) delivery: Delivery,
    pub(super) choice: Choice,
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
            Choice::Replace => match self.delivery.environment(&[]) {
                Ok(environment) => replace(&self.program, &self.arguments, &environment),
                Err(error) => error,
            },
            #[cfg(target_os = "linux")]
            Choice::Supervise(_) => supervise::launch(supervise::Order {
                program: self.program,
                arguments: self.arguments,
                delivery: self.delivery,
                policy: supervise::Policy::default(),
                keeps_delivery: false,
                own_arguments: self.own_arguments,
            }),
            #[cfg(not(target_os = "linux"))]
            Choice::Supervise(_) => Error::Supervision {
                what: "do on this system what it takes",
                reason: std::io::ErrorKind::Unsupported.into(),
            },
        }
    }
}
