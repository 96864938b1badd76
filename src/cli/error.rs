//! What every failure becomes at the edge: a message, a hint, an exit status.

use std::fmt;
use std::io;

use crate::diagnostic::{Diagnostic, any_error};
use crate::sys::fs::describe;
use crate::{author, client, open, project, run, store};

/// Exit status of a run whose command never started (env(1)).
pub(super) const RUN_FAILED: u8 = 125;
/// Exit status of every other verb that failed.
pub(super) const FAILED: u8 = 1;
/// Exit status of a verb that was not called as it should.
pub(super) const USAGE: u8 = 2;

/// Why a verb ends here.
#[derive(Debug)]
pub(super) struct Failure {
    /// Faults of definitions, which are told first.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What went wrong; absent where all has been told already.
    pub(super) message: Option<String>,
    /// What helps.
    pub(super) hint: Option<String>,
    /// The exit status.
    pub(super) status: u8,
    /// Whether a daemon gave nothing, because it has refused or is not there; and if so, whether that may pass though no
    /// definition changes.
    pub(super) setback: Option<Passing>,
}

/// Whether something may be otherwise in a while.
pub(super) type Passing = bool;

impl Failure {
    /// A failure with a message.
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: Some(message.to_string()),
            ..Self::told()
        }
    }

    /// What the system refused, while doing `what`.
    pub(super) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(format!("{what}: {}", describe(error)))
    }

    /// A mistake in the arguments.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self {
            status: USAGE,
            ..Self::new(message)
        }
    }

    /// A failure that has been told already.
    pub(super) fn told() -> Self {
        Self {
            diagnostics: Vec::new(),
            message: None,
            hint: None,
            status: FAILED,
            setback: None,
        }
    }

    /// A failure of which all is said by the faults of definitions.
    pub(super) fn faulty(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            ..Self::told()
        }
    }

    /// Adds what helps.
    #[must_use]
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Changes the exit status.
    #[must_use]
    pub(super) fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self {
            hint: error.hint(),
            ..Self::new(error)
        }
    }
}

impl From<project::Error> for Failure {
    fn from(error: project::Error) -> Self {
        match error {
            project::Error::Inline(diagnostics) => Self::faulty(diagnostics),
            error => Self {
                hint: error.hint(),
                ..Self::new(error)
            },
        }
    }
}

impl From<open::Invalid> for Failure {
    fn from(invalid: open::Invalid) -> Self {
        Self::usage(invalid)
    }
}

impl From<open::NoValue> for Failure {
    fn from(missing: open::NoValue) -> Self {
        Self {
            hint: missing.hint.clone(),
            ..Self::new(missing)
        }
    }
}

impl From<author::Error> for Failure {
    fn from(error: author::Error) -> Self {
        let failure = Self {
            hint: error.hint(),
            ..Self::new(&error)
        };
        match error {
            author::Error::Faulty(diagnostics) => Self {
                diagnostics,
                ..failure
            },
            _ => failure,
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let mut failure = Self {
            hint: error.hint().map(str::to_owned),
            setback: Some(error.is_passing()),
            ..Self::new(&error)
        };
        if let client::Error::Refused(answer) = error {
            let diagnostics = answer.diagnostics.iter();
            failure.diagnostics = diagnostics
                .filter_map(Diagnostic::from_json_value)
                .collect();
            if any_error(&failure.diagnostics) {
                // They say it all, as they would if they had arisen here.
                (failure.message, failure.hint) = (None, None);
            }
        }
        failure
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Self {
        Self {
            hint: error.hint().map(str::to_owned),
            status: error.status(),
            ..Self::new(error)
        }
    }
}
