//! What is called and what is answered.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;

use super::served::{Served, read_answer, read_head, request};
use crate::cli::test_env::{CANARY, TestEnv};

#[test]
fn environments_are_opened_as_variables_as_values_and_by_path() {
    let served = Served::project();
    let answer = served.open(r#"{"environments":["app","production"]}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    let json = answer.json();
    assert_eq!(json["variables"]["APP_HOST"], "example.org");
    assert_eq!(json["variables"]["SECRETS_API_KEY"], CANARY);
    let values = served
        .open(r#"{"environments":["app"],"view":"values"}"#)
        .json();
    assert_eq!(values["values"]["app"]["port"], 8080);
    let value = served.open(r#"{"environments":["app"],"view":"values","path":"app.host"}"#);
    assert_eq!(value.json()["value"], "localhost");
    let audit = served.audit();
    let opened = audit.iter().filter(|line| line["call"] == "open").count();
    assert_eq!(opened, 2, "{audit:?}");
    assert!(
        audit
            .iter()
            .any(|line| line["call"] == "value" && line["path"] == "app.host")
    );
    assert!(!served.env.read("audit.jsonl").contains(CANARY));
}

#[test]
fn a_connection_is_kept_and_requests_may_follow_each_other_at_once() {
    let served = Served::project();
    let mut stream = served.connect();
    let open = request("POST /v1/open", r#"{"environments":["production"]}"#);
    let health = request("GET /v1/health", "");
    stream
        .write_all(&[&open[..], &health, &open, &health].concat())
        .unwrap();
    for expected in ["\"APP_HOST\":\"example.org\"", "\"ok\":true"].repeat(2) {
        let answer = read_answer(&mut stream).unwrap();
        assert!(answer.text().contains(expected), "{answer:?}");
        assert_eq!(answer.field("connection"), None);
    }
    stream
        .write_all(b"GET /v1/health HTTP/1.0\r\n\r\n")
        .unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn only_the_head_is_sent_if_no_more_is_asked_for() {
    let served = Served::project();
    let mut stream = served.connect();
    stream.write_all(&request("HEAD /v1/health", "")).unwrap();
    stream.write_all(&request("GET /v1/health", "")).unwrap();
    let head = read_head(&mut stream).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(head, answer.head);
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let served = Served::project();
    let mut stream = served.connect();
    let body = r#"{"environments":["app"]}"#;
    let head = format!(
        "POST /v1/open HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(
        read_head(&mut stream).unwrap(),
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
}

#[test]
fn curl_is_understood_as_the_pages_have_it() {
    if !crate::outside::have(&["curl"]) {
        return;
    }
    let served = Served::project();
    let curl = |arguments: &str| {
        let line = format!("curl -sS --unix-socket \"$S\" {arguments}");
        let output = served
            .command("/bin/sh")
            .args(["-c", &line])
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(curl("http://localhost/v1/health"), "{\"ok\":true}\n");
    let open = r#"-d '{"environments":["app"]}' http://localhost/v1/open"#;
    assert!(curl(open).contains("\"APP_HOST\":\"localhost\""));
    // A body that is large enough for curl to ask first, and one that is too large.
    served.env.write(
        "project/large",
        format!(
            "{{\"environments\":[\"app\"],\"prefix\":\"{}\"}}",
            "A".repeat(200_000)
        ),
    );
    assert!(curl("-d @large http://localhost/v1/open").starts_with('{'));
    served.env.write("project/huge", "x".repeat(2_000_000));
    let refused = curl(
        "-H 'Expect: 100-continue' -o /dev/null -w '%{http_code}' -d @huge http://localhost/v1/open",
    );
    assert_eq!(refused, "413");
}

#[test]
fn faults_have_their_codes() {
    let served = Served::project();
    served.env.define("broken", "values: {a: '${nowhere}'}\n");
    for (line, body, status, code) in [
        ("GET /", "", 404, "not-found"),
        ("GET /v1/open", "", 405, "bad-method"),
        ("DELETE /v1/health", "", 405, "bad-method"),
        ("GET /v1/health?a=b", "", 400, "bad-request"),
        ("GET /v1/watch", "", 400, "bad-request"),
        ("GET /v1/watch?env=a&x=y", "", 400, "bad-request"),
        ("POST /v1/open", "", 400, "bad-request"),
        ("POST /v1/open", "[", 400, "bad-request"),
        (
            "POST /v1/open",
            r#"{"environments":[]}"#,
            400,
            "bad-request",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"x":1}"#,
            400,
            "bad-request",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"path":"a"}"#,
            400,
            "bad-request",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["nope"]}"#,
            404,
            "not-found",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["../app"]}"#,
            422,
            "faulty",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["app"],"view":"values","path":"nope"}"#,
            404,
            "not-found",
        ),
        (
            "POST /v1/open",
            r#"{"environments":["broken"]}"#,
            422,
            "faulty",
        ),
    ] {
        let answer = served.request(line, body);
        let json = answer.json();
        assert_eq!(
            (answer.status, json["error"]["code"].as_str()),
            (status, Some(code)),
            "{line} {body}: {json}"
        );
    }
    let faulty = served.open(r#"{"environments":["broken"]}"#).json();
    assert_eq!(faulty["diagnostics"][0]["environment"], "broken");
}

#[test]
fn a_lock_leaves_nothing_to_be_opened_until_it_is_unlocked() {
    let served = Served::project();
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
    let locked = served.request("POST /v1/lock", "").json();
    assert_eq!(locked["locked"], true);
    let refused = served.open(r#"{"environments":["app"]}"#);
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (423, &"locked".into())
    );
    assert_eq!(
        served.open(r#"{"environments":["production"]}"#).status,
        200,
        "it has no secret"
    );
    assert_eq!(
        served.request("POST /v1/unlock", "").json()["locked"],
        false
    );
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
}

#[test]
fn a_watcher_is_told_of_each_change_and_goes_on_where_it_was() {
    let served = Served::project();
    let mut stream = served.connect();
    stream
        .write_all(&request("GET /v1/watch?env=app,production", ""))
        .unwrap();
    let head = read_head(&mut stream).unwrap();
    assert!(
        head.contains("Content-Type: text/event-stream\r\n"),
        "{head}"
    );
    let first = read_event(&mut stream);
    served
        .env
        .define("production", "values:\n  app:\n    host: new.example.org\n");
    let second = read_event(&mut stream);
    assert_ne!(first, second);
    let opened = served
        .open(r#"{"environments":["app","production"]}"#)
        .json();
    assert_eq!(opened["revision"], second.as_str());
    assert_eq!(opened["variables"]["APP_HOST"], "new.example.org");
    // Another one that has the last revision is told of the next alone.
    let mut resumed = served.connect();
    let line = "GET /v1/watch?env=app%2Cproduction HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ";
    resumed
        .write_all(format!("{line}{second}\r\n\r\n").as_bytes())
        .unwrap();
    read_head(&mut resumed).unwrap();
    served.await_that("two watch", |served| {
        served.metric("escrun_watchers") == 2.0
    });
    served.env.define(
        "production",
        "values:\n  app:\n    host: third.example.org\n",
    );
    let third = read_event(&mut resumed);
    assert_ne!(third, second);
    assert_eq!(read_event(&mut stream), third);
    drop((stream, resumed));
    served.await_that("nobody watches", |served| {
        served.metric("escrun_watchers") == 0.0
    });
}

/// Reads an event; gives its revision.
fn read_event(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\n\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    let id = text
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap();
    assert_eq!(
        text,
        format!("id: {id}\nevent: revision\ndata: {{\"revision\":\"{id}\"}}\n\n")
    );
    id.to_owned()
}

#[test]
fn the_end_of_a_daemon_leaves_no_socket_and_no_one_without_an_answer() {
    let mut served = Served::project();
    let mut fresh = served.connect();
    let mut idle = served.connect();
    idle.write_all(&request("GET /v1/health", "")).unwrap();
    read_answer(&mut idle).unwrap();
    let mut watcher = served.connect();
    watcher
        .write_all(&request("GET /v1/watch?env=app", ""))
        .unwrap();
    read_head(&mut watcher).unwrap();
    read_event(&mut watcher);
    served.await_that("all are let in", |served| {
        served.metric("escrun_connections") == 4.0
    });
    served.signal(Signal::SIGTERM);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "it had been answered");
    assert_eq!(watcher.read(&mut [0]).unwrap(), 0, "streams end");
    // Let in before the end: it is answered.
    fresh
        .write_all(&request("POST /v1/open", r#"{"environments":["app"]}"#))
        .unwrap();
    let answer = read_answer(&mut fresh).unwrap();
    assert_eq!(
        (answer.status, answer.field("connection")),
        (200, Some("close"))
    );
    assert!(served.wait().success());
    assert!(!served.socket().exists());
    served.restart();
    assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
}

#[test]
fn whoever_has_connected_before_the_end_is_answered() {
    let mut served = Served::project();
    served.signal(Signal::SIGSTOP);
    let mut waiting: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = served.connect();
            let open = request("POST /v1/open", r#"{"environments":["app"]}"#);
            stream.write_all(&open).unwrap();
            stream
        })
        .collect();
    // Both are there when it goes on.
    served.signal(Signal::SIGTERM);
    served.signal(Signal::SIGCONT);
    for stream in &mut waiting {
        assert_eq!(read_answer(stream).unwrap().status, 200);
    }
    assert!(served.wait().success());
}

#[test]
fn who_does_not_wait_for_a_persons_answer_takes_the_question_back() {
    let env = TestEnv::project();
    let asked = env.path("asked");
    let script = format!(
        "#!/bin/sh\necho $$ > {}\nexec sleep 1000\n",
        asked.display()
    );
    let program = env.write("ask", script);
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    env.write(
        "home/.config/escrun/policy.yaml",
        "rules:\n  - {peer: any, allow: decrypt, confirm: true}\n",
    );
    let served = Served::start(env, &format!("confirm: [{}]\n", program.display()));
    let stanzas = r#"{"stanzas":[{"type":"unknown","args":[],"body":""}]}"#;
    let mut stream = served.connect();
    stream
        .write_all(&request("POST /v1/unwrap", stanzas))
        .unwrap();
    served.await_that("a person is asked", |_| {
        fs::read_to_string(&asked).is_ok_and(|pid| pid.ends_with('\n'))
    });
    let pid = fs::read_to_string(&asked).unwrap();
    drop(stream);
    served.await_that("the question is gone", |_| {
        !Path::new("/proc").join(pid.trim()).exists()
    });
    served.await_that("it is written down", |served| {
        let audit = served.audit();
        let unwrap = audit.iter().find(|line| line["call"] == "unwrap");
        unwrap.is_some_and(|line| line["reason"] == "the peer did not wait")
    });
}

#[test]
fn a_second_daemon_is_told_of_the_first() {
    let served = Served::project();
    let socket = served.socket();
    let audit = served.env.path("other.jsonl");
    let words = [
        "daemon",
        "--socket",
        socket.to_str().unwrap(),
        "--audit",
        audit.to_str().unwrap(),
    ];
    let second = served.env.escrun(words);
    let told = format!("error: another daemon serves {}", socket.display());
    assert_eq!(second.stderr.lines().next(), Some(&*told));
    assert_eq!(second.status, 1);
    assert_eq!(served.request("GET /v1/health", "").status, 200);
}

#[test]
fn what_a_killed_daemon_leaves_does_not_hinder_the_next() {
    let mut served = Served::project();
    for _ in 0..3 {
        served.signal(Signal::SIGKILL);
        served.wait();
        assert!(served.socket().exists());
        served.restart();
        assert_eq!(served.open(r#"{"environments":["app"]}"#).status, 200);
    }
}

#[test]
fn it_tells_where_it_serves_and_what_is_not_there() {
    let program = "confirm: [/nowhere/ask]\n";
    let served = Served::start(TestEnv::project(), program);
    let absence = "there is no program /nowhere/ask, which the settings name";
    let serving = format!("escrun: serving socket={}", served.socket().display());
    let log = served.log();
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines.contains(&&*serving), "{log}");
    assert!(
        lines.contains(&&*format!("escrun: warning: {absence}")),
        "{log}"
    );
    let status = served.request("GET /v1/status", "").json();
    assert!(status["warnings"].to_string().contains(absence), "{status}");
}

#[test]
fn settings_that_are_at_fault_are_told_with_their_place() {
    let env = TestEnv::project();
    env.write(
        "home/.config/escrun/daemon.yaml",
        "idle: 15m\nlimits:\n  conections: 7\n",
    );
    let socket = env.path("s");
    let ended = env.escrun(["daemon", "--socket", socket.to_str().unwrap()]);
    let file = env.path("home/.config/escrun/daemon.yaml");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let expected = format!(
        "error: {}:3:3: limits: unknown key `conections`",
        file.display()
    );
    assert_eq!(lines, [&*expected, "  hint: did you mean `connections`?"]);
    assert_eq!(ended.status, 1);
}
