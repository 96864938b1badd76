//! Overwriting memory in a way that the compiler may not leave out.

/// Overwrites `bytes` with zeroes, though nobody reads them again.
pub fn wipe(bytes: &mut [u8]) {
    // SAFETY: a mutable slice is writable over its whole length.
    unsafe { wipe_raw(bytes.as_mut_ptr(), bytes.len()) }
}

/// Overwrites `length` bytes from `start` with zeroes.
///
/// # Safety
/// These bytes are writable, and nothing else uses them meanwhile.
pub(super) unsafe fn wipe_raw(start: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { start.write_bytes(0, length) };
    keep_stores(start);
}

/// A barrier for the compiler: what was stored behind `start` counts as read here, so the stores before it stay.
#[inline(always)]
fn keep_stores(start: *mut u8) {
    #[cfg(all(
        not(miri),
        any(
            target_arch = "x86",
            target_arch = "x86_64",
            target_arch = "arm",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "s390x"
        )
    ))]
    // SAFETY: there is no instruction in it. It is not marked `nomem`, so it may read all memory, which is its purpose.
    unsafe {
        core::arch::asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags));
    }
    // Only a strong hint elsewhere; the fence keeps the compiler from moving the stores behind it.
    #[cfg(not(all(
        not(miri),
        any(
            target_arch = "x86",
            target_arch = "x86_64",
            target_arch = "arm",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "s390x"
        )
    )))]
    {
        std::hint::black_box(start);
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::wipe;

    #[test]
    fn wiped_bytes_are_zero() {
        let mut bytes = *b"hunter2";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 7]);
    }

    #[test]
    fn nothing_is_wiped_in_nothing() {
        wipe(&mut []);
    }
}
