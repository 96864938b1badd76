//! A world in which the machine's actions have their effect, and anything may happen that can.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::*;
use super::pid;
use crate::run::{Condition, Readiness};

/// What there is besides the machine.
struct World {
    machine: Machine,
    overlaps: bool,
    alive: BTreeSet<i32>,
    last_pid: i32,
    timers: BTreeMap<Timer, Duration>,
    /// Whether composing is under way, and whether it was broken off.
    resolving: Option<bool>,
    awaited: Option<Pid>,
    /// The values, by number: of the command, those composed, those to go back to.
    current: u32,
    next: Option<u32>,
    fallback: Option<u32>,
    composed: u32,
    refuses_starts: bool,
    was_asked: bool,
    finished: Option<End>,
}

impl World {
    fn new(lifecycle: Lifecycle, setting: Setting) -> Self {
        let overlaps = lifecycle.overlaps;
        let mut world = Self {
            machine: Machine::new(Policy::default(), lifecycle, setting, pid(1)),
            overlaps,
            alive: [1].into(),
            last_pid: 1,
            timers: BTreeMap::new(),
            resolving: None,
            awaited: None,
            current: 0,
            next: None,
            fallback: None,
            composed: 0,
            refuses_starts: false,
            was_asked: false,
            finished: None,
        };
        let actions = world.machine.begin();
        world.act(actions);
        world
    }

    fn tell(&mut self, event: Event) {
        if self.finished.is_none() {
            let actions = self.machine.handle(event);
            self.act(actions);
        }
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert_eq!(self.finished, None, "{action:?} after the end");
            match action {
                Action::Arm(timer, after) => {
                    self.timers.insert(timer, after);
                }
                Action::Disarm(timer) => {
                    self.timers.remove(&timer);
                }
                Action::Start => self.start(),
                Action::Await(pid) => self.awaited = Some(pid),
                Action::StopAwaiting => self.awaited = None,
                Action::Resolve => {
                    assert_eq!(self.resolving, None, "two at a time");
                    self.resolving = Some(true);
                }
                Action::AbortResolving | Action::KillHelpers => {
                    self.resolving = self.resolving.map(|_| false);
                }
                Action::Adopt => {
                    let next = self.next.take().expect("something was composed");
                    self.fallback.get_or_insert(self.current);
                    self.current = next;
                }
                Action::Discard => self.next = None,
                Action::Settle => self.fallback = None,
                Action::RollBack => {
                    self.current = self.fallback.take().expect("there is something good");
                }
                Action::Tell => assert!(!self.alive.is_empty()),
                Action::Finish(end) => {
                    let command = self.machine.command().number();
                    assert!(!self.alive.contains(&command), "the command lives");
                    self.finished = Some(end);
                }
                _ => {}
            }
        }
    }

    fn start(&mut self) {
        assert!(!self.was_asked, "a start after a request to stop");
        assert!(
            self.alive.len() <= usize::from(self.overlaps),
            "{:?}",
            self.alive
        );
        if std::mem::take(&mut self.refuses_starts) {
            self.tell(Event::NotStarted(127));
        } else {
            self.last_pid += 1;
            self.alive.insert(self.last_pid);
            self.tell(Event::Started(pid(self.last_pid)));
        }
    }

    fn end(&mut self, number: i32, end: End) {
        self.alive.remove(&number);
        self.tell(Event::Ended(pid(number), end));
        self.reap();
    }

    fn reap(&mut self) {
        if self.alive.is_empty() && self.resolving.is_none() {
            self.tell(Event::Childless);
        }
    }

    fn resolve(&mut self, verdict: Verdict) {
        let Some(goes_on) = self.resolving.take() else {
            return;
        };
        let verdict = if goes_on { verdict } else { Verdict::Failed };
        if verdict != Verdict::Failed {
            self.composed += 1;
            self.next = Some(self.composed);
        }
        self.tell(Event::Resolved(verdict));
        self.reap();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::End(who, end) if !self.alive.is_empty() => {
                let numbers: Vec<i32> = self.alive.iter().copied().collect();
                self.end(*who.get(&numbers), *end);
            }
            Step::Elapse(which) if !self.timers.is_empty() => {
                let timers: Vec<Timer> = self.timers.keys().copied().collect();
                let timer = *which.get(&timers);
                self.timers.remove(&timer);
                self.tell(Event::Elapsed(timer));
            }
            Step::Signal(signal, by_kernel) => {
                self.tell(Event::Signal {
                    signal: *signal,
                    by_kernel: *by_kernel,
                    value: None,
                });
                self.was_asked |= *signal == Signal::TERM;
            }
            Step::Change => self.tell(Event::FilesChanged),
            Step::Resolve(verdict) => self.resolve(*verdict),
            Step::Ready => {
                if let Some(pid) = self.awaited {
                    self.tell(Event::Ready(pid));
                }
            }
            Step::RefuseStarts => self.refuses_starts = true,
            Step::End(..) | Step::Elapse(_) => {}
        }
    }

    /// Asks for an end and lets everything take its course.
    fn leave(&mut self) {
        self.step(&Step::Signal(Signal::TERM, false));
        for _ in 0..500 {
            if self.finished.is_some() {
                return;
            }
            if self.resolving == Some(false) {
                self.resolve(Verdict::Failed);
            }
            if let Some(number) = self.alive.first().copied() {
                self.end(number, End::Killed(Signal::TERM));
            }
            if let Some(timer) = self.timers.pop_first() {
                self.tell(Event::Elapsed(timer.0));
            }
        }
        panic!("it never ends: {:?}", self.machine);
    }
}

/// Something that happens, if it can.
#[derive(Clone, Debug)]
enum Step {
    End(Index, End),
    Elapse(Index),
    Signal(Signal, bool),
    Change,
    Resolve(Verdict),
    Ready,
    RefuseStarts,
}

fn any_step() -> impl Strategy<Value = Step> {
    let signal = prop_oneof![
        4 => (1..=64).prop_filter_map("a signal", Signal::from_number)
            .prop_filter("asked for on purpose", |signal| *signal != Signal::TERM),
        1 => Just(Signal::INT),
    ];
    let end = prop_oneof![
        (0u8..3).prop_map(End::Exited),
        Just(End::Killed(Signal::TERM)),
        Just(End::Killed(Signal::KILL)),
    ];
    let verdict = prop_oneof![
        1 => Just(Verdict::Failed),
        1 => Just(Verdict::Same),
        1 => Just(Verdict::Tell),
        3 => Just(Verdict::Restart),
    ];
    prop_oneof![
        4 => (any::<Index>(), end).prop_map(|(who, end)| Step::End(who, end)),
        3 => any::<Index>().prop_map(Step::Elapse),
        1 => (signal, any::<bool>()).prop_map(|(signal, by_kernel)| Step::Signal(signal, by_kernel)),
        3 => Just(Step::Change),
        4 => verdict.prop_map(Step::Resolve),
        2 => Just(Step::Ready),
        1 => Just(Step::RefuseStarts),
    ]
}

fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    let restart = prop_oneof![
        Just(Restart::No),
        Just(Restart::OnFailure),
        Just(Restart::Always)
    ];
    let readiness = Readiness {
        condition: Condition::Notify,
        timeout: Duration::from_secs(30),
    };
    (restart, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        move |(restart, is_limited, is_gated, overlaps)| Lifecycle {
            restart,
            restart_limit: is_limited.then_some(2),
            readiness: is_gated.then(|| readiness.clone()),
            overlaps,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever happens: never two commands unless that is wanted, and then never three; no start after a request to stop;
    /// no value is made up; and after a request it ends.
    #[test]
    fn whatever_happens_it_stays_in_order(
        steps in prop::collection::vec(any_step(), 0..60),
        lifecycle in any_lifecycle(),
        is_first: bool,
        shares_group: bool,
    ) {
        let mut world = World::new(lifecycle, Setting { is_first, shares_group });
        for step in &steps {
            world.step(step);
        }
        world.leave();
    }
}
