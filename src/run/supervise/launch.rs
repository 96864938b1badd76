//! Starts the command, and becomes its supervisor: the same process, but a program that never saw a secret.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::cgroup::Cgroup;
use super::outlets::Outlets;
use super::plan::Plan;
use super::starter::{Occasion, Started, Starter};
use super::terminal::{Belonging, is_foreground};
use super::{Policy, REENTRY};
use crate::log;
use crate::run::files::{self, Folder, place};
use crate::run::{Delivery, Error, Privileges, Program};
use crate::sys::children::{self, Pid, adopt_orphans};
use crate::sys::exec::reenter;
use crate::sys::process::Inherited;
use crate::sys::signal::{Signal, Target, send};
use crate::sys::start::{block_signals, fork_helper};

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
    /// Whether the supervisor must keep what the command is given.
    pub keeps_delivery: bool,
    /// Whether secrets are hidden in what the command writes.
    pub masks: bool,
    /// What escrun itself was called with, for those who look at the list of processes.
    pub own_arguments: Vec<OsString>,
}

/// Starts the command, and becomes its supervisor. Returns only if that failed; no command is left running then.
pub fn launch(order: Order) -> Error {
    match try_launch(order) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_launch(order: Order) -> Result<Infallible, Error> {
    let failed = |what: &'static str| move |reason: io::Error| Error::Supervision { what, reason };
    // From here on every signal waits for the supervisor.
    block_signals();
    if order.policy.die_with_parent {
        die_with_parent().map_err(failed("ask to end with the parent"))?;
    }
    let is_first = Pid::own().number() == 1;
    if !is_first {
        adopt_orphans().map_err(failed("adopt orphans"))?;
    }
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let outlets = if order.masks {
        Outlets::open(order.privileges.owner()).map_err(failed("make a way for its output"))?
    } else {
        Outlets::default()
    };
    let belonging = Belonging::of([input.as_fd(), output.as_fd(), errors.as_fd()]);
    let belonging = outlets.belonging(belonging);
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
    let start = || {
        let placed = place(&order.delivery, &order.files, None)?;
        let occasion = Occasion {
            takes_foreground: belonging.is_handed_over && is_foreground(input.as_fd()),
            placed: &placed.variables,
            steps: [outlets.steps(), placed.steps.clone()].concat(),
            session: outlets.session(),
        };
        Ok((starter.start(&order.delivery, occasion)?, placed.folder))
    };
    let (Started { command, leader }, folder) = start().inspect_err(|_: &Error| {
        if let Some(cgroup) = starter.cgroup() {
            cgroup.remove();
        }
    })?;
    if let Some(folder) = &folder {
        // Without it, the folder may be removed if escrun is killed while the command goes on.
        let _ = folder.belongs_to(command);
    }
    let become_supervisor = || -> io::Result<Infallible> {
        let mut delivery = order.delivery;
        if !order.keeps_delivery {
            delivery = Delivery {
                masked: delivery.masked,
                ..Delivery::default()
            };
        }
        let kept = (order.keeps_delivery || order.masks)
            .then(|| hand_on(&delivery))
            .transpose()?;
        let (outlets, _open) = outlets.leave()?;
        let plan = Plan {
            command,
            starter,
            files: order.files,
            folder: folder.as_ref().map(Folder::place),
            policy: order.policy,
            leader,
            delivery: kept.as_ref().map(AsRawFd::as_raw_fd),
            keeps_delivery: order.keeps_delivery,
            outlets,
            log: order.log,
            inherited: Inherited::recorded(),
        };
        drop(delivery);
        reenter_with(&plan, &order.own_arguments)
    };
    let reason = match become_supervisor() {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    // Nobody would look after it.
    let _ = send(Target::Process(command), Signal::KILL);
    Err(failed("become a program of its own")(reason))
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

/// Writes what the command is given into a pipe, for the program that this process becomes to read. A pipe does not
/// hold all of it, so a process of its own writes.
fn hand_on(delivery: &Delivery) -> io::Result<OwnedFd> {
    let encoded = delivery.encode();
    encoded.keep_on_fork()?;
    let (reader, mut writer) = io::pipe()?;
    fork_helper(|| {
        // Exposed: the supervisor is to have it.
        u8::from(writer.write_all(encoded.expose()).is_err())
    })?;
    // Memory of memfd_secret(2) is shared with who was forked: wiping it here would wipe it there before it is written.
    // This process gives it back when it becomes the supervisor, or ends.
    std::mem::forget(encoded);
    let reader = OwnedFd::from(reader);
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(reader)
}

/// Executes this program again, which finds its plan under the descriptor that its second argument is.
fn reenter_with(plan: &Plan, own_arguments: &[OsString]) -> io::Result<Infallible> {
    let plan = plan.leave()?;
    let number = plan.as_raw_fd().to_string();
    let name = own_arguments
        .first()
        .map_or(&b"escrun"[..], |name| name.as_bytes());
    let words = [name, REENTRY.as_bytes(), number.as_bytes()];
    let rest = own_arguments.iter().skip(1).map(|word| word.as_bytes());
    let words: Vec<CString> = words
        .into_iter()
        .chain(rest)
        .map(CString::new)
        .collect::<Result<_, _>>()?;
    let words: Vec<_> = words.iter().map(CString::as_c_str).collect();
    Err(reenter(&words, &[]))
}
