//! A stack of its own for work with secrets: large, wiped as far as it was touched, and gone afterwards.
//!
//! Keys and plaintext stay behind in stack frames, where nobody can wipe them by name; and the C library keeps the stacks
//! of finished threads for the next ones.

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use super::region::{map_reserved, page_size};
use super::wipe::wipe_raw;

// A switch where its few instructions are written down (and not below miri, which knows none), else a thread.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod switch;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
use switch::call_on;
#[cfg(any(not(all(target_arch = "x86_64", target_os = "linux", not(miri))), test))]
mod thread;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
use thread::call_on;

/// The size that is asked for, in bytes. It is address space: only what is touched costs memory.
pub const SIZE: usize = 512 << 20;

/// The sizes that are tried: limits (RLIMIT_AS, strict overcommit) may refuse the first.
const SIZES: [usize; 4] = [SIZE, 128 << 20, 32 << 20, 8 << 20];

/// Where there is no room for any of them.
const SMALLEST: usize = 2 << 20;

/// How much is looked at and wiped at a time.
const STRIDE: usize = 512 << 10;

thread_local! {
    /// The lowest address of this thread's stack, once it is known.
    static BOTTOM: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs `f` on a private stack, and wipes and unmaps that stack. A panic of `f` goes on in the caller.
///
/// `f` may run on a thread of its own, so thread-local state of the caller is not to be relied on.
///
/// # Errors
/// When there is no memory to be had; `f` has not run then.
pub fn on_private_stack<R: Send>(f: impl FnOnce() -> R + Send) -> io::Result<R> {
    let stack = Stack::map().map_err(|error| told("there is no memory for a stack", &error))?;
    let mut job = Job {
        bottom: stack.usable().0.as_ptr() as usize,
        work: Some(f),
        result: None,
    };
    stack
        .run(&mut job)
        .map_err(|error| told("no thread can be started (see `ulimit -u`)", &error))?;
    drop(stack);
    match job.result {
        Some(Ok(result)) => Ok(result),
        Some(Err(panic)) => resume_unwind(panic),
        None => unreachable!("the last act on the stack is to leave a result"),
    }
}

/// The same error with what it means in front.
fn told(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// How many bytes of the current stack are left, whatever stack that is. Deep recursion asks this and stops in time.
pub fn remaining() -> usize {
    let here = 0u8;
    let here = ptr::from_ref(&here) as usize;
    let bottom = BOTTOM.get().unwrap_or_else(|| {
        // An estimate for where nothing is known: half of the smallest usual stack.
        let bottom = current_bottom().unwrap_or(here.saturating_sub(1 << 20));
        BOTTOM.set(Some(bottom));
        bottom
    });
    here.saturating_sub(bottom)
}

/// What is called on a stack, with what it is given.
type Entry = extern "C" fn(*mut c_void);

/// What is to be done on the stack, and what came of it.
struct Job<F, R> {
    bottom: usize,
    work: Option<F>,
    result: Option<Result<R, Box<dyn Any + Send>>>,
}

/// The first function on the private stack. Nothing unwinds out of it.
extern "C" fn begin<F: FnOnce() -> R, R>(job: *mut c_void) {
    // SAFETY: `Stack::run` passes a job of these very types, and leaves it alone until this has returned.
    let job = unsafe { &mut *job.cast::<Job<F, R>>() };
    let outer = BOTTOM.replace(Some(job.bottom));
    if let Some(work) = job.work.take() {
        job.result = Some(catch_unwind(AssertUnwindSafe(work)));
    }
    BOTTOM.set(outer);
}

/// The mapping: a guard page at its low end, then the stack, which grows down towards it.
struct Stack {
    start: NonNull<u8>,
    size: usize,
}

impl Stack {
    /// The largest stack that leaves as much again for everything else; if there is none, the smallest.
    fn map() -> io::Result<Self> {
        let size = SIZES.into_iter().find(|size| has_room(2 * size));
        Self::map_size(size.unwrap_or(SMALLEST))
    }

    fn map_size(size: usize) -> io::Result<Self> {
        let stack = Self {
            start: map_reserved(size)?,
            size,
        };
        // SAFETY: the first page of our own mapping, which nobody uses yet.
        if unsafe { libc::mprotect(stack.start.as_ptr().cast(), page_size(), libc::PROT_NONE) } != 0
        {
            return Err(io::Error::last_os_error());
        }
        // A huge page would be zeroed by the kernel and wiped by us, 2 MiB for a few frames.
        #[cfg(target_os = "linux")]
        for advice in [libc::MADV_NOHUGEPAGE, libc::MADV_DONTDUMP] {
            // SAFETY: our own mapping; the advice does not change what it holds.
            unsafe { libc::madvise(stack.start.as_ptr().cast(), size, advice) };
        }
        Ok(stack)
    }

    /// What lies above the guard page.
    fn usable(&self) -> (NonNull<u8>, usize) {
        let guard = page_size();
        // SAFETY: the mapping is larger than its guard page.
        (unsafe { self.start.add(guard) }, self.size - guard)
    }

    /// Runs the job on this stack.
    fn run<F: FnOnce() -> R, R>(&self, job: &mut Job<F, R>) -> io::Result<()> {
        let (start, size) = self.usable();
        // SAFETY: nothing else uses the stack, which outlives the call, as does the job; `begin` unwinds nowhere, and
        // `on_private_stack` demands `Send` of all that it sees and leaves.
        unsafe { call_on(start, size, begin::<F, R>, ptr::from_mut(job).cast()) }
    }

    /// Wipes the pages that were touched, from the top until a whole stride was not: frames touch every page.
    fn wipe(&self) {
        let page = page_size();
        let (start, size) = self.usable();
        let mut end = size;
        while end > 0 {
            let length = end.min(STRIDE);
            end -= length;
            // SAFETY: within the mapping and page by page, as the guard page and all sizes are whole pages.
            let stride = unsafe { start.add(end) };
            let touched = touched_pages(stride, length);
            for index in &touched {
                // SAFETY: a page of our own mapping, and what ran on it has ended.
                unsafe { wipe_raw(stride.as_ptr().add(index * page), page) };
            }
            if touched.is_empty() {
                break;
            }
        }
    }
}

/// Which pages of a part of a stack may hold something.
fn touched_pages(start: NonNull<u8>, length: usize) -> Vec<usize> {
    let page = page_size();
    let mut resident = vec![0u8; length / page];
    // SAFETY: our own mapping, and `resident` has a byte for each of its pages.
    let is_known = may_ask_the_kernel()
        && unsafe { libc::mincore(start.as_ptr().cast(), length, resident.as_mut_ptr().cast()) }
            == 0;
    let is_touched = |index: &usize| {
        if is_known {
            return resident[*index] & 1 == 1;
        }
        // Reading a page that nobody has touched costs a fault, but no memory.
        // SAFETY: a page of our own mapping, which reads as zeroes until it is written; nobody writes it now.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr().add(index * page), page) };
        bytes.iter().any(|byte| *byte != 0)
    };
    (0..resident.len()).filter(is_touched).collect()
}

/// Whether mincore(2) may be called. A system call filter may answer it with death: systemd's `@system-service` leaves it
/// out, as the state of the page cache is nobody's business there.
fn may_ask_the_kernel() -> bool {
    #[cfg(target_os = "linux")]
    return !super::seccomp::is_filtered();
    #[cfg(not(target_os = "linux"))]
    true
}

/// Whether so much address space is to be had.
fn has_room(size: usize) -> bool {
    let Ok(start) = map_reserved(size) else {
        return false;
    };
    // SAFETY: mapped just now, and used by nobody.
    unsafe { libc::munmap(start.as_ptr().cast(), size) };
    true
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.wipe();
        // SAFETY: mapped by `map_size` with this size; nothing runs on it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

/// The lowest address of the current thread's stack.
#[cfg(target_os = "linux")]
fn current_bottom() -> Option<usize> {
    let mut attributes = MaybeUninit::uninit();
    let mut start = ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes are read only after they were initialised, and destroyed then.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let found = libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (found == 0).then_some(start as usize)
    }
}

#[cfg(target_os = "macos")]
fn current_bottom() -> Option<usize> {
    // SAFETY: both only read what the current thread is.
    unsafe {
        let thread = libc::pthread_self();
        let top = libc::pthread_get_stackaddr_np(thread) as usize;
        Some(top - libc::pthread_get_stacksize_np(thread))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn current_bottom() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use crate::sys::seccomp::tests::filtered;

    #[test]
    fn the_result_comes_back() {
        let text = String::from("borrowed");
        let length = on_private_stack(|| text.len()).expect("a stack");
        assert_eq!(length, 8);
    }

    #[test]
    fn recursion_may_go_deep() {
        fn depth(levels: usize) -> usize {
            let frame = std::hint::black_box([0u8; 1024]);
            if levels == 0 {
                return 0;
            }
            1 + depth(levels - 1) + usize::from(frame[levels % 1024])
        }
        assert_eq!(on_private_stack(|| depth(50_000)).expect("a stack"), 50_000);
    }

    #[test]
    fn recursion_that_asks_what_remains_stops_in_time() {
        fn depth() -> usize {
            let frame = std::hint::black_box([0u8; 1024]);
            if remaining() < (256 << 10) {
                return 0;
            }
            1 + depth() + usize::from(frame[7])
        }
        // On a thread of the test harness, whose stack is not ours.
        assert!(depth() > 10);
    }

    #[test]
    fn what_remains_is_nearly_all_at_the_start() {
        let left = on_private_stack(remaining).expect("a stack");
        assert!(left <= SIZE && left > SIZE - (1 << 20), "{left}");
    }

    #[test]
    fn a_panic_goes_on_in_the_caller() {
        let result = catch_unwind(|| on_private_stack(|| -> u8 { panic!("here") }));
        let payload = result.expect_err("it panicked");
        assert_eq!(payload.downcast_ref(), Some(&"here"));
    }

    #[test]
    fn private_stacks_nest() {
        let sum = on_private_stack(|| 1 + on_private_stack(|| 2).expect("a stack"));
        assert_eq!(sum.expect("a stack"), 3);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn touched_pages_are_wiped_where_a_filter_kills() {
        filtered(
            &[libc::SYS_mincore],
            libc::SECCOMP_RET_KILL_PROCESS,
            touched_pages_are_wiped,
        );
    }

    #[test]
    fn touched_pages_are_wiped() {
        let stack = Stack::map_size(2 << 20).expect("a stack");
        let (start, size) = stack.usable();
        // SAFETY: the top two pages of our own mapping, which no thread runs on.
        let top = unsafe {
            std::slice::from_raw_parts_mut(
                start.as_ptr().add(size - 2 * page_size()),
                2 * page_size(),
            )
        };
        top.fill(0xA5);
        stack.wipe();
        assert!(top.iter().all(|byte| *byte == 0));
    }
}
