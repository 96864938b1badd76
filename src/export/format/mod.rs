//! Notations of variables for other programs. Each is quoted so that its own reader gets back exactly the bytes, or is
//! refused with the name of the variable that it cannot hold.

mod docker;
mod dotenv;
mod fish;
mod github;
mod json;
mod nul;
mod shell;
mod systemd;
mod yaml;

use super::{Variable, Variables};
use crate::diagnostic::Diagnostic;
use crate::encode::{self, Encoded, Part, Redaction, Sink};
use crate::secret::REDACTED;

/// A notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Assignments for `node --env-file` and its like.
    Dotenv,
    /// Commands for POSIX shells.
    Shell,
    /// Commands for fish.
    Fish,
    /// A JSON object of strings.
    Json,
    /// A YAML mapping of strings.
    Yaml,
    /// Lines for `docker run --env-file`.
    Docker,
    /// Entries for the file that `GITHUB_ENV` names.
    Github,
    /// Assignments for `EnvironmentFile=` of systemd.
    Systemd,
    /// Entries closed by NUL, as `env -0` prints and a process has them.
    Nul,
}

impl Format {
    /// All notations.
    pub const ALL: [Format; 9] = [
        Format::Dotenv,
        Format::Shell,
        Format::Fish,
        Format::Json,
        Format::Yaml,
        Format::Docker,
        Format::Github,
        Format::Systemd,
        Format::Nul,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Dotenv => "dotenv",
            Format::Shell => "shell",
            Format::Fish => "fish",
            Format::Json => "json",
            Format::Yaml => "yaml",
            Format::Docker => "docker",
            Format::Github => "github",
            Format::Systemd => "systemd",
            Format::Nul => "nul",
        }
    }

    fn rules(self) -> Rules {
        match self {
            Format::Dotenv => (dotenv::check, Writer::Each(dotenv::write)),
            Format::Shell => (shell::check, Writer::Each(shell::write)),
            Format::Fish => (fish::check, Writer::Each(fish::write)),
            Format::Json => (json::check, Writer::Whole(json::write)),
            Format::Yaml => (yaml::check, Writer::Whole(yaml::write)),
            Format::Docker => (docker::check, Writer::Each(docker::write)),
            Format::Github => (github::check, Writer::Each(github::write)),
            Format::Systemd => (systemd::check, Writer::Each(systemd::write)),
            Format::Nul => (nul::check, Writer::Each(nul::write)),
        }
    }
}

/// What a notation cannot hold, and how it writes what it can.
type Rules = (fn(&str, &[u8]) -> Result<(), Unfit>, Writer);

/// Why a notation cannot hold a variable: ends the sentence "the variable NAME cannot be written as FORMAT: …".
type Unfit = &'static str;

/// How a notation is written.
enum Writer {
    /// One variable after the other.
    Each(fn(&str, &[u8], &mut dyn Sink) -> Result<(), encode::Error>),
    /// All at once.
    Whole(fn(&Variables, Redaction) -> Result<Encoded, encode::Error>),
}

/// Why a value that is not UTF-8 does not fit.
const NOT_UTF_8: Unfit = "its value is not UTF-8";

/// Why a name does not fit.
const BAD_NAME: Unfit = "the name must be letters, digits and `_`, with no digit first";

/// Writes `variables`, sorted by name, with a line feed at the end where the notation has lines. Redacted secrets are the text [`REDACTED`].
///
/// # Errors
/// A diagnostic for each variable that the notation cannot hold.
pub fn write(
    variables: &Variables,
    format: Format,
    redaction: Redaction,
) -> Result<Encoded, Vec<Diagnostic>> {
    let (check, writer) = format.rules();
    let misfit = |variable: &Variable| {
        let reason = check(&variable.name, shown(variable, redaction)).err()?;
        let name = variable.name.escape_debug();
        let message = format!(
            "the variable {name} cannot be written as {}: {reason}",
            format.name()
        );
        let origin = &variable.origin;
        let path = variable.path.clone();
        Some(Diagnostic::error(
            &origin.source,
            origin.span,
            path,
            message,
        ))
    };
    let misfits: Vec<Diagnostic> = variables.iter().filter_map(misfit).collect();
    if !misfits.is_empty() {
        return Err(misfits);
    }
    let written = match writer {
        Writer::Each(write) => encode::build(|sink| {
            for variable in variables {
                if variable.secret && redaction == Redaction::Reveal {
                    sink.note(Part::Secret);
                }
                write(&variable.name, shown(variable, redaction), sink)?;
            }
            Ok(())
        }),
        Writer::Whole(write) => write(variables, redaction),
    };
    written.map_err(|error| vec![Diagnostic::error_nowhere(error.to_string())])
}

/// The bytes that are written for a variable: the caller asked for secrets to be revealed, or gets none.
fn shown(variable: &Variable, redaction: Redaction) -> &[u8] {
    if variable.secret && redaction == Redaction::Redact {
        REDACTED.as_bytes()
    } else {
        variable.value.bytes()
    }
}

/// Writes `value` in single quotes, with `escape` for each character that `special` knows.
fn single_quoted(
    value: &[u8],
    special: impl Fn(u8) -> Option<&'static str>,
    sink: &mut dyn Sink,
) -> Result<(), encode::Error> {
    sink.write(b"'")?;
    escaped(value, special, sink)?;
    sink.write(b"'")
}

/// Writes `value`, with what `special` gives in place of each byte that it knows (ASCII ones only).
fn escaped(
    value: &[u8],
    special: impl Fn(u8) -> Option<&'static str>,
    sink: &mut dyn Sink,
) -> Result<(), encode::Error> {
    let mut run = 0;
    for (at, &byte) in value.iter().enumerate() {
        if let Some(escape) = special(byte) {
            sink.write(&value[run..at])?;
            sink.write(escape.as_bytes())?;
            run = at + 1;
        }
    }
    sink.write(&value[run..])
}

#[cfg(test)]
mod tests;
