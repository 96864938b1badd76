//! age plugins that are talked to by an attendant, which is the only process that has the file key besides the daemon, and
//! ends with having passed it on.

use std::io;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use super::{Duty, Helper};
use crate::crypt::{PluginHost, host_plugin};
use crate::sys::children::Pid;
use crate::sys::hang_up::await_hang_up;
use crate::sys::signal::{Signal, Target, send};
use crate::sys::stack::on_private_stack;
use crate::sys::start::lead_group;

/// How long a plugin may be silent: as long as a person has to answer a question for consent. Who waits for it keeps others
/// waiting who need the same plugin. When it is given up, it ends.
const PATIENCE: Duration = Duration::from_secs(60);

impl PluginHost for Helper {
    fn call(&self) -> io::Result<UnixStream> {
        let line = Helper::call(self, Duty::Plugin, &[])?;
        line.set_read_timeout(Some(PATIENCE))?;
        line.set_write_timeout(Some(PATIENCE))?;
        Ok(line)
    }
}

/// What an attendant does: talks to the plugin that it is told on `line`, for as long as the daemon wants to know.
pub(super) fn talk(line: UnixStream) -> io::Result<()> {
    // The plugin is in this group as well.
    lead_group()?;
    let watched = line.try_clone()?;
    thread::Builder::new().spawn(move || end_with(&watched))?;
    on_private_stack(|| host_plugin(line))?
}

/// Ends this process and the plugin when the other end of the line is closed. What is read from it is for others.
fn end_with(line: &UnixStream) {
    if await_hang_up(line).is_err() {
        return;
    }
    let _ = send(Target::Group(Pid::own()), Signal::KILL);
}
