//! What a system call filter would do to a call, found out without dying of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the only filter is one that this process has given itself.
static IS_OWN: AtomicBool = AtomicBool::new(false);

/// Whether calling memfd_secret(2) is safe. A filter may answer it with an error, which is harmless, but also with
/// death: systemd's `SystemCallFilter=@system-service` leaves it out, and kills by default.
pub(super) fn lets_memfd_secret_be_tried() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| !is_filtered() || survives_in_a_child())
}

/// To be called before this process gives itself a filter, which lets it call all that `sys` does. What was not filtered
/// until then is not asked about again.
pub fn expect_own_filter() {
    lets_memfd_secret_be_tried();
    if !is_filtered() {
        IS_OWN.store(true, Ordering::Relaxed);
    }
}

/// Whether there is a filter that others have given this process.
pub(super) fn is_filtered() -> bool {
    if IS_OWN.load(Ordering::Relaxed) {
        return false;
    }
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sys::memory::{Locked, degraded};

    /// Runs `test` on a thread where `calls` get `action` instead of being made. A filter holds for its own thread.
    pub(in crate::sys) fn filtered<R: Send>(
        calls: &[libc::c_long],
        action: u32,
        test: impl FnOnce() -> R + Send,
    ) -> R {
        let statement = |code: u32, jump_if_not: u8, value: u32| libc::sock_filter {
            code: code as u16,
            jt: 0,
            jf: jump_if_not,
            k: value,
        };
        // The number of the call is the first word of what a filter sees.
        let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
        for call in calls {
            let call = u32::try_from(*call).expect("calls are small numbers");
            filter.push(statement(
                libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
                1,
                call,
            ));
            filter.push(statement(libc::BPF_RET | libc::BPF_K, 0, action));
        }
        filter.push(statement(
            libc::BPF_RET | libc::BPF_K,
            0,
            libc::SECCOMP_RET_ALLOW,
        ));
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let program = libc::sock_fprog {
                    len: u16::try_from(filter.len()).expect("a short filter"),
                    filter: filter.as_mut_ptr(),
                };
                // SAFETY: the program and its filter live through the calls.
                unsafe {
                    let [no, yes]: [libc::c_ulong; 2] = [0, 1];
                    assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, no, no, no), 0);
                    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
                    assert_eq!(
                        libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
                        0
                    );
                }
                test()
            });
            thread.join().expect("the test passes")
        })
    }

    #[test]
    fn a_filter_that_kills_is_found_out_without_dying() {
        let calls = [libc::SYS_memfd_secret];
        let lived = filtered(&calls, libc::SECCOMP_RET_KILL_PROCESS, || {
            assert!(is_filtered());
            survives_in_a_child()
        });
        assert!(!lived);
    }

    #[test]
    fn secrets_can_be_held_where_nothing_can_be_locked() {
        let calls = [libc::SYS_memfd_secret, libc::SYS_mlock];
        let action = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        filtered(&calls, action, || {
            assert!(survives_in_a_child());
            // Large, so that it is a new region in any case.
            let locked = Locked::filled(1 << 20, |bytes| bytes.fill(7));
            assert!(locked.as_slice().iter().all(|byte| *byte == 7));
            assert!(degraded().is_some());
        });
    }
}
