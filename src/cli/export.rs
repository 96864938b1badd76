//! `escrun export`: prints the variables for another program to read.

use super::error::Failure;
use super::remote::Wanted;
use super::variables;
use super::verb_options::ExportVerb;
use super::way::Way;
use crate::diagnostic::any_error;
use crate::encode::Redaction;
use crate::eval::Mode;
use crate::export::format;

/// Faults of the notation are told with their places.
const WITH_PLACES: Wanted = Wanted {
    details: true,
    secrets: false,
    redacted: false,
};

/// Prints all variables, or nothing if any of them is at fault.
pub(super) fn export(way: &Way<'_>, verb: &ExportVerb) -> Result<(), Failure> {
    let projection = way.project(Mode::Eval, &verb.options, WITH_PLACES)?;
    let mut diagnostics = projection.diagnostics;
    let required = &way.settings().required;
    if !any_error(&diagnostics) {
        // A file is defined, and that it is left out is told.
        let missing = crate::export::missing(required, |name| {
            projection.variables.find(name).is_some()
                || projection.files.iter().any(|file| *file.variable == *name)
        });
        diagnostics.extend(missing);
    }
    for note in &projection.notes {
        way.ui().note(&note.message);
    }
    if way.ui().diagnostics(diagnostics) {
        return Err(Failure::told());
    }
    variables::tell_of_files(way.ui(), &projection.files);
    match format::write(&projection.variables, verb.format, Redaction::Reveal) {
        // Handing the values over is what the verb is for.
        Ok(encoded) => way.ui().out(encoded.text.bytes()),
        Err(diagnostics) => Err(Failure::faulty(diagnostics)),
    }
}
