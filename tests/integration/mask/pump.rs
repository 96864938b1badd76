//! Output of real programs on its way through a pump.

use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use escrun::run::mask::{Matcher, Pump, Redactor};
use escrun::sys::pty::Pty;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::terminal::new_terminal;

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    Redactor::new(Arc::new(Matcher::new(&secrets)))
}

/// A shell script whose output goes through a pump that knows `hunter2`; its input, and what comes out.
fn start(script: &str) -> (Child, Pump, PipeReader) {
    let (from, to_pump) = pipe().unwrap();
    let (out, to) = pipe().unwrap();
    let child = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(to_pump)
        .spawn()
        .expect("a shell");
    let pump = Pump::start(redactor(&["hunter2"]), from.into(), to.into()).expect("a pump");
    (child, pump, out)
}

/// Reads until `text` has come: no more than that may have.
fn expect(from: &mut impl Read, text: &str) {
    let mut seen = vec![0; text.len()];
    from.read_exact(&mut seen).expect("more output");
    assert_eq!(String::from_utf8_lossy(&seen), text);
}

/// Waits until a pump says that it is done.
fn wait_until_done(pump: &Pump) {
    poll(
        &mut [PollFd::new(pump.done(), PollFlags::POLLIN)],
        PollTimeout::NONE,
    )
    .expect("a pipe");
}

#[test]
fn output_comes_masked_and_at_once() {
    let (mut child, pump, mut out) = start(
        "printf 'password? '; read x; printf 'hun'; read x; printf 'ter2, '; read x; echo hunt",
    );
    let mut keyboard = child.stdin.take().unwrap();
    // Each waits for what the one before has made possible.
    expect(&mut out, "password? ");
    keyboard.write_all(b"\n\n").unwrap();
    expect(&mut out, "[secret], ");
    keyboard.write_all(b"\n").unwrap();
    expect(&mut out, "hunt\n");
    assert!(child.wait().unwrap().success());
    wait_until_done(&pump);
    pump.join().expect("all was written");
    assert_eq!(out.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_pump_ends_though_somebody_holds_the_stream() {
    // The background process ends when it is told to: when its input is closed.
    let (mut child, mut pump, mut out) = start("exec 3<&0; cat <&3 >/dev/null & echo is hunter2");
    assert!(child.wait().unwrap().success());
    pump.drain();
    wait_until_done(&pump);
    pump.join().expect("all was written");
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert_eq!(text, "is [secret]\n");
}

#[test]
fn a_pump_passes_on_what_is_there_before_it_says_so() {
    let (from, mut to_pump) = pipe().unwrap();
    let (mut out, to) = pipe().unwrap();
    let mut pump = Pump::start(redactor(&["hunter2"]), from.into(), to.into()).expect("a pump");
    for _ in 0..100 {
        to_pump.write_all(b"is hunter2, hun").unwrap();
        pump.settle(60_000);
        let flags = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&out, flags).unwrap();
        expect(&mut out, "is [secret], ");
        to_pump.write_all(b"ter2").unwrap();
        pump.settle(60_000);
        expect(&mut out, "[secret]");
    }
    drop(to_pump);
    pump.join().expect("all was written");
    // Nobody is there to answer.
    let (from, to_pump) = pipe().unwrap();
    let (_out, to) = pipe().unwrap();
    let mut pump = Pump::start(redactor(&[]), from.into(), to.into()).expect("a pump");
    drop(to_pump);
    wait_until_done(&pump);
    pump.settle(60_000);
}

#[test]
fn a_writer_that_never_ends_does_not_keep_a_pump() {
    let (mut child, mut pump, mut out) = start("yes & exec 1>&-; read x; kill $!");
    let mut keyboard = child.stdin.take().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    pump.drain();
    wait_until_done(&pump);
    pump.join().expect("all was written");
    reader.join().unwrap().expect("a reader");
    keyboard.write_all(b"\n").unwrap();
    child.wait().unwrap();
}

#[test]
fn a_writer_that_nobody_reads_is_told() {
    let (mut child, pump, out) = start("exec yes");
    drop(out);
    wait_until_done(&pump);
    let error = pump.join().expect_err("nobody reads");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    // Rust's standard library gives SIGPIPE its default in what it starts.
    assert_eq!(child.wait().unwrap().signal(), Some(13));
}

#[test]
fn what_is_not_taken_at_once_is_written_later() {
    let (from, mut to_pump) = pipe().unwrap();
    let (out, to) = pipe().unwrap();
    let flags = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
    nix::fcntl::fcntl(&to, flags).unwrap();
    let pump = Pump::start(redactor(&["hunter2"]), from.into(), to.into()).expect("a pump");
    let text = "so much of hunter2 ".repeat(50_000);
    let expected = "so much of [secret] ".repeat(50_000);
    let writer = std::thread::spawn(move || to_pump.write_all(text.as_bytes()));
    let mut seen = String::new();
    { out }.read_to_string(&mut seen).unwrap();
    assert!(seen == expected);
    writer.join().unwrap().expect("a reader");
    pump.join().expect("all was written");
}

#[test]
fn a_terminal_ends_with_its_last_program() {
    let (_person, terminal) = new_terminal().expect("a terminal");
    let pty = Pty::like(terminal.as_fd()).expect("a terminal");
    let (mut out, to) = pipe().unwrap();
    let slave = || Stdio::from(pty.slave.try_clone().unwrap());
    let key = "first line of a key\nhunter2\n";
    let mut child = Command::new("sh")
        .args(["-c", "test -t 1 && printf 'it is %s.' \"$KEY\""])
        .env("KEY", key)
        .stdin(slave())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .expect("a shell");
    let Pty { master, slave } = pty;
    let pump = Pump::start(redactor(&[key]), master, to.into()).expect("a pump");
    assert!(child.wait().unwrap().success());
    drop::<OwnedFd>(slave);
    wait_until_done(&pump);
    pump.join().expect("all was written");
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert_eq!(text, "it is [secret].");
    drop::<File>(terminal);
}
