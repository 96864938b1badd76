//! As whom, where and within which limits the command runs: seen from the command itself, in both ways of running it.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Uid, User, geteuid};

use super::test_env::{CANARY, Ended, TestEnv};
use crate::outside::skip;

/// Without and with a supervisor.
const WAYS: [&str; 2] = ["--exec", "--supervise"];

/// A user that is nobody in particular.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skip("only root may become another user");
    }
    is_root
}

/// A project that every user may enter; its key is for root alone.
fn project() -> TestEnv {
    let env = TestEnv::project();
    for folder in [
        "",
        "home",
        "home/.config",
        "home/.config/escrun",
        "home/.config/escrun/identities",
        "project",
    ] {
        mode(&env.path(folder), 0o755);
    }
    mode(
        &env.path("home/.config/escrun/identities/default.txt"),
        0o400,
    );
    env
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// Runs a shell script with the environment `app`.
fn run(env: &TestEnv, way: &str, options: &[&str], script: &str) -> Ended {
    let options = options.iter().copied();
    let command = ["--", "/bin/sh", "-c", script];
    env.escrun(
        ["--env", "app", way]
            .into_iter()
            .chain(options)
            .chain(command),
    )
}

/// What a line of /proc/self/status holds.
fn status<'a>(ended: &'a Ended, name: &str) -> Vec<&'a str> {
    let line = ended
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix(name));
    let line = line.and_then(|rest| rest.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().collect()
}

#[test]
fn a_service_user_keeps_nothing_of_root() {
    if !is_root() {
        return;
    }
    let env = project();
    let key = env.path("home/.config/escrun/identities/default.txt");
    let script = format!(
        "cat /proc/self/status; sed -n 's/^Uid/parent/p' /proc/$PPID/status; \
         echo \"secret: $SECRETS_API_KEY\"; cat '{}' || echo refused: yes",
        key.display()
    );
    let user = &["--user", "65534", "--group", "65533", "--groups", "7,8"];
    for way in WAYS {
        let ended = run(&env, way, user, &script).succeeds();
        assert_eq!(status(&ended, "Uid"), ["65534"; 4], "{way}");
        assert_eq!(status(&ended, "Gid"), ["65533"; 4], "{way}");
        assert_eq!(status(&ended, "Groups"), ["7", "8"], "{way}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status(&ended, set), ["0000000000000000"], "{way} {set}");
        }
        assert_eq!(status(&ended, "secret"), [CANARY], "{way}");
        // A supervisor stays who it was.
        assert_eq!(status(&ended, "parent"), ["0"; 4], "{way}");
        // The secret was decrypted with a key that the command cannot read.
        assert_eq!(status(&ended, "refused"), ["yes"], "{way}");
        assert!(ended.stderr.contains("ermission denied"), "{ended:?}");
        // While root itself could.
        let ended = run(&env, way, &[], &script).succeeds();
        assert_eq!(status(&ended, "refused"), [""; 0], "{way}");
    }
}

/// The kernel forgets what is to happen at the parent's death when the user changes: it must be asked for afterwards.
#[test]
fn another_user_is_killed_with_the_supervisor_too() {
    if !is_root() {
        return;
    }
    let env = project();
    // Its output ends when it does; the supervisor holds none.
    let script = "echo $PPID; exec sleep 1000";
    let options = ["--user", "65534", "--group", "65534", "--die-with-parent"];
    let command = ["--", "/bin/sh", "-c", script];
    let arguments = ["-e", "app", "--supervise"].into_iter();
    let mut child = env
        .prepare(arguments.chain(options).chain(command))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut pid = Vec::new();
    while !pid.ends_with(b"\n") {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        pid.extend(byte);
    }
    assert_eq!(String::from_utf8_lossy(&pid).trim(), child.id().to_string());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_user_without_groups_has_none() {
    if !is_root() {
        return;
    }
    let env = project();
    let options = ["--user", "nobody", "--groups", ""];
    for way in WAYS {
        let ended = run(&env, way, &options, "cat /proc/self/status").succeeds();
        assert_eq!(status(&ended, "Uid"), ["65534"; 4], "{way}");
        assert_eq!(status(&ended, "Groups"), [""; 0], "{way}");
    }
}

#[test]
fn variables_of_the_user_follow_unless_they_are_composed() {
    if !is_root() {
        return;
    }
    let env = project();
    let Some(nobody) = User::from_uid(Uid::from_raw(NOBODY)).unwrap() else {
        skip("there is no user nobody");
        return;
    };
    let script = "echo \"$HOME $USER $LOGNAME\"";
    let known = format!(
        "{} {name} {name}\n",
        nobody.dir.display(),
        name = nobody.name
    );
    for way in WAYS {
        let ended = run(&env, way, &["--user", "nobody"], script).succeeds();
        assert_eq!(ended.stdout, known);
        let ended = run(&env, way, &["--user", "nobody", "--clean"], script).succeeds();
        assert_eq!(ended.stdout, known);
        let ended = run(&env, way, &["--user", "nobody", "--unset", "USER"], script).succeeds();
        assert_eq!(ended.stdout, known.replacen(&*nobody.name, "", 1));
        // Nobody knows this one.
        let options = ["--user", "4000000001", "--group", "4000000002"];
        let ended = run(&env, way, &options, script).succeeds();
        assert_eq!(ended.stdout, "/  \n");
    }
    env.define(
        "home",
        "values:\n  environmentVariables:\n    HOME: /composed\n",
    );
    let ended = env.escrun(["-e", "home", "--user", "nobody", "--", "sh", "-c", script]);
    assert!(ended.succeeds().stdout.starts_with("/composed "));
}

#[test]
fn limits_mask_and_rights_are_those_of_the_command() {
    let env = project();
    let options = [
        "--rlimit",
        "nofile=64:128",
        "--rlimit",
        "core=0",
        "--umask",
        "027",
        "--no-new-privs",
    ];
    let script = "ulimit -n; ulimit -H -n; ulimit -H -c; umask; cat /proc/self/status";
    for way in WAYS {
        let ended = run(&env, way, &options, script).succeeds();
        assert!(ended.stdout.starts_with("64\n128\n0\n0027\n"), "{ended:?}");
        assert_eq!(status(&ended, "NoNewPrivs"), ["1"], "{way}");
        let ended = run(&env, way, &[], script).succeeds();
        assert_eq!(status(&ended, "NoNewPrivs"), ["0"], "{way}");
    }
}

#[test]
fn the_command_is_started_in_its_folder() {
    let env = project();
    let script = env.write("project/sub/tool", "#!/bin/sh\npwd -P; echo $0\n");
    mode(&script, 0o755);
    let folder = fs::canonicalize(env.path("project/sub")).unwrap();
    let folder = folder.display();
    for way in WAYS {
        // As env -C does it.
        let ended = env.escrun(["-e", "app", way, "--chdir", "sub", "--", "./tool"]);
        assert_eq!(ended.succeeds().stdout, format!("{folder}\n./tool\n"));
        let mut command = env.prepare(["-e", "app", way, "--chdir", "sub", "--", "tool"]);
        command.env("PATH", ":/bin");
        let ended = super::test_env::end(&mut command).succeeds();
        assert_eq!(ended.stdout, format!("{folder}\n./tool\n"));
        let ended = env.escrun(["-e", "app", way, "--chdir", "sub", "--", "sub/tool"]);
        assert_eq!(ended.status, 127, "{ended:?}");
    }
}

#[test]
fn a_program_that_the_user_may_not_execute_is_126() {
    if !is_root() {
        return;
    }
    let env = project();
    let script = env.write("project/tool", "#!/bin/sh\n");
    mode(&script, 0o700);
    for way in WAYS {
        env.escrun(["-e", "app", way, "--user", "65534", "--group", "65534", "--", "./tool"])
            .fails(
                126,
                &[
                    "error: cannot execute ./tool as the user 65534: permission denied",
                    "  hint: that user needs the right to execute it, and to search every folder on the way to it",
                ],
            );
    }
}

#[test]
fn a_folder_is_entered_with_the_rights_of_the_user() {
    if !is_root() {
        return;
    }
    let env = project();
    let folder = env.path("project/closed");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o700);
    let options = ["--user", "65534", "--group", "65534", "--chdir", "closed"];
    for way in WAYS {
        run(&env, way, &options, "pwd").fails(
            125,
            &[
                "error: --chdir: cannot go to the folder closed: permission denied",
                "  hint: the folder is entered as the user that the command runs as",
            ],
        );
    }
}

#[test]
fn what_cannot_be_is_told_before_anything_is_decrypted() {
    let env = TestEnv::empty();
    env.define("other", "values: {}\n");
    for (options, message) in [
        (
            &["--user", "no-such-user"][..],
            "--user: no user \"no-such-user\"",
        ),
        (&["--user", "4294967295"], "--user 4294967295: no such id"),
        (
            &["--user", "4000000001"],
            "--user 4000000001: no such user is known, so there is no group to run as",
        ),
        (
            &["--group", "no-such-group"],
            "--group: no group \"no-such-group\"",
        ),
        (
            &["--groups", "0,no-such-group"],
            "--groups: no group \"no-such-group\"",
        ),
        (&["--umask", "9"], "--umask \"9\": not a file mode mask"),
        (
            &["--rlimit", "nofiles=1"],
            "--rlimit \"nofiles=1\": there is no resource \"nofiles\"",
        ),
        (
            &["--chdir", "no-such-folder"],
            "--chdir no-such-folder: no such directory",
        ),
        (
            &["--supervise", "--stop-timeout", "soon"],
            "--stop-timeout: \"soon\" is no time",
        ),
        (
            &["--supervise", "--expect-status", "300:0"],
            "--expect-status: \"300\" is no exit status",
        ),
    ] {
        // There is no such environment either, which nobody has looked for yet.
        let options = options.iter().copied();
        let command = ["--", "/bin/sh", "-c", ":"];
        let ended = env.escrun(["--env", "none"].into_iter().chain(options).chain(command));
        assert_eq!(ended.status, 125, "{ended:?}");
        let first = ended.stderr.lines().next();
        assert_eq!(first, Some(&*format!("error: {message}")), "{ended:?}");
    }
}

#[test]
fn who_is_not_root_may_ask_for_what_it_is() {
    if !is_root() {
        return;
    }
    if !crate::outside::have(&["setpriv"]) {
        return;
    }
    let env = project();
    env.define("plain", "values:\n  a: 1\n");
    for folder in ["project/environments", "project"] {
        mode(&env.path(folder), 0o755);
    }
    // The program itself lies in a folder that this user may not enter.
    env.copy_program("project/escrun");
    let as_nobody = |options: &[&str]| {
        let mut command = env.command("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(["./escrun", "-e", "plain"])
            .args(options)
            .args(["--", "/bin/sh", "-c", "echo $A"]);
        super::test_env::end(&mut command)
    };
    let own = ["--user", "65534", "--group", "65534", "--groups", ""];
    assert_eq!(as_nobody(&own).succeeds().stdout, "1\n");
    for (options, message) in [
        (
            &["--user", "root"][..],
            "--user: becoming the user 0 takes root or CAP_SETUID",
        ),
        (
            &["--group", "0"],
            "--group: becoming the group 0 takes root or CAP_SETGID",
        ),
        (
            &["--groups", "5"],
            "--groups: other supplementary groups take root or CAP_SETGID",
        ),
    ] {
        as_nobody(options).fails(125, &[&format!("error: {message}")]);
    }
    let ended = as_nobody(&["--rlimit", "nofile=unlimited"]);
    assert_eq!(ended.status, 125, "{ended:?}");
    assert!(ended.stderr.contains("CAP_SYS_RESOURCE"), "{ended:?}");
}
