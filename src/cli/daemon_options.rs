//! What can be typed to start a daemon.

use std::path::PathBuf;

use clap::Args;

use super::policy_options::DaemonVerb;
use super::run_options::LogFormat;
use super::source_options::FolderOptions;

/// Options of `daemon`.
#[derive(Args, Debug, Default, PartialEq)]
#[command(next_help_heading = "Serving")]
pub(super) struct DaemonOptions {
    /// Serve the machine: settings in /etc/escrun, socket in /run/escrun, audit in /var/log/escrun.
    #[arg(long, global = true)]
    pub(super) system: bool,
    /// Settings [default: daemon.yaml in the folder of escrun's configuration].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) folders: FolderOptions,
    /// File with age or ssh identities to decrypt with [default: those of the settings, else escrun.identity in
    /// $CREDENTIALS_DIRECTORY, and your own].
    #[arg(short, long = "identity", value_name = "FILE")]
    pub(super) identities: Vec<PathBuf>,
    /// Socket to serve on [default: $XDG_RUNTIME_DIR/escrun/escrun.sock].
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Who may do what [default: policy.yaml beside the settings].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Where every decision is written [default: audit.jsonl in the folder of escrun's state].
    #[arg(long, value_name = "FILE")]
    pub(super) audit: Option<PathBuf>,
    /// Lock identities that were not used for so long: 15m, or never [default: never].
    #[arg(long, value_name = "TIME")]
    pub(super) idle: Option<String>,
    /// How the log is written [default: as the journal has it, if standard error is the journal; else text].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) log_format: Option<LogFormat>,
    #[command(subcommand)]
    pub(super) verb: Option<DaemonVerb>,
}
