//! A secret: bytes in locked memory that are wiped when dropped and that nothing prints.
//!
//! There is no `Clone`, `Debug`, `Display`, `Deref` or `Serialize` here on purpose. A secret is filled in place, joined
//! by its own constructors, and read by [`Secret::expose`], whose every caller says why it must.

use std::io::{self, Read};

use crate::sys::memory::Locked;
use crate::sys::terminal;

/// What stands where a secret would.
pub const REDACTED: &str = "[secret]";

/// How long a line from the terminal may be, in bytes.
const LINE_LIMIT: usize = 1024;

/// How much is read before it is known how much there is, in bytes.
const FIRST_READ: usize = 16 * 1024;

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

    /// Reads all that `reader` has, at most `limit` bytes, without a copy elsewhere. The reader must not have a buffer of
    /// its own, which `std::io::stdin()` has: make a `File` of its descriptor.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` if there is more than `limit`.
    pub fn read_from(mut reader: impl Read, limit: usize) -> io::Result<Self> {
        let mut held = Self::from_parts(&[]);
        let mut capacity = FIRST_READ;
        loop {
            // One byte more than may come, so that the end is seen, or that it is not.
            capacity = capacity.min(limit.saturating_add(1));
            let (next, ended) = held.read_more(&mut reader, capacity)?;
            held = next;
            if held.expose().len() > limit {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("there are more than {limit} bytes"),
                ));
            }
            if ended {
                return Ok(held);
            }
            capacity = capacity.saturating_mul(2);
        }
    }

    /// Writes `prompt` to the terminal and reads a line of at most 1023 bytes without echo, without its line end.
    ///
    /// # Errors
    /// Those of [`terminal::read_hidden_line`].
    pub fn ask(prompt: &str) -> io::Result<Self> {
        Self::try_fill(LINE_LIMIT, |buffer| {
            terminal::read_hidden_line(prompt, buffer)
        })
    }

    /// Lets children that are forked from now on have the bytes until they call execve(2), and not longer: they must not
    /// drop them.
    ///
    /// # Errors
    /// Those of madvise(2).
    pub fn keep_on_fork(&self) -> io::Result<()> {
        self.bytes.keep_on_fork()
    }

    /// The bytes. Whoever calls this says in a comment why the secret has to be seen there.
    pub fn expose(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// These bytes and what comes next, up to `capacity` in all; says whether the reader has ended.
    fn read_more(&self, reader: &mut impl Read, capacity: usize) -> io::Result<(Self, bool)> {
        let mut ended = false;
        let next = Self::try_fill(capacity, |buffer| {
            // The old place is wiped when the caller drops it.
            let mut length = self.expose().len();
            buffer[..length].copy_from_slice(self.expose());
            while length < buffer.len() && !ended {
                match reader.read(&mut buffer[length..]) {
                    Ok(0) => ended = true,
                    Ok(count) => length += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(length)
        })?;
        Ok((next, ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined() {
        let secret = Secret::from_parts(&[b"a", b"", b"bc"]);
        assert_eq!(secret.expose(), b"abc");
    }

    #[test]
    fn all_is_read_up_to_the_limit() {
        for (length, limit, fits) in [
            (0, 0, true),
            (0, 10, true),
            (10, 10, true),
            (11, 10, false),
            (FIRST_READ, FIRST_READ, true),
            (FIRST_READ + 1, FIRST_READ, false),
            (5 * FIRST_READ, usize::MAX, true),
        ] {
            let text: Vec<u8> = (0..length).map(|index| index as u8).collect();
            match Secret::read_from(&text[..], limit) {
                Ok(secret) => assert!(fits && secret.expose() == text, "{length} of {limit}"),
                Err(error) => {
                    assert!(!fits, "{length} of {limit}");
                    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                }
            }
        }
    }

    #[test]
    fn a_failing_reader_gives_its_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let error = Secret::read_from(Failing, 10).err().expect("it failed");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
