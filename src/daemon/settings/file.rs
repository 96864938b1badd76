//! The form of `daemon.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::Pattern;
use serde::{Deserialize, Deserializer};

use super::credential::{Credential, credentials};
use super::kind::List;
use super::notation::{
    AGE, ARGUMENT, CONNECTIONS, FILE, FILE_GLOB, FILE_SIZE, FILES, GRACE, GROUP, IDLE, MODE, PLACE,
    PROGRAM, SIZE, VARIABLE, WAIT,
};
use super::{Audit, Cache, Limits, Providers};
use crate::project::config::{Fault, or_default, parse};
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
    #[serde(deserialize_with = "places")]
    pub(super) folders: Vec<PathBuf>,
    #[serde(deserialize_with = "files")]
    pub(super) identities: Vec<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) socket: SocketFile,
    #[serde(deserialize_with = "file")]
    pub(super) policy: Option<PathBuf>,
    #[serde(deserialize_with = "or_default")]
    pub(super) audit: AuditFile,
    #[serde(deserialize_with = "idle")]
    pub(super) idle: Option<Option<Duration>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) cache: CacheFile,
    #[serde(deserialize_with = "or_default")]
    pub(super) providers: ProvidersFile,
    #[serde(deserialize_with = "credentials")]
    pub(super) credentials: Vec<Credential>,
    #[serde(deserialize_with = "file")]
    pub(super) credentials_socket: Option<PathBuf>,
    #[serde(deserialize_with = "command")]
    pub(super) confirm: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) limits: LimitsFile,
    pub(super) sandbox: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub(super) struct SocketFile {
    #[serde(deserialize_with = "file")]
    pub(super) path: Option<PathBuf>,
    #[serde(deserialize_with = "mode")]
    pub(super) mode: Option<u32>,
    #[serde(deserialize_with = "group")]
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
    #[serde(deserialize_with = "file")]
    pub(super) file: Option<PathBuf>,
    #[serde(deserialize_with = "file_size")]
    pub(super) max_size: Option<u64>,
    #[serde(deserialize_with = "file_count")]
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
    pub(super) max_bytes: Option<usize>,
    #[serde(deserialize_with = "age")]
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
    #[serde(deserialize_with = "variables")]
    pub(super) variables: Vec<String>,
    #[serde(deserialize_with = "programs")]
    pub(super) commands: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) plugins: bool,
    #[serde(deserialize_with = "age")]
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
    #[serde(deserialize_with = "connections")]
    pub(super) connections: Option<usize>,
    #[serde(deserialize_with = "connections")]
    pub(super) connections_per_user: Option<usize>,
    #[serde(deserialize_with = "wait")]
    pub(super) head_time: Option<Duration>,
    #[serde(deserialize_with = "wait")]
    pub(super) body_time: Option<Duration>,
    #[serde(deserialize_with = "wait")]
    pub(super) write_time: Option<Duration>,
    #[serde(deserialize_with = "wait")]
    pub(super) idle_time: Option<Duration>,
    #[serde(deserialize_with = "grace")]
    pub(super) drain_time: Option<Duration>,
}

impl DaemonFile {
    /// Reads the settings. Paths are made absolute.
    pub(super) fn parse(
        source: &SettingsFile,
        home: Option<&Path>,
    ) -> Result<Self, project::Error> {
        let mut file: Self = parse(&source.path, &source.text)?;
        let absolute = |(key, path): (&str, &mut PathBuf)| {
            *path = match (path.strip_prefix("~"), home) {
                (Ok(rest), Some(home)) => home.join(rest),
                (Ok(_), None) => return Err(homeless(&source.path, key)),
                _ => source.folder().join(&*path),
            };
            Ok(())
        };
        let single = [
            ("socket.path", &mut file.socket.path),
            ("policy", &mut file.policy),
            ("audit.file", &mut file.audit.file),
            ("credentialsSocket", &mut file.credentials_socket),
        ];
        let single = single
            .into_iter()
            .filter_map(|(key, path)| Some((key, path.as_mut()?)));
        let folders = file.folders.iter_mut().map(|path| ("folders", path));
        let identities = file.identities.iter_mut().map(|path| ("identities", path));
        single
            .chain(folders)
            .chain(identities)
            .try_for_each(absolute)?;
        Ok(file)
    }
}

impl AuditFile {
    /// What is said, and the rest from `below`. Which file it is has been settled there.
    pub(super) fn over(self, below: Audit) -> Audit {
        Audit {
            max_size: self.max_size.unwrap_or(below.max_size),
            keep: self.keep.unwrap_or(below.keep),
            journal: self.journal.unwrap_or(below.journal),
            ..below
        }
    }
}

impl CacheFile {
    /// What is said, and the rest from `below`.
    pub(super) fn over(self, below: Cache) -> Cache {
        Cache {
            max_bytes: self.max_bytes.or(below.max_bytes),
            max_age: self.max_age.unwrap_or(below.max_age),
        }
    }
}

impl ProvidersFile {
    /// What is said, and the rest from `below`. What is not listed is not allowed.
    pub(super) fn over(self, below: Providers) -> Providers {
        Providers {
            files: self.files,
            variables: self.variables,
            commands: self.commands,
            plugins: self.plugins,
            max_age: self.max_age.unwrap_or(below.max_age),
        }
    }
}

impl LimitsFile {
    /// What is said, and the rest from `below`.
    pub(super) fn over(self, below: Limits) -> Limits {
        Limits {
            connections: self.connections.or(below.connections),
            connections_per_user: self.connections_per_user.or(below.connections_per_user),
            head_time: self.head_time.unwrap_or(below.head_time),
            body_time: self.body_time.unwrap_or(below.body_time),
            write_time: self.write_time.unwrap_or(below.write_time),
            idle_time: self.idle_time.unwrap_or(below.idle_time),
            drain_time: self.drain_time.unwrap_or(below.drain_time),
        }
    }
}

fn homeless(file: &Path, key: &str) -> Fault {
    Fault {
        file: file.to_owned(),
        place: None,
        key: key.to_owned(),
        message: "nothing says where the home folder is that `~` stands for".to_owned(),
        hint: Some("set HOME, or write the path out".to_owned()),
    }
}

fn places<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    PLACE.list(from)
}

fn files<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    FILE.list(from)
}

fn file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    FILE.optional(from)
}

fn idle<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Duration>>, D::Error> {
    IDLE.optional(from)
}

fn wait<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    WAIT.optional(from)
}

fn grace<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    GRACE.optional(from)
}

fn age<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    AGE.optional(from)
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    SIZE.optional(from)
}

fn file_size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    FILE_SIZE.optional(from)
}

fn file_count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    FILES.optional(from)
}

fn connections<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    CONNECTIONS.optional(from)
}

fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    MODE.optional(from)
}

fn group<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    GROUP.optional(from)
}

fn globs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Pattern>, D::Error> {
    FILE_GLOB.list(from)
}

fn variables<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    VARIABLE.list(from)
}

fn programs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    PROGRAM.list(from)
}

/// A program and its arguments.
fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = List {
        first: PROGRAM,
        others: ARGUMENT,
        is_same: |_, _| false,
    };
    list.read(from)
}
