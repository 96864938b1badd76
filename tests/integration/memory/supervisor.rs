//! What stays beside a command holds none of its secrets.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{Running, random_text};
use crate::cli::test_env::{TestEnv, end_with_input};
use crate::outside::skip;
use crate::scan::Scanner;
use crate::supervise::wait_until;

/// A project with a sealed value and a sealed file; its secrets, the key's last.
fn project() -> (TestEnv, [String; 3]) {
    let env = TestEnv::project();
    let secrets = [48, 600].map(random_text);
    env.define(
        "kept",
        "values:\n  token: {fn::secret: x}\n  cert: {fn::secret: x}\n  \
         environmentVariables:\n    TOKEN: ${token}\n  files:\n    CERT: ${cert}\n",
    );
    for (path, secret) in ["token", "cert"].iter().zip(&secrets) {
        let mut set = env.prepare(["set", "--secret", "kept", path]);
        end_with_input(&mut set, secret.as_bytes()).succeeds();
    }
    let identity = env.read("home/.config/escrun/identities/default.txt");
    let key = identity.lines().last().unwrap().to_owned();
    let [token, cert] = secrets;
    (env, [token, cert, key])
}

/// Scans the supervisor of a command that runs, and then the command.
fn scan(options: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may look into the memory of escrun");
        return None;
    }
    let (env, secrets) = project();
    let script = "IFS= read -r held <\"$CERT\"; echo $$; while :; do sleep 1; done";
    let words = ["-e", "kept"].iter().chain(options);
    let mut command = env.prepare(words.chain(&["--", "sh", "-c", script]));
    let mut running = Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let output = running.0.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let child: u32 = line.trim().parse().unwrap();
    let supervisor = running.0.id();
    // It becomes its own supervisor while the command runs already.
    let arguments = || fs::read_to_string(format!("/proc/{supervisor}/cmdline")).unwrap();
    wait_until("escrun supervises", || arguments().contains("__supervise"));
    // And sleeps when all is set up.
    let stat = || fs::read_to_string(format!("/proc/{supervisor}/stat")).unwrap();
    wait_until("the supervisor sleeps", || stat().contains(") S "));
    let scanner = Scanner::new(&secrets);
    let found = (scanner.scan(supervisor), scanner.scan(child));
    for place in ["environ", "cmdline"] {
        let text = fs::read(format!("/proc/{supervisor}/{place}")).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(secrets.iter().all(|secret| !text.contains(secret)));
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(supervisor as i32),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    running.0.wait().unwrap();
    Some(found)
}

#[test]
fn a_supervisor_holds_nothing_of_what_its_command_is_given() {
    for options in [&["--supervise"][..], &["--supervise", "--files", "memfd"]] {
        let Some((supervisor, command)) = scan(options) else {
            return;
        };
        assert_eq!(supervisor, [""; 0], "{options:?}");
        // What looks finds it where it is.
        assert!(!command.is_empty(), "{options:?}");
    }
}
