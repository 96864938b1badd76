//! What surrounds the process, read once and handed on as values.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::error::Failure;
use crate::sys::fs::effective_user;

/// Variables, working directory and user.
pub(super) struct Ambient {
    /// The variables that escrun was started with.
    pub(super) variables: Vec<(OsString, OsString)>,
    /// The working directory, absolute.
    pub(super) working_directory: PathBuf,
    /// The user that the process acts as.
    pub(super) user: u32,
}

impl Ambient {
    /// Reads what surrounds the process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the surroundings"
    )]
    pub(super) fn read() -> Result<Self, Failure> {
        let working_directory = std::env::current_dir().map_err(|error| {
            Failure::io("the working directory cannot be told", &error)
                .with_hint("it was removed or may not be read: cd to another folder")
        })?;
        let variables = std::env::vars_os().collect();
        Ok(Self {
            variables,
            working_directory,
            user: effective_user(),
        })
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.variables.iter().find(|(found, _)| found == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The user's folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.absolute("HOME")
    }

    /// The folder of the user's own configuration of escrun (XDG Base Directory Specification).
    pub(super) fn config_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_CONFIG_HOME", ".config")
    }

    /// The folder of what escrun remembers for the user.
    pub(super) fn state_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_STATE_HOME", ".local/state")
    }

    /// The folder of the user's data, where plugins are installed.
    pub(super) fn data_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_DATA_HOME", ".local/share")
    }

    /// The user's folder for what lives as long as the session. One that is another's is none (XDG Base Directory
    /// Specification): `su` and `sudo -E` leave the variable as it was, and whose folder it is would be believed.
    pub(super) fn runtime_folder(&self) -> Option<PathBuf> {
        let folder = self.absolute("XDG_RUNTIME_DIR")?;
        match folder.metadata() {
            Ok(found) if found.uid() != self.user => None,
            _ => Some(folder),
        }
    }

    /// The folder `sops/age` of the user's configuration, where sops keeps its keys.
    pub(super) fn sops_keys(&self) -> Option<PathBuf> {
        let folder = self
            .absolute("XDG_CONFIG_HOME")
            .or_else(|| Some(self.home()?.join(".config")));
        Some(folder?.join("sops/age/keys.txt"))
    }

    fn user_folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let folder = self
            .absolute(variable)
            .or_else(|| Some(self.home()?.join(below_home)));
        Some(folder?.join("escrun"))
    }

    /// The folder that a variable names; relative ones are not to be trusted.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.variable(name)?);
        path.is_absolute().then_some(path)
    }
}
