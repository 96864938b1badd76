//! What can be typed about policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::source_options::FolderOptions;
use crate::daemon::policy::Action;

/// What `daemon` can be told to do but to serve.
#[derive(Debug, PartialEq, Subcommand)]
pub(super) enum DaemonVerb {
    /// Check a policy, or explain what it decides.
    #[command(subcommand)]
    Policy(PolicyVerb),
}

/// What can be done with policies.
#[derive(Debug, PartialEq, Subcommand)]
pub(super) enum PolicyVerb {
    /// Explain what would be decided, rule by rule and import by import; fails if it would be denied.
    Test(Box<PolicyTest>),
    /// Report what is wrong with a policy.
    Check {
        /// The file [default: the daemon's policy].
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Who is supposed to ask for what.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "The request")]
pub(super) struct PolicyTest {
    /// Environments that are asked for, together.
    #[arg(short, long = "env", value_name = "A,B…", value_delimiter = ',')]
    pub(super) environments: Vec<String>,
    #[command(flatten)]
    pub(super) folders: FolderOptions,
    /// User of the peer, by name or number [default: you].
    #[arg(long, value_name = "USER")]
    pub(super) uid: Option<String>,
    /// Group of the peer [default: the user's own].
    #[arg(long, value_name = "GROUP")]
    pub(super) gid: Option<String>,
    /// Supplementary group of the peer; several add up [default: those of the user, unless --gid is given].
    #[arg(long = "group", value_name = "GROUP")]
    pub(super) groups: Vec<String>,
    /// Unit of the system that the peer is part of.
    #[arg(long, value_name = "UNIT")]
    pub(super) unit: Option<String>,
    /// Unit of the user's own manager that the peer is part of.
    #[arg(long, value_name = "UNIT")]
    pub(super) user_unit: Option<String>,
    /// Control group of the peer, which says the units too.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["unit", "user_unit"])]
    pub(super) cgroup: Option<String>,
    /// What is asked for: open, value, watch, decrypt or manage.
    #[arg(long, value_name = "ACTION", default_value = "open")]
    pub(super) action: Action,
    /// Which value is asked for, with --action value.
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<String>,
}
