//! The end of the command is the end of escrun.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::{project, supervise};
use crate::cli::test_env::TestEnv;

/// How escrun ends with options and a line of shell as its command.
fn end(env: &TestEnv, options: &[&str], script: &str) -> ExitStatus {
    supervise(env, options, &["sh", "-c", script])
        .status()
        .unwrap()
}

#[test]
fn exit_codes_are_handed_on() {
    let env = project();
    for code in [0, 1, 2, 42, 125, 126, 127, 128, 143, 254, 255] {
        let status = end(&env, &[], &format!("exit {code}"));
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
fn who_dies_by_a_signal_is_followed_by_it() {
    let env = project();
    // Those that end a process by default; SIGKILL too. No core file is left by any, because the limit is 0.
    for signal in [1, 2, 3, 6, 9, 11, 13, 14, 15, 31, 34, 64] {
        let status = end(&env, &[], &format!("ulimit -c 0; kill -{signal} $$"));
        assert_eq!(status.signal(), Some(signal), "{status}");
        assert!(!status.core_dumped());
    }
}

#[test]
fn expected_statuses_are_reported_as_others() {
    let env = project();
    let options = ["--expect-status", "143:0", "--expect-status", "3:7"];
    for (script, code) in [("kill -TERM $$", 0), ("exit 3", 7), ("exit 4", 4)] {
        assert_eq!(end(&env, &options, script).code(), Some(code), "{script}");
    }
}

#[test]
fn commands_that_do_not_start_have_the_statuses_of_env() {
    let env = project();
    env.write("project/text", "no program\n");
    for (command, code, message) in [
        ("no-such-command", 127, "command not found"),
        ("./text", 126, "cannot execute"),
        ("/", 126, "cannot execute"),
    ] {
        let output = supervise(&env, &[], &[command]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(message), "{told}");
    }
}

#[test]
fn a_script_without_an_interpreter_is_run_by_the_shell() {
    let env = project();
    let script = env.write("project/script", "echo $GREETING $1\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(script, mode).unwrap();
    let output = supervise(&env, &[], &["./script", "x"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello x\n");
}

#[test]
fn a_reader_sees_the_end_of_what_the_command_closed() {
    let env = project();
    // The command goes on, and so does escrun; whoever reads its output sees that there will be no more.
    let mut command = supervise(
        &env,
        &[],
        &["sh", "-c", "echo all; exec >&-; read -r line; exit 5"],
    );
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut output).unwrap();
    assert_eq!(output, "all\n");
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(5));
}
