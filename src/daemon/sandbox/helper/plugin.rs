//! age plugins that are talked to by an attendant, which is the only process that has the file key besides the daemon, and
//! ends with having passed it on.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Duty, Helper};
use crate::crypt::{PluginHost, host_plugin};
use crate::sys::children::Pid;
use crate::sys::signal::{Signal, Target, send};
use crate::sys::stack::on_private_stack;
use crate::sys::start::lead_group;

impl PluginHost for Helper {
    fn call(&self) -> io::Result<UnixStream> {
        Helper::call(self, Duty::Plugin, &[])
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
    // poll(2) tells a hang-up always.
    let mut hang_up = [PollFd::new(line.as_fd(), PollFlags::empty())];
    loop {
        match poll(&mut hang_up, PollTimeout::NONE) {
            Ok(_) if hang_up[0].any() == Some(true) => break,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => return,
        }
    }
    let _ = send(Target::Group(Pid::own()), Signal::KILL);
}
