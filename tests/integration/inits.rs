//! What an init must do, judged by `tests/matrix`: as the first process of a namespace, and below another.

use std::path::Path;
use std::process::Command;

use crate::outside::{have, skip};

const ESCRUN: &str = env!("CARGO_BIN_EXE_escrun");

/// Runs a script of `tests/matrix` on escrun; what it prints says what is wrong.
fn play(script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix");
    let output = Command::new("python3")
        .arg(folder.join(script))
        .args(["--bin", ESCRUN])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whether a process may have a namespace of its own, in which it is the first.
fn has_namespaces() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    let users: &[&str] = if is_root {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let probe = Command::new("unshare")
        .args(users)
        .args(["--pid", "--fork", "--mount-proc", "true"])
        .output();
    let allowed = probe.is_ok_and(|output| output.status.success());
    if !allowed {
        skip("there are no namespaces for this user");
    }
    allowed
}

#[test]
fn the_first_process_is_an_init() {
    if have(&["python3", "unshare", "bash"]) && has_namespaces() {
        play("run", &["--programs", "escrun", "--only", "pid1/*"]);
    }
}

#[test]
fn below_another_process_it_is_as_if_it_were_not_there() {
    if have(&["python3", "bash", "vim", "less"]) {
        play("run", &["--programs", "escrun", "--only", "child/*"]);
    }
}

#[test]
fn nothing_is_left_when_somebody_is_killed() {
    if have(&["python3"]) {
        play("storm", &["--count", "30"]);
    }
}
