//! Descriptors by their numbers: those that a process was started with, and those that it leaves.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Takes over a descriptor that this process was started with, and which no code of ours owns: the standard ones are not
/// given away. From now on no program inherits it.
pub fn adopt(number: RawFd) -> Option<OwnedFd> {
    if number <= libc::STDERR_FILENO {
        return None;
    }
    // SAFETY: takes numbers only. Only an open descriptor has flags, and by the caller's word nobody else owns it.
    unsafe {
        let flags = libc::fcntl(number, libc::F_GETFD);
        if flags < 0 || libc::fcntl(number, libc::F_SETFD, flags | libc::FD_CLOEXEC) < 0 {
            return None;
        }
        Some(OwnedFd::from_raw_fd(number))
    }
}

/// Closes every descriptor from `first` on, but those in `kept`. Only for the start of a program, before anything else is
/// opened.
///
/// # Errors
/// When it cannot be told which are open.
pub fn close_from(first: RawFd, kept: &[RawFd]) -> io::Result<()> {
    let mut kept: Vec<RawFd> = kept.iter().copied().filter(|kept| *kept >= first).collect();
    kept.sort_unstable();
    let mut next = first;
    for kept in kept {
        close_range(next, Some(kept))?;
        next = kept + 1;
    }
    close_range(next, None)
}

/// Closes all descriptors from `first` to before `end`, or to the last.
fn close_range(first: RawFd, end: Option<RawFd>) -> io::Result<()> {
    if end.is_some_and(|end| end <= first) {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        let invalid = |_| io::ErrorKind::InvalidInput;
        let from = libc::c_uint::try_from(first).map_err(invalid)?;
        let last = match end {
            Some(end) => libc::c_uint::try_from(end - 1).map_err(invalid)?,
            None => libc::c_uint::MAX,
        };
        // The call itself (Linux 5.9): not every C library has a function for it.
        // SAFETY: takes numbers only; by the caller's word nothing of ours is open there.
        if unsafe { libc::syscall(libc::SYS_close_range, from, last, 0) } == 0 {
            return Ok(());
        }
    }
    // SAFETY: takes and gives numbers only; as above.
    unsafe {
        let limit = libc::sysconf(libc::_SC_OPEN_MAX);
        let limit = RawFd::try_from(limit).unwrap_or(1024);
        for number in first..end.unwrap_or(limit) {
            libc::close(number);
        }
    }
    Ok(())
}

/// Has no program inherit the descriptors from `first` on. Async-signal-safe.
///
/// # Errors
/// Those of close_range(2), but for kernels that do not know it (before Linux 5.11).
pub fn keep_from_programs(first: RawFd) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let first = first as libc::c_uint;
        // SAFETY: takes numbers only, and closes nothing yet.
        let result = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                first,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        let error = io::Error::last_os_error();
        if result < 0 && !matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) {
            return Err(error);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = first;
    Ok(())
}

/// Has a descriptor lead nowhere.
///
/// # Errors
/// Those of open(2), memfd_create(2) and dup2(2).
pub fn silence(number: RawFd) -> io::Result<()> {
    let nowhere = nowhere()?;
    // SAFETY: takes numbers only.
    if unsafe { libc::dup2(nowhere.as_raw_fd(), number) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// What has nothing to read and keeps nothing.
fn nowhere() -> io::Result<OwnedFd> {
    // SAFETY: the path lives through the call; the result is a new descriptor or an error.
    let opened = unsafe {
        match libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) {
            ..0 => Err(io::Error::last_os_error()),
            number => Ok(OwnedFd::from_raw_fd(number)),
        }
    };
    // Some containers lack it. What can neither grow nor be changed does as well.
    #[cfg(target_os = "linux")]
    let opened = opened.or_else(|_| super::memfd::sealed(c"nowhere", &[], None));
    opened
}

/// Whether two descriptors lead to the same file, whatever it is.
pub fn are_one_file(one: RawFd, other: RawFd) -> bool {
    match (status(one), status(other)) {
        (Some(one), Some(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}

/// Whether two descriptors lead into the same pipe or socket.
pub fn are_one_pipe(one: RawFd, other: RawFd) -> bool {
    match (status(one), status(other)) {
        (Some(one), Some(other)) => {
            let kind = one.st_mode & libc::S_IFMT;
            (kind == libc::S_IFIFO || kind == libc::S_IFSOCK)
                && (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
        }
        _ => false,
    }
}

fn status(number: RawFd) -> Option<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the structure is ours, and filled if the call succeeds.
    unsafe { (libc::fstat(number, status.as_mut_ptr()) == 0).then(|| status.assume_init()) }
}
