//! Recipients as they stand in `encryption.recipients`, and the digest of a list of them.

use std::fmt;

use age::ssh::ParseRecipientKeyError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::{Error, ssh_wire};

/// What is wrong with a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientError {
    /// Empty.
    Empty,
    /// A private key. Its text is never repeated.
    PrivateKey,
    /// No known kind.
    Unknown,
    /// Of a known kind (named), but damaged.
    Malformed(&'static str),
    /// An ssh key of a type that cannot encrypt.
    UnsupportedSsh(String),
    /// An RSA key of under 2048 bits.
    RsaTooSmall,
    /// An RSA key of over 4096 bits.
    RsaTooLarge,
}

/// Somebody to encrypt for.
#[derive(Clone)]
pub struct Recipient {
    /// Without comment, in lower case where case means nothing.
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    X25519(age::x25519::Recipient),
    Tag(age::tag::Recipient),
    TagPq(Box<age::tagpq::Recipient>),
    Ssh(Box<age::ssh::Recipient>),
    Plugin(age::plugin::Recipient),
}

impl Recipient {
    /// Reads a recipient: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`. What follows it on the line is a comment.
    ///
    /// # Errors
    /// When it is ill-formed, or of a kind that cannot encrypt.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        if text.contains("PRIVATE KEY") {
            return Err(RecipientError::PrivateKey);
        }
        let mut words = text.split_ascii_whitespace();
        let word = words.next().ok_or(RecipientError::Empty)?;
        let lower = word.to_ascii_lowercase();
        if lower.starts_with("age-secret-key-") || lower.starts_with("age-plugin-") {
            return Err(RecipientError::PrivateKey);
        }
        let (text, kind) = if lower.starts_with("age1") {
            // Bech32 (BIP 173) is all upper or all lower case; the parsers refuse a mixture.
            let kind = parse_age(if word == word.to_ascii_uppercase() {
                &lower
            } else {
                word
            })?;
            (lower, kind)
        } else if lower.starts_with("ssh-")
            || lower.starts_with("sk-")
            || lower.starts_with("ecdsa-")
        {
            let key = words.next().ok_or(RecipientError::Malformed("ssh key"))?;
            let kind = parse_ssh(word, key)?;
            (format!("{word} {key}"), kind)
        } else {
            return Err(RecipientError::Unknown);
        };
        Ok(Self {
            text: text.into(),
            kind,
        })
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Recipient {}

/// Renders as it is written in a definition, without a comment.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.text)
    }
}

fn parse_age(text: &str) -> Result<Kind, RecipientError> {
    if let Ok(recipient) = text.parse() {
        return Ok(Kind::X25519(recipient));
    }
    if let Ok(recipient) = text.parse() {
        return Ok(Kind::Tag(recipient));
    }
    if let Ok(recipient) = text.parse() {
        return Ok(Kind::TagPq(Box::new(recipient)));
    }
    // The kinds above cannot be a plugin's, even if they are damaged.
    match text.parse::<age::plugin::Recipient>() {
        Ok(recipient) if !matches!(recipient.plugin(), "tag" | "tagpq") => {
            Ok(Kind::Plugin(recipient))
        }
        _ => Err(RecipientError::Malformed("age recipient")),
    }
}

fn parse_ssh(kind: &str, key: &str) -> Result<Kind, RecipientError> {
    let malformed = RecipientError::Malformed("ssh key");
    if !kind.is_ascii() || !key.is_ascii() {
        return Err(malformed);
    }
    if !matches!(kind, "ssh-ed25519" | "ssh-rsa") {
        return Err(RecipientError::UnsupportedSsh(printable(kind)));
    }
    let blob = BASE64_STANDARD.decode(key).map_err(|_| malformed.clone())?;
    if ssh_wire::has_zero_string(&blob) {
        return Err(malformed);
    }
    let recipient = format!("{kind} {key}")
        .parse()
        .map_err(|error| match error {
            ParseRecipientKeyError::RsaModulusTooSmall => RecipientError::RsaTooSmall,
            ParseRecipientKeyError::RsaModulusTooLarge => RecipientError::RsaTooLarge,
            _ => malformed,
        })?;
    Ok(Kind::Ssh(Box::new(recipient)))
}

fn printable(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_graphic)
        .take(40)
        .collect()
}

/// Reads a list of recipients. Those that are named twice are kept once.
///
/// # Errors
/// [`Error::Recipient`] for the first one that is wrong.
pub fn parse_recipients<T: AsRef<str>>(
    texts: impl IntoIterator<Item = T>,
) -> Result<Vec<Recipient>, Error> {
    let mut recipients = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let recipient = Recipient::parse(text.as_ref())
            .map_err(|problem| Error::Recipient { index, problem })?;
        if !recipients.contains(&recipient) {
            recipients.push(recipient);
        }
    }
    Ok(recipients)
}

/// The digest of a list of recipients, for `encryption.recipientsDigest`: base64 of SHA-256 over the sorted recipients
/// without comments, each followed by a line break. Order, comments and repetitions change nothing.
pub fn recipients_digest(recipients: &[Recipient]) -> String {
    let mut texts: Vec<&str> = recipients.iter().map(|r| r.text.as_ref()).collect();
    texts.sort_unstable();
    texts.dedup();
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text);
        digest.update(b"\n");
    }
    BASE64_STANDARD.encode(digest.finalize())
}

impl fmt::Display for RecipientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecipientError::Empty => f.write_str("is empty"),
            RecipientError::PrivateKey => f.write_str("is a private key"),
            RecipientError::Unknown => f.write_str("is not a recipient"),
            RecipientError::Malformed(kind) => write!(f, "is not a valid {kind}"),
            RecipientError::UnsupportedSsh(kind) => {
                write!(f, "ssh keys of type {kind} cannot encrypt")
            }
            RecipientError::RsaTooSmall => f.write_str("the RSA key has under 2048 bits"),
            RecipientError::RsaTooLarge => f.write_str("the RSA key has over 4096 bits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NATIVE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    #[test]
    fn comments_and_case_are_not_part_of_a_recipient() {
        let cases = [
            (NATIVE.to_owned(), NATIVE),
            (format!("  {NATIVE}\talice"), NATIVE),
            (format!("{NATIVE} # alice"), NATIVE),
            (NATIVE.to_uppercase(), NATIVE),
            (format!("{SSH} ci@host"), SSH),
            (SSH.to_owned(), SSH),
        ];
        for (text, expected) in cases {
            assert_eq!(Recipient::parse(&text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn ill_formed_recipients_are_told_apart() {
        let zero = BASE64_STANDARD.encode(b"\0\0\0\x07ssh-rsa\0\0\0\x01\x03\0\0\0\x02\0\0");
        let mixed = NATIVE.replace("age1ql", "age1qL");
        let cases = [
            ("", RecipientError::Empty),
            (" \t", RecipientError::Empty),
            ("alice", RecipientError::Unknown),
            ("AGE-SECRET-KEY-1ABC", RecipientError::PrivateKey),
            ("age-secret-key-1abc", RecipientError::PrivateKey),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----",
                RecipientError::PrivateKey,
            ),
            (&NATIVE[..30], RecipientError::Malformed("age recipient")),
            (&mixed, RecipientError::Malformed("age recipient")),
            ("ssh-rsa", RecipientError::Malformed("ssh key")),
            ("ssh-ed25519 AAAA", RecipientError::Malformed("ssh key")),
            ("ssh-rsa ÄÖÜ", RecipientError::Malformed("ssh key")),
            (
                &format!("ssh-rsa {zero}"),
                RecipientError::Malformed("ssh key"),
            ),
            (
                "ssh-dss AAAA",
                RecipientError::UnsupportedSsh("ssh-dss".into()),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Recipient::parse(text).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn digest_ignores_order_comments_and_repetition() {
        let list = |texts: &[&str]| recipients_digest(&parse_recipients(texts).unwrap());
        let commented = format!("{NATIVE} alice");
        assert_eq!(list(&[NATIVE, SSH]), list(&[SSH, &commented, NATIVE]));
        assert_ne!(list(&[NATIVE]), list(&[NATIVE, SSH]));
        // Written into definitions, so it must never change.
        assert_eq!(
            list(&[NATIVE, SSH]),
            "JJC68shgmLrOCakdBTcz/WnfeazjH/F4sYx1oE+CHj8="
        );
    }

    #[test]
    fn error_names_the_position_and_never_a_private_key() {
        let error = parse_recipients([NATIVE, "AGE-SECRET-KEY-1SECRET"]).unwrap_err();
        assert_eq!(error.to_string(), "recipient 2: is a private key");
    }

    proptest! {
        #[test]
        fn no_text_panics(kind in "(age1|ssh-rsa |ssh-ed25519 |AGE-)?", text in ".*") {
            let _ = Recipient::parse(&format!("{kind}{text}"));
        }

        #[test]
        fn no_ssh_blob_panics(
            kind in "ssh-rsa|ssh-ed25519",
            strings in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5),
        ) {
            let mut blob = (kind.len() as u32).to_be_bytes().to_vec();
            blob.extend_from_slice(kind.as_bytes());
            for string in strings {
                blob.extend_from_slice(&(string.len() as u32).to_be_bytes());
                blob.extend_from_slice(&string);
            }
            let _ = Recipient::parse(&format!("{kind} {}", BASE64_STANDARD.encode(blob)));
        }
    }
}
