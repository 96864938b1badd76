//! `escrun seal`: encrypts the plaintext secrets of a definition in place.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::Failure;
use super::workspace::{Workspace, environment_name, store_failure};
use crate::author::{self, Error};
use crate::source::Source;
use crate::store::EnvironmentName;

/// Seals one environment's definition.
pub(super) fn seal(workspace: &Workspace<'_>, environment: &str) -> Result<(), Failure> {
    let (name, source) = load(workspace, environment)?;
    let recipients = workspace.project.rules.recipients(&name);
    let sealed = author::seal(&source, recipients, &workspace.keyring)
        .map_err(|error| author_failure(workspace, error))?;
    let Some((text, sealed)) = sealed else {
        workspace.ui.info(&format!(
            "nothing to do: every secret of {name} is encrypted for its recipients"
        ));
        return Ok(());
    };
    let file = save(workspace, &name, &source, &text)?;
    let told = [
        (sealed.plaintexts, "encrypted"),
        (
            sealed.renewed,
            "encrypted anew, since the recipients have changed",
        ),
        (sealed.folded, "folded under the definition's header"),
    ];
    for (count, done) in told.iter().filter(|(count, _)| *count > 0) {
        let secrets = if *count == 1 { "secret" } else { "secrets" };
        workspace
            .ui
            .info(&format!("{}: {count} {secrets} {done}", file.display()));
    }
    Ok(())
}

/// The definition that is to be changed.
pub(super) fn load(
    workspace: &Workspace<'_>,
    environment: &str,
) -> Result<(EnvironmentName, Arc<Source>), Failure> {
    let name = environment_name(environment)?;
    let loaded = workspace.directory.load_named(&name);
    Ok((name, loaded.map_err(store_failure)?.definition))
}

/// Writes the new text, if the old one still stands there.
pub(super) fn save(
    workspace: &Workspace<'_>,
    name: &EnvironmentName,
    source: &Source,
    text: &str,
) -> Result<PathBuf, Failure> {
    let replaced = workspace.directory.replace(name, source.text(), text);
    replaced.map_err(store_failure)
}

/// Tells why a definition was not changed.
pub(super) fn author_failure(workspace: &Workspace<'_>, error: Error) -> Failure {
    let failure = Failure {
        hint: error.hint(),
        ..Failure::new(&error)
    };
    if let Error::Faulty(diagnostics) = error {
        workspace.ui.diagnostics(diagnostics);
    }
    failure
}
