//! What environments are served from, and how, as the settings say it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use super::{CacheLimits, Rights};
use crate::daemon::settings::Settings;
use crate::launcher::Launcher;
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
    pub fn of(
        settings: &Settings,
        variables: Vec<(OsString, OsString)>,
        launcher: Arc<dyn Launcher>,
    ) -> Self {
        Self {
            folders: settings.folders.clone(),
            rights: Rights {
                allowed: Arc::new(Rights::listed(settings)),
                variables,
                folder: FOLDER.into(),
                launcher,
            },
            cache: CacheLimits::of(settings),
        }
    }
}

impl CacheLimits {
    /// Those that settings say.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            bytes: settings.cache.max_bytes.unwrap_or_else(usual_bytes),
            age: settings.cache.max_age,
            provider_age: settings.providers.max_age,
        }
    }
}

/// Half of what may be locked, so that requests and evaluations have the rest, but no more than is useful.
fn usual_bytes() -> usize {
    let limit = Resource::LOCKED_MEMORY.limit();
    match limit.map_or(UNLIMITED, |limit| limit.soft) {
        UNLIMITED => USUAL_BYTES,
        limit => usize::try_from(limit / 2).map_or(USUAL_BYTES, |half| half.min(USUAL_BYTES)),
    }
}
