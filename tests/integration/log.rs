//! What a supervisor tells, and that telling it never gets in its way.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::test_env::TestEnv;
use crate::outside::{have, skip};

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

fn project() -> TestEnv {
    let env = TestEnv::empty();
    env.define("plain", "values:\n  a: 1\n");
    env
}

/// The lines of JSON among others.
fn objects(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_supervisor_tells_nothing_unless_it_is_asked_to() {
    let ended = project().escrun(["-e", "plain", "--supervise", "--", "sh", "-c", "exit 3"]);
    assert_eq!((ended.status, &*ended.stderr, &*ended.stdout), (3, "", ""));
}

#[test]
fn events_are_lines_with_names_and_numbers() {
    let env = project();
    let command = ["--", "sh", "-c", "echo out; exit 3"];
    let verbose = ["-e", "plain", "--supervise", "-v"];
    let ended = env.escrun(verbose.into_iter().chain(command));
    let line = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("escrun: the command"));
    let line = line.unwrap_or_else(|| panic!("{ended:?}"));
    assert!(
        line.starts_with("escrun: the command ended with status 3 child="),
        "{line}"
    );
    assert!(line.ends_with(" status=3"), "{line}");
    assert_eq!((ended.status, &*ended.stdout), (3, "out\n"));

    let json = ["-e", "plain", "--supervise", "-v", "--log-format", "json"];
    let ended = env.escrun(json.into_iter().chain(command));
    assert_eq!((ended.status, &*ended.stdout), (3, "out\n"));
    let objects = objects(&ended.stderr);
    let end = objects.iter().find(|object| object["status"] == 3).unwrap();
    assert_eq!(end["level"], "info");
    assert_eq!(end["message"], "the command ended with status 3");
    assert!(end["child"].is_u64(), "{end}");
    let time = end["time"].as_str().unwrap();
    humantime::parse_rfc3339(time).unwrap();
}

/// The fixture tells more than a pipe holds, with all signals blocked, and says which wait in the end.
fn tell_into(stderr: impl Into<Stdio>) -> String {
    let output = Command::new(SUBJECT)
        .args(["log", "5000"])
        .stderr(stderr)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn nobody_has_to_read() {
    let (reader, writer) = std::io::pipe().unwrap();
    assert_eq!(tell_into(writer), "pending: false\n");
    drop(reader);
    let (mine, other) = UnixStream::pair().unwrap();
    assert_eq!(tell_into(OwnedFd::from(other)), "pending: false\n");
    drop(mine);
}

#[test]
fn nobody_has_to_be_there() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(tell_into(writer), "pending: false\n");
    let (mine, other) = UnixStream::pair().unwrap();
    drop(mine);
    assert_eq!(tell_into(OwnedFd::from(other)), "pending: false\n");
}

#[test]
fn what_was_lost_is_told_later() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = Command::new(SUBJECT)
        .args(["log", "5000", "wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .unwrap();
    // It says so when the pipe is full and all else is lost.
    let mut said = [0; 15];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"pending: false\n");
    let mut first = vec![0; 32 << 10];
    reader.read_exact(&mut first).unwrap();
    // Then it tells one event more.
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    let lines: Vec<_> = rest.lines().collect();
    let [.., lost, last] = &lines[..] else {
        panic!("{rest}");
    };
    assert!(
        lost.starts_with("escrun: warning: some messages could not be written lost="),
        "{lost}"
    );
    assert_eq!(*last, "escrun: the last");
}

/// Starts the journal in a /run of its own, runs escrun with its output there, and prints the entries of escrun.
const WITH_JOURNAL: &str = "
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal || exit 99
[ ! -d /var/log/journal ] || mount -t tmpfs tmpfs /var/log/journal || exit 99
/lib/systemd/systemd-journald 2> /dev/null &
journal=$!
until [ -S /run/systemd/journal/socket ] || ! kill -0 $journal; do sleep 0.02; done
# As systemd does it for a service.
systemd-cat sh -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$ESCRUN\" -e plain --supervise -v -- sh -c \"exit 3\"'
entries() { journalctl --directory=/run/log/journal -o json SYSLOG_IDENTIFIER=escrun 2> /dev/null; }
tries=0
until entries | grep -q ESCRUN_STATUS || [ $((tries += 1)) -gt 500 ]; do sleep 0.02; done
entries
kill $journal
";

#[test]
fn the_real_journal_gets_fields() {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may mount a folder for the journal");
        return;
    }
    let journal = Path::new("/lib/systemd/systemd-journald");
    if !have(&["unshare", "journalctl", "systemd-cat"]) || !journal.exists() {
        return;
    }
    let env = project();
    let output = env
        .command("unshare")
        .args(["--mount", "--propagation=private", "sh", "-c", WITH_JOURNAL])
        .env("ESCRUN", env!("CARGO_BIN_EXE_escrun"))
        .output()
        .unwrap();
    if output.status.code() == Some(99) {
        skip("nothing can be mounted here");
        return;
    }
    let entries = objects(&String::from_utf8_lossy(&output.stdout));
    let end = entries.iter().find(|entry| entry["ESCRUN_STATUS"] == "3");
    let end = end.unwrap_or_else(|| panic!("{output:?}"));
    assert_eq!(end["MESSAGE"], "the command ended with status 3");
    assert_eq!(end["PRIORITY"], "6");
    assert!(end["ESCRUN_CHILD"].is_string(), "{end}");
    assert_eq!(end["_TRANSPORT"], "journal");
}
