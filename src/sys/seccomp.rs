//! What a system call filter would do to a call, found out without dying of it.

use std::sync::OnceLock;

/// Whether calling memfd_secret(2) is safe. A filter may answer it with an error, which is harmless, but also with
/// death: systemd's `SystemCallFilter=@system-service` leaves it out, and kills by default.
pub(super) fn lets_memfd_secret_be_tried() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| !is_filtered() || survives_in_a_child())
}

/// Whether there is a filter at all.
fn is_filtered() -> bool {
    // prctl(2): 0 without seccomp, 2 with a filter, an error where the kernel has no seccomp.
    // SAFETY: takes and gives numbers only.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP) > 0 }
}

/// Makes the call in a child, and says whether that lived.
fn survives_in_a_child() -> bool {
    // SAFETY: the child makes only async-signal-safe calls, as it must where other threads may hold locks.
    let child = unsafe { libc::fork() };
    match child {
        -1 => false,
        0 => {
            // SAFETY: takes numbers only; `_exit` never returns.
            unsafe {
                libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC);
                libc::_exit(0)
            }
        }
        _ => {
            let mut status = 0;
            // SAFETY: `status` is ours. Where children are reaped by themselves (an inherited, ignored SIGCHLD) this is
            // an error, and the safe answer is taken.
            while unsafe { libc::waitpid(child, &mut status, 0) } != child {
                if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                    return false;
                }
            }
            libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
        }
    }
}
