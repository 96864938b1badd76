//! age v1 headers: strict parsing, writing, and the MAC (age-encryption.org/v1, "Header").

use std::fmt;

use age_core::format::{Stanza, is_arbitrary_string, read};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Error;
use super::file_key::FileKey;

/// The line that starts every header of version 1.
const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";
/// What every version of age starts with.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/";
const MAC_PREFIX: &[u8] = b"---";
const MAC_BYTES: usize = 32;
/// The longest header that is read, in bytes: room for a hundred post-quantum recipients.
const MAX_BYTES: usize = 256 * 1024;
/// The most stanzas that are read: each may cost a public-key operation per identity.
const MAX_STANZAS: usize = 1024;
/// age-encryption.org/v1, "scrypt recipient stanza".
const PASSPHRASE_STANZA: &str = "scrypt";
/// Columns of a stanza's body.
const BODY_COLUMNS: usize = 64;

/// What is wrong with the form of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// It does not start with the line of version 1.
    Version,
    /// Longer than any header should be.
    TooLong,
    /// More stanzas than any header should have.
    TooManyStanzas,
    /// A line (from 1) that is not as it should be.
    Line(usize),
    /// No stanza at all.
    NoStanza,
    /// A passphrase stanza beside others.
    MixedPassphrase,
    /// Text behind the MAC.
    Trailing,
    /// A stanza of a known type with wrong arguments or length.
    Stanza,
}

/// A well-formed header. Whether its MAC is right is only known with the file key: see [`Header::verify`].
pub(super) struct Header {
    text: Box<str>,
    stanzas: Vec<Stanza>,
    /// How much of the text the MAC is over: up to and including `---`.
    authenticated: usize,
    mac: [u8; MAC_BYTES],
}

impl Header {
    /// Reads a header that stands alone. Only the line break at its end may be missing or repeated, because YAML's
    /// block scalars differ in that.
    pub(super) fn parse(text: &str) -> Result<Self, HeaderError> {
        let body = text.trim_end_matches('\n');
        let mut bytes = Vec::with_capacity(body.len() + 1);
        bytes.extend_from_slice(body.as_bytes());
        bytes.push(b'\n');
        let (header, rest) = Self::parse_prefix(&bytes)?;
        if !rest.is_empty() {
            return Err(HeaderError::Trailing);
        }
        Ok(header)
    }

    /// Reads the header that `bytes` start with, and gives what follows it.
    pub(super) fn parse_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), HeaderError> {
        let limited = &bytes[..bytes.len().min(MAX_BYTES)];
        let mut rest = limited
            .strip_prefix(VERSION_LINE)
            .ok_or(HeaderError::Version)?;
        let at = |rest: &[u8]| limited.len() - rest.len();
        let malformed = |rest: &[u8]| HeaderError::Line(line_at(limited, at(rest)));
        let mut stanzas = Vec::new();
        while !rest.starts_with(MAC_PREFIX) {
            let (after, stanza) = read::age_stanza(rest).map_err(|error| {
                if error.is_incomplete() && limited.len() < bytes.len() {
                    HeaderError::TooLong
                } else {
                    malformed(rest)
                }
            })?;
            if stanzas.len() == MAX_STANZAS {
                return Err(HeaderError::TooManyStanzas);
            }
            stanzas.push(Stanza::from(stanza));
            rest = after;
        }
        let authenticated = at(rest) + MAC_PREFIX.len();
        let length = rest
            .iter()
            .position(|&b| b == b'\n')
            .ok_or_else(|| malformed(rest))?;
        let mac = rest[MAC_PREFIX.len()..length]
            .strip_prefix(b" ")
            .and_then(decode_mac)
            .ok_or_else(|| malformed(rest))?;
        let end = at(rest) + length + 1;

        if stanzas.is_empty() {
            return Err(HeaderError::NoStanza);
        }
        if stanzas.len() > 1 && stanzas.iter().any(is_passphrase) {
            return Err(HeaderError::MixedPassphrase);
        }
        let text = std::str::from_utf8(&bytes[..end])
            .expect("version line, stanzas and MAC were all read as ASCII");
        let header = Self {
            text: text.into(),
            stanzas,
            authenticated,
            mac,
        };
        Ok((header, &bytes[end..]))
    }

    /// Writes the header of `stanzas`, which wrap `key`.
    ///
    /// # Errors
    /// When a stanza (of a plugin) cannot be written, and when there are too many or none.
    pub(super) fn new(stanzas: &[Stanza], key: &FileKey) -> Result<Self, HeaderError> {
        let mut text = String::from_utf8_lossy(VERSION_LINE).into_owned();
        for stanza in stanzas {
            write_stanza(&mut text, stanza)?;
        }
        text.push_str("---");
        let mac = mac_of(key, text.as_bytes()).finalize().into_bytes();
        text.push(' ');
        BASE64_STANDARD_NO_PAD.encode_string(mac, &mut text);
        text.push('\n');
        // Reading it back keeps one definition of what a header is.
        Self::parse(&text)
    }

    /// The text, which ends with a line break.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The stanzas in their order.
    pub(super) fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// Whether the header is for a passphrase.
    pub(super) fn is_for_passphrase(&self) -> bool {
        self.stanzas.iter().any(is_passphrase)
    }

    /// Checks the MAC in constant time.
    ///
    /// # Errors
    /// [`Error::HeaderAltered`] if it is wrong.
    pub(super) fn verify(&self, key: &FileKey) -> Result<(), Error> {
        mac_of(key, &self.text.as_bytes()[..self.authenticated])
            .verify_slice(&self.mac)
            .map_err(|_| Error::HeaderAltered)
    }
}

pub(super) fn is_passphrase(stanza: &Stanza) -> bool {
    stanza.tag == PASSPHRASE_STANZA
}

/// The number of the line, from 1, in which the byte at `offset` stands.
fn line_at(bytes: &[u8], offset: usize) -> usize {
    1 + bytes[..offset].iter().filter(|&&b| b == b'\n').count()
}

fn decode_mac(encoded: &[u8]) -> Option<[u8; MAC_BYTES]> {
    let mut mac = [0; MAC_BYTES + 1];
    match BASE64_STANDARD_NO_PAD.decode_slice(encoded, &mut mac) {
        Ok(MAC_BYTES) => mac[..MAC_BYTES].try_into().ok(),
        _ => None,
    }
}

/// HMAC-SHA-256 under HKDF-SHA-256(file key, no salt, "header").
fn mac_of(key: &FileKey, text: &[u8]) -> Hmac<Sha256> {
    let mac_key = key.derive(&[], b"header");
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(mac_key.as_slice())
        .expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

fn write_stanza(text: &mut String, stanza: &Stanza) -> Result<(), HeaderError> {
    text.push_str("->");
    for word in std::iter::once(&stanza.tag).chain(&stanza.args) {
        if !is_arbitrary_string(word) {
            return Err(HeaderError::Stanza);
        }
        text.push(' ');
        text.push_str(word);
    }
    text.push('\n');
    let body = BASE64_STANDARD_NO_PAD.encode(&stanza.body);
    let mut rest = body.as_str();
    // The last line is always short, and therefore empty behind a body that fills its lines.
    while rest.len() >= BODY_COLUMNS {
        let (line, after) = rest.split_at(BODY_COLUMNS);
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(rest);
    text.push('\n');
    Ok(())
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the age header is malformed: ")?;
        match self {
            HeaderError::Version => f.write_str("it does not start with `age-encryption.org/v1`"),
            HeaderError::TooLong => f.write_str("it is too long"),
            HeaderError::TooManyStanzas => f.write_str("it has too many stanzas"),
            HeaderError::Line(line) => write!(f, "line {line} is not as it should be"),
            HeaderError::NoStanza => f.write_str("it has no stanza"),
            HeaderError::MixedPassphrase => f.write_str("a passphrase stanza stands beside others"),
            HeaderError::Trailing => f.write_str("there is text behind its MAC"),
            HeaderError::Stanza => f.write_str("a stanza does not have its type's form"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(tag: &str, args: &[&str], body: &[u8]) -> Stanza {
        Stanza {
            tag: tag.to_owned(),
            args: args.iter().map(|&a| a.to_owned()).collect(),
            body: body.to_vec(),
        }
    }

    #[test]
    fn written_header_reads_back() {
        let key = FileKey::random().unwrap();
        for length in [0, 1, 47, 48, 49, 96, 1000] {
            let stanzas = [
                stanza("X25519", &["a", "b"], &vec![7; length]),
                stanza("other", &[], &[1]),
            ];
            let header = Header::new(&stanzas, &key).unwrap();
            assert_eq!(header.stanzas(), stanzas);
            header.verify(&key).unwrap();
            let other = FileKey::random().unwrap();
            assert_eq!(header.verify(&other), Err(Error::HeaderAltered));
        }
    }

    #[test]
    fn only_the_last_line_break_is_free() {
        let key = FileKey::random().unwrap();
        let header = Header::new(&[stanza("a", &[], &[1])], &key).unwrap();
        let text = header.text();
        for variant in [text.trim_end().to_owned(), format!("{text}\n\n")] {
            assert_eq!(Header::parse(&variant).unwrap().text(), text);
        }
        for variant in [
            format!(" {text}"),
            format!("{text} "),
            text.replace('\n', "\r\n"),
        ] {
            assert!(Header::parse(&variant).is_err());
        }
    }

    #[test]
    fn malformed_headers_are_told_apart() {
        const MAC: &str = "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
        let v1 = |rest: &str| format!("age-encryption.org/v1\n{rest}");
        let many = "-> a\n\n".repeat(MAX_STANZAS + 1);
        let line = "A".repeat(BODY_COLUMNS);
        let long = format!(
            "-> a\n{}",
            format!("{line}\n").repeat(MAX_BYTES / BODY_COLUMNS)
        );
        let cases = [
            (String::new(), HeaderError::Version),
            ("age-encryption.org/v2\n".into(), HeaderError::Version),
            (v1(MAC), HeaderError::NoStanza),
            (v1(""), HeaderError::Line(2)),
            (v1("-> \n\n"), HeaderError::Line(2)),
            (v1("-> a\n"), HeaderError::Line(2)),
            (v1("-> a\nAA=\n"), HeaderError::Line(2)),
            (v1("-> a\n\n---"), HeaderError::Line(4)),
            (v1("-> a\n\n--- AAAA\n"), HeaderError::Line(4)),
            (v1(&format!("-> a\n\n{MAC}x")), HeaderError::Trailing),
            (
                v1(&format!("-> scrypt a 1\n\n-> a\n\n{MAC}")),
                HeaderError::MixedPassphrase,
            ),
            (v1(&format!("{many}{MAC}")), HeaderError::TooManyStanzas),
            (v1(&format!("{long}{MAC}")), HeaderError::TooLong),
        ];
        for (text, expected) in cases {
            let error = Header::parse(&text).err();
            assert_eq!(error, Some(expected), "{}", &text[..text.len().min(80)]);
        }
    }
}
