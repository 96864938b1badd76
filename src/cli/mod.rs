//! The command line: what was typed, what surrounds it, and what it comes to. The only place that reads the
//! surroundings and that prints.

mod ambient;
mod args;
mod check;
mod error;
mod explain;
mod export;
mod get;
mod identities;
mod init;
mod keygen;
mod ls;
mod overrides;
mod render;
mod run;
mod seal;
mod set;
mod trust;
mod ui;
mod variables;
mod workspace;

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use ambient::Ambient;
use args::{Arguments, RunOptions, Verb};
use error::{Failure, RUN_FAILED, USAGE};
use run::refused;
use ui::Ui;
use workspace::Workspace;

use crate::run::{EnvironmentBlock, Program, replace};

/// What a call of escrun comes to.
pub enum Outcome {
    /// The process ends with this status.
    Exit(u8),
    /// The process becomes a command.
    Launch(Box<Launch>),
}

/// A command that is ready to be started.
pub struct Launch {
    program: Program,
    arguments: Vec<OsString>,
    environment: EnvironmentBlock,
}

impl Launch {
    /// Becomes the command. Returns only if that failed: the exit status, after telling why.
    pub fn become_command(self) -> u8 {
        let error = replace(&self.program, &self.arguments, &self.environment);
        let failure = refused(error);
        Ui::plain().failure(&failure);
        failure.status
    }
}

/// Does what the arguments say (the first is the name of the program).
pub fn main(arguments: Vec<OsString>) -> Outcome {
    let parsed = match Arguments::read(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Exit(usage(error, &arguments)),
    };
    let ambient = match Ambient::read() {
        Ok(ambient) => ambient,
        Err(failure) => {
            Ui::plain().failure(&failure);
            return Outcome::Exit(RUN_FAILED);
        }
    };
    let ui = Ui::new(&parsed.shared, ambient.variable("NO_COLOR").is_some());
    let is_run = matches!(parsed.verb, None | Some(Verb::Run { .. }));
    dispatch(parsed, &ambient, &ui).unwrap_or_else(|failure| {
        ui.failure(&failure);
        let own = matches!(failure.status, error::FAILED | USAGE);
        Outcome::Exit(if is_run && own {
            RUN_FAILED
        } else {
            failure.status
        })
    })
}

fn dispatch(arguments: Arguments, ambient: &Ambient, ui: &Ui) -> Result<Outcome, Failure> {
    let Arguments {
        shared,
        run: options,
        verb,
        command,
    } = arguments;
    if verb.is_some() && (options != RunOptions::default() || !command.is_empty()) {
        return Err(Failure::usage(
            "options and commands of run do not go in front of another verb",
        )
        .with_hint("write them behind the verb"));
    }
    let workspace = || Workspace::open(&shared, ambient, ui);
    match verb {
        None if command.is_empty() && !options.dry_run => Err(no_command()),
        None => launch(&workspace()?, &options, &command),
        Some(Verb::Run { options, command }) => launch(&workspace()?, &options, &command),
        Some(Verb::Get(options)) => done(get::get(&workspace()?, &options)),
        Some(Verb::Export(verb)) => done(export::export(&workspace()?, &verb)),
        Some(Verb::Check(options)) => done(check::check(&workspace()?, &options)),
        Some(Verb::Ls) => done(ls::ls(&workspace()?)),
        Some(Verb::Explain { subject }) => {
            done(explain::explain(&workspace()?, subject.as_deref()))
        }
        Some(Verb::Init { folder }) => done(init::init(ui, ambient, &folder)),
        Some(Verb::Keygen { output }) => done(keygen::keygen(ui, output.as_deref())),
        Some(Verb::Set(options)) => done(set::set(&workspace()?, &options)),
        Some(Verb::Seal { environment }) => done(seal::seal(&workspace()?, &environment)),
        Some(Verb::Trust {
            environments,
            revoke,
        }) => done(trust::trust(&workspace()?, &environments, revoke)),
    }
}

fn done(result: Result<(), Failure>) -> Result<Outcome, Failure> {
    result.map(|()| Outcome::Exit(0))
}

fn launch(
    workspace: &Workspace<'_>,
    options: &RunOptions,
    command: &[OsString],
) -> Result<Outcome, Failure> {
    Ok(match run::run(workspace, options, command)? {
        run::Outcome::Launch(launch) => Outcome::Launch(Box::new(launch)),
        run::Outcome::Printed => Outcome::Exit(0),
    })
}

fn no_command() -> Failure {
    Failure::usage("no command is given").with_hint(
        "write it behind --, as in escrun --env app -- node app.js; escrun --help shows more",
    )
}

/// Tells what is wrong with the arguments, or prints the help that was asked for. Returns the exit status: a verb that
/// is none of ours was most likely meant to be run.
fn usage(error: clap::Error, arguments: &[OsString]) -> u8 {
    let status = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ if is_of_other_verb(arguments) => USAGE,
        _ => RUN_FAILED,
    };
    // Printing is all there is to do.
    let _ = error.print();
    if matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument
    ) && status == RUN_FAILED
    {
        Ui::plain()
            .say("\nTo run a command, write it behind --: escrun [OPTIONS] -- COMMAND [ARG]…");
    }
    status
}

/// Whether the arguments name a verb other than `run`.
fn is_of_other_verb(arguments: &[OsString]) -> bool {
    let words = arguments.iter().skip(1).take_while(|word| *word != "--");
    let command = Arguments::command();
    let mut verbs = words.filter_map(|word| command.find_subcommand(word));
    verbs.next().is_some_and(|verb| verb.get_name() != "run")
}
