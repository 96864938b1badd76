//! Commands that talk to a person, in an interactive shell at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use nix::sys::termios::{LocalFlags, tcgetattr};

use super::project;
use crate::cli::test_env::TestEnv;
use crate::outside::have;
use crate::terminal::new_terminal;

/// What the shell prints when it waits for a line.
const PROMPT: &str = "next? ";

/// An interactive shell, and the person before it.
struct Session {
    shell: Child,
    person: File,
    terminal: File,
    _env: TestEnv,
}

impl Session {
    fn begin(programs: &[&str]) -> Option<Self> {
        if !have(&["bash", "setsid"]) || !have(programs) {
            return None;
        }
        let env = project();
        let (person, terminal) = new_terminal().unwrap();
        let shell = env
            .command("setsid")
            .args([
                "--ctty",
                "bash",
                "--norc",
                "--noprofile",
                "--noediting",
                "-i",
            ])
            .env("PS1", PROMPT)
            .env("TERM", "xterm")
            .env("ESCRUN", env!("CARGO_BIN_EXE_escrun"))
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(Stdio::from(terminal.try_clone().unwrap()))
            .spawn()
            .unwrap();
        let mut session = Self {
            shell,
            person,
            terminal,
            _env: env,
        };
        session.see(PROMPT);
        session.enter("alias e='$ESCRUN --quiet --env app --mask --'; stty -echo rows 31 cols 99");
        session.see(PROMPT);
        Some(session)
    }

    /// Reads until `text` has come; gives all that was there before it. No secret is in it.
    fn see(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            self.person
                .read_exact(&mut byte)
                .unwrap_or_else(|_| panic!("no {text:?} in {:?}", String::from_utf8_lossy(&seen)));
            seen.push(byte[0]);
        }
        let seen = String::from_utf8_lossy(&seen).into_owned();
        assert!(!seen.contains("hunter2"), "{seen}");
        seen
    }

    fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    fn press(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).unwrap();
    }

    /// The status of the last command, when the shell waits. The terminal is as it was then.
    fn status(&mut self) -> String {
        self.see(PROMPT);
        let flags = tcgetattr(&self.terminal).unwrap().local_flags;
        assert!(
            flags.contains(LocalFlags::ICANON | LocalFlags::ISIG),
            "{flags:?}"
        );
        self.enter("echo =$?=");
        self.see("=");
        let status = self.see("=").trim_end_matches('=').to_owned();
        self.see(PROMPT);
        status
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[test]
fn the_command_has_a_terminal() {
    let Some(mut session) = Session::begin(&["stty"]) else {
        return;
    };
    session
        .enter("e sh -c 'test -t 0 && test -t 1 && test -t 2 && echo $TOKEN; stty size; exit 5'");
    session.see("[secret]\r\n31 99\r\n");
    assert_eq!(session.status(), "5");
}

#[test]
fn keys_reach_the_command() {
    let Some(mut session) = Session::begin(&[]) else {
        return;
    };
    for (key, status) in [("\x03", "130"), ("\x1c", "131")] {
        session.enter("e sh -c 'echo on; exec sleep 100'");
        session.see("on");
        session.press(key);
        assert_eq!(session.status(), status);
    }
    session.enter("e cat");
    session.enter("hello");
    session.see("hello");
    session.press("\x04");
    assert_eq!(session.status(), "0");
}

#[test]
fn a_job_stops_and_goes_on() {
    let Some(mut session) = Session::begin(&[]) else {
        return;
    };
    session.enter("e sh -c 'echo on; cat; exit 7'");
    session.see("on");
    for _ in 0..3 {
        session.press("\x1a");
        session.see("Stopped");
        session.see(PROMPT);
        session.enter("fg");
        session.see("echo on; cat");
        session.enter("one hunter2-hunter2");
        session.see("one [secret]");
    }
    session.press("\x04");
    assert_eq!(session.status(), "7");
}

#[test]
fn the_size_follows() {
    let Some(mut session) = Session::begin(&["stty"]) else {
        return;
    };
    session.enter("e bash -c 'trap \"stty size\" WINCH; echo on; while ! read -t 1; do :; done'");
    session.see("on");
    let status = Command::new("stty")
        .args(["rows", "40", "cols", "120"])
        .stdin(session.terminal.try_clone().unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    session.see("40 120");
    session.enter("");
    assert_eq!(session.status(), "0");
}

#[test]
fn editors_and_viewers_work() {
    let Some(mut session) = Session::begin(&["vim", "less", "top"]) else {
        return;
    };
    session.enter("e vim -u NONE -N text");
    session.see("\"text\" [New]");
    session.press(":r !echo $TOKEN\r");
    session.see("[secret]");
    // It leaves its screen before it stops, and comes back to it.
    session.press("\x1a");
    session.see("\x1b[?1049l");
    session.see("Stopped");
    session.see(PROMPT);
    session.enter("fg");
    session.see("[secret]");
    session.press(":wq\r");
    assert_eq!(session.status(), "0");
    session.enter("grep -c hunter2 text");
    session.see("1\r\n");
    session.see(PROMPT);

    session.enter("e sh -c '{ echo $TOKEN; seq 500; } | less'");
    session.see("[secret]");
    session.press("G");
    session.see("500");
    session.press("q");
    assert_eq!(session.status(), "0");

    session.enter("e top");
    session.see("load average");
    session.press("q");
    assert_eq!(session.status(), "0");
}

#[test]
fn interpreters_work() {
    let Some(mut session) = Session::begin(&["python3"]) else {
        return;
    };
    session.enter("e python3 -q");
    session.see(">>> ");
    session.enter("import os; print(os.environ['TOKEN'])");
    session.see("[secret]");
    session.see(">>> ");
    session.press("\x04");
    assert_eq!(session.status(), "0");
}

#[test]
fn the_shell_runs_jobs_beside() {
    let Some(mut session) = Session::begin(&[]) else {
        return;
    };
    // What shares its job with others leaves them the keys.
    session.enter("e sh -c 'test -t 2 && echo $TOKEN >&2; echo $TOKEN' | cat");
    session.see("[secret]");
    session.see("[secret]");
    assert_eq!(session.status(), "0");
    session.enter("e sh -c 'echo begun; read x; echo \"got $x\"' &");
    // What a job comes to is told before a prompt. What it wrote before it stopped has been shown.
    let mut told = session.see("begun");
    while !told.contains("Stopped") {
        session.enter("jobs");
        told = session.see(PROMPT);
    }
    session.enter("fg");
    session.see("read x");
    session.enter("hunter2-hunter2");
    session.see("got [secret]");
    assert_eq!(session.status(), "0");
}
