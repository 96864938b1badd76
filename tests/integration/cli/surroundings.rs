//! What surrounds escrun: home, working directory, variables, and what of the system is there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::test_env::{end, end_with_input};
use super::{CANARY, TestEnv};
use crate::outside::{have, skip};

/// A project whose identity is not where it is looked for, but in `home/key.txt`.
fn project_without_identity() -> TestEnv {
    let env = TestEnv::project();
    fs::rename(
        env.path("home/.config/escrun/identities/default.txt"),
        env.path("home/key.txt"),
    )
    .unwrap();
    env
}

const GET: [&str; 7] = [
    "get",
    "-e",
    "app",
    "secrets.apiKey",
    "--reveal",
    "--format",
    "string",
];

#[track_caller]
fn opens(command: &mut Command) {
    assert_eq!(end(command).succeeds().stdout, format!("{CANARY}\n"));
}

#[test]
fn identities_are_found_wherever_they_may_be() {
    let env = project_without_identity();
    assert_eq!(env.escrun(GET).status, 1);
    let key = env.path("home/key.txt");
    let text = env.read("home/key.txt");
    let key_line = text.lines().last().unwrap();
    opens(env.prepare(GET).arg("-i").arg(&key));
    opens(env.prepare(GET).env("ESCRUN_IDENTITY_FILE", &key));
    opens(env.prepare(GET).env("ESCRUN_IDENTITY", key_line));
    opens(
        env.prepare(GET)
            .env("ESCRUN_IDENTITY_COMMAND", format!("cat {}", key.display())),
    );
    opens(env.prepare(GET).env("SOPS_AGE_KEY_FILE", &key));
    for (file, variable, folder) in [
        (
            "credentials/escrun.identity",
            "CREDENTIALS_DIRECTORY",
            "credentials",
        ),
        ("xdg/escrun/identities/any", "XDG_CONFIG_HOME", "xdg"),
        ("xdg2/sops/age/keys.txt", "XDG_CONFIG_HOME", "xdg2"),
    ] {
        let file = env.write(file, &text);
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        opens(env.prepare(GET).env(variable, env.path(folder)));
    }
    let mut command = env.prepare(GET);
    command.args(["--identity", "-"]);
    let ended = end_with_input(&mut command, text.as_bytes()).succeeds();
    assert_eq!(ended.stdout, format!("{CANARY}\n"));
}

#[test]
fn the_command_gets_nothing_of_what_unlocks() {
    let env = project_without_identity();
    let text = env.read("home/key.txt");
    let mut command = env.prepare(["-e", "app", "--", "env"]);
    command.env("ESCRUN_IDENTITY", text.lines().last().unwrap());
    command
        .env("ESCRUN_IDENTITY_COMMAND", "false")
        .env("ESCRUN_ENV", "app");
    let ended = end(&mut command).succeeds();
    assert!(
        !ended.stdout.contains("ESCRUN_IDENTITY"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("ESCRUN_ENV=app\n"));
}

#[test]
fn an_identity_command_that_fails_is_told() {
    let env = project_without_identity();
    let mut command = env.prepare(GET);
    let ended = end(command.env("ESCRUN_IDENTITY_COMMAND", format!("echo {CANARY}; exit 3")));
    assert_eq!(ended.status, 1);
    assert!(
        ended.stderr.contains("ESCRUN_IDENTITY_COMMAND"),
        "{ended:?}"
    );
}

#[test]
fn an_identity_that_others_can_read_is_refused_on_a_disk() {
    // On the disk of the repository: a temporary folder may be in memory, where it is a matter of course.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let env = project_without_identity();
    let key = folder.path().join("key.txt");
    fs::copy(env.path("home/key.txt"), &key).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let ended = end(env.prepare(GET).arg("-i").arg(&key));
    if ended.status == 0 {
        skip("the build folder is on no writable disk");
        return;
    }
    assert_eq!(ended.status, 1);
    assert!(ended.stderr.contains("hint: chmod "), "{ended:?}");
}

#[test]
fn without_a_home_all_works_that_needs_none() {
    let env = project_without_identity();
    let key = env.path("home/key.txt");
    for home in [None, Some(""), Some("relative")] {
        let prepare = |arguments: &[&str]| {
            let mut command = env.prepare(arguments);
            match home {
                None => command.env_remove("HOME"),
                Some(home) => command.env("HOME", home),
            };
            // Relative paths are not to be used (XDG Base Directory Specification).
            command
                .env("XDG_CONFIG_HOME", "relative")
                .env("XDG_STATE_HOME", "relative");
            command
        };
        opens(prepare(&GET).arg("-i").arg(&key));
        end(&mut prepare(&["check"])).succeeds();
        end(&mut prepare(&["trust", "app"])).fails(
            1,
            &["error: there is no place to remember it: neither HOME nor XDG_STATE_HOME is set"],
        );
        assert!(!env.path("project/relative").exists());
    }
}

#[test]
fn a_working_directory_that_is_gone_is_told() {
    let env = TestEnv::project();
    let line = "mkdir gone; cd gone; rmdir ../gone; escrun -e app -- touch ../marker";
    env.shell(line).fails(
        125,
        &[
            "error: the working directory cannot be told: no such file or directory",
            "  hint: it was removed or may not be read: cd to another folder",
        ],
    );
    assert!(!env.path("project/marker").exists());
}

#[test]
fn variables_and_arguments_need_not_be_utf8() {
    let env = TestEnv::project();
    let strange = OsStr::from_bytes(b"\xff\xfe");
    let mut command = env.prepare(["-e", "app", "--", "printenv", "STRANGE"]);
    let output = command.env("STRANGE", strange).output().unwrap();
    assert_eq!(output.stdout, b"\xff\xfe\n");
    end(env.prepare(["ls"]).env("ESCRUN_ENV", strange))
        .fails(2, &["error: ESCRUN_ENV is not UTF-8"]);
    let ended = end(env.prepare(["-e"]).arg(strange).args(["--", "true"]));
    assert_eq!(ended.status, 125, "{ended:?}");
    assert_eq!(
        ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count(),
        1
    );
    let ended = end(env.prepare(["--dir"]).arg(strange).arg("ls"));
    assert_eq!(ended.status, 1, "{ended:?}");
}

#[test]
fn neither_proc_nor_a_terminal_is_needed() {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may hide /proc");
        return;
    }
    if !have(&["unshare", "setsid"]) {
        return;
    }
    let env = TestEnv::project();
    let script = format!(
        "mount -t tmpfs none /proc && exec {} -e app -- sh -c 'echo $SECRETS_API_KEY'",
        env!("CARGO_BIN_EXE_escrun")
    );
    let may_mount = end(env
        .command("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "none", "/proc"]));
    if may_mount.status != 0 {
        skip("nothing may be mounted here");
        return;
    }
    let mut command = env.command("unshare");
    let ended = end(command.args(["-m", "setsid", "-w", "sh", "-c", &script])).succeeds();
    assert_eq!(ended.stdout, format!("{CANARY}\n"));
}
