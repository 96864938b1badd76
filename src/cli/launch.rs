//! The last step of a run, taken when everything is wiped that is not needed for it.

use std::convert::Infallible;
use std::ffi::OsString;

use super::choice::Choice;
use super::error::Failure;
use super::ui::Ui;
#[cfg(target_os = "linux")]
use crate::run::supervise;
use crate::run::{Delivery, Error, Program, files, replace};

/// A command that is ready to be started.
pub struct Launch {
    pub(super) program: Program,
    pub(super) arguments: Vec<OsString>,
    pub(super) delivery: Delivery,
    pub(super) files: files::Options,
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
    /// Becomes the command itself.
    fn replace(self) -> Result<Infallible, Error> {
        #[cfg(target_os = "linux")]
        let placed = files::place(&self.delivery, &self.files, None)?;
        #[cfg(target_os = "linux")]
        let (variables, steps) = (&placed.variables[..], &placed.steps[..]);
        #[cfg(not(target_os = "linux"))]
        let (variables, steps): (&[_], &[_]) = (&[], &[]);
        let environment = self.delivery.environment(variables)?;
        Err(replace(&self.program, &self.arguments, &environment, steps))
    }
}
