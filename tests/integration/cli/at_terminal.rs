//! escrun at a terminal of its own, and the person in front of it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Child;

use super::TestEnv;
use crate::terminal::new_terminal;

pub(crate) struct AtTerminal {
    child: Child,
    person: File,
    seen: Vec<u8>,
}

impl AtTerminal {
    /// Starts escrun with all of its streams at a new terminal.
    pub(crate) fn start(env: &TestEnv, arguments: &[&str]) -> Self {
        let (person, terminal) = new_terminal().unwrap();
        // setsid(1) makes its standard input the controlling terminal.
        let mut command = env.command("setsid");
        command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_escrun")]);
        command.args(arguments).env("TERM", "xterm");
        command.stdin(terminal.try_clone().unwrap());
        command
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal);
        Self {
            child: command.spawn().unwrap(),
            person,
            seen: Vec::new(),
        }
    }

    /// Reads what the person sees until `text` has come.
    pub(crate) fn expect(&mut self, text: &str) {
        while !self.seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            self.person.read_exact(&mut byte).unwrap();
            self.seen.push(byte[0]);
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; gives the status and all that was seen.
    pub(crate) fn end(mut self) -> (i32, String) {
        // The last one at a terminal leaves an error behind, not an end.
        let _ = self.person.read_to_end(&mut self.seen);
        let status = self.child.wait().unwrap();
        let seen = String::from_utf8_lossy(&self.seen).into_owned();
        (status.code().unwrap(), seen)
    }
}
