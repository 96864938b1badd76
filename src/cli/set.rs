//! `escrun set`: writes a value into a definition.

use std::io::IsTerminal as _;
use std::sync::Arc;

use super::args::SetOptions;
use super::error::Failure;
use super::seal::{author_failure, load, save};
use super::workspace::{Workspace, read_standard_input};
use crate::author;
use crate::quote::quoted;
use crate::secret::Secret;
use crate::source::Source;
use crate::syntax::edit::NewValue;
use crate::syntax::{self, NodeKind, path};

/// Sets the value, as a secret if that is asked for.
pub(super) fn set(workspace: &Workspace<'_>, options: &SetOptions) -> Result<(), Failure> {
    let steps = path::parse(&options.path).map_err(|error| {
        Failure::usage(format!("invalid path: {}: {error}", quoted(&options.path)))
    })?;
    let (name, source) = load(workspace, &options.environment)?;
    let text = if options.secret {
        let secret = secret(options)?;
        let recipients = workspace.project.rules.recipients(&name);
        author::set_secret(&source, &steps, &secret, recipients, &workspace.keyring)
    } else {
        author::set(&source, &steps, &plain(options)?)
    };
    let text = text.map_err(|error| author_failure(workspace, error))?;
    let file = save(workspace, &name, &source, &text)?;
    workspace.ui.info(&format!(
        "set {} in {}",
        path::render(&steps),
        file.display()
    ));
    Ok(())
}

/// A secret from the terminal without echo, or from standard input. As an argument it would be in the shell's history
/// and in everybody's list of processes, but who has put it there already is not sent away.
fn secret(options: &SetOptions) -> Result<Secret, Failure> {
    if let Some(value) = &options.value {
        return Ok(Secret::from_parts(&[value.as_bytes()]));
    }
    if std::io::stdin().is_terminal() {
        return Secret::ask(&format!("Value of {}: ", options.path))
            .map_err(|error| Failure::new(format!("asking for the value: {error}")));
    }
    let input = read_standard_input()?;
    // Only the line break that an echo adds to a single line is cut off.
    let bytes = input.expose();
    match bytes.strip_suffix(b"\n") {
        Some(line) if !line.contains(&b'\n') => {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            Ok(Secret::from_parts(&[line]))
        }
        _ => Ok(input),
    }
}

/// A plain value: what the text says as YAML, as long as that is written as it was typed; else the text.
fn plain(options: &SetOptions) -> Result<NewValue, Failure> {
    let text = match &options.value {
        Some(value) => value.clone(),
        None => {
            let input = secret(options)?;
            // It goes into the definition as it is.
            String::from_utf8(input.expose().to_vec())
                .map_err(|_| Failure::new("the value is not UTF-8; a definition cannot hold it"))?
        }
    };
    let source: Arc<Source> = Source::new("value", None, text.as_str());
    let (node, diagnostics) = syntax::parse(&source);
    let Some(node) = node.filter(|_| diagnostics.is_empty()) else {
        return Ok(NewValue::string(text));
    };
    Ok(match &node.kind {
        // A number that YAML would write in another way, such as 017 or 0x1F, was hardly meant as one.
        NodeKind::Number(number) if **number != *text => NewValue::string(text),
        NodeKind::String(_) if !text.starts_with(['"', '\'']) => NewValue::string(text),
        _ => NewValue::of(&node),
    })
}
