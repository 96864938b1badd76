//! Ciphertexts as they stand in definitions: base64 of a payload or of a complete age file, or ASCII armor.

use std::fmt;

use base64::prelude::BASE64_STANDARD;
use base64::{DecodeError, Engine};

use super::age_file::{AgeFile, is_age_file, is_armored};
use super::{Error, payload};

/// What is wrong with the form of a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiphertextError {
    /// Not base64: the offset of the first byte that is wrong.
    Base64(usize),
    /// ASCII armor that is ill-formed.
    Armor,
    /// Too short for nonce and tag.
    TooShort,
    /// Not an age file.
    NotAge,
}

/// A ciphertext whose form is right as far as that can be seen without a key.
pub(super) enum Ciphertext {
    /// A payload under the definition's header.
    Payload(Vec<u8>),
    /// An age file with a header of its own.
    File(AgeFile),
}

impl Ciphertext {
    /// Reads a ciphertext.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if is_armored(text.as_bytes()) {
            return AgeFile::parse(text.as_bytes()).map(Self::File);
        }
        let bytes = decode_base64(text).map_err(CiphertextError::Base64)?;
        if is_age_file(&bytes) {
            return AgeFile::parse(&bytes).map(Self::File);
        }
        payload::check_length(&bytes).map_err(|_| CiphertextError::TooShort)?;
        Ok(Self::Payload(bytes))
    }
}

/// Whether a ciphertext is a complete age file, which needs no header beside it. Who holds the definition's file key can
/// seal its content in the short form instead.
pub fn is_complete_file(ciphertext: &str) -> bool {
    matches!(Ciphertext::parse(ciphertext), Ok(Ciphertext::File(_)))
}

/// Writes a ciphertext.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Decodes base64 (RFC 4648, section 4): padded and canonical; line breaks are skipped. An error is the offset of the
/// first wrong byte, which for a text that ends too early is the start of the last group.
fn decode_base64(text: &str) -> Result<Vec<u8>, usize> {
    let is_break = |b: u8| b == b'\n' || b == b'\r';
    if !text.bytes().any(is_break) {
        return BASE64_STANDARD
            .decode(text)
            .map_err(|error| offset_of(&error, text.len()));
    }
    let joined: Vec<u8> = text.bytes().filter(|&b| !is_break(b)).collect();
    BASE64_STANDARD.decode(&joined).map_err(|error| {
        let offset = offset_of(&error, joined.len());
        let mut kept = text.bytes().enumerate().filter(|&(_, b)| !is_break(b));
        kept.nth(offset).map_or(text.len(), |(at, _)| at)
    })
}

fn offset_of(error: &DecodeError, length: usize) -> usize {
    match *error {
        DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => offset,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => length / 4 * 4,
    }
}

impl fmt::Display for CiphertextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CiphertextError::Base64(offset) => {
                write!(f, "illegal base64 data at input byte {offset}")
            }
            CiphertextError::Armor => f.write_str("the armor is ill-formed"),
            CiphertextError::TooShort => f.write_str("too short"),
            CiphertextError::NotAge => f.write_str("not an age file"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let payload = BASE64_STANDARD.encode([7; 32]);
        let short = BASE64_STANDARD.encode([7; 31]);
        let version = BASE64_STANDARD.encode("age-encryption.org/v9\nrest");
        let cases = [
            (payload.as_str(), "ok"),
            (short.as_str(), "too short"),
            ("", "too short"),
            ("!!", "illegal base64 data at input byte 0"),
            ("aGk_Pn4=", "illegal base64 data at input byte 3"),
            ("aGk/\naG_/", "illegal base64 data at input byte 7"),
            ("aGk/aG", "illegal base64 data at input byte 4"),
            ("aGk/\r\naG", "illegal base64 data at input byte 6"),
            (
                version.as_str(),
                "the age header is malformed: it does not start with `age-encryption.org/v1`",
            ),
            (
                "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n",
                "the armor is ill-formed",
            ),
        ];
        for (text, expected) in cases {
            let outcome = match Ciphertext::parse(text) {
                Ok(_) => "ok".to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(outcome, expected, "{text}");
        }
    }

    #[test]
    fn line_breaks_change_nothing() {
        let bytes: Vec<u8> = (0..100).collect();
        let text = encode(&bytes);
        for at in 0..=text.len() {
            let mut broken = text.clone();
            broken.insert_str(at, "\r\n");
            assert_eq!(decode_base64(&broken), Ok(bytes.clone()));
        }
    }
}
