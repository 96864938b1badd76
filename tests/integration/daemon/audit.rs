//! What a daemon writes down, whatever becomes of it and of its file.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use nix::sys::signal::Signal;

use super::served::{Served, read_answer, request};
use crate::cli::test_env::{CANARY, Ended, TestEnv};
use crate::outside::have;

const OPEN: &str = r#"{"environments":["app"]}"#;

/// Small files, so that there are many.
const SMALL_FILES: &str = "audit: {maxSize: 4K, keep: 1000}\n";

/// What `escrun audit verify` says of all files of the daemon's audit.
fn verify(env: &TestEnv, arguments: &[&str]) -> Ended {
    let mut files: Vec<_> = fs::read_dir(env.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("audit.jsonl")
        })
        .collect();
    // The order says nothing.
    files.sort();
    let words = ["audit", "verify"].map(Path::new).into_iter();
    let words = words.chain(arguments.iter().map(Path::new));
    env.escrun(words.chain(files.iter().map(AsRef::as_ref)))
}

/// How many decisions it counts.
#[track_caller]
fn decisions(env: &TestEnv) -> usize {
    let ended = verify(env, &[]).succeeds();
    let line = ended.stdout.lines().next().unwrap();
    let (_, count) = line.rsplit_once(", ").unwrap();
    let (count, _) = count.split_once(' ').unwrap();
    count.parse().unwrap()
}

#[test]
fn every_decision_is_a_line_with_names_and_without_values() {
    let served = Served::project();
    served.open(OPEN);
    served.open(r#"{"environments":["missing"]}"#);
    served.request("POST /v1/lock", "");
    served.open(OPEN);
    let lines = served.audit();
    let decided: Vec<_> = lines
        .iter()
        .filter(|line| line.get("call").is_some())
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            format!("{} {} {}", text("call"), text("decision"), text("reason"))
        })
        .collect();
    assert_eq!(decided[0], "open allowed ", "{lines:?}");
    assert_eq!(decided[1], "open failed not found", "{lines:?}");
    assert!(decided.contains(&"lock allowed ".to_owned()), "{lines:?}");
    let first = lines.iter().find(|line| line["call"] == "open").unwrap();
    assert_eq!(first["environments"][0], "app");
    let names = first["variables"].as_array().unwrap();
    assert!(names.contains(&"SECRETS_API_KEY".into()), "{first}");
    assert_eq!(first["peer"]["pid"], std::process::id());
    assert_eq!(first["rule"], "owner");
    assert!(first["revision"].as_str().unwrap().len() >= 16);
    assert!(!served.env.read("audit.jsonl").contains(CANARY));
}

#[test]
fn a_daemon_that_is_killed_at_any_moment_leaves_a_whole_chain() {
    let mut served = Served::start(TestEnv::project(), SMALL_FILES);
    let mut given = 0;
    for round in 0..15 {
        let mut stream = served.connect();
        let asked = request("POST /v1/open", OPEN);
        for _ in 0..10 * round {
            stream.write_all(&asked).unwrap();
            assert_eq!(read_answer(&mut stream).unwrap().status, 200);
            given += 1;
        }
        // While it does as much as it can.
        stream.write_all(&asked.repeat(50)).unwrap();
        served.signal(Signal::SIGKILL);
        served.wait();
        while read_answer(&mut stream).is_ok_and(|answer| answer.status == 200) {
            given += 1;
        }
        // Nothing was given that is not written down.
        assert!(decisions(&served.env) >= given);
        served.restart();
    }
    assert!(decisions(&served.env) >= given);
    assert!(served.env.path("audit.jsonl.3").exists());
}

#[test]
fn nothing_is_given_that_cannot_be_written_down() {
    if !have(&["prlimit"]) {
        return;
    }
    let served = Served::project();
    assert_eq!(served.open(OPEN).status, 200);
    let limit = |size: &str| {
        let limited = served
            .command("prlimit")
            .args(["--pid", &served.pid().to_string()])
            .arg(format!("--fsize={size}:unlimited"))
            .status();
        assert!(limited.unwrap().success());
    };
    let size = fs::metadata(served.env.path("audit.jsonl")).unwrap().len();
    // A part of a line has room.
    limit(&(size + 100).to_string());
    for _ in 0..3 {
        let refused = served.open(OPEN);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(!refused.text().contains(CANARY));
    }
    // What needs no secret is answered all the same.
    assert_eq!(served.request("GET /v1/health", "").status, 200);
    // And what takes secrets away is done.
    let locked = served.request("POST /v1/lock", "");
    assert_eq!(
        (locked.status, locked.json()["locked"].as_bool()),
        (200, Some(true))
    );
    assert_eq!(locked.json()["unrecorded"], true);
    let told = served
        .env
        .escrun(["lock", "--socket", served.socket().to_str().unwrap()]);
    let told = told.succeeds();
    assert!(
        told.stderr.contains("it is not in the daemon's audit"),
        "{}",
        told.stderr
    );
    assert!(
        served
            .log()
            .contains("does not say that the identities were locked")
    );
    limit("unlimited");
    let unlocked = served.request("POST /v1/unlock", "");
    assert_eq!(unlocked.status, 200);
    assert_eq!(
        served.request("POST /v1/lock", "").json().get("unrecorded"),
        None
    );
    assert_eq!(served.request("POST /v1/unlock", "").status, 200);
    assert_eq!(served.open(OPEN).status, 200);
    assert_eq!(decisions(&served.env), 5);
    // Once, however often somebody asks.
    let log = served.log();
    assert_eq!(
        log.matches("the audit cannot be written").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_file_that_was_moved_away_is_begun_again_on_request() {
    let mut served = Served::project();
    served.open(OPEN);
    let path = |name: &str| served.env.path(name);
    fs::rename(path("audit.jsonl"), path("audit.jsonl-yesterday")).unwrap();
    served.signal(Signal::SIGHUP);
    served.await_that("a new file", |served| {
        served.env.path("audit.jsonl").exists()
    });
    served.open(OPEN);
    fs::remove_file(path("audit.jsonl")).unwrap();
    // Nobody has to say so.
    served.open(OPEN);
    assert!(path("audit.jsonl").exists());
    served.signal(Signal::SIGTERM);
    assert!(served.wait().success());
    assert!(served.env.read("audit.jsonl").contains(r#""event":"stop""#));
}

#[test]
fn an_audit_that_was_changed_does_not_pass() {
    let mut served = Served::start(TestEnv::project(), "audit: {maxSize: 2K}\n");
    for _ in 0..8 {
        served.open(OPEN);
    }
    served.signal(Signal::SIGTERM);
    served.wait();
    let env = &served.env;
    let whole = verify(env, &[]).succeeds().stdout;
    let (_, head) = whole.trim().rsplit_once("head: ").unwrap();
    verify(env, &["--expect", head]).succeeds();
    let json = verify(env, &["--message-format", "json"]).succeeds().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let said = format!(
        "whole: lines {} to {} in {} files, {} decisions\nhead: {}\n",
        json["first"],
        json["last"],
        json["files"],
        json["decisions"],
        json["head"].as_str().unwrap()
    );
    assert_eq!(said, whole);
    assert_eq!((&json["whole"], &json["torn"]), (&true.into(), &0.into()));
    verify(env, &["--expect", "abc"]).fails(
        2,
        &["error: --expect: a hash has 64 hexadecimal digits, the letters in lower case"],
    );
    let other = head.chars().rev().collect::<String>();
    verify(env, &["--expect", &other]).fails(
        1,
        &[
            &format!("error: no line has the hash {other}"),
            "  hint: lines were cut off at its end, or it was written anew",
        ],
    );
    let file = env.path("audit.jsonl.1");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"allowed\"", "\"denied!\"", 1)).unwrap();
    let told = verify(env, &[]);
    assert_eq!(told.status, 1, "{told:?}");
    assert!(
        told.stderr
            .contains("/audit.jsonl.1:2: the line was changed, or is none"),
        "{told:?}"
    );
    let told = verify(env, &["--message-format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&told.stderr).unwrap();
    assert_eq!(
        (told.status, &*told.stdout, &json["severity"]),
        (1, "", &"error".into())
    );
    fs::remove_file(&file).unwrap();
    let told = verify(env, &[]);
    assert!(
        told.stderr.contains("/audit.jsonl:1: ")
            && told.stderr.contains(" missing in front of this one"),
        "{told:?}"
    );
}

#[test]
fn the_agents_own_audit_is_verified_without_a_name() {
    let env = TestEnv::empty();
    let state = env.path("home/.local/state/escrun/audit.jsonl");
    let missing = env.escrun(["audit", "verify"]);
    assert_eq!(missing.status, 1, "{missing:?}");
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    let served = Served::project();
    served.open(OPEN);
    fs::copy(served.env.path("audit.jsonl"), &state).unwrap();
    let whole = env.escrun(["audit", "verify"]).succeeds();
    assert!(
        whole
            .stdout
            .starts_with("whole: lines 1 to 2 in 1 file, 1 decision\n")
    );
    // One that breaks off is told, and passes.
    let mut file = fs::OpenOptions::new().append(true).open(&state).unwrap();
    file.write_all(b"{\"seq\":3,").unwrap();
    let told = env.escrun(["audit", "verify"]).succeeds();
    assert!(
        told.stderr.contains("audit.jsonl:3: the line broke off"),
        "{told:?}"
    );
}

#[test]
fn what_is_no_audit_is_left_alone() {
    let env = TestEnv::project();
    let notes = env.write("notes.txt", "something else\n");
    let refused = env.escrun([
        "daemon".as_ref(),
        "--socket".as_ref(),
        env.path("run/escrun.sock").as_path(),
        "--audit".as_ref(),
        &notes,
    ]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("notes.txt: holds something else than an audit"),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(notes).unwrap(), "something else\n");
}
