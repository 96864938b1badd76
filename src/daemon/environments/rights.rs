//! What providers may do with the rights of the daemon.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::daemon::settings::Settings;
use crate::launcher::Launcher;
use crate::provider::{AllowList, Commands, Config, SYSTEM_FOLDERS};

/// What providers may do with the rights of the daemon: nothing but what is listed.
#[derive(Clone, Debug)]
pub struct Rights {
    /// What is listed.
    pub allowed: Arc<AllowList>,
    /// The daemon's own variables, of which listed ones can be read and all but escrun's own are inherited by programs.
    pub variables: Vec<(OsString, OsString)>,
    /// Where programs run.
    pub folder: PathBuf,
    /// What starts them.
    pub launcher: Arc<dyn Launcher>,
}

impl Rights {
    /// What settings list.
    pub(super) fn listed(settings: &Settings) -> AllowList {
        let providers = &settings.providers;
        AllowList {
            files: providers.files.clone(),
            variables: providers.variables.iter().map(OsString::from).collect(),
            programs: providers.commands.iter().map(OsString::from).collect(),
            plugins: providers.plugins,
        }
    }

    /// The providers of one evaluation.
    pub(super) fn provider_config(&self) -> Config {
        let mut config = Config::new(&self.folder);
        if self.allowed.plugins {
            config.plugin_folders = SYSTEM_FOLDERS.map(PathBuf::from).to_vec();
        }
        config.environment.clone_from(&self.variables);
        // Whatever is listed was listed by whoever decides here, for all definitions alike.
        config.commands = Commands::All;
        config.allowed = Some(Arc::clone(&self.allowed));
        config.launcher = Arc::clone(&self.launcher);
        config
    }
}
