//! How commands end: by themselves or asked to, with what they leave behind, and what comes then.

use std::time::Duration;

use super::{Action, After, Machine, Note, Other, Phase, Timer, Whom, send};
use crate::sys::children::{End, Pid};
use crate::sys::signal::Signal;

/// How often what was killed is killed again, for what was forked in that very moment.
const KILL_AGAIN: Duration = Duration::from_millis(50);

/// How long what was killed is waited for after the command itself is gone. A process that the kernel cannot end, say
/// for a dead network disk, must not keep the supervisor for ever.
pub(super) const KILL_PATIENCE: u32 = 100;

impl Machine {
    /// Asks the running command to stop; `after` comes then.
    pub(super) fn stop(&mut self, after: After, actions: &mut Vec<Action>) {
        self.phase = Phase::Stopping;
        self.after = after;
        self.stop_measuring(actions);
        self.arm_stop(Timer::Stop, actions);
        actions.push(send(Whom::Command, self.policy.stop_signal));
        if self.is_stopped {
            actions.push(send(Whom::Group, Signal::CONT));
        }
    }

    /// The command has ended.
    pub(super) fn ended(&mut self, end: End, actions: &mut Vec<Action>) {
        self.is_stopped = false;
        actions.push(Action::TakeTerminal);
        if self.phase == Phase::Running {
            let is_asked = self.is_asked(end);
            if let Some(Other::Successor(successor)) = self.other
                && !is_asked
            {
                // It is not proven, but it is all there is.
                let gone = std::mem::replace(&mut self.command, successor);
                self.other = None;
                let rest = send(Whom::OthersGroup(gone), Signal::KILL);
                actions.extend([rest, Action::GiveTerminal]);
                return;
            }
            self.stop_measuring(actions);
            self.after = match is_asked {
                true => After::Finish,
                false => self.decide(end, actions),
            };
        }
        match self.phase {
            // What a command leaves behind it has left on purpose.
            Phase::Running
                if self.after == After::Finish
                    && !self.setting.is_first
                    && self.other.is_none() =>
            {
                self.finish(end, actions);
            }
            Phase::Killing => {
                self.phase = Phase::Sweeping { end, times: 0 };
                self.sweep(actions);
            }
            _ => {
                if self.phase == Phase::Running {
                    self.arm_stop(Timer::Stop, actions);
                }
                self.phase = Phase::Clearing { end };
                // What is left then is the command's.
                self.kill_helpers(actions);
                actions.push(send(Whom::Everything, self.policy.stop_signal));
                actions.push(send(Whom::Everything, Signal::CONT));
            }
        }
    }

    /// Whether the end was asked for.
    fn is_asked(&self, end: End) -> bool {
        self.is_interrupted || matches!(end, End::Killed(signal) if self.sent.contains(&signal))
    }

    /// Decides what comes after an end that nobody asked for.
    fn decide(&mut self, end: End, actions: &mut Vec<Action>) -> After {
        if self.is_trial {
            self.roll_back(actions);
            After::Start
        } else if self.lifecycle.restart.applies_to(end) {
            After::Retry
        } else {
            After::Finish
        }
    }

    /// A process other than the command has ended.
    pub(super) fn other_ended(&mut self, pid: Pid, actions: &mut Vec<Action>) {
        let Some(other) = self.other.filter(|other| other.pid() == pid) else {
            return;
        };
        self.other = None;
        match other {
            Other::Retiring(_) => {
                actions.push(Action::Disarm(Timer::Retire));
                self.resolve(actions);
            }
            Other::Successor(_) if self.phase == Phase::Running => {
                self.stop_measuring(actions);
                self.roll_back(actions);
                self.resolve(actions);
            }
            Other::Successor(_) => {}
        }
        // Its number is its group's, which cannot be anyone else's as long as there is somebody in it.
        actions.push(send(Whom::OthersGroup(pid), Signal::KILL));
    }

    /// There are no children any more.
    pub(super) fn childless(&mut self, actions: &mut Vec<Action>) {
        if let Phase::Clearing { end } | Phase::Sweeping { end, .. } = self.phase {
            self.cleared(end, actions);
        }
    }

    /// A time to stop is up.
    pub(super) fn escalate(&mut self, timer: Timer, actions: &mut Vec<Action>) {
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
                    self.cleared(end, actions);
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

    /// Nothing is left of the command, or nothing can be done about it.
    fn cleared(&mut self, end: End, actions: &mut Vec<Action>) {
        self.other = None;
        actions.extend([Timer::Stop, Timer::Kill, Timer::Retire].map(Action::Disarm));
        match self.after {
            After::Finish => self.finish(end, actions),
            After::Fail(fault) => self.finish(fault, actions),
            After::Start => self.start(end, actions),
            After::Retry => self.retry(end, end != End::Exited(0), actions),
        }
    }

    /// Has the command started again in a while, if it did not fail too often.
    pub(super) fn retry(&mut self, end: End, is_failure: bool, actions: &mut Vec<Action>) {
        match self.backoff.wait(is_failure, self.lifecycle.restart_limit) {
            Some(wait) => {
                self.phase = Phase::Waiting { end };
                let note = Note::Restarting(wait, self.backoff.failures());
                actions.extend([Action::Note(note), Action::Arm(Timer::Start, wait)]);
                self.resolve(actions);
            }
            None => {
                actions.push(Action::Note(Note::GivenUp));
                self.finish(end, actions);
            }
        }
    }

    pub(super) fn finish(&mut self, end: End, actions: &mut Vec<Action>) {
        self.phase = Phase::Done;
        let timers = [
            Timer::Stop,
            Timer::Kill,
            Timer::Start,
            Timer::Settled,
            Timer::Ready,
            Timer::Probation,
            Timer::Resolve,
            Timer::Retire,
            Timer::Interrupt,
        ];
        actions.extend(timers.map(Action::Disarm));
        actions.extend([
            Action::KillHelpers,
            Action::Finish(self.policy.reported(end)),
        ]);
    }

    fn sweep(&mut self, actions: &mut Vec<Action>) {
        self.reload.postpone();
        actions.extend([Action::KillEverything, Action::Arm(Timer::Kill, KILL_AGAIN)]);
    }

    fn kill_helpers(&mut self, actions: &mut Vec<Action>) {
        self.reload.postpone();
        actions.push(Action::KillHelpers);
    }
}
