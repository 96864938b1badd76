//! Tells what happens to the command, and what is done about it: names and numbers only.

use tracing::{debug, info, warn};

use super::machine::{Action, Event, Timer, Whom};
use crate::sys::children::Pid;

/// Tells what happened.
pub(super) fn event(command: Pid, event: &Event) {
    let child = command.number();
    match event {
        Event::Signal { signal, .. } => debug!(%signal, "got a signal"),
        Event::Ended(pid, end) if *pid == command => {
            info!(child, status = end.status(), "the command {end}");
        }
        Event::Ended(pid, end) => {
            debug!(
                child = pid.number(),
                status = end.status(),
                "a descendant {end}"
            );
        }
        Event::Stopped(pid, signal) => {
            debug!(child = pid.number(), %signal, "a process was stopped");
        }
        Event::Continued(pid) => debug!(child = pid.number(), "a process goes on"),
        Event::Elapsed(Timer::Stop) => {
            warn!(
                child,
                "the command did not stop in time, so all of it is killed"
            );
        }
        Event::Elapsed(_) | Event::Childless => {}
    }
}

/// Tells what is done.
pub(super) fn action(command: Pid, action: &Action) {
    let child = command.number();
    match action {
        Action::Send { to, signal, .. } => {
            let whom = match to {
                Whom::Command => "the command",
                Whom::Group => "the command's group",
                Whom::Everything => "all that the command has started",
            };
            info!(child, %signal, "a signal goes to {whom}");
        }
        Action::KillEverything => debug!(child, "killing what is left"),
        Action::Finish(end) => debug!(status = end.status(), "this is the end"),
        _ => {}
    }
}
