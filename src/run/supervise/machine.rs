//! What a supervisor decides: events in, actions out. Knows no process, no clock and no terminal.

use std::time::Duration;

use super::Policy;
use crate::sys::children::{End, Pid};
use crate::sys::signal::Signal;

/// How often what was killed is killed again, for what was forked in that very moment.
const KILL_AGAIN: Duration = Duration::from_millis(50);

/// How long what was killed is waited for after the command itself is gone. A process that the kernel cannot end, say
/// for a dead network disk, must not keep the supervisor for ever.
const KILL_PATIENCE: u32 = 100;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signal was sent to escrun.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether it is from the terminal itself.
        by_kernel: bool,
        /// What sigqueue(3) gave with it.
        value: Option<u64>,
    },
    /// A child, or an adopted one, has ended and is reaped.
    Ended(Pid, End),
    /// A child was stopped.
    Stopped(Pid, Signal),
    /// A child goes on.
    Continued(Pid),
    /// There are no children any more.
    Childless,
    /// Time is up.
    Elapsed(Timer),
}

/// What time is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// How long stopping may take.
    Stop,
    /// When to kill again.
    Kill,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a signal, with the value that came with it.
    Send {
        /// To whom.
        to: Whom,
        /// Which.
        signal: Signal,
        /// For sigqueue(3).
        value: Option<u64>,
    },
    /// Kill everything, whatever it does about it.
    KillEverything,
    /// Have [`Event::Elapsed`] come after this time, instead of at any earlier set one.
    Arm(Timer, Duration),
    /// Have it not come.
    Disarm(Timer),
    /// Stop escrun itself as this signal does; goes on when it is continued.
    StopSelf(Signal),
    /// Let the command have the terminal, if escrun has it.
    GiveTerminal,
    /// Have the terminal back.
    TakeTerminal,
    /// End, reporting this.
    Finish(End),
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The command alone.
    Command,
    /// The command and what is in its process group.
    Group,
    /// Everything that descends from the command.
    Everything,
}

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
    setting: Setting,
    command: Pid,
    phase: Phase,
    is_stopped: bool,
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
    /// All is said.
    Done,
}

impl Machine {
    /// Supervises `command`, which runs.
    pub fn new(policy: Policy, setting: Setting, command: Pid) -> Self {
        Self {
            policy,
            setting,
            command,
            phase: Phase::Running,
            is_stopped: false,
        }
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
            Event::Stopped(pid, signal) if pid == self.command => {
                self.stopped(signal, &mut actions);
            }
            Event::Continued(pid) if pid == self.command => self.is_stopped = false,
            Event::Ended(..) | Event::Stopped(..) | Event::Continued(..) => {}
            Event::Childless => self.childless(&mut actions),
            Event::Elapsed(timer) => self.elapsed(timer, &mut actions),
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
        let is_typed = by_kernel && signal.is_of_terminal();
        // The kernel has sent it to the whole group.
        if is_typed && self.setting.shares_group {
            return;
        }
        let is_request = self.policy.is_stop_request(signal);
        if is_request && self.phase == Phase::Running {
            self.phase = Phase::Stopping;
            self.arm_stop(actions);
        }
        let Some(forwarded) = self.policy.forwarded(signal) else {
            return;
        };
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

    fn ended(&mut self, end: End, actions: &mut Vec<Action>) {
        self.is_stopped = false;
        actions.push(Action::TakeTerminal);
        match self.phase {
            // What a command leaves behind it has left on purpose.
            Phase::Running if !self.setting.is_first => self.finish(end, actions),
            Phase::Killing => {
                self.phase = Phase::Sweeping { end, times: 0 };
                self.sweep(actions);
            }
            _ => {
                if self.phase == Phase::Running {
                    self.arm_stop(actions);
                }
                self.phase = Phase::Clearing { end };
                actions.push(send(Whom::Everything, self.policy.stop_signal));
                actions.push(send(Whom::Everything, Signal::CONT));
            }
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

    fn childless(&mut self, actions: &mut Vec<Action>) {
        if let Phase::Clearing { end } | Phase::Sweeping { end, .. } = self.phase {
            self.finish(end, actions);
        }
    }

    fn elapsed(&mut self, timer: Timer, actions: &mut Vec<Action>) {
        match (timer, self.phase) {
            (Timer::Stop, Phase::Stopping) => {
                self.phase = Phase::Killing;
                self.sweep(actions);
            }
            (Timer::Stop, Phase::Clearing { end }) => {
                self.phase = Phase::Sweeping { end, times: 0 };
                self.sweep(actions);
            }
            (Timer::Kill, Phase::Killing) => self.sweep(actions),
            (Timer::Kill, Phase::Sweeping { end, times }) => {
                if times == KILL_PATIENCE {
                    self.finish(end, actions);
                } else {
                    self.phase = Phase::Sweeping {
                        end,
                        times: times + 1,
                    };
                    self.sweep(actions);
                }
            }
            _ => {}
        }
    }

    fn sweep(&self, actions: &mut Vec<Action>) {
        actions.extend([Action::KillEverything, Action::Arm(Timer::Kill, KILL_AGAIN)]);
    }

    fn arm_stop(&self, actions: &mut Vec<Action>) {
        if let Some(timeout) = self.policy.stop_timeout {
            actions.push(Action::Arm(Timer::Stop, timeout));
        }
    }

    fn finish(&mut self, end: End, actions: &mut Vec<Action>) {
        self.phase = Phase::Done;
        actions.extend([
            Action::Disarm(Timer::Stop),
            Action::Disarm(Timer::Kill),
            Action::Finish(self.policy.reported(end)),
        ]);
    }
}

fn send(to: Whom, signal: Signal) -> Action {
    let value = None;
    Action::Send { to, signal, value }
}

#[cfg(test)]
mod tests;
