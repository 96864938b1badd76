//! What the supervisor is told by the program that it was: everything but secrets.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{OwnedFd, RawFd};

use serde::{Deserialize, Serialize};

use super::Policy;
use super::starter::Starter;
use crate::log;
use crate::sys::children::Pid;
use crate::sys::process::Inherited;

/// What is to be supervised, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The command, which runs already.
    pub(super) command: Pid,
    /// How it was started, and can be again.
    pub(super) starter: Starter,
    /// The user's wishes.
    pub(super) policy: Policy,
    /// How much is told of what happens, and how.
    pub(super) log: log::Settings,
    /// The pipe with what the command is given, if that is to be kept.
    pub(super) delivery: Option<RawFd>,
    /// What escrun was started with.
    pub(super) inherited: Inherited,
}

impl Plan {
    /// Writes the plan where a program that this process becomes finds it: in memory, under a descriptor that is
    /// inherited.
    ///
    /// # Errors
    /// Those of memfd_create(2) and writing.
    pub(super) fn leave(&self) -> io::Result<OwnedFd> {
        let mut file = File::from(nix::sys::memfd::memfd_create(
            c"escrun-plan",
            nix::sys::memfd::MFdFlags::empty(),
        )?);
        file.write_all(&serde_json::to_vec(self)?)?;
        file.rewind()?;
        Ok(file.into())
    }

    /// Takes the plan that was left under `descriptor`.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything but a plan.
    pub(super) fn take(descriptor: OwnedFd) -> io::Result<Self> {
        let mut text = Vec::new();
        File::from(descriptor).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}
