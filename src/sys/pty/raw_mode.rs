//! A terminal that passes everything on, and is put back however the process ends.

use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use super::{make_raw, modes, set_modes};

/// What is put back by whoever ends the process, also from a signal handler or a panic: so there is no lock.
struct Saved {
    /// The process that is to put it back: a forked child is not. 0 if none is.
    owner: AtomicI32,
    terminal: AtomicI32,
    modes: UnsafeCell<MaybeUninit<libc::termios>>,
}

/// No process: somebody is writing.
const BUSY: i32 = -1;

// SAFETY: the modes are written only by who has made the owner `BUSY`, and read only while it is this process. Only the
// guard writes, of which there is one; that another thread ends the process meanwhile finds them busy or whole.
unsafe impl Sync for Saved {}

static SAVED: Saved = Saved {
    owner: AtomicI32::new(0),
    terminal: AtomicI32::new(-1),
    modes: UnsafeCell::new(MaybeUninit::uninit()),
};

/// While one of these lives, a terminal is in raw mode (termios(3)), but for pauses. There can be one at a time. When it is
/// dropped the terminal is as before, and so it is when the process ends by
/// [`exit_now`](crate::sys::process::exit_now). SIGTTOU must be blocked or ignored if the process may be in the
/// background.
pub struct RawMode {
    terminal: OwnedFd,
}

impl RawMode {
    /// Puts `terminal` into raw mode.
    ///
    /// # Errors
    /// When it is no terminal; `AlreadyExists` if there is one already.
    pub fn enter(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let terminal = terminal.try_clone_to_owned()?;
        let free = SAVED
            .owner
            .compare_exchange(0, BUSY, Ordering::AcqRel, Ordering::Acquire);
        if free.is_err() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        SAVED
            .terminal
            .store(terminal.as_raw_fd(), Ordering::Release);
        // From here on dropping it makes the place free.
        let raw = Self { terminal };
        raw.resume()?;
        Ok(raw)
    }

    /// Puts the terminal back for a while: before this process stops, say.
    pub fn pause(&self) {
        restore();
        SAVED.owner.store(BUSY, Ordering::Release);
    }

    /// Goes on after a pause: the modes that are found now are what is put back later. Without a pause, who stopped this
    /// process may have changed them.
    ///
    /// # Errors
    /// Those of tcgetattr(3) and tcsetattr(3).
    pub fn resume(&self) -> io::Result<()> {
        let mut raw = modes(self.terminal.as_fd())?;
        if SAVED.owner.load(Ordering::Acquire) == BUSY {
            // SAFETY: the owner is `BUSY`, so nobody reads.
            unsafe { (*SAVED.modes.get()).write(raw) };
            // SAFETY: takes nothing, cannot fail.
            let own = unsafe { libc::getpid() };
            SAVED.owner.store(own, Ordering::Release);
        }
        make_raw(&mut raw);
        set_modes(self.terminal.as_fd(), &raw)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
        SAVED.owner.store(0, Ordering::Release);
    }
}

/// Puts the terminal back if this process has one in raw mode. Async-signal-safe.
pub(in crate::sys) fn restore() {
    // SAFETY: takes nothing, cannot fail.
    let own = unsafe { libc::getpid() };
    if SAVED.owner.load(Ordering::Acquire) != own {
        return;
    }
    let terminal = SAVED.terminal.load(Ordering::Acquire);
    // SAFETY: the modes are whole while the owner is this process. A terminal that is gone needs no modes.
    unsafe { libc::tcsetattr(terminal, libc::TCSANOW, (*SAVED.modes.get()).as_ptr()) };
}
