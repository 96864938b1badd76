//! What daemon and attendants write to each other on a line.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::launcher::Invocation;
use crate::run::wire::{MOST, read_length, read_name, write_bytes, write_length};
use crate::sys::children::End;

/// Writes which program is to be started.
pub(super) fn write_invocation(to: &mut dyn Write, invocation: &Invocation) -> io::Result<()> {
    write_bytes(to, invocation.program.as_os_str().as_bytes())?;
    write_bytes(to, invocation.folder.as_os_str().as_bytes())?;
    write_length(to, invocation.arguments.len())?;
    for argument in &invocation.arguments {
        write_bytes(to, argument.as_bytes())?;
    }
    write_length(to, invocation.environment.len())?;
    for (name, value) in &invocation.environment {
        write_bytes(to, name.as_bytes())?;
        write_bytes(to, value.as_bytes())?;
    }
    Ok(())
}

/// Reads which program is to be started.
pub(super) fn read_invocation(from: &mut impl Read) -> io::Result<Invocation> {
    let program = PathBuf::from(read_name(from)?);
    let folder = PathBuf::from(read_name(from)?);
    let arguments = read_many(from, read_name)?;
    let environment = read_many(from, |from| Ok((read_name(from)?, read_name(from)?)))?;
    Ok(Invocation {
        program,
        arguments,
        environment,
        folder,
    })
}

fn read_many<R: Read, T>(
    from: &mut R,
    mut read: impl FnMut(&mut R) -> io::Result<T>,
) -> io::Result<Vec<T>> {
    let count = read_length(from, MOST)?;
    (0..count).map(|_| read(from)).collect()
}

/// What an attendant tells of a program, in five bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It runs.
    Started,
    /// It does not, because of this error (errno(3)).
    Failed(i32),
    /// It has ended, with this status (wait(2)).
    Ended(ExitStatus),
}

/// How long news are.
const LENGTH: usize = 5;

impl News {
    /// The end of a program.
    pub(super) fn of(end: End) -> Self {
        Self::Ended(ExitStatus::from_raw(match end {
            End::Exited(status) => i32::from(status) << 8,
            End::Killed(signal) => i32::from(signal.number()),
        }))
    }

    /// Writes them.
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        let (kind, number) = match self {
            Self::Started => (b's', 0),
            Self::Failed(errno) => (b'f', errno),
            Self::Ended(status) => (b'e', status.into_raw()),
        };
        let mut bytes = [kind; LENGTH];
        bytes[1..].copy_from_slice(&number.to_le_bytes());
        to.write_all(&bytes)
    }

    /// Reads them.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        from.read_exact(&mut bytes)?;
        let [kind, number @ ..] = bytes;
        let number = i32::from_le_bytes(number);
        match kind {
            b's' => Ok(Self::Started),
            b'f' => Ok(Self::Failed(number)),
            b'e' => Ok(Self::Ended(ExitStatus::from_raw(number))),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The number of an error for [`News::Failed`].
pub(super) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::signal::Signal;

    #[test]
    fn an_invocation_is_read_as_it_was_written() {
        let invocation = Invocation {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), "".into(), "a\nb".into()],
            environment: vec![("A".into(), "=".into()), ("B".into(), "".into())],
            folder: "/".into(),
        };
        let mut bytes = Vec::new();
        write_invocation(&mut bytes, &invocation).expect("written");
        let read = read_invocation(&mut &bytes[..]).expect("read");
        assert_eq!(format!("{read:?}"), format!("{invocation:?}"));
        for length in 0..bytes.len() {
            assert!(read_invocation(&mut &bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn news_are_read_as_they_were_written() {
        for news in [
            News::Started,
            News::Failed(libc::ENOENT),
            News::of(End::Exited(0)),
            News::of(End::Exited(255)),
            News::of(End::Killed(Signal::KILL)),
        ] {
            let mut bytes = Vec::new();
            news.write(&mut bytes).expect("written");
            assert_eq!(News::read(&mut &bytes[..]).expect("read"), news);
        }
        assert!(News::read(&mut &b"x1234"[..]).is_err());
        assert!(News::read(&mut &b"s12"[..]).is_err());
    }

    #[test]
    fn ends_keep_their_meaning() {
        let News::Ended(status) = News::of(End::Exited(3)) else {
            panic!("an end");
        };
        assert_eq!((status.code(), status.signal()), (Some(3), None));
        let News::Ended(status) = News::of(End::Killed(Signal::TERM)) else {
            panic!("an end");
        };
        assert_eq!((status.code(), status.signal()), (None, Some(15)));
    }
}
