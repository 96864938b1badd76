//! `escrun ls`: lists the environments.

use super::check::nothing_here;
use super::columns::columns;
use super::error::Failure;
use super::workspace::Workspace;
use crate::store::Listed;

/// Prints the name of each environment, with `long` its file too.
pub(super) fn ls(workspace: &Workspace<'_>, long: bool) -> Result<(), Failure> {
    let listing = workspace.directory.list()?;
    let (hidden, environments): (Vec<_>, Vec<_>) = listing
        .environments
        .iter()
        .partition(|listed| listed.hidden);
    for skipped in &listing.skipped {
        workspace
            .ui
            .warning(&format!("{}: {}", skipped.path.display(), skipped.reason));
    }
    for listed in hidden {
        workspace.ui.note(&format!(
            "{} is hidden by one of the same name in a folder before",
            listed.file.display()
        ));
    }
    if environments.is_empty() {
        workspace.ui.diagnostics(vec![nothing_here(workspace)]);
    }
    let rows = environments.into_iter().map(|listed| row(listed, long));
    workspace.ui.out(columns(rows.collect()).as_bytes())
}

fn row(listed: &Listed, long: bool) -> Vec<String> {
    let mut row = vec![listed.name.to_string()];
    if long {
        row.push(listed.file.display().to_string());
        if let Some(overlay) = &listed.overlay {
            row.push(format!("under {}", overlay.display()));
        }
    }
    row
}
