//! Signals reach the command.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use super::{SUBJECT, Supervised, is_gone, project, state, supervise, wait_until};

fn listener(options: &[&str]) -> Supervised {
    Supervised::start(&mut supervise(&project(), options, &[SUBJECT, "listen"]))
}

/// Sends any signal by its number: the C library's own ones too.
fn send(pid: i32, number: i32) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{number} {pid}")])
        .status()
        .unwrap();
    assert!(status.success(), "signal {number}");
}

#[test]
fn every_signal_is_forwarded() {
    // Masking takes threads, with the first of which the C library lets signals of its own through.
    for options in [&[][..], &["--mask"]] {
        let mut listener = listener(options);
        let pid = listener.pid().as_raw();
        let forwarded = (1..=64).filter(|number| ![9, 17, 18, 19].contains(number));
        for number in forwarded {
            send(pid, number);
            assert_eq!(listener.line(), number.to_string(), "{options:?}");
        }
    }
}

#[test]
fn signals_that_queue_all_arrive_with_their_values() {
    let mut listener = listener(&[]);
    let pid = escrun::sys::children::Pid::from_number(listener.pid().as_raw()).unwrap();
    let signal = "RTMIN+5".parse().unwrap();
    for value in 0..200 {
        escrun::sys::signal::queue(pid, signal, value).unwrap();
    }
    for value in 0..200 {
        assert_eq!(listener.line(), format!("39 {value}"));
    }
}

#[test]
fn signals_are_rewritten() {
    let mut listener = listener(&["--rewrite-signal", "TERM:QUIT", "--rewrite-signal", "1:0"]);
    listener.send(Signal::SIGHUP);
    listener.send(Signal::SIGTERM);
    assert_eq!(listener.line(), "3");
}

#[test]
fn the_stop_signal_stands_for_term() {
    let mut listener = listener(&["--stop-signal", "RTMIN+3"]);
    listener.send(Signal::SIGTERM);
    assert_eq!(listener.line(), "37");
}

#[test]
fn a_group_gets_what_is_forwarded_to_it() {
    let env = project();
    let script = "trap 'echo parent; exit 0' USR1\n\
                  (trap 'echo worker; exit 0' USR1; echo ready; while :; do sleep 0.1; done) &\n\
                  while :; do wait; done";
    let mut command = supervise(&env, &["--forward-to", "group"], &["sh", "-c", script]);
    let mut group = Supervised::start(&mut command);
    group.send(Signal::SIGUSR1);
    let mut lines = [group.line(), group.line()];
    lines.sort();
    assert_eq!(lines, ["parent", "worker"]);
}

#[test]
fn who_ignores_the_request_is_killed_with_all_it_started() {
    let env = project();
    let script = "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' &\n\
                  echo ready; while :; do sleep 1; done";
    let mut command = supervise(&env, &["--stop-timeout", "300ms"], &["sh", "-c", script]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut both = [
        lines.next().unwrap().unwrap(),
        lines.next().unwrap().unwrap(),
    ];
    both.sort();
    let [stray, ready] = both;
    assert_eq!(ready, "ready");
    let stray = stray.parse().unwrap();
    assert!(!is_gone(stray));
    send(child.id() as i32, 15);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert!(is_gone(stray), "state {:?}", state(stray));
}

#[test]
fn escrun_stops_and_goes_on_with_its_command() {
    let listener = listener_that_stops();
    let escrun = listener.pid().as_raw();
    listener.send(Signal::SIGTSTP);
    wait_until("escrun stops", || state(escrun) == Some('T'));
    listener.send(Signal::SIGCONT);
    wait_until("escrun goes on", || state(escrun) == Some('S'));
}

fn listener_that_stops() -> Supervised {
    let script = "echo ready; while :; do sleep 0.1; done";
    // The test ends before it does.
    let options = ["--die-with-parent"];
    Supervised::start(&mut supervise(&project(), &options, &["sh", "-c", script]))
}

#[test]
fn the_command_is_killed_with_escrun_if_that_is_wanted() {
    let env = project();
    let script = "echo ready; echo $$; exec sleep 100";
    let mut command = supervise(&env, &["--die-with-parent"], &["sh", "-c", script]);
    let mut supervised = Supervised::start(&mut command);
    let pid = supervised.line().parse().unwrap();
    supervised.send(Signal::SIGKILL);
    wait_until("the command is gone", || is_gone(pid));
}
