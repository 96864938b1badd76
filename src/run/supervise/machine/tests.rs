use proptest::prelude::*;

use super::end::KILL_PATIENCE;
use super::*;

mod transcripts;
mod world;

const COMMAND: i32 = 100;

fn pid(number: i32) -> Pid {
    Pid::from_number(number).expect("positive")
}

fn machine(setting: Setting) -> Machine {
    Machine::new(
        Policy::default(),
        Lifecycle::default(),
        setting,
        pid(COMMAND),
    )
}

fn signal(signal: Signal) -> Event {
    Event::Signal {
        signal,
        by_kernel: false,
        value: None,
    }
}

fn typed(signal: Signal) -> Event {
    Event::Signal {
        signal,
        by_kernel: true,
        value: None,
    }
}

fn ended(end: End) -> Event {
    Event::Ended(pid(COMMAND), end)
}

/// Tells the machine all events, and gives what it does about the last of them.
fn last(machine: &mut Machine, events: &[Event]) -> Vec<Action> {
    events
        .iter()
        .map(|event| machine.handle(*event))
        .last()
        .unwrap_or_default()
}

const FIRST: Setting = Setting {
    is_first: true,
    shares_group: false,
};

const SHARING: Setting = Setting {
    is_first: false,
    shares_group: true,
};

const ALONE: Setting = Setting {
    is_first: false,
    shares_group: false,
};

#[test]
fn signals_go_where_they_belong() {
    use Whom::{Command, Everything, Group};
    let running: &[Event] = &[];
    let left: &[Event] = &[signal(Signal::TERM), ended(End::Exited(0))];
    for (setting, before, event, to) in [
        (ALONE, running, signal(Signal::HUP), Some(Command)),
        (ALONE, running, signal(Signal::INT), Some(Command)),
        (ALONE, running, typed(Signal::INT), Some(Group)),
        (ALONE, running, typed(Signal::HUP), Some(Group)),
        (ALONE, running, signal(Signal::WINCH), Some(Command)),
        (ALONE, running, signal(Signal::TSTP), Some(Command)),
        (SHARING, running, typed(Signal::INT), None),
        (SHARING, running, signal(Signal::INT), Some(Command)),
        (ALONE, running, signal(Signal::CHLD), None),
        (ALONE, left, signal(Signal::HUP), Some(Everything)),
    ] {
        let mut machine = machine(setting);
        last(&mut machine, before);
        let actions = machine.handle(event);
        let sent = actions.iter().find_map(|action| match action {
            Action::Send { to, .. } => Some(*to),
            _ => None,
        });
        assert_eq!(sent, to, "{event:?} after {before:?} in {setting:?}");
    }
}

#[test]
fn an_end_is_reported_at_once() {
    let mut machine = machine(ALONE);
    let actions = machine.handle(ended(End::Exited(7)));
    assert_eq!(actions.first(), Some(&Action::TakeTerminal));
    assert_eq!(actions.last(), Some(&Action::Finish(End::Exited(7))));
    assert_eq!(machine.handle(signal(Signal::TERM)), []);
}

#[test]
fn what_others_do_is_no_concern() {
    let mut machine = machine(ALONE);
    let events = [
        Event::Ended(pid(5), End::Exited(0)),
        Event::Stopped(pid(5), Signal::STOP),
        Event::Childless,
    ];
    for event in events {
        assert_eq!(machine.handle(event), [], "{event:?}");
    }
}

#[test]
fn a_request_that_is_ignored_is_followed_by_death() {
    let mut machine = machine(ALONE);
    let asked = machine.handle(signal(Signal::TERM));
    let Policy { stop_timeout, .. } = Policy::default();
    let timeout = stop_timeout.expect("there is one");
    assert_eq!(
        asked,
        [
            Action::Arm(Timer::Stop, timeout),
            send(Whom::Command, Signal::TERM)
        ]
    );
    // A second request does not lengthen the time.
    assert_eq!(
        machine.handle(signal(Signal::TERM)),
        [send(Whom::Command, Signal::TERM)]
    );
    let killed = machine.handle(Event::Elapsed(Timer::Stop));
    assert_eq!(killed.first(), Some(&Action::KillEverything));
    // And what it forked in that moment.
    let again = machine.handle(ended(End::Killed(Signal::KILL)));
    assert!(again.contains(&Action::KillEverything));
    let finished = machine.handle(Event::Childless);
    assert_eq!(
        finished.last(),
        Some(&Action::Finish(End::Killed(Signal::KILL)))
    );
}

#[test]
fn what_a_stopped_command_leaves_is_stopped_as_well() {
    let mut machine = machine(ALONE);
    let actions = last(&mut machine, &[signal(Signal::TERM), ended(End::Exited(0))]);
    assert!(actions.contains(&send(Whom::Everything, Signal::TERM)));
    let killed = machine.handle(Event::Elapsed(Timer::Stop));
    assert_eq!(killed.first(), Some(&Action::KillEverything));
    let finished = machine.handle(Event::Childless);
    assert_eq!(finished.last(), Some(&Action::Finish(End::Exited(0))));
}

#[test]
fn what_cannot_be_killed_is_not_waited_for_without_end() {
    let mut machine = machine(FIRST);
    last(
        &mut machine,
        &[ended(End::Exited(3)), Event::Elapsed(Timer::Stop)],
    );
    let turns = (0..1000).position(|_| {
        let actions = machine.handle(Event::Elapsed(Timer::Kill));
        actions.contains(&Action::Finish(End::Exited(3)))
    });
    assert_eq!(turns, Some(KILL_PATIENCE as usize));
}

#[test]
fn stops_are_mirrored_but_not_by_the_first_process() {
    let stopped = Event::Stopped(pid(COMMAND), Signal::TSTP);
    assert_eq!(
        machine(ALONE).handle(stopped),
        [Action::TakeTerminal, Action::StopSelf(Signal::TSTP)]
    );
    assert_eq!(machine(FIRST).handle(stopped), []);
    let mut machine = machine(ALONE);
    let resumed = last(&mut machine, &[stopped, signal(Signal::CONT)]);
    assert_eq!(
        resumed,
        [Action::GiveTerminal, send(Whom::Group, Signal::CONT)]
    );
}

#[test]
fn who_is_stopped_is_woken_to_end() {
    let stopped = Event::Stopped(pid(COMMAND), Signal::STOP);
    let mut machine = machine(FIRST);
    let actions = last(&mut machine, &[stopped, signal(Signal::TERM)]);
    let sent = [
        send(Whom::Command, Signal::TERM),
        send(Whom::Group, Signal::CONT),
    ];
    assert!(actions.ends_with(&sent), "{actions:?}");
    assert_eq!(
        machine.handle(stopped),
        [send(Whom::Group, Signal::CONT)],
        "stopped again while it ends"
    );
}

#[test]
fn rewritten_and_dropped_signals() {
    let policy = Policy {
        rewrites: vec![(Signal::TERM, Some(Signal::QUIT)), (Signal::HUP, None)],
        stop_timeout: None,
        ..Policy::default()
    };
    let mut machine = Machine::new(policy, Lifecycle::default(), ALONE, pid(COMMAND));
    assert_eq!(machine.handle(signal(Signal::HUP)), []);
    assert_eq!(
        machine.handle(signal(Signal::TERM)),
        [send(Whom::Command, Signal::QUIT)]
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    let number = (1..=64).prop_filter_map("a signal", Signal::from_number);
    let end = prop_oneof![
        any::<u8>().prop_map(End::Exited),
        number.clone().prop_map(End::Killed)
    ];
    let who = prop_oneof![Just(pid(COMMAND)), Just(pid(7))];
    prop_oneof![
        (number.clone(), any::<bool>()).prop_map(|(signal, by_kernel)| Event::Signal {
            signal,
            by_kernel,
            value: None
        }),
        (who.clone(), end).prop_map(|(who, end)| Event::Ended(who, end)),
        (who.clone(), number).prop_map(|(who, signal)| Event::Stopped(who, signal)),
        who.prop_map(Event::Continued),
        Just(Event::Childless),
        Just(Event::Elapsed(Timer::Stop)),
        Just(Event::Elapsed(Timer::Kill)),
    ]
}

proptest! {
    /// Whatever happens: it finishes once, never while the command lives, and always in the end.
    #[test]
    fn it_finishes_once_and_after_the_command(
        events in prop::collection::vec(any_event(), 0..40),
        is_first: bool,
        shares_group: bool,
    ) {
        let mut machine = machine(Setting { is_first, shares_group });
        let mut has_ended = false;
        let mut finished = 0;
        let farewell = [ended(End::Exited(0)), Event::Elapsed(Timer::Stop), Event::Childless];
        for event in events.into_iter().chain(farewell) {
            has_ended |= matches!(event, Event::Ended(who, _) if who == pid(COMMAND));
            for action in machine.handle(event) {
                prop_assert!(finished == 0, "{action:?} after the end");
                if let Action::Finish(_) = action {
                    prop_assert!(has_ended);
                    finished += 1;
                }
            }
        }
        prop_assert_eq!(finished, 1);
    }
}
