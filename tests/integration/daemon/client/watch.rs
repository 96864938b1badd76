//! A command whose values are a daemon's, while these change and the daemon comes and goes.

use std::fs::File;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::super::served::Served;
use super::greeting;
use crate::cli::test_env::TestEnv;
use crate::supervise::{Supervised, wait_until};

/// Says what it was given and which process it is, and waits.
const TELL: &str = "echo \"up $GREETING $$\"; exec sleep 1000";

/// A command that watches, and what its supervisor has told.
struct Watching {
    supervised: Supervised,
    told: PathBuf,
}

impl Watching {
    fn start(served: &Served, options: &[&str]) -> Self {
        let told = served.env.path("told");
        let words = ["-e", "app", "--watch", "-v", "--die-with-parent"];
        let words = words.iter().chain(options).chain(&["--", "sh", "-c", TELL]);
        let mut command = served.asking(words);
        command.stderr(File::create(&told).unwrap());
        Self {
            supervised: Supervised::spawn(&mut command),
            told,
        }
    }

    /// The process that has been started with a greeting.
    #[track_caller]
    fn up(&mut self, greeting: &str) -> String {
        let line = self.supervised.line();
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[..2], ["up", greeting], "{}", self.told());
        words[2].to_owned()
    }

    fn told(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap()
    }

    fn await_told(&self, text: &str) {
        wait_until(&format!("it tells: {text}"), || self.told().contains(text));
    }

    fn stop(mut self) -> String {
        self.supervised.send(Signal::SIGTERM);
        self.supervised.wait();
        self.told()
    }
}

fn define(env: &TestEnv, greeting: &str) {
    env.define("app", &format!("values:\n  greeting: {greeting}\n"));
}

fn is_alive(pid: &str) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

#[test]
fn a_change_reaches_the_command() {
    let served = Served::start(greeting(), "");
    let mut watching = Watching::start(&served, &[]);
    watching.up("one");
    for text in ["two", "three", "four"] {
        define(&served.env, text);
        watching.up(text);
    }
    // One that changes nothing that the command has.
    define(&served.env, "four # again");
    watching.await_told("values are composed anew by the daemon");
    define(&served.env, "five");
    watching.up("five");
    let told = watching.stop();
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn a_command_outlives_the_daemon_and_misses_nothing() {
    let mut served = Served::start(greeting(), "");
    let mut watching = Watching::start(&served, &[]);
    let pid = watching.up("one");
    served.signal(Signal::SIGKILL);
    served.wait();
    watching.await_told("changes are not noticed until that is otherwise");
    served.restart();
    watching.await_told("the daemon tells of changes again");
    assert!(is_alive(&pid));
    // A change while nobody serves.
    served.signal(Signal::SIGKILL);
    served.wait();
    define(&served.env, "two");
    served.restart();
    watching.up("two");
    watching.stop();
}

#[test]
fn a_hundred_restarts_of_the_daemon_are_none_of_the_command() {
    let mut served = Served::start(greeting(), "");
    let mut watching = Watching::start(&served, &[]);
    let pid = watching.up("one");
    for round in 0..100 {
        let signal = if round % 2 == 0 {
            Signal::SIGKILL
        } else {
            Signal::SIGTERM
        };
        served.signal(signal);
        served.wait();
        served.restart();
    }
    assert!(is_alive(&pid));
    define(&served.env, "two");
    watching.up("two");
    watching.stop();
}

#[test]
fn a_locked_daemon_is_tried_again() {
    let env = TestEnv::project();
    let definition = env.definition("app");
    env.define(
        "app",
        &definition.replacen("values:", "values:\n  greeting: one", 1),
    );
    let served = Served::start(env, "");
    let mut watching = Watching::start(&served, &[]);
    let pid = watching.up("one");
    served.ask(["lock"]).succeeds();
    let definition = served.env.definition("app");
    served
        .env
        .define("app", &definition.replace("localhost", "elsewhere"));
    watching.await_told("the identities are locked: the command keeps what it has");
    assert!(is_alive(&pid));
    served.ask(["unlock"]).succeeds();
    let other = watching.up("one");
    assert_ne!(pid, other);
    // Empty while the shell becomes the next program.
    wait_until("it has what has changed", || {
        let environment = std::fs::read_to_string(format!("/proc/{other}/environ")).unwrap();
        environment.contains("APP_HOST=elsewhere")
    });
    let told = watching.stop();
    assert_eq!(
        told.matches("the command keeps what it has").count(),
        1,
        "{told}"
    );
}

#[test]
fn who_may_not_any_more_keeps_what_it_has() {
    let env = greeting();
    let policy = |env: &TestEnv, rules: &str| {
        env.write(
            "home/.config/escrun/policy.yaml",
            format!("rules: {rules}\n"),
        );
    };
    let own = format!(
        "[{{peer: {{user: {}}}, environments: '**', allow: [open, watch]}}]",
        nix::unistd::getuid()
    );
    policy(&env, &own);
    let served = Served::start(env, "");
    let mut watching = Watching::start(&served, &[]);
    let pid = watching.up("one");
    policy(&served.env, "[]");
    watching.await_told("warning: ");
    assert!(is_alive(&pid));
    define(&served.env, "two");
    policy(&served.env, &own);
    watching.up("two");
    watching.stop();
}

#[test]
fn a_broken_definition_is_mended() {
    let served = Served::start(greeting(), "");
    let mut watching = Watching::start(&served, &[]);
    let pid = watching.up("one");
    define(&served.env, "${missing}");
    watching.await_told("the command keeps what it has");
    assert!(is_alive(&pid));
    define(&served.env, "two");
    watching.up("two");
    watching.stop();
}
