//! The processes that wait at named pipes.

use std::ffi::CStr;
use std::io;

use crate::sys::children::Pid;
use crate::sys::fifo;
use crate::sys::signal::{Signal, Target, send};

/// Processes that each hand one secret over. They are killed when this is dropped; who reaps children tells of their
/// ends, so that no other process of the same number is meant.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pids: Vec<Pid>,
}

impl Servers {
    /// Those that a program has started which has become this one.
    pub(super) fn adopt(pids: Vec<Pid>) -> Self {
        Self { pids }
    }

    /// Their numbers.
    pub(super) fn pids(&self) -> &[Pid] {
        &self.pids
    }

    /// Hears that a child has ended and is reaped; says whether it was one of these.
    pub(super) fn ended(&mut self, pid: Pid) -> bool {
        let before = self.pids.len();
        self.pids.retain(|server| *server != pid);
        self.pids.len() < before
    }

    /// Kills them all.
    pub(super) fn kill(&self) {
        for pid in &self.pids {
            // Who has ended needs no killing.
            let _ = send(Target::Process(*pid), Signal::KILL);
        }
    }

    /// Starts one that hands `content` over at the named pipe `path`.
    ///
    /// # Errors
    /// Those of [`fifo::serve`].
    pub(super) fn start(&mut self, path: &CStr, content: &[u8]) -> io::Result<()> {
        self.pids.push(fifo::serve(path, content)?);
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kill();
    }
}
