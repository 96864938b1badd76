//! What this process was started with: signal mask, disposition of SIGPIPE, umask, core limit. Recorded before `main`,
//! because Rust's runtime ignores SIGPIPE before any line of ours runs, and because this process then changes the rest
//! itself. No other disposition is ever changed for longer than a question takes.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// The state that programs inherit.
#[derive(Clone, Copy)]
pub(super) struct Inherited {
    /// Whether SIGPIPE is ignored.
    ignores_pipe: bool,
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
        let state = Self {
            ignores_pipe: ignores_pipe(),
            mask: mask(libc::SIG_BLOCK, None),
            umask: set_umask(0o777),
            core_limit: core_limit(),
        };
        set_umask(state.umask);
        state
    }

    /// The limit of the size of core files.
    pub(super) fn core_limit(&self) -> libc::rlimit {
        self.core_limit
    }

    /// Makes the state of this process (and the mask of this thread) this one, and gives what it was.
    /// Async-signal-safe.
    pub(super) fn impose(&self, purpose: For) -> Self {
        let before = Self {
            ignores_pipe: ignores_pipe(),
            mask: mask(libc::SIG_BLOCK, None),
            umask: set_umask(self.umask),
            core_limit: core_limit(),
        };
        if purpose == For::Exec && before.ignores_pipe != self.ignores_pipe {
            let wanted = if self.ignores_pipe {
                libc::SIG_IGN
            } else {
                libc::SIG_DFL
            };
            // SAFETY: neither ignoring nor the default calls any code of ours.
            unsafe { libc::signal(libc::SIGPIPE, wanted) };
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
}

/// Whether SIGPIPE is ignored now.
fn ignores_pipe() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: only reads; what it read is used only if it succeeded.
    unsafe {
        libc::sigaction(libc::SIGPIPE, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
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
