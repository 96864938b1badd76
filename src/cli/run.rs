//! `escrun run`: composes, decrypts, and says what to become.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;

use super::ambient::Ambient;
use super::args::RunOptions;
use super::changes;
use super::choice::{Choice, Circumstances, choose};
use super::columns::columns;
use super::compose::{Composition, compose};
use super::error::Failure;
use super::handover::{Handover, given};
use super::log;
use super::privileges::Rights;
use super::supervision;
use super::way::Way;
use super::{Launch, Outcome};
use crate::export::{Entry, File, Variables};
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
    way: &Way<'_>,
    options: &RunOptions,
    command: &[OsString],
    own_arguments: Vec<OsString>,
) -> Result<Outcome, Failure> {
    if !options.keep.is_empty() && !options.clean {
        return Err(Failure::usage("--keep does nothing without --clean")
            .with_hint("add --clean, or leave out --keep"));
    }
    let rights = Rights::read(&options.privileges)?;
    let owner = rights.privileges.owner();
    let handover = Handover::read(&options.delivery, way.ambient(), owner)?;
    let mut circumstances = Circumstances {
        is_first: Pid::own().number() == 1,
        handed_over: handover.supervision(false),
    };
    choose(options, circumstances)?;
    let policy = supervision::policy(&options.supervision)?;
    let has_terminal = std::io::stdin().is_terminal();
    let lifecycle = changes::lifecycle(&options.changes, options.supervision.mask && has_terminal)?;
    let rules = changes::rules(&options.changes, &way.settings().reload)?;
    // Before anything is decrypted: a command that is not there needs no secrets.
    let folder = options.privileges.chdir.as_deref();
    let program = match command.first() {
        Some(name) => Some(Program::find(name, path(way.ambient()), folder)?),
        None => None,
    };
    let composition = compose(way, options, &rights)?;
    let Composition {
        variables,
        files,
        environment,
        ..
    } = &composition;
    circumstances.handed_over = handover.supervision(given(files, environment).next().is_some());
    let choice = choose(options, circumstances)?;
    let Some(program) = program.filter(|_| !options.dry_run) else {
        let text = listing(variables, files, environment);
        way.ui().out(text.as_bytes())?;
        let is_composed = |name: &str| {
            variables.find(name).is_some() || files.iter().any(|file| *file.variable == *name)
        };
        let inherited = environment
            .iter()
            .filter(|entry| str::from_utf8(&entry.name).is_ok_and(|name| !is_composed(name)))
            .count();
        way.ui().info(&format!(
            "{} composed; {inherited} inherited besides",
            variables.len() + files.len()
        ));
        return Ok(Outcome::Exit(0));
    };
    let how = match choice {
        Choice::Replace => "exec".to_owned(),
        Choice::Supervise(reason) => format!("supervise ({reason})"),
    };
    way.ui().note(&format!(
        "{} variables; {how} {}",
        variables.len(),
        program.path().display()
    ));
    Ok(Outcome::Launch(Box::new(Launch {
        program,
        arguments: command[1..].to_vec(),
        delivery: composition.delivery(way, options, &rights, &handover)?,
        files: handover.options,
        choice,
        masks: options.supervision.mask,
        policy,
        lifecycle,
        #[cfg(target_os = "linux")]
        watch: options.changes.watch.then(|| watch(way, rules)),
        log: log::settings(options.supervision.log_format, way.ambient(), way.ui()),
        own_arguments,
        privileges: rights.privileges,
        ui: *way.ui(),
    })))
}

/// What it takes to compose anew when something changes.
#[cfg(target_os = "linux")]
fn watch(way: &Way<'_>, rules: Rules) -> Watch {
    let surroundings = way.ambient().variables.iter();
    let surroundings = surroundings.map(|(name, value)| delivery::Variable {
        name: name.clone(),
        value: Secret::from_parts(&[value.as_bytes()]),
    });
    Watch {
        surroundings: Delivery {
            variables: surroundings.collect(),
            ..Delivery::default()
        },
        recollection: match way.recollection() {
            Some(recollection) => recollection.encode(),
            None => Secret::from_parts(&[]),
        },
        inputs: way.inputs(),
        since: way.since(),
        subscription: way.subscription(),
        rules,
    }
}

/// The caller's own `PATH`.
fn path(ambient: &Ambient) -> Option<&OsStr> {
    let variables = &ambient.variables;
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
fn listing(variables: &Variables, files: &[File], environment: &[Entry]) -> String {
    let of_variables = variables.iter().map(|variable| {
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
    let is_given: Vec<&str> = given(files, environment)
        .map(|file| &*file.variable)
        .collect();
    let of_files = files.iter().map(|file| {
        let (value, origin) = if is_given.contains(&&*file.variable) {
            ("[file]".to_owned(), file.origin.to_string())
        } else {
            (
                "[inherited]".to_owned(),
                format!("instead of {}", file.origin),
            )
        };
        vec![file.variable.to_string(), value, origin, file.path.clone()]
    });
    let mut rows: Vec<_> = of_variables.chain(of_files).collect();
    rows.sort_by(|one, other| one[0].cmp(&other[0]));
    columns(rows)
}
