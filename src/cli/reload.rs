//! `escrun reload`: has a daemon read its definitions, its policy and its identities anew.

use serde::Serialize;

use super::args::MessageFormat;
use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;

/// What has become of it, for programs.
#[derive(Serialize)]
struct Outcome {
    socket: String,
    reloaded: bool,
}

/// Returns when it has.
pub(super) fn reload(ui: &Ui, client: &Client) -> Result<(), Failure> {
    client.reload()?;
    match ui.format() {
        MessageFormat::Json => ui.out_json(&Outcome {
            socket: client.socket().display().to_string(),
            reloaded: true,
        }),
        MessageFormat::Plain => {
            ui.info("reloaded");
            Ok(())
        }
    }
}
