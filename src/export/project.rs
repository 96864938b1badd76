//! From composed values to variables and files: what is exported, under which name, and whether a process can hold it.

use std::collections::BTreeMap;
use std::sync::Arc;

use glob::Pattern;

use super::collect::{Collector, Leaf};
use super::name::{flatten, is_portable};
use super::{File, Kind, SecretText, Variable, Variables, is_reserved, secrets};
use crate::diagnostic::Diagnostic;
use crate::encode::{self, Redaction};
use crate::source::Origin;
use crate::value::{Data, Text, Value};

/// The longest `NAME=VALUE`, its NUL included, that a process can be given: `MAX_ARG_STRLEN` of execve(2), in bytes.
const LONGEST: usize = 128 * 1024;

/// The longest name of a file, in bytes (`NAME_MAX` of readdir(3)).
const LONGEST_FILE_NAME: usize = 255;

/// What there is to export.
pub struct Composed {
    /// The environments that were named, in order, each with its own complete value (its imports included). They decide
    /// *what* is exported.
    pub named: Vec<(Arc<str>, Value)>,
    /// All of them merged. It gives the values.
    pub merged: Value,
}

/// What an environment exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Export {
    /// What it declares under `environmentVariables`, or every leaf if it has no such object.
    #[default]
    PerEnvironment,
    /// Every leaf, and what it declares.
    All,
    /// What it declares, and nothing else.
    Declared,
}

/// How variables are chosen and named. Globs and names are compared with the name that the process would see.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the environments export.
    pub export: Export,
    /// If there are any, only names that match one are exported.
    pub only: Vec<Pattern>,
    /// Names that match one are not exported.
    pub except: Vec<Pattern>,
    /// Names that are not exported.
    pub unset: Vec<String>,
    /// Stands in front of every name.
    pub prefix: String,
    /// Whether the values are those of a check, in which unknowns are no faults and secrets are not needed.
    pub symbolic: bool,
    /// Whether [`Projection::secrets`] are wanted.
    pub lists_secrets: bool,
}

impl Options {
    fn selects(&self, name: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.only.is_empty() || matches(&self.only))
            && !matches(&self.except)
            && !self.unset.iter().any(|unset| unset == name)
    }
}

/// Something that is as it should be, but may not be what was meant.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it is: one line, lower case, no full stop.
    pub message: String,
    /// The document path, empty where there is none.
    pub path: String,
    /// Where, if it is about one place.
    pub origin: Option<Origin>,
}

/// What came of it. If there is an error among the diagnostics, no process is started with the variables.
#[derive(Clone, Default)]
pub struct Projection {
    /// The variables without fault.
    pub variables: Variables,
    /// The files without fault, by variable. No variable has the name of a file.
    pub files: Vec<File>,
    /// The faults.
    pub diagnostics: Vec<Diagnostic>,
    /// What else is worth knowing.
    pub notes: Vec<Note>,
    /// Every secret of the composed value, if that was asked for.
    pub secrets: Vec<SecretText>,
}

/// Projects composed values to variables and files.
pub fn project(composed: &Composed, options: &Options) -> Projection {
    let mut collector = Collector::new(&composed.merged);
    for (name, own) in &composed.named {
        collector.environment(name, own, options.export);
    }
    let collected = collector.finish();
    let mut projection = Projection {
        variables: Variables::default(),
        files: Vec::new(),
        diagnostics: collected.diagnostics,
        notes: collected.notes,
        secrets: match options.lists_secrets {
            true => secrets(&composed.merged),
            false => Vec::new(),
        },
    };
    if !options.prefix.is_empty() && !is_portable(&options.prefix) {
        let message = format!("prefix {:?} cannot begin a variable's name", options.prefix);
        let fault = Diagnostic::error_nowhere(message)
            .with_hint("use letters, digits and `_`, and no digit first");
        projection.diagnostics.push(fault);
        return projection;
    }
    let mut named: BTreeMap<String, Vec<Leaf<'_>>> = BTreeMap::new();
    for leaf in collected.leaves {
        match name_of(&leaf, &options.prefix) {
            Ok(name) if options.selects(&name) => named.entry(name).or_default().push(leaf),
            Ok(_) => {}
            Err(fault) => projection.diagnostics.push(fault),
        }
    }
    let mut variables = Vec::new();
    for (name, leaves) in named {
        let given = choose(&name, leaves).and_then(|leaf| match leaf.kind {
            Kind::File => file(&name, &leaf, options.symbolic).map(Given::File),
            _ => variable(&name, &leaf, options.symbolic).map(Given::Variable),
        });
        match given {
            Ok(Given::Variable(variable)) => variables.push(variable),
            Ok(Given::File(file)) => projection.files.push(file),
            Err(fault) => projection.diagnostics.push(fault),
        }
    }
    projection.variables = Variables::new(variables);
    projection
}

/// What a name gives.
enum Given {
    Variable(Variable),
    File(File),
}

/// The faults that `required` names are not set.
pub fn missing(required: &[String], is_set: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let names = required.iter().filter(|name| !is_set(name));
    let fault = |name: &String| {
        Diagnostic::error_nowhere(format!("required variable {name} is not set"))
            .with_hint("define it in one of the environments, or name another environment")
    };
    names.map(fault).collect()
}

/// The name under which a process would see a leaf.
fn name_of(leaf: &Leaf<'_>, prefix: &str) -> Result<String, Diagnostic> {
    if let Kind::Flattened = leaf.kind {
        return match flatten(&leaf.keys) {
            Some(name) => Ok(format!("{prefix}{name}")),
            None => Err(leaf
                .error(format!("{} gives no name for a variable", leaf.path))
                .with_hint("rename the key, or declare the variable under `environmentVariables`")),
        };
    }
    let key = leaf.keys.last().copied().unwrap_or_default();
    if key.is_empty() {
        return Err(leaf.error("the name of a variable is empty"));
    }
    if key.contains('=') || key.contains('\0') {
        let name = key.escape_debug();
        return Err(leaf.error(format!(
            "the name of the variable \"{name}\" contains `=` or NUL"
        )));
    }
    let name = format!("{prefix}{key}");
    if leaf.outside && !is_portable(&name) {
        let name = key.escape_debug();
        return Err(leaf
            .error(format!(
                "an answer from outside chose the name \"{name}\" for a variable"
            ))
            .with_hint("declare the variable by a name of letters, digits and `_`"));
    }
    Ok(name)
}

/// Decides which of the leaves that have one name gives the variable. There is at least one.
fn choose<'v>(name: &str, mut leaves: Vec<Leaf<'v>>) -> Result<Leaf<'v>, Diagnostic> {
    let find = |kind| leaves.iter().position(|leaf: &Leaf<'_>| leaf.kind == kind);
    let (declared, file) = (find(Kind::Declared), find(Kind::File));
    if let (Some(variable), Some(file)) = (declared, file) {
        let message = format!(
            "{name} is both a variable ({}) and a file",
            leaves[variable].value.origin
        );
        return Err(leaves[file]
            .error(message)
            .with_hint("give one of them another name"));
    }
    if let Some(declared) = declared.or(file) {
        let leaf = leaves.swap_remove(declared);
        if leaf.outside && is_reserved(name) {
            return Err(leaf
                .error(format!("an answer from outside would set {name}"))
                .with_hint(format!(
                    "name it in the definition: `{}: {{ {name}: … }}`",
                    leaf.keys.first().copied().unwrap_or_default()
                )));
        }
        return Ok(leaf);
    }
    let first = leaves.swap_remove(0);
    if is_reserved(name) {
        let message = format!(
            "{} would set {name}, which changes how programs work",
            first.path
        );
        let hint = format!(
            "rename the key, leave it out with `--except {name}`, or declare {name} under `environmentVariables`"
        );
        return Err(first.error(message).with_hint(hint));
    }
    if let Some(second) = leaves.pop() {
        let place = |leaf: &Leaf<'_>| format!("{} ({})", leaf.path, leaf.value.origin);
        let message = format!(
            "two values give the variable {name}: {} and {}",
            place(&first),
            place(&second)
        );
        return Err(second.error(message).with_hint(
            "rename one of the keys, or declare the variable under `environmentVariables`",
        ));
    }
    Ok(first)
}

/// The text that a leaf gives `what`, a variable or a file by its name.
fn text(what: &str, leaf: &Leaf<'_>, symbolic: bool) -> Result<Text, Diagnostic> {
    let redaction = if symbolic {
        Redaction::Redact
    } else {
        Redaction::Reveal
    };
    let value = Value {
        secret: leaf.secret,
        ..leaf.value.clone()
    };
    let encoded = match (&value.data, leaf.kind) {
        (Data::List(_), Kind::Flattened) => encode::json(&value, redaction),
        (Data::List(_) | Data::Object(_), _) => {
            let message = format!("the {what} is an {}", value.type_name());
            return Err(leaf
                .error(message)
                .with_hint("give it a text, such as that of `fn::toJSON`"));
        }
        _ => encode::text(&value, redaction),
    };
    let encoded =
        encoded.map_err(|error| leaf.error(format!("the {what} has no value: {error}")))?;
    if encoded.unknown && !symbolic {
        return Err(leaf.error(format!("the value of the {what} is not known")));
    }
    Ok(encoded.text)
}

/// A file of `files`. Its content may be any bytes, and as long as memory allows.
fn file(name: &str, leaf: &Leaf<'_>, symbolic: bool) -> Result<File, Diagnostic> {
    if name.contains('/') || name == "." || name == ".." || name.len() > LONGEST_FILE_NAME {
        let message = format!("no file can be named \"{}\"", name.escape_debug());
        return Err(leaf
            .error(message)
            .with_hint("use at most 255 letters, digits and `_`"));
    }
    Ok(File {
        variable: Arc::from(name),
        content: text(&format!("file {name}"), leaf, symbolic)?,
        secret: leaf.value.holds_secret() || leaf.secret,
        origin: leaf.value.origin.clone(),
        path: leaf.path.clone(),
    })
}

fn variable(name: &str, leaf: &Leaf<'_>, symbolic: bool) -> Result<Variable, Diagnostic> {
    let value = text(&format!("variable {name}"), leaf, symbolic)?;
    // Looked at, not shown: no process can hold a NUL, and none more than so many bytes.
    let bytes = value.bytes();
    if bytes.contains(&0) {
        return Err(leaf
            .error(format!("the value of the variable {name} contains NUL"))
            .with_hint("declare it under `files`, or encode it with `fn::toBase64`"));
    }
    if name.len() + 1 + bytes.len() + 1 > LONGEST {
        return Err(leaf
            .error(format!(
                "the variable {name} is longer than the 128 KiB that a process can be given"
            ))
            .with_hint("declare it under `files`, or leave it out with `--except`"));
    }
    Ok(Variable {
        name: Arc::from(name),
        value,
        secret: leaf.value.holds_secret() || leaf.secret,
        origin: leaf.value.origin.clone(),
        path: leaf.path.clone(),
        kind: leaf.kind,
    })
}

#[cfg(test)]
mod tests;
