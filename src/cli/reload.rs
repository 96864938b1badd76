//! `escrun reload`: has a daemon read its definitions, its policy and its identities anew.

use super::error::Failure;
use super::ui::Ui;
use crate::client::Client;

/// Returns when it has.
pub(super) fn reload(ui: &Ui, client: &Client) -> Result<(), Failure> {
    client.reload()?;
    ui.info("reloaded");
    Ok(())
}
