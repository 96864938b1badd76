//! What a supervisor must keep to start the command again or to compose anew. It passes from the program that decrypted
//! to the one that supervises through a pipe, from locked memory to locked memory.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::launch::Watch;
use crate::run::Delivery;
use crate::secret::Secret;
use crate::sys::start::fork_helper;

/// The most that is remembered, in bytes.
const MOST_REMEMBERED: usize = 1 << 30;

/// What is kept.
pub(super) struct Keepsake {
    /// What the command was given.
    pub(super) delivery: Delivery,
    /// What escrun itself was given, as variables alone, for composing anew.
    pub(super) surroundings: Delivery,
    /// What is remembered for that; not understood here.
    pub(super) recollection: Secret,
}

impl Keepsake {
    /// Keeps what the command is given and, if changes are watched, what composing anew takes.
    pub(super) fn new(delivery: Delivery, watch: Option<Watch>) -> Self {
        let (surroundings, recollection) = match watch {
            Some(watch) => (watch.surroundings, watch.recollection),
            None => (Delivery::default(), Secret::from_parts(&[])),
        };
        Self {
            delivery,
            surroundings,
            recollection,
        }
    }

    /// Has it come out of a pipe, for the program that this process becomes.
    ///
    /// # Errors
    /// Those of making a pipe and a process that writes into it.
    pub(super) fn hand_on(&self) -> io::Result<OwnedFd> {
        let parts = [self.delivery.encode(), self.surroundings.encode()];
        // Exposed: copied from locked memory to locked memory.
        let parts: Vec<&[u8]> = parts.iter().map(Secret::expose).collect();
        let recollection = self.recollection.expose();
        let all = Secret::from_parts(&[parts[0], parts[1], recollection]);
        let reader = pour(&all)?;
        // Forked processes share its memory, and this one has no use for its own any more: it becomes another program.
        std::mem::forget(all);
        fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(reader)
    }

    /// Takes what was handed on.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything else.
    pub(super) fn take(pipe: OwnedFd) -> io::Result<Self> {
        let mut pipe = File::from(pipe);
        Ok(Self {
            delivery: Delivery::read(&mut pipe)?,
            surroundings: Delivery::read(&mut pipe)?,
            recollection: Secret::read_from(pipe, MOST_REMEMBERED)?,
        })
    }
}

/// A pipe out of which `secret` comes, which must be there until it was read: dropping it wipes it for the process that
/// writes as well. That is one of its own, since a pipe does not hold all of it; it ends when all is written or nobody reads
/// any more.
///
/// # Errors
/// Those of pipe(2), fork(2) and madvise(2).
pub(super) fn pour(secret: &Secret) -> io::Result<OwnedFd> {
    secret.keep_on_fork()?;
    let (reader, mut writer) = io::pipe()?;
    let reader = OwnedFd::from(reader);
    let number = reader.as_raw_fd();
    fork_helper(move || {
        // While it holds this end itself, it would not see that nobody reads.
        let _ = nix::unistd::close(number);
        // Exposed: whoever has the pipe is to have it.
        u8::from(writer.write_all(secret.expose()).is_err())
    })?;
    Ok(reader)
}
