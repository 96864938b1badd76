//! Reads identities into locked memory.

use std::io::{self, Read};

use crate::secret::Secret;

/// The longest identity that is read, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// Room for a file of a few identities. Pages of locked memory are dear (30 µs each when first touched), and what is not
/// used of this one is touched too, to wipe it.
const PART_BYTES: usize = 1024;

/// Reads `reader` to its end straight into locked memory, without buffers in between.
///
/// # Errors
/// Those of reading, and [`io::ErrorKind::FileTooLarge`] over 1 MiB.
pub fn read_identity(mut reader: impl Read) -> io::Result<Secret> {
    let mut parts = Vec::new();
    let mut total = 0;
    loop {
        let part = Secret::try_fill(PART_BYTES, |buffer| fill(&mut reader, buffer))?;
        // Only its length is looked at.
        let length = part.expose().len();
        total += length;
        if total > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        parts.push(part);
        if length < PART_BYTES {
            break;
        }
    }
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    // The parts are joined in locked memory, and wiped.
    let parts: Vec<&[u8]> = parts.iter().map(Secret::expose).collect();
    Ok(Secret::from_parts(&parts))
}

/// Reads until `buffer` is full or the reader ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_read_whole() {
        for length in [
            0,
            1,
            PART_BYTES - 1,
            PART_BYTES,
            PART_BYTES + 1,
            50_000,
            MAX_BYTES,
        ] {
            let text: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            assert!(
                read_identity(text.as_slice()).unwrap().expose() == text,
                "{length}"
            );
        }
        let error = read_identity(io::repeat(1)).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
