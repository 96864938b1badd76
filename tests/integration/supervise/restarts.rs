//! A command that ends is started again, if that is wanted and makes sense.

use nix::sys::signal::Signal;

use super::{Supervised, project, supervise};
use crate::cli::test_env::end;

#[test]
fn failures_are_retried_up_to_the_limit() {
    let env = project();
    let options = ["--restart", "on-failure", "--restart-limit", "2"];
    let ended = end(&mut supervise(
        &env,
        &options,
        &["sh", "-c", "echo try; exit 3"],
    ));
    assert_eq!((ended.status, &*ended.stdout), (3, "try\ntry\ntry\n"));
    let told = "error: the command has failed too often in a row";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[test]
fn success_is_an_end_unless_always() {
    let env = project();
    let ended = end(&mut supervise(
        &env,
        &["--restart", "on-failure"],
        &["echo", "once"],
    ));
    assert_eq!((ended.status, &*ended.stdout), (0, "once\n"));
    let mut always = Supervised::spawn(&mut supervise(
        &env,
        &["--restart", "always"],
        &["sh", "-c", "echo $GREETING"],
    ));
    for _ in 0..3 {
        assert_eq!(always.line(), "hello");
    }
    always.send(Signal::SIGTERM);
    always.child.wait().unwrap();
}

#[test]
fn who_is_asked_to_stop_is_not_started_again() {
    let env = project();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1] {
        let command = ["sh", "-c", "echo ready; exec sleep 1000"];
        let mut supervised =
            Supervised::start(&mut supervise(&env, &["--restart", "always"], &command));
        supervised.send(signal);
        supervised.child.wait().unwrap();
        assert_eq!(supervised.line(), "", "{signal}");
    }
}

#[test]
fn what_is_left_of_the_old_one_is_gone_before_the_new_one_starts() {
    let env = project();
    // The command ends at once; what it leaves behind needs a while to stop.
    let script = "
        if [ -e busy ]; then echo overlap; fi
        [ -e again ] && echo again && exec sleep 1000
        touch again
        (trap 'sleep 0.3; rm busy; exit' TERM; touch busy; while :; do sleep 0.01; done) &
        while ! [ -e busy ]; do sleep 0.01; done
        exit 1";
    let command = ["sh", "-c", script];
    let mut supervised =
        Supervised::spawn(&mut supervise(&env, &["--restart", "on-failure"], &command));
    assert_eq!(supervised.line(), "again");
    supervised.send(Signal::SIGTERM);
    supervised.child.wait().unwrap();
}

#[test]
fn options_that_do_nothing_are_refused() {
    let env = project();
    let ended = end(&mut supervise(&env, &["--overlap"], &["true"]));
    ended.fails(
        125,
        &[
            "error: --overlap does nothing without --watch",
            "  hint: add --watch, or leave out --overlap",
        ],
    );
}
