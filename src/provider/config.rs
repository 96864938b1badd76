//! What providers may see and do.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use glob::Pattern;

use super::Provided;
use super::trust::Trusted;
use crate::launcher::{Direct, Launcher};
use crate::withheld::is_withheld;

/// Where plugins are installed for everyone.
pub const SYSTEM_FOLDERS: [&str; 2] = [
    "/usr/local/lib/escrun/providers",
    "/usr/lib/escrun/providers",
];

/// What the caller lets providers see and do.
pub struct Config {
    /// The folders in which plugins are looked for, in this order. One that does not exist is passed over.
    pub plugin_folders: Vec<PathBuf>,
    /// The variables that `fn::open::env` reads and that programs inherit; escrun's own secrets are taken out.
    pub environment: Vec<(OsString, OsString)>,
    /// What relative paths of definitions without a file are relative to, and where plugins run.
    pub base: PathBuf,
    /// Which definitions may run programs of their choice.
    pub commands: Commands,
    /// What may be reached, if that is not all that the process can.
    pub allowed: Option<Arc<AllowList>>,
    /// What starts plugins and programs.
    pub launcher: Arc<dyn Launcher>,
    /// How long a program may take.
    pub timeout: Duration,
    /// How many programs run at a time.
    pub concurrency: usize,
    /// The largest answer that is taken from a program and the largest file that is read, in bytes.
    pub size_limit: usize,
    /// What has been answered.
    pub(super) provided: Arc<Mutex<Provided>>,
}

impl Config {
    /// A configuration with neither plugins nor variables, in which no definition may run programs.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self {
            plugin_folders: Vec::new(),
            environment: Vec::new(),
            base: base.into(),
            commands: Commands::Trusted(Trusted::default()),
            allowed: None,
            launcher: Arc::new(Direct),
            timeout: Duration::from_secs(30),
            concurrency: 8,
            size_limit: 16 * 1024 * 1024,
            provided: Arc::default(),
        }
    }

    /// Whether the variable `name` may be read.
    pub(super) fn allows_variable(&self, name: &OsStr) -> bool {
        let allowed = self.allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.variables.contains(name))
    }

    /// Whether plugins may be run.
    pub(super) fn allows_plugins(&self) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.plugins)
    }

    /// What programs inherit.
    pub(super) fn inherited(&self) -> Vec<(OsString, OsString)> {
        let variables = self.environment.iter();
        variables
            .filter(|(name, _)| !is_withheld(name))
            .cloned()
            .collect()
    }

    /// The variable `name`.
    pub(super) fn variable(&self, name: &OsStr) -> Option<&OsStr> {
        // As getenv(3): the first of several counts.
        let found = self.environment.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_os_str())
    }
}

/// What providers may reach with the rights of a service, which are not those of who asks: nothing that is not listed.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    /// Globs of absolute paths without links: the files that may be read.
    pub files: Vec<Pattern>,
    /// The variables that may be read.
    pub variables: BTreeSet<OsString>,
    /// The programs that may be run by `fn::open::command`, as they have to be written there: absolute paths.
    pub programs: BTreeSet<OsString>,
    /// Whether plugins may be run.
    pub plugins: bool,
}

/// Which definitions may run programs by `fn::open::command`.
pub enum Commands {
    /// All of them: the user said so on the command line or in the own configuration.
    All,
    /// Those that the user has declared to be trusted, as they were then.
    Trusted(Trusted),
}
