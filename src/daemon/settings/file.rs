//! The form of `daemon.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::Pattern;
use serde::{Deserialize, Deserializer};

use super::notation::{FileMode, Size, Time, TimeOrNever};
use crate::project::config::{Fault, OneOrMany, or_default, parse, refused, text};
use crate::project::{self, SettingsFile};

/// The content of `daemon.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub(super) struct DaemonFile {
    #[serde(deserialize_with = "paths")]
    pub(super) folders: Vec<PathBuf>,
    #[serde(deserialize_with = "paths")]
    pub(super) identities: Vec<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) socket: SocketFile,
    pub(super) policy: Option<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) audit: AuditFile,
    #[serde(deserialize_with = "time_or_never")]
    pub(super) idle: Option<Option<Duration>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) cache: CacheFile,
    #[serde(deserialize_with = "or_default")]
    pub(super) providers: ProvidersFile,
    #[serde(deserialize_with = "or_default")]
    pub(super) credentials: Vec<Credential>,
    pub(super) credentials_socket: Option<PathBuf>,
    #[serde(deserialize_with = "texts")]
    pub(super) confirm: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) limits: LimitsFile,
    pub(super) sandbox: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub(super) struct SocketFile {
    pub(super) path: Option<PathBuf>,
    #[serde(deserialize_with = "mode")]
    pub(super) mode: Option<u32>,
    pub(super) group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub(super) struct AuditFile {
    pub(super) file: Option<PathBuf>,
    #[serde(deserialize_with = "size")]
    pub(super) max_size: Option<u64>,
    pub(super) keep: Option<u32>,
    pub(super) journal: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub(super) struct CacheFile {
    #[serde(deserialize_with = "size")]
    pub(super) max_bytes: Option<u64>,
    #[serde(deserialize_with = "time")]
    pub(super) max_age: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub(super) struct ProvidersFile {
    #[serde(deserialize_with = "globs")]
    pub(super) files: Vec<Pattern>,
    #[serde(deserialize_with = "texts")]
    pub(super) variables: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(super) commands: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) plugins: bool,
    #[serde(deserialize_with = "time")]
    pub(super) max_age: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a mapping"
)]
pub(super) struct LimitsFile {
    pub(super) connections: Option<usize>,
    pub(super) connections_per_user: Option<usize>,
    #[serde(deserialize_with = "time")]
    pub(super) head_time: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) body_time: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) write_time: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) idle_time: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) drain_time: Option<Duration>,
}

/// What a unit is given as a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Which units: a glob.
    pub unit: String,
    /// Which of their credentials: a glob.
    pub credential: String,
    /// The environments that it is from, later ones over earlier ones.
    pub environments: Vec<String>,
    /// What of them.
    pub value: CredentialValue,
}

/// What of the environments a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialValue {
    /// The value at this path, as text.
    Path(String),
    /// The variable of this name.
    Variable(String),
    /// The content of the file whose variable has this name.
    File(String),
    /// All variables, in this notation: `dotenv` or `json`.
    Format(String),
}

#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with unit, credential, environments, and path, variable, file or format"
)]
struct CredentialFile {
    unit: String,
    credential: String,
    environments: OneOrMany<String>,
    path: Option<String>,
    variable: Option<String>,
    file: Option<String>,
    format: Option<String>,
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = CredentialFile::deserialize(deserializer)?;
        let values = [
            file.path.map(CredentialValue::Path),
            file.variable.map(CredentialValue::Variable),
            file.file.map(CredentialValue::File),
            file.format.map(CredentialValue::Format),
        ];
        let mut values = values.into_iter().flatten();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(Self {
                unit: file.unit,
                credential: file.credential,
                environments: file.environments.0,
                value,
            }),
            _ => Err(refused(
                "needs one of `path`, `variable`, `file` and `format`",
            )),
        }
    }
}

impl DaemonFile {
    /// Reads the settings. Paths are made absolute.
    pub(super) fn parse(
        source: &SettingsFile,
        home: Option<&Path>,
    ) -> Result<Self, project::Error> {
        let mut file: Self = parse(&source.path, &source.text)?;
        file.check(&source.path)?;
        let absolute = |path: &mut PathBuf| {
            *path = match (path.strip_prefix("~"), home) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => source.folder().join(&*path),
            };
        };
        let single = [
            &mut file.socket.path,
            &mut file.policy,
            &mut file.audit.file,
            &mut file.credentials_socket,
        ];
        single.into_iter().flatten().for_each(absolute);
        let lists = [&mut file.folders, &mut file.identities];
        lists.into_iter().flatten().for_each(absolute);
        Ok(file)
    }

    /// What the form alone does not say.
    fn check(&self, path: &Path) -> Result<(), Fault> {
        let wrong = |key: &str, message: &str| {
            Err(Fault {
                file: path.to_owned(),
                place: None,
                key: key.to_owned(),
                message: message.to_owned(),
                hint: None,
            })
        };
        if self.limits.connections == Some(0) {
            return wrong("limits.connections", "must be at least 1");
        }
        if self.limits.connections_per_user == Some(0) {
            return wrong("limits.connectionsPerUser", "must be at least 1");
        }
        let relative = |program: &String| !program.starts_with('/');
        if self.confirm.first().is_some_and(relative) {
            return wrong("confirm", "the program must be an absolute path");
        }
        if self.providers.commands.iter().any(relative) {
            return wrong("providers.commands", "programs must be absolute paths");
        }
        Ok(())
    }
}

fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    struct FilePath(PathBuf);

    impl<'de> Deserialize<'de> for FilePath {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| match text {
                "" => Err("a path must not be empty"),
                _ => Ok(Self(text.into())),
            })
        }
    }

    let paths: Option<OneOrMany<FilePath>> = Option::deserialize(deserializer)?;
    let paths = paths.map_or(Vec::new(), |OneOrMany(paths)| paths);
    Ok(paths.into_iter().map(|FilePath(path)| path).collect())
}

fn globs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pattern>, D::Error> {
    struct PathGlob(Pattern);

    impl<'de> Deserialize<'de> for PathGlob {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| match Pattern::new(text) {
                Ok(glob) if text.starts_with('/') => Ok(Self(glob)),
                _ => Err("must be an absolute path, or a glob of such paths"),
            })
        }
    }

    let globs: Option<OneOrMany<PathGlob>> = Option::deserialize(deserializer)?;
    let globs = globs.map_or(Vec::new(), |OneOrMany(globs)| globs);
    Ok(globs.into_iter().map(|PathGlob(glob)| glob).collect())
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts: Option<OneOrMany<String>> = Option::deserialize(deserializer)?;
    Ok(texts.map_or(Vec::new(), |OneOrMany(texts)| texts))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<Time>::deserialize(deserializer)?.map(|Time(time)| time))
}

fn time_or_never<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Duration>>, D::Error> {
    Ok(Option::<TimeOrNever>::deserialize(deserializer)?.map(|TimeOrNever(time)| time))
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Size>::deserialize(deserializer)?.map(|Size(size)| size))
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::<FileMode>::deserialize(deserializer)?.map(|FileMode(mode)| mode))
}
