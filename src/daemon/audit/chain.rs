//! How lines hang together: each has a number, the hash of the line before, and its own hash, which is the SHA-256 of
//! all that stands before it in the line.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::encode::hex_digits;

/// What stands between a line's text and its hash.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";

/// What stands in front of the hash of the line before.
const BEFORE_PREV: &[u8] = b",\"prev\":\"";

/// What a line ends with.
const END: &[u8] = b"\"}";

/// What a line begins with; its number follows.
pub(super) const START: &[u8] = b"{\"seq\":";

/// What follows its number; the time follows.
pub(super) const BEFORE_TIME: &[u8] = b",\"time\":\"";

/// A line is longer than no more than this, its line feed included, in bytes.
pub(super) const LONGEST_LINE: usize = 64 << 10;

/// The SHA-256 of a line.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// The end of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its hash; zeroes if there is none.
    pub hash: Digest,
}

/// What a line says of its place in the chain. That its hash is right has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) prev: Digest,
    pub(super) hash: Digest,
}

impl Digest {
    /// That of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// That of what `hasher` was given.
    pub(super) fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// In 64 hexadecimal digits.
    pub(super) fn digits(self) -> [u8; 64] {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&hex_digits(byte));
        }
        digits
    }

    /// From 64 hexadecimal digits, as they are written here.
    fn from_digits(digits: &[u8]) -> Option<Self> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.digits()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDigest;

impl fmt::Display for NoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash has 64 hexadecimal digits, the letters in lower case")
    }
}

impl std::error::Error for NoDigest {}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        Self::from_digits(text.as_bytes()).ok_or(NoDigest)
    }
}

/// Ends a line that lacks no more than its place behind `before`, and gives its hash.
pub(super) fn seal(line: &mut Vec<u8>, before: Digest) -> Digest {
    line.extend(BEFORE_PREV);
    line.extend(before.digits());
    line.push(b'"');
    let hash = Digest::of(line);
    line.extend(BEFORE_HASH);
    line.extend(hash.digits());
    line.extend(END);
    line.push(b'\n');
    hash
}

/// Reads what a line, without its line feed, says of its place; none if it is no line of an audit, or not as it was
/// written.
pub(super) fn read(line: &[u8]) -> Option<Link> {
    if line.len() >= LONGEST_LINE {
        return None;
    }
    let seq = number(line)?;
    let rest = line.strip_suffix(END)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    let sealed = rest.strip_suffix(BEFORE_HASH)?;
    let rest = sealed.strip_suffix(b"\"")?;
    let (rest, prev) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
    if !rest.ends_with(BEFORE_PREV) {
        return None;
    }
    let hash = Digest::from_digits(hash)?;
    let link = Link {
        seq,
        prev: Digest::from_digits(prev)?,
        hash,
    };
    (Digest::of(sealed) == hash).then_some(link)
}

/// The number of a line, if it begins as one.
fn number(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(START)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    if !rest[end..].starts_with(BEFORE_TIME) {
        return None;
    }
    // Digits are UTF-8.
    let seq = str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    (seq > 0).then_some(seq)
}

impl Link {
    /// The head of a chain that ends with this line.
    pub(super) fn head(self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// Whether this line may come after one.
    pub(super) fn follows(self, head: Head) -> bool {
        head.seq.checked_add(1) == Some(self.seq) && self.prev == head.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, before: Digest) -> (Vec<u8>, Digest) {
        let mut line = format!("{{\"seq\":{seq},\"time\":\"now\",\"call\":\"open\"").into_bytes();
        let hash = seal(&mut line, before);
        assert_eq!(line.pop(), Some(b'\n'));
        (line, hash)
    }

    #[test]
    fn a_line_says_what_it_follows() {
        let (first, hash) = line(1, Digest::default());
        let link = read(&first).expect("a line");
        assert!(link.follows(Head::default()));
        assert_eq!(link.head(), Head { seq: 1, hash });
        let (second, _) = line(2, hash);
        assert!(read(&second).expect("a line").follows(link.head()));
        let (other, _) = line(3, hash);
        assert!(!read(&other).expect("a line").follows(link.head()));
    }

    #[test]
    fn no_byte_of_a_line_can_be_another() {
        let (line, _) = line(12, Digest::of(b"before"));
        assert!(read(&line).is_some());
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(read(&changed), None, "byte {at}, bit {bit}");
            }
            assert_eq!(read(&line[..at]), None, "cut after {at}");
            assert_eq!(read(&line[line.len() - at..]), None, "the last {at}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of(b"");
        let text = digest.to_string();
        assert_eq!(
            text,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(text.parse(), Ok(digest));
        for wrong in ["", "e3", &text.to_uppercase(), &format!("{text}0")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong}");
        }
    }
}
