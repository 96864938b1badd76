//! `escrun reload`: has a daemon read its definitions, its settings, its policy and its identities anew.

use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;

/// Returns when it has.
pub(super) fn reload(ui: &Ui, client: &Client) -> Result<(), Failure> {
    let reloaded = client.reload()?;
    ui.info("reloaded");
    if !reloaded.changed.is_empty() {
        ui.info(&format!("in force now: {}", reloaded.changed.join(", ")));
    }
    if !reloaded.restart.is_empty() {
        let keys = reloaded.restart.join(", ");
        ui.warning(&format!("in force after a restart of the daemon: {keys}"));
    }
    Ok(())
}
