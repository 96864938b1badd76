//! Named pipes that hand a secret over to whoever reads first, and to nobody else.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;

use super::children::{self, Pid};
use super::descriptors;
use super::process::exit_now;
use super::region::{Region, keep_on_fork};
use super::signal::{Mask, Signal};
use super::wipe::wipe;

/// Starts a process that waits for a reader of the named pipe at `path`, removes the pipe, so that there is no second
/// reader, writes `content` and ends. It holds nothing else that is secret, has no descriptor, and is killed when this
/// thread ends.
///
/// # Errors
/// Those of mmap(2), madvise(2) and fork(2).
pub fn serve(path: &CStr, content: &[u8]) -> io::Result<Pid> {
    // Pages of their own: the process shall have this secret, and none that lies beside it.
    let region = Region::map(content.len().max(1))?;
    // SAFETY: the region is ours alone and at least that long.
    let bytes = unsafe { std::slice::from_raw_parts_mut(region.start().as_ptr(), content.len()) };
    bytes.copy_from_slice(content);
    let parent = Pid::own();
    let forked = keep_on_fork(bytes).and_then(|()| {
        // SAFETY: the child calls nothing but what is async-signal-safe, and never returns.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let status = u8::from(write_once(path, bytes, parent).is_err());
                wipe(bytes);
                exit_now(status)
            }
            pid => Pid::from_number(pid).ok_or_else(|| io::ErrorKind::Other.into()),
        }
    });
    if forked.is_err() {
        wipe(bytes);
    }
    // Not wiped otherwise: the pages may be shared with the process, which wipes them itself.
    drop(region);
    forked
}

/// What the process does. Async-signal-safe.
fn write_once(path: &CStr, content: &[u8], parent: Pid) -> io::Result<()> {
    // Among them that of a pipe without readers; the one that kills cannot be blocked.
    Mask::ALL.impose();
    descriptors::close_from(0, &[])?;
    wipe_environment();
    children::signal_at_parents_death(Signal::KILL)?;
    // It may have died before it was asked for.
    if children::parent() != Some(parent) {
        return Err(io::ErrorKind::NotFound.into());
    }
    // A copy of locked pages is not locked, unless it is of a kind that is so by itself.
    // SAFETY: the pages are ours; locking changes nothing that can be seen.
    unsafe { libc::mlock(content.as_ptr().cast(), content.len()) };
    // Who owns the folder may have put something else there.
    let flags = libc::O_WRONLY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the path lives through the call.
    let pipe = retried(|| unsafe { libc::open(path.as_ptr(), flags) as isize })? as libc::c_int;
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the structure is ours, and zeroes are a valid content of it.
    let mode = unsafe {
        libc::fstat(pipe, status.as_mut_ptr());
        status.assume_init().st_mode
    };
    if mode & libc::S_IFMT != libc::S_IFIFO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the path lives through the call. What is gone already needs no removing.
    unsafe { libc::unlink(path.as_ptr()) };
    let mut rest = content;
    while !rest.is_empty() {
        // SAFETY: the bytes live through the call.
        let written = retried(|| unsafe { libc::write(pipe, rest.as_ptr().cast(), rest.len()) })?;
        rest = &rest[written.min(rest.len())..];
    }
    Ok(())
}

/// Forgets the variables that this process was started with: an identity may be one of them. Async-signal-safe.
fn wipe_environment() {
    unsafe extern "C" {
        /// environ(7).
        static mut environ: *mut *mut libc::c_char;
    }
    // SAFETY: there is one thread, and from here on it reads no variable. The array ends with a null pointer, and what it
    // leads to are strings that can be written.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let length = libc::strlen(*entry);
            wipe(std::slice::from_raw_parts_mut((*entry).cast(), length));
            entry = entry.add(1);
        }
    }
}

/// Calls until the answer is not that a signal came in between.
fn retried(call: impl Fn() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(result) = usize::try_from(call()) {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    fn serve_at(path: &Path, content: &[u8]) -> libc::pid_t {
        let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
        serve(&path, content).expect("a process").number()
    }

    fn status_of(pid: libc::pid_t) -> libc::c_int {
        let mut status = 0;
        // SAFETY: the status is ours.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        status
    }

    #[test]
    fn a_pipe_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [0, 1, 70_000, 300_000] {
            let path = folder.path().join("pipe");
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
            let content: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let server = serve_at(&path, &content);
            assert_eq!(fs::read(&path).expect("it can be read"), content);
            assert_eq!(status_of(server), 0);
            assert!(!path.exists());
        }
    }

    #[test]
    fn nothing_but_a_pipe_is_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        for path in [&file, &link] {
            assert_ne!(status_of(serve_at(path, b"secret")), 0);
            assert_eq!(fs::read(&file).expect("the file"), b"");
        }
    }
}
