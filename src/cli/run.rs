//! `escrun run`: composes, decrypts, and says what to become.

use std::ffi::{OsStr, OsString};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;

use super::args::RunOptions;
use super::changes;
use super::choice::{Choice, Circumstances, choose};
use super::columns::columns;
use super::compose::{Composition, compose};
use super::error::Failure;
use super::log;
use super::privileges::Rights;
use super::supervision;
use super::workspace::Workspace;
use super::{Launch, Outcome};
use crate::export::{Entry, Variables};
use crate::quote::quoted;
#[cfg(target_os = "linux")]
use crate::reaction::Rules;
use crate::run::Program;
#[cfg(target_os = "linux")]
use crate::run::{Delivery, delivery, supervise::Watch};
use crate::secret::REDACTED;
#[cfg(target_os = "linux")]
use crate::secret::Secret;
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
    let policy = supervision::policy(&options.supervision)?;
    let lifecycle = changes::lifecycle(&options.changes)?;
    let rules = changes::rules(&options.changes, &workspace.project.reload)?;
    // Before anything is decrypted: a command that is not there needs no secrets.
    let rights = Rights::read(&options.privileges)?;
    let folder = options.privileges.chdir.as_deref();
    let program = match command.first() {
        Some(name) => Some(Program::find(name, path(workspace), folder)?),
        None => None,
    };
    let composition = compose(workspace, options, &rights)?;
    let Composition {
        variables,
        environment,
    } = &composition;
    let Some(program) = program.filter(|_| !options.dry_run) else {
        let text = listing(variables, environment);
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
    Ok(Outcome::Launch(Box::new(Launch {
        program,
        arguments: command[1..].to_vec(),
        delivery: composition.delivery(),
        choice,
        policy,
        lifecycle,
        #[cfg(target_os = "linux")]
        watch: options.changes.watch.then(|| watch(workspace, rules)),
        log: log::settings(options.supervision.log_format, workspace),
        own_arguments,
        privileges: rights.privileges,
        ui: *workspace.ui,
    })))
}

/// What it takes to compose anew when something changes.
#[cfg(target_os = "linux")]
fn watch(workspace: &Workspace<'_>, rules: Rules) -> Watch {
    let surroundings = workspace.ambient.variables.iter();
    let surroundings = surroundings.map(|(name, value)| delivery::Variable {
        name: name.clone(),
        value: Secret::from_parts(&[value.as_bytes()]),
    });
    let remembered = workspace.recollection.as_ref();
    Watch {
        surroundings: Delivery {
            variables: surroundings.collect(),
            ..Delivery::default()
        },
        recollection: match remembered {
            Some(recollection) => recollection.encode(),
            None => Secret::from_parts(&[]),
        },
        inputs: workspace.inputs(),
        since: workspace.since,
        rules,
    }
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
