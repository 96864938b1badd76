//! A daemon that does not give what is asked.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use super::super::served::Served;
use super::greeting;
use crate::cli::test_env::{TestEnv, end};

#[test]
fn who_is_refused_is_told_and_nothing_is_read_elsewhere() {
    let served = Served::project();
    let run = ["-e", "app", "--", "printenv", "APP_HOST"];
    assert_eq!(served.ask(run).succeeds().stdout, "localhost\n");
    served.ask(["lock"]).succeeds();
    let hint = "  hint: unlock them with escrun unlock";
    served
        .ask(run)
        .fails(125, &["error: the identities are locked", hint]);
    served
        .ask(["get", "-e", "app"])
        .fails(1, &["error: the identities are locked", hint]);
    // What needs no identity.
    served.ask(["check", "app"]).succeeds();
    served.ask(["get", "-e", "app", "--symbolic"]).succeeds();
    served.ask(["unlock"]).succeeds();
    assert_eq!(served.ask(run).succeeds().stdout, "localhost\n");
    let nowhere = served.ask(["-e", "nowhere", "--", "true"]);
    assert_eq!((nowhere.status, &*nowhere.stdout), (125, ""));
    assert!(nowhere.stderr.starts_with("error: "), "{nowhere:?}");
    served.ask(["--", "true"]).fails(
        125,
        &[
            "error: no environment is named",
            "  hint: name some with --env A,B or ESCRUN_ENV",
        ],
    );
}

#[test]
fn who_may_not_learns_nothing() {
    let env = greeting();
    env.write("home/.config/escrun/policy.yaml", "rules: []\n");
    let served = Served::start(env, "");
    let expected = served.ask(["get", "-e", "app"]);
    assert_eq!(expected.status, 1);
    let message = expected.stderr.clone();
    assert!(!message.contains("app"), "{message}");
    for words in [
        &["get", "-e", "nowhere"][..],
        &["export", "-e", "app", "--format", "json"],
        &["check", "app"],
    ] {
        assert_eq!(served.ask(words).stderr, message, "{words:?}");
    }
    let ended = served.ask(["-e", "app", "--", "true"]);
    assert_eq!((ended.status, ended.stderr), (125, message));
}

/// Whatever a server answers that is none: a line on it, and no command.
#[test]
fn what_is_no_daemon_is_told_apart() {
    let env = TestEnv::empty();
    let socket = env.path("home/s");
    for (answer, reason) in [
        ("", "the daemon has broken off"),
        ("SSH-2.0-x\r\n", "it does not speak HTTP"),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "it does not say how long its answer is",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
            "the daemon has broken off",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "its answer is not what was asked for",
        ),
        (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
            "answers with status 302",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "its answer is too long",
        ),
    ] {
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let mut command = env.prepare(["-e", "app", "--", "touch", "started"]);
        let ended = end(command.env("ESCRUN_SOCKET", &socket));
        server.join().unwrap();
        assert_eq!(ended.status, 125, "{answer}");
        assert!(ended.stderr.contains(reason), "{answer}: {ended:?}");
        assert!(!env.path("project/started").exists());
    }
}
