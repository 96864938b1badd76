//! What a supervisor decides: events in, actions out. Knows no process, no clock, no terminal and no value.

mod backoff;
mod change;
mod end;
mod message;
mod reload;
mod start;

use std::collections::BTreeSet;
use std::time::Duration;

use self::backoff::Backoff;
pub use self::message::{Action, Event, Note, Timer, Verdict, Whom};
use self::reload::Reload;
use crate::run::{Lifecycle, Policy, Restart};
use crate::sys::children::{End, Pid};
use crate::sys::signal::Signal;

/// For how long an end is put down to what was typed.
const INTERRUPTION: Duration = Duration::from_secs(10);

/// Where the supervisor runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Whether it is the first process of its namespace, with which all others end.
    pub is_first: bool,
    /// Whether the command is in the supervisor's own process group, so that it has what the terminal sends.
    pub shares_group: bool,
}

/// The supervisor's state.
#[derive(Debug)]
pub struct Machine {
    policy: Policy,
    lifecycle: Lifecycle,
    setting: Setting,
    command: Pid,
    phase: Phase,
    /// What comes when the command is gone.
    after: After,
    /// The other command, while there are two.
    other: Option<Other>,
    is_stopped: bool,
    /// Signals that the command was sent, which it may have died of.
    sent: BTreeSet<Signal>,
    /// Whether something was typed that commonly ends commands.
    is_interrupted: bool,
    /// Which command is waited for to be up.
    awaited: Option<Pid>,
    /// Whether any command has been up.
    was_ready: bool,
    /// Whether the current values are new and no command has come up with them.
    is_trial: bool,
    backoff: Backoff,
    reload: Reload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The command runs.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It was killed.
    Killing,
    /// It has ended; what it left is asked to stop.
    Clearing { end: End },
    /// It has ended; what it left was killed, so many times.
    Sweeping { end: End, times: u32 },
    /// There is none; one is started in a while.
    Waiting { end: End },
    /// There is none; one is being started.
    Starting { end: End },
    /// All is said.
    Done,
}

/// What comes when a command is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The end, which is the command's own.
    Finish,
    /// The end, which is this.
    Fail(End),
    /// Another one at once.
    Start,
    /// Another one in a while, unless there were too many.
    Retry,
}

/// The other one of two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    /// It takes over when it is up.
    Successor(Pid),
    /// It was asked to stop.
    Retiring(Pid),
}

impl Other {
    fn pid(self) -> Pid {
        match self {
            Other::Successor(pid) | Other::Retiring(pid) => pid,
        }
    }
}

impl Machine {
    /// Supervises `command`, which runs; [`Self::begin`] comes first.
    pub fn new(policy: Policy, lifecycle: Lifecycle, setting: Setting, command: Pid) -> Self {
        Self {
            policy,
            lifecycle,
            setting,
            command,
            phase: Phase::Running,
            after: After::Finish,
            other: None,
            is_stopped: false,
            sent: BTreeSet::new(),
            is_interrupted: false,
            awaited: None,
            was_ready: false,
            is_trial: false,
            backoff: Backoff::default(),
            reload: Reload::default(),
        }
    }

    /// What to do at first.
    pub fn begin(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.watch_start(self.command, &mut actions);
        actions
    }

    /// The command; if there are two, the one that is not about to be replaced or to replace.
    pub fn command(&self) -> Pid {
        self.command
    }

    /// Whether the command runs, and nobody has asked it to stop.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether there are two commands.
    pub fn overlaps(&self) -> bool {
        self.other.is_some()
    }

    /// Whether no command will be started any more.
    pub fn is_ending(&self) -> bool {
        let is_staying = matches!(
            self.phase,
            Phase::Running | Phase::Waiting { .. } | Phase::Starting { .. }
        );
        !is_staying && matches!(self.after, After::Finish | After::Fail(_))
    }

    /// What to do about an event, in this order.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            _ if self.phase == Phase::Done => {}
            Event::Signal {
                signal,
                by_kernel,
                value,
            } => self.signal(signal, by_kernel, value, &mut actions),
            Event::Ended(pid, end) if pid == self.command && self.has_command() => {
                self.ended(end, &mut actions);
            }
            Event::Ended(pid, _) => self.other_ended(pid, &mut actions),
            Event::Stopped(pid, signal) if pid == self.command => {
                self.stopped(signal, &mut actions);
            }
            Event::Continued(pid) if pid == self.command => self.is_stopped = false,
            Event::Stopped(..) | Event::Continued(..) => {}
            Event::Childless => self.childless(&mut actions),
            Event::Elapsed(timer) => self.elapsed(timer, &mut actions),
            Event::Started(pid) => self.started(pid, &mut actions),
            Event::NotStarted(status) => self.not_started(status, &mut actions),
            Event::Ready(pid) => self.ready(pid, &mut actions),
            Event::FilesChanged | Event::DaemonTold => {
                self.reload.request();
                self.resolve(&mut actions);
            }
            Event::Resolved(verdict) => self.resolved(verdict, &mut actions),
        }
        actions
    }

    /// Whether the command has not ended.
    fn has_command(&self) -> bool {
        matches!(
            self.phase,
            Phase::Running | Phase::Stopping | Phase::Killing
        )
    }

    fn signal(
        &mut self,
        signal: Signal,
        by_kernel: bool,
        value: Option<u64>,
        actions: &mut Vec<Action>,
    ) {
        if signal == Signal::CHLD {
            return;
        }
        let is_request = self.policy.is_stop_request(signal);
        // A hangup by hand asks many a command to read its settings again.
        let is_interrupt =
            matches!(signal, Signal::INT | Signal::QUIT) || (by_kernel && signal == Signal::HUP);
        if is_interrupt {
            self.interrupted(actions);
        }
        if is_request || is_interrupt {
            // Whatever was to come: nothing is started for who wants an end.
            if let Phase::Waiting { end } | Phase::Starting { end } = self.phase {
                self.finish(end, actions);
                return;
            }
        }
        if is_request {
            self.after = After::Finish;
        }
        let is_typed = by_kernel && signal.is_of_terminal();
        self.sent.insert(signal);
        // The kernel has sent it to the whole group.
        if is_typed && self.setting.shares_group {
            return;
        }
        if is_request && self.phase == Phase::Running {
            self.phase = Phase::Stopping;
            self.stop_measuring(actions);
            self.arm_stop(Timer::Stop, actions);
            if let Some(Other::Successor(pid)) = self.other {
                actions.push(send(Whom::Other(pid), self.policy.stop_signal));
            }
        }
        let Some(forwarded) = self.policy.forwarded(signal) else {
            return;
        };
        self.sent.insert(forwarded);
        if signal == Signal::CONT {
            actions.push(Action::GiveTerminal);
        }
        let to = if !self.has_command() {
            Whom::Everything
        } else if is_typed || signal == Signal::CONT || self.policy.forward_to_group {
            Whom::Group
        } else {
            Whom::Command
        };
        actions.push(Action::Send {
            to,
            signal: forwarded,
            value,
        });
        // Who is stopped cannot act on the request.
        if is_request && self.is_stopped {
            actions.push(send(Whom::Group, Signal::CONT));
        }
    }

    /// Many a command ends in order when it is interrupted. That it is started again is not what was wanted.
    fn interrupted(&mut self, actions: &mut Vec<Action>) {
        self.is_interrupted = true;
        if self.phase != Phase::Running && matches!(self.after, After::Start | After::Retry) {
            self.after = After::Finish;
        }
        if self.lifecycle.restart != Restart::No || self.is_trial {
            actions.push(Action::Arm(Timer::Interrupt, INTERRUPTION));
        }
    }

    fn stopped(&mut self, signal: Signal, actions: &mut Vec<Action>) {
        self.is_stopped = true;
        // Who ends is not to be stopped, and the first process cannot be.
        if self.phase == Phase::Running && !self.setting.is_first {
            actions.extend([Action::TakeTerminal, Action::StopSelf(signal)]);
        } else if self.phase == Phase::Stopping {
            actions.push(send(Whom::Group, Signal::CONT));
        }
    }

    fn elapsed(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match timer {
            Timer::Stop | Timer::Kill => self.escalate(timer, actions),
            Timer::Start => {
                if let Phase::Waiting { end } = self.phase {
                    self.start(end, actions);
                }
            }
            Timer::Settled => self.backoff.reset(),
            Timer::Ready => self.not_ready(actions),
            Timer::Probation => self.proven(actions),
            Timer::Resolve => {
                actions.extend([
                    Action::Note(Note::ResolvingTimedOut),
                    Action::AbortResolving,
                ]);
            }
            Timer::Retire => {
                if let Some(Other::Retiring(pid)) = self.other {
                    actions.push(send(Whom::OthersGroup(pid), Signal::KILL));
                }
            }
            Timer::Interrupt => self.is_interrupted = false,
        }
    }

    fn arm_stop(&self, timer: Timer, actions: &mut Vec<Action>) {
        if let Some(timeout) = self.policy.stop_timeout {
            actions.push(Action::Arm(timer, timeout));
        }
    }
}

fn send(to: Whom, signal: Signal) -> Action {
    let value = None;
    Action::Send { to, signal, value }
}

#[cfg(test)]
mod tests;
