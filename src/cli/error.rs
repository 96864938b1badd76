//! What every failure becomes at the edge: a message, a hint, an exit status.

use std::fmt;

/// Exit status of a run whose command never started (env(1)).
pub(super) const RUN_FAILED: u8 = 125;
/// Exit status of every other verb that failed.
pub(super) const FAILED: u8 = 1;
/// Exit status of a verb that was not called as it should.
pub(super) const USAGE: u8 = 2;

/// Why a verb ends here.
#[derive(Debug)]
pub(super) struct Failure {
    /// What went wrong; absent where all has been told already.
    pub(super) message: Option<String>,
    /// What helps.
    pub(super) hint: Option<String>,
    /// The exit status.
    pub(super) status: u8,
}

impl Failure {
    /// A failure with a message.
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: Some(message.to_string()),
            hint: None,
            status: FAILED,
        }
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
            message: None,
            hint: None,
            status: FAILED,
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
