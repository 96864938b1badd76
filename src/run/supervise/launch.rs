//! Starts the command, and becomes its supervisor: the same process, but a program that never saw a secret.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::cgroup::Cgroup;
use super::keepsake::Keepsake;
use super::notify::{self, Left, Notify};
use super::outlets::Outlets;
use super::plan::{Plan, WatchPlan};
use super::resume::REENTRY;
use super::starter::{Occasion, Started, Starter};
use super::terminal::{Belonging, is_foreground};
use super::words::words;
use crate::log;
use crate::reaction::Rules;
use crate::run::files::{self, Folder};
use crate::run::{
    Condition, Delivery, Error, Lifecycle, Policy, Privileges, Program, Restart, Subscription,
};
use crate::secret::Secret;
use crate::sys::children::{self, Pid, adopt_orphans};
use crate::sys::exec::reenter;
use crate::sys::process::Inherited;
use crate::sys::signal::{Signal, Target, send};
use crate::sys::start::block_signals;

/// A command that is ready to be started and supervised.
pub struct Order {
    /// The command.
    pub program: Program,
    /// Its arguments, without argument 0.
    pub arguments: Vec<OsString>,
    /// What it is given.
    pub delivery: Delivery,
    /// How it is given files and a document.
    pub files: files::Options,
    /// As whom, where and within which limits it runs. The supervisor stays as it is.
    pub privileges: Privileges,
    /// How to supervise it.
    pub policy: Policy,
    /// What the supervisor tells, and how.
    pub log: log::Settings,
    /// When the command is started again, and when it counts as up.
    pub lifecycle: Lifecycle,
    /// What is watched, if anything is.
    pub watch: Option<Watch>,
    /// Whether secrets are hidden in what the command writes.
    pub masks: bool,
    /// What escrun itself was called with, for those who look at the list of processes.
    pub own_arguments: Vec<OsString>,
}

/// What it takes to notice changes and to compose anew.
pub struct Watch {
    /// What escrun itself was given, as variables alone.
    pub surroundings: Delivery,
    /// What is remembered for composing anew.
    pub recollection: Secret,
    /// The files that went into what the command is given.
    pub inputs: BTreeSet<PathBuf>,
    /// When they began to be read.
    pub since: SystemTime,
    /// What is done about changes.
    pub rules: Rules,
    /// How a daemon tells of changes, if the values are from one.
    pub subscription: Option<Subscription>,
}

impl Order {
    /// Whether the supervisor must keep what the command is given: it starts programs itself, or the command again.
    fn keeps_delivery(&self) -> bool {
        let condition = self.lifecycle.readiness.as_ref();
        let asks = condition.is_some_and(|it| matches!(it.condition, Condition::Exec(_)));
        self.watch.is_some() || self.lifecycle.restart != Restart::No || asks
    }
}

/// Starts the command, and becomes its supervisor. Returns only if that failed; no command is left running then.
pub fn launch(order: Order) -> Error {
    match try_launch(order) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_launch(order: Order) -> Result<Infallible, Error> {
    // From here on every signal waits for the supervisor.
    block_signals();
    if order.policy.die_with_parent {
        die_with_parent().map_err(Error::supervising("ask to end with the parent"))?;
    }
    let is_first = Pid::own().number() == 1;
    if !is_first {
        adopt_orphans().map_err(Error::supervising("adopt orphans"))?;
    }
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let outlets = if order.masks {
        Outlets::open(order.privileges.owner())
            .map_err(Error::supervising("make a way for its output"))?
    } else {
        Outlets::default()
    };
    let belonging = Belonging::of([input.as_fd(), output.as_fd(), errors.as_fd()]);
    let belonging = outlets.belonging(belonging);
    let keeps_delivery = order.keeps_delivery();
    // Where none can be made, what descends from the command is looked for in /proc. The first process has everything
    // in its namespace, and nobody would remove the group after it.
    let cgroup = if is_first { None } else { Cgroup::make().ok() };
    let starter = Starter {
        program: order.program,
        arguments: order.arguments,
        belonging,
        cgroup: cgroup.map(|cgroup| cgroup.path().into()),
        privileges: order.privileges,
        die_with_parent: order.policy.die_with_parent,
    };
    let notify = notify(&order.delivery, &order.lifecycle).map_err(Error::supervising(
        "open a socket for the command's messages",
    ))?;
    let (notify, left) = notify.unzip();
    let occasion = Occasion {
        takes_foreground: belonging.is_handed_over && is_foreground(input.as_fd()),
        files: &order.files,
        notify: notify.as_ref(),
        outlets: &outlets,
    };
    let mut folder = None;
    let started = starter.start(&order.delivery, &occasion, &mut folder);
    let (Started { command, leader }, placed) = started.inspect_err(|_| {
        if let Some(cgroup) = starter.cgroup() {
            cgroup.remove();
        }
    })?;
    let become_supervisor = || -> io::Result<Infallible> {
        let mut delivery = order.delivery;
        if !keeps_delivery {
            delivery = Delivery {
                masked: delivery.masked,
                ..Delivery::default()
            };
        }
        let watch = order
            .watch
            .map(|watch| (watch.plan(&order.own_arguments), watch));
        let (watch, kept) = watch.unzip();
        let keepsake =
            (keeps_delivery || order.masks).then(|| Keepsake::new(delivery, kept).hand_on());
        let keepsake = keepsake.transpose()?;
        if let Some(notify) = &notify {
            notify.leave()?;
        }
        let (outlets, _open) = outlets.leave()?;
        let plan = Plan {
            command,
            starter,
            files: order.files,
            folder: folder.as_ref().map(Folder::place),
            policy: order.policy,
            lifecycle: order.lifecycle,
            watch,
            notify: left,
            leader,
            placed,
            keepsake: keepsake.as_ref().map(AsRawFd::as_raw_fd),
            keeps_delivery,
            outlets,
            log: order.log,
            inherited: Inherited::recorded(),
        };
        reenter_with(&plan, &order.own_arguments)
    };
    let reason = match become_supervisor() {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    // Nobody would look after it.
    let _ = send(Target::Process(command), Signal::KILL);
    Err(Error::supervising("become a program of its own")(reason))
}

/// Has this process asked to stop when its parent dies.
fn die_with_parent() -> io::Result<()> {
    let parent = children::parent();
    children::signal_at_parents_death(Signal::TERM)?;
    // It may have died before that.
    if children::parent() != parent {
        send(Target::Process(Pid::own()), Signal::TERM)?;
    }
    Ok(())
}

impl Watch {
    fn plan(&self, own_arguments: &[OsString]) -> WatchPlan {
        WatchPlan {
            arguments: own_arguments.to_vec(),
            inputs: self.inputs.iter().map(|path| path.clone().into()).collect(),
            since: self.since,
            rules: self.rules.clone(),
            subscription: self.subscription.clone(),
        }
    }
}

/// The socket on which the command talks, if anyone is to hear it.
fn notify(delivery: &Delivery, lifecycle: &Lifecycle) -> io::Result<Option<(Notify, Left)>> {
    let condition = lifecycle.readiness.as_ref();
    let is_awaited = condition.is_some_and(|it| it.condition == Condition::Notify);
    let mut variables = delivery.variables.iter();
    let manager = variables.find(|variable| variable.name == notify::VARIABLE);
    // Exposed: it is no secret but the name of a socket.
    let manager = manager.map(|it| OsStr::from_bytes(it.value.expose()).to_owned());
    (is_awaited || manager.is_some())
        .then(|| Notify::open(manager))
        .transpose()
}

/// Executes this program again, which finds its plan under the descriptor that its second argument is.
fn reenter_with(plan: &Plan, own_arguments: &[OsString]) -> io::Result<Infallible> {
    let plan = plan.leave()?;
    let number = plan.as_raw_fd().to_string();
    let words = words(own_arguments, &[REENTRY, &number])?;
    let words: Vec<_> = words.iter().map(CString::as_c_str).collect();
    Err(reenter(&words, &[]))
}
