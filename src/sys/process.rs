//! This process and the programs that it starts: hardened the one, untouched by that the others.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

pub use super::inherited::Inherited;
use super::inherited::{For, at_start, ignores};

/// Protects this process: it cannot be dumped, traced or read by other processes of the same user, leaves no core file,
/// and makes files that only its user can read. The first thing that `main` does.
///
/// What is started by [`command`], [`as_inherited`] or `sys::exec` gets none of this.
///
/// # Errors
/// Those of prctl(2) and setrlimit(2). Whoever reads keys must not go on then.
pub fn harden() -> io::Result<()> {
    let started_with = at_start();
    let core_limit = libc::rlimit {
        rlim_cur: 0,
        // Lowering the hard limit could not be undone for the child.
        rlim_max: started_with.hard_core_limit(),
    };
    // SAFETY: takes numbers and a limit that lives through the call.
    unsafe {
        #[cfg(target_os = "linux")]
        if libc::prctl(libc::PR_SET_DUMPABLE, 0 as libc::c_ulong) != 0 {
            return Err(io::Error::last_os_error());
        }
        if libc::setrlimit(libc::RLIMIT_CORE, &core_limit) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::umask(0o077);
    }
    Ok(())
}

/// A command that is started with umask, core limit, signal mask and dispositions as this process was.
///
/// Its environment is for its caller to settle: `std` would pass on ours, and no secret may go through `env`.
pub fn command(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    let started_with = at_start();
    // SAFETY: `impose` is async-signal-safe, as what runs between fork and exec must be.
    unsafe {
        command.pre_exec(move || {
            started_with.impose(For::Exec);
            Ok(())
        });
    }
    command
}

/// Runs `f` while umask, core limit, mask and dispositions are as this process was started with: for libraries that
/// start programs themselves. SIGPIPE stays ignored (`std` gives its default to what it starts), handlers stay, and so
/// does the protection from dumping and tracing.
///
/// The umask is that of all threads, so nobody may make files meanwhile.
pub fn as_inherited<R>(f: impl FnOnce() -> R) -> R {
    let _restored = Restored::enter();
    f()
}

/// How many calls of [`as_inherited`] are at work, and what the first of them found.
static ACTIVE: Mutex<(usize, Option<Inherited>)> = Mutex::new((0, None));

/// While one of these lives, the process is as it was started. It stays on the thread that made it.
struct Restored {
    // The mask is each thread's own, all else is the process's.
    replaced: Inherited,
}

impl Restored {
    fn enter() -> Self {
        let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = at_start().impose(For::Children);
        active.0 += 1;
        active.1.get_or_insert(replaced);
        Self { replaced }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
        active.0 -= 1;
        if active.0 == 0
            && let Some(ours) = active.1.take()
        {
            ours.impose(For::Children);
        }
        self.replaced.impose_mask();
    }
}

/// Lets this process be ended by requests although it is the first one of its namespace, for which the kernel drops
/// signals without a handler. Until it becomes another program.
pub fn end_on_request() {
    extern "C" fn end(signal: libc::c_int) {
        exit_now(u8::try_from(128 + signal).unwrap_or(125));
    }
    let handler: extern "C" fn(libc::c_int) = end;
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
        // What the caller had ignored, as nohup(1) does, is so in the program that follows too.
        if ignores(signal) {
            continue;
        }
        // SAFETY: the handler does nothing but end the process, which is async-signal-safe.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// Ends the process because there is no memory: with a message and the status of a fault of ours, where the standard library
/// would abort, which looks like a command that died of a signal and may leave a core file.
pub(super) fn out_of_memory() -> ! {
    const MESSAGE: &[u8] = b"escrun: out of memory\n";
    // SAFETY: the message is static. Nobody is left to tell if writing fails.
    unsafe { libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    exit_now(125)
}

/// Ends the process at once: no destructors, no handlers of `atexit`, so it can be called from anywhere. Only a terminal that
/// this process has in raw mode is put back.
pub fn exit_now(status: u8) -> ! {
    super::pty::restore_terminal();
    // SAFETY: it never returns, and touches nothing of ours.
    unsafe { libc::_exit(status.into()) }
}

/// Gives this process a name of up to 15 bytes, as the list of processes has it.
pub fn set_name(name: &std::ffi::CStr) {
    #[cfg(target_os = "linux")]
    // SAFETY: the name lives through the call, which copies it. A wrong name is no reason to fail.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, name.as_ptr());
    }
}
