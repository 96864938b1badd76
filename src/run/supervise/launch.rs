//! Starts the command, and becomes its supervisor: the same process, but a program that never saw a secret.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;

use super::cgroup::Cgroup;
use super::plan::Plan;
use super::terminal::Belonging;
use super::{Policy, REENTRY};
use crate::log;
use crate::run::replace::{explain, image};
use crate::run::{EnvironmentBlock, Error, Privileges, Program};
use crate::sys::children::{self, Pid, adopt_orphans};
use crate::sys::exec::reenter;
use crate::sys::process::Inherited;
use crate::sys::signal::{Signal, Target, send};
use crate::sys::start::{AT_PARENTS_DEATH, block_signals};
use crate::sys::step::Step;

/// Variables that hold the number of the process that they are meant for: sd_listen_fds(3), sd_watchdog_enabled(3).
const OWN_PID: [&str; 2] = ["LISTEN_PID", "WATCHDOG_PID"];

/// A command that is ready to be started and supervised.
pub struct Order<'a> {
    /// The command.
    pub program: &'a Program,
    /// Its arguments, without argument 0.
    pub arguments: &'a [OsString],
    /// Its whole environment.
    pub environment: EnvironmentBlock,
    /// As whom, where and within which limits it runs. The supervisor stays as it is.
    pub privileges: &'a Privileges,
    /// How to supervise it.
    pub policy: Policy,
    /// What the supervisor tells, and how.
    pub log: log::Settings,
    /// What escrun itself was called with, for those who look at the list of processes.
    pub own_arguments: &'a [OsString],
}

/// Starts the command, and becomes its supervisor. Returns only if that failed; no command is left running then.
pub fn launch(order: Order<'_>) -> Error {
    match try_launch(order) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_launch(order: Order<'_>) -> Result<Infallible, Error> {
    let failed = |what: &'static str| move |reason: io::Error| Error::Supervision { what, reason };
    let Order {
        program,
        arguments,
        environment,
        privileges,
        policy,
        log,
        own_arguments,
    } = order;
    let mut image = image(program, arguments, &environment)?;

    // From here on every signal waits for the supervisor.
    block_signals();
    if policy.die_with_parent {
        let parent = children::parent();
        children::signal_at_parents_death(Signal::TERM)
            .map_err(failed("ask to end with the parent"))?;
        if children::parent() != parent {
            let _ = send(Target::Process(Pid::own()), Signal::TERM);
        }
    }
    if Pid::own().number() != 1 {
        adopt_orphans().map_err(failed("adopt orphans"))?;
    }
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let belonging = Belonging::of([input.as_fd(), output.as_fd(), errors.as_fd()]);
    // Where none can be made, what descends from the command is looked for in /proc.
    let cgroup = Cgroup::make().ok();

    let mut steps = Vec::new();
    let door = cgroup.as_ref().and_then(|cgroup| cgroup.door().ok());
    steps.extend(
        door.as_ref()
            .map(|door| Step::EnterCgroup(door.as_raw_fd())),
    );
    if !belonging.shares_group {
        steps.push(Step::LeadGroup);
    }
    if belonging.is_handed_over && belonging.is_foreground {
        steps.push(Step::TakeForeground(input.as_raw_fd()));
    }
    // Last but one: what comes before may take rights that are lost here, and the kernel forgets what comes after when
    // the user changes.
    steps.extend(privileges.steps());
    if policy.die_with_parent {
        steps.push(Step::DieWithParent(AT_PARENTS_DEATH));
    }

    environment
        .keep_on_fork()
        .map_err(failed("hand the environment to a child"))?;
    let own_pid: Vec<CString> = OWN_PID
        .iter()
        .filter(|name| names_this_process(&environment, name))
        .filter_map(|name| CString::new(*name).ok())
        .collect();
    let is_own = |entry: &std::ffi::CStr| {
        own_pid.iter().any(|name| {
            let entry = entry.to_bytes();
            entry.starts_with(name.as_bytes()) && entry.get(name.as_bytes().len()) == Some(&b'=')
        })
    };
    let entries = environment.entries().filter(|entry| !is_own(entry));
    let names: Vec<_> = own_pid.iter().map(CString::as_c_str).collect();
    let started = image.start(entries, &names, &steps);
    let command = match started {
        Ok(command) => command,
        Err(failure) => {
            if let Some(cgroup) = &cgroup {
                cgroup.remove();
            }
            return Err(explain(program, arguments, &environment, &steps, failure));
        }
    };
    drop(environment);

    let plan = Plan {
        command,
        name: program.name().to_string_lossy().into_owned(),
        policy,
        shares_group: belonging.shares_group,
        hands_terminal_over: belonging.is_handed_over,
        cgroup: cgroup.map(|cgroup| cgroup.path().to_owned()),
        log,
        inherited: Inherited::recorded(),
    };
    let reason = match become_supervisor(&plan, own_arguments) {
        Ok(never) => match never {},
        Err(reason) => reason,
    };
    // Nobody would look after it.
    let _ = send(Target::Process(command), Signal::KILL);
    Err(Error::Supervision {
        what: "become the supervisor",
        reason,
    })
}

/// Becomes the supervisor, which finds its plan under the descriptor that its second argument is.
fn become_supervisor(plan: &Plan, own_arguments: &[OsString]) -> io::Result<Infallible> {
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

/// Whether a variable says the number of this process, so that it has to say that of the command instead.
fn names_this_process(environment: &EnvironmentBlock, name: &str) -> bool {
    let expected = format!("{name}={}", Pid::own());
    environment
        .entries()
        .any(|entry| entry.to_bytes() == expected.as_bytes())
}
