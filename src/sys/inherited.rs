//! What this process was started with: signal mask and dispositions, umask, core limit. Recorded before `main`, because
//! Rust's runtime ignores SIGPIPE before any line of ours runs, and because this process then changes the rest itself.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// Signals are numbered from 1 to this.
const LAST_SIGNAL: libc::c_int = 64;

/// The state that programs inherit.
pub(super) struct Inherited {
    /// Bit n stands for signal n + 1. What is not ignored has its default in a program that is started.
    ignored: u64,
    mask: libc::sigset_t,
    umask: libc::mode_t,
    core_limit: libc::rlimit,
}

/// Whom a state is restored for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// The program that takes this process over. Handlers end by themselves then.
    Exec,
    /// This process, for a while: its handlers stay, and so does SIGPIPE, or a broken pipe would kill it.
    Children,
}

static AT_START: OnceLock<Inherited> = OnceLock::new();

/// Runs [`record`] when the program is loaded, before Rust's runtime starts.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static RECORD: extern "C" fn() = record;

extern "C" fn record() {
    at_start();
}

/// What was there when the program was loaded.
pub(super) fn at_start() -> &'static Inherited {
    AT_START.get_or_init(Inherited::now)
}

impl Inherited {
    /// What is there now.
    pub(super) fn now() -> Self {
        let mut ignored = 0;
        for signal in 1..=LAST_SIGNAL {
            if disposition(signal) == Some(libc::SIG_IGN) {
                ignored |= bit(signal);
            }
        }
        let mut mask = MaybeUninit::uninit();
        let mut core_limit = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the set is emptied before it is filled; reading a mask and a limit changes nothing. The umask can only be
        // read by changing it; for that moment it is the strictest.
        unsafe {
            libc::sigemptyset(mask.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
            libc::getrlimit(libc::RLIMIT_CORE, &mut core_limit);
            let umask = libc::umask(0o777);
            libc::umask(umask);
            Self {
                ignored,
                mask: mask.assume_init(),
                umask,
                core_limit,
            }
        }
    }

    /// The limit of the size of core files.
    pub(super) fn core_limit(&self) -> libc::rlimit {
        self.core_limit
    }

    /// Makes the state of this process (and the mask of this thread) what it was then. Async-signal-safe.
    pub(super) fn restore(&self, purpose: For) {
        for signal in 1..=LAST_SIGNAL {
            if purpose == For::Children && signal == libc::SIGPIPE {
                continue;
            }
            let wanted = if self.ignored & bit(signal) == 0 {
                libc::SIG_DFL
            } else {
                libc::SIG_IGN
            };
            let change = match disposition(signal) {
                None => false,
                Some(libc::SIG_DFL | libc::SIG_IGN) => disposition(signal) != Some(wanted),
                // A handler becomes the default by execve(2) alone.
                Some(_) => purpose == For::Exec && wanted == libc::SIG_IGN,
            };
            if change {
                // SAFETY: neither ignoring nor the default calls any code of ours.
                unsafe { libc::signal(signal, wanted) };
            }
        }
        // SAFETY: the limit and the mask are those that the system gave. A soft limit may always go up to the hard one,
        // which we never change.
        unsafe {
            libc::umask(self.umask);
            libc::setrlimit(libc::RLIMIT_CORE, &self.core_limit);
            // Last: a signal that waited now comes to the disposition that was meant for it.
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.mask, ptr::null_mut());
        }
    }
}

fn bit(signal: libc::c_int) -> u64 {
    1 << (signal - 1)
}

/// The handler of a signal; nothing for numbers that are no signals or that the C library keeps for itself.
fn disposition(signal: libc::c_int) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only reads; what it read is used only if it succeeded.
    unsafe {
        (libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0)
            .then(|| action.assume_init().sa_sigaction)
    }
}
