//! Bytes that a program finds under a descriptor: in a file that has no name and never changes, or in a pipe.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::check::check;
use super::fs::{Owner, give};

/// A file in memory that holds `content` and can be read, by `owner` if there is one, and never be changed or executed.
/// `name` is what /proc shows of it. No program inherits it, and its number is above those of the standard streams.
///
/// # Errors
/// Those of memfd_create(2), write(2), fchown(2) and fcntl(2).
pub fn sealed(name: &CStr, content: &[u8], owner: Option<Owner>) -> io::Result<OwnedFd> {
    let mut file = File::from(create(name)?);
    file.write_all(content)?;
    file.rewind()?;
    // The kernel makes it readable for everybody who gets at it by way of /proc.
    // SAFETY: takes numbers only, and the descriptor is ours.
    check(unsafe { libc::fchmod(file.as_raw_fd(), 0o400) })?;
    give(&file, owner)?;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: takes numbers only, and the descriptor is ours.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    above_standard(file.into())
}

fn create(name: &CStr) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // Linux 6.3 knows files that can never be executed, and may be set to refuse others.
    for flags in [flags | libc::MFD_NOEXEC_SEAL, flags] {
        // SAFETY: the name lives through the call; the result is a new descriptor or an error.
        unsafe {
            let number = libc::memfd_create(name.as_ptr(), flags);
            if number >= 0 {
                return Ok(OwnedFd::from_raw_fd(number));
            }
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
    }
    Err(io::ErrorKind::Unsupported.into())
}

/// The reading end of a pipe that holds all of `content` and has no writer, if a pipe can hold so much. `owner` may open it
/// by way of /proc. No program inherits it, and its number is above those of the standard streams.
///
/// # Errors
/// Those of pipe2(2), write(2), fchown(2) and fcntl(2).
pub fn filled_pipe(content: &[u8], owner: Option<Owner>) -> io::Result<Option<OwnedFd>> {
    let (reader, writer) = io::pipe()?;
    if !has_room(&writer, content.len()) {
        return Ok(None);
    }
    File::from(OwnedFd::from(writer)).write_all(content)?;
    give(&reader, owner)?;
    above_standard(reader.into()).map(Some)
}

/// Makes room for `length` bytes in an empty pipe, as far as the system lets this user have so much.
fn has_room(pipe: &impl AsRawFd, length: usize) -> bool {
    let Ok(length) = libc::c_int::try_from(length) else {
        return false;
    };
    // SAFETY: takes numbers only, and the descriptor is ours.
    unsafe {
        let has = || libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) >= length;
        has() || (libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, length) >= length && has())
    }
}

/// The same file under a number that is not one of a standard stream, which may have been closed.
fn above_standard(file: OwnedFd) -> io::Result<OwnedFd> {
    if file.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(file);
    }
    // SAFETY: the descriptor is ours; the result is a new one or an error.
    unsafe {
        let number = libc::fcntl(
            file.as_raw_fd(),
            libc::F_DUPFD_CLOEXEC,
            libc::STDERR_FILENO + 1,
        );
        check(number)?;
        Ok(OwnedFd::from_raw_fd(number))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn a_sealed_file_can_only_be_read() {
        let mut file = File::from(sealed(c"test", b"a\0b", None).expect("a file"));
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("it can be read");
        assert_eq!(content, b"a\0b");
        assert_eq!(file.metadata().expect("a mode").mode() & 0o777, 0o400);
        assert!(file.write_at(b"x", 0).is_err());
        assert!(file.set_len(0).is_err() && file.set_len(9).is_err());
        // SAFETY: takes numbers only.
        let sealed_again =
            unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_WRITE) };
        assert_eq!(sealed_again, -1);
    }

    #[test]
    fn a_pipe_holds_all_or_nothing() {
        let read = |content: &[u8]| {
            let pipe = filled_pipe(content, None).expect("a pipe")?;
            let mut read = Vec::new();
            File::from(pipe).read_to_end(&mut read).expect("an end");
            Some(read)
        };
        for length in [0, 1, 4096, 65536, 65537, 200_000] {
            let content = vec![7; length];
            // Who has many pipes gets none that is larger.
            if let Some(read) = read(&content) {
                assert_eq!(read, content, "{length}");
            } else {
                assert!(length > 4096, "{length}");
            }
        }
        assert_eq!(read(&vec![7; 3 << 30 >> 2]), None);
    }
}
