//! Calls a function on another stack by a thread, where nothing better is known.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use super::Entry;

/// What the thread is given.
struct Start {
    entry: Entry,
    argument: *mut c_void,
}

/// Calls `entry(argument)` on a thread whose stack is the `size` bytes from `start`, and waits for its end.
///
/// # Errors
/// When no thread is to be had; `entry` has not run then.
///
/// # Safety
/// The stack is writable memory, whole pages of it, that nothing else uses meanwhile. `entry` may be called with
/// `argument` on another thread, and does not unwind.
pub(super) unsafe fn call_on(
    start: NonNull<u8>,
    size: usize,
    entry: Entry,
    argument: *mut c_void,
) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let mut thread = MaybeUninit::uninit();
    let mut begin_with = Start { entry, argument };
    // SAFETY: the attributes are initialised before they are used and destroyed after. The stack outlives the thread, as
    // does what it is given, since the thread is joined here.
    unsafe {
        check(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
        let attributes = attributes.assume_init_mut();
        let created = check(pthread_attr_setstack(
            attributes,
            start.as_ptr().cast(),
            size,
        ))
        .and_then(|()| {
            check(libc::pthread_create(
                thread.as_mut_ptr(),
                attributes,
                begin,
                ptr::from_mut(&mut begin_with).cast(),
            ))
        });
        libc::pthread_attr_destroy(attributes);
        created?;
        check(libc::pthread_join(thread.assume_init(), ptr::null_mut()))
            .expect("a thread that was just created can be joined once");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
use libc::pthread_attr_setstack;

// POSIX.1-2008 has it, and the crate `libc` does not for every system that does.
#[cfg(not(target_os = "linux"))]
unsafe extern "C" {
    fn pthread_attr_setstack(
        attributes: *mut libc::pthread_attr_t,
        start: *mut c_void,
        size: usize,
    ) -> libc::c_int;
}

/// The first function of the thread.
extern "C" fn begin(start: *mut c_void) -> *mut c_void {
    // SAFETY: `call_on` passes a `Start`, and leaves it alone until this thread has ended.
    let start = unsafe { &*start.cast::<Start>() };
    (start.entry)(start.argument);
    ptr::null_mut()
}

/// The result of a pthread function, which returns its error.
fn check(error: libc::c_int) -> io::Result<()> {
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use crate::sys::seccomp::tests::filtered;
    use crate::sys::stack::Stack;

    extern "C" fn increment(number: *mut c_void) {
        // SAFETY: the test passes a number of its own and waits.
        unsafe { *number.cast::<u8>() += 1 };
    }

    #[test]
    fn the_function_runs_and_is_waited_for() {
        let stack = Stack::map_size(2 << 20).expect("a stack");
        let (start, size) = stack.usable();
        let mut number = 1u8;
        // SAFETY: the stack is unused, and the number lives through the call.
        unsafe { call_on(start, size, increment, ptr::from_mut(&mut number).cast()) }
            .expect("a thread");
        assert_eq!(number, 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_cannot_be_started_is_an_error() {
        let calls = [libc::SYS_clone, libc::SYS_clone3];
        let action = libc::SECCOMP_RET_ERRNO | libc::EAGAIN as u32;
        let refused = filtered(&calls, action, || {
            let stack = Stack::map_size(2 << 20).expect("a stack");
            let (start, size) = stack.usable();
            let mut number = 1u8;
            // SAFETY: the stack is unused, and the number lives through the call.
            let result =
                unsafe { call_on(start, size, increment, ptr::from_mut(&mut number).cast()) };
            (result.err().and_then(|error| error.raw_os_error()), number)
        });
        assert_eq!(refused, (Some(libc::EAGAIN), 1));
    }
}
