//! Which way is taken when nobody says which.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;

use nix::unistd::geteuid;

use super::super::served::Served;
use super::greeting;
use crate::cli::test_env::{TestEnv, end};
use crate::outside::skip;

/// A daemon whose socket is where that of a person's agent is, and a folder with nothing in it.
fn scene() -> Served {
    let served = Served::start(greeting(), "");
    let runtime = served.env.path("runtime/escrun");
    fs::create_dir_all(&runtime).unwrap();
    std::os::unix::fs::symlink(served.socket(), runtime.join("escrun.sock")).unwrap();
    fs::create_dir(served.env.path("empty")).unwrap();
    served
}

/// escrun in `folder`, for the person whose agent that is.
fn run(env: &TestEnv, folder: &str, words: &[&str]) -> Command {
    let mut command = env.prepare(words.iter().copied());
    command.env("XDG_RUNTIME_DIR", env.path("runtime"));
    command.current_dir(env.path(folder));
    command
}

const PRINT: [&str; 5] = ["-v", "-e", "app", "--", "printenv"];

#[test]
fn a_daemon_is_asked_where_nothing_is_on_this_side() {
    let served = scene();
    let env = &served.env;
    let words = [&PRINT[..], &["GREETING"]].concat();
    let ended = end(&mut run(env, "empty", &words)).succeeds();
    assert_eq!(ended.stdout, "one\n");
    let told = format!(
        "via the daemon at {}",
        env.path("runtime/escrun/escrun.sock").display()
    );
    assert!(ended.stderr.contains(&told), "{ended:?}");

    // Each of these says that definitions are here.
    env.write("with-file/escrun.yaml", "{}");
    env.write(
        "with-folder/environments/app.yaml",
        "values: {greeting: here}",
    );
    env.write("above/escrun.yaml", "{}");
    fs::create_dir_all(env.path("above/below")).unwrap();
    let dir = env.path("with-folder/environments").display().to_string();
    env.write("key", "");
    let key = env.path("key").display().to_string();
    for (folder, options, reason) in [
        ("with-file", &[][..], Some("there is escrun.yaml")),
        ("above/below", &[], Some("escrun.yaml")),
        ("with-folder", &[], Some("there is environments")),
        ("empty", &["--dir", &dir], None),
        ("empty", &["--identity", &key], None),
        ("empty", &["--allow-commands"], None),
        ("empty", &["--via", "direct"], None),
    ] {
        let words = [options, &words].concat();
        let ended = end(&mut run(env, folder, &words));
        assert!(
            !ended.stderr.contains("via the daemon"),
            "{words:?} {ended:?}"
        );
        assert_ne!(ended.stdout, "one\n", "{words:?}");
        if let Some(reason) = reason {
            assert!(ended.stderr.contains("no daemon is asked: "), "{ended:?}");
            assert!(ended.stderr.contains(reason), "{ended:?}");
        }
    }
    let mut with_key = run(env, "empty", &words);
    let ended = end(with_key.env("ESCRUN_IDENTITY", "AGE-SECRET-KEY-1"));
    assert!(
        ended
            .stderr
            .contains("no daemon is asked: ESCRUN_IDENTITY is set"),
        "{ended:?}"
    );

    // Whoever names a daemon means it.
    for folder in ["with-folder", "with-file"] {
        let mut by_variable = run(env, folder, &words);
        by_variable.env("ESCRUN_SOCKET", served.socket());
        assert_eq!(end(&mut by_variable).succeeds().stdout, "one\n");
        for options in [
            &["--via", "daemon"][..],
            &["--socket", "../run/escrun.sock"],
        ] {
            let words = [options, &words].concat();
            assert_eq!(
                end(&mut run(env, folder, &words)).succeeds().stdout,
                "one\n"
            );
        }
    }
    let mut by_choice = run(env, "with-folder", &words);
    assert_eq!(
        end(by_choice.env("ESCRUN_VIA", "daemon")).succeeds().stdout,
        "one\n"
    );
    let mut by_option = run(
        env,
        "with-folder",
        &[&["--via", "direct"], &words[..]].concat(),
    );
    assert_eq!(
        end(by_option.env("ESCRUN_VIA", "daemon")).succeeds().stdout,
        "here\n"
    );
    // A folder that is named is more than a variable.
    let mut by_folder = run(env, "empty", &[&["--dir", &dir], &words[..]].concat());
    let ended = end(by_folder.env("ESCRUN_SOCKET", served.socket())).succeeds();
    assert_eq!(ended.stdout, "here\n");
    assert!(
        ended.stderr.contains("no daemon is asked: --dir is given"),
        "{ended:?}"
    );
}

#[test]
fn contradictions_are_refused() {
    let env = greeting();
    for (options, message) in [
        (
            &["--via", "daemon", "--dir", "."][..],
            "error: --dir is for definitions on this side, and those of a daemon are meant",
        ),
        (
            &["--socket", "s", "--allow-commands"],
            "error: --allow-commands is for definitions on this side, and those of a daemon are meant",
        ),
        (
            &["--via", "direct", "--socket", "s"],
            "error: --socket does nothing with --via direct",
        ),
    ] {
        let ended = env.escrun(options.iter().chain(&["get", "-e", "app"]));
        assert_eq!(
            (ended.status, ended.stderr.lines().next()),
            (2, Some(message))
        );
    }
    let ended = end(env.prepare(["get"]).env("ESCRUN_VIA", "somehow"));
    assert_eq!(
        ended.stderr.lines().next(),
        Some("error: ESCRUN_VIA: \"somehow\" must be auto, daemon or direct")
    );
    for verb in [
        &["ls"][..],
        &["explain"],
        &["set", "app", "a", "b"],
        &["seal", "app"],
        &["trust", "app"],
    ] {
        let ended = env.escrun(verb.iter().chain(&["--via", "daemon"]));
        let message = format!("error: escrun {} has no option --via", verb[0]);
        assert_eq!(
            (ended.status, ended.stderr.lines().next()),
            (2, Some(&*message))
        );
        assert!(
            ended
                .stderr
                .ends_with("  hint: --via is for run, get, export and check\n"),
            "{ended:?}"
        );
    }
}

#[test]
fn a_socket_that_nobody_serves_is_as_good_as_none_unless_it_is_named() {
    let env = greeting();
    fs::create_dir_all(env.path("runtime/escrun")).unwrap();
    fs::create_dir_all(env.path("empty")).unwrap();
    let socket = env.path("runtime/escrun/escrun.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let words = [&PRINT[..], &["GREETING"]].concat();
    let ended = end(&mut run(&env, "empty", &words));
    let told = format!(
        "warning: nobody serves {}, so it is as if it were not there",
        socket.display()
    );
    assert!(ended.stderr.lines().any(|line| line == told), "{ended:?}");
    assert!(
        ended.stderr.contains("no folder of definitions") || ended.status == 125,
        "{ended:?}"
    );
    // Where definitions are here, nobody looks.
    assert_eq!(
        end(&mut run(&env, "project", &words)).succeeds().stdout,
        "one\n"
    );

    let refused = format!("error: no daemon: nobody serves {}", socket.display());
    let mut named = run(&env, "project", &words);
    let ended = end(named.env("ESCRUN_SOCKET", &socket));
    assert_eq!(
        (ended.status, ended.stderr.lines().next()),
        (125, Some(&*refused))
    );
    let ended = end(&mut run(
        &env,
        "project",
        &[&["--via", "daemon"], &words[..]].concat(),
    ));
    assert_eq!(
        (ended.status, ended.stderr.lines().next()),
        (125, Some(&*refused))
    );
    fs::remove_file(&socket).unwrap();
    let mut named = run(&env, "project", &words);
    let ended = end(named.env("ESCRUN_SOCKET", &socket));
    let missing = format!("error: no daemon: there is no {}", socket.display());
    assert_eq!(
        (ended.status, ended.stderr.lines().next()),
        (125, Some(&*missing))
    );
}

#[test]
fn a_socket_that_others_can_exchange_is_not_asked() {
    let served = scene();
    let folder = served.env.path("run");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let words = [&PRINT[..], &["GREETING"]].concat();
    let ended = end(&mut run(&served.env, "empty", &words));
    assert_eq!((ended.status, &*ended.stdout), (125, ""));
    assert!(ended.stderr.contains("is not to be trusted"), "{ended:?}");
    assert!(
        ended.stderr.contains("can be changed by others"),
        "{ended:?}"
    );
}

#[test]
fn a_runtime_folder_of_another_user_is_none() {
    if !geteuid().is_root() {
        skip("only root may give a folder to another user");
        return;
    }
    let env = greeting();
    let folder = env.path("runtime");
    fs::create_dir_all(folder.join("escrun")).unwrap();
    let socket = folder.join("escrun/escrun.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in [&folder, &folder.join("escrun"), &socket] {
        std::os::unix::fs::chown(path, Some(65534), None).unwrap();
    }
    // As sudo -E leaves the variable. Who connected would wait for an answer of that user's.
    let ended = end(&mut run(&env, "project", &["ls"])).succeeds();
    assert_eq!(ended.stdout, "app\n");
    fs::create_dir(env.path("empty")).unwrap();
    let ended = end(&mut run(&env, "empty", &["-v", "-e", "app", "--", "true"]));
    assert!(!ended.stderr.contains("daemon"), "{ended:?}");
}
