//! How bytes, secret ones among them, are laid out between two processes of escrun: lengths as eight bytes, least first,
//! each in front of what it is the length of.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;

use crate::secret::Secret;

/// The longest name or value that is taken from another process, in bytes.
const LONGEST: usize = 1 << 30;

/// The most entries of a kind that are taken from another process.
pub(crate) const MOST: usize = 10_000_000;

/// What `write` writes, in locked memory of exactly that size. It is called twice and must write the same.
pub(crate) fn encode(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Secret {
    let mut count = Count(0);
    // Neither counting nor memory of the right size can fail.
    let _ = write(&mut count);
    Secret::fill(count.0, |mut buffer| {
        let _ = write(&mut buffer);
    })
}

/// Counts what is written.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes how many follow.
pub(crate) fn write_length(to: &mut dyn Write, length: usize) -> io::Result<()> {
    to.write_all(&(length as u64).to_le_bytes())
}

/// Writes bytes and how many they are.
pub(crate) fn write_bytes(to: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    write_length(to, bytes.len())?;
    to.write_all(bytes)
}

/// Reads how many follow, at most `limit`.
pub(crate) fn read_length(from: &mut impl Read, limit: usize) -> io::Result<usize> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    usize::try_from(u64::from_le_bytes(bytes))
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads bytes that are no secret.
pub(crate) fn read_name(from: &mut impl Read) -> io::Result<OsString> {
    let length = read_length(from, LONGEST)?;
    let mut name = Vec::new();
    from.take(length as u64).read_to_end(&mut name)?;
    if name.len() == length {
        Ok(OsString::from_vec(name))
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads bytes straight into locked memory.
pub(crate) fn read_secret(from: &mut impl Read) -> io::Result<Secret> {
    let length = read_length(from, LONGEST)?;
    Secret::try_fill(length, |buffer| {
        from.read_exact(buffer)?;
        Ok(buffer.len())
    })
}
