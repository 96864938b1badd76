//! Where the program begins that was executed to supervise a command that runs already.

use std::ffi::OsString;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use super::keepsake::Keepsake;
use super::leader::lead;
use super::masking::Outflow;
use super::notify::Left;
use super::plan::Plan;
use super::supervisor::Supervisor;
use crate::log;
use crate::run::files::Folder;
use crate::sys::children::{End, Pid};
use crate::sys::descriptors;
use crate::sys::process::set_name;
use crate::sys::signal::{Signal, Target, send, suffer};

/// The first argument of a program that was executed to supervise; the second is the descriptor of its plan.
pub(super) const REENTRY: &str = "__supervise";

/// Supervises, if that is what this program was executed for; gives the exit status. `arguments` are those of the
/// program, whose name is the first. Ends by the signal that the command was killed by, if it was.
///
/// # Errors
/// When there is no plan, or no way to follow it.
pub fn resume(arguments: &[OsString]) -> Option<io::Result<u8>> {
    if let Some(status) = lead(arguments) {
        return Some(Ok(status));
    }
    let [_, verb, descriptor, ..] = arguments else {
        return None;
    };
    if verb != REENTRY {
        return None;
    }
    let descriptor = descriptor.to_str().and_then(|number| number.parse().ok());
    let plan = descriptor
        .and_then(descriptors::adopt)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput));
    Some(plan.and_then(follow))
}

fn follow(plan: OwnedFd) -> io::Result<u8> {
    let plan = Plan::take(plan)?;
    plan.inherited.adopt();
    // Executed by way of /proc/self/exe, it would be called "exe".
    set_name(c"escrun");
    let (command, leader, folder) = (plan.command, plan.leader, plan.folder.clone());
    let supervisor = begin(plan).inspect_err(|_| {
        // Nobody would look after it.
        for process in [Some(command), leader].into_iter().flatten() {
            let _ = send(Target::Process(process), Signal::KILL);
        }
        drop(folder.map(Folder::take_over));
    })?;
    let end = supervisor.run()?;
    if let End::Killed(signal) = end
        && Pid::own().number() != 1
    {
        suffer(signal);
    }
    Ok(end.status())
}

/// Takes over what the plan says.
fn begin(plan: Plan) -> io::Result<Supervisor> {
    let outflow = Outflow::take(&plan.outlets)?;
    let keepsake = match plan.keepsake.and_then(descriptors::adopt) {
        Some(pipe) => Some(Keepsake::take(pipe)?),
        None => None,
    };
    if !plan.starts_again() {
        let mut kept = outflow.descriptors();
        kept.extend(plan.notify.as_ref().map(Left::descriptor));
        // That the command is not up in time must be told.
        let tells = plan.log.is_asked_for() || plan.lifecycle.readiness.is_some();
        release_descriptors(tells, &kept)?;
    }
    let masked = keepsake.as_ref().map(|kept| &kept.delivery.masked[..]);
    let masking = outflow.begin(masked.unwrap_or_default())?;
    let keepsake = keepsake.filter(|_| plan.keeps_delivery);
    log::start(plan.log);
    Supervisor::new(plan, keepsake, masking)
}

/// Lets go of what is the command's alone, if there will be no other: who reads from a pipe of which the command closes its
/// end shall see that it ends. Standard error stays for messages, unless it is the pipe that standard output is, and
/// there is nothing that it must tell.
fn release_descriptors(tells: bool, kept: &[RawFd]) -> io::Result<()> {
    let is_given_up = descriptors::are_one_pipe(1, 2) && !tells;
    descriptors::close_from(3, kept)?;
    descriptors::silence(0)?;
    descriptors::silence(1)?;
    if is_given_up {
        descriptors::silence(2)?;
    }
    Ok(())
}
