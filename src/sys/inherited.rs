//! What this process was started with: signal mask and dispositions, umask, core limit. Recorded before `main`, because
//! Rust's runtime ignores SIGPIPE before any line of ours runs, and because this process then changes the rest itself.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// Signals are numbered from 1 to this.
const LAST_SIGNAL: libc::c_int = 64;

/// The state that programs inherit.
#[derive(Clone, Copy)]
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
    /// What is there now. Only for where there is no other thread: the umask can only be read by changing it.
    fn now() -> Self {
        let mut state = Self {
            ignored: 0,
            mask: mask(libc::SIG_BLOCK, None),
            umask: set_umask(0o777),
            core_limit: core_limit(),
        };
        set_umask(state.umask);
        for signal in 1..=LAST_SIGNAL {
            state.note(signal, disposition(signal));
        }
        state
    }

    /// The limit of the size of core files.
    pub(super) fn core_limit(&self) -> libc::rlimit {
        self.core_limit
    }

    /// Makes the state of this process (and the mask of this thread) this one, and gives what it was.
    /// Async-signal-safe.
    pub(super) fn impose(&self, purpose: For) -> Self {
        let mut before = Self {
            ignored: 0,
            mask: mask(libc::SIG_BLOCK, None),
            umask: set_umask(self.umask),
            core_limit: core_limit(),
        };
        for signal in 1..=LAST_SIGNAL {
            let found = disposition(signal);
            before.note(signal, found);
            if purpose == For::Children && signal == libc::SIGPIPE {
                continue;
            }
            let wanted = if self.ignored & bit(signal) == 0 {
                libc::SIG_DFL
            } else {
                libc::SIG_IGN
            };
            let change = match found {
                None => false,
                Some(libc::SIG_DFL | libc::SIG_IGN) => found != Some(wanted),
                // A handler becomes the default by execve(2) alone.
                Some(_) => purpose == For::Exec && wanted == libc::SIG_IGN,
            };
            if change {
                // SAFETY: neither ignoring nor the default calls any code of ours.
                unsafe { libc::signal(signal, wanted) };
            }
        }
        // SAFETY: the limit lives through the call. A soft limit may always go up to the hard one, which we never change.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &self.core_limit) };
        // Last: a signal that waited now comes to the disposition that was meant for it.
        self.impose_mask();
        before
    }

    /// Makes the mask of this thread this one.
    pub(super) fn impose_mask(&self) {
        mask(libc::SIG_SETMASK, Some(&self.mask));
    }

    fn note(&mut self, signal: libc::c_int, disposition: Option<libc::sighandler_t>) {
        if disposition == Some(libc::SIG_IGN) {
            self.ignored |= bit(signal);
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

/// Changes the mask of this thread, or not; gives what it was.
fn mask(how: libc::c_int, change: Option<&libc::sigset_t>) -> libc::sigset_t {
    let mut before = MaybeUninit::uninit();
    // SAFETY: the set is emptied before it is filled, and `change` lives through the call.
    unsafe {
        libc::sigemptyset(before.as_mut_ptr());
        let change = change.map_or(ptr::null(), ptr::from_ref);
        libc::pthread_sigmask(how, change, before.as_mut_ptr());
        before.assume_init()
    }
}

/// Changes the umask; gives what it was.
fn set_umask(umask: libc::mode_t) -> libc::mode_t {
    // SAFETY: takes and gives numbers only.
    unsafe { libc::umask(umask) }
}

/// The limit of the size of core files.
fn core_limit() -> libc::rlimit {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: fills a limit of ours.
    unsafe { libc::getrlimit(libc::RLIMIT_CORE, &mut limit) };
    limit
}
