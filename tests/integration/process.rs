//! What a program inherits when escrun starts it is what escrun inherited.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use nix::sys::signal::{SigSet, Signal};

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

/// Shell lines that put a process into a state, without and with ignored SIGPIPE.
const STATES: [&str; 3] = [
    "umask 022; trap - PIPE",
    "umask 027; trap '' PIPE; ulimit -S -c unlimited",
    "umask 0; trap '' USR1 HUP PIPE TSTP RTMIN; ulimit -S -c 0",
];

/// What a shell that is put into `state` and becomes `command` shows of itself: the lines of /proc that tell what is
/// inherited.
fn inherited(state: &str, command: &str) -> Vec<String> {
    let script = format!("{state}; exec {command} cat /proc/self/status /proc/self/limits");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = ["SigBlk:", "SigIgn:", "Umask:", "Max core file size"];
    let lines = text
        .lines()
        .filter(|line| told.iter().any(|start| line.starts_with(start)));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lines.len(), told.len(), "{text}");
    lines
}

fn check(verb: &str) {
    let command = format!("{SUBJECT} {verb}");
    for state in STATES {
        assert_eq!(inherited(state, &command), inherited(state, ""), "{state}");
    }
}

#[test]
fn what_replaces_escrun_inherits_what_escrun_did() {
    check("replace");
}

#[test]
fn what_escrun_starts_inherits_what_escrun_did() {
    check("command");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_helper_starts_inherits_what_escrun_did() {
    let command = format!("{SUBJECT} helped /usr/bin/env");
    for state in STATES {
        assert_eq!(inherited(state, &command), inherited(state, ""), "{state}");
    }
}

#[test]
fn what_libraries_start_inherits_what_escrun_did() {
    let command = format!("{SUBJECT} as-inherited");
    // Rust's standard library gives SIGPIPE its default in what it starts, whatever we do.
    let state = "umask 027; trap '' USR1; ulimit -S -c unlimited";
    assert_eq!(inherited(state, &command), inherited(state, ""));
}

#[test]
fn blocked_signals_stay_blocked() {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGUSR2);
    blocked.add(Signal::SIGPIPE);
    let before = blocked
        .thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)
        .expect("a mask");
    for verb in ["replace", "command", "as-inherited"] {
        let command = format!("{SUBJECT} {verb}");
        assert_eq!(inherited(":", &command), inherited(":", ""), "{verb}");
    }
    before.thread_set_mask().expect("a mask");
}

#[test]
fn escrun_itself_leaves_no_core_and_opens_nothing_to_others() {
    let output = Command::new(SUBJECT)
        .arg("harden")
        .output()
        .expect("the fixture starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next())
    };
    assert_eq!(value("dumpable:"), Some("false"));
    assert_eq!(value("Umask:"), Some("0077"));
    assert_eq!(value("Max core file size"), Some("0"));
}

fn replace(arguments: &[&str]) -> Output {
    Command::new(SUBJECT)
        // execvp(3): a folder that this user may not search would make 126 of 127.
        .env("PATH", "/usr/bin:/bin")
        .arg("replace")
        .args(arguments)
        .output()
        .expect("the fixture starts")
}

#[test]
fn the_command_gets_its_arguments_and_nothing_but_its_environment() {
    let output = replace(&["sh", "-c", "echo $0 $1 $GREETING; exit 7", "a", "b c"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a b c hello\n");
    assert_eq!(output.status.code(), Some(7));
    let output = replace(&["env"]);
    let names: Vec<_> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b'=').next())
        .map(String::from_utf8_lossy)
        .collect();
    assert_eq!(names, ["PATH", "GREETING", ""]);
}

#[test]
fn commands_that_do_not_start_have_the_statuses_of_env() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("a mode");
        path.to_str().expect("UTF-8").to_owned()
    };
    let text = file("text", "", 0o644);
    let script = file("script", "echo \"$0 $1 $GREETING\"", 0o755);
    let orphan = file("orphan", "#!/nonexistent/interpreter\n", 0o755);
    for (arguments, status, told) in [
        (
            &["no-such-command"][..],
            127,
            "command not found: no-such-command",
        ),
        (&[&text], 126, "cannot execute"),
        (
            &[&orphan],
            127,
            "the interpreter that it names is not there",
        ),
    ] {
        let output = replace(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{message}");
        assert!(message.contains(told), "{message}");
    }
    // execvp(3): a script without `#!` is the shell's.
    let output = replace(&[&script, "x"]);
    let expected = format!("{script} x hello\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn the_command_has_no_descriptors_of_ours() {
    let list = "ls /proc/self/fd";
    let script = format!("{list}; echo; exec {SUBJECT} replace {list}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    let output = String::from_utf8_lossy(&output.stdout);
    let (directly, replaced) = output.split_once("\n\n").expect("two lists");
    assert_eq!(directly, replaced.trim_end());
}
