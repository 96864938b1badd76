//! Where a program begins: at the C library's `main`, without the start-up of Rust's runtime.
//!
//! That start-up reads /proc/self/maps and prepares to report stack overflows, none of which a program that soon leaves
//! its stack and then becomes another one needs: 100 to 150 µs of a run of 2 ms. What of it matters is done here.

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::inherited::{adjust_signals, at_start};

/// Defines the `main` of a program (which says `#![no_main]`): it calls a `fn(Vec<OsString>) -> u8` with the arguments,
/// and ends with the status that this returns.
#[macro_export]
macro_rules! program {
    ($run:path) => {
        #[expect(
            unsafe_code,
            reason = "the C library finds `main` by its name, and keeps its side of the contract"
        )]
        #[unsafe(no_mangle)]
        extern "C" fn main(
            count: ::std::ffi::c_int,
            words: *const *const ::std::ffi::c_char,
        ) -> ::std::ffi::c_int {
            let run: fn(::std::vec::Vec<::std::ffi::OsString>) -> u8 = $run;
            // SAFETY: these are what the C library has passed to `main`.
            unsafe { $crate::sys::entry::begin(count, words, run) }
        }
    };
}

/// Does what Rust's runtime does at the start, as far as it is needed, and calls `run`.
///
/// # Safety
/// `words` points to `count` C strings that live as long as the process, and there is no other thread.
pub unsafe fn begin(
    count: libc::c_int,
    words: *const *const libc::c_char,
    run: fn(Vec<OsString>) -> u8,
) -> libc::c_int {
    // Before anything is changed.
    at_start();
    open_standard_descriptors();
    adjust_signals();
    let count = usize::try_from(count).unwrap_or(0);
    let arguments = (0..count).map(|index| {
        // SAFETY: the caller's promise.
        let word = unsafe { CStr::from_ptr(*words.add(index)) };
        OsStr::from_bytes(word.to_bytes()).to_owned()
    });
    run(arguments.collect()).into()
}

/// Opens `/dev/null` in place of what is closed of descriptors 0 to 2, so that no file of ours becomes one of them and
/// is then written to by a message.
fn open_standard_descriptors() {
    let mut standard = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: the array lives through the call and has as many entries as it says.
    let polled = unsafe { libc::poll(standard.as_mut_ptr(), 3, 0) };
    if polled == 0 {
        return;
    }
    for entry in standard {
        // SAFETY: takes numbers only.
        let closed = unsafe { libc::fcntl(entry.fd, libc::F_GETFD) } == -1;
        // open(2) takes the lowest number that is free, which is this one.
        // SAFETY: the path lives through the call.
        if closed && unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } == -1 {
            super::process::exit_now(FAULT);
        }
    }
}

/// env(1): the status of faults of its own.
const FAULT: u8 = 125;
