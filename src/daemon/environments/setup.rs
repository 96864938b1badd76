//! What environments are served from, and how, as the settings say it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::Pattern;

use super::{CacheLimits, Rights};
use crate::daemon::settings::Settings;
use crate::launcher::Launcher;
use crate::provider::AllowList;
use crate::quote::quoted;
use crate::sys::limit::{Resource, UNLIMITED};

/// How much locked memory answers may take where nothing else is said, in bytes.
const USUAL_BYTES: usize = 16 << 20;

/// Where programs run that providers start.
const FOLDER: &str = "/";

/// What environments are served from, and how.
pub struct Setup {
    /// The folders of definitions, absolute, in the order in which they are searched. They need not be there yet.
    pub folders: Vec<PathBuf>,
    /// What providers may do.
    pub rights: Rights,
    /// How much is kept.
    pub cache: CacheLimits,
}

impl Setup {
    /// Takes over what the settings say. `variables` are the daemon's own; `launcher` starts what providers need.
    ///
    /// # Errors
    /// What is wrong with the lists of what providers may do, by the name of the setting.
    pub fn of(
        settings: &Settings,
        variables: Vec<(OsString, OsString)>,
        launcher: Arc<dyn Launcher>,
    ) -> Result<Self, String> {
        let allowed = AllowList {
            files: settings.providers.files.clone(),
            variables: settings
                .providers
                .variables
                .iter()
                .map(OsString::from)
                .collect(),
            programs: programs(&settings.providers.commands)?,
            plugins: settings.providers.plugins,
        };
        Ok(Self {
            folders: settings.folders.clone(),
            rights: Rights {
                allowed: Arc::new(allowed),
                variables,
                folder: FOLDER.into(),
                launcher,
            },
            cache: CacheLimits {
                bytes: settings.cache.max_bytes.unwrap_or_else(usual_bytes),
                age: settings.cache.max_age,
                provider_age: settings.providers.max_age,
            },
        })
    }
}

/// Files that may be read, as globs of absolute paths.
fn files(globs: &[String]) -> Result<Vec<Pattern>, String> {
    let parse = |glob: &String| {
        let told = |reason: &str| format!("providers.files: {}: {reason}", quoted(glob));
        if !glob.starts_with('/') {
            return Err(told("must be an absolute path, or a glob of such"));
        }
        Pattern::new(glob).map_err(|error| told(error.msg))
    };
    globs.iter().map(parse).collect()
}

/// Programs that may be run, by absolute path.
fn programs(paths: &[String]) -> Result<BTreeSet<OsString>, String> {
    let parse = |path: &String| match Path::new(path).is_absolute() {
        true => Ok(OsString::from(path)),
        false => Err(format!(
            "providers.commands: {}: must be the absolute path of a program",
            quoted(path)
        )),
    };
    paths.iter().map(parse).collect()
}

/// Half of what may be locked, so that requests and evaluations have the rest, but no more than is useful.
fn usual_bytes() -> usize {
    let limit = Resource::LOCKED_MEMORY.limit();
    match limit.map_or(UNLIMITED, |limit| limit.soft) {
        UNLIMITED => USUAL_BYTES,
        limit => usize::try_from(limit / 2).map_or(USUAL_BYTES, |half| half.min(USUAL_BYTES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_paths_are_listed() {
        let texts =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).into()).collect() };
        assert_eq!(
            files(&texts(&["/etc/app/*.pem", "/run/x"])).map(|files| files.len()),
            Ok(2)
        );
        for (wrong, message) in [
            (
                "secrets/*",
                "providers.files: \"secrets/*\": must be an absolute path, or a glob of such",
            ),
            (
                "/a/***",
                "providers.files: \"/a/***\": wildcards are either regular `*` or recursive `**`",
            ),
        ] {
            assert_eq!(files(&texts(&[wrong])).err().as_deref(), Some(message));
        }
        assert!(programs(&texts(&["/usr/bin/pass"])).is_ok());
        assert!(programs(&texts(&["pass"])).is_err());
    }
}
