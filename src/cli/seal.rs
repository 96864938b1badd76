//! `escrun seal`: encrypts the plaintext secrets of a definition in place.

use super::error::Failure;
use super::workspace::Workspace;
use crate::author;
use crate::source::Source;

/// Seals the definitions of environments, one after the other.
pub(super) fn seal(workspace: &Workspace<'_>, environments: &[String]) -> Result<(), Failure> {
    environments
        .iter()
        .try_for_each(|environment| seal_one(workspace, environment))
}

fn seal_one(workspace: &Workspace<'_>, environment: &str) -> Result<(), Failure> {
    let (name, source) = workspace.load(environment)?;
    let recipients = workspace.project.rules.recipients(&name);
    let sealed = author::seal(&source, recipients, &workspace.keyring)
        .map_err(|error| unchanged(&source, error))?;
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

/// Why the definition in `source` was not changed.
pub(super) fn unchanged(source: &Source, error: author::Error) -> Failure {
    let failure = Failure::from(error);
    let name = |message| format!("{}: {message}", source.display_name());
    Failure {
        message: failure.message.map(name),
        ..failure
    }
}
