//! The command line with a daemon behind it.

mod auto;
mod equal;
mod refusals;
mod verbs;
mod watch;

use std::ffi::OsStr;
use std::process::Command;

use super::served::Served;
use crate::cli::test_env::{Ended, TestEnv, end};

impl Served {
    /// escrun that asks this daemon.
    fn asking<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.env.prepare(arguments);
        command.env("ESCRUN_SOCKET", self.socket());
        command
    }

    /// Runs it.
    fn ask<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        end(&mut self.asking(arguments))
    }
}

/// A project with one environment that gives GREETING.
fn greeting() -> TestEnv {
    let env = TestEnv::empty();
    env.define("app", "values:\n  greeting: one\n");
    env
}
