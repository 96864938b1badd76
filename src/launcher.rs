//! Starts programs that are talked to over pipes: from this process, or by way of one that may when this one may not.
//!
//! Who wants a program started names no way to do it, so that a process which has given up the right to can still have
//! it done.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::sys::process::command;

/// A program and what it is given.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Its file; it is not looked up anywhere.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// What a program finds as its standard streams.
#[derive(Debug)]
pub struct Streams {
    /// What it reads.
    pub input: OwnedFd,
    /// What it writes to.
    pub output: OwnedFd,
    /// What it complains to.
    pub complaints: OwnedFd,
}

/// Starts programs.
pub trait Launcher: fmt::Debug + Send + Sync {
    /// Starts a program, which leads a process group of its own and is untouched by how this process is protected.
    ///
    /// # Errors
    /// When it cannot be started: those of fork(2) and execve(2), with their numbers.
    fn launch(&self, invocation: &Invocation, streams: Streams) -> io::Result<Box<dyn Launched>>;
}

/// A program that was started. It and its process group are killed when this is dropped before its end was seen.
pub trait Launched: fmt::Debug + Send {
    /// How it has ended, if it has.
    ///
    /// # Errors
    /// When that cannot be told any more.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>>;

    /// Kills it and its process group, unless it has ended.
    fn kill(&mut self);
}

/// Starts programs as children of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl Launcher for Direct {
    fn launch(&self, invocation: &Invocation, streams: Streams) -> io::Result<Box<dyn Launched>> {
        let mut command = command(invocation.program.as_os_str());
        let variables = invocation.environment.iter();
        let child = command
            .args(&invocation.arguments)
            .env_clear()
            .envs(variables.map(|(name, value)| (name, value)))
            .current_dir(&invocation.folder)
            .stdin(Stdio::from(streams.input))
            .stdout(Stdio::from(streams.output))
            .stderr(Stdio::from(streams.complaints))
            // Signals for it must reach what it starts, and those for us not it.
            .process_group(0)
            .spawn()?;
        Ok(Box::new(Group(child)))
    }
}

/// A child with its process group, which does not outlive this.
#[derive(Debug)]
struct Group(Child);

impl Launched for Group {
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    fn kill(&mut self) {
        // Before its end is waited for, its number cannot be another's.
        if let Ok(None) = self.0.try_wait()
            && let Ok(number) = i32::try_from(self.0.id())
        {
            // The child itself as well: it may not have got as far as leading a group.
            let _ = killpg(Pid::from_raw(number), Signal::SIGKILL);
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
