//! The verbs that are for daemons alone.

use std::io::Write as _;
use std::process::Stdio;

use super::super::served::Served;
use super::greeting;
use crate::cli::test_env::{TestEnv, end, end_with_input};

#[test]
fn the_status_is_a_table_or_json() {
    let served = Served::start(greeting(), "");
    let ended = served.ask(["status"]).succeeds();
    let first = format!("socket       {}", served.socket().display());
    assert_eq!(ended.stdout.lines().next(), Some(&*first));
    assert!(
        ended
            .stdout
            .contains(&format!("process      {}\n", served.pid())),
        "{ended:?}"
    );
    let json = served
        .ask(["status", "--message-format", "json"])
        .succeeds()
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pid"], served.pid());
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    // The option is as good as the variable.
    let socket = served.socket();
    served
        .env
        .escrun(["status".as_ref(), "--socket".as_ref(), socket.as_os_str()])
        .succeeds();
}

#[test]
fn without_a_daemon_each_says_so() {
    let env = TestEnv::empty();
    let socket = env.path("home/nothing.sock");
    let message = format!("error: no daemon: there is no {}", socket.display());
    let hint =
        "  hint: start one with escrun daemon, or say where its socket is: --socket, ESCRUN_SOCKET";
    for verb in ["status", "lock", "unlock", "reload"] {
        let mut command = env.prepare([verb]);
        end(command.env("ESCRUN_SOCKET", &socket)).fails(1, &[&message, hint]);
    }
}

#[test]
fn settings_are_read_anew() {
    let served = Served::start(greeting(), "");
    assert_eq!(served.ask(["reload"]).succeeds().stderr, "reloaded\n");
    served.ask(["-e", "app", "--", "true"]).succeeds();
    served
        .env
        .write("home/.config/escrun/policy.yaml", "rules: [nonsense");
    let ended = served.ask(["reload"]);
    assert_eq!(ended.status, 1, "{ended:?}");
    served.ask(["-e", "app", "--", "true"]).succeeds();
}

/// An identity that a passphrase protects, made as age makes them.
fn protected() -> Option<Served> {
    if !crate::outside::have(&["age", "script"]) {
        return None;
    }
    let env = TestEnv::project();
    let key = env.path("home/.config/escrun/identities/default.txt");
    let protected = env.path("home/.config/escrun/identities/protected.age");
    // age asks at the terminal alone.
    let line = format!("age -p -o {} {}", protected.display(), key.display());
    let mut script = env.command("script");
    script.args(["-qec", &line, "/dev/null"]);
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    for _ in 0..2 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        typed.write_all(b"correct horse\n").unwrap();
    }
    assert!(child.wait().unwrap().success());
    std::fs::remove_file(key).unwrap();
    Some(Served::start(env, ""))
}

#[test]
fn passphrases_unlock_from_a_file() {
    let Some(served) = protected() else { return };
    let run = ["-e", "app", "--", "printenv", "APP_HOST"];
    assert_eq!(served.ask(run).status, 125);
    let wrong = served.env.write("home/wrong", "incorrect\n");
    let wrong = served.ask([
        "unlock".as_ref(),
        "--passphrase-file".as_ref(),
        wrong.as_os_str(),
    ]);
    assert_eq!(wrong.status, 1, "{wrong:?}");
    assert!(wrong.stderr.contains("wrong passphrase"), "{wrong:?}");
    assert!(!wrong.stderr.contains("incorrect"), "{wrong:?}");
    let mut right = served.asking(["unlock", "--passphrase-file", "-"]);
    let right = end_with_input(&mut right, b"correct horse\n").succeeds();
    assert!(right.stderr.starts_with("unlocked: "), "{right:?}");
    assert_eq!(served.ask(run).succeeds().stdout, "localhost\n");
    served.ask(["lock"]).succeeds();
    assert_eq!(served.ask(run).status, 125);
}

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let Some(served) = protected() else { return };
    let mut command = served.env.command("setsid");
    command.args(["-w", env!("CARGO_BIN_EXE_escrun"), "unlock"]);
    let ended = end(command.env("ESCRUN_SOCKET", served.socket()));
    ended.fails(
        1,
        &[
            "error: there is no terminal to ask at",
            "  hint: --passphrase-file reads the passphrases from a file or standard input",
        ],
    );
}
