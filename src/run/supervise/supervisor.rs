//! The supervisor itself: waits, tells the machine what happened, and does what it decides.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::cgroup::Cgroup;
use super::family::{kill_descendants, signal_descendants};
use super::machine::{Action, Event, Machine, Setting, Timer, Whom};
use super::plan::Plan;
use super::report;
use super::terminal::Foreground;
use crate::run::Delivery;
use crate::sys::children::{Change, End, Next, Pid, next_change};
use crate::sys::signal::{Receiver, Signal, Target, queue, send, suffer};

/// A command's supervisor.
pub(super) struct Supervisor {
    machine: Machine,
    setting: Setting,
    command: Pid,
    cgroup: Option<Cgroup>,
    foreground: Option<Foreground>,
    signals: Receiver,
    deadlines: BTreeMap<Timer, Instant>,
    /// What the command is given, if that is needed again.
    _delivery: Option<Delivery>,
    end: Option<End>,
}

impl Supervisor {
    /// Takes a command over that runs already. All signals must be blocked.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub(super) fn new(plan: Plan, delivery: Option<Delivery>) -> io::Result<Self> {
        let setting = Setting {
            is_first: Pid::own().number() == 1,
            shares_group: plan.starter.belonging.shares_group,
        };
        let foreground = plan.starter.belonging.is_handed_over.then(Foreground::open);
        Ok(Self {
            machine: Machine::new(plan.policy, setting, plan.command),
            setting,
            command: plan.command,
            cgroup: plan.starter.cgroup(),
            foreground: foreground.and_then(Result::ok),
            signals: Receiver::new()?,
            deadlines: BTreeMap::new(),
            _delivery: delivery,
            end: None,
        })
    }

    /// Supervises until the end, which is what is to be reported.
    ///
    /// # Errors
    /// Those of poll(2), signalfd(2) and waitid(2), which no input can cause.
    pub(super) fn run(mut self) -> io::Result<End> {
        // What happened before there was a descriptor to tell of it.
        self.children()?;
        loop {
            if let Some(end) = self.end {
                if let Some(cgroup) = &self.cgroup {
                    cgroup.remove();
                }
                return Ok(end);
            }
            self.wait()?;
            self.timers();
            while let Some(received) = self.signals.next()? {
                if received.signal == Signal::CHLD {
                    self.children()?;
                }
                self.tell(Event::Signal {
                    signal: received.signal,
                    by_kernel: received.by_kernel,
                    value: received.value,
                });
            }
        }
    }

    /// Waits until there is a signal or time is up.
    fn wait(&self) -> io::Result<()> {
        let next = self.deadlines.values().min();
        let timeout = match next {
            None => PollTimeout::NONE,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                // Rounded up, or the last millisecond would be spent asking.
                let left = u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
                PollTimeout::try_from(left.min(i32::MAX as u32)).unwrap_or(PollTimeout::MAX)
            }
        };
        let mut waited = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells what has become of children, all of them: one SIGCHLD may stand for many.
    fn children(&mut self) -> io::Result<()> {
        loop {
            match next_change()? {
                Next::Change(pid, Change::Ended(end)) => self.tell(Event::Ended(pid, end)),
                Next::Change(pid, Change::Stopped(signal)) => {
                    self.tell(Event::Stopped(pid, signal));
                }
                Next::Change(pid, Change::Continued) => self.tell(Event::Continued(pid)),
                Next::Nothing => return Ok(()),
                Next::Childless => {
                    self.tell(Event::Childless);
                    return Ok(());
                }
            }
        }
    }

    /// Tells whose time is up.
    fn timers(&mut self) {
        let now = Instant::now();
        let due: Vec<Timer> = self
            .deadlines
            .iter()
            .filter(|(_, deadline)| **deadline <= now)
            .map(|(timer, _)| *timer)
            .collect();
        for timer in due {
            self.deadlines.remove(&timer);
            self.tell(Event::Elapsed(timer));
        }
    }

    fn tell(&mut self, event: Event) {
        report::event(self.command, &event);
        for action in self.machine.handle(event) {
            report::action(self.command, &action);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send { to, signal, value } => self.send(to, signal, value),
            Action::KillEverything => self.kill_everything(),
            Action::Arm(timer, after) => {
                // What is too far away never comes.
                match Instant::now().checked_add(after) {
                    Some(deadline) => self.deadlines.insert(timer, deadline),
                    None => self.deadlines.remove(&timer),
                };
            }
            Action::Disarm(timer) => {
                self.deadlines.remove(&timer);
            }
            Action::StopSelf(signal) => suffer(signal),
            Action::GiveTerminal => {
                if let Some(foreground) = &self.foreground {
                    foreground.give(self.command);
                }
            }
            Action::TakeTerminal => {
                if let Some(foreground) = &self.foreground {
                    foreground.take(self.command);
                }
            }
            Action::Finish(end) => self.end = Some(end),
        }
    }

    /// Sends a signal. That there is nobody any more is no fault: the end of the command is on its way then.
    fn send(&self, to: Whom, signal: Signal, value: Option<u64>) {
        let _ = match (to, value) {
            (Whom::Command, Some(value)) => queue(self.command, signal, value),
            (Whom::Command, None) => send(Target::Process(self.command), signal),
            (Whom::Group, _) if !self.setting.shares_group => {
                send(Target::Group(self.command), signal)
            }
            (Whom::Everything, _) if self.setting.is_first => send(Target::Everybody, signal),
            (Whom::Group | Whom::Everything, _) => {
                signal_descendants(signal);
                Ok(())
            }
        };
    }

    fn kill_everything(&self) {
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill();
        }
        if self.setting.is_first {
            let _ = send(Target::Everybody, Signal::KILL);
        } else {
            if !self.setting.shares_group {
                let _ = send(Target::Group(self.command), Signal::KILL);
            }
            kill_descendants();
        }
    }
}
