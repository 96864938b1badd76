//! `escrun export`: prints the variables for another program to read.

use super::args::ExportVerb;
use super::error::Failure;
use super::variables;
use super::workspace::Workspace;
use crate::diagnostic::any_error;
use crate::encode::Redaction;
use crate::eval::Mode;
use crate::export::format;

/// Prints all variables, or nothing if any of them is at fault.
pub(super) fn export(workspace: &Workspace<'_>, verb: &ExportVerb) -> Result<(), Failure> {
    let projection = variables::project(workspace, Mode::Eval, &verb.options)?;
    let mut diagnostics = projection.diagnostics;
    let required = &workspace.project.required;
    if !any_error(&diagnostics) {
        // A file is defined, and that it is left out is told.
        let missing = crate::export::missing(required, |name| {
            projection.variables.find(name).is_some()
                || projection.files.iter().any(|file| *file.variable == *name)
        });
        diagnostics.extend(missing);
    }
    for note in &projection.notes {
        workspace.ui.note(&note.message);
    }
    if workspace.ui.diagnostics(diagnostics) {
        return Err(Failure::told());
    }
    variables::tell_of_files(workspace, &projection.files);
    match format::write(&projection.variables, verb.format, Redaction::Reveal) {
        // Handing the values over is what the verb is for.
        Ok(encoded) => workspace.ui.out(encoded.text.bytes()),
        Err(diagnostics) => Err(Failure::faulty(diagnostics)),
    }
}
