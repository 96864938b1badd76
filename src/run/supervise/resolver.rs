//! Has values composed anew, by escrun itself in a process of its own.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::family::kill_with_descendants;
use super::helper::start_between;
use super::keepsake::pour;
use super::words::words;
use crate::run::{EnvironmentBlock, RESOLVER, Resolution};
use crate::secret::Secret;
use crate::sys::children::{End, Pid};
use crate::sys::exec::own_program;
use crate::sys::memfd::filled_pipe;
use crate::sys::start::Image;

/// How much is read at a time, in bytes: what a pipe holds.
const PART: usize = 64 << 10;

/// The most that is taken, in bytes.
const MOST: usize = 1 << 30;

/// What it takes to compose anew.
pub(super) struct Resolver {
    image: Image,
    environment: EnvironmentBlock,
    recollection: Secret,
}

impl Resolver {
    /// Composes what a call of escrun with `arguments` (the first is its name) composed.
    ///
    /// # Errors
    /// When an argument holds a NUL byte, which none can.
    pub(super) fn new(
        arguments: &[OsString],
        environment: EnvironmentBlock,
        recollection: Secret,
    ) -> io::Result<Self> {
        Ok(Self {
            image: Image::new(own_program(), words(arguments, &[RESOLVER])?),
            environment,
            recollection,
        })
    }

    /// Begins to compose.
    ///
    /// # Errors
    /// When no process can be started for it.
    pub(super) fn start(&mut self) -> io::Result<Resolving> {
        let since = SystemTime::now();
        // Exposed: who composes has to know the answers to what was asked. A process of its own, which only much of them
        // would need, cannot be made where threads move output.
        let input = match filled_pipe(self.recollection.expose(), None)? {
            Some(pipe) => pipe,
            None => pour(&self.recollection)?,
        };
        let (reader, writer) = io::pipe()?;
        let reader = OwnedFd::from(reader);
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let output = OwnedFd::from(writer);
        let pid = start_between(&mut self.image, &self.environment, input, output)?;
        Ok(Resolving {
            pid,
            since,
            pipe: Some(reader.into()),
            parts: Vec::new(),
            length: 0,
            is_broken_off: false,
        })
    }
}

/// Composing that is under way.
pub(super) struct Resolving {
    pid: Pid,
    since: SystemTime,
    pipe: Option<std::fs::File>,
    parts: Vec<Secret>,
    length: usize,
    is_broken_off: bool,
}

impl Resolving {
    /// The process that composes.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// When it began.
    pub(super) fn since(&self) -> SystemTime {
        self.since
    }

    /// What can be read when there is more of the result; nothing at its end.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what there is of the result.
    pub(super) fn read(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            let mut read = Ok(0);
            let part = Secret::try_fill(PART, |buffer| {
                read = pipe.read(buffer);
                read.as_ref().map(|count| *count).map_err(|_| ())
            });
            match (read, part) {
                (Ok(count), Ok(part)) if count > 0 && self.length + count <= MOST => {
                    self.length += count;
                    self.parts.push(part);
                }
                (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => return,
                (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => {}
                // The end, or nothing that a whole result could come of.
                _ => self.pipe = None,
            }
        }
    }

    /// The result, now that the process has ended. Without a delivery if there was an error, which it has told.
    pub(super) fn finish(mut self, end: End) -> Resolution {
        self.read();
        // Exposed: put together in the same kind of memory.
        let parts: Vec<&[u8]> = self.parts.iter().map(Secret::expose).collect();
        let whole = Secret::from_parts(&parts);
        let mut resolution = Resolution::read(&mut whole.expose()).unwrap_or_default();
        if end != End::Exited(0) {
            resolution.delivery = None;
        }
        resolution
    }

    /// Breaks it off; it still has to end.
    pub(super) fn kill(&mut self) {
        self.is_broken_off = true;
        kill_with_descendants(self.pid);
    }

    /// Whether it was broken off.
    pub(super) fn is_broken_off(&self) -> bool {
        self.is_broken_off
    }
}
