//! What is typed, on its way from the terminal to the one that the command has.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;

use crate::sys::memory::Locked;
use crate::sys::wipe::wipe;

/// A terminal takes no more at once (termios(3), MAX_INPUT).
const CAPACITY: usize = 4096;

/// Moves what is typed, a step at a time, for a loop that must never wait: the terminal of the command may be full.
///
/// Passwords are typed too, so it passes through locked memory.
pub struct InputRelay {
    buffer: Locked,
    held: Range<usize>,
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// What there was to do.
    Some,
    /// The terminal is gone: nothing more will be typed.
    Ended,
}

impl Default for InputRelay {
    fn default() -> Self {
        Self {
            buffer: Locked::filled(CAPACITY, |_| {}),
            held: 0..0,
        }
    }
}

impl InputRelay {
    /// Whether something is waiting to be written: then a step is due when the command's terminal takes something, else when
    /// something is typed.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Reads if nothing is held, and writes what is. Call it when poll(2) says that it is due; `to` does not wait
    /// (O_NONBLOCK).
    ///
    /// # Errors
    /// Those of reading and writing; what is held is thrown away then.
    pub fn step(&mut self, mut from: &File, mut to: &File) -> io::Result<Relayed> {
        if self.held.is_empty() {
            match from.read(self.buffer.as_mut_slice()) {
                Ok(0) => return Ok(Relayed::Ended),
                Ok(count) => self.held = 0..count,
                Err(error) => return passing(error),
            }
        }
        match to.write(&self.buffer.as_slice()[self.held.clone()]) {
            Ok(count) => {
                let end = self.held.start + count;
                self.forget(end);
                Ok(Relayed::Some)
            }
            Err(error) => passing(error).inspect_err(|_| self.forget(self.held.end)),
        }
    }

    /// Throws away what was typed before the `end`.
    fn forget(&mut self, end: usize) {
        wipe(&mut self.buffer.as_mut_slice()[self.held.start..end]);
        self.held.start = end;
    }
}

/// What is no fault: that there is nothing to do now, or that the terminal is gone.
fn passing(error: io::Error) -> io::Result<Relayed> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Relayed::Some),
        _ if error.raw_os_error() == Some(libc::EIO) => Ok(Relayed::Ended),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_held() {
        let (typed, keyboard) = io::pipe().expect("a pipe");
        let (seen, full) = io::pipe().expect("a pipe");
        let files = [typed.into(), keyboard.into(), seen.into(), full.into()].map(as_file);
        let [typed, mut keyboard, mut seen, mut full] = files;
        never_wait(&full);
        let mut filled = 0;
        while let Ok(count) = full.write(&[0; 4096]) {
            filled += count;
        }
        let mut relay = InputRelay::default();
        keyboard.write_all(b"hunter2").expect("a reader");
        assert_eq!(relay.step(&typed, &full).expect("a step"), Relayed::Some);
        assert!(relay.is_holding());
        seen.read_exact(&mut vec![0; filled]).expect("all of it");
        assert_eq!(relay.step(&typed, &full).expect("a step"), Relayed::Some);
        assert!(!relay.is_holding());
        assert!(relay.buffer.as_slice().iter().all(|byte| *byte == 0));
        let mut text = [0; 7];
        seen.read_exact(&mut text).expect("what was typed");
        assert_eq!(&text, b"hunter2");
        drop(keyboard);
        assert_eq!(relay.step(&typed, &full).expect("a step"), Relayed::Ended);
    }

    fn as_file(descriptor: std::os::fd::OwnedFd) -> File {
        descriptor.into()
    }

    fn never_wait(file: &File) {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        fcntl(file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a flag");
    }
}
