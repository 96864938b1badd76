//! What can be typed. Says nothing of what it means.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{
    ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};

use super::agent::AgentVerb;
#[cfg(target_os = "linux")]
use super::audit::AuditVerb;
#[cfg(target_os = "linux")]
use super::daemon_options::DaemonOptions;
use super::placement::misplaced;
use super::run_options::{ChangeOptions, DeliveryOptions, PrivilegeOptions, SupervisionOptions};
use super::source_options::{
    CompositionOptions, FolderOptions, IdentityOptions, SocketOptions, SourceOptions,
};
use super::verb_options::{CheckOptions, ExportVerb, GetOptions, SetOptions};

/// What is below the options of a run.
const RUN_NOTES: &str = "Examples:\n  \
    escrun --env auth-service,production -- node app.js\n  \
    escrun --env auth-service --watch --mask -- node app.js\n\n\
    Exit status: that of COMMAND; 125 if escrun itself fails before COMMAND is up, 126 if COMMAND cannot be executed, \
    127 if it is not found.";

/// Compose environment definitions, decrypt their secrets, and run a command with the result.
///
/// The definitions that are named are merged in order, later ones over earlier ones; their secrets are decrypted in
/// locked memory; and COMMAND takes the place of escrun, with the resulting variables in its environment.
#[derive(Debug, Parser)]
#[command(
    name = "escrun",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    override_usage = "escrun [run] [--env A,B…] [OPTIONS] -- COMMAND [ARG]…\n       escrun VERB [OPTIONS] [ARG]…",
    after_help = RUN_NOTES
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) run: RunOptions,
    #[command(flatten)]
    pub(super) sources: SourceOptions,
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// The command to run, and its arguments.
    #[arg(last = true, value_name = "COMMAND", hide = true)]
    pub(super) command: Vec<OsString>,
    /// Print the version.
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Shared options")]
    version: Option<bool>,
}

/// What is typed to run a command without naming the verb.
///
/// Most calls are of this kind, and the full grammar is large: describing every verb, each with a copy of its options, a
/// tenth of the instructions of a whole run and 200 KiB of fresh memory. So this one is tried first. It has no verbs, so
/// whatever it accepts means the same in the full grammar, which is left to tell all faults.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct PlainRun {
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    sources: SourceOptions,
    #[command(flatten)]
    run: RunOptions,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Arguments {
    /// Understands what was typed (the first argument is the name of the program).
    ///
    /// # Errors
    /// When it cannot be understood, and for a help text, which is an error to clap.
    pub(super) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        // Without a command there is nothing that the small grammar could accept.
        if arguments.iter().any(|word| word == "--")
            && let Ok(PlainRun {
                shared,
                sources,
                run,
                command,
            }) = PlainRun::try_parse_from(arguments)
        {
            return Ok(Self {
                shared,
                sources,
                run,
                verb: None,
                command,
                version: None,
            });
        }
        let mut command = Self::command();
        let mut matches = command.try_get_matches_from_mut(arguments)?;
        match misplaced(&command, &matches) {
            Some(error) => Err(error.with_cmd(&command)),
            None => {
                Self::from_arg_matches_mut(&mut matches).map_err(|error| error.with_cmd(&command))
            }
        }
    }
}

/// Options of every verb: what is printed, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "Shared options")]
pub(super) struct Shared {
    /// How messages are printed: for people, or as one JSON object per line.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub(super) message_format: MessageFormat,
    /// When to use colours; auto is on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(super) color: Color,
    /// Say what is done and why.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Print errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print help.
    // Always the compact form: one that differs from it by line breaks would only hide what is looked for.
    #[arg(short, long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

/// How faults are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum MessageFormat {
    /// For people.
    #[default]
    Plain,
    /// One JSON object per line, with the keys severity, message, environment, line, column, path, file and hint.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What shapes the variables.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Variables")]
pub(super) struct ExportOptions {
    /// Export every value, or only what environmentVariables declares [default: what each definition does].
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(super) export: Option<Export>,
    /// Export only the variables whose names match.
    #[arg(long, value_name = "GLOB")]
    pub(super) only: Vec<String>,
    /// Do not export the variables whose names match.
    #[arg(long, value_name = "GLOB")]
    pub(super) except: Vec<String>,
    /// Put TEXT in front of every name.
    #[arg(long, value_name = "TEXT")]
    pub(super) prefix: Option<String>,
    /// Set a value over all definitions, as text.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// Leave a variable out, inherited or not.
    #[arg(long, value_name = "NAME")]
    pub(super) unset: Vec<String>,
}

/// Which values become variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Export {
    /// Every value, under a name made of its path.
    All,
    /// Only what definitions declare under environmentVariables.
    Declared,
}

/// Options of `run`.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Running")]
pub(super) struct RunOptions {
    /// Run nothing; print the variables that COMMAND would get, and where each comes from, secrets hidden.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Inherit nothing but what every program needs: PATH, HOME, USER, TERM, LANG and the like.
    #[arg(long)]
    pub(super) clean: bool,
    /// With --clean, inherit the variables whose names match too.
    #[arg(long, value_name = "GLOB")]
    pub(super) keep: Vec<String>,
    /// What to do when a composed variable is inherited too [default: override].
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(super) on_conflict: Option<OnConflict>,
    #[command(flatten)]
    pub(super) export: ExportOptions,
    #[command(flatten)]
    pub(super) supervision: SupervisionOptions,
    #[command(flatten)]
    pub(super) delivery: DeliveryOptions,
    #[command(flatten)]
    pub(super) changes: ChangeOptions,
    #[command(flatten)]
    pub(super) privileges: PrivilegeOptions,
}

/// What to do about a variable that is both inherited and composed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnConflict {
    /// The composed value wins.
    #[default]
    Override,
    /// The inherited value stays.
    Keep,
    /// Nothing is run.
    Error,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run a command with the composed environment (the default verb).
    #[command(
        override_usage = "escrun [run] [--env A,B…] [OPTIONS] -- COMMAND [ARG]…",
        after_help = RUN_NOTES
    )]
    Run {
        #[command(flatten)]
        options: Box<RunOptions>,
        #[command(flatten)]
        sources: Box<SourceOptions>,
        /// The command to run, and its arguments.
        #[arg(last = true, value_name = "COMMAND", hide = true)]
        command: Vec<OsString>,
    },
    /// Print the composed values, secrets hidden.
    Get(GetOptions),
    /// Print the variables, secrets included, quoted for the program that will read them.
    Export(ExportVerb),
    /// Show which definitions set and overrode a variable or value.
    Explain {
        /// A variable's name or a value's path [default: every variable].
        #[arg(value_name = "VARIABLE|PATH")]
        subject: Option<String>,
        #[command(flatten)]
        composition: CompositionOptions,
    },
    /// List the environments.
    Ls {
        /// Print the file of each, and whether NAME.local.yaml goes over it.
        #[arg(short, long)]
        long: bool,
        #[command(flatten)]
        folders: FolderOptions,
    },
    /// Report what is wrong with definitions; needs no identity.
    Check(CheckOptions),
    /// Set up a project: escrun.yaml, a folder of definitions, and an identity of your own.
    Init {
        /// The project's folder.
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
    },
    /// Write a value into a definition.
    Set(SetOptions),
    /// Encrypt every plaintext fn::secret of definitions, in place.
    Seal {
        /// The environments.
        #[arg(value_name = "ENV", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        folders: FolderOptions,
        #[command(flatten)]
        identities: IdentityOptions,
    },
    /// Make an age identity.
    Keygen {
        /// File to write it to, which only you can read [default: standard output].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Serve environments on a socket, to whom the policy allows them.
    #[cfg(target_os = "linux")]
    Daemon(Box<DaemonOptions>),
    /// Look at what a daemon has written down.
    #[cfg(target_os = "linux")]
    Audit {
        #[command(subcommand)]
        verb: AuditVerb,
    },
    /// Say how a daemon is.
    Status(SocketOptions),
    /// Have a daemon forget its identities.
    Lock {
        /// Every daemon on this machine: its own, and those of all users.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        socket: SocketOptions,
    },
    /// Have a daemon open its identities; asks for their passphrases at the terminal.
    Unlock {
        /// File with the passphrases, a line for each question, - for standard input.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        socket: SocketOptions,
    },
    /// Have a daemon read its definitions, settings, policy and identities anew.
    Reload(SocketOptions),
    /// Let age, sops and the like decrypt by a daemon, without seeing its identities.
    #[command(subcommand)]
    Agent(AgentVerb),
    /// Let a definition, as it is now, run programs by fn::open::command.
    Trust {
        /// The environments.
        #[arg(value_name = "ENV", required = true)]
        names: Vec<String>,
        /// Take the permission back.
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        folders: FolderOptions,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// Whatever the small grammar accepts, the full one understands alike.
    #[test]
    fn a_plain_run_means_the_same_in_both_grammars() {
        let mut small = 0;
        for line in [
            "escrun -- true",
            "escrun --env a,b -e c -- node app.js --env z",
            "escrun --env=a -vv --clean --keep X* --set a.b=1 --set c=2 -- true -- x",
            "escrun --env get -- true",
            "escrun --dir run -i check --color always --message-format json -- ls",
            "escrun --on-conflict keep --export declared --only A --unset B --prefix P -q -- true",
            "escrun --context a=b --provider-dir p --allow-commands --stack s --dry-run -- true",
            "escrun run --env a -- true",
            "escrun get a -- b",
            "escrun check -- true",
            "escrun --dry-run",
            "escrun --env a --",
            "escrun --help -- true",
            "escrun --version -- true",
            "escrun -q -v -- true",
            "escrun --unknown -- true",
            "escrun node -- true",
        ] {
            let line = words(line);
            let full = Arguments::try_parse_from(&line);
            if let Ok(plain) = PlainRun::try_parse_from(&line) {
                small += 1;
                let full = full.as_ref().expect("the full grammar accepts it too");
                assert!(full.verb.is_none(), "{line:?}");
                assert_eq!(format!("{:?}", plain.shared), format!("{:?}", full.shared));
                assert_eq!(plain.sources, full.sources);
                assert_eq!(plain.run, full.run);
                assert_eq!(plain.command, full.command);
            }
            match (Arguments::read(&line), full) {
                (Ok(read), Ok(full)) => assert_eq!(format!("{read:?}"), format!("{full:?}")),
                (Err(read), Err(full)) => assert_eq!(read.to_string(), full.to_string()),
                _ => panic!("{line:?} is judged differently"),
            }
        }
        assert_eq!(small, 7);
    }
}
