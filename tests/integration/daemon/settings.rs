//! What a daemon that runs makes of other settings.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;
use serde_json::json;

use super::served::{Answer, Served};
use crate::cli::test_env::TestEnv;

const FILE: &str = "home/.config/escrun/daemon.yaml";

/// Other settings, read anew.
#[track_caller]
fn reload(served: &Served, settings: &str) -> Answer {
    served.env.write(FILE, settings);
    served.request("POST /v1/reload", "")
}

#[track_caller]
fn warnings(served: &Served) -> String {
    served.request("GET /v1/status", "").json()["warnings"].to_string()
}

/// How often the log has a text.
fn told(served: &Served, text: &str) -> usize {
    served.log().matches(text).count()
}

#[test]
fn other_settings_hold_without_a_restart() {
    let env = TestEnv::project();
    let file = env.write("project/environments/banner.txt", "hello");
    env.define(
        "file",
        "values: {environmentVariables: {A: {fn::open::file: {path: banner.txt}}}}\n",
    );
    let served = Served::start(env, "");
    let status = || served.open(r#"{"environments":["file"]}"#).status;
    assert_eq!(status(), 422);
    let settings = format!(
        "providers: {{files: {}}}\nlimits: {{connections: 7}}\n",
        file.display()
    );
    let answer = reload(&served, &settings);
    let expected = json!({"changed": ["providers.files", "limits"], "restart": []});
    assert_eq!(answer.json(), expected);
    assert_eq!(status(), 200);
    let line = "the settings are in force keys=\"providers.files, limits\"";
    assert_eq!(told(&served, line), 1, "{}", served.log());
    // What is remembered was given by rights that are no more.
    assert_eq!(reload(&served, "").status, 200);
    assert_eq!(status(), 422);
    // So it is by a signal.
    served.env.write(FILE, "idle: 1s\n");
    served.signal(Signal::SIGHUP);
    served.await_that("unused identities are locked", |served| {
        served.request("GET /v1/status", "").json()["keys"]["locked"] == true
    });
}

#[test]
fn what_cannot_change_waits_for_a_restart() {
    let elsewhere = TestEnv::empty();
    let file = elsewhere.write("banner.txt", "hello");
    let env = TestEnv::project();
    let provided = format!(
        "values: {{environmentVariables: {{A: {{fn::open::file: {{path: {}}}}}}}}}\n",
        file.display()
    );
    env.define("file", &provided);
    let mut served = Served::start(env, "");
    let is_confined = served.log().contains("files are confined by Landlock");
    let settings = format!(
        "socket: {{mode: 0660}}\nproviders: {{files: {}}}\n",
        file.display()
    );
    let answer = reload(&served, &settings);
    let waiting = match is_confined {
        true => json!(["socket", "providers.files"]),
        false => json!(["socket"]),
    };
    let expected = json!({"changed": ["providers.files"], "restart": waiting});
    assert_eq!(answer.json(), expected);
    assert_eq!(told(&served, "in force after a restart of the daemon"), 1);
    assert!(warnings(&served).contains("in force after a restart"));
    let mode = |served: &Served| fs::metadata(served.socket()).unwrap().permissions().mode();
    assert_eq!(mode(&served) & 0o777, 0o600);
    let open = r#"{"environments":["file"]}"#;
    assert_eq!(
        served.open(open).status,
        if is_confined { 422 } else { 200 }
    );
    served.signal(Signal::SIGTERM);
    served.wait();
    served.restart();
    assert_eq!(mode(&served) & 0o777, 0o660);
    assert_eq!(
        served.open(open).status,
        200,
        "{}",
        served.open(open).text()
    );
    assert!(!warnings(&served).contains("restart"));
}

#[test]
fn what_is_at_fault_changes_nothing_and_is_told_once() {
    let served = Served::start(TestEnv::project(), "");
    let fault = "daemon.yaml:2:23: limits.connections: must be a number from 1 to 1000000";
    let answer = reload(&served, "idle: 1s\nlimits: {connections: 0}\n");
    assert_eq!(answer.status, 422);
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains(fault), "{message}");
    assert_eq!(told(&served, fault), 1, "{}", served.log());
    assert!(warnings(&served).contains(fault));
    // By a signal, and with a policy that is at fault as well.
    served
        .env
        .write("home/.config/escrun/policy.yaml", "rules: [nonsense]\n");
    served.await_that("the policy is looked at", |served| {
        told(served, "the policy was not read anew") == 1
    });
    served.signal(Signal::SIGHUP);
    served.await_that("both are told once more", |served| {
        told(served, fault) == 2 && told(served, "the policy was not read anew") == 2
    });
    fs::remove_file(served.env.path("home/.config/escrun/policy.yaml")).unwrap();
    assert_eq!(reload(&served, "").status, 200);
    assert_eq!(told(&served, fault), 2);
    assert!(!warnings(&served).contains(fault));
}

#[test]
fn a_file_that_others_have_made_for_the_audit_is_closed_to_them() {
    let served = Served::start(TestEnv::project(), "");
    let audit = served.env.path("audit.jsonl");
    fs::rename(&audit, served.env.path("audit.old")).unwrap();
    fs::write(&audit, "").unwrap();
    fs::set_permissions(&audit, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(reload(&served, "").status, 200);
    let mode = fs::metadata(&audit).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(
        told(&served, "the audit's mode was changed"),
        1,
        "{}",
        served.log()
    );
}

#[test]
fn a_path_that_is_mistyped_makes_no_folders() {
    let env = TestEnv::project();
    let missing = env.path("nowhere/at/all");
    let missing = missing.to_str().unwrap();
    let socket = env.path("s");
    let socket = socket.to_str().unwrap();
    let file = format!("{missing}/audit.jsonl");
    let hint = "  hint: make them with mkdir -p, or correct the path";
    let message =
        format!("error: audit {file}: its folder cannot be made: the one above it is missing");
    env.escrun(["daemon", "--socket", socket, "--audit", &file])
        .fails(1, &[&message, hint]);
    let message = format!("error: {missing} cannot be made: the folder above it is missing");
    env.escrun(["daemon", "--socket", &format!("{missing}/s")])
        .fails(1, &[&message, hint]);
    assert!(!env.path("nowhere").exists());
    let message = "error: --idle: \"15\" is no time for it";
    let ended = env.escrun(["daemon", "--idle", "15"]);
    assert_eq!(ended.stderr.lines().next(), Some(message));
}
