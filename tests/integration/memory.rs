//! Nothing of a secret is left in a process that is done with it.

mod command_line;
#[cfg(target_os = "linux")]
mod supervisor;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::scan::Scanner;

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");
const LEAKER: &str = env!("CARGO_BIN_EXE_fixture-leaker");

/// Kills the process when the test is done with it.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives new secrets to a program, and scans it when it says that it is done with them.
fn scan(program: &str, arguments: &[&str]) -> Vec<String> {
    let secrets: Vec<String> = [24, 48, 1000].map(random_text).into();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the fixture starts");
    let mut input = child.stdin.take().expect("a pipe");
    let output = child.stdout.take().expect("a pipe");
    let running = Running(child);
    input
        .write_all(secrets.join("\n").as_bytes())
        .expect("the fixture reads");
    drop(input);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    Scanner::new(&secrets).scan(running.0.id())
}

/// Letters that stand nowhere else.
pub(crate) fn random_text(length: usize) -> String {
    let mut bytes = vec![0; length];
    let mut source = File::open("/dev/urandom").expect("random bytes");
    source.read_exact(&mut bytes).expect("random bytes");
    bytes
        .iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}

#[test]
fn nothing_is_left_of_secrets_that_were_used() {
    assert_eq!(scan(SUBJECT, &["use-and-forget"]), [""; 0]);
}

#[test]
fn the_scanner_finds_what_the_same_program_keeps() {
    assert!(!scan(SUBJECT, &["use-and-keep"]).is_empty());
}

#[test]
fn the_scanner_finds_what_a_careless_program_frees() {
    let findings = scan(LEAKER, &[]);
    // The heap has other names too: not every C library keeps it in one place.
    for on_stack in [true, false] {
        let found = |name: &String| (name == "[stack]") == on_stack;
        assert!(findings.iter().any(found), "{on_stack} in {findings:?}");
    }
}
