//! Pseudo-terminals (pty(7)): one for the command, so that all that it writes to it comes by.

mod raw_mode;

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::check::check;
use super::step::Step;

pub use raw_mode::RawMode;
pub(super) use raw_mode::restore as restore_terminal;

/// Both sides of a pseudo-terminal. No program inherits them by itself.
pub struct Pty {
    /// Our side. It does not wait (O_NONBLOCK).
    pub master: OwnedFd,
    /// The command's side.
    pub slave: OwnedFd,
}

impl Pty {
    /// A new one, with modes and size of `terminal`.
    ///
    /// # Errors
    /// Those of posix_openpt(3), and of asking and changing terminals.
    pub fn like(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let pty = Self::new()?;
        set_modes(pty.slave.as_fd(), &modes(terminal)?)?;
        if let Ok(size) = WindowSize::of(terminal) {
            size.apply_to(pty.master.as_fd())?;
        }
        Ok(pty)
    }

    /// A new one for output alone, which passes bytes on as they are: the terminal where they are shown in the end has
    /// its own modes. It has the size of `terminal`.
    ///
    /// # Errors
    /// As of [`Pty::like`].
    pub fn for_output(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let pty = Self::like(terminal)?;
        let mut raw = modes(pty.slave.as_fd())?;
        make_raw(&mut raw);
        set_modes(pty.slave.as_fd(), &raw)?;
        Ok(pty)
    }

    fn new() -> io::Result<Self> {
        // SAFETY: the calls take numbers; the descriptors are new.
        unsafe {
            let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
            let master = libc::posix_openpt(flags);
            check(master)?;
            let master = OwnedFd::from_raw_fd(master);
            check(libc::grantpt(master.as_raw_fd()))?;
            check(libc::unlockpt(master.as_raw_fd()))?;
            let slave = open_slave(&master)?;
            let status = libc::fcntl(master.as_raw_fd(), libc::F_GETFL);
            check(status)?;
            let status = status | libc::O_NONBLOCK;
            check(libc::fcntl(master.as_raw_fd(), libc::F_SETFL, status))?;
            Ok(Self { master, slave })
        }
    }

    /// What a child does to have the command's side as its terminal, and as each of `descriptors`.
    pub fn steps(&self, descriptors: &[RawFd]) -> Vec<Step> {
        let from = self.slave.as_raw_fd();
        let places = descriptors.iter().map(|to| Step::Place { from, to: *to });
        [Step::LeadSession, Step::TakeTerminal(from)]
            .into_iter()
            .chain(places)
            .collect()
    }
}

/// The command's side. By descriptor where that can be done: no path leads there if /dev/pts is another one.
fn open_slave(master: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    #[cfg(target_os = "linux")]
    {
        // SAFETY: takes numbers; the descriptor is new.
        unsafe {
            let slave = libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags);
            if slave >= 0 {
                return Ok(OwnedFd::from_raw_fd(slave));
            }
        }
    }
    let path = name(master)?;
    // SAFETY: the path ends with NUL and lives through the call; the descriptor is new.
    unsafe {
        let slave = libc::open(path.as_ptr().cast(), flags);
        check(slave)?;
        Ok(OwnedFd::from_raw_fd(slave))
    }
}

/// The path of the command's side, closed by NUL.
#[cfg(target_os = "linux")]
fn name(master: &OwnedFd) -> io::Result<[u8; 64]> {
    let mut path = [0; 64];
    // SAFETY: the buffer is as long as is said.
    let error =
        unsafe { libc::ptsname_r(master.as_raw_fd(), path.as_mut_ptr().cast(), path.len()) };
    match error {
        0 => Ok(path),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn name(_: &OwnedFd) -> io::Result<[u8; 1]> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The size of a terminal's window, in characters and in pixels.
#[derive(Clone, Copy)]
pub struct WindowSize(libc::winsize);

impl WindowSize {
    /// The size of `terminal`.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn of(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let mut size = MaybeUninit::<libc::winsize>::zeroed();
        // SAFETY: the request fills a `winsize`, for which all zeroes is a value too.
        unsafe {
            let request = libc::TIOCGWINSZ;
            check(libc::ioctl(
                terminal.as_raw_fd(),
                request,
                size.as_mut_ptr(),
            ))?;
            Ok(Self(size.assume_init()))
        }
    }

    /// Makes it the size of `terminal`, of which either side can be given. Its foreground process group gets SIGWINCH
    /// if that is a change.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn apply_to(&self, terminal: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: the request reads a `winsize`.
        check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const self.0) })
    }

    /// Rows and columns.
    pub fn characters(&self) -> (u16, u16) {
        (self.0.ws_row, self.0.ws_col)
    }
}

/// Whether `descriptor` is a terminal.
pub fn is_terminal(descriptor: BorrowedFd<'_>) -> bool {
    // SAFETY: takes a number only.
    unsafe { libc::isatty(descriptor.as_raw_fd()) == 1 }
}

/// The modes of a terminal.
fn modes(terminal: BorrowedFd<'_>) -> io::Result<libc::termios> {
    let mut modes = MaybeUninit::uninit();
    // SAFETY: filled by the call, and used only if it succeeded.
    unsafe {
        check(libc::tcgetattr(terminal.as_raw_fd(), modes.as_mut_ptr()))?;
        Ok(modes.assume_init())
    }
}

/// Changes the modes of a terminal at once.
fn set_modes(terminal: BorrowedFd<'_>, modes: &libc::termios) -> io::Result<()> {
    // SAFETY: the modes live through the call.
    check(unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, modes) })
}

/// cfmakeraw(3).
fn make_raw(modes: &mut libc::termios) {
    // SAFETY: changes flags of a structure of ours.
    unsafe { libc::cfmakeraw(modes) };
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    fn flags(terminal: &OwnedFd) -> (libc::tcflag_t, libc::tcflag_t) {
        let modes = modes(terminal.as_fd()).expect("a terminal");
        (
            modes.c_lflag & (libc::ECHO | libc::ICANON),
            modes.c_oflag & libc::OPOST,
        )
    }

    #[test]
    fn a_terminal_is_like_another() {
        let first = Pty::new().expect("a terminal");
        let mut changed = modes(first.slave.as_fd()).expect("a terminal");
        changed.c_lflag &= !libc::ECHO;
        set_modes(first.slave.as_fd(), &changed).expect("a terminal");
        let size = WindowSize(libc::winsize {
            ws_row: 33,
            ws_col: 77,
            ws_xpixel: 1,
            ws_ypixel: 2,
        });
        size.apply_to(first.master.as_fd()).expect("a terminal");
        let second = Pty::like(first.slave.as_fd()).expect("a terminal");
        assert_eq!(flags(&second.slave), flags(&first.slave));
        let size = WindowSize::of(second.slave.as_fd()).expect("a terminal");
        assert_eq!(size.characters(), (33, 77));
    }

    #[test]
    fn output_passes_as_it_is() {
        let shown = Pty::new().expect("a terminal");
        let pty = Pty::for_output(shown.slave.as_fd()).expect("a terminal");
        let mut terminal = File::from(pty.slave);
        terminal.write_all(b"a\nb\t\r\n").expect("room");
        let mut text = [0; 6];
        // What is written comes by a work queue of the kernel.
        let mut master = File::from(pty.master);
        let mut count = 0;
        while count < text.len() {
            match master.read(&mut text[count..]) {
                Ok(more) => count += more,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!(&text, b"a\nb\t\r\n");
    }

    #[test]
    fn raw_mode_ends_with_its_guard() {
        let pty = Pty::new().expect("a terminal");
        let before = flags(&pty.slave);
        let raw = RawMode::enter(pty.slave.as_fd()).expect("a terminal");
        assert_eq!(flags(&pty.slave), (0, 0));
        assert!(RawMode::enter(pty.slave.as_fd()).is_err(), "one at a time");
        raw.pause();
        assert_eq!(flags(&pty.slave), before);
        raw.resume().expect("a terminal");
        assert_eq!(flags(&pty.slave), (0, 0));
        drop(raw);
        assert_eq!(flags(&pty.slave), before);
        // A child that ends leaves the terminal of its parent alone; this process does not.
        let raw = RawMode::enter(pty.slave.as_fd()).expect("a terminal");
        // SAFETY: the child ends at once.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                crate::sys::process::exit_now(0);
            }
            assert_eq!(libc::waitpid(child, std::ptr::null_mut(), 0), child);
        }
        assert_eq!(flags(&pty.slave), (0, 0));
        restore_terminal();
        assert_eq!(flags(&pty.slave), before);
        drop(raw);
    }
}
