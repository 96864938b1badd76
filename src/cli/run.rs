//! `escrun run`: composes, decrypts, and says what to become.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::args::{OnConflict, RunOptions};
use super::choice::{Choice, Circumstances, choose};
use super::columns::columns;
use super::error::Failure;
use super::variables;
use super::workspace::Workspace;
use super::{Launch, Outcome};
use crate::diagnostic::any_error;
use crate::eval::Mode;
use crate::export::{self, Entry, Inherit, Projection, Variables};
use crate::quote::quoted;
use crate::run::{Delivery, Program, delivery};
use crate::secret::{REDACTED, Secret};
use crate::sys::children::Pid;

/// So many characters of a value tell it from others; `get` prints it whole.
const LONGEST_SHOWN: usize = 60;

/// Prepares the command, or prints what it would get: `--dry-run` needs none. Nothing is started if there is any error.
pub(super) fn run(
    workspace: &Workspace<'_>,
    options: &RunOptions,
    command: &[OsString],
    own_arguments: Vec<OsString>,
) -> Result<Outcome, Failure> {
    let circumstances = Circumstances {
        is_first: Pid::own().number() == 1,
    };
    let choice = choose(options, circumstances)?;
    // Before anything is decrypted: a command that is not there needs no secrets.
    let program = match command.first() {
        Some(name) => Some(Program::find(name, path(workspace))?),
        None => None,
    };
    let Projection {
        variables,
        diagnostics,
        notes,
    } = variables::project(workspace, Mode::Eval, &options.export)?;
    let inherit = Inherit {
        clean: options.clean,
        keep: variables::patterns("--keep", &options.keep)?,
        unset: options.export.unset.clone(),
        on_conflict: match options.on_conflict.unwrap_or_default() {
            OnConflict::Override => export::OnConflict::Override,
            OnConflict::Keep => export::OnConflict::Keep,
            OnConflict::Error => export::OnConflict::Error,
        },
    };
    let (environment, conflicts) = export::inherit(
        workspace.ambient.variables.iter().cloned(),
        &variables,
        &inherit,
    );

    let mut faults = diagnostics;
    let evaluated = !any_error(&faults);
    faults.extend(conflicts);
    if evaluated {
        let is_set = |name: &str| {
            environment
                .iter()
                .any(|entry| &*entry.name == name.as_bytes())
        };
        faults.extend(export::missing(&workspace.project.required, is_set));
    }
    let (errors, mut warnings): (Vec<_>, Vec<_>) =
        faults.into_iter().partition(|fault| fault.is_error());
    if options.dry_run {
        warnings.extend(notes.into_iter().map(variables::warning));
    } else {
        for note in &notes {
            workspace.ui.note(&note.message);
        }
    }
    let failed = !errors.is_empty();
    workspace
        .ui
        .diagnostics(errors.into_iter().chain(warnings).collect());
    if failed {
        return Err(Failure::told());
    }
    let Some(program) = program.filter(|_| !options.dry_run) else {
        let text = listing(&variables, &environment);
        workspace.ui.out(text.as_bytes())?;
        let inherited = environment
            .iter()
            .filter(|entry| {
                str::from_utf8(&entry.name).is_ok_and(|name| variables.find(name).is_none())
            })
            .count();
        workspace.ui.info(&format!(
            "{} composed; {inherited} inherited besides",
            variables.len()
        ));
        return Ok(Outcome::Exit(0));
    };
    let how = match choice {
        Choice::Replace => "exec".to_owned(),
        Choice::Supervise(reason) => format!("supervise ({reason})"),
    };
    workspace.ui.note(&format!(
        "{} variables; {how} {}",
        variables.len(),
        program.path().display()
    ));
    let variables = environment.iter().map(|entry| delivery::Variable {
        name: OsStr::from_bytes(&entry.name).to_owned(),
        value: Secret::from_parts(&[entry.value.bytes()]),
    });
    Ok(Outcome::Launch(Box::new(Launch {
        program,
        arguments: command[1..].to_vec(),
        delivery: Delivery {
            variables: variables.collect(),
            ..Delivery::default()
        },
        choice,
        own_arguments,
        ui: *workspace.ui,
    })))
}

/// The caller's own `PATH`.
fn path<'a>(workspace: &'a Workspace<'_>) -> Option<&'a OsStr> {
    let variables = &workspace.ambient.variables;
    variables
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, value)| value.as_os_str())
}

/// A text in quotes, cut off where it would push what stands behind it out of sight.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => quoted(&text[..end]) + "…",
        None => quoted(text),
    }
}

/// What `--dry-run` prints: the name of each variable, its value unless that is secret, and where it is from. Where the
/// inherited value stays, that is said instead.
fn listing(variables: &Variables, environment: &[Entry]) -> String {
    let rows = variables.iter().map(|variable| {
        let found =
            environment.binary_search_by(|entry| (*entry.name).cmp(variable.name.as_bytes()));
        let is_kept = found.is_ok_and(|at| environment[at].value.bytes() != variable.value.bytes());
        let (value, origin) = if is_kept {
            (
                "[inherited]".to_owned(),
                format!("instead of {}", variable.origin),
            )
        } else if variable.secret {
            (REDACTED.to_owned(), variable.origin.to_string())
        } else {
            let text = String::from_utf8_lossy(variable.value.bytes());
            (shortened(&text), variable.origin.to_string())
        };
        vec![
            variable.name.to_string(),
            value,
            origin,
            variable.path.clone(),
        ]
    });
    columns(rows.collect())
}
