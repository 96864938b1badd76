//! One user whose file keys take for ever, and another whose do not.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use nix::unistd::geteuid;

use super::{Scene, output};
use crate::daemon::served::request;
use crate::outside::{have, skip};

/// More than are unwrapped at a time.
const MANY: usize = 80;

/// A plugin that never says anything.
const SILENT: &str = "#!/bin/sh\nexec sleep 1000\n";

#[test]
fn who_has_many_files_opened_leaves_room_for_others_and_is_not_served_when_gone() {
    if !geteuid().is_root() {
        return skip("only root may become another user");
    }
    if !have(&["age", "curl", "setpriv"]) {
        return;
    }
    // Outlives the daemon, which finds the plugin there.
    let programs = tempfile::tempdir().unwrap();
    let plugin = programs.path().join("age-plugin-toy");
    fs::write(&plugin, SILENT).unwrap();
    fs::set_permissions(&plugin, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", programs.path().display());
    let scene = Scene::made(
        &["env", &path],
        |_, identity| [identity, b"AGE-PLUGIN-TOY-177ZNG8\n"].concat(),
        &[],
        "providers: {plugins: true}\nsocket: {mode: 0666}\n",
    );
    for folder in ["", "run"] {
        let folder = scene.served.env.path(folder);
        fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }

    let silent = r#"{"stanzas":[{"type":"toy","args":[],"body":""}]}"#;
    let held: Vec<UnixStream> = (0..MANY)
        .map(|_| {
            let mut stream = scene.served.connect();
            let asked = stream.write_all(&request("POST /v1/unwrap", silent));
            asked.unwrap();
            stream
        })
        .collect();
    scene
        .served
        .await_that("all wait", |served| threads(served.pid()) > 16);

    let file = scene.encrypt(&scene.recipient);
    let header = String::from_utf8_lossy(&file);
    let mut lines = header.lines().skip(1);
    let argument = lines.next().unwrap().strip_prefix("-> X25519 ").unwrap();
    let body = lines.next().unwrap();
    let call =
        format!(r#"{{"stanzas":[{{"type":"X25519","args":["{argument}"],"body":"{body}"}}]}}"#);
    let mut curl = scene.served.command("setpriv");
    curl.args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["curl", "--silent", "--max-time", "30", "--unix-socket"])
        .arg(scene.served.socket())
        .args(["--data", "@-", "http://localhost/v1/unwrap"]);
    let given = output(&mut curl, call.as_bytes());
    let given = String::from_utf8_lossy(&given.stdout);
    assert!(given.starts_with(r#"{"fileKey":""#), "{given}");

    drop(held);
    let gone = |line: &serde_json::Value| line["reason"] == "the peer did not wait";
    scene.served.await_that("nobody is waited for", |served| {
        served.audit().iter().filter(|line| gone(line)).count() == MANY
    });
}

/// How many threads a process has.
fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}
