//! The settings in force, and reading them anew.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Audit, Error, Providers, Settings, Source};

/// What became of settings that were read anew: keys of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What is in force now.
    pub taken: Vec<&'static str>,
    /// What takes effect when the daemon is started again.
    pub waiting: Vec<&'static str>,
}

/// Keeps the settings that are in force. Shared by all threads.
///
/// A file that is faulty or not to be read changes nothing. Of one that is right, everything is taken over but what a
/// process that runs and is shut in cannot change: what it has opened, and what it may reach.
#[derive(Debug)]
pub struct SettingsStore {
    source: Source,
    started: Arc<Settings>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    settings: Arc<Settings>,
    /// Why the file's present state is not in force.
    fault: Option<String>,
    /// What of it is not in force.
    waiting: Vec<&'static str>,
}

impl SettingsStore {
    /// Reads the settings.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn open(source: Source) -> Result<Self, Error> {
        let settings = Arc::new(source.read()?);
        Ok(Self {
            source,
            started: Arc::clone(&settings),
            state: RwLock::new(State {
                settings,
                fault: None,
                waiting: Vec::new(),
            }),
        })
    }

    /// The settings in force. Whoever needs more than one of them for the same thing keeps them.
    pub fn current(&self) -> Arc<Settings> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.settings)
    }

    /// What of the file is not in force, for people.
    pub fn warnings(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let fault = state.fault.as_ref();
        let fault = fault.map(|fault| format!("the settings before hold still: {fault}"));
        let waiting = restart(&state.settings.file, &state.waiting);
        fault.into_iter().chain(waiting).collect()
    }

    /// Reads the file anew; `reaches` says whether this process can read a file, if it is there. If that fails, an error is
    /// logged, and what held before holds.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn reload(&self, reaches: impl Fn(&Path) -> bool) -> Result<Change, Error> {
        let read = self.source.read();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let read = read.inspect_err(|fault| {
            tracing::error!(error = %fault, hint = fault.hint(), "the settings were not read anew; those before hold still");
            state.fault = Some(fault.to_string());
        })?;
        let waiting = self.waiting(&read, reaches);
        let settings = self.without_fixed(read);
        let taken = taken(&state.settings, &settings);
        if !taken.is_empty() {
            tracing::info!(keys = taken.join(", "), "the settings are in force");
        }
        if let Some(warning) = restart(&settings.file, &waiting) {
            tracing::warn!("{warning}");
        }
        *state = State {
            settings: Arc::new(settings),
            fault: None,
            waiting: waiting.clone(),
        };
        Ok(Change { taken, waiting })
    }

    /// Whether there is something that starts programs. When the process is shut in, it is too late to begin with that.
    fn can_start_programs(&self) -> bool {
        self.started.starts_programs() || !self.started.sandbox
    }

    /// What of settings cannot take effect.
    fn waiting(&self, read: &Settings, reaches: impl Fn(&Path) -> bool) -> Vec<&'static str> {
        let Settings {
            socket,
            policy,
            audit,
            providers,
            ..
        } = &*self.started;
        let is_out_of_reach = || {
            let new = read.providers.files.iter();
            let mut new = new.filter(|file| !providers.files.contains(file));
            self.started.sandbox && new.any(|file| !reaches(&Providers::fixed(file)))
        };
        let can_start = self.can_start_programs();
        let keys = [
            ("folders", read.folders != self.started.folders),
            ("identities", read.identities != self.started.identities),
            ("socket", read.socket != *socket),
            ("policy", read.policy != *policy),
            ("audit.file", read.audit.file != audit.file),
            ("providers.files", is_out_of_reach()),
            (
                "providers.commands",
                !can_start && !read.providers.commands.is_empty(),
            ),
            (
                "providers.plugins",
                read.providers.plugins != providers.plugins,
            ),
            (
                "credentialsSocket",
                read.credentials_socket != self.started.credentials_socket,
            ),
            ("confirm", !can_start && !read.confirm.is_empty()),
            ("sandbox", read.sandbox != self.started.sandbox),
        ];
        changed(keys)
    }

    /// Settings with what cannot change as it is.
    fn without_fixed(&self, read: Settings) -> Settings {
        let started = &*self.started;
        let can_start = self.can_start_programs();
        // All of it written out: of a setting that is added, it has to be decided here whether it can change, and told
        // in `taken` or in `waiting`.
        Settings {
            system: started.system,
            file: started.file.clone(),
            folders: started.folders.clone(),
            identities: started.identities.clone(),
            socket: started.socket.clone(),
            policy: started.policy.clone(),
            audit: Audit {
                file: started.audit.file.clone(),
                is_usual: started.audit.is_usual,
                mode: started.audit.mode,
                max_size: read.audit.max_size,
                keep: read.audit.keep,
                journal: read.audit.journal,
            },
            idle: read.idle,
            cache: read.cache,
            providers: Providers {
                files: read.providers.files,
                variables: read.providers.variables,
                commands: match can_start {
                    true => read.providers.commands,
                    false => Vec::new(),
                },
                plugins: started.providers.plugins,
                max_age: read.providers.max_age,
            },
            credentials: read.credentials,
            credentials_socket: started.credentials_socket.clone(),
            confirm: match can_start {
                true => read.confirm,
                false => Vec::new(),
            },
            limits: read.limits,
            sandbox: started.sandbox,
        }
    }
}

/// What is different.
fn taken(before: &Settings, after: &Settings) -> Vec<&'static str> {
    let (audit, providers) = (&before.audit, &before.providers);
    changed([
        ("audit.maxSize", after.audit.max_size != audit.max_size),
        ("audit.keep", after.audit.keep != audit.keep),
        ("audit.journal", after.audit.journal != audit.journal),
        ("idle", after.idle != before.idle),
        ("cache", after.cache != before.cache),
        ("providers.files", after.providers.files != providers.files),
        (
            "providers.variables",
            after.providers.variables != providers.variables,
        ),
        (
            "providers.commands",
            after.providers.commands != providers.commands,
        ),
        (
            "providers.maxAge",
            after.providers.max_age != providers.max_age,
        ),
        ("credentials", after.credentials != before.credentials),
        ("confirm", after.confirm != before.confirm),
        ("limits", after.limits != before.limits),
    ])
}

fn changed<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    let changed = keys.into_iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(key, _)| key).collect()
}

/// What is told of keys that wait for a restart, if there are any.
fn restart(file: &Path, waiting: &[&'static str]) -> Option<String> {
    (!waiting.is_empty()).then(|| {
        format!(
            "{}: {}: in force after a restart of the daemon",
            file.display(),
            waiting.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
