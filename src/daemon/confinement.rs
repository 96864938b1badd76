//! What of the settings decides how the daemon shuts itself in, and whether it has a helper.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use super::context::Daemon;
use super::sandbox::{self, Helper, Paths};
use super::settings::Settings;

/// Starts the helper if the settings let anything be started at all. Before any secret is read, and any thread started.
///
/// # Errors
/// When it cannot be started.
pub(super) fn helper(
    settings: &Settings,
    environment: &[(OsString, OsString)],
) -> io::Result<Option<Arc<Helper>>> {
    let providers = &settings.providers;
    let starts_programs =
        providers.plugins || !providers.commands.is_empty() || !settings.confirm.is_empty();
    starts_programs
        .then(|| Helper::start(environment).map(Arc::new))
        .transpose()
}

/// Shuts the daemon in, unless the settings say not to. Once it has all its sockets, and before it starts threads.
pub(super) fn enter(daemon: &Daemon) {
    let settings = &daemon.settings;
    if !settings.sandbox {
        let warning = "the sandbox is turned off by the settings";
        warn!("{warning}");
        return daemon.warn(warning.to_owned());
    }
    let report = sandbox::enter(&paths(settings, daemon.vault.files()));
    info!("{report}");
    for warning in report.warnings {
        warn!("{warning}");
        daemon.warn(warning);
    }
}

/// What the daemon reads and writes while it serves.
fn paths(settings: &Settings, identities: Vec<PathBuf>) -> Paths {
    let mut readable = identities;
    readable.push(settings.file.clone());
    readable.push(settings.policy.file.clone());
    readable.extend(settings.folders.iter().cloned());
    readable.extend(settings.identities.iter().cloned());
    let files = settings.providers.files.iter();
    readable.extend(files.map(|pattern| fixed_part(Path::new(pattern))));
    let mut writable = vec![settings.socket.path.clone(), settings.audit.file.clone()];
    writable.extend(settings.credentials_socket.clone());
    Paths { readable, writable }
}

/// What a glob begins with that is no pattern.
fn fixed_part(pattern: &Path) -> PathBuf {
    let is_fixed = |part: &std::path::Component<'_>| {
        let part = part.as_os_str().as_encoded_bytes();
        !part.iter().any(|byte| b"*?[".contains(byte))
    };
    let fixed: PathBuf = pattern.components().take_while(is_fixed).collect();
    if fixed == pattern {
        return fixed;
    }
    // Something in that folder is meant, not what may take the folder's place.
    fixed.join("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_up_to_their_first_pattern() {
        for (pattern, expected) in [
            ("/srv/app/token", "/srv/app/token"),
            ("/srv/app/*", "/srv/app/*"),
            ("/srv/*/token", "/srv/*"),
            ("/srv/a?p/**/x", "/srv/*"),
            ("/*", "/*"),
        ] {
            let fixed = fixed_part(Path::new(pattern));
            assert_eq!(fixed, Path::new(expected), "{pattern}");
        }
    }
}
