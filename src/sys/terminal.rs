//! Asks the person at the terminal for a secret line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::interrupt::{Interrupts, Wake};
use super::wipe::wipe;

/// Writes `prompt` to the terminal and reads a line into `buffer` without echo; says how long it is, without its end.
/// Neither standard input nor output is touched. A signal that ends or stops the process does so, but not before the
/// terminal is as it was; after a stop the question is asked again.
///
/// # Errors
/// When there is no terminal; `InvalidData` if the line does not fit, `UnexpectedEof` if the person ended the input,
/// `Interrupted` if a signal came that somebody else handles. What was read is wiped then.
pub fn read_hidden_line(prompt: &str, buffer: &mut [u8]) -> io::Result<usize> {
    // In canonical mode a terminal cuts lines off at 4095 bytes and does not say so.
    let limit = buffer.len().min(4000);
    let buffer = &mut buffer[..limit];
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO | libc::ENOENT | libc::EIO | libc::ENODEV) => {
                io::Error::new(io::ErrorKind::NotFound, "there is no terminal to ask at")
            }
            _ => error,
        })?;
    let result = loop {
        match ask(&terminal, prompt, buffer) {
            Ok(Answer::Line(length)) => break Ok(length),
            Ok(Answer::Signal(signal)) => {
                // The terminal is restored and our handlers are gone, so this mostly ends or stops the process here.
                super::interrupt::raise(signal);
                if signal != libc::SIGTSTP {
                    break Err(io::ErrorKind::Interrupted.into());
                }
            }
            Err(error) => break Err(error),
        }
    };
    if result.is_err() {
        wipe(buffer);
    }
    result
}

/// The width of a terminal in columns, if `descriptor` is one that knows.
pub fn width(descriptor: BorrowedFd<'_>) -> Option<u16> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the request fills a `winsize`, for which all zeroes is a value too.
    let size = unsafe {
        if libc::ioctl(descriptor.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()) != 0 {
            return None;
        }
        size.assume_init()
    };
    (size.ws_col > 0).then_some(size.ws_col)
}

/// How asking ended.
enum Answer {
    Line(usize),
    Signal(libc::c_int),
}

/// Asks once. The terminal and the signal handlers are as before when this returns, however it returns.
fn ask(mut terminal: &File, prompt: &str, buffer: &mut [u8]) -> io::Result<Answer> {
    let interrupts = Interrupts::catch()?;
    let silence = Silence::begin(terminal.as_fd())?;
    terminal.write_all(prompt.as_bytes())?;
    let mut length = 0;
    let answer = loop {
        match interrupts.wait(terminal.as_fd())? {
            Wake::Signal(libc::SIGCONT) => {
                // Stopped by a signal that nobody can catch; who stopped us may have changed the terminal.
                silence.enforce()?;
                terminal.write_all(prompt.as_bytes())?;
            }
            Wake::Signal(signal) => break Answer::Signal(signal),
            Wake::Readable => match read_some(terminal, buffer, &mut length)? {
                Some(line) => break Answer::Line(line),
                None => continue,
            },
        }
    };
    // The person's own newline was not shown.
    terminal.write_all(b"\n")?;
    drop(silence);
    Ok(answer)
}

/// Reads what is there behind the first `length` bytes; gives the length of the line once it is whole.
fn read_some(
    mut terminal: impl Read,
    buffer: &mut [u8],
    length: &mut usize,
) -> io::Result<Option<usize>> {
    if *length == buffer.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the line is longer than {} bytes",
                buffer.len().saturating_sub(1)
            ),
        ));
    }
    let count = match terminal.read(&mut buffer[*length..]) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
        result => result?,
    };
    if count == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the input ended before a line was given",
        ));
    }
    let end = buffer[*length..*length + count]
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|position| *length + position);
    *length += count;
    if let Some(end) = end {
        wipe(&mut buffer[end..*length]);
    }
    Ok(end)
}

/// While one of these lives, the terminal does not echo.
struct Silence<'a> {
    terminal: BorrowedFd<'a>,
    before: libc::termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: BorrowedFd<'a>) -> io::Result<Self> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: filled by the call, and used only if it succeeded.
        let before = unsafe {
            if libc::tcgetattr(terminal.as_raw_fd(), before.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            before.assume_init()
        };
        let silence = Self { terminal, before };
        silence.enforce()?;
        Ok(silence)
    }

    /// Turns echo off, and line editing and the keys that send signals on.
    fn enforce(&self) -> io::Result<()> {
        let mut silent = self.before;
        silent.c_lflag &= !(libc::ECHO | libc::ECHOE | libc::ECHOK | libc::ECHONL);
        silent.c_lflag |= libc::ICANON | libc::ISIG;
        silent.c_iflag |= libc::ICRNL;
        self.set(&silent)
    }

    /// What was typed and not read is thrown away: it was not typed for what comes next.
    fn set(&self, mode: &libc::termios) -> io::Result<()> {
        loop {
            // SAFETY: the mode is one that tcgetattr gave, with flags changed.
            if unsafe { libc::tcsetattr(self.terminal.as_raw_fd(), libc::TCSAFLUSH, mode) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = self.set(&self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads from pieces as a terminal would give them.
    fn read_all(pieces: &[&str], size: usize) -> Result<String, io::ErrorKind> {
        let mut buffer = vec![0; size];
        let mut length = 0;
        for piece in pieces {
            if let Some(line) = read_some(piece.as_bytes(), &mut buffer, &mut length)
                .map_err(|error| error.kind())?
            {
                assert!(buffer[line..].iter().all(|byte| *byte == 0));
                return Ok(String::from_utf8_lossy(&buffer[..line]).into_owned());
            }
        }
        Err(io::ErrorKind::Other)
    }

    #[test]
    fn a_line_ends_at_its_newline() {
        for (pieces, size, expected) in [
            (&["pass\n"][..], 10, Ok("pass")),
            (&["pa", "ss\nrest"], 20, Ok("pass")),
            (&["\n"], 10, Ok("")),
            (&[""], 10, Err(io::ErrorKind::UnexpectedEof)),
            (&["pass", ""], 10, Err(io::ErrorKind::UnexpectedEof)),
            (&["12345", "\n"], 5, Err(io::ErrorKind::InvalidData)),
            (&["1234\n"], 5, Ok("1234")),
        ] {
            let result = read_all(pieces, size);
            assert_eq!(result.as_deref().map_err(|kind| *kind), expected);
        }
    }

    #[test]
    fn what_is_no_terminal_has_no_width() {
        let file = tempfile::tempfile().expect("a file");
        assert_eq!(width(file.as_fd()), None);
    }
}
