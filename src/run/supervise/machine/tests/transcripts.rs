//! What happens, and what is done about it, told as a person would.

use std::time::Duration;

use super::super::*;
use super::{ALONE, FIRST, pid};
use crate::run::{Condition, Readiness};

/// Which command comes next.
const NEXT: i32 = 101;

/// Plays what happens (`>` in front) to a machine and checks what it does about it, apart from measuring time.
#[track_caller]
fn play(lifecycle: Lifecycle, setting: Setting, transcript: &str) {
    let mut machine = Machine::new(Policy::default(), lifecycle, setting, pid(super::COMMAND));
    let mut next = NEXT;
    let mut played = String::new();
    let mut actions = machine.begin();
    for line in transcript.trim().lines() {
        let Some(happening) = line.trim().strip_prefix("> ") else {
            continue;
        };
        tell(&mut played, &actions);
        played += &format!("> {happening}\n");
        actions = happening
            .split(", ")
            .flat_map(|happening| machine.handle(event(happening, &mut next)))
            .collect();
    }
    tell(&mut played, &actions);
    let expected: Vec<_> = transcript.trim().lines().map(str::trim).collect();
    assert_eq!(played.lines().collect::<Vec<_>>(), expected);
}

fn event(happening: &str, next: &mut i32) -> Event {
    let words: Vec<_> = happening.split(' ').collect();
    let signal = |name: &str| name.parse().expect("a signal");
    let number = |text: &str| pid(text.parse().expect("a number"));
    match words[..] {
        ["signal", name] => super::signal(signal(name)),
        ["typed", name] => super::typed(signal(name)),
        [who, "exits", status] => {
            Event::Ended(number(who), End::Exited(status.parse().expect("a status")))
        }
        [who, "dies", name] => Event::Ended(number(who), End::Killed(signal(name))),
        ["childless"] => Event::Childless,
        ["started"] => {
            *next += 1;
            Event::Started(pid(*next - 1))
        }
        ["not", "started"] => Event::NotStarted(127),
        [who, "ready"] => Event::Ready(number(who)),
        ["files", "changed"] => Event::FilesChanged,
        ["resolved", verdict] => Event::Resolved(match verdict {
            "failed" => Verdict::Failed,
            "same" => Verdict::Same,
            "tell" => Verdict::Tell,
            _ => Verdict::Restart,
        }),
        [timer, "elapsed"] => Event::Elapsed(
            [
                Timer::Stop,
                Timer::Kill,
                Timer::Start,
                Timer::Settled,
                Timer::Ready,
                Timer::Probation,
                Timer::Resolve,
                Timer::Retire,
                Timer::Interrupt,
            ]
            .into_iter()
            .find(|known| format!("{known:?}").to_lowercase() == timer)
            .expect("a timer"),
        ),
        _ => panic!("{happening}?"),
    }
}

fn tell(played: &mut String, actions: &[Action]) {
    for action in actions {
        let line = match action {
            Action::Disarm(_) | Action::GiveTerminal | Action::TakeTerminal => continue,
            Action::Arm(Timer::Start, wait) => format!("wait {} ms", wait.as_millis()),
            Action::Arm(..) => continue,
            Action::Send { to, signal, .. } => match to {
                Whom::Other(pid) => format!("{signal} to {pid}"),
                Whom::OthersGroup(pid) => format!("{signal} to the group of {pid}"),
                to => format!("{signal} to {to:?}")
                    .to_lowercase()
                    .replace("sig", "SIG"),
            },
            Action::Note(Note::Restarting(..)) => continue,
            Action::Note(note) => format!("note {note:?}"),
            Action::Finish(end) => format!("finish: {end}"),
            other => format!("{other:?}").to_lowercase(),
        };
        *played += &line;
        played.push('\n');
    }
}

fn restart(restart: Restart) -> Lifecycle {
    Lifecycle {
        restart,
        restart_limit: Some(2),
        ..Lifecycle::default()
    }
}

fn gated() -> Lifecycle {
    Lifecycle {
        readiness: Some(Readiness {
            condition: Condition::Notify,
            timeout: Duration::from_secs(30),
        }),
        ..Lifecycle::default()
    }
}

#[test]
fn failures_are_retried_up_to_the_limit() {
    play(
        restart(Restart::OnFailure),
        ALONE,
        "> 100 exits 1
         killhelpers
         SIGterm to everything
         SIGcont to everything
         > childless
         wait 100 ms
         > start elapsed
         start
         > started
         > 101 dies SEGV, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         wait 200 ms
         > start elapsed
         start
         > started
         > settled elapsed
         > 102 exits 1, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         wait 100 ms
         > start elapsed
         start
         > not started
         wait 200 ms
         > start elapsed
         start
         > not started
         note GivenUp
         killhelpers
         finish: ended with status 127",
    );
}

#[test]
fn success_is_not_retried_unless_always() {
    play(
        restart(Restart::OnFailure),
        ALONE,
        "> 100 exits 0
         killhelpers
         finish: ended with status 0",
    );
    play(
        restart(Restart::Always),
        ALONE,
        "> 100 exits 0, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         wait 100 ms",
    );
}

#[test]
fn an_end_that_was_asked_for_is_the_end() {
    for asked in [
        "> signal TERM
         SIGterm to command
         > 100 exits 0, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         killhelpers
         finish: ended with status 0",
        "> signal USR1
         SIGusr1 to command
         > 100 dies USR1
         killhelpers
         finish: was killed by SIGUSR1",
        "> typed INT
         SIGint to group
         > 100 exits 130
         killhelpers
         finish: ended with status 130",
        "> 100 exits 1, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         wait 100 ms
         > signal TERM
         killhelpers
         finish: ended with status 1",
        "> 100 exits 1
         killhelpers
         SIGterm to everything
         SIGcont to everything
         > signal TERM
         SIGterm to everything
         > childless
         killhelpers
         finish: ended with status 1",
    ] {
        play(restart(Restart::Always), ALONE, asked);
    }
}

#[test]
fn old_and_new_never_overlap() {
    play(
        Lifecycle::default(),
        FIRST,
        "> files changed
         resolve
         > files changed
         > resolved restart
         note Changed
         adopt
         SIGterm to command
         > 100 exits 0
         killhelpers
         SIGterm to everything
         SIGcont to everything
         > stop elapsed
         killeverything
         > childless
         start
         > started
         resolve
         > resolved same
         discard
         > probation elapsed
         settle",
    );
}

#[test]
fn a_command_that_fails_with_new_values_has_the_old_ones_again() {
    play(
        Lifecycle::default(),
        ALONE,
        "> files changed
         resolve
         > resolved restart
         note Changed
         adopt
         SIGterm to command
         > 100 dies TERM, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         start
         > started
         > 101 exits 1, childless
         rollback
         note RolledBack
         killhelpers
         SIGterm to everything
         SIGcont to everything
         start
         > started
         > 102 exits 3
         killhelpers
         finish: ended with status 3",
    );
    play(
        Lifecycle::default(),
        ALONE,
        "> files changed
         resolve
         > resolved restart
         note Changed
         adopt
         SIGterm to command
         > 100 dies TERM, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         start
         > not started
         rollback
         note RolledBack
         start",
    );
}

#[test]
fn what_is_told_needs_no_start() {
    play(
        Lifecycle::default(),
        ALONE,
        "> files changed
         resolve
         > resolved failed
         > files changed
         resolve
         > resolved tell
         adopt
         tell
         settle",
    );
}

#[test]
fn who_is_not_up_in_time_is_stopped() {
    play(
        gated(),
        ALONE,
        "await(pid(100))
         > ready elapsed
         note NotReady
         stopawaiting
         SIGterm to command
         > 100 exits 0, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         killhelpers
         finish: ended with status 125",
    );
    play(
        gated(),
        ALONE,
        "await(pid(100))
         > 100 ready
         stopawaiting
         > files changed
         resolve
         > resolved restart
         note Changed
         adopt
         SIGterm to command
         > 100 exits 0, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         start
         > started
         await(pid(101))
         > ready elapsed
         note NotReady
         stopawaiting
         rollback
         note RolledBack
         SIGterm to command
         > 101 exits 0, childless
         killhelpers
         SIGterm to everything
         SIGcont to everything
         start
         > started
         await(pid(102))
         > 102 ready
         stopawaiting",
    );
}

#[test]
fn with_overlap_the_new_one_is_up_before_the_old_one_stops() {
    let overlapping = || Lifecycle {
        overlaps: true,
        ..gated()
    };
    play(
        overlapping(),
        ALONE,
        "await(pid(100))
         > 100 ready
         stopawaiting
         > files changed
         resolve
         > resolved restart
         note Changed
         adopt
         start
         > started
         await(pid(101))
         > files changed
         > 101 ready
         stopawaiting
         settle
         SIGTERM to 100
         > signal HUP
         SIGhup to command
         > 100 exits 0
         resolve
         SIGKILL to the group of 100",
    );
    play(
        overlapping(),
        ALONE,
        "await(pid(100))
         > 100 ready
         stopawaiting
         > files changed
         resolve
         > resolved restart
         note Changed
         adopt
         start
         > started
         await(pid(101))
         > ready elapsed
         note NotReady
         stopawaiting
         rollback
         note RolledBack
         SIGTERM to 101
         > retire elapsed
         SIGKILL to the group of 101
         > 101 dies KILL
         SIGKILL to the group of 101
         > 100 exits 0
         killhelpers
         finish: ended with status 0",
    );
}

#[test]
fn composing_that_hangs_is_broken_off() {
    play(
        Lifecycle::default(),
        ALONE,
        "> files changed
         resolve
         > resolve elapsed
         note ResolvingTimedOut
         abortresolving
         > resolved failed
         > files changed
         resolve",
    );
}
