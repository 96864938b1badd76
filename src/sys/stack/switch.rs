//! Calls a function on another stack.
//!
//! Changing the stack pointer takes a few instructions. A thread does the same by portable means, but costs 100 to
//! 190 µs, which is much of a short run, and more when the other processors are busy: two handovers by the scheduler.

use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;

use super::Entry;

/// Calls `entry(argument)` on the stack of `size` bytes from `start`, and returns when it has returned.
///
/// # Errors
/// None; other ways to do it have some.
///
/// # Safety
/// The stack is writable memory, whole pages of it, that nothing else uses meanwhile. `entry` may be called with
/// `argument`, and does not unwind.
pub(super) unsafe fn call_on(
    start: NonNull<u8>,
    size: usize,
    entry: Entry,
    argument: *mut c_void,
) -> io::Result<()> {
    // The end of whole pages is a multiple of 16, as the ABI wants it before a call.
    // SAFETY: one past the end of the stack.
    let top = unsafe { start.add(size) };
    // SAFETY: the caller's promise.
    unsafe { switch(top.as_ptr(), entry, argument) };
    Ok(())
}

/// Sets the stack pointer to `top`, calls `entry(argument)`, and sets it back. The frame pointer, which the call
/// preserves, holds the old one, and the unwind tables say so, so that debuggers and backtraces see through to the caller.
#[unsafe(naked)]
unsafe extern "C" fn switch(top: *mut u8, entry: Entry, argument: *mut c_void) {
    // System V ABI: the arguments are in rdi, rsi and rdx.
    std::arch::naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}
