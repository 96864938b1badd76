//! `escrun explain`: which definitions set a variable or value, and what each overrode.

use super::args::ExportOptions;
use super::error::Failure;
use super::get::walk;
use super::variables;
use super::workspace::Workspace;
use crate::encode::{self, Redaction};
use crate::eval::Mode;
use crate::export::Variable;
use crate::source::Origin;
use crate::syntax::path;
use crate::value::{Data, Value};

/// Prints the chain of one variable or value, or of every variable. Needs no key.
pub(super) fn explain(workspace: &Workspace<'_>, subject: Option<&str>) -> Result<(), Failure> {
    let evaluated = workspace.evaluate(Mode::Check, None)?;
    let merged = evaluated.merged.clone();
    let options = variables::choose(workspace, &ExportOptions::default())?;
    let options = crate::export::Options {
        symbolic: true,
        ..options
    };
    let failed = evaluated
        .diagnostics
        .iter()
        .any(crate::diagnostic::Diagnostic::is_error);
    let diagnostics = evaluated.diagnostics.clone();
    let composed = crate::export::Composed {
        named: evaluated.environments,
        merged: evaluated.merged,
    };
    let variables = crate::export::project(&composed, &options).variables;
    workspace.ui.diagnostics(diagnostics);
    let mut text = String::new();
    match subject {
        None => variables
            .iter()
            .for_each(|variable| text += &of_variable(variable)),
        Some(name) => match variables.find(name) {
            Some(variable) => text += &of_variable(variable),
            None => {
                let steps = path::parse(name).map_err(|error| {
                    Failure::usage(format!("neither a variable nor a path: {error}"))
                })?;
                let value = walk(&merged, &steps)?;
                text += &of_value(&path::render(&steps), value);
            }
        },
    }
    workspace.ui.out(text.as_bytes())?;
    if failed { Err(Failure::told()) } else { Ok(()) }
}

fn of_variable(variable: &Variable) -> String {
    let mut text = format!("{}  ({})\n", variable.name, variable.path);
    text += &place("set at", &variable.origin);
    variable
        .chain
        .iter()
        .for_each(|origin| text += &place("over  ", origin));
    text
}

fn of_value(path: &str, value: &Value) -> String {
    let mut text = format!("{path}\n");
    let mut verb = "set at";
    for value in std::iter::once(value).chain(value.bases()) {
        text += &place(verb, &value.origin);
        if !matches!(value.data, Data::List(_) | Data::Object(_))
            && let Ok(encoded) = encode::text(value, Redaction::Redact)
        {
            let shown = String::from_utf8_lossy(encoded.text.bytes()).into_owned();
            text.pop();
            text += &format!("  {}\n", crate::quote::quoted(&shown));
        }
        verb = "over  ";
    }
    text
}

fn place(verb: &str, origin: &Origin) -> String {
    format!("    {verb} {origin}\n")
}
