//! Where the audit is and how large it may become.

use std::path::PathBuf;

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
}
