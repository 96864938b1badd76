//! What this process was started with: signal mask, dispositions of SIGPIPE and SIGCHLD, umask, core limit. Recorded
//! before `main`, because Rust's runtime ignores SIGPIPE before any line of ours runs, and because this process then
//! changes the rest itself. No other disposition is ever changed for longer than a question takes, but for those that
//! execve(2) resets.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::signal::Mask;

/// The signals whose disposition this process changes for itself: see [`adjust_signals`].
const ADJUSTED: [libc::c_int; 2] = [libc::SIGPIPE, libc::SIGCHLD];

/// The state that programs inherit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// Which of [`ADJUSTED`] are ignored.
    ignores: [bool; ADJUSTED.len()],
    mask: Mask,
    umask: u32,
    /// The soft and the hard limit of the size of core files, in bytes.
    core_limit: (u64, u64),
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

/// What an earlier program in this process was started with, which has become this one and says so.
static ADOPTED: OnceLock<Inherited> = OnceLock::new();

/// Runs [`record`] when the program is loaded, before Rust's runtime starts.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static RECORD: extern "C" fn() = record;

extern "C" fn record() {
    at_start();
}

/// What was there when the program was loaded, or what it was told was there before.
pub(super) fn at_start() -> &'static Inherited {
    ADOPTED
        .get()
        .unwrap_or_else(|| AT_START.get_or_init(Inherited::now))
}

impl Inherited {
    /// What this process was started with, to be handed to a program that it becomes by [`super::exec::reenter`].
    pub fn recorded() -> Self {
        *at_start()
    }

    /// Makes this what every program gets that this process starts from now on. Only the first call counts.
    pub fn adopt(self) {
        ADOPTED.get_or_init(|| self);
    }

    /// What is there now. Only for where there is no other thread: the umask can only be read by changing it.
    pub(super) fn now() -> Self {
        let umask = set_umask(0o777);
        set_umask(umask);
        Self {
            ignores: ADJUSTED.map(ignores),
            mask: Mask::now(),
            umask,
            core_limit: core_limit(),
        }
    }

    /// The hard limit of the size of core files, in bytes.
    pub(super) fn hard_core_limit(&self) -> u64 {
        self.core_limit.1
    }

    /// Makes the state of this process (and the mask of this thread) this one, and gives what it was.
    /// Async-signal-safe.
    pub(super) fn impose(&self, purpose: For) -> Self {
        let before = self.impose_all_but_mask(purpose);
        // Last: a signal that waited now comes to the disposition that was meant for it.
        self.impose_mask();
        before
    }

    /// As [`Self::impose`], but leaves the mask as it is.
    pub(super) fn impose_all_but_mask(&self, purpose: For) -> Self {
        let before = Self {
            ignores: ADJUSTED.map(ignores),
            mask: Mask::now(),
            umask: set_umask(self.umask),
            core_limit: core_limit(),
        };
        if purpose == For::Exec {
            let wanted = ADJUSTED.into_iter().zip(self.ignores);
            for ((signal, ignored), was) in wanted.zip(before.ignores) {
                if ignored != was {
                    set_ignored(signal, ignored);
                }
            }
        }
        let limit = libc::rlimit {
            rlim_cur: self.core_limit.0,
            rlim_max: self.core_limit.1,
        };
        // SAFETY: the limit lives through the call. A soft limit may always go up to the hard one, which we never change.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &limit) };
        before
    }

    /// Makes the mask of this thread this one.
    pub(super) fn impose_mask(&self) {
        self.mask.impose();
    }
}

/// Gives this process the dispositions that its own work needs: what is written to a pipe that nobody reads is an error
/// to handle, not a reason to die, and who ignores SIGCHLD never learns how a child ended (wait(2), NOTES).
pub(super) fn adjust_signals() {
    set_ignored(libc::SIGPIPE, true);
    set_ignored(libc::SIGCHLD, false);
}

/// Has a signal ignored, or do what it does by default. Async-signal-safe.
fn set_ignored(signal: libc::c_int, ignored: bool) {
    let disposition = if ignored {
        libc::SIG_IGN
    } else {
        libc::SIG_DFL
    };
    // SAFETY: neither ignoring nor the default calls any code of ours.
    unsafe { libc::signal(signal, disposition) };
}

/// Whether a signal is ignored now.
pub(super) fn ignores(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only reads; what it read is used only if it succeeded.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Changes the umask; gives what it was.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "the type is narrower elsewhere")
)]
fn set_umask(umask: u32) -> u32 {
    // SAFETY: takes and gives numbers only.
    u32::from(unsafe { libc::umask(umask as libc::mode_t) })
}

/// The soft and the hard limit of the size of core files.
fn core_limit() -> (u64, u64) {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: fills a limit of ours.
    unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}
