//! Takes blocked signals from a descriptor, signalfd(2), one at a time and with who sent them.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{Mask, Signal};

/// One signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// Whether the kernel itself sent it, as it does for what is typed at the terminal.
    pub by_kernel: bool,
    /// The value that the sender gave with it by sigqueue(3).
    pub value: Option<u64>,
}

/// Gives the signals that are sent to this process, which must be blocked.
pub struct Receiver {
    descriptor: OwnedFd,
}

impl Receiver {
    /// Receives every signal that can be received.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub fn new() -> io::Result<Self> {
        Self::of(Mask::ALL)
    }

    /// Receives these signals.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub fn of(signals: Mask) -> io::Result<Self> {
        // The call itself: the C library's wrapper leaves out the signals that it keeps for itself.
        // SAFETY: the mask lives through the call and is as long as is said; the result is a new descriptor or an error.
        let descriptor = unsafe {
            let number = libc::syscall(
                libc::SYS_signalfd4,
                -1,
                &raw const signals.0,
                size_of::<u64>(),
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            );
            if number < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(number as libc::c_int)
        };
        Ok(Self { descriptor })
    }

    /// The next signal, if one is there.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn next(&self) -> io::Result<Option<Received>> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        // SAFETY: the structure is ours, as long as is said, and every content of it is a valid one.
        let (count, info) = unsafe {
            let count = libc::read(
                self.descriptor.as_raw_fd(),
                info.as_mut_ptr().cast(),
                size_of::<libc::signalfd_siginfo>(),
            );
            (count, info.assume_init())
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            };
        }
        let number = i32::try_from(info.ssi_signo).unwrap_or(0);
        Ok(Signal::from_number(number).map(|signal| Received {
            signal,
            by_kernel: info.ssi_code == libc::SI_KERNEL,
            value: (info.ssi_code == libc::SI_QUEUE).then_some(info.ssi_ptr),
        }))
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
