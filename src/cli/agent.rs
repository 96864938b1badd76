//! A daemon as the agent of age's identities: for age and its like, and for escrun itself.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::ambient::Ambient;
use super::error::{FAILED, Failure, USAGE};
use super::source_options::{SocketOptions, Sources};
use super::ui::Ui;
use super::via::{is_unwanted, named_socket, own_socket};
use crate::client::{Client, DaemonAgent};
use crate::crypt::{Agent, AgentError, PLUGIN_NAME, agent_identity, serve_plugin};
use crate::sys::fs::describe;

/// The verbs of `agent`.
#[derive(Debug, Subcommand)]
pub(super) enum AgentVerb {
    /// Print an identity for age that stands for those of the daemon; holds no secret.
    Identity(SocketOptions),
}

/// What age starts its plugins with (c2sp.org/age-plugin).
const PLUGIN_OPTION: &str = "--age-plugin=";

/// Whether this program was started as a plugin of age: by the name `age-plugin-escrun`, or, as rage does it, by the name
/// of what a link of that name leads to.
pub(super) fn is_plugin(arguments: &[OsString]) -> bool {
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    let is_named = program.and_then(OsStr::to_str) == Some(&format!("age-plugin-{PLUGIN_NAME}"));
    let option = arguments.get(1).map(|option| option.as_encoded_bytes());
    is_named || option.is_some_and(|option| option.starts_with(PLUGIN_OPTION.as_bytes()))
}

/// Serves age. Gives the exit status.
pub(super) fn serve(arguments: &[OsString]) -> u8 {
    let [_, option] = arguments else {
        return told(
            "it is age that starts this: see escrun agent identity",
            USAGE,
        );
    };
    let option = option.to_string_lossy();
    let Some(state_machine) = option.strip_prefix(PLUGIN_OPTION) else {
        return told(
            "it is age that starts this: see escrun agent identity",
            USAGE,
        );
    };
    let ambient = match Ambient::read() {
        Ok(ambient) => ambient,
        Err(failure) => return told(&failure.message.unwrap_or_default(), FAILED),
    };
    let find = |socket: Option<&Path>| find(socket, &ambient);
    match serve_plugin(state_machine, &find) {
        Ok(()) => 0,
        Err(error) => told(&describe(&error), FAILED),
    }
}

fn find(socket: Option<&Path>, ambient: &Ambient) -> Result<Box<dyn Agent>, AgentError> {
    let socket = match socket {
        Some(socket) => Some(socket.to_owned()),
        None => agent_socket(&Sources::default(), ambient),
    };
    match socket {
        Some(socket) => Ok(Box::new(DaemonAgent::new(socket))),
        None => Err(AgentError {
            message: "nothing says where the agent is".to_owned(),
            hint: Some("set XDG_RUNTIME_DIR, or name its socket by ESCRUN_SOCKET".to_owned()),
        }),
    }
}

/// The agent that decrypts where no identity of this side does: the one that was named, or the user's own. Never the
/// machine's daemon unless it was named, and none where no daemon is wanted.
pub(super) fn of_direct_runs(typed: &Sources, ambient: &Ambient) -> Option<DaemonAgent> {
    if is_unwanted(typed, ambient) {
        return None;
    }
    agent_socket(typed, ambient).map(DaemonAgent::optional)
}

fn agent_socket(typed: &Sources, ambient: &Ambient) -> Option<PathBuf> {
    named_socket(typed, ambient).or_else(|| own_socket(ambient))
}

/// Prints the identity that has age ask the agent.
pub(super) fn identity(ui: &Ui, typed: &Sources, ambient: &Ambient) -> Result<(), Failure> {
    let named = typed.socket.as_ref();
    let named = named.map(|socket| ambient.working_directory.join(socket));
    let mut text = String::new();
    match agent_socket(typed, ambient).map(|socket| Client::new(socket).status()) {
        Some(Ok(status)) => {
            if status.keys.recipients.is_empty() {
                ui.warning(match status.keys.locked {
                    true => "the public keys are left out: the identities are locked",
                    false => "the public keys are left out: the agent has no identity",
                });
            }
            for recipient in &status.keys.recipients {
                text += &format!("# public key: {recipient}\n");
            }
        }
        Some(Err(error)) => ui.warning(&format!("the public keys are left out: {error}")),
        None => ui.warning("the public keys are left out: nothing says where the agent is"),
    }
    text += &agent_identity(named.as_deref());
    text.push('\n');
    ui.out(text.as_bytes())
}

/// Says it to whoever looks; age does not unless it is told to.
fn told(message: &str, status: u8) -> u8 {
    // Nobody is left to tell if that fails.
    let _ = writeln!(std::io::stderr(), "age-plugin-{PLUGIN_NAME}: {message}");
    status
}
