//! `escrun get`: prints the composed values.

use super::args::{ExportOptions, GetFormat, GetOptions};
use super::error::Failure;
use super::variables;
use super::workspace::Workspace;
use crate::encode::{self, Redaction};
use crate::eval::Mode;
use crate::export::format::{self, Format};
use crate::open;
use crate::quote::quoted;
use crate::syntax::path;

/// Prints the value that was asked for, broken parts as `[unknown]`.
pub(super) fn get(workspace: &Workspace<'_>, options: &GetOptions) -> Result<(), Failure> {
    let mode = if options.symbolic {
        Mode::Check
    } else {
        Mode::Eval
    };
    let redaction = if options.reveal {
        Redaction::Reveal
    } else {
        Redaction::Redact
    };
    let steps = match &options.path {
        None => Vec::new(),
        Some(text) => path::parse(text).map_err(|error| {
            Failure::usage(format!("invalid property path {}: {error}", quoted(text)))
        })?,
    };
    let as_variables = match options.format {
        GetFormat::Dotenv => Some(Format::Dotenv),
        GetFormat::Shell => Some(Format::Shell),
        GetFormat::Json | GetFormat::Yaml | GetFormat::String => None,
    };
    if let Some(format) = as_variables {
        if options.path.is_some() {
            let message = "the formats dotenv and shell are for variables, and go with no path";
            return Err(Failure::usage(message).with_hint("use --format string for a single value"));
        }
        return get_variables(workspace, mode, format, redaction);
    }
    let evaluated = workspace.evaluate(mode, None)?;
    let failed = workspace.ui.diagnostics(evaluated.diagnostics);
    let value = open::value_at(&evaluated.merged, &steps)?;
    let encoded = match options.format {
        GetFormat::Yaml => encode::yaml(value, redaction),
        GetFormat::String => encode::text(value, redaction),
        _ => encode::json_pretty(value, redaction),
    };
    let encoded = encoded.map_err(|error| Failure::new(format!("the {error}")))?;
    // Revealing is what was asked for, or the text is redacted.
    let bytes = encoded.text.bytes();
    workspace.ui.out(bytes)?;
    if !bytes.ends_with(b"\n") {
        workspace.ui.out(b"\n")?;
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}

fn get_variables(
    workspace: &Workspace<'_>,
    mode: Mode,
    format: Format,
    redaction: Redaction,
) -> Result<(), Failure> {
    let projection = variables::project(workspace, mode, &ExportOptions::default())?;
    let mut failed = workspace.ui.diagnostics(projection.diagnostics);
    variables::tell_of_files(workspace, &projection.files);
    match format::write(&projection.variables, format, redaction) {
        Ok(encoded) => workspace.ui.out(encoded.text.bytes())?,
        Err(diagnostics) => failed |= workspace.ui.diagnostics(diagnostics),
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}
