//! Locked, wiped memory.

use std::io;
use std::ptr::NonNull;

use super::arena::{LARGE, arena};
use super::region;
use super::wipe::wipe;

/// Bytes in locked memory: not swapped, not in core dumps, wiped when dropped.
///
/// Forked children do not have them (see [`Locked::keep_on_fork`]).
pub struct Locked {
    // Points nowhere if `capacity` is zero.
    start: NonNull<u8>,
    length: usize,
    capacity: usize,
}

// SAFETY: it owns its bytes, which are plain memory; nothing can be written through a shared reference.
unsafe impl Send for Locked {}
// SAFETY: as above.
unsafe impl Sync for Locked {}

impl Locked {
    /// Exactly `length` bytes, written by `write`, which finds zeroes.
    pub fn filled(length: usize, write: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Self::zeroed(length);
        write(bytes.as_mut_slice());
        bytes
    }

    /// Up to `capacity` bytes, of which `write` (which finds zeroes) says how many it used.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn try_filled<E>(
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let mut bytes = Self::zeroed(capacity);
        let used = write(bytes.as_mut_slice())?;
        Ok(bytes.truncated(used))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `length` bytes of our block, or none; all of it was zero from the start, so it is initialised.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The bytes, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; and the block is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// Lets children that are forked from now on have the bytes as well: one that calls execve(2) with an environment
    /// from here needs it. It has them only until then, and must not drop them.
    ///
    /// # Errors
    /// Those of madvise(2).
    pub fn keep_on_fork(&self) -> io::Result<()> {
        region::keep_on_fork(self.as_slice())
    }

    fn zeroed(length: usize) -> Self {
        let start = if length == 0 {
            NonNull::dangling()
        } else {
            arena().allocate(length)
        };
        Self {
            start,
            length,
            capacity: length,
        }
    }

    /// Keeps the first `used` bytes. The rest is wiped, and where the difference is between a region of its own and a
    /// place in a shared one, given back.
    fn truncated(mut self, used: usize) -> Self {
        if used >= self.length {
            return self;
        }
        if self.capacity >= LARGE && used < LARGE {
            return Self::filled(used, |bytes| {
                bytes.copy_from_slice(&self.as_slice()[..used])
            });
        }
        wipe(&mut self.as_mut_slice()[used..]);
        self.length = used;
        self
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.capacity > 0 {
            // What lies behind `length` was wiped when it was cut off.
            wipe(self.as_mut_slice());
            arena().release(self.start, self.capacity);
        }
    }
}

/// What a person should know of where secrets had to be kept: nothing if that memory is locked.
pub fn degraded() -> Option<&'static str> {
    region::degraded().then_some(
        "the system refuses to lock memory, so secrets may reach swap space (see `ulimit -l`)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_zero_before_they_are_written() {
        for length in [0, 1, 15, 16, 17, 4096, LARGE, 3 * LARGE + 1] {
            let locked = Locked::filled(length, |bytes| {
                assert_eq!(bytes.len(), length);
                assert!(bytes.iter().all(|byte| *byte == 0));
                bytes.fill(7);
            });
            assert!(locked.as_slice().iter().all(|byte| *byte == 7));
            assert_eq!(locked.as_slice().len(), length);
        }
    }

    #[test]
    fn what_is_not_used_is_cut_off() {
        for (capacity, used) in [
            (10, 3),
            (10, 0),
            (10, 10),
            (10, 11),
            (2 * LARGE, 5),
            (2 * LARGE, LARGE),
        ] {
            let locked = Locked::try_filled(capacity, |bytes| {
                bytes.fill(7);
                Ok::<_, ()>(used)
            })
            .expect("it was written");
            assert_eq!(locked.as_slice(), vec![7; used.min(capacity)]);
        }
    }

    #[test]
    fn a_failure_to_write_is_handed_on() {
        let result = Locked::try_filled(10, |_| Err::<usize, _>("no"));
        assert_eq!(result.err(), Some("no"));
    }

    #[test]
    fn ten_thousand_secrets_are_cheap_and_whole() {
        let secrets: Vec<_> = (0u32..10_000)
            .map(|number| Locked::filled(4, |bytes| bytes.copy_from_slice(&number.to_be_bytes())))
            .collect();
        for (number, secret) in (0u32..).zip(&secrets) {
            assert_eq!(secret.as_slice(), number.to_be_bytes());
        }
    }

    #[test]
    fn threads_share_the_arena() {
        std::thread::scope(|scope| {
            for seed in 0..4u8 {
                scope.spawn(move || {
                    for size in 1..500 {
                        let locked = Locked::filled(size, |bytes| bytes.fill(seed));
                        assert!(locked.as_slice().iter().all(|byte| *byte == seed));
                    }
                });
            }
        });
    }

    /// How a forked child ends that reads the first byte.
    #[cfg(target_os = "linux")]
    fn status_of_reading_in_a_child(locked: &Locked) -> libc::c_int {
        // SAFETY: the child does nothing that is not async-signal-safe: it takes the default for the signal that it may
        // die of, reads a byte and ends.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::signal(libc::SIGSEGV, libc::SIG_DFL);
                libc::_exit(locked.start.as_ptr().read_volatile().into());
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            status
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn forked_children_have_only_what_is_meant_for_them() {
        let locked = Locked::filled(LARGE, |bytes| bytes.fill(7));
        let status = status_of_reading_in_a_child(&locked);
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV);
        locked.keep_on_fork().expect("advice that is always taken");
        let status = status_of_reading_in_a_child(&locked);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7);
    }
}
