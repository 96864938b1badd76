//! What settings are read from.

use std::path::PathBuf;
use std::time::Duration;

use super::{Error, Settings};
use crate::protocol::SYSTEM_RUNTIME_FOLDER;

/// Where the machine's daemon has its settings.
const SYSTEM_CONFIG: &str = "/etc/escrun";

/// Where the machine's daemon writes its audit.
const SYSTEM_AUDIT: &str = "/var/log/escrun";

/// What is where, when nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Whether this is the daemon of the machine, not a person's.
    pub system: bool,
    /// The folder of settings, policy and definitions.
    pub config: PathBuf,
    /// The folder of the sockets, if it is known.
    pub runtime: Option<PathBuf>,
    /// The folder of the audit, if it is known.
    pub state: Option<PathBuf>,
}

impl Places {
    /// Those of the machine's daemon.
    pub fn of_system() -> Self {
        Self {
            system: true,
            config: SYSTEM_CONFIG.into(),
            runtime: Some(SYSTEM_RUNTIME_FOLDER.into()),
            state: Some(SYSTEM_AUDIT.into()),
        }
    }
}

/// What the command line says; it goes over the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The settings; they have to be there then.
    pub config: Option<PathBuf>,
    /// Folders of definitions.
    pub folders: Vec<PathBuf>,
    /// Files of identities.
    pub identities: Vec<PathBuf>,
    /// The socket.
    pub socket: Option<PathBuf>,
    /// The policy.
    pub policy: Option<PathBuf>,
    /// The audit's file.
    pub audit: Option<PathBuf>,
    /// When identities are locked; the inner is none for never.
    pub idle: Option<Option<Duration>>,
}

/// What settings are read from, again and again.
#[derive(Clone, Debug)]
pub struct Source {
    /// What is where, when nothing else is said.
    pub places: Places,
    /// What the command line says.
    pub overrides: Overrides,
    /// What `~` stands for, if that is known.
    pub home: Option<PathBuf>,
    /// The user who may own the file, besides root.
    pub user: u32,
}

impl Source {
    /// The settings as they are now.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn read(&self) -> Result<Settings, Error> {
        let overrides = self.overrides.clone();
        Settings::read(&self.places, overrides, self.home.as_deref(), self.user)
    }
}
