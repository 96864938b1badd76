//! The daemon's own socket, which others take away.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};

use nix::sys::signal::Signal;

use super::served::{Served, read_answer, request};
use crate::cli::test_env::TestEnv;

/// A program that is not to outlive the test, whatever becomes of that.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the daemon answers at its path.
#[track_caller]
fn await_answer(served: &Served) {
    served.await_that("the daemon is back in its place", Served::answers);
}

#[test]
fn a_name_that_was_taken_away_is_put_back() {
    let served = Served::project();
    fs::remove_file(served.socket()).unwrap();
    await_answer(&served);
    // By somebody who has no part in this, whose own nobody reaches any more.
    fs::remove_file(served.socket()).unwrap();
    let _other = UnixListener::bind(served.socket()).unwrap();
    // Whoever connects before that is the other's, and not answered.
    served.await_that("it is told", |served| {
        served.log().matches("is put back").count() == 2
    });
    await_answer(&served);
    // What is there is its own, and goes with it.
    let (socket, mut served) = (served.socket(), served);
    served.signal(Signal::SIGTERM);
    assert!(served.wait().success(), "{}", served.log());
    assert!(!socket.exists());
}

#[test]
fn who_has_connected_before_is_served_on() {
    let served = Served::project();
    let mut before = served.connect();
    fs::remove_file(served.socket()).unwrap();
    await_answer(&served);
    let health = request("GET /v1/health", "");
    before.write_all(&health).unwrap();
    let answer = read_answer(&mut before).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn without_its_folder_it_serves_in_a_new_one_or_says_why_it_ends() {
    for (settings, may_make_one) in [("", false), ("sandbox: false\n", true)] {
        let mut served = Served::start(TestEnv::project(), settings);
        fs::remove_dir_all(served.socket().parent().unwrap()).unwrap();
        // Where nothing shuts it in, as on a kernel that cannot, it makes another.
        if may_make_one || served.log().contains("files are not confined") {
            await_answer(&served);
            continue;
        }
        assert!(!served.wait().success());
        let log = served.log();
        let told = format!("the socket {} was taken away", served.socket().display());
        assert!(log.contains(&told), "{log}");
    }
}

#[test]
fn another_daemon_that_has_come_is_left_alone() {
    let mut served = Served::project();
    served.signal(Signal::SIGSTOP);
    // Without the file that both would lock, nothing keeps another one from coming.
    fs::remove_dir_all(served.socket().parent().unwrap()).unwrap();
    let path = |name: &str| served.env.path(name).display().to_string();
    let second = served
        .command(env!("CARGO_BIN_EXE_escrun"))
        .args(["daemon", "--dir", &path("project/environments")])
        .args(["--socket", &path("run/escrun.sock")])
        .args(["--audit", &path("other.jsonl")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let second = Killed(second);
    await_answer(&served);
    served.signal(Signal::SIGCONT);
    assert!(!served.wait().success());
    let (log, answers) = (served.log(), served.answers());
    drop(second);
    assert!(
        log.contains("was taken away, and cannot be put back"),
        "{log}"
    );
    assert!(answers, "the second one serves on");
}
