//! A secret: bytes in locked memory that are wiped when dropped and that nothing prints.
//!
//! There is no `Clone`, `Debug`, `Display`, `Deref` or `Serialize` here on purpose. A secret is filled in place, joined
//! by its own constructors, and read by [`Secret::expose`], whose every caller says why it must.

use crate::sys::memory::Locked;

/// Bytes that must not leak.
pub struct Secret {
    bytes: Locked,
}

impl Secret {
    /// Joins `parts` in locked memory; no copy is made anywhere else.
    pub fn from_parts(parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| part.len()).sum();
        Self::fill(length, |mut buffer| {
            for part in parts {
                let (head, tail) = buffer.split_at_mut(part.len());
                head.copy_from_slice(part);
                buffer = tail;
            }
        })
    }

    /// Makes a secret of exactly `length` bytes, written in place by `write` (which finds zeroes).
    pub fn fill(length: usize, write: impl FnOnce(&mut [u8])) -> Self {
        Self {
            bytes: Locked::filled(length, write),
        }
    }

    /// Makes a secret of up to `capacity` bytes: `write` says how many of them it used.
    ///
    /// # Errors
    /// Those of `write`; the memory is wiped then.
    pub fn try_fill<E>(
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            bytes: Locked::try_filled(capacity, write)?,
        })
    }

    /// The bytes. Whoever calls this says in a comment why the secret has to be seen there.
    pub fn expose(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}
