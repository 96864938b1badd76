//! Tells what happens to the command, and what is done about it: names and numbers only.

use tracing::{debug, error, info, warn};

use super::machine::{Action, Event, Note, Timer, Verdict, Whom};
use crate::sys::children::Pid;

/// Tells what happened. `watched` is the process that tells of the command's end.
pub(super) fn event(command: Pid, watched: Pid, event: &Event) {
    let child = command.number();
    match event {
        Event::Signal { signal, .. } => debug!(%signal, "got a signal"),
        Event::Ended(pid, end) if *pid == watched => {
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
        Event::Started(pid) => info!(child = pid.number(), "the command was started"),
        Event::Ready(pid) => info!(child = pid.number(), "the command is up"),
        Event::FilesChanged => info!("files have changed, so values are composed anew"),
        Event::DaemonTold => info!("values are composed anew by the daemon"),
        Event::Resolved(Verdict::Same) => info!("the values are the same"),
        Event::Resolved(_) | Event::NotStarted(_) | Event::Elapsed(_) | Event::Childless => {}
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
                Whom::Other(_) => "the other command",
                Whom::OthersGroup(_) => "the other command's group",
                Whom::Everything => "all that the command has started",
            };
            info!(child, %signal, "a signal goes to {whom}");
        }
        Action::KillEverything => debug!(child, "killing what is left"),
        Action::Finish(end) => debug!(status = end.status(), "this is the end"),
        Action::Note(note) => told(command, note),
        _ => {}
    }
}

/// Tells what the user should know.
fn told(command: Pid, note: &Note) {
    let child = command.number();
    match note {
        Note::Restarting(wait, 0) => info!(child, "the command is started again in {wait:?}"),
        Note::Restarting(wait, failures) => {
            warn!(
                child,
                failures, "the command has failed and is started again in {wait:?}"
            );
        }
        Note::GivenUp => error!(child, "the command has failed too often in a row"),
        Note::NotReady => error!(child, "the command is not ready in time"),
        Note::RolledBack => warn!(
            child,
            "the command did not come up with the new values, so it has the earlier ones again"
        ),
        Note::Changed => info!(
            child,
            "the command is started anew, because its values have changed"
        ),
        Note::ResolvingTimedOut => warn!("composing anew took too long and was broken off"),
    }
}
