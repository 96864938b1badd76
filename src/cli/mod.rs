//! The command line: what was typed, what surrounds it, and what it comes to. The only place that reads the
//! surroundings and that prints.

mod agent;
mod ambient;
mod args;
#[cfg(target_os = "linux")]
mod audit;
mod changes;
mod check;
mod choice;
mod columns;
mod compose;
#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod daemon_options;
mod error;
mod explain;
mod export;
mod get;
mod handover;
mod identities;
mod init;
mod invocation;
mod keygen;
mod launch;
mod lock;
mod log;
mod ls;
mod masked;
mod overrides;
mod placement;
#[cfg(target_os = "linux")]
mod policy;
#[cfg(target_os = "linux")]
mod policy_options;
#[cfg(target_os = "linux")]
mod policy_report;
mod privileges;
mod prompt;
mod recollection;
mod relative;
mod reload;
mod remote;
mod render;
mod resolve;
mod run;
mod run_options;
mod seal;
mod set;
mod source_options;
mod standard_input;
mod status;
mod supervision;
mod trust;
mod ui;
mod unlock;
mod usage;
mod variables;
mod verb_options;
mod via;
mod way;
mod workspace;

use std::ffi::OsString;
use std::sync::Arc;

use agent::AgentVerb;
use ambient::Ambient;
use args::{Arguments, MessageFormat, RunOptions, Verb};
use error::{Failure, RUN_FAILED, USAGE};
use invocation::Invocation;
pub use launch::Launch;
#[cfg(target_os = "linux")]
use policy_options::DaemonVerb;
use prompt::Terminal;
use recollection::Recollection;
use ui::Ui;
use way::Way;
use workspace::Workspace;

use crate::client::Client;

/// What a call of escrun comes to.
pub enum Outcome {
    /// The process ends with this status.
    Exit(u8),
    /// The process becomes a command, or its supervisor.
    Launch(Box<Launch>),
}

/// Does what the arguments say (the first is the name of the program).
pub fn main(arguments: Vec<OsString>) -> Outcome {
    if let Some(typed) = resolve::typed(&arguments) {
        return Outcome::Exit(resolve::resolve(&typed));
    }
    if agent::is_plugin(&arguments) {
        return Outcome::Exit(agent::serve(&arguments));
    }
    let parsed = match Arguments::read(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Exit(usage::tell(&error, &arguments)),
    };
    let ambient = match Ambient::read() {
        Ok(ambient) => ambient,
        Err(failure) => {
            Ui::before_options(MessageFormat::Plain).failure(&failure);
            return Outcome::Exit(RUN_FAILED);
        }
    };
    let ui = Ui::new(&parsed.shared, ambient.variable("NO_COLOR").is_some());
    let is_run = matches!(parsed.verb, None | Some(Verb::Run { .. }));
    dispatch(parsed, arguments, &ambient, &ui).unwrap_or_else(|failure| {
        ui.failure(&failure);
        let own = matches!(failure.status, error::FAILED | USAGE);
        Outcome::Exit(if is_run && own {
            RUN_FAILED
        } else {
            failure.status
        })
    })
}

fn dispatch(
    mut parsed: Arguments,
    arguments: Vec<OsString>,
    ambient: &Ambient,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    let sources = parsed.take_sources();
    let Arguments {
        run: options,
        verb,
        command,
        ..
    } = parsed;
    if verb.is_some() && (options != RunOptions::default() || !command.is_empty()) {
        return Err(Failure::usage(
            "options and commands of run do not go in front of another verb",
        )
        .with_hint("write them behind the verb"));
    }
    let invocation = || Invocation::new(&sources, ambient, ui);
    let workspace = || Workspace::open(invocation(), None);
    let way = || Way::choose(invocation());
    let client = || Client::new(via::socket(&sources, ambient));
    // What names no verb is to be run.
    match verb.unwrap_or(Verb::Run {
        options: Box::new(options),
        sources: Box::default(),
        command,
    }) {
        Verb::Run {
            options, command, ..
        } if command.is_empty() && !options.dry_run => Err(no_command()),
        Verb::Run {
            options, command, ..
        } => {
            // Only who composes anew needs to remember.
            let recollection = || Arc::new(Recollection::new(Terminal));
            let recollection = options.changes.watch.then(recollection);
            let way = Way::choose(invocation().remembering(recollection))?;
            run::run(&way, &options, &command, arguments)
        }
        Verb::Get(options) => done(get::get(&way()?, &options)),
        Verb::Export(verb) => done(export::export(&way()?, &verb)),
        Verb::Check(mut options) => {
            if options.names.is_empty() {
                options.names.clone_from(&sources.environments);
            }
            done(match way()? {
                Way::Direct(workspace) => check::check(&workspace, &options),
                Way::Daemon(remote) => check::check_remote(&remote, &options),
            })
        }
        Verb::Ls { long, .. } => done(ls::ls(&workspace()?, long)),
        Verb::Explain { subject, .. } => done(explain::explain(&workspace()?, subject.as_deref())),
        Verb::Status(_) => done(status::status(ui, &client())),
        Verb::Lock { all: true, .. } if sources.socket.is_some() => Err(Failure::usage(
            "--socket is of one daemon, and --all means every one",
        )
        .with_hint("leave out one of them")),
        Verb::Lock { all, .. } => done(lock::lock(ui, &client(), all)),
        Verb::Unlock {
            passphrase_file, ..
        } => done(unlock::unlock(ui, &client(), passphrase_file.as_deref())),
        Verb::Agent(AgentVerb::Identity(_)) => done(agent::identity(ui, &sources, ambient)),
        Verb::Reload(_) => done(reload::reload(ui, &client())),
        Verb::Init { folder } => done(init::init(ui, ambient, &folder)),
        Verb::Keygen { output } => done(keygen::keygen(ui, output.as_deref())),
        Verb::Set(options) => done(set::set(&workspace()?, &options)),
        Verb::Seal { names, .. } => done(seal::seal(&workspace()?, &names)),
        #[cfg(target_os = "linux")]
        Verb::Daemon(mut options) => match options.verb.take() {
            None => done(daemon::serve(&sources, ambient, ui, &options)),
            Some(DaemonVerb::Policy(verb)) => {
                done(policy::policy(&sources, ambient, ui, *options, &verb))
            }
        },
        #[cfg(target_os = "linux")]
        Verb::Audit { verb } => done(audit::audit(ambient, ui, &verb)),
        Verb::Trust { names, revoke, .. } => done(trust::trust(&workspace()?, &names, revoke)),
    }
}

fn done(result: Result<(), Failure>) -> Result<Outcome, Failure> {
    result.map(|()| Outcome::Exit(0))
}

fn no_command() -> Failure {
    Failure::usage("no command is given").with_hint(
        "write it behind --, as in escrun --env app -- node app.js; escrun --help shows more",
    )
}
