//! `escrun set`: writes a value into a definition.

use std::io::IsTerminal as _;
use std::sync::Arc;

use super::error::Failure;
use super::seal::unchanged;
use super::standard_input;
use super::verb_options::SetOptions;
use super::workspace::{Workspace, environment_name};
use crate::author;
use crate::open;
use crate::quote::quoted;
use crate::secret::Secret;
use crate::source::Source;
use crate::store::{self, EnvironmentName};
use crate::syntax::edit::NewValue;
use crate::syntax::path::{self, Step};
use crate::syntax::{self, NodeKind};

/// Sets the value, as a secret if that is asked for.
pub(super) fn set(workspace: &Workspace<'_>, options: &SetOptions) -> Result<(), Failure> {
    let steps = steps(&options.path)?;
    let name = environment_name(&options.name)?;
    let found = find(workspace, &name, options.create)?;
    let source = match &found {
        Some(source) => Arc::clone(source),
        None => Source::new(name.as_str(), None, ""),
    };
    if let [Step::Key(key), below @ ..] = &steps[..]
        && **key == *"values"
        && !below.is_empty()
        && !author::has(&source, &steps[..1])
    {
        return Err(Failure::usage(format!(
            "there are no values in {}",
            path::render(&steps[..1])
        ))
        .with_hint(open::begin_below_values(below)));
    }
    let text = if options.secret {
        let secret = secret(options)?;
        let recipients = workspace.project.rules.recipients(&name);
        author::set_secret(&source, &steps, &secret, recipients, &workspace.keyring)
    } else {
        author::set(&source, &steps, &plain(options)?)
    };
    let text = text.map_err(|error| unchanged(&source, error))?;
    let directory = &workspace.directory;
    let (done, file) = match found {
        Some(source) => ("set", directory.replace(&name, source.text(), &text)?),
        None => ("made, with", directory.create(&name, &text)?),
    };
    workspace.ui.info(&format!(
        "{}: {done} {}",
        file.display(),
        path::render(&steps)
    ));
    Ok(())
}

/// The path of one value. The whole of `values` is not set by it, for all of them would be lost.
fn steps(text: &str) -> Result<Vec<Step>, Failure> {
    let invalid =
        |error: &str| Failure::usage(format!("invalid property path {}: {error}", quoted(text)));
    match path::parse(text) {
        Ok(steps) if steps.is_empty() => Err(invalid("it names no value")),
        Ok(steps) => Ok(steps),
        Err(error) => Err(invalid(&error)),
    }
}

/// The definition, or nothing where one is to be made.
fn find(
    workspace: &Workspace<'_>,
    name: &EnvironmentName,
    create: bool,
) -> Result<Option<Arc<Source>>, Failure> {
    match workspace.directory.load_named(name) {
        Ok(loaded) => Ok(Some(loaded.definition)),
        Err(store::Error::NotFound { .. }) if create => Ok(None),
        Err(error @ store::Error::NotFound { .. }) => {
            let failure = Failure::from(error);
            let hint = failure.hint.unwrap_or_default();
            let stop = if hint.ends_with('?') { "" } else { ";" };
            Err(Failure {
                hint: Some(format!(
                    "{hint}{stop} to make a new definition, add --create"
                )),
                ..failure
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// A secret from the terminal without echo, or from standard input. As an argument it would be in the shell's history
/// and in everybody's list of processes, but who has put it there already is not sent away.
fn secret(options: &SetOptions) -> Result<Secret, Failure> {
    if let Some(value) = &options.value {
        return Ok(Secret::from_parts(&[value.as_bytes()]));
    }
    if std::io::stdin().is_terminal() {
        let typed = Secret::ask(&format!("Value of {}: ", options.path))
            .map_err(|error| Failure::io("asking for the value", &error))?;
        // The key is hit by mistake more often than an empty value is meant, and what was there would be lost.
        if typed.expose().is_empty() {
            return Err(Failure::new("nothing was typed, and nothing is changed")
                .with_hint("for an empty value, write '' behind the path"));
        }
        return Ok(typed);
    }
    let input = standard_input::read()?;
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

/// A plain value: the scalar, `[list]` or `{mapping}` that the text is as YAML, as long as that is written as it was
/// typed; else the text.
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
        // Text with a colon or a dash in it, which is no collection to whoever typed it.
        NodeKind::Map { flow: false, .. } | NodeKind::List { flow: false, .. } => {
            NewValue::string(text)
        }
        NodeKind::String(_) if !text.starts_with(['"', '\'']) => NewValue::string(text),
        _ => NewValue::of(&node),
    })
}
