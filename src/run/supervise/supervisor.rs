//! The supervisor itself: waits, tells the machine what happened, and does what it decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::error;

use super::cgroup::Cgroup;
use super::herald::Herald;
use super::keepsake::Keepsake;
use super::machine::{Action, Event, Machine, Setting, Timer};
use super::masking::Masking;
use super::notify::Notify;
use super::plan::{Plan, WatchPlan};
use super::prober::Prober;
use super::report;
use super::resolver::{Resolver, Resolving};
use super::starter::{Started, Starter};
use super::terminal::Foreground;
use super::values::Values;
use super::vigil::Vigil;
use crate::reaction::Rules;
use crate::run::files::{self, Folder};
use crate::run::{Condition, Delivery};
use crate::secret::Secret;
use crate::sys::children::{Change, End, Next, Pid, next_change};
use crate::sys::fs::describe;
use crate::sys::signal::{Receiver, Signal};

/// What ends a wait for output that nobody reads.
const ENDING: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

/// A command's supervisor.
pub(super) struct Supervisor {
    pub(super) machine: Machine,
    pub(super) setting: Setting,
    pub(super) starter: Starter,
    /// Commands, by the process that the machine knows: it stops and ends as the command does.
    pub(super) commands: BTreeMap<Pid, Started>,
    pub(super) cgroup: Option<Cgroup>,
    pub(super) foreground: Option<Foreground>,
    /// Whether secrets are hidden in what commands write.
    pub(super) masks: bool,
    pub(super) masking: Masking,
    /// How files are handed over.
    pub(super) files: files::Options,
    /// The files of the command, which end with this.
    pub(super) folder: Option<Folder>,
    /// Variables of what was placed for the command.
    pub(super) placed: Vec<(OsString, OsString)>,
    signals: Receiver,
    deadlines: BTreeMap<Timer, Instant>,
    end: Option<End>,
    /// What the command is given, if that is needed again.
    pub(super) values: Option<Values>,
    /// What is done about changes of it.
    pub(super) rules: Rules,
    pub(super) vigil: Option<Vigil>,
    pub(super) herald: Option<Herald>,
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
    pub(super) fn new(
        plan: Plan,
        keepsake: Option<Keepsake>,
        masking: Masking,
    ) -> io::Result<Self> {
        let setting = Setting {
            is_first: Pid::own().number() == 1,
            shares_group: plan.starter.belonging.shares_group,
        };
        let foreground = plan.starter.belonging.is_handed_over.then(Foreground::open);
        let condition = plan.lifecycle.readiness.as_ref();
        let first = Started {
            command: plan.command,
            leader: plan.leader,
        };
        let user = plan.starter.privileges.owner().map(|(user, _)| user);
        let notify = plan.notify.and_then(|left| Notify::take(left, user));
        let mut supervisor = Self {
            condition: condition.map(|readiness| readiness.condition.clone()),
            machine: Machine::new(plan.policy, plan.lifecycle, setting, first.watched()),
            commands: [(first.watched(), first)].into(),
            masks: !plan.outlets.is_empty(),
            masking,
            placed: plan.placed,
            files: plan.files,
            // One that is gone needs no removing.
            folder: plan.folder.and_then(|place| Folder::take_over(place).ok()),
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
            herald: None,
            resolver: None,
            resolving: None,
            prober: None,
            hooks: BTreeSet::new(),
            notify,
            says_reloading: false,
            says_stopping: false,
        };
        if let Some(keepsake) = keepsake {
            if let Some(watch) = plan.watch {
                supervisor.watch(watch, &keepsake.surroundings, keepsake.recollection);
            }
            supervisor.values = Some(Values::new(keepsake.delivery, supervisor.masks));
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
        let now = Instant::now();
        self.herald = plan
            .subscription
            .map(|subscription| Herald::new(subscription, now));
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
                self.finish_output()?;
                return Ok(end);
            }
            self.wait()?;
            self.timers();
            self.attend();
            while let Some(received) = self.signals.next()? {
                if received.signal == Signal::CHLD {
                    self.children()?;
                }
                self.signal(received);
            }
        }
    }

    /// Waits until what the command wrote has been passed on, or somebody who wants this to end has no patience.
    fn finish_output(&mut self) -> io::Result<()> {
        self.masking.drain();
        while let Some(pending) = self.masking.pending() {
            let mut waited = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                pending,
            ];
            match poll(&mut waited, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            if waited[1].any() == Some(true) {
                self.masking.forget_ended();
            }
            while let Some(received) = self.signals.next()? {
                if ENDING.contains(&received.signal) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Waits until something has happened or time is up.
    fn wait(&mut self) -> io::Result<()> {
        let vigil = self.vigil.as_ref().and_then(Vigil::deadline);
        let prober = self.prober.as_ref().and_then(Prober::deadline);
        let herald = self.herald.as_ref().map(Herald::deadline);
        let deadlines = self.deadlines.values().copied();
        let timeout = match deadlines.chain(vigil).chain(herald).chain(prober).min() {
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
            self.herald.as_ref().and_then(Herald::descriptor),
            resolving.and_then(Resolving::descriptor),
            self.notify.as_ref().map(AsFd::as_fd),
        ];
        let descriptors = descriptors.into_iter().flatten();
        let mut waited: Vec<_> = descriptors
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        let typed = waited.len();
        waited.extend(self.masking.wanted());
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if waited.get(typed).and_then(PollFd::any) == Some(true) {
            self.masking.relay();
        }
        Ok(())
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
        if let Some(herald) = &mut self.herald {
            let now = Instant::now();
            herald.look(now);
            if herald.is_due(now) {
                self.tell(Event::DaemonTold);
            }
        }
        self.probe(Instant::now());
    }

    /// Tells what has become of children, all of them: one SIGCHLD may stand for many.
    fn children(&mut self) -> io::Result<()> {
        loop {
            match next_change()? {
                Next::Change(pid, Change::Ended(end)) => {
                    self.hear_of_end(pid);
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

    /// Whoever serves a pipe serves the command, and would be waited for after it.
    fn hear_of_end(&mut self, pid: Pid) {
        let is_command = pid == self.machine.command();
        if let Some(folder) = &mut self.folder
            && !folder.ended(pid)
            && is_command
        {
            folder.stop_serving();
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
        report::event(self.command(), self.machine.command(), &event);
        let actions = self.machine.handle(event);
        self.announce_end();
        self.act_all(actions);
    }

    fn act_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            report::action(self.command(), &action);
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
            Action::StopSelf(signal) => self.stop(signal),
            Action::GiveTerminal => {
                if let Some(foreground) = &self.foreground {
                    foreground.give(self.command());
                }
            }
            Action::TakeTerminal => {
                if let Some(foreground) = &self.foreground {
                    foreground.take(self.command());
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
            Action::RollBack => {
                self.with_values(Values::roll_back);
                // The old one of two commands has had the files of the new one.
                if self.machine.is_running() {
                    self.update_files();
                }
            }
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

    /// The process of the command; if there are two, of the one that is not about to be replaced or to replace.
    pub(super) fn command(&self) -> Pid {
        self.command_of(self.machine.command())
    }

    /// The process of the command that the machine knows by `watched`.
    pub(super) fn command_of(&self, watched: Pid) -> Pid {
        let started = self.commands.get(&watched);
        started.map_or(watched, |started| started.command)
    }

    /// Who leads the command's session, if it has one of its own.
    pub(super) fn leader(&self) -> Option<Pid> {
        self.commands.get(&self.machine.command())?.leader
    }
}
