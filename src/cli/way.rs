//! Where values come from: definitions on this side, or a daemon. What is done with them afterwards is the same.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use super::ambient::Ambient;
use super::args::ExportOptions;
use super::error::Failure;
use super::invocation::Invocation;
use super::recollection::Recollection;
use super::remote::{Remote, Wanted};
use super::ui::Ui;
use super::variables;
use super::via::{self, Choice};
use super::workspace::Workspace;
use crate::eval::Mode;
use crate::export::Projection;
use crate::project::ResolvedProject;
use crate::run::Subscription;

/// The way that was chosen.
pub(super) enum Way<'a> {
    /// Definitions on this side.
    Direct(Box<Workspace<'a>>),
    /// A daemon.
    Daemon(Box<Remote<'a>>),
}

impl<'a> Way<'a> {
    /// Chooses by the options and by what is there.
    pub(super) fn choose(invocation: Invocation<'a>) -> Result<Self, Failure> {
        Ok(match via::choose(&invocation)? {
            Choice::Daemon(client, project) => {
                Self::Daemon(Box::new(Remote::open(invocation, client, project)?))
            }
            Choice::Direct(project) => {
                Self::Direct(Box::new(Workspace::open(invocation, project)?))
            }
        })
    }

    /// The variables that the options ask for, with every fault on the way there. What is `wanted` besides, a daemon has to
    /// be told.
    pub(super) fn project(
        &self,
        mode: Mode,
        options: &ExportOptions,
        wanted: Wanted,
    ) -> Result<Projection, Failure> {
        match self {
            Self::Direct(workspace) => variables::project(workspace, mode, options, wanted.secrets),
            Self::Daemon(remote) => remote.project(mode, options, wanted),
        }
    }

    /// Where things are printed.
    pub(super) fn ui(&self) -> &'a Ui {
        match self {
            Self::Direct(workspace) => workspace.ui,
            Self::Daemon(remote) => remote.ui,
        }
    }

    /// What surrounds the process.
    pub(super) fn ambient(&self) -> &'a Ambient {
        match self {
            Self::Direct(workspace) => workspace.ambient,
            Self::Daemon(remote) => remote.ambient,
        }
    }

    /// What the project says.
    pub(super) fn settings(&self) -> &ResolvedProject {
        match self {
            Self::Direct(workspace) => &workspace.project,
            Self::Daemon(remote) => &remote.project,
        }
    }

    /// What can be asked or read only once, if it is remembered.
    pub(super) fn recollection(&self) -> Option<&Recollection> {
        match self {
            Self::Direct(workspace) => workspace.recollection.as_deref(),
            Self::Daemon(remote) => remote.recollection.as_deref(),
        }
    }

    /// The files on this side that decide what is composed.
    pub(super) fn inputs(&self) -> BTreeSet<PathBuf> {
        match self {
            Self::Direct(workspace) => workspace.inputs(),
            Self::Daemon(remote) => remote.inputs(),
        }
    }

    /// When the first of them was read.
    pub(super) fn since(&self) -> SystemTime {
        match self {
            Self::Direct(workspace) => workspace.since,
            Self::Daemon(remote) => remote.since,
        }
    }

    /// How a daemon tells when what it gave changes.
    pub(super) fn subscription(&self) -> Option<Subscription> {
        match self {
            Self::Direct(_) => None,
            Self::Daemon(remote) => remote.subscription(),
        }
    }
}
