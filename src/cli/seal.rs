//! `escrun seal`: encrypts the plaintext secrets of a definition in place.

use super::error::Failure;
use super::workspace::Workspace;
use crate::author;

/// Seals one environment's definition.
pub(super) fn seal(workspace: &Workspace<'_>, environment: &str) -> Result<(), Failure> {
    let (name, source) = workspace.load(environment)?;
    let recipients = workspace.project.rules.recipients(&name);
    let sealed = author::seal(&source, recipients, &workspace.keyring)?;
    let Some((text, sealed)) = sealed else {
        workspace.ui.info(&format!(
            "nothing to do: every secret of {name} is encrypted for its recipients"
        ));
        return Ok(());
    };
    let file = workspace.directory.replace(&name, source.text(), &text)?;
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
