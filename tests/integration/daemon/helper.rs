//! The process that starts programs for the daemon.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::served::Served;
use crate::cli::test_env::TestEnv;
use crate::crypt::plugin::TOY_PLUGIN;

/// What is told when the helper is gone.
const GONE: &str = "the process that starts programs is gone: no plugin, command";

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

/// How long anything may take. Nothing is judged by it but that it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a line of shell that the helper starts prints, and how it ends.
fn helped(script: &str) -> String {
    started(&["/bin/sh", "-c", script, "name", "a", "b c"])
}

fn started(words: &[&str]) -> String {
    let mut child = Command::new(SUBJECT)
        .arg("helped")
        .args(words)
        .env("ESCRUN_IDENTITY", "withheld")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the fixture starts");
    // What it does not read is no fault.
    let _ = child.stdin.take().expect("a pipe").write_all(b"typed\n");
    let Output { stdout, .. } = child.wait_with_output().expect("an end");
    String::from_utf8(stdout).expect("text")
}

#[test]
fn a_program_gets_what_it_is_given_and_its_end_is_told() {
    for (script, expected) in [
        (r#"echo "$1|$2|$#""#, "a|b c|2\nexit status: 0\n"),
        ("cat; pwd; exit 3", "typed\n/dev\nexit status: 3\n"),
        ("kill -TERM $$", "signal: 15 (SIGTERM)\n"),
        // The shell adds some of its own.
        (
            r#"tr '\0' '\n' < /proc/$$/environ"#,
            "GREETING=hello\nexit status: 0\n",
        ),
        (
            "echo /proc/self/fd/*",
            "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\nexit status: 0\n",
        ),
        (
            "grep NoNewPrivs /proc/self/status",
            "NoNewPrivs:\t1\nexit status: 0\n",
        ),
    ] {
        assert_eq!(helped(script), expected, "{script}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    for (program, expected) in [
        ("/nowhere", "No such file or directory (os error 2)\n"),
        ("/etc/passwd", "Permission denied (os error 13)\n"),
    ] {
        assert_eq!(started(&[program]), expected);
    }
}

#[test]
fn plugins_unwrap_in_the_helper_for_who_may_not_start_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = folder.path().join("age-plugin-toy");
    fs::write(&plugin, TOY_PLUGIN).expect("a file");
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).expect("a mode");
    let identity = folder.path().join("identity");
    fs::write(&identity, "AGE-PLUGIN-TOY-177ZNG8\n").expect("a file");
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o600)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    for (answer, expected) in [
        ("1234", "content\ncontent\n1\n"),
        ("4321", "wrong PIN\nwrong PIN\n1\n"),
    ] {
        let output = Command::new(SUBJECT)
            .arg("plugged")
            .arg(&identity)
            .args(["age1toy1sh4lrv", answer])
            .env("PATH", &path)
            .output()
            .expect("the fixture starts");
        let shown = String::from_utf8_lossy(&output.stdout);
        let lines = shown.lines().zip(expected.lines());
        let differs = lines.clone().find(|(shown, line)| !shown.contains(line));
        assert_eq!(differs, None, "{output:?}");
        assert_eq!(shown.lines().count(), 3, "{output:?}");
    }
}

/// A program with a child, both of which say who they are, and who looks after them.
const FAMILY: &str = "sleep 1000 & echo $$ $! $PPID $(cut -d' ' -f4 /proc/$PPID/stat); wait";

/// The fixture, and the processes that [`FAMILY`] names.
fn family() -> (std::process::Child, Vec<String>) {
    let mut child = Command::new(SUBJECT)
        .args(["helped-for-a-line", "/bin/sh", "-c", FAMILY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the fixture starts");
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let pids: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    assert_eq!(pids.len(), 4, "{line}");
    (child, pids)
}

/// Waits until none of the processes runs any more.
fn expect_gone(pids: &[String]) {
    let since = Instant::now();
    for pid in pids {
        while runs(pid) {
            assert!(since.elapsed() < PATIENCE, "{pid} still runs");
            sleep(Duration::from_millis(5));
        }
    }
}

/// Whether a process is there and no zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn a_program_that_is_let_go_is_killed_with_all_its_group() {
    let (mut child, pids) = family();
    assert!(pids.iter().all(|pid| runs(pid)));
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"\n")
        .expect("it reads");
    expect_gone(&pids);
    assert!(child.wait().expect("an end").success());
}

#[test]
fn nothing_outlives_a_daemon_that_is_killed() {
    let (mut child, pids) = family();
    assert!(pids.iter().all(|pid| runs(pid)));
    child.kill().expect("it can be killed");
    child.wait().expect("an end");
    expect_gone(&pids);
}

/// The process that starts programs for a daemon.
fn helper_of(served: &Served) -> i32 {
    let daemon = served.pid();
    let children = format!("/proc/{daemon}/task/{daemon}/children");
    let children = fs::read_to_string(children).expect("its children");
    children.trim().parse().expect("one child")
}

#[test]
fn that_the_helper_is_gone_is_told() {
    let env = TestEnv::project();
    env.define(
        "told",
        "values:\n  x:\n    fn::open::command: {command: [/bin/echo, hello]}\n",
    );
    let served = Served::start(env, "providers: {commands: [/bin/echo]}\n");
    let helper = helper_of(&served);
    assert_eq!(served.metric("escrun_helper_gone"), 0.0);
    kill(Pid::from_raw(helper), Signal::SIGKILL).expect("it can be killed");
    // Before anybody needs it.
    served.await_that("it is told and nothing is left", |served| {
        let status = served.request("GET /v1/status", "").text();
        status.contains(GONE) && !fs::exists(format!("/proc/{helper}")).expect("a place to look")
    });
    assert_eq!(served.metric("escrun_helper_gone"), 1.0);
    for name in ["told", "told\",\"app"] {
        let call = format!(r#"{{"environments":["{name}"],"view":"values"}}"#);
        served.await_that("the failure is told", |served| {
            let text = served.open(&call).text();
            text.contains("the process that starts programs is gone")
        });
    }
    // All else is served.
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
    let log = served.log();
    assert_eq!(log.matches(GONE).count(), 1, "{log}");
}

#[test]
fn a_helper_that_is_stopped_holds_up_nobody() {
    let env = TestEnv::project();
    env.define(
        "told",
        "values:\n  x:\n    fn::open::command: {command: [/bin/echo, hello]}\n",
    );
    let settings = "providers: {commands: [/bin/echo]}\nconfirm: [/bin/true]\n";
    env.write(
        "home/.config/escrun/policy.yaml",
        "rules:\n  - {peer: any, allow: open, environments: '*'}\n  - {peer: any, allow: decrypt, confirm: true}\n",
    );
    let served = Served::start(env, settings);
    let helper = Pid::from_raw(helper_of(&served));
    kill(helper, Signal::SIGSTOP).expect("it can be stopped");
    let told = served.open(r#"{"environments":["told"],"view":"values"}"#);
    let silent = "the process that starts programs does not answer";
    assert!(told.text().contains(silent), "{}", told.text());
    let stanzas = r#"{"stanzas":[{"type":"unknown","args":[],"body":""}]}"#;
    assert_ne!(served.request("POST /v1/unwrap", stanzas).status, 200);
    assert!(served.log().contains(silent), "{}", served.log());
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
    kill(helper, Signal::SIGCONT).expect("it can go on");
    served.await_that("it answers again", |served| {
        served
            .open(r#"{"environments":["told"],"view":"values"}"#)
            .status
            == 200
    });
}

#[test]
fn a_service_ends_with_its_helper_to_be_started_with_another() {
    let env = TestEnv::project();
    env.write(
        "policy.yaml",
        "rules: [{peer: any, environments: '*', allow: [open]}]\n",
    );
    let manager = UnixDatagram::bind(env.path("notify")).expect("a socket");
    let [settings, policy, notify] =
        ["home/.config/escrun/daemon.yaml", "policy.yaml", "notify"].map(|name| env.path(name));
    let notify = format!("NOTIFY_SOCKET={}", notify.display());
    let escrun = ["env", &notify, env!("CARGO_BIN_EXE_escrun")];
    let mut served = Served::start_by(
        &escrun,
        env,
        "providers: {commands: [/bin/echo]}\n",
        &[
            "--system",
            "--config",
            settings.to_str().expect("text"),
            "--policy",
            policy.to_str().expect("text"),
        ],
    );
    let helper = helper_of(&served);
    kill(Pid::from_raw(helper), Signal::SIGKILL).expect("it can be killed");
    assert_eq!(served.wait().code(), Some(1), "{}", served.log());
    assert!(served.log().contains(GONE), "{}", served.log());
    drop(manager);
}
