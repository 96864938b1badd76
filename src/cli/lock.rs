//! `escrun lock`: has a daemon forget its identities, or all daemons of this machine.

use std::path::{Path, PathBuf};

use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;
use crate::protocol::{LockAnswer, SOCKET_NAME, SYSTEM_RUNTIME_FOLDER};

/// Where the folders of users' sessions are (pam_systemd(8)).
const USERS: &str = "/run/user";

/// Returns when nothing of the identities is left in the memory of the daemon, or of every one that runs.
pub(super) fn lock(ui: &Ui, client: &Client, all: bool) -> Result<(), Failure> {
    if !all {
        told(ui, &client.lock()?, "");
        return Ok(());
    }
    // As many as can be: one that fails keeps no other from being locked.
    let mut failed = false;
    for socket in sockets() {
        let shown = socket.display().to_string();
        match Client::new(socket).lock() {
            Ok(answer) => told(ui, &answer, &format!("{shown}: ")),
            Err(error) if error.is_absent() => {}
            Err(error) => {
                failed = true;
                ui.failure(&Failure::new(format!("{shown}: {error}")));
            }
        }
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}

/// Says that it is locked, and what else there is to say of that.
fn told(ui: &Ui, answer: &LockAnswer, whose: &str) {
    ui.info(&format!("{whose}locked"));
    if answer.unrecorded {
        ui.warning(&format!(
            "{whose}it is not in the daemon's audit, which cannot be written"
        ));
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
