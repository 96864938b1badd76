//! `escrun daemon`: settings and surroundings to a daemon that serves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ambient::Ambient;
use super::daemon_options::DaemonOptions;
use super::error::Failure;
use super::log::format;
use super::source_options::Sources;
use super::ui::Ui;
use crate::daemon::keys::IdentityPlace;
use crate::daemon::service::Service;
use crate::daemon::settings::{self, Overrides, Places, Settings, SettingsStore, Source};
use crate::daemon::{self, Start};
use crate::log;
use crate::quote::quoted;

/// Serves until told to end.
pub(super) fn serve(
    typed: &Sources,
    ambient: &Ambient,
    ui: &Ui,
    options: &DaemonOptions,
) -> Result<(), Failure> {
    // Before anything is started that would inherit what was handed over.
    let variable = |name: &str| ambient.variable(name).map(ToOwned::to_owned);
    let service =
        Service::join(variable).map_err(|error| Failure::new(&error).with_hint(error.hint()))?;
    let settings = SettingsStore::open(source(typed, ambient, options)?).map_err(unusable)?;
    log::start(log::Settings {
        level: ui.daemon_log_level(),
        format: format(options.log_format, ambient),
    });
    let start = Start {
        settings,
        places: identity_places(ambient, options.system),
        variables: ambient.variables.clone(),
        service,
    };
    daemon::run(start).map_err(|error| Failure {
        hint: error.hint(),
        ..Failure::new(error)
    })
}

/// What the daemon works by: what was typed over what the file says over what its use suggests.
pub(super) fn settings(
    typed: &Sources,
    ambient: &Ambient,
    options: &DaemonOptions,
) -> Result<Settings, Failure> {
    source(typed, ambient, options)?.read().map_err(unusable)
}

/// What they are read from.
fn source(typed: &Sources, ambient: &Ambient, options: &DaemonOptions) -> Result<Source, Failure> {
    let absolute = |path: &PathBuf| ambient.working_directory.join(path);
    let overrides = Overrides {
        config: options.config.as_ref().map(absolute),
        folders: typed.folders.iter().map(absolute).collect(),
        identities: identities(typed, ambient)?,
        socket: options.socket.as_ref().map(absolute),
        policy: options.policy.as_ref().map(absolute),
        audit: options.audit.as_ref().map(absolute),
        idle: match &options.idle {
            Some(text) => Some(idle(text)?),
            None => None,
        },
    };
    Ok(Source {
        places: places(ambient, options, overrides.config.as_deref())?,
        overrides,
        home: ambient.home(),
        user: ambient.user,
    })
}

fn unusable(error: settings::Error) -> Failure {
    Failure {
        hint: error.hint(),
        ..Failure::new(error)
    }
}

/// The time of `--idle`.
fn idle(text: &str) -> Result<Option<Duration>, Failure> {
    settings::idle(text).map_err(|words| {
        Failure::usage(format!("--idle: {} is no time for it", quoted(text)))
            .with_hint(format!("it has to be {words}"))
    })
}

/// What is where for the use that was chosen. Everything of the configuration stands beside the settings.
fn places(
    ambient: &Ambient,
    options: &DaemonOptions,
    settings: Option<&Path>,
) -> Result<Places, Failure> {
    let beside = settings.and_then(Path::parent).map(Path::to_owned);
    if options.system {
        let system = Places::of_system();
        return Ok(Places {
            config: beside.unwrap_or(system.config),
            ..system
        });
    }
    let config = beside.or_else(|| ambient.config_folder()).ok_or_else(|| {
        Failure::new("nothing says where the settings are")
            .with_hint("set XDG_CONFIG_HOME or HOME, or name them with --config")
    })?;
    Ok(Places {
        system: false,
        config,
        runtime: ambient.runtime_folder().map(|folder| folder.join("escrun")),
        state: ambient.state_folder(),
    })
}

/// Where identities are that nobody has named: what the service manager gives, and, of a person's agent, the person's own.
fn identity_places(ambient: &Ambient, system: bool) -> Vec<IdentityPlace> {
    let credentials = ambient.variable("CREDENTIALS_DIRECTORY");
    let credential = credentials.map(|folder| Path::new(folder).join("escrun.identity"));
    let own = ambient.config_folder().filter(|_| !system);
    let places = credential.map(IdentityPlace::OptionalFile);
    places
        .into_iter()
        .chain(own.map(|folder| IdentityPlace::Folder(folder.join("identities"))))
        .collect()
}

/// The files of identities that were named. A daemon reads them again and again, so each has to be a file.
fn identities(typed: &Sources, ambient: &Ambient) -> Result<Vec<PathBuf>, Failure> {
    if typed.identities.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::usage(
            "--identity - is not for a daemon, which reads identities again after it was locked",
        )
        .with_hint("name a file; $CREDENTIALS_DIRECTORY/escrun.identity is read by itself"));
    }
    let files = typed.identities.iter();
    Ok(files
        .map(|path| ambient.working_directory.join(path))
        .collect())
}
