//! `escrun lock`: has a daemon forget its identities, or all daemons of this machine.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::MessageFormat;
use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;
use crate::protocol::{LockAnswer, SOCKET_NAME, SYSTEM_RUNTIME_FOLDER};

/// Where the folders of users' sessions are (pam_systemd(8)).
const USERS: &str = "/run/user";

/// Returns when nothing of the identities is left in the memory of the daemon, or of every one that runs.
pub(super) fn lock(ui: &Ui, client: &Client, all: bool) -> Result<(), Failure> {
    if !all {
        return told(ui, client, &client.lock()?, "");
    }
    // As many as can be: one that fails keeps no other from being locked.
    let mut failed = false;
    for socket in sockets() {
        let shown = socket.display().to_string();
        let client = Client::new(socket);
        let told = match client.lock() {
            Ok(answer) => told(ui, &client, &answer, &format!("{shown}: ")),
            Err(error) if error.is_absent() => Ok(()),
            Err(error) => Err(Failure::new(format!("{shown}: {error}"))),
        };
        if let Err(failure) = told {
            failed = true;
            ui.failure(&failure);
        }
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}

/// Tells that a daemon has locked its identities. `whose` stands before words for people.
fn told(ui: &Ui, client: &Client, answer: &LockAnswer, whose: &str) -> Result<(), Failure> {
    if answer.unrecorded {
        ui.warning(&format!(
            "{whose}it is not in the daemon's audit, which cannot be written"
        ));
    }
    tell(ui, client, answer, &format!("{whose}locked"))
}

/// What has become of the identities of a daemon, for programs.
#[derive(Serialize)]
struct Outcome<'a, K> {
    socket: String,
    #[serde(flatten)]
    keys: &'a K,
}

/// Tells what has become of the identities of a daemon: `words` for people, or one JSON object.
pub(super) fn tell(
    ui: &Ui,
    client: &Client,
    keys: &impl Serialize,
    words: &str,
) -> Result<(), Failure> {
    match ui.format() {
        MessageFormat::Json => ui.out_json(&Outcome {
            socket: client.socket().display().to_string(),
            keys,
        }),
        MessageFormat::Plain => {
            ui.info(words);
            Ok(())
        }
    }
}

/// The sockets of the machine's daemon and of those of all users.
fn sockets() -> Vec<PathBuf> {
    let mut sockets = vec![Path::new(SYSTEM_RUNTIME_FOLDER).join(SOCKET_NAME)];
    let users = std::fs::read_dir(USERS).into_iter().flatten().flatten();
    let mut own: Vec<_> = users
        .map(|user| user.path().join("escrun").join(SOCKET_NAME))
        .collect();
    own.sort();
    sockets.extend(own);
    sockets
}
