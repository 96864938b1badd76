//! What a supervisor does besides signals: starts the command again, composes anew, asks whether the command is up, and
//! hears what it says.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use tracing::{error, info, warn};

use super::family::{is_of_family, kill_with_descendants};
use super::helper::{Output, start_shell};
use super::machine::{Event, Note, Verdict};
use super::masking::Outflow;
use super::notify::Notify;
use super::outlets::Outlets;
use super::prober::{Prober, Question, takes_connections};
use super::starter::{Occasion, Started};
use super::supervisor::Supervisor;
use super::terminal::is_foreground;
use crate::reaction::Notice;
use crate::run::{EnvironmentBlock, Error};
use crate::sys::children::{End, Pid};
use crate::sys::fs::describe;
use crate::sys::signal::{Signal, Target, send};

/// The variable that tells a line of shell which process the command is, as in systemd's ExecReload=.
const MAIN_PID: &str = "MAINPID";

/// The variable with the names of the variables that have changed, separated by blanks.
const CHANGED: &str = "ESCRUN_CHANGED";

impl Supervisor {
    /// Starts the command with its current values.
    pub(super) fn start(&mut self) {
        match self.try_start() {
            Ok(started) => self.tell(Event::Started(started.watched())),
            Err(fault) => {
                error!(status = fault.status(), "{fault}");
                self.tell(Event::NotStarted(fault.status()));
            }
        }
    }

    fn try_start(&mut self) -> Result<Started, Error> {
        let Some(values) = &self.values else {
            let reason = io::ErrorKind::NotFound.into();
            return Err(Error::supervising("start the command again")(reason));
        };
        let delivery = values.current();
        let outlets = if self.masks {
            // The terminal is to be like the real one, not like what became of that.
            self.masking.leave_screen();
            let owner = self.starter.privileges.owner();
            Outlets::open(owner).map_err(Error::supervising("make a way for its output"))?
        } else {
            Outlets::default()
        };
        let takes_foreground = self.foreground.is_some()
            && !self.machine.is_running()
            && is_foreground(io::stdin().as_fd());
        let occasion = Occasion {
            takes_foreground,
            files: &self.files,
            notify: self.notify.as_ref(),
            outlets: &outlets,
        };
        let (started, placed) = self.starter.start(delivery, &occasion, &mut self.folder)?;
        self.placed = placed;
        if self.masks {
            let outflow =
                Outflow::open(outlets).and_then(|outflow| outflow.begin(&delivery.masked));
            let masking = outflow.inspect_err(|_| {
                // What nobody moves would hold it up for ever.
                let _ = send(Target::Process(started.command), Signal::KILL);
            });
            self.masking
                .go_on_with(masking.map_err(Error::supervising("move its output"))?);
        }
        let command = self.machine.command();
        self.commands.retain(|watched, _| *watched == command);
        self.commands.insert(started.watched(), started);
        Ok(started)
    }

    /// Has the files of the running command hold the current values.
    pub(super) fn update_files(&mut self) {
        let (Some(folder), Some(values)) = (&mut self.folder, &self.values) else {
            return;
        };
        if let Some(before) = values.before()
            && let Err(fault) = folder.update(before, values.current())
        {
            warn!("the files of the command are those before: {fault}");
        }
    }

    /// Begins to compose anew.
    pub(super) fn resolve(&mut self) {
        match self.resolver.as_mut().map(|resolver| resolver.start()) {
            Some(Ok(resolving)) => self.resolving = Some(resolving),
            Some(Err(fault)) => {
                warn!(reason = describe(&fault), "cannot start what composes");
                self.tell(Event::Resolved(Verdict::Failed));
            }
            None => self.tell(Event::Resolved(Verdict::Failed)),
        }
    }

    /// Takes what composing gave, now that the process that did has ended.
    fn resolved(&mut self, end: End) {
        let Some(resolving) = self.resolving.take() else {
            return;
        };
        let (since, is_broken_off) = (resolving.since(), resolving.is_broken_off());
        let resolution = resolving.finish(end);
        let is_whole = resolution.delivery.is_some();
        let setback = resolution.setback;
        if let Some(herald) = &mut self.herald {
            let now = Instant::now();
            if let Some(subscription) = resolution.subscription {
                herald.renew(subscription, now);
            }
            if let Some(setback) = &setback {
                herald.set_back(setback, now);
            }
        }
        if let Some(vigil) = &mut self.vigil {
            vigil.renew(resolution.inputs, is_whole, since);
        }
        let verdict = match (resolution.delivery, &mut self.values) {
            (Some(delivery), Some(values)) => values.judge(delivery, &self.rules),
            _ => {
                if !is_broken_off && setback.is_none() {
                    warn!("values could not be composed anew, so the command keeps what it has");
                }
                Verdict::Failed
            }
        };
        if matches!(verdict, Verdict::Tell | Verdict::Restart) {
            info!(variables = self.changed(","), "values have changed");
        }
        self.tell(Event::Resolved(verdict));
    }

    /// The names of what has changed.
    fn changed(&self, separator: &str) -> String {
        let names = self.values.iter().flat_map(|values| values.changed());
        let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
        names.join(separator)
    }

    /// Tells the command of its new values.
    pub(super) fn notify_command(&mut self) {
        self.update_files();
        let Some(values) = &self.values else { return };
        let command = self.command();
        for notice in values.notices().to_vec() {
            match notice {
                Notice::Signal(signal) => {
                    info!(child = command.number(), %signal, "the command is told of it");
                    // Who has just ended needs no signal.
                    let _ = send(Target::Process(command), signal);
                }
                Notice::Exec(line) => match self.start_line(&line, Output::Log) {
                    Ok(hook) => {
                        info!(
                            child = hook.number(),
                            "running what tells the command of it"
                        );
                        self.hooks.insert(hook);
                    }
                    Err(fault) => {
                        warn!(
                            reason = describe(&fault),
                            "cannot run what tells the command of it"
                        );
                    }
                },
            }
        }
    }

    /// Asks from now on whether `command` is up.
    pub(super) fn await_ready(&mut self, command: Pid) {
        self.stop_awaiting();
        self.prober = self
            .condition
            .clone()
            .map(|condition| Prober::new(condition, command, Instant::now()));
    }

    /// Asks no more.
    pub(super) fn stop_awaiting(&mut self) {
        if let Some(shell) = self.prober.take().and_then(|prober| prober.shell()) {
            kill_with_descendants(shell);
        }
    }

    /// Asks whether the awaited command is up, if it is time.
    pub(super) fn probe(&mut self, now: Instant) {
        let Some(prober) = &mut self.prober else {
            return;
        };
        let command = prober.command();
        let started = match prober.question(now) {
            None => return,
            Some(Question::Port(port)) => {
                if takes_connections(port) {
                    self.is_up(command);
                } else {
                    prober.denied(Instant::now());
                }
                return;
            }
            Some(Question::Exec(line)) => {
                let line = line.to_owned();
                self.start_line(&line, Output::Nowhere)
            }
        };
        if let Some(prober) = &mut self.prober {
            match started {
                Ok(shell) => prober.asked(shell),
                Err(fault) => {
                    warn!(
                        reason = describe(&fault),
                        "cannot ask whether the command is up"
                    );
                    prober.denied(Instant::now());
                }
            }
        }
    }

    /// Starts a line of shell with the command's environment and rights.
    fn start_line(&self, line: &str, output: Output) -> io::Result<Pid> {
        let mut placed = self.placed.clone();
        let command = match &self.prober {
            Some(prober) if output == Output::Nowhere => self.command_of(prober.command()),
            _ => self.command(),
        };
        placed.push((MAIN_PID.into(), command.to_string().into()));
        if output == Output::Log {
            placed.push((CHANGED.into(), self.changed(" ").into()));
        }
        let environment = match &self.values {
            Some(values) => values.current().environment(&placed),
            None => EnvironmentBlock::new(&[]),
        };
        let environment = environment.map_err(io::Error::other)?;
        start_shell(line, &environment, self.starter.privileges.steps(), output)
    }

    /// Takes the end of a process that the supervisor has started for itself; says whether it was one.
    pub(super) fn helper_ended(&mut self, pid: Pid, end: End) -> bool {
        if self.resolving.as_ref().is_some_and(|it| it.pid() == pid) {
            self.resolved(end);
            return true;
        }
        if self.hooks.remove(&pid) {
            if end != End::Exited(0) {
                warn!(
                    status = end.status(),
                    "what tells the command of its new values {end}"
                );
            }
            return true;
        }
        let Some(prober) = &mut self.prober else {
            return false;
        };
        if prober.shell() != Some(pid) {
            return false;
        }
        prober.denied(Instant::now());
        if end == End::Exited(0) {
            let command = prober.command();
            self.is_up(command);
        }
        true
    }

    /// Kills what the supervisor has started for itself.
    pub(super) fn kill_helpers(&mut self) {
        if let Some(resolving) = &mut self.resolving {
            resolving.kill();
        }
        for hook in &self.hooks {
            kill_with_descendants(*hook);
        }
        self.stop_awaiting();
    }

    /// Hears what processes of the command have said.
    pub(super) fn hear(&mut self) {
        let messages = self.notify.as_ref().map(Notify::messages);
        for message in messages.unwrap_or_default() {
            let is_ending = self.machine.is_ending();
            if let Some(notify) = &self.notify {
                notify.pass_on(&message, is_ending);
            }
            let Some(prober) = self.prober.as_ref().filter(|prober| prober.is_told()) else {
                continue;
            };
            let command = prober.command();
            // Of two commands, the other one is up already and may say so again.
            let is_of_it = !self.machine.overlaps()
                || message
                    .sender
                    .and_then(|sender| is_of_family(sender, command))
                    .unwrap_or(false);
            if message.is_ready() && is_of_it {
                self.tell(Event::Ready(command));
            }
        }
    }

    /// Tells the service manager what concerns it.
    pub(super) fn announce(&mut self, note: Note) {
        let Some(notify) = &self.notify else { return };
        match note {
            Note::Changed => {
                notify.say_reloading();
                self.says_reloading = true;
            }
            Note::Restarting(wait, _) => {
                notify.say(&format!("STATUS=the command is started again in {wait:?}"));
            }
            Note::RolledBack => {
                self.announce_reloaded();
            }
            Note::GivenUp | Note::NotReady | Note::ResolvingTimedOut => {}
        }
    }

    /// Tells the service manager that the change is over of which it was told.
    pub(super) fn announce_reloaded(&mut self) {
        if let Some(notify) = &self.notify
            && std::mem::take(&mut self.says_reloading)
        {
            notify.say("READY=1");
        }
    }

    /// Tells the service manager that the service ends, once.
    pub(super) fn announce_end(&mut self) {
        if let Some(notify) = &self.notify
            && self.machine.is_ending()
            && !std::mem::replace(&mut self.says_stopping, true)
        {
            notify.say("STOPPING=1");
        }
    }

    /// The command is up, as an answer to a question says.
    fn is_up(&mut self, command: Pid) {
        // The service manager was told nothing by the command.
        if let Some(notify) = &self.notify {
            notify.say("READY=1");
        }
        self.tell(Event::Ready(command));
    }
}
