//! Locked, wiped memory.

/// Bytes in locked memory.
pub struct Locked {
    bytes: Box<[u8]>,
}

impl Locked {
    /// Exactly `length` bytes, written by `write`.
    pub fn filled(length: usize, write: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = vec![0; length].into_boxed_slice();
        write(&mut bytes);
        Self { bytes }
    }

    /// Up to `capacity` bytes, of which `write` says how many it used.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn try_filled<E>(
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let mut bytes = vec![0; capacity];
        let used = write(&mut bytes)?;
        bytes.truncate(used);
        Ok(Self {
            bytes: bytes.into_boxed_slice(),
        })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }
}
