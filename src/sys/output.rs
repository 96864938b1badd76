//! Standard error for who must not wait: what cannot be written at once is not written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

/// The standard error of this process, which neither blocks nor kills: who reads it may have stopped reading, or be gone.
///
/// The descriptor itself is left as it is: others share it, and would find their own writes failing if it did not block.
#[derive(Debug)]
pub struct Output {
    way: Way,
}

/// How it is written without waiting.
#[derive(Debug)]
enum Way {
    /// The same pipe or terminal, opened once more, for not blocking.
    Reopened(File),
    /// A socket, which can be told each time.
    Socket,
    /// A pipe or terminal that may not be opened again: it is asked first, and could be filled by others in between.
    Asked,
    /// A file, which takes what it gets.
    File,
}

impl Output {
    /// Finds out what standard error is.
    pub fn standard_error() -> Self {
        let kind = File::from(match standard_error().try_clone_to_owned() {
            Ok(descriptor) => descriptor,
            Err(_) => return Self { way: Way::Asked },
        })
        .metadata()
        .map(|found| found.file_type());
        let way = match kind {
            Ok(kind) if kind.is_socket() => Way::Socket,
            Ok(kind) if kind.is_fifo() || kind.is_char_device() => reopened(),
            Ok(_) => Way::File,
            Err(_) => Way::Asked,
        };
        Self { way }
    }

    /// Writes all of it, if that needs no waiting.
    ///
    /// # Errors
    /// With how much was written: `WouldBlock` where nobody reads for now, else those of write(2).
    pub fn write(&self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while written < bytes.len() {
            match self.write_some(&bytes[written..]) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        let descriptor = match &self.way {
            Way::Socket => return send(bytes),
            Way::Reopened(file) => file.as_fd(),
            Way::Asked => {
                ask()?;
                standard_error()
            }
            Way::File => standard_error(),
        };
        let guard = BrokenPipe::expect();
        let result = nix::unistd::write(descriptor, bytes).map_err(io::Error::from);
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            guard.take();
        }
        result
    }
}

fn standard_error() -> BorrowedFd<'static> {
    // SAFETY: the program is begun with it open (`entry`), and nothing closes it.
    unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) }
}

/// Opens once more what standard error is.
fn reopened() -> Way {
    let again = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open("/proc/self/fd/2");
    again.map_or(Way::Asked, Way::Reopened)
}

/// Whether a write would not wait now.
fn ask() -> io::Result<()> {
    let mut asked = [libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    }];
    // SAFETY: the array lives through the call and has as many entries as it says.
    let ready = unsafe { libc::poll(asked.as_mut_ptr(), 1, 0) };
    match (ready, asked[0].revents) {
        (1, events) if events & (libc::POLLERR | libc::POLLNVAL) != 0 => {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        (1, _) => Ok(()),
        (0, _) => Err(io::ErrorKind::WouldBlock.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Elsewhere, ignoring SIGPIPE is all there is.
#[cfg(target_os = "linux")]
const QUIETLY: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const QUIETLY: libc::c_int = libc::MSG_DONTWAIT;

fn send(bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the bytes live through the call.
    let sent = unsafe {
        libc::send(
            standard_error().as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            QUIETLY,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Takes back the SIGPIPE that a write causes. Ignoring is not enough: one that is blocked waits, even if it is ignored,
/// and who receives signals from a descriptor would take it for one that was sent.
struct BrokenPipe {
    waited_before: bool,
}

impl BrokenPipe {
    fn expect() -> Self {
        let waited_before = set(|set| {
            // SAFETY: fills a set of ours.
            unsafe {
                libc::sigpending(set);
                libc::sigismember(set, libc::SIGPIPE) == 1
            }
        });
        Self { waited_before }
    }

    fn take(self) {
        if self.waited_before {
            return;
        }
        #[cfg(target_os = "linux")]
        set(|set| {
            let at_once = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // SAFETY: the set and the time live through the call, and nothing else is asked for.
            unsafe {
                libc::sigaddset(set, libc::SIGPIPE);
                libc::sigtimedwait(set, std::ptr::null_mut(), &at_once);
            }
        });
    }
}

/// Hands out an empty set of signals.
fn set<T>(with: impl FnOnce(&mut libc::sigset_t) -> T) -> T {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: emptying a set initialises it.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init_mut()
    };
    with(set)
}
