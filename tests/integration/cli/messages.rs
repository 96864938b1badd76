//! How messages look: for people, at a terminal, and for programs.

use super::at_terminal::AtTerminal;
use super::test_env::end;
use super::{CANARY, TestEnv};
use crate::outside::have;

fn broken() -> TestEnv {
    let env = TestEnv::project();
    env.define(
        "broken",
        "values:\n  first: ${nope}\n  app:\n    hots: 1\n  second: ${app.host}\n",
    );
    env
}

#[test]
fn messages_for_programs_are_one_object_a_line() {
    let env = broken();
    let ended = env.escrun(["-e", "broken", "--message-format", "json", "--", "true"]);
    assert_eq!(ended.status, 125);
    let lines: Vec<serde_json::Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = serde_json::json!({
        "severity": "error",
        "message": "unknown property \"nope\"",
        "environment": "broken",
        "line": 2,
        "column": 12,
        "path": "values.first",
        "file": "environments/broken.yaml",
        "hint": null,
    });
    assert_eq!(lines[0], first);
    assert_eq!(lines.len(), 2, "{ended:?}");
}

#[test]
fn every_failure_is_an_object_if_that_is_asked_for() {
    let env = broken();
    for arguments in [
        &["--message-format", "json", "--", "no-such-command"][..],
        &["--message-format=json", "get", "--nope"],
        &["--message-format", "json", "-e", "..", "get"],
        &["check", "nope", "-q", "--message-format", "json"],
        &["init", "--message-format", "json"],
    ] {
        let ended = env.escrun(arguments);
        for line in ended.stderr.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["severity"], "error", "{arguments:?}");
        }
        assert_eq!(ended.stderr.lines().count(), 1, "{arguments:?} {ended:?}");
    }
}

#[test]
fn help_is_named_by_the_whole_verb() {
    let words = ["daemon", "policy", "test", "--env", "a", "--action", "opn"];
    let ended = broken().escrun(words);
    assert_eq!(
        ended.stderr.lines().last(),
        Some("  hint: escrun daemon policy test --help shows what goes with it")
    );
    assert_eq!(ended.status, 2);
}

#[test]
fn what_concerns_the_run_is_told_to_people_once() {
    let env = TestEnv::project();
    env.define(
        "more",
        &format!("values:\n  a: {{fn::secret: {CANARY}}}\n  b: {{fn::secret: {CANARY}}}\n  c: x\n  d: x\n"),
    );
    env.escrun(["seal", "more"]).succeeds();
    env.define(
        "more",
        &env.definition("more").replace(": x\n", ": ${nope}\n"),
    );
    let missing = env.path("home/missing.txt");
    let arguments = |format| {
        let missing = missing.display().to_string();
        [
            "-e",
            "app,more",
            "-i",
            &missing,
            "--message-format",
            format,
            "--",
            "true",
        ]
        .map(str::to_owned)
    };
    let missing = missing.display();
    let plain = [
        format!(
            "environments/app.yaml:7:7: error: decrypting: identity {missing}: there is no such file \
             (the same for 2 more secrets)"
        ),
        "environments/more.yaml:4:8: error: unknown property \"nope\"".to_owned(),
        "environments/more.yaml:5:8: error: unknown property \"nope\"".to_owned(),
    ];
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    env.escrun(arguments("plain")).fails(125, &plain);
    let ended = env.escrun(arguments("json"));
    assert_eq!(ended.stderr.lines().count(), 5, "{ended:?}");

    // What fits one definition's header may not fit another's.
    std::fs::remove_dir_all(env.path("home/.config")).unwrap();
    env.keygen("home/other.txt");
    let ended = env.escrun(["-e", "app,more", "-i", "../home/other.txt", "--", "true"]);
    let told: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.contains("no identity fits"))
        .collect();
    assert_eq!(told.len(), 2, "{ended:?}");
    assert!(
        told[0].starts_with("environments/app.yaml:") && told[0].ends_with(')'),
        "{ended:?}"
    );
    assert!(
        told[1].ends_with("(the same for 1 more secret)"),
        "{ended:?}"
    );
}

#[test]
fn colours_are_used_if_asked_for() {
    let env = broken();
    let colours = |options: &[&str]| {
        let ended = env.escrun(
            ["-e", "broken"]
                .iter()
                .chain(options)
                .chain(&["--", "true"]),
        );
        ended.stderr.contains('\x1b')
    };
    assert!(!colours(&[]));
    assert!(colours(&["--color", "always"]));
    assert!(!colours(&["--color", "never"]));
}

#[test]
fn a_terminal_shows_the_place_in_colours() {
    if !have(&["setsid"]) {
        return;
    }
    let env = broken();
    let (status, seen) = AtTerminal::start(&env, &["-e", "broken", "--", "true"]).end();
    assert_eq!(status, 125);
    assert!(seen.contains("\x1b[1;31merror:"), "{seen}");
    let arguments = ["--color", "never", "-e", "broken", "--", "true"];
    let (_, seen) = AtTerminal::start(&env, &arguments).end();
    let expected = "environments/broken.yaml:2:12: error: unknown property \"nope\"\r\n   \
                    |\r\n 2 |   first: ${nope}\r\n   |            ^^^^\r\n";
    assert!(seen.starts_with(expected), "{seen}");
    assert!(!seen.contains('\x1b'), "{seen}");
}

#[test]
fn an_excerpt_hides_what_is_secret() {
    if !have(&["setsid"]) {
        return;
    }
    let env = TestEnv::project();
    env.define(
        "plain",
        &format!(
            "values: {{ password: {CANARY}, x: {{ fn::secret: {CANARY} }}, y: \"${{nope}}\" }}\n"
        ),
    );
    for arguments in [&["check", "plain"][..], &["-e", "plain", "--", "true"]] {
        let (_, seen) = AtTerminal::start(&env, arguments).end();
        assert!(seen.contains("[secret]"), "{seen}");
        assert!(!seen.contains("hunter2"), "{seen}");
    }
}

#[test]
fn quiet_hides_warnings_and_verbose_tells_what_is_done() {
    let env = TestEnv::project();
    env.define("plain", &format!("values:\n  password: {CANARY}\n"));
    env.escrun(["check", "plain", "-q"]).fails(0, &[]);
    let ended = env.escrun(["-v", "-e", "app", "--", "true"]).succeeds();
    let notes: Vec<&str> = ended.stderr.lines().collect();
    assert!(
        notes.iter().all(|line| line.starts_with("note: ")),
        "{notes:?}"
    );
    for note in [
        "note: project file: escrun.yaml",
        "note: definitions: environments",
    ] {
        assert!(notes.contains(&note), "{notes:?}");
    }
    let ended = env.escrun(["-v", "-q", "ls"]);
    assert_eq!(ended.status, 2, "{ended:?}");
}

#[test]
fn no_message_obeys_what_a_definition_says_to_a_terminal() {
    let env = TestEnv::project();
    env.define(
        "evil",
        "values:\n  \"\\e[2J\\a\": ${nope}\n  a: ${b.\"\\e[31m\"}\n",
    );
    for arguments in [
        &["-e", "evil", "--color", "never", "--", "true"][..],
        &["check", "evil"],
        &["explain", "-e", "evil"],
        &["-e", "evil", "--dry-run"],
        &["get", "-e", "evil"],
    ] {
        let ended = end(&mut env.prepare(arguments));
        assert!(
            !(ended.stderr + &ended.stdout).contains('\x1b'),
            "{arguments:?}"
        );
    }
}
