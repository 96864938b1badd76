//! Whether values come from definitions on this side or from a daemon, and from which.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::ambient::Ambient;
use super::args::Shared;
use super::error::Failure;
use super::recollection::Recollection;
use super::relative::relative_to;
use super::ui::Ui;
use crate::client::Client;
use crate::project::ResolvedProject;
use crate::protocol::{SOCKET_NAME, SYSTEM_RUNTIME_FOLDER};
use crate::quote::quoted;
use crate::secret::Secret;

/// The variable that says which way to take.
const VIA: &str = "ESCRUN_VIA";

/// The variable that says where the daemon's socket is.
const SOCKET: &str = "ESCRUN_SOCKET";

/// What is remembered of the choice: whoever composes anew takes the way that was taken at first.
const REMEMBERED: &str = "the socket of the daemon that values are from";

/// Variables with identities, or the way to them.
const IDENTITIES: [&str; 3] = [
    "ESCRUN_IDENTITY",
    "ESCRUN_IDENTITY_FILE",
    "ESCRUN_IDENTITY_COMMAND",
];

/// Options about the daemon.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Shared options")]
pub(super) struct ViaOptions {
    /// Whether values come from a daemon or from definitions on this side; auto asks a daemon that is there unless something
    /// says that definitions are here [env: ESCRUN_VIA] [default: auto].
    #[arg(long, global = true, value_name = "WAY", value_enum)]
    pub(super) via: Option<Via>,
    /// The daemon's socket [env: ESCRUN_SOCKET] [default: yours, else the machine's].
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
}

/// Where values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    /// From a daemon, if there is one and nothing says that definitions are on this side.
    #[default]
    Auto,
    /// From a daemon.
    Daemon,
    /// From definitions on this side.
    Direct,
}

/// What decides.
pub(super) struct Chooser<'a> {
    pub(super) shared: &'a Shared,
    pub(super) ambient: &'a Ambient,
    pub(super) ui: &'a Ui,
}

impl Chooser<'_> {
    /// The daemon that is to be asked; none if definitions on this side are meant. `find_project` finds out what lies around
    /// on this side.
    ///
    /// # Errors
    /// When options contradict each other, and when a daemon is meant that cannot be reached.
    pub(super) fn choose(
        &self,
        recollection: Option<&Recollection>,
        find_project: impl FnOnce() -> Result<ResolvedProject, Failure>,
    ) -> Result<Option<Client>, Failure> {
        let Some(recollection) = recollection else {
            return self.find(find_project);
        };
        let mut fresh = None;
        let remembered = recollection.recall(REMEMBERED, || {
            let found = self.find(find_project)?;
            let socket = found.as_ref().map(|client| client.socket().to_owned());
            fresh = Some(found);
            let socket = socket.unwrap_or_default();
            Ok::<_, Failure>(Secret::from_parts(&[socket.as_os_str().as_bytes()]))
        })?;
        if let Some(found) = fresh {
            return Ok(found);
        }
        // Exposed: it is the name of a file.
        let socket = Path::new(OsStr::from_bytes(remembered.expose()));
        Ok((!socket.as_os_str().is_empty()).then(|| Client::new(socket)))
    }

    fn find(
        &self,
        find_project: impl FnOnce() -> Result<ResolvedProject, Failure>,
    ) -> Result<Option<Client>, Failure> {
        let via = self.via()?;
        let named = named_socket(&self.shared.via, self.ambient);
        let local = local_option(self.shared);
        match (via, local) {
            (Via::Direct, _) if self.shared.via.socket.is_some() => {
                Err(Failure::usage("--socket does nothing with --via direct")
                    .with_hint("leave out one of them"))
            }
            (Via::Direct, _) => Ok(None),
            (Via::Daemon, Some(option)) => Err(self.contradiction(option)),
            (Via::Daemon, None) => self
                .reached(socket(&self.shared.via, self.ambient))
                .map(Some),
            (Via::Auto, Some(option)) if self.shared.via.socket.is_some() => {
                Err(self.contradiction(option))
            }
            (Via::Auto, Some(option)) => {
                if named.is_some() {
                    self.direct(&format!("{option} is given"));
                }
                Ok(None)
            }
            (Via::Auto, None) => match named {
                Some(socket) => self.reached(socket).map(Some),
                None => self.find_unnamed(find_project),
            },
        }
    }

    /// A daemon that nobody has named, if there is one and nothing is on this side.
    fn find_unnamed(
        &self,
        find_project: impl FnOnce() -> Result<ResolvedProject, Failure>,
    ) -> Result<Option<Client>, Failure> {
        let mut sockets = usual_sockets(self.ambient);
        sockets.retain(|socket| socket.exists());
        if sockets.is_empty() {
            return Ok(None);
        }
        let variable = IDENTITIES
            .iter()
            .find(|name| self.ambient.variable(name).is_some());
        if let Some(variable) = variable {
            self.direct(&format!("{variable} is set"));
            return Ok(None);
        }
        let project = find_project()?;
        if let Some(found) = project.file.as_ref().or(project.folders.first()) {
            let found = relative_to(&self.ambient.working_directory, found);
            self.direct(&format!("there is {}", found.display()));
            return Ok(None);
        }
        for socket in sockets {
            match Client::connected(&socket) {
                Ok(client) => {
                    self.tell_of(&socket);
                    return Ok(Some(client));
                }
                Err(error) if error.is_absent() => self.ui.warning(&format!(
                    "nobody serves {}, so it is as if it were not there",
                    socket.display()
                )),
                Err(error) => {
                    let failure = Failure::from(error);
                    return Err(match failure.hint {
                        Some(_) => failure,
                        None => failure.with_hint("with --via direct no daemon is asked"),
                    });
                }
            }
        }
        Ok(None)
    }

    /// A daemon that is meant.
    fn reached(&self, socket: PathBuf) -> Result<Client, Failure> {
        let client = Client::connected(&socket)?;
        self.tell_of(&socket);
        Ok(client)
    }

    fn tell_of(&self, socket: &Path) {
        self.ui
            .note(&format!("via the daemon at {}", socket.display()));
    }

    fn direct(&self, reason: &str) {
        self.ui.note(&format!("no daemon is asked: {reason}"));
    }

    fn contradiction(&self, option: &str) -> Failure {
        Failure::usage(format!(
            "{option} is for definitions on this side, and those of a daemon are meant"
        ))
        .with_hint(format!("leave out {option}, or --via daemon and --socket"))
    }

    fn via(&self) -> Result<Via, Failure> {
        if let Some(via) = self.shared.via.via {
            return Ok(via);
        }
        let Some(text) = self.ambient.variable(VIA) else {
            return Ok(Via::default());
        };
        let text = text.to_string_lossy();
        Via::from_str(&text, false).map_err(|_| {
            Failure::usage(format!(
                "{VIA}: {} must be auto, daemon or direct",
                quoted(&text)
            ))
        })
    }
}

/// Refuses options that ask for a daemon where definitions on this side are what a verb is about.
pub(super) fn refuse_daemon(options: &ViaOptions) -> Result<(), Failure> {
    let option = match options {
        ViaOptions {
            via: Some(Via::Daemon),
            ..
        } => "--via daemon",
        ViaOptions {
            socket: Some(_), ..
        } => "--socket",
        _ => return Ok(()),
    };
    Err(Failure::usage(format!(
        "{option} is for run, get, export and check; this verb is about definitions on this side"
    ))
    .with_hint(format!("leave out {option}")))
}

/// The socket of the daemon that is meant where none but a daemon can be: the one that was named, else the user's own if
/// there is one, else the machine's.
pub(super) fn socket(options: &ViaOptions, ambient: &Ambient) -> PathBuf {
    let usual = || {
        let mut sockets = usual_sockets(ambient);
        let found = sockets.iter().position(|socket| socket.exists());
        sockets.swap_remove(found.unwrap_or_default())
    };
    named_socket(options, ambient).unwrap_or_else(usual)
}

/// The socket that was named.
pub(super) fn named_socket(options: &ViaOptions, ambient: &Ambient) -> Option<PathBuf> {
    let variable = || ambient.variable(SOCKET).map(PathBuf::from);
    let named = options.socket.clone().or_else(variable)?;
    Some(ambient.working_directory.join(named))
}

/// Where sockets are if nobody says otherwise: the user's own, if there can be one, and the machine's.
pub(super) fn usual_sockets(ambient: &Ambient) -> Vec<PathBuf> {
    let machine = Path::new(SYSTEM_RUNTIME_FOLDER).join(SOCKET_NAME);
    own_socket(ambient).into_iter().chain([machine]).collect()
}

/// Where the socket of the user's own daemon is, if there can be one.
pub(super) fn own_socket(ambient: &Ambient) -> Option<PathBuf> {
    let folder = ambient.runtime_folder()?;
    Some(folder.join("escrun").join(SOCKET_NAME))
}

/// The first option that says how definitions on this side are used.
fn local_option(shared: &Shared) -> Option<&'static str> {
    let options = [
        ("--dir", !shared.folders.is_empty()),
        ("--identity", !shared.identities.is_empty()),
        ("--provider-dir", !shared.provider_folders.is_empty()),
        ("--allow-commands", shared.allow_commands),
    ];
    options
        .into_iter()
        .find_map(|(option, is_given)| is_given.then_some(option))
}
