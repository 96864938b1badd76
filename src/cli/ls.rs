//! `escrun ls`: lists the environments.

use super::error::Failure;
use super::workspace::Workspace;

/// Prints each environment's name, and on a line of its own what there is to say of it.
pub(super) fn ls(workspace: &Workspace<'_>) -> Result<(), Failure> {
    let listing = workspace.directory.list().map_err(|error| Failure {
        hint: error.hint(),
        ..Failure::new(error)
    })?;
    let mut text = String::new();
    for listed in listing.environments.iter().filter(|listed| !listed.hidden) {
        text += listed.name.as_str();
        if listed.overlay.is_some() {
            text += "  (with values of your own)";
        }
        text.push('\n');
        workspace
            .ui
            .note(&format!("{}: {}", listed.name, listed.file.display()));
    }
    for listed in listing.environments.iter().filter(|listed| listed.hidden) {
        workspace.ui.note(&format!(
            "{} is hidden by one of the same name",
            listed.file.display()
        ));
    }
    for skipped in &listing.skipped {
        workspace.ui.info(&format!(
            "warning: {}: {}",
            skipped.path.display(),
            skipped.reason
        ));
    }
    if text.is_empty() {
        workspace.ui.info("there are no environments here");
    }
    workspace.ui.out(text.as_bytes())
}
