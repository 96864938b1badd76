//! `escrun reload`: has a daemon read its definitions, its settings, its policy and its identities anew.

use serde::Serialize;

use super::args::MessageFormat;
use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;
use crate::protocol::Reloaded;

/// What has become of it, for programs.
#[derive(Serialize)]
struct Outcome {
    socket: String,
    reloaded: bool,
    #[serde(flatten)]
    settings: Reloaded,
}

/// Returns when it has.
pub(super) fn reload(ui: &Ui, client: &Client) -> Result<(), Failure> {
    let reloaded = client.reload()?;
    if ui.format() == MessageFormat::Json {
        return ui.out_json(&Outcome {
            socket: client.socket().display().to_string(),
            reloaded: true,
            settings: reloaded,
        });
    }
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
