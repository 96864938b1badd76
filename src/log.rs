//! What a running supervisor tells, by `tracing`: lines on standard error, as text or as JSON, or entries of the journal.
//!
//! Events carry names and numbers, never values: `child`, `signal`, `status`, `environments`, `variables` and `reason`.
//! Nobody ever waits for them to be read, and there are no spans.
//!
//! The subscriber is our own: the usual ones cost 270 KiB of program and 300 KiB of memory, of a supervisor that has
//! hardly more than that, and wait where nobody reads.

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;

mod journal;
mod record;
mod subscriber;

use subscriber::Logger;

pub use journal::{Entry, Journal, is_standard_error as journal_is_standard_error};

/// How much is told, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How much.
    pub level: Level,
    /// How.
    pub format: Format,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Errors.
    Error,
    /// Warnings too.
    #[default]
    Warning,
    /// What is done, too.
    Info,
    /// Everything.
    Debug,
}

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
    /// Entries of the journal with fields of their own; text where there is no journal.
    Journal,
}

impl Settings {
    /// Whether standard error is to tell more than what went wrong.
    pub fn is_asked_for(self) -> bool {
        matches!(self.level, Level::Info | Level::Debug) && self.format != Format::Journal
    }
}

impl Level {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

/// From now on, events of this process are told. Only the first call counts.
pub fn start(settings: Settings) {
    // Refused when there is one already, which goes on.
    let _ = tracing::subscriber::set_global_default(Logger::new(settings));
}
