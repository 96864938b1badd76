//! The policy in force, and reading it anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::Policy;
use crate::daemon::settings::Settings;
use crate::project::{Error, SettingsFile, Writers};
use crate::sys::fs::ReadError;

/// Keeps the policy that is in force. Shared by all threads.
///
/// A file that is not to be read, that is faulty or gone changes nothing: what held before holds, and it is said so.
#[derive(Debug)]
pub struct PolicyStore {
    file: PathBuf,
    /// The user who may own the file, besides root.
    user: u32,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    policy: Arc<Policy>,
    /// Whether the policy is that of the file.
    is_read: bool,
    /// Why the file's present state is not in force.
    fault: Option<String>,
}

impl PolicyStore {
    /// Reads the policy that `settings` name, for a daemon that runs as `user`. Where there is no such file and none has to
    /// be, what suits the use of the daemon holds.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(settings: &Settings, user: u32) -> Result<Self, Error> {
        let default = match (settings.policy.required, settings.system) {
            (true, _) => None,
            (false, true) => Some(Policy::of_system()),
            (false, false) => Some(Policy::of_owner(user)),
        };
        Self::open(&settings.policy.file, user, default)
    }

    /// Reads the policy in `file`, which must belong to `user` or root and which nobody else may write. Where there is no
    /// such file, `default` holds, if there is one.
    ///
    /// # Errors
    /// When the file is not to be read, is faulty, or is not there and there is no default.
    pub fn open(file: &Path, user: u32, default: Option<Policy>) -> Result<Self, Error> {
        let read = read(file, user)?;
        let is_read = read.is_some();
        let policy = match read.or(default) {
            Some(policy) => policy,
            None => return Err(absent(file)),
        };
        Ok(Self {
            file: file.to_owned(),
            user,
            state: RwLock::new(State {
                policy: Arc::new(policy),
                is_read,
                fault: None,
            }),
        })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the policy in force is one of the file, not the default.
    pub fn is_of_file(&self) -> bool {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_read
    }

    /// The policy in force. Whoever decides more than one thing of a request keeps it.
    pub fn current(&self) -> Arc<Policy> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.policy)
    }

    /// What is wrong with the file, if the policy in force is not what it says.
    pub fn warning(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let fault = state.fault.as_ref()?;
        Some(format!("the policy before holds still: {fault}"))
    }

    /// Reads the file anew. If that fails, an error is logged, and what held before holds.
    ///
    /// # Errors
    /// As [`PolicyStore::open`].
    pub fn reload(&self) -> Result<(), Error> {
        let read = read(&self.file, self.user);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let failure = match read {
            Ok(Some(policy)) => {
                tracing::info!(file = %self.file.display(), rules = policy.len(), "the policy is in force");
                state.policy = Arc::new(policy);
                state.is_read = true;
                state.fault = None;
                return Ok(());
            }
            // The default stays in force until there is a file.
            Ok(None) if !state.is_read => return Ok(()),
            Ok(None) => absent(&self.file),
            Err(failure) => failure,
        };
        tracing::error!(error = %failure, hint = failure.hint(), "the policy was not read anew; the one before holds still");
        state.fault = Some(failure.to_string());
        Err(failure)
    }
}

/// The policy in a file; none if there is none.
fn read(file: &Path, user: u32) -> Result<Option<Policy>, Error> {
    match SettingsFile::read_guarded(file.to_owned(), user, Writers::None)? {
        Some(settings) => Ok(Some(Policy::parse(&settings.path, &settings.text)?)),
        None => match fs::symlink_metadata(file) {
            // A folder that may not be looked into may well hold a policy that allows less than the default.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(Error::Read {
                file: file.to_owned(),
                error: ReadError::Io(error),
            }),
            _ => Ok(None),
        },
    }
}

fn absent(file: &Path) -> Error {
    Error::Read {
        file: file.to_owned(),
        error: ReadError::Io(io::Error::from_raw_os_error(libc::ENOENT)),
    }
}

#[cfg(test)]
mod tests;
