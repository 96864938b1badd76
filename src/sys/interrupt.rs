//! Catches the signals that end or stop the process while the terminal must be put back first.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a person or a service manager sends to end or stop a program, and what wakes it again.
const CAUGHT: [libc::c_int; 6] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGCONT,
];

/// Where the handler writes. A pipe, because the signal may come to any thread, and before poll(2) has begun.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// Handlers belong to the whole process, so one question is asked at a time.
static ASKING: Mutex<()> = Mutex::new(());

/// Why waiting ended.
pub(super) enum Wake {
    /// There is something to read.
    Readable,
    /// This signal came.
    Signal(libc::c_int),
}

/// While one of these lives, signals are caught instead of obeyed.
pub(super) struct Interrupts {
    before: Vec<(libc::c_int, libc::sigaction)>,
    reader: File,
    // Open as long as the handlers are, which know only its number.
    _writer: OwnedFd,
    _asking: MutexGuard<'static, ()>,
}

impl Interrupts {
    /// Begins to catch. What is ignored (by nohup(1), say) stays ignored.
    pub(super) fn catch() -> io::Result<Self> {
        let asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        let (reader, writer) = pipe()?;
        PIPE.store(writer.as_raw_fd(), Ordering::SeqCst);
        let mut interrupts = Self {
            before: Vec::with_capacity(CAUGHT.len()),
            reader: File::from(reader),
            _writer: writer,
            _asking: asking,
        };
        for signal in CAUGHT {
            // SAFETY: `note` is async-signal-safe. All zeroes are an action without flags, whose mask is then emptied;
            // without SA_RESTART, so that waiting is interrupted.
            unsafe {
                let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
                libc::sigemptyset(&mut action.sa_mask);
                action.sa_sigaction = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
                let mut before = MaybeUninit::uninit();
                if libc::sigaction(signal, ptr::null(), before.as_mut_ptr()) != 0 {
                    return Err(io::Error::last_os_error());
                }
                let before: libc::sigaction = before.assume_init();
                if before.sa_sigaction != libc::SIG_IGN {
                    interrupts.before.push((signal, before));
                    if libc::sigaction(signal, &action, ptr::null_mut()) != 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
            }
        }
        Ok(interrupts)
    }

    /// Waits until `input` can be read or a signal has come; a signal is told first.
    pub(super) fn wait(&self, input: BorrowedFd<'_>) -> io::Result<Wake> {
        loop {
            let mut files = [self.reader.as_raw_fd(), input.as_raw_fd()].map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            });
            // SAFETY: two entries, as said.
            if unsafe { libc::poll(files.as_mut_ptr(), 2, -1) } < 0 {
                let error = io::Error::last_os_error();
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            }
            if files[0].revents != 0 {
                let mut signal = [0];
                (&self.reader).read_exact(&mut signal)?;
                return Ok(Wake::Signal(signal[0].into()));
            }
            if files[1].revents != 0 {
                return Ok(Wake::Readable);
            }
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // SAFETY: the action is the one that was there.
            unsafe { libc::sigaction(*signal, before, ptr::null_mut()) };
        }
        // No handler of ours runs from here on, so nobody writes to a descriptor that is about to be closed.
        PIPE.store(-1, Ordering::SeqCst);
    }
}

/// Sends a signal to this thread, as the one that was caught would have come.
pub(super) fn raise(signal: libc::c_int) {
    // SAFETY: takes a number only.
    unsafe { libc::raise(signal) };
}

/// The handler. Async-signal-safe: it writes a byte, and leaves `errno` as it was.
extern "C" fn note(signal: libc::c_int) {
    let error = io::Error::last_os_error().raw_os_error();
    let byte = signal as u8;
    // SAFETY: one byte of ours; a descriptor that is not there is an error that changes nothing.
    unsafe { libc::write(PIPE.load(Ordering::SeqCst), (&raw const byte).cast(), 1) };
    if let Some(error) = error {
        set_errno(error);
    }
}

fn set_errno(error: libc::c_int) {
    #[cfg(target_os = "linux")]
    // SAFETY: the place of this thread's own errno.
    unsafe {
        *libc::__errno_location() = error;
    }
    #[cfg(target_os = "macos")]
    // SAFETY: the place of this thread's own errno.
    unsafe {
        *libc::__error() = error;
    }
}

/// A pipe whose ends are closed by exec, and whose writer never blocks.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    let writer = OwnedFd::from(writer);
    // SAFETY: the descriptor is ours and open.
    let result = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((reader.into(), writer))
}
