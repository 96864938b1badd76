//! The verbs that are for daemons alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::super::served::Served;
use super::greeting;
use crate::cli::at_terminal::AtTerminal;
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
fn what_was_done_is_told_as_json() {
    let served = Served::start(TestEnv::project(), "");
    let ask = |words: &[&str]| {
        let format = ["--message-format", "json"];
        let ended = served.ask(words.iter().chain(&format)).succeeds();
        assert_eq!(ended.stderr, "", "{words:?}");
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(json["socket"], *served.socket().display().to_string());
        json
    };
    assert_eq!(ask(&["lock"])["locked"], true);
    assert_eq!(ask(&["lock", "-q"])["identities"], serde_json::json!([]));
    let unlocked = ask(&["unlock"]);
    assert_eq!(unlocked["locked"], false);
    assert_eq!(unlocked["identities"].as_array().map(Vec::len), Some(1));
    assert_eq!(ask(&["reload"])["reloaded"], true);
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
        .write("home/.config/escrun/policy.yaml", "rule: []");
    served
        .env
        .write("home/.config/escrun/daemon.yaml", "idel: 1m");
    let file = |name: &str| served.env.path(&format!("home/.config/escrun/{name}"));
    let message = format!(
        "error: {}:1:1: unknown key `idel` (did you mean `idle`?); {}:1:1: unknown key `rule` (did you mean `rules`?)",
        file("daemon.yaml").display(),
        file("policy.yaml").display()
    );
    let hint = "  hint: what was read before stays in force";
    served.ask(["reload"]).fails(1, &[&message, hint]);
    let log = served.log();
    assert!(
        log.contains("did you mean `idle`?") && log.contains("did you mean `rules`?"),
        "{log}"
    );
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
    // age asks for passphrases at a terminal alone, so it is given one.
    let line = format!("age -p -o {} {}", protected.display(), key.display());
    let mut script = env.command("script");
    script.args(["-qec", &line, "/dev/null"]);
    end_with_input(&mut script, b"correct horse\ncorrect horse\n").succeeds();
    fs::set_permissions(&protected, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(key).unwrap();
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

#[test]
fn a_person_unlocks_at_the_terminal() {
    let Some(served) = protected() else { return };
    let socket = served.socket().display().to_string();
    let mut person = AtTerminal::start(&served.env, &["unlock", "--socket", &socket]);
    person.expect("protected.age: ");
    person.type_in("wrong one\n");
    // On a line of its own: behind what was wrong.
    let key = served
        .env
        .path("home/.config/escrun/identities/protected.age");
    person.expect(&format!("\r\npassphrase for {}: ", key.display()));
    person.type_in("correct horse\n");
    let (status, seen) = person.end();
    assert_eq!(status, 0, "{seen}");
    assert!(
        seen.contains("wrong passphrase") && seen.contains("unlocked: "),
        "{seen}"
    );
    assert!(!seen.contains("horse"), "{seen}");
    served.ask(["-e", "app", "--", "true"]).succeeds();
}
