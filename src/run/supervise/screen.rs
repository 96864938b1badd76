//! The real terminal while the command has one of its own: what is typed, its size, and its modes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags};

use super::terminal::is_foreground;
use crate::run::mask::{InputRelay, Relayed};
use crate::sys::pty::{RawMode, WindowSize};

/// The real terminal and the command's.
pub(super) struct Screen {
    real: File,
    commands: File,
    relay: InputRelay,
    raw: Option<RawMode>,
    /// Whether keys are for the command: not while escrun is in the background.
    is_typed_at: bool,
}

impl Screen {
    /// Connects them. `commands` is the side that programs have not, and never waits.
    pub(super) fn new(real: OwnedFd, commands: OwnedFd) -> Self {
        let mut screen = Self {
            real: real.into(),
            commands: commands.into(),
            relay: InputRelay::default(),
            raw: None,
            is_typed_at: false,
        };
        screen.resume();
        screen
    }

    /// What a step of the relay waits for.
    pub(super) fn wanted(&self) -> Option<PollFd<'_>> {
        if self.relay.is_holding() {
            Some(PollFd::new(self.commands.as_fd(), PollFlags::POLLOUT))
        } else if self.is_typed_at {
            Some(PollFd::new(self.real.as_fd(), PollFlags::POLLIN))
        } else {
            None
        }
    }

    /// Moves what was typed.
    pub(super) fn relay(&mut self) {
        match self.relay.step(&self.real, &self.commands) {
            Ok(Relayed::Some) => {}
            // SIGHUP tells the rest.
            Ok(Relayed::Ended) | Err(_) => self.is_typed_at = false,
        }
    }

    /// Gives the command's terminal the size of the real one.
    pub(super) fn resize(&self) {
        resize(&self.real, &self.commands);
    }

    /// Whether keys are for the command.
    pub(super) fn is_typed_at(&self) -> bool {
        self.is_typed_at
    }

    /// Whether escrun has come to the foreground without a sign: a shell sends none to a job that runs.
    pub(super) fn has_come_forward(&self) -> bool {
        !self.is_typed_at && is_foreground(self.real.as_fd())
    }

    /// Puts the real terminal back, before this process stops.
    pub(super) fn pause(&mut self) {
        self.is_typed_at = false;
        if let Some(raw) = &self.raw {
            raw.pause();
        }
    }

    /// Has the real terminal pass everything on, if escrun is in its foreground.
    pub(super) fn resume(&mut self) {
        if !is_foreground(self.real.as_fd()) {
            // Whoever is in the foreground has set its modes.
            self.is_typed_at = false;
            return;
        }
        let is_raw = match &self.raw {
            Some(raw) => raw.resume().is_ok(),
            None => {
                self.raw = RawMode::enter(self.real.as_fd()).ok();
                self.raw.is_some()
            }
        };
        // A terminal whose modes cannot be changed is gone.
        self.is_typed_at = is_raw;
        self.resize();
    }
}

/// Gives one terminal the size of another. One that is gone has none.
pub(super) fn resize(like: &impl AsFd, terminal: &impl AsFd) {
    let _: io::Result<()> =
        WindowSize::of(like.as_fd()).and_then(|size| size.apply_to(terminal.as_fd()));
}
