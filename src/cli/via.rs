//! Whether values come from definitions on this side or from a daemon, and from which.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use super::ambient::Ambient;
use super::error::Failure;
use super::invocation::Invocation;
use super::relative::relative_to;
use super::source_options::{Sources, Via};
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

/// What was chosen, with what is known of the project from choosing.
pub(super) enum Choice {
    /// Definitions on this side.
    Direct(Option<ResolvedProject>),
    /// The daemon that is to be asked.
    Daemon(Client, Option<ResolvedProject>),
}

/// Chooses.
///
/// # Errors
/// When options contradict each other, and when a daemon is meant that cannot be reached.
pub(super) fn choose(invocation: &Invocation<'_>) -> Result<Choice, Failure> {
    let find = || Chooser(invocation).find();
    let Some(recollection) = &invocation.recollection else {
        return find();
    };
    let mut fresh = None;
    let remembered = recollection.recall(REMEMBERED, || {
        let found = find()?;
        let socket = match &found {
            Choice::Daemon(client, _) => client.socket().as_os_str().as_bytes(),
            Choice::Direct(_) => &[],
        };
        let socket = Secret::from_parts(&[socket]);
        fresh = Some(found);
        Ok::<_, Failure>(socket)
    })?;
    // Exposed: it is the name of a file.
    Ok(match (fresh, remembered.expose()) {
        (Some(found), _) => found,
        (None, []) => Choice::Direct(None),
        (None, socket) => Choice::Daemon(Client::new(Path::new(OsStr::from_bytes(socket))), None),
    })
}

/// What decides.
struct Chooser<'a>(&'a Invocation<'a>);

impl Chooser<'_> {
    fn find(&self) -> Result<Choice, Failure> {
        let Invocation {
            sources, ambient, ..
        } = self.0;
        let via = self.via()?;
        let named = named_socket(sources, ambient);
        match (via, local_option(sources)) {
            (Via::Direct, _) if sources.socket.is_some() => {
                Err(Failure::usage("--socket does nothing with --via direct")
                    .with_hint("leave out one of them"))
            }
            (Via::Direct, _) => Ok(Choice::Direct(None)),
            (Via::Daemon, Some(option)) => Err(contradiction(option)),
            (Via::Daemon, None) => self.reached(socket(sources, ambient)),
            (Via::Auto, Some(option)) if sources.socket.is_some() => Err(contradiction(option)),
            (Via::Auto, Some(option)) => {
                if named.is_some() {
                    self.tell_of_none(&format!("{option} is given"));
                }
                Ok(Choice::Direct(None))
            }
            (Via::Auto, None) => match named {
                Some(socket) => self.reached(socket),
                None => self.find_unnamed(),
            },
        }
    }

    /// A daemon that nobody has named, if there is one and nothing is on this side.
    fn find_unnamed(&self) -> Result<Choice, Failure> {
        let Invocation { ambient, ui, .. } = self.0;
        let mut sockets = usual_sockets(ambient);
        sockets.retain(|socket| socket.exists());
        if sockets.is_empty() {
            return Ok(Choice::Direct(None));
        }
        let variable = IDENTITIES
            .iter()
            .find(|name| ambient.variable(name).is_some());
        if let Some(variable) = variable {
            self.tell_of_none(&format!("{variable} is set"));
            return Ok(Choice::Direct(None));
        }
        let project = self.0.find_project(None)?;
        if let Some(found) = project.file.as_ref().or(project.folders.first()) {
            let found = relative_to(&ambient.working_directory, found);
            self.tell_of_none(&format!("there is {}", found.display()));
            return Ok(Choice::Direct(Some(project)));
        }
        for socket in sockets {
            match Client::connected(&socket) {
                Ok(client) => {
                    self.tell_of(&socket);
                    return Ok(Choice::Daemon(client, Some(project)));
                }
                Err(error) if error.is_absent() => ui.warning(&format!(
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
        Ok(Choice::Direct(Some(project)))
    }

    /// A daemon that is meant.
    fn reached(&self, socket: PathBuf) -> Result<Choice, Failure> {
        let client = Client::connected(&socket)?;
        self.tell_of(&socket);
        Ok(Choice::Daemon(client, None))
    }

    fn tell_of(&self, socket: &Path) {
        let told = format!("via the daemon at {}", socket.display());
        self.0.ui.note(&told);
    }

    fn tell_of_none(&self, reason: &str) {
        self.0.ui.note(&format!("no daemon is asked: {reason}"));
    }

    fn via(&self) -> Result<Via, Failure> {
        if let Some(via) = self.0.sources.via {
            return Ok(via);
        }
        let Some(text) = self.0.ambient.variable(VIA) else {
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

fn contradiction(option: &str) -> Failure {
    Failure::usage(format!(
        "{option} is for definitions on this side, and those of a daemon are meant"
    ))
    .with_hint(format!("leave out {option}, or --via daemon and --socket"))
}

/// Whether it was said that no daemon is wanted, by the option or, without one, by the variable.
pub(super) fn is_unwanted(sources: &Sources, ambient: &Ambient) -> bool {
    match sources.via {
        Some(via) => via == Via::Direct,
        None => ambient.variable(VIA).is_some_and(|via| via == "direct"),
    }
}

/// The socket of the daemon that is meant where none but a daemon can be: the one that was named, else the user's own if
/// there is one, else the machine's.
pub(super) fn socket(sources: &Sources, ambient: &Ambient) -> PathBuf {
    let usual = || {
        let mut sockets = usual_sockets(ambient);
        let found = sockets.iter().position(|socket| socket.exists());
        sockets.swap_remove(found.unwrap_or_default())
    };
    named_socket(sources, ambient).unwrap_or_else(usual)
}

/// The socket that was named.
pub(super) fn named_socket(sources: &Sources, ambient: &Ambient) -> Option<PathBuf> {
    let variable = || ambient.variable(SOCKET).map(PathBuf::from);
    let named = sources.socket.clone().or_else(variable)?;
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
fn local_option(sources: &Sources) -> Option<&'static str> {
    let options = [
        ("--dir", !sources.folders.is_empty()),
        ("--identity", !sources.identities.is_empty()),
        ("--provider-dir", !sources.provider_folders.is_empty()),
        ("--allow-commands", sources.allow_commands),
    ];
    options
        .into_iter()
        .find_map(|(option, is_given)| is_given.then_some(option))
}
