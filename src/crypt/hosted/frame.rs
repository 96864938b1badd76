//! What goes over the stream: a kind, and any number of byte strings, all numbers least byte first.

use std::io::{self, Read, Write};

use crate::secret::Secret;

/// The longest byte string that is taken, in bytes.
const LONGEST: usize = 1 << 20;

/// The most of them in a frame.
const MOST: usize = 100_000;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// What is to be done: the identity; then for each stanza its tag, its body, the number of its arguments, and these.
    Unwrap = b'u',
    /// The plugin tells something.
    Message = b'm',
    /// It has one of two answers chosen: the question, yes, and no if there is one.
    Confirm = b'c',
    /// It asks for a text.
    Text = b't',
    /// It asks for a passphrase.
    Passphrase = b'p',
    /// What it is answered.
    Answer = b'a',
    /// There is no answer, or no stanza is for the identity.
    None = b'n',
    /// The file key.
    Key = b'k',
    /// There is no such plugin; its name.
    MissingPlugin = b'g',
    /// The identity is none.
    Malformed = b'f',
    /// It failed; why.
    Failed = b'e',
}

const KINDS: [Kind; 11] = [
    Kind::Unwrap,
    Kind::Message,
    Kind::Confirm,
    Kind::Text,
    Kind::Passphrase,
    Kind::Answer,
    Kind::None,
    Kind::Key,
    Kind::MissingPlugin,
    Kind::Malformed,
    Kind::Failed,
];

/// What was read.
pub(super) struct Frame {
    pub(super) kind: Kind,
    // Any of them may be a secret.
    parts: Vec<Secret>,
}

impl Frame {
    /// Reads the next one, every byte string straight into locked memory.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        let kind = KINDS.into_iter().find(|known| *known as u8 == kind[0]);
        let kind = kind.ok_or(io::ErrorKind::InvalidData)?;
        let count = read_number(from, MOST)?;
        let mut parts = Vec::new();
        for _ in 0..count {
            let length = read_number(from, LONGEST)?;
            parts.push(Secret::try_fill(length, |buffer| {
                from.read_exact(buffer)?;
                io::Result::Ok(buffer.len())
            })?);
        }
        Ok(Self { kind, parts })
    }

    /// One of the byte strings, for whoever knows what it is.
    pub(super) fn part(&self, index: usize) -> Option<&[u8]> {
        Some(self.parts.get(index)?.expose())
    }

    /// One of them that is no secret, as text; empty if it is not there.
    pub(super) fn text(&self, index: usize) -> String {
        String::from_utf8_lossy(self.part(index).unwrap_or_default()).into_owned()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }
}

/// Writes a frame, without a copy of any byte string.
pub(super) fn write(to: &mut impl Write, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
    to.write_all(&[kind as u8])?;
    write_number(to, parts.len())?;
    for part in parts {
        write_number(to, part.len())?;
        to.write_all(part)?;
    }
    to.flush()
}

fn write_number(to: &mut impl Write, number: usize) -> io::Result<()> {
    let number = u32::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&number.to_le_bytes())
}

fn read_number(from: &mut impl Read, limit: usize) -> io::Result<usize> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    let number = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if number > limit {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for kind in KINDS {
            for parts in [&[][..], &[b"".as_slice()], &[b"one", b"", b"\0three"]] {
                let mut bytes = Vec::new();
                write(&mut bytes, kind, parts).expect("written");
                let frame = Frame::read(&mut &bytes[..]).expect("read");
                assert_eq!((frame.kind, frame.len()), (kind, parts.len()));
                for (index, part) in parts.iter().enumerate() {
                    assert_eq!(frame.part(index), Some(*part));
                }
                assert_eq!(frame.part(parts.len()), None);
                for length in 0..bytes.len() {
                    assert!(Frame::read(&mut &bytes[..length]).is_err(), "{length}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_much_or_unknown_is_refused() {
        for bytes in [
            &b"x\0\0\0\0"[..],
            b"a\xff\xff\xff\xff",
            b"a\x01\0\0\0\xff\xff\xff\xff",
        ] {
            assert!(Frame::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
