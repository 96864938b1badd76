//! Commands that write to pipes and files.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};

use super::project;
use crate::cli::test_env::TestEnv;

fn masked(env: &TestEnv, script: &str) -> Output {
    let words = ["--env", "app", "--mask", "--", "sh", "-c", script];
    env.prepare(words).output().unwrap()
}

#[test]
fn secrets_are_hidden_in_output_and_errors() {
    let env = project();
    let output = masked(&env, "echo \"is $TOKEN\"; echo \"or $KEY.\" >&2; exit 3");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "is [secret]\n");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.ends_with("or [secret].\n"), "{errors}");
    assert!(
        errors.contains("the value of PIN is too short to be hidden in output"),
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn commands_end_as_they_do() {
    let env = project();
    for (script, status, signal) in [
        ("exit 0", Some(0), None),
        ("exec /nonexistent/program", Some(127), None),
        ("kill -TERM $$", None, Some(15)),
        ("kill -KILL $$", None, Some(9)),
    ] {
        let status_of = masked(&env, script).status;
        assert_eq!(
            (status_of.code(), status_of.signal()),
            (status, signal),
            "{script}"
        );
    }
}

#[test]
fn output_and_errors_in_one_file_keep_their_order() {
    let env = project();
    let path = env.path("both");
    let file = File::create(&path).unwrap();
    let script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done";
    let status = env
        .prepare([
            "--env", "app", "--mask", "--only", "KEY", "--", "sh", "-c", script,
        ])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .status()
        .unwrap();
    assert!(status.success());
    let expected: String = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn who_reads_no_more_ends_the_command() {
    let env = project();
    let mut child = env
        .prepare(["--env", "app", "--mask", "--", "yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 2]).unwrap();
    drop(output);
    assert_eq!(child.wait().unwrap().signal(), Some(13));
}

#[test]
fn what_is_left_in_the_background_keeps_nobody_waiting() {
    let env = project();
    // It ends when its input does: after the command, but not before its output could have been waited for.
    let mut child = env
        .prepare([
            "--env",
            "app",
            "--mask",
            "--",
            "sh",
            "-c",
            "exec 3<&0; cat <&3 & echo $TOKEN",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let keyboard = child.stdin.take();
    assert!(child.wait().unwrap().success());
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "[secret]\n");
    drop(keyboard);
}

#[test]
fn more_than_a_pipe_holds_is_handed_on() {
    let env = project();
    let long = "correct-horse-battery-staple ".repeat(20_000);
    env.define(
        "long",
        &format!("values:\n  long:\n    fn::secret: {long}\n"),
    );
    let words = ["--env", "app,long", "--except", "LONG", "--mask"];
    // Not given to the command, since it is too long for a variable.
    let output = env
        .prepare(words.iter().chain(&["--", "sh", "-c", "echo $TOKEN"]))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[secret]\n");
}

#[test]
fn parts_that_were_composed_are_hidden_by_themselves() {
    let env = TestEnv::empty();
    env.define(
        "app",
        "values:\n  password: {fn::secret: hunter2-canary}\n  \
         environmentVariables:\n    URL: 'db://me:${password}@host/'\n",
    );
    let script = "echo \"$URL\"; echo \"$URL\" | sed 's,.*:,,; s,@.*,,'";
    let output = masked(&env, script);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "[secret]\n[secret]\n"
    );
}
