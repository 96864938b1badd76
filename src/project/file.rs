//! `escrun.yaml`: what a project says about its environments.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::config::{OneOrMany, or_default, text};
use super::reload::Reload;
use super::rules::Rules;
use super::selection::Entry;
use crate::reaction::Rule;

/// The name of the file.
pub(super) const FILE_NAME: &str = "escrun.yaml";

/// What becomes variables, for all environments alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Export {
    /// Every leaf under `values`.
    All,
    /// What `environmentVariables` and `files` declare.
    Declared,
}

/// The content of `escrun.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub(super) struct EscrunFile {
    /// Folders of definitions, relative to the file.
    #[serde(deserialize_with = "folders")]
    pub(super) environments: Vec<PathBuf>,
    /// What is meant where nothing is named.
    pub(super) environment: Option<Entry>,
    /// For whom new definitions are encrypted.
    #[serde(deserialize_with = "or_default")]
    pub(super) encryption: Rules,
    /// What becomes variables.
    pub(super) export: Option<Export>,
    /// Variables without which nothing starts.
    #[serde(deserialize_with = "variable_names")]
    pub(super) required: Vec<String>,
    /// What is done when values change while a command runs.
    #[serde(deserialize_with = "reload")]
    pub(super) reload: Vec<Rule>,
}

fn reload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    let rules: Option<Reload> = Option::deserialize(deserializer)?;
    Ok(rules.map_or(Vec::new(), |Reload(rules)| rules))
}

fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    struct Folder(PathBuf);

    impl<'de> Deserialize<'de> for Folder {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| match text {
                "" => Err("a folder must not be empty; the file's own is `.`"),
                _ => Ok(Self(text.into())),
            })
        }
    }

    let folders: Option<OneOrMany<Folder>> = Option::deserialize(deserializer)?;
    let folders = folders.map_or(Vec::new(), |OneOrMany(folders)| folders);
    Ok(folders.into_iter().map(|Folder(path)| path).collect())
}

fn variable_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct VariableName(String);

    impl<'de> Deserialize<'de> for VariableName {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| {
                if text.is_empty() || text.contains(['=', '\0']) {
                    return Err("a variable's name must not be empty and have no `=` in it");
                }
                Ok(Self(text.to_owned()))
            })
        }
    }

    let names: Vec<VariableName> = or_default(deserializer)?;
    Ok(names.into_iter().map(|VariableName(name)| name).collect())
}
