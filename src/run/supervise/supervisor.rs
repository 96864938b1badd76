//! The supervisor itself: waits, tells the machine what happened, and does what it decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::error;

use super::cgroup::Cgroup;
use super::family::{kill_descendants, signal_descendants};
use super::keepsake::Keepsake;
use super::machine::{Action, Event, Machine, Setting, Timer, Whom};
use super::notify::Notify;
use super::plan::{Plan, WatchPlan};
use super::prober::Prober;
use super::report;
use super::resolver::{Resolver, Resolving};
use super::starter::Starter;
use super::terminal::Foreground;
use super::values::Values;
use super::vigil::Vigil;
use crate::reaction::Rules;
use crate::run::{Condition, Delivery};
use crate::secret::Secret;
use crate::sys::children::{Change, End, Next, Pid, next_change};
use crate::sys::fs::describe;
use crate::sys::signal::{Receiver, Signal, Target, queue, send, suffer};

/// A command's supervisor.
pub(super) struct Supervisor {
    pub(super) machine: Machine,
    setting: Setting,
    pub(super) starter: Starter,
    cgroup: Option<Cgroup>,
    pub(super) foreground: Option<Foreground>,
    signals: Receiver,
    deadlines: BTreeMap<Timer, Instant>,
    end: Option<End>,
    /// What the command is given, if that is needed again.
    pub(super) values: Option<Values>,
    /// What is done about changes of it.
    pub(super) rules: Rules,
    pub(super) vigil: Option<Vigil>,
    pub(super) resolver: Option<Resolver>,
    pub(super) resolving: Option<Resolving>,
    /// When the command counts as up.
    pub(super) condition: Option<Condition>,
    pub(super) prober: Option<Prober>,
    /// Lines of shell that tell the command of new values.
    pub(super) hooks: BTreeSet<Pid>,
    pub(super) notify: Option<Notify>,
    pub(super) says_reloading: bool,
    pub(super) says_stopping: bool,
}

impl Supervisor {
    /// Takes a command over that runs already. All signals must be blocked.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub(super) fn new(plan: Plan, keepsake: Option<Keepsake>) -> io::Result<Self> {
        let setting = Setting {
            is_first: Pid::own().number() == 1,
            shares_group: plan.starter.belonging.shares_group,
        };
        let foreground = plan.starter.belonging.is_handed_over.then(Foreground::open);
        let condition = plan.lifecycle.readiness.as_ref();
        let mut supervisor = Self {
            condition: condition.map(|readiness| readiness.condition.clone()),
            machine: Machine::new(plan.policy, plan.lifecycle, setting, plan.command),
            setting,
            cgroup: plan.starter.cgroup(),
            starter: plan.starter,
            foreground: foreground.and_then(Result::ok),
            signals: Receiver::new()?,
            deadlines: BTreeMap::new(),
            end: None,
            values: None,
            rules: Rules::default(),
            vigil: None,
            resolver: None,
            resolving: None,
            prober: None,
            hooks: BTreeSet::new(),
            notify: plan.notify.and_then(Notify::take),
            says_reloading: false,
            says_stopping: false,
        };
        if let Some(keepsake) = keepsake {
            if let Some(watch) = plan.watch {
                supervisor.watch(watch, &keepsake.surroundings, keepsake.recollection);
            }
            supervisor.values = Some(Values::new(keepsake.delivery));
        }
        Ok(supervisor)
    }

    /// Watches what went into the values from now on. The command runs already, so that this cannot be done is no reason to
    /// end it.
    fn watch(&mut self, plan: WatchPlan, surroundings: &Delivery, recollection: Secret) {
        let environment = surroundings.environment(&[]).map_err(io::Error::other);
        let resolver = environment
            .and_then(|environment| Resolver::new(&plan.arguments, environment, recollection));
        let inputs = plan.inputs.into_iter().map(PathBuf::from).collect();
        self.rules = plan.rules;
        match (resolver, Vigil::new(inputs, plan.since)) {
            (Ok(resolver), Ok(vigil)) => {
                self.resolver = Some(resolver);
                self.vigil = Some(vigil);
            }
            (Err(fault), _) | (_, Err(fault)) => {
                error!(reason = describe(&fault), "changes are not noticed");
            }
        }
    }

    /// Supervises until the end, which is what is to be reported.
    ///
    /// # Errors
    /// Those of poll(2), signalfd(2) and waitid(2), which no input can cause.
    pub(super) fn run(mut self) -> io::Result<End> {
        let actions = self.machine.begin();
        self.act_all(actions);
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
            self.attend();
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

    /// Waits until something has happened or time is up.
    fn wait(&self) -> io::Result<()> {
        let vigil = self.vigil.as_ref().and_then(Vigil::deadline);
        let prober = self.prober.as_ref().and_then(Prober::deadline);
        let deadlines = self.deadlines.values().copied();
        let timeout = match deadlines.chain(vigil).chain(prober).min() {
            None => PollTimeout::NONE,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                // Rounded up, or the last millisecond would be spent asking.
                let left = u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
                PollTimeout::try_from(left.min(i32::MAX as u32)).unwrap_or(PollTimeout::MAX)
            }
        };
        let resolving = self.resolving.as_ref();
        let descriptors = [
            Some(self.signals.as_fd()),
            self.vigil.as_ref().map(AsFd::as_fd),
            resolving.and_then(Resolving::descriptor),
            self.notify.as_ref().map(AsFd::as_fd),
        ];
        let waited = descriptors.into_iter().flatten();
        let mut waited: Vec<_> = waited
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what there is to take besides signals. None of it waits.
    fn attend(&mut self) {
        if let Some(resolving) = &mut self.resolving {
            resolving.read();
        }
        self.hear();
        if let Some(vigil) = &mut self.vigil {
            vigil.look();
            if vigil.is_due(Instant::now()) {
                self.tell(Event::FilesChanged);
            }
        }
        self.probe(Instant::now());
    }

    /// Tells what has become of children, all of them: one SIGCHLD may stand for many.
    fn children(&mut self) -> io::Result<()> {
        loop {
            match next_change()? {
                Next::Change(pid, Change::Ended(end)) => {
                    if !self.helper_ended(pid, end) {
                        self.tell(Event::Ended(pid, end));
                    }
                }
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

    /// Tells the machine, and does what it decides.
    pub(super) fn tell(&mut self, event: Event) {
        report::event(self.machine.command(), &event);
        let actions = self.machine.handle(event);
        self.announce_end();
        self.act_all(actions);
    }

    fn act_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            report::action(self.machine.command(), &action);
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
                    foreground.give(self.machine.command());
                }
            }
            Action::TakeTerminal => {
                if let Some(foreground) = &self.foreground {
                    foreground.take(self.machine.command());
                }
            }
            Action::KillHelpers => self.kill_helpers(),
            Action::Start => self.start(),
            Action::Await(command) => self.await_ready(command),
            Action::StopAwaiting => self.stop_awaiting(),
            Action::Resolve => self.resolve(),
            Action::AbortResolving => {
                if let Some(resolving) = &mut self.resolving {
                    resolving.kill();
                }
            }
            Action::Adopt => self.with_values(Values::adopt),
            Action::Discard => self.with_values(Values::discard),
            Action::RollBack => self.with_values(Values::roll_back),
            Action::Settle => {
                self.with_values(Values::settle);
                self.announce_reloaded();
            }
            Action::Tell => self.notify_command(),
            Action::Note(note) => self.announce(note),
            Action::Finish(end) => self.end = Some(end),
        }
    }

    fn with_values(&mut self, change: impl FnOnce(&mut Values)) {
        if let Some(values) = &mut self.values {
            change(values);
        }
    }

    /// Sends a signal. That there is nobody any more is no fault: the end of the command is on its way then.
    fn send(&self, to: Whom, signal: Signal, value: Option<u64>) {
        let command = self.machine.command();
        let _ = match (to, value) {
            (Whom::Command, Some(value)) => queue(command, signal, value),
            (Whom::Command, None) => send(Target::Process(command), signal),
            (Whom::Group, _) if !self.setting.shares_group => send(Target::Group(command), signal),
            (Whom::OthersGroup(other), _) if !self.setting.shares_group => {
                send(Target::Group(other), signal)
            }
            (Whom::Other(other) | Whom::OthersGroup(other), _) => {
                send(Target::Process(other), signal)
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
                let _ = send(Target::Group(self.machine.command()), Signal::KILL);
            }
            kill_descendants();
        }
    }
}
