//! Asking for a secret at a terminal of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::outside::have;

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

/// A program that asks at a new terminal, and the person's side of that.
struct Asking {
    child: Child,
    person: File,
    // Held open, so that the terminal stays when the program has ended.
    terminal: OwnedFd,
}

impl Asking {
    /// Starts the program, and waits for its question.
    fn begin() -> Self {
        let (person, terminal) = new_terminal().expect("a terminal");
        let input = terminal.try_clone().expect("a descriptor");
        // setsid(1) makes its standard input the controlling terminal.
        let child = Command::new("setsid")
            .args(["--ctty", SUBJECT, "ask"])
            .stdin(input)
            .stdout(Stdio::piped())
            .spawn()
            .expect("setsid of util-linux");
        let mut asking = Self {
            child,
            person,
            terminal: terminal.into(),
        };
        asking.expect("secret? ");
        assert!(!asking.echoes());
        asking
    }

    /// Reads what the person sees until `text` has come.
    fn expect(&mut self, text: &str) {
        let mut seen = Vec::new();
        while !seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            self.person.read_exact(&mut byte).expect("more to see");
            seen.push(byte[0]);
        }
        assert!(!String::from_utf8_lossy(&seen).contains("hunter2"));
    }

    fn type_in(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).expect("a keyboard");
    }

    fn echoes(&self) -> bool {
        let mode = tcgetattr(self.terminal.as_fd()).expect("a terminal");
        mode.local_flags.contains(LocalFlags::ECHO)
    }

    /// Waits for the end; gives the signal that it died of, and its output.
    fn end(&mut self) -> (Option<i32>, String) {
        let mut output = String::new();
        let mut pipe = self.child.stdout.take().expect("a pipe");
        pipe.read_to_string(&mut output).expect("text");
        let status = self.child.wait().expect("a status");
        (status.signal(), output)
    }
}

/// The person's side of a terminal and the program's. Programs that other tests start inherit neither.
fn new_terminal() -> std::io::Result<(File, File)> {
    let person = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&person)?;
    unlockpt(&person)?;
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&person)?)?;
    Ok((File::from(OwnedFd::from(person)), terminal))
}

#[test]
fn a_secret_is_read_without_echo() {
    if !have(&["setsid"]) {
        return;
    }
    let mut asking = Asking::begin();
    asking.type_in("hunter2\n");
    asking.expect("\r\n");
    assert_eq!(asking.end(), (None, "hunter2".into()));
    assert!(asking.echoes());
}

#[test]
fn signals_end_the_program_only_after_the_terminal_is_restored() {
    if !have(&["setsid"]) {
        return;
    }
    for (signal, key) in [
        (Signal::SIGINT, Some("\x03")),
        (Signal::SIGQUIT, Some("\x1c")),
        (Signal::SIGTERM, None),
    ] {
        let mut asking = Asking::begin();
        asking.type_in("hunter2");
        match key {
            Some(key) => asking.type_in(key),
            None => {
                let child = Pid::from_raw(asking.child.id() as i32);
                kill(child, signal).expect("it is alive");
            }
        }
        assert_eq!(asking.end(), (Some(signal as i32), String::new()));
        assert!(asking.echoes(), "{signal}");
    }
}

#[test]
fn the_question_is_asked_again_after_a_stop() {
    if !have(&["setsid"]) {
        return;
    }
    let mut asking = Asking::begin();
    let child = Pid::from_raw(asking.child.id() as i32);
    // A stop that cannot be caught, as a shell's `kill -STOP`, and the way back.
    kill(child, Signal::SIGSTOP).expect("it is alive");
    kill(child, Signal::SIGCONT).expect("it is alive");
    asking.expect("secret? ");
    assert!(!asking.echoes());
    asking.type_in("hunter2\n");
    assert_eq!(asking.end(), (None, "hunter2".into()));
}

#[test]
fn a_line_that_is_too_long_is_an_error() {
    if !have(&["setsid"]) {
        return;
    }
    let mut asking = Asking::begin();
    asking.type_in(&"x".repeat(2000));
    asking.type_in("\n");
    assert_eq!(asking.end(), (None, String::new()));
    assert!(asking.echoes());
}

#[test]
fn without_a_terminal_there_is_a_clear_error() {
    if !have(&["setsid"]) {
        return;
    }
    let output = Command::new("setsid")
        .args([SUBJECT, "ask"])
        .stdin(Stdio::null())
        .output()
        .expect("setsid of util-linux");
    assert_eq!(output.status.code(), Some(125));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(message, "there is no terminal to ask at\n");
}
