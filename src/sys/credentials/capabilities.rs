//! The capabilities of a thread (capabilities(7)), by the system calls themselves.

use std::io;

/// Any group may be had.
pub(super) const SETGID: u32 = 6;
/// Any user may be become.
pub(super) const SETUID: u32 = 7;
/// Hard limits may be raised.
pub(super) const SYS_RESOURCE: u32 = 24;

/// `_LINUX_CAPABILITY_VERSION_3` (capget(2)): 64 capabilities in two words.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    pid: libc::c_int,
}

/// Half of the capabilities; the lower ones come first.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The capabilities that this thread can use, a bit for each.
pub(super) fn effective() -> io::Result<u64> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut halves = [Half::default(); 2];
    // SAFETY: both are laid out as the call has them in this version, and live through it.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    super::check(result)?;
    Ok(u64::from(halves[0].effective) | u64::from(halves[1].effective) << 32)
}

/// Has no capability any more, ambient and inheritable ones included. Async-signal-safe.
pub(super) fn give_up() -> io::Result<()> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let none = [Half::default(); 2];
    // SAFETY: both are laid out as the call has them in this version, and live through it.
    super::check(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, none.as_ptr()) })
}
