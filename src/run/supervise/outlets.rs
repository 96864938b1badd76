//! Where the command writes while secrets are hidden in what it does: into pipes and terminals of ours.

use std::io::{self, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::tcgetpgrp;
use serde::{Deserialize, Serialize};

use super::terminal::{Belonging, is_foreground};
use crate::sys::descriptors::are_one_file;
use crate::sys::fs::{Owner, give};
use crate::sys::pty::{Pty, is_terminal};
use crate::sys::step::Step;

/// Our side of something that the command writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outlet {
    /// Where it is read.
    pub(super) source: RawFd,
    /// Where that goes, by the number under which escrun and the command have it.
    pub(super) target: RawFd,
    /// What it is.
    pub(super) kind: Kind,
}

/// What an outlet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A pipe.
    Pipe,
    /// A terminal for output alone. Keys and job control are those of the real one.
    Output,
    /// The terminal of a session of the command's own: whatever is typed goes there too.
    Session,
}

/// All of them, opened for a start of the command.
#[derive(Default)]
pub(super) struct Outlets {
    outlets: Vec<Outlet>,
    ours: Vec<OwnedFd>,
    theirs: Vec<OwnedFd>,
    steps: Vec<Step>,
    session: Option<RawFd>,
    owner: Option<Owner>,
}

impl Outlets {
    /// Opens what the command gets in place of standard output and error, and of standard input if it talks to a person.
    ///
    /// It does if input and output are the terminal of the session. A terminal of its own takes its place then, because
    /// programs change the modes of the one that they draw on. Otherwise others of its job may read what is typed, so
    /// the terminal stays, and only output goes through another.
    ///
    /// They belong to `owner`, the user and group that the command becomes.
    ///
    /// # Errors
    /// Those of making pipes and terminals, and of giving them away.
    pub(super) fn open(owner: Option<Owner>) -> io::Result<Self> {
        let standard = [
            io::stdin().as_fd(),
            io::stdout().as_fd(),
            io::stderr().as_fd(),
        ]
        .map(|descriptor| descriptor.as_raw_fd());
        let [input, output, errors] = standard;
        let mut outlets = Self {
            owner,
            ..Self::default()
        };
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let is_ours = |descriptor: BorrowedFd<'_>| tcgetpgrp(descriptor).is_ok();
        if is_ours(stdin.as_fd()) && is_ours(stdout.as_fd()) && are_one_file(input, output) {
            outlets.add(output, Kind::Session)?;
        } else {
            outlets.add(output, kind(stdout.as_fd()))?;
        }
        if are_one_file(output, errors) {
            // So that what is written to both stays in its order.
            outlets.place(errors);
        } else {
            outlets.add(errors, kind(io::stderr().as_fd()))?;
        }
        Ok(outlets)
    }

    /// What the command has as its terminal, if it gets one.
    pub(super) fn session(&self) -> Option<RawFd> {
        self.session
    }

    /// How the command belongs to the real terminal.
    pub(super) fn belonging(&self, without: Belonging) -> Belonging {
        match self.session {
            // Not at all.
            Some(_) => Belonging {
                shares_group: false,
                is_handed_over: false,
            },
            None => without,
        }
    }

    /// What the command does to have them.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.steps.clone()
    }

    /// Our sides, for the program that this process becomes. They are open as long as what is given beside them.
    ///
    /// # Errors
    /// Those of fcntl(2).
    pub(super) fn leave(self) -> io::Result<(Vec<Outlet>, Vec<OwnedFd>)> {
        for descriptor in &self.ours {
            fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok((self.outlets, self.ours))
    }

    /// Our sides, for this program itself.
    pub(super) fn into_ours(self) -> impl Iterator<Item = (Outlet, OwnedFd)> {
        self.outlets.into_iter().zip(self.ours)
    }

    /// Opens an outlet for what is written to `target`.
    fn add(&mut self, target: RawFd, kind: Kind) -> io::Result<()> {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let shown = if target == stdout.as_raw_fd() {
            stdout.as_fd()
        } else {
            stderr.as_fd()
        };
        let (source, theirs) = match kind {
            Kind::Pipe => {
                let (reader, writer): (_, PipeWriter) = io::pipe()?;
                (OwnedFd::from(reader), OwnedFd::from(writer))
            }
            Kind::Output => {
                let Pty { master, slave } = Pty::for_output(shown)?;
                (master, slave)
            }
            Kind::Session => {
                let Pty { master, slave } = Pty::like(shown)?;
                (master, slave)
            }
        };
        // By its name, /dev/stdout or /dev/tty, the command may open it only then.
        give(&theirs, self.owner)?;
        self.outlets.push(Outlet {
            source: source.as_raw_fd(),
            target,
            kind,
        });
        self.ours.push(source);
        let number = theirs.as_raw_fd();
        self.theirs.push(theirs);
        if kind == Kind::Session {
            self.session = Some(number);
            // In the background it is as it would be there: who reads is stopped.
            if is_foreground(io::stdin().as_fd()) {
                self.steps.push(Step::TakeForeground(number));
            }
            self.place(io::stdin().as_raw_fd());
        }
        self.place(target);
        Ok(())
    }

    /// Has the command find what was opened last under this number.
    fn place(&mut self, to: RawFd) {
        if let Some(last) = self.theirs.last() {
            let from = last.as_raw_fd();
            self.steps.push(Step::Place { from, to });
        }
    }
}

fn kind(target: BorrowedFd<'_>) -> Kind {
    if is_terminal(target) {
        Kind::Output
    } else {
        Kind::Pipe
    }
}
