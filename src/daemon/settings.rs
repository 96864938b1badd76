//! `daemon.yaml`: what the daemon is told. What is not said there is what the program's use suggests: the machine's
//! daemon or a person's agent.

mod credential;
mod file;
mod kind;
mod notation;
mod source;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

pub use credential::{Credential, CredentialValue};
pub use source::{Overrides, Places, Source};
pub use store::{Change, SettingsStore};

use glob::Pattern;
use nix::errno::Errno;

use crate::project::{self, SettingsFile, Writers};
use crate::protocol::SOCKET_NAME;
use crate::sys::fs::ReadError;
use file::DaemonFile;

/// The name of the settings in the folder of escrun's configuration.
const FILE_NAME: &str = "daemon.yaml";

/// The name of the policy, beside the settings.
const POLICY_NAME: &str = "policy.yaml";

/// The name of the folder of definitions, beside the settings.
const ENVIRONMENTS_NAME: &str = "environments";

/// The name of the audit's file.
const AUDIT_NAME: &str = "audit.jsonl";

/// Why there are no settings.
#[derive(Debug)]
pub enum Error {
    /// The file is not to be read or says something wrong.
    File(project::Error),
    /// Nothing says where the socket is to be.
    NoSocket,
    /// Nothing says where the audit is to be written.
    NoAudit,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NoSocket => f.write_str("nothing says where the socket is to be"),
            Self::NoAudit => f.write_str("nothing says where the audit is to be written"),
        }
    }
}

impl std::error::Error for Error {}

impl From<project::Error> for Error {
    fn from(error: project::Error) -> Self {
        Self::File(error)
    }
}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::NoSocket => Some("set XDG_RUNTIME_DIR, or name it with --socket".to_owned()),
            Self::NoAudit => Some("set XDG_STATE_HOME or HOME, or name it with --audit".to_owned()),
        }
    }
}

/// What the daemon works by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether this is the daemon of the machine, not a person's.
    pub system: bool,
    /// Where the settings are, or would be.
    pub file: PathBuf,
    /// Folders of definitions, in the order in which they are searched.
    pub folders: Vec<PathBuf>,
    /// Files of identities, besides those in the usual places.
    pub identities: Vec<PathBuf>,
    /// The daemon's own socket.
    pub socket: Socket,
    /// The policy. Only one that was named has to be there.
    pub policy: Policy,
    /// The audit.
    pub audit: Audit,
    /// After how long without use identities are locked; none for never.
    pub idle: Option<Duration>,
    /// What is kept of what was evaluated.
    pub cache: Cache,
    /// What providers may do with the daemon's rights.
    pub providers: Providers,
    /// What units are given as credentials; the first that fits counts.
    pub credentials: Vec<Credential>,
    /// Where systemd asks for credentials; none if the daemon does not serve them, or is handed the socket.
    pub credentials_socket: Option<PathBuf>,
    /// The program that asks a person for consent, and its arguments; empty if there is none.
    pub confirm: Vec<String>,
    /// How much peers may take up.
    pub limits: Limits,
    /// Whether the daemon shuts itself in.
    pub sandbox: bool,
}

/// The daemon's own socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Where it is.
    pub path: PathBuf,
    /// Its mode: who may connect. What a peer gets is for the policy to say.
    pub mode: u32,
    /// Its group, by name or number; the daemon's own if none.
    pub group: Option<String>,
}

/// Where the policy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The file.
    pub file: PathBuf,
    /// Whether it was named, so that it has to be there.
    pub required: bool,
}

/// The audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The file.
    pub file: PathBuf,
    /// Whether nobody has named it, so that all folders above it are made as needed, not only the last.
    pub is_usual: bool,
    /// Its permission bits.
    pub mode: u32,
    /// The size at which a new file is begun, in bytes; 0 for never, where another program does that.
    pub max_size: u64,
    /// How many old files are kept besides it; at least one.
    pub keep: u32,
    /// Whether the journal is told too.
    pub journal: bool,
}

impl Audit {
    /// What holds for a file that was named where nothing else is said, for the machine's daemon or a person's.
    pub fn new(file: impl Into<PathBuf>, system: bool) -> Self {
        Self {
            file: file.into(),
            is_usual: false,
            // Those who look after a machine may read along, as they may its other logs.
            mode: if system { 0o640 } else { 0o600 },
            max_size: 64 << 20,
            keep: 8,
            journal: system,
        }
    }
}

/// What is kept of what was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// How much locked memory it may take, in bytes; none for what the limits of the process suggest.
    pub max_bytes: Option<usize>,
    /// How long an answer is kept.
    pub max_age: Duration,
}

/// What providers may do with the daemon's rights: nothing but what is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    /// Files that may be read: globs of absolute paths.
    pub files: Vec<Pattern>,
    /// Variables of the daemon that may be read.
    pub variables: Vec<String>,
    /// Programs that may be run, by absolute path.
    pub commands: Vec<String>,
    /// Whether plugins may be run.
    pub plugins: bool,
    /// How long answers are kept that a provider had a part in.
    pub max_age: Duration,
}

/// How much peers may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all; none for what the process may open.
    pub connections: Option<usize>,
    /// Connections of one user; none for three quarters of all.
    pub connections_per_user: Option<usize>,
    /// How long the head of a request may take to come.
    pub head_time: Duration,
    /// How long its body may take.
    pub body_time: Duration,
    /// How long a peer may take none of an answer.
    pub write_time: Duration,
    /// How long a connection is kept without a request.
    pub idle_time: Duration,
    /// How long what is under way may take to end when the daemon does.
    pub drain_time: Duration,
}

impl Providers {
    /// What has to be reached for the files that a glob stands for: what comes before its first wildcard.
    pub(super) fn fixed(files: &Pattern) -> PathBuf {
        let text = files.as_str();
        let end = text.find(['*', '?', '[']).unwrap_or(text.len());
        PathBuf::from(&text[..end])
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            max_bytes: None,
            max_age: Duration::from_secs(600),
        }
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            variables: Vec::new(),
            commands: Vec::new(),
            plugins: false,
            max_age: Duration::from_secs(60),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: None,
            connections_per_user: None,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            write_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(60),
            drain_time: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// Reads the settings and puts `overrides` over them. Paths in the file are relative to its folder; those that begin
    /// with `~/` are in `home`, if that is known.
    ///
    /// # Errors
    /// When the file is not to be read, says something wrong, or others can write it; when it is not known where something
    /// has to be.
    pub fn read(
        places: &Places,
        overrides: Overrides,
        home: Option<&Path>,
        user: u32,
    ) -> Result<Self, Error> {
        let named = overrides.config.is_some();
        let usual = || places.config.join(FILE_NAME);
        let path = overrides.config.clone().unwrap_or_else(usual);
        let found = SettingsFile::read_guarded(path.clone(), user, Writers::None)?;
        let file = match found {
            Some(text) => DaemonFile::parse(&text, home)?,
            None => {
                // One that has come since counts as missing all the same: nobody has looked at whose it is.
                let absence = fs::metadata(&path).err();
                let absence = absence.unwrap_or_else(|| Errno::ENOENT.into());
                // A folder that may not be looked into may well hold settings.
                if named || absence.kind() == io::ErrorKind::PermissionDenied {
                    let error = ReadError::Io(absence);
                    return Err(project::Error::Read { file: path, error }.into());
                }
                DaemonFile::default()
            }
        };
        Self::over(places, path, file, overrides)
    }

    /// Whether anything in them has programs started.
    pub(super) fn starts_programs(&self) -> bool {
        let providers = &self.providers;
        providers.plugins || !providers.commands.is_empty() || !self.confirm.is_empty()
    }

    /// What is named and is not there, for people. It may come later, so it hinders nothing. Of a person's agent, the
    /// usual folder of definitions may well be missing: it may be there for age alone.
    pub fn absences(&self) -> Vec<String> {
        let usual = self.file.with_file_name(ENVIRONMENTS_NAME);
        let expected = |folder: &&PathBuf| self.system || **folder != usual;
        let folders = self.folders.iter().filter(expected);
        let folders = folders
            .filter(|folder| !folder.is_dir())
            .map(|folder| format!("there is no folder of definitions {}", folder.display()));
        let programs = self.providers.commands.iter().chain(self.confirm.first());
        let programs = programs
            .filter(|program| !Path::new(program).is_file())
            .map(|program| format!("there is no program {program}, which the settings name"));
        folders.chain(programs).collect()
    }

    /// What the file says, `overrides` over it, and what the use suggests below it.
    fn over(
        places: &Places,
        path: PathBuf,
        mut file: DaemonFile,
        overrides: Overrides,
    ) -> Result<Self, Error> {
        let folders = first_filled([overrides.folders, file.folders])
            .unwrap_or_else(|| vec![places.config.join(ENVIRONMENTS_NAME)]);
        let identities = first_filled([overrides.identities, file.identities]).unwrap_or_default();
        let policy = overrides.policy.or(file.policy);
        let usual = |folder: &Option<PathBuf>, name| folder.as_ref().map(|f| f.join(name));
        let audit = overrides.audit.or(file.audit.file.take());
        let is_usual = audit.is_none();
        let audit = audit
            .or_else(|| usual(&places.state, AUDIT_NAME))
            .ok_or(Error::NoAudit)?;
        let audit = Audit {
            is_usual,
            ..Audit::new(audit, places.system)
        };
        let socket = overrides
            .socket
            .or(file.socket.path)
            .or_else(|| usual(&places.runtime, SOCKET_NAME))
            .ok_or(Error::NoSocket)?;
        Ok(Self {
            system: places.system,
            folders,
            identities,
            socket: Socket {
                path: socket,
                // Everybody may ask the machine's daemon; a person's own is that person's.
                mode: file.socket.mode.unwrap_or(match places.system {
                    true => 0o666,
                    false => 0o600,
                }),
                group: file.socket.group,
            },
            policy: Policy {
                required: policy.is_some(),
                file: policy.unwrap_or_else(|| places.config.join(POLICY_NAME)),
            },
            audit: file.audit.over(audit),
            idle: overrides.idle.or(file.idle).unwrap_or_default(),
            cache: file.cache.over(Cache::default()),
            providers: file.providers.over(Providers::default()),
            credentials: file.credentials,
            credentials_socket: file.credentials_socket,
            confirm: file.confirm,
            limits: file.limits.over(Limits::default()),
            sandbox: file.sandbox.unwrap_or(true),
            file: path,
        })
    }
}

/// A time for `idle` as it is written in the file, for the command line; none for never.
///
/// # Errors
/// What it has to be.
pub fn idle(text: &str) -> Result<Option<Duration>, &'static str> {
    (notation::IDLE.read)(text).ok_or(notation::IDLE.words)
}

/// The first list that says anything.
fn first_filled<T>(lists: [Vec<T>; 2]) -> Option<Vec<T>> {
    lists.into_iter().find(|list| !list.is_empty())
}

#[cfg(test)]
mod tests;
