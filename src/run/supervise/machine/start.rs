//! How commands start: which values they get, when they count as up, and what comes when they do not.

use std::time::Duration;

use super::{Action, After, Machine, Note, Other, Phase, Timer, Whom, send};
use crate::run::Restart;
use crate::sys::children::{End, Pid};

/// How long a command must live so that its end is no failure to start.
const SETTLED: Duration = Duration::from_secs(10);

/// How long a command with new values must live to count as up, if nothing else tells.
const PROBATION: Duration = Duration::from_secs(1);

/// env(1): the status of faults of our own.
pub(super) const FAULT: u8 = 125;

impl Machine {
    /// Has a command started where there is none.
    pub(super) fn start(&mut self, end: End, actions: &mut Vec<Action>) {
        self.phase = Phase::Starting { end };
        self.after = After::Finish;
        actions.push(Action::Start);
    }

    /// A command was started.
    pub(super) fn started(&mut self, pid: Pid, actions: &mut Vec<Action>) {
        if self.phase == Phase::Running {
            self.other = Some(Other::Successor(pid));
        } else {
            self.command = pid;
            self.phase = Phase::Running;
            self.is_stopped = false;
            self.sent.clear();
        }
        self.watch_start(pid, actions);
        self.resolve(actions);
    }

    /// Measures how a command starts.
    pub(super) fn watch_start(&mut self, pid: Pid, actions: &mut Vec<Action>) {
        if self.lifecycle.restart != Restart::No {
            actions.push(Action::Arm(Timer::Settled, SETTLED));
        }
        if let Some(readiness) = &self.lifecycle.readiness {
            self.awaited = Some(pid);
            let timeout = readiness.timeout;
            actions.extend([Action::Await(pid), Action::Arm(Timer::Ready, timeout)]);
        } else if self.is_trial {
            actions.push(Action::Arm(Timer::Probation, PROBATION));
        }
    }

    /// A command could not be started.
    pub(super) fn not_started(&mut self, status: u8, actions: &mut Vec<Action>) {
        let was_trial = self.is_trial;
        if was_trial {
            self.roll_back(actions);
        }
        if let Phase::Starting { .. } = self.phase {
            let end = End::Exited(status);
            if was_trial {
                self.start(end, actions);
            } else if self.lifecycle.restart.applies_to(end) {
                self.retry(end, true, actions);
            } else {
                self.finish(end, actions);
            }
        }
        self.resolve(actions);
    }

    /// A command is up.
    pub(super) fn ready(&mut self, pid: Pid, actions: &mut Vec<Action>) {
        if self.awaited == Some(pid) {
            self.was_ready = true;
            self.stop_awaiting(actions);
            self.proven(actions);
        }
    }

    /// The command that was started last has come up.
    pub(super) fn proven(&mut self, actions: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        if std::mem::take(&mut self.is_trial) {
            actions.push(Action::Settle);
        }
        if let Some(Other::Successor(successor)) = self.other {
            let old = std::mem::replace(&mut self.command, successor);
            self.is_stopped = false;
            self.retire(old, actions);
        }
    }

    /// A command is not up in time.
    pub(super) fn not_ready(&mut self, actions: &mut Vec<Action>) {
        if self.phase != Phase::Running || self.awaited.is_none() {
            return;
        }
        actions.push(Action::Note(Note::NotReady));
        self.stop_awaiting(actions);
        let was_trial = self.is_trial;
        if was_trial {
            self.roll_back(actions);
        }
        if let Some(Other::Successor(successor)) = self.other {
            self.retire(successor, actions);
        } else if was_trial {
            self.stop(After::Start, actions);
        } else if self.was_ready && self.lifecycle.restart != Restart::No {
            self.stop(After::Retry, actions);
        } else {
            self.stop(After::Fail(End::Exited(FAULT)), actions);
        }
    }

    /// Asks one of two commands to stop.
    fn retire(&mut self, pid: Pid, actions: &mut Vec<Action>) {
        self.other = Some(Other::Retiring(pid));
        self.arm_stop(Timer::Retire, actions);
        actions.push(send(Whom::Other(pid), self.policy.stop_signal));
    }

    /// Gives the next command the values that were good.
    pub(super) fn roll_back(&mut self, actions: &mut Vec<Action>) {
        self.is_trial = false;
        actions.extend([Action::RollBack, Action::Note(Note::RolledBack)]);
    }

    /// How it starts is of no interest any more.
    pub(super) fn stop_measuring(&mut self, actions: &mut Vec<Action>) {
        if self.lifecycle.restart != Restart::No {
            actions.push(Action::Disarm(Timer::Settled));
        }
        if self.is_trial {
            actions.push(Action::Disarm(Timer::Probation));
        }
        self.stop_awaiting(actions);
    }

    fn stop_awaiting(&mut self, actions: &mut Vec<Action>) {
        if self.awaited.take().is_some() {
            actions.extend([Action::Disarm(Timer::Ready), Action::StopAwaiting]);
        }
    }
}
