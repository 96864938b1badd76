//! `escrun get`: prints the composed values.

use super::args::ExportOptions;
use super::error::Failure;
use super::remote::Wanted;
use super::ui::Ui;
use super::variables;
use super::verb_options::{GetFormat, GetOptions};
use super::way::Way;
use crate::encode::{self, Redaction};
use crate::eval::Mode;
use crate::export::format::{self, Format};
use crate::open;
use crate::quote::quoted;
use crate::syntax::path;
use crate::value::Value;

/// Prints the value that was asked for, broken parts as `[unknown]`.
pub(super) fn get(way: &Way<'_>, options: &GetOptions) -> Result<(), Failure> {
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
        return get_variables(way, mode, format, redaction);
    }
    match way {
        Way::Direct(workspace) => {
            let evaluated = workspace.evaluate(mode, None)?;
            let failed = workspace.ui.diagnostics(evaluated.diagnostics);
            let value = open::value_at(&evaluated.merged, &steps)?;
            print(workspace.ui, value, options.format, redaction)?;
            if failed { Err(Failure::told()) } else { Ok(()) }
        }
        Way::Daemon(remote) => {
            let redacted = redaction == Redaction::Redact;
            let value = remote.values(mode, options.path.as_deref(), redacted)?;
            // The daemon has redacted what is to be.
            print(remote.ui, &value, options.format, Redaction::Reveal)
        }
    }
}

/// Prints a value in a notation.
fn print(ui: &Ui, value: &Value, format: GetFormat, redaction: Redaction) -> Result<(), Failure> {
    let encoded = match format {
        GetFormat::Yaml => encode::yaml(value, redaction),
        GetFormat::String => encode::text(value, redaction),
        _ => encode::json_pretty(value, redaction),
    };
    let encoded = encoded.map_err(|error| Failure::new(format!("the {error}")))?;
    // Revealing is what was asked for, or the text is redacted.
    let bytes = encoded.text.bytes();
    ui.out(bytes)?;
    if !bytes.ends_with(b"\n") {
        ui.out(b"\n")?;
    }
    Ok(())
}

fn get_variables(
    way: &Way<'_>,
    mode: Mode,
    format: Format,
    redaction: Redaction,
) -> Result<(), Failure> {
    let wanted = Wanted {
        details: true,
        secrets: false,
        redacted: redaction == Redaction::Redact,
    };
    let projection = way.project(mode, &ExportOptions::default(), wanted)?;
    let ui = way.ui();
    let mut failed = ui.diagnostics(projection.diagnostics);
    variables::tell_of_files(ui, &projection.files);
    match format::write(&projection.variables, format, redaction) {
        Ok(encoded) => ui.out(encoded.text.bytes())?,
        Err(diagnostics) => failed |= ui.diagnostics(diagnostics),
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}
