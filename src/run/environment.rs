//! The environment of the command, as execve(2) takes it, in locked memory.

use std::ffi::{CStr, OsStr};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

use super::Error;
use crate::secret::Secret;

/// `NAME=value` entries, each closed by a NUL, one behind the other in one secret.
pub struct EnvironmentBlock {
    entries: Secret,
    // With the closing NUL.
    ranges: Vec<Range<usize>>,
}

impl EnvironmentBlock {
    /// Writes `variables`, in their order. Names must differ: of two alike, programs see one or the other.
    ///
    /// # Errors
    /// [`Error::InvalidName`] and [`Error::NulInValue`].
    pub fn new(variables: &[(&OsStr, &[u8])]) -> Result<Self, Error> {
        let mut ranges = Vec::with_capacity(variables.len());
        let mut size = 0;
        for (name, value) in variables {
            check(name, value)?;
            let start = size;
            size += name.len() + value.len() + 2;
            ranges.push(start..size);
        }
        let entries = Secret::fill(size, |mut buffer| {
            for (name, value) in variables {
                for part in [name.as_bytes(), b"=", value, b"\0"] {
                    let (head, tail) = buffer.split_at_mut(part.len());
                    head.copy_from_slice(part);
                    buffer = tail;
                }
            }
        });
        Ok(Self { entries, ranges })
    }

    /// The entries, for execve(2) alone, which must see them.
    pub fn entries(&self) -> impl Iterator<Item = &CStr> {
        self.ranges.iter().map(|range| {
            CStr::from_bytes_with_nul(&self.entries.expose()[range.clone()])
                .expect("`new` lets NUL stand at the end of an entry only")
        })
    }

    /// The name of each variable, and the length of its entry with the closing NUL in bytes.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (&OsStr, usize)> {
        self.entries().map(|entry| {
            let bytes = entry.to_bytes_with_nul();
            let name = bytes.split(|byte| *byte == b'=').next().unwrap_or(bytes);
            (OsStr::from_bytes(name), bytes.len())
        })
    }

    /// Lets a child that is forked from now on call execve(2) with this block. The child must not drop it.
    ///
    /// # Errors
    /// Those of madvise(2).
    pub fn keep_on_fork(&self) -> io::Result<()> {
        self.entries.keep_on_fork()
    }
}

/// Refuses what execve(2) would pass on and no program could read back.
fn check(name: &OsStr, value: &[u8]) -> Result<(), Error> {
    let bytes = name.as_bytes();
    let name = || name.to_string_lossy().into_owned();
    if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
        return Err(Error::InvalidName { name: name() });
    }
    if value.contains(&0) {
        return Err(Error::NulInValue { name: name() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(variables: &[(&str, &str)]) -> Result<EnvironmentBlock, Error> {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (OsStr::new(name), value.as_bytes()))
            .collect();
        EnvironmentBlock::new(&variables)
    }

    #[test]
    fn entries_are_as_execve_takes_them() {
        let block = block(&[("A", "1"), ("EMPTY", ""), ("B", "x=y z")]).expect("a block");
        let entries: Vec<_> = block.entries().collect();
        assert_eq!(entries, [c"A=1", c"EMPTY=", c"B=x=y z"]);
        let sizes: Vec<_> = block.sizes().collect();
        assert_eq!(
            sizes,
            [("A", 4), ("EMPTY", 7), ("B", 8)].map(|(name, size)| (OsStr::new(name), size))
        );
    }

    #[test]
    fn an_environment_may_be_empty() {
        assert_eq!(block(&[]).expect("a block").entries().count(), 0);
    }

    #[test]
    fn what_no_environment_can_hold_is_refused_by_name() {
        for (name, value, message) in [
            ("", "x", "no variable can be named \"\""),
            ("A=B", "x", "no variable can be named \"A=B\""),
            ("A\0B", "x", "no variable can be named \"A\\0B\""),
            (
                "A",
                "hun\0ter2",
                "the value of the variable A holds a NUL byte",
            ),
        ] {
            let error = block(&[("FINE", "x"), (name, value)])
                .err()
                .expect("an error");
            assert_eq!(error.to_string(), message);
            assert_eq!(error.status(), 125);
        }
    }
}
