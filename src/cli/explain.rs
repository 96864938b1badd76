//! `escrun explain`: which definitions set a variable or value, and what each overrode.

use std::collections::BTreeMap;

use super::args::ExportOptions;
use super::columns::columns;
use super::error::Failure;
use super::variables;
use super::workspace::Workspace;
use crate::encode::{self, Redaction};
use crate::eval::Mode;
use crate::export;
use crate::open;
use crate::quote::quoted;
use crate::suggest::nearest;
use crate::syntax::path::{self, Step};
use crate::value::{Data, Value};

/// Prints the chain of one variable or value, or of every variable. Needs no key.
pub(super) fn explain(workspace: &Workspace<'_>, subject: Option<&str>) -> Result<(), Failure> {
    let evaluated = workspace.evaluate(Mode::Check, None)?;
    let options = export::Options {
        symbolic: true,
        ..variables::choose(&workspace.project, &ExportOptions::default())?
    };
    let failed = workspace.ui.diagnostics(evaluated.diagnostics);
    let composed = export::Composed {
        named: evaluated.environments,
        merged: evaluated.merged,
    };
    let projection = export::project(&composed, &options);
    let variables = projection.variables.iter();
    let variables = variables.map(|variable| (&*variable.name, &*variable.path));
    let files = projection.files.iter();
    let files = files.map(|file| (&*file.variable, &*file.path));
    let named: BTreeMap<&str, &str> = variables.chain(files).collect();
    let values = &composed.merged;
    let text = match subject {
        None => {
            let texts: Vec<_> = named
                .iter()
                .map(|(name, path)| of_variable(name, path, values))
                .collect();
            texts.join("\n")
        }
        Some(name) => match named.get(name) {
            Some(path) => of_variable(name, path, values),
            None => {
                let steps = path::parse(name).map_err(|error| {
                    Failure::usage(format!(
                        "{} is neither a variable nor a path: {error}",
                        quoted(name)
                    ))
                })?;
                let value = open::value_at(values, &steps).map_err(|missing| {
                    let failure = Failure::from(missing);
                    match nearest(name, named.keys().copied()) {
                        Some(near) if failure.hint.is_none() => {
                            failure.with_hint(format!("did you mean the variable {near}?"))
                        }
                        _ => failure,
                    }
                })?;
                format!("{}\n{}", path::render(&steps), chain(value))
            }
        },
    };
    workspace.ui.out(text.as_bytes())?;
    if failed { Err(Failure::told()) } else { Ok(()) }
}

/// A variable, or the file whose path it holds, and where its value is from.
fn of_variable(name: &str, path: &str, values: &Value) -> String {
    let title = columns(vec![vec![name.to_owned(), path.to_owned()]]);
    let steps = path::parse(path).unwrap_or_default();
    // The document path starts at the definition, not at its values.
    let below = steps.strip_prefix(&[Step::key("values")]);
    match below.and_then(|steps| open::value_at(values, steps).ok()) {
        Some(value) => title + &chain(value),
        None => title,
    }
}

/// A line for what set the value, and one for each that was overridden, nearest first.
fn chain(value: &Value) -> String {
    let values = std::iter::once(value).chain(value.bases());
    let rows = values.enumerate().map(|(index, value)| {
        let verb = if index == 0 { "  set at" } else { "  over" };
        let mut row = vec![verb.to_owned(), value.origin.to_string()];
        row.extend(scalar(value));
        row
    });
    columns(rows.collect())
}

/// A value that fits into a line, secrets hidden.
fn scalar(value: &Value) -> Option<String> {
    match value.data {
        Data::List(_) | Data::Object(_) => None,
        Data::String(_) if !value.holds_secret() => {
            let encoded = encode::text(value, Redaction::Redact).ok()?;
            Some(quoted(&String::from_utf8_lossy(encoded.text.bytes())))
        }
        _ => {
            let encoded = encode::text(value, Redaction::Redact).ok()?;
            Some(String::from_utf8_lossy(encoded.text.bytes()).into_owned())
        }
    }
}
