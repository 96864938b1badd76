//! Jobs of a shell at a terminal: the keys that stop and end, foreground and background.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use super::{Leash, project};
use crate::cli::test_env::TestEnv;
use crate::outside::have;
use crate::terminal::new_terminal;

/// What the shell prints when it waits for a line.
const PROMPT: &str = "next? ";

/// An interactive shell at a terminal, and the person before it.
struct Session {
    shell: Child,
    person: File,
    _leash: Leash,
    _env: TestEnv,
}

impl Session {
    fn begin() -> Self {
        let env = project();
        let (person, terminal) = new_terminal().unwrap();
        let input = terminal.try_clone().unwrap();
        let output = terminal.try_clone().unwrap();
        let shell: Command = env.command("setsid");
        let mut shell = shell;
        let shell = shell
            .args([
                "--ctty",
                "bash",
                "--norc",
                "--noprofile",
                "--noediting",
                "-i",
            ])
            .env("PS1", PROMPT)
            .env("ESCRUN", env!("CARGO_BIN_EXE_escrun"))
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::from(terminal))
            .spawn()
            .unwrap();
        let mut session = Self {
            _leash: Leash::on(shell.id()),
            shell,
            person,
            _env: env,
        };
        session.see(PROMPT);
        session.enter("alias e='$ESCRUN --env app --supervise --'; stty -echo");
        session.see(PROMPT);
        session
    }

    /// Reads until `text` has come; gives all that was there before it.
    fn see(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            self.person
                .read_exact(&mut byte)
                .unwrap_or_else(|_| panic!("no {text:?} in {:?}", String::from_utf8_lossy(&seen)));
            seen.push(byte[0]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    fn press(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).unwrap();
    }

    /// Has a line come back from the cat(1) in the foreground, which surely runs then.
    fn talk(&mut self) {
        self.enter("hear me");
        self.see("hear me");
    }

    /// The status of the last command.
    fn status(&mut self) -> String {
        self.enter("echo =$?=");
        self.see("=");
        self.see("=").trim_end_matches('=').to_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn session() -> Option<Session> {
    have(&["bash", "setsid"]).then(Session::begin)
}

#[test]
fn keys_reach_the_command() {
    let Some(mut session) = session() else { return };
    for (key, status) in [("\x03", "130"), ("\x1c", "131")] {
        session.enter("e cat");
        session.talk();
        session.press(key);
        session.see(PROMPT);
        assert_eq!(session.status(), status);
        session.see(PROMPT);
    }
}

#[test]
fn a_job_stops_and_goes_on_in_the_foreground() {
    let Some(mut session) = session() else { return };
    session.enter("e cat");
    session.talk();
    session.press("\x1a");
    session.see("Stopped");
    session.see(PROMPT);
    session.enter("fg");
    session.talk();
    session.press("\x04");
    session.see(PROMPT);
    assert_eq!(session.status(), "0");
}

#[test]
fn a_job_in_the_background_stops_when_it_reads() {
    let Some(mut session) = session() else { return };
    session.enter("e cat &");
    // What a job comes to is told before a prompt.
    let mut told = String::new();
    while !told.contains("Stopped") {
        session.enter("jobs");
        told = session.see(PROMPT);
    }
    session.enter("fg");
    session.talk();
    session.press("\x04");
    session.see(PROMPT);
}

#[test]
fn a_pipeline_is_one_job() {
    let Some(mut session) = session() else { return };
    session.enter("e cat | cat");
    session.talk();
    session.press("\x1a");
    session.see("Stopped");
    session.see(PROMPT);
    session.enter("fg");
    session.talk();
    session.press("\x03");
    session.see(PROMPT);
    assert_eq!(session.status(), "130");
    session.see(PROMPT);
    session.enter("printf 'first\\n' | e cat");
    session.see("first");
    session.see(PROMPT);
}

#[test]
fn a_script_ends_with_the_command_that_is_interrupted() {
    let Some(mut session) = session() else { return };
    session.enter("sh -c '$ESCRUN --env app --supervise -- cat; echo went on'");
    session.talk();
    session.press("\x03");
    let seen = session.see(PROMPT);
    assert!(!seen.contains("went on"), "{seen}");
}

#[test]
fn a_shell_in_it_has_jobs_of_its_own() {
    let Some(mut session) = session() else { return };
    session.enter("e bash --norc --noediting -i");
    session.see(PROMPT);
    session.enter("cat");
    session.talk();
    session.press("\x1a");
    session.see("Stopped");
    session.see(PROMPT);
    // Who asks for jobs is not warned of them.
    session.enter("kill -9 %1; jobs; exit 6");
    session.see(PROMPT);
    assert_eq!(session.status(), "6");
}
