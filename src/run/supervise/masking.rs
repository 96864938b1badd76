//! The supervisor's side of hiding secrets in what the command writes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::outlets::{Kind, Outlet, Outlets};
use super::screen::{Screen, resize};
use crate::run::delivery::Masked;
use crate::run::mask::{Matcher, Pump, Redactor};
use crate::sys::descriptors;
use crate::sys::start::block_signals;

/// How long output is waited for before escrun stops, in milliseconds. Who stopped the terminal's output, say, has time.
const PATIENCE: u16 = 500;

/// Outlets that were taken over, and are not read yet.
pub(super) struct Outflow {
    taken: Vec<Taken>,
    real: Option<OwnedFd>,
}

struct Taken {
    kind: Kind,
    source: OwnedFd,
    target: OwnedFd,
}

impl Outflow {
    /// Takes over what was left by the program that this process was.
    ///
    /// # Errors
    /// Those of dup(2); `InvalidInput` for what is not there.
    pub(super) fn take(outlets: &[Outlet]) -> io::Result<Self> {
        let ours = outlets.iter().map(|outlet| {
            let source = descriptors::adopt(outlet.source);
            Ok((*outlet, source.ok_or(io::ErrorKind::InvalidInput)?))
        });
        Self::of(ours.collect::<io::Result<Vec<_>>>()?)
    }

    /// Takes over what this program has opened itself.
    ///
    /// # Errors
    /// Those of dup(2).
    pub(super) fn open(outlets: Outlets) -> io::Result<Self> {
        Self::of(outlets.into_ours())
    }

    fn of(ours: impl IntoIterator<Item = (Outlet, OwnedFd)>) -> io::Result<Self> {
        let mut taken = Vec::new();
        let mut real = None;
        for (outlet, source) in ours {
            taken.push(Taken {
                kind: outlet.kind,
                source,
                target: target(outlet.target)?,
            });
            if outlet.kind == Kind::Session {
                real = Some(io::stdin().as_fd().try_clone_to_owned()?);
            }
        }
        Ok(Self { taken, real })
    }

    /// The descriptors that it needs.
    pub(super) fn descriptors(&self) -> Vec<RawFd> {
        let taken = self.taken.iter();
        taken
            .flat_map(|taken| [taken.source.as_raw_fd(), taken.target.as_raw_fd()])
            .chain(self.real.as_ref().map(AsRawFd::as_raw_fd))
            .collect()
    }

    /// Begins to move what the command writes, without `secrets`. All signals must be blocked.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn begin(self, secrets: &[Masked]) -> io::Result<Masking> {
        // Exposed: they are what is looked for.
        let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.value.expose()).collect();
        let matcher = Arc::new(Matcher::new(&secrets));
        let mut masking = Masking::default();
        let mut real = self.real;
        for taken in self.taken {
            match taken.kind {
                Kind::Pipe => {}
                Kind::Output => masking
                    .outputs
                    .push((taken.target.try_clone()?, taken.source.try_clone()?)),
                Kind::Session => {
                    let commands = taken.source.try_clone()?;
                    masking.screen = real.take().map(|real| Screen::new(real, commands));
                }
            }
            let redactor = Redactor::new(Arc::clone(&matcher));
            let pump = Pump::start(redactor, taken.source, taken.target)?;
            masking.pumps.push(pump);
        }
        // With its first thread, the C library lets signals through that it keeps for itself (nptl(7)).
        block_signals();
        Ok(masking)
    }
}

/// What moves while the command runs.
#[derive(Default)]
pub(super) struct Masking {
    pumps: Vec<Pump>,
    /// Terminals for output: the real one, and the command's.
    outputs: Vec<(OwnedFd, OwnedFd)>,
    screen: Option<Screen>,
}

impl Masking {
    /// Puts the real terminal back, before another command gets one like it.
    pub(super) fn leave_screen(&mut self) {
        self.screen = None;
    }

    /// Goes on with what moves the output of a new command. What is left of the old one's is still passed on.
    pub(super) fn go_on_with(&mut self, newer: Self) {
        let is_over = |pump: &Pump| {
            let mut ended = [PollFd::new(pump.done(), PollFlags::POLLIN)];
            poll(&mut ended, PollTimeout::ZERO).is_ok_and(|count| count > 0)
        };
        let (over, left): (Vec<_>, Vec<_>) = self.pumps.drain(..).partition(is_over);
        for pump in over {
            // That nobody read is for the command to know: it was told.
            let _ = pump.join();
        }
        *self = newer;
        self.pumps.splice(..0, left);
    }

    /// What is to be waited for besides signals.
    pub(super) fn wanted(&self) -> Option<PollFd<'_>> {
        self.screen.as_ref().and_then(Screen::wanted)
    }

    /// Does what was waited for.
    pub(super) fn relay(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.relay();
        }
    }

    /// Whether keys are for the command.
    pub(super) fn is_typed_at(&self) -> bool {
        self.screen.as_ref().is_some_and(Screen::is_typed_at)
    }

    /// Whether escrun has come to the foreground without a sign.
    pub(super) fn has_come_forward(&self) -> bool {
        self.screen.as_ref().is_some_and(Screen::has_come_forward)
    }

    /// Whether the command has a session of its own: then the kernel tells it of a new size.
    pub(super) fn has_session(&self) -> bool {
        self.screen.is_some()
    }

    /// Whether it has a terminal for output alone.
    pub(super) fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Follows the size of the real terminal.
    pub(super) fn resize(&self) {
        if let Some(screen) = &self.screen {
            screen.resize();
        }
        for (real, commands) in &self.outputs {
            resize(real, commands);
        }
    }

    /// Shows what has been written, and puts the real terminal back, before this process stops.
    pub(super) fn pause(&mut self) {
        for pump in &mut self.pumps {
            pump.settle(PATIENCE);
        }
        if let Some(screen) = &mut self.screen {
            screen.pause();
        }
    }

    /// Goes on when this process does.
    pub(super) fn resume(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.resume();
        }
    }

    /// Asks for the end: what has been written is still passed on.
    pub(super) fn drain(&mut self) {
        self.pumps.iter_mut().for_each(Pump::drain);
    }

    /// What tells of the end of the first that has not ended, if it has not been told yet.
    pub(super) fn pending(&self) -> Option<PollFd<'_>> {
        let pump = self.pumps.first()?;
        Some(PollFd::new(pump.done(), PollFlags::POLLIN))
    }

    /// Forgets the first that has not ended, because it has.
    pub(super) fn forget_ended(&mut self) {
        if !self.pumps.is_empty() {
            // That nobody read is for the command to know: it was told.
            let _ = self.pumps.remove(0).join();
        }
    }
}

/// A descriptor for where output goes.
fn target(number: RawFd) -> io::Result<OwnedFd> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let target: BorrowedFd<'_> = if number == stdout.as_raw_fd() {
        stdout.as_fd()
    } else {
        stderr.as_fd()
    };
    target.try_clone_to_owned()
}
