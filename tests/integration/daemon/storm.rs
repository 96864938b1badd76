//! A daemon that is killed at any moment leaves nothing that is in the way of the next one.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::served::{Served, request};
use crate::cli::test_env::{CANARY, TestEnv};

/// How often it is killed.
const ROUNDS: u64 = 12;

/// How many clients there are.
const CLIENTS: usize = 4;

/// Asks again and again, whatever happens; counts whole answers. What is given is never cut in the middle of a text that
/// looks whole.
fn ask(served: &std::path::Path, over: &AtomicBool, answered: &AtomicUsize) {
    let call = request("POST /v1/open", r#"{"environments":["app"]}"#);
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = UnixStream::connect(served) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        if stream.write_all(&call).is_err() {
            continue;
        }
        if let Ok(answer) = super::served::read_answer(&mut stream) {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.text().contains(CANARY));
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The processes that have `socket` in their arguments.
fn processes(socket: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let mut text = String::new();
        if let Ok(mut file) = fs::File::open(entry.path().join("cmdline")) {
            let _ = file.read_to_string(&mut text);
        }
        if text.contains(socket) {
            found.push(text.replace('\0', " "));
        }
    }
    found
}

#[test]
fn a_daemon_can_be_killed_at_any_moment() {
    let mut served = Served::start(TestEnv::project(), "providers: {plugins: true}\n");
    let socket = served.socket();
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| ask(&socket, &over, &answered));
        }
        for round in 0..ROUNDS {
            let before = answered.load(Ordering::Relaxed);
            // At another point of what it does each time, but not before it has done something.
            served.await_that("clients are answered", |_| {
                answered.load(Ordering::Relaxed) > before
            });
            thread::sleep(Duration::from_micros(round * 1733 % 10_000));
            served.signal(Signal::SIGKILL);
            assert!(!served.wait().success());
            // Its socket is in nobody's way.
            served.restart();
        }
        over.store(true, Ordering::Relaxed);
    });
    let verified = served
        .env
        .prepare(["audit", "verify"])
        .arg(served.env.path("audit.jsonl"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    // Every answer that anyone has got stands in it.
    let opened = served.audit();
    let opened = opened.iter().filter(|line| line["call"] == "open");
    assert!(opened.count() >= answered.load(Ordering::Relaxed));
    served.signal(Signal::SIGTERM);
    assert!(served.wait().success(), "{}", served.log());
    assert!(!socket.exists());
    let name = socket.display().to_string();
    served.await_that("nothing runs any more", |_| processes(&name).is_empty());
}
