//! escrun as the parent of a command: real processes, real signals, real terminals.

mod at_terminal;
mod changes;
mod failures;
mod family;
mod readiness;
mod restarts;
mod signals;
mod status;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::test_env::TestEnv;

/// How long anything may take. Nothing is judged by it but that it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

/// A project whose only definition gives GREETING.
fn project() -> TestEnv {
    let env = TestEnv::empty();
    env.define("app", "values:\n  greeting: hello\n");
    env
}

/// escrun that supervises a command.
fn supervise(env: &TestEnv, options: &[&str], command: &[&str]) -> Command {
    let words = ["--env", "app", "--supervise"];
    let words = words.iter().chain(options).chain(&["--"]).chain(command);
    env.prepare(words)
}

/// A supervised command that talks, and its lines.
pub(crate) struct Supervised {
    child: Child,
    lines: BufReader<ChildStdout>,
    _leash: Leash,
}

impl Supervised {
    /// Starts it, and waits until it says `ready`.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut supervised = Self::spawn(command);
        assert_eq!(supervised.line(), "ready");
        supervised
    }

    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            _leash: Leash::on(child.id()),
            child,
            lines,
        }
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The supervisor's own process.
    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits for the supervisor's end.
    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills what a test waits for if it takes for ever, so that the test fails instead of waiting.
struct Leash {
    _held: Sender<()>,
}

impl Leash {
    fn on(pid: u32) -> Self {
        let (held, released) = channel();
        spawn(move || {
            if released.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
            }
        });
        Self { _held: held }
    }
}

/// Waits until something holds.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: it never came");
        sleep(Duration::from_millis(5));
    }
}

/// The state of a process, as the letter that /proc has for it; none if it is no more.
fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is no more, or nothing but a status that nobody has asked for.
fn is_gone(pid: i32) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}
