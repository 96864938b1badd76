//! Where the audit is and how large it may become.

use std::path::PathBuf;

use crate::daemon::settings;

/// Where the audit is and how large it may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file.
    pub file: PathBuf,
    /// Its permission bits: 0640 for the machine's daemon, 0600 for a person's agent.
    pub mode: u32,
    /// The size at which it is rotated, in bytes; 0 for never, where another program does that.
    pub max_size: u64,
    /// How many rotated files are kept besides it; at least one.
    pub keep: u32,
    /// Whether the journal is told too, where there is one.
    pub journal: bool,
}

impl Settings {
    /// The usual settings for a file: of 16 MiB and ten before it, that nobody else can read.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            mode: 0o600,
            max_size: 16 << 20,
            keep: 10,
            journal: true,
        }
    }

    /// What the daemon's settings say of it.
    pub fn of(settings: &settings::Settings) -> Self {
        let audit = &settings.audit;
        Self {
            file: audit.file.clone(),
            // Those who look after a machine may read along, as they may its other logs.
            mode: if settings.system { 0o640 } else { 0o600 },
            max_size: audit.max_size,
            keep: audit.keep,
            journal: audit.journal,
        }
    }
}
