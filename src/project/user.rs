//! The user's own settings: what no cloned repository may decide.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::{or_default, parse};
use super::error::Error;
use super::search::{SettingsFile, Writers};

/// The content of the user's `config.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub struct UserConfig {
    /// Whether definitions may run commands.
    #[serde(deserialize_with = "or_default")]
    pub allow_commands: bool,
    /// Folders of providers.
    #[serde(deserialize_with = "or_default")]
    pub providers: Vec<PathBuf>,
    /// Files of identities.
    #[serde(deserialize_with = "or_default")]
    pub identities: Vec<PathBuf>,
}

impl UserConfig {
    /// Reads `file`, which may be missing. Paths in it are relative to its folder; those that begin with `~/` are in
    /// `home`, if that is known.
    ///
    /// # Errors
    /// When it is not to be read, says something wrong, or others can write it: it says what may run.
    pub fn read(file: &Path, home: Option<&Path>, user: u32) -> Result<Self, Error> {
        let file = SettingsFile::read_guarded(file.to_owned(), user, Writers::Group)?;
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let mut config: Self = parse(&file.path, &file.text)?;
        for path in config.providers.iter_mut().chain(&mut config.identities) {
            *path = match (path.strip_prefix("~"), home) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => file.folder().join(&*path),
            };
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
