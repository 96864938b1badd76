//! The helper's own side: takes requests and forks an attendant for each.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::launch::attend;
use super::plugin::talk;
use super::request::{News, errno};
use super::{CHANNEL, Duty, ENTRY};
use crate::sys::channel::{Channel, Packet};
use crate::sys::children::{Change, Next, next_change};
use crate::sys::descriptors;
use crate::sys::process::set_name;
use crate::sys::signal::Receiver;
use crate::sys::start::{block_signals, fork_helper};

/// The most attendants at a time.
const MOST: usize = 64;

/// env(1): the status of faults of its own.
const FAULT: u8 = 125;

/// Is the helper, if that is what this program was executed for; gives the exit status. `arguments` are those of the
/// program, whose name is the first. The process is hardened already.
pub fn resume(arguments: &[OsString]) -> Option<u8> {
    let [_, entry] = arguments else {
        return None;
    };
    if entry.as_encoded_bytes() != ENTRY.to_bytes() {
        return None;
    }
    let Some(channel) = descriptors::adopt(CHANNEL) else {
        return Some(FAULT);
    };
    set_name(c"escrun-helper");
    block_signals();
    let attendants = Attendants {
        channel: Some(Channel::from_descriptor(channel)),
        count: 0,
    };
    Some(attendants.serve().map_or(FAULT, |()| 0))
}

/// What the helper keeps: nothing of what any request was about.
struct Attendants {
    /// Always there but in attendants.
    channel: Option<Channel>,
    count: usize,
}

impl Attendants {
    /// Takes requests until the daemon is gone.
    fn serve(mut self) -> io::Result<()> {
        let signals = Receiver::new()?;
        while let Some(channel) = &self.channel {
            let mut waited = [
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(channel.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waited, PollTimeout::NONE) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let asked = waited[1].any() == Some(true);
            // Only children matter: who wants this process to end ends the daemon.
            while signals.next()?.is_some() {}
            let packet = if asked {
                Some(channel.receive()?)
            } else {
                None
            };
            self.reap()?;
            match packet {
                Some(Some(packet)) => self.take(packet),
                Some(None) => break,
                None => {}
            }
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        while let Next::Change(_, change) = next_change()? {
            if matches!(change, Change::Ended(_)) {
                self.count = self.count.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Forks an attendant for a request. Whoever asks sees from the end of the line that there is none.
    fn take(&mut self, packet: Packet) {
        let Packet {
            bytes, descriptors, ..
        } = packet;
        let mut descriptors = descriptors.into_iter();
        let (Some(duty), Some(line)) = (
            bytes.first().copied().and_then(Duty::from_byte),
            descriptors.next(),
        ) else {
            return;
        };
        let mut line = UnixStream::from(line);
        let rest: Vec<OwnedFd> = descriptors.collect();
        if self.count >= MOST {
            let _ = News::Failed(libc::EAGAIN).write(&mut line);
            return;
        }
        let mut copy = line.try_clone().ok();
        let forked = fork_helper(|| {
            // The helper's alone, whose end the daemon must notice.
            self.channel = None;
            copy = None;
            let done = match duty {
                Duty::Launch => <[OwnedFd; 3]>::try_from(rest)
                    .map_err(|_| io::ErrorKind::InvalidData.into())
                    .and_then(|streams| attend(line, streams)),
                Duty::Plugin => talk(line),
            };
            done.map_or(FAULT, |()| 0)
        });
        match forked {
            Ok(_) => self.count += 1,
            Err(error) => {
                if let Some(mut line) = copy {
                    let _ = News::Failed(errno(&error)).write(&mut line);
                }
            }
        }
    }
}
