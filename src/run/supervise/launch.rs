//! Starts the command, and becomes its supervisor: the same process, but a program that never saw a secret.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::cgroup::Cgroup;
use super::plan::Plan;
use super::starter::{Occasion, Starter};
use super::terminal::{Belonging, is_foreground};
use super::{Policy, REENTRY};
use crate::log;
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
    /// As whom, where and within which limits it runs. The supervisor stays as it is.
    pub privileges: Privileges,
    /// How to supervise it.
    pub policy: Policy,
    /// What the supervisor tells, and how.
    pub log: log::Settings,
    /// Whether the supervisor must keep what the command is given.
    pub keeps_delivery: bool,
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
    if Pid::own().number() != 1 {
        adopt_orphans().map_err(failed("adopt orphans"))?;
    }
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let belonging = Belonging::of([input.as_fd(), output.as_fd(), errors.as_fd()]);
    // Where none can be made, what descends from the command is looked for in /proc.
    let cgroup = Cgroup::make().ok();
    let starter = Starter {
        program: order.program,
        arguments: order.arguments,
        belonging,
        cgroup: cgroup.map(|cgroup| cgroup.path().into()),
        privileges: order.privileges,
        die_with_parent: order.policy.die_with_parent,
    };
    let occasion = Occasion {
        takes_foreground: belonging.is_handed_over && is_foreground(input.as_fd()),
        ..Occasion::default()
    };
    let command = starter.start(&order.delivery, occasion).inspect_err(|_| {
        if let Some(cgroup) = starter.cgroup() {
            cgroup.remove();
        }
    })?;
    let become_supervisor = || -> io::Result<Infallible> {
        let kept = order
            .keeps_delivery
            .then(|| hand_on(&order.delivery))
            .transpose()?;
        let plan = Plan {
            command,
            starter,
            policy: order.policy,
            delivery: kept.as_ref().map(AsRawFd::as_raw_fd),
            log: order.log,
            inherited: Inherited::recorded(),
        };
        drop(order.delivery);
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
    fork_helper(move || {
        // Exposed: the supervisor is to have it.
        u8::from(writer.write_all(encoded.expose()).is_err())
    })?;
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
