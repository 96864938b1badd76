//! What can be typed about the command as a process: how it is supervised, how it gets its values, when it is started
//! again, and as whom it runs. Says nothing of what it means.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of supervision.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Supervision")]
pub(super) struct SupervisionOptions {
    /// Become COMMAND; fail if something needs escrun to stay.
    #[arg(long)]
    pub(super) exec: bool,
    /// Stay as the parent of COMMAND: forward signals, reap what it leaves, end as it ends.
    #[arg(long)]
    pub(super) supervise: bool,
    /// Whom signals are forwarded to [default: child].
    #[arg(long, value_name = "WHOM", value_enum)]
    pub(super) forward_to: Option<ForwardTo>,
    /// Signal that asks COMMAND to stop [default: TERM].
    #[arg(long, value_name = "SIGNAL")]
    pub(super) stop_signal: Option<String>,
    /// How long COMMAND may take to stop before all of it is killed [default: 10s].
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    pub(super) stop_timeout: Option<String>,
    /// Forward one signal as another; 0 forwards it not at all.
    #[arg(long, value_name = "FROM:TO")]
    pub(super) rewrite_signal: Vec<String>,
    /// Report one exit status of COMMAND as another (a signal counts as 128 and its number).
    #[arg(long, value_name = "FROM:TO")]
    pub(super) expect_status: Vec<String>,
    /// Stop when the parent of escrun dies, and kill COMMAND if escrun does.
    #[arg(long)]
    pub(super) die_with_parent: bool,
    /// Hide secrets in what COMMAND prints.
    #[arg(long)]
    pub(super) mask: bool,
    /// How log lines of the running supervisor are printed [default: journald under systemd, else text].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) log_format: Option<LogFormat>,
}

/// Who gets a forwarded signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ForwardTo {
    /// The command alone.
    Child,
    /// The command and whatever is in its process group.
    Group,
}

/// How log lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
    /// The journal's own fields.
    Journald,
}

/// Options of how values are handed over.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Delivery")]
pub(super) struct DeliveryOptions {
    /// What `files:` become: files in memory, descriptors, or pipes that can be read once [default: auto].
    #[arg(long, value_name = "KIND", value_enum)]
    pub(super) files: Option<FileKind>,
    /// Where the composed variables go: the environment, or a document in a file, on a descriptor or on standard
    /// input [default: env].
    #[arg(long, value_name = "WHERE", value_enum)]
    pub(super) deliver: Option<Deliver>,
    /// Notation of that document [default: json].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) deliver_format: Option<DeliverFormat>,
}

/// What files become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FileKind {
    /// Files in a folder on memory-backed storage.
    Auto,
    /// Descriptors, named by /proc/self/fd/N.
    Memfd,
    /// Named pipes, each for one reading.
    Fifo,
}

/// Where the composed variables go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Deliver {
    /// The environment.
    Env,
    /// A file in memory, whose path is in ESCRUN_ENVIRONMENT_FILE.
    File,
    /// A descriptor, whose number is in ESCRUN_ENVIRONMENT_FD.
    Fd,
    /// Standard input.
    Stdin,
}

/// Notation of the delivered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeliverFormat {
    /// A JSON object of texts.
    Json,
    /// A .env file.
    Dotenv,
    /// NAME=VALUE entries, each closed by a NUL byte.
    Nul,
}

/// Options of starting again.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Restarts and changes")]
pub(super) struct ChangeOptions {
    /// When COMMAND is started again after it ended [default: no].
    #[arg(long, value_name = "WHEN", value_enum)]
    pub(super) restart: Option<Restart>,
    /// How often in a row COMMAND may fail soon after its start, 0 for any number [default: 5].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    pub(super) restart_limit: Option<u32>,
    /// Compose anew when definitions change on disk, and react if that changes what COMMAND has.
    #[arg(long)]
    pub(super) watch: bool,
    /// The reaction: restart, signal:NAME, exec:COMMAND or none; `reload` in escrun.yaml has rules by variable
    /// [default: restart].
    #[arg(long, value_name = "REACTION")]
    pub(super) on_change: Option<String>,
    /// When COMMAND counts as up: exec:COMMAND succeeds, notify (it says READY=1), or port:NUMBER is listened on.
    #[arg(long, value_name = "CONDITION")]
    pub(super) ready_when: Option<String>,
    /// How long COMMAND may take to be ready [default: 30s].
    #[arg(long, value_name = "TIME", allow_negative_numbers = true)]
    pub(super) ready_timeout: Option<String>,
    /// Start the new COMMAND before the old one is stopped.
    #[arg(long)]
    pub(super) overlap: bool,
}

/// A whole number as it is typed.
fn count(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .map_err(|_| "must be a whole number, such as 0 or 5")
}

/// When the command is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Restart {
    /// Never.
    No,
    /// When it ended with another status than 0.
    OnFailure,
    /// Always.
    Always,
}

/// Options of rights and limits.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Rights and limits")]
pub(super) struct PrivilegeOptions {
    /// Run COMMAND as this user; HOME, USER and LOGNAME follow.
    #[arg(long, value_name = "USER")]
    pub(super) user: Option<String>,
    /// Run COMMAND as this group [default: the user's].
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// Supplementary groups of COMMAND [default: the user's].
    #[arg(long, value_name = "A,B…", value_delimiter = ',')]
    pub(super) groups: Option<Vec<String>>,
    /// Working directory of COMMAND.
    #[arg(long, value_name = "FOLDER")]
    pub(super) chdir: Option<PathBuf>,
    /// File mode mask of COMMAND, octal.
    #[arg(long, value_name = "MASK")]
    pub(super) umask: Option<String>,
    /// COMMAND and what it starts never gain rights by executing files.
    #[arg(long)]
    pub(super) no_new_privs: bool,
    /// A limit of COMMAND, such as nofile=1024:4096.
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub(super) rlimit: Vec<OsString>,
}
