//! The text of identities: lines of age's, an ssh private key, or an age file under a passphrase.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::key::Key;
use super::protected::{ProtectedFile, ProtectedSsh};
use crate::crypt::age_file::is_age_file;
use crate::crypt::plugin::PluginIdentity;
use crate::crypt::recipient::Recipient;
use crate::crypt::{IdentityError, ssh_wire};
use crate::secret::Secret;

/// A piece of an identity's text, which is parsed anew for each use, so that no other copy of it is kept.
pub(super) struct KeyText {
    text: Arc<Secret>,
    range: Range<usize>,
}

impl KeyText {
    /// The piece, of which a key has been parsed before.
    pub(super) fn expose(&self) -> &str {
        self.try_expose().expect("only text parses as a key")
    }

    /// The whole of a text.
    pub(super) fn whole(text: Secret) -> Self {
        let range = 0..text.expose().len();
        Self {
            text: Arc::new(text),
            range,
        }
    }

    fn try_expose(&self) -> Option<&str> {
        // Whoever asks parses a key of it.
        std::str::from_utf8(&self.text.expose()[self.range.clone()]).ok()
    }
}

/// Reads the identities of a source.
///
/// # Errors
/// When any of it is not an identity. The error names the line and never shows it.
pub(super) fn parse(name: &str, text: Secret) -> Result<Vec<Key>, IdentityError> {
    // The text has to be parsed.
    if is_age_file(text.expose()) {
        let file = ProtectedFile::new(name, text.expose())?;
        return Ok(vec![Key::ProtectedFile(file)]);
    }
    parse_open(name, text)
}

/// Reads identities that are not under a passphrase as a whole.
pub(super) fn parse_open(name: &str, text: Secret) -> Result<Vec<Key>, IdentityError> {
    let text = Arc::new(text);
    let mut keys = Vec::new();
    let mut start = 0;
    // The text has to be parsed.
    for (index, line) in text.expose().split(|&b| b == b'\n').enumerate() {
        let not_identity = IdentityError::Line(index + 1);
        let at = start + (line.len() - line.trim_ascii_start().len());
        start += line.len() + 1;
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let range = at..at + line.len();
        let line = std::str::from_utf8(line).map_err(|_| not_identity.clone())?;
        if line.starts_with("-----BEGIN ") {
            let rest = KeyText {
                range: at..text.expose().len(),
                text: Arc::clone(&text),
            };
            keys.push(parse_ssh(name, rest)?);
            return Ok(keys);
        }
        if line.parse::<age::x25519::Identity>().is_ok() {
            let text = Arc::clone(&text);
            keys.push(Key::X25519(KeyText { text, range }));
        } else if let Ok(identity) = line.parse::<age::plugin::Identity>() {
            let identity = PluginIdentity::new(identity);
            keys.push(Key::Plugin(name.to_owned(), Box::new(identity)));
        } else if line.starts_with("AGE-SECRET-KEY-PQ-1") {
            let kind = "a post-quantum identity".to_owned();
            return Err(IdentityError::Unsupported(kind));
        } else if Recipient::parse(line).is_ok() {
            return Err(IdentityError::PublicKey(index + 1));
        } else {
            return Err(not_identity);
        }
    }
    if keys.is_empty() {
        return Err(IdentityError::Empty);
    }
    Ok(keys)
}

fn parse_ssh(name: &str, text: KeyText) -> Result<Key, IdentityError> {
    let pem = text.try_expose().ok_or(IdentityError::MalformedKey)?;
    let label = pem.lines().next().unwrap_or_default().trim();
    match label {
        "-----BEGIN OPENSSH PRIVATE KEY-----" | "-----BEGIN RSA PRIVATE KEY-----" => {}
        _ if label.ends_with("PRIVATE KEY-----") => {
            let kind = "a private key of this format".to_owned();
            return Err(IdentityError::Unsupported(kind));
        }
        _ => return Err(IdentityError::MalformedKey),
    }
    if decode_pem(pem).is_some_and(|key| ssh_wire::private_key_has_zero_string(&key)) {
        return Err(IdentityError::MalformedKey);
    }
    let identity = age::ssh::Identity::from_buffer(pem.as_bytes(), None)
        .map_err(|_| IdentityError::MalformedKey)?;
    match &identity {
        age::ssh::Identity::Unencrypted(_) => Ok(Key::Ssh(text)),
        age::ssh::Identity::Encrypted(_) => {
            let key = ProtectedSsh::new(name, identity, text)?;
            Ok(Key::ProtectedSsh(Box::new(key)))
        }
        age::ssh::Identity::Unsupported(_) => {
            let kind = "an ssh key of this type".to_owned();
            Err(IdentityError::Unsupported(kind))
        }
    }
}

/// The bytes between a PEM's first and last line; `None` if they are not base64, which the parser finds as well.
pub(super) fn decode_pem(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    // As long as the text at most, so that it never grows.
    let mut body = Zeroizing::new(String::with_capacity(pem.len()));
    let lines = pem
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('-'));
    lines.for_each(|line| body.push_str(line.trim()));
    BASE64_STANDARD
        .decode(body.as_bytes())
        .map(Zeroizing::new)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "AGE-SECRET-KEY-184JMZMVQH3E6U0PSL869004Y3U2NYV7R30EU99CSEDNPH02YUVFSZW44VU";
    const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn outcome(text: &[u8]) -> Result<usize, IdentityError> {
        let text = Secret::from_parts(&[text]);
        parse("file", text).map(|keys| keys.len())
    }

    #[test]
    fn faults_name_their_line() {
        let cases = [
            (KEY.to_owned(), Ok(1)),
            (format!("# created\r\n\r\n  {KEY}  \r\n{KEY}\n"), Ok(2)),
            (String::new(), Err(IdentityError::Empty)),
            ("# only a comment\n".into(), Err(IdentityError::Empty)),
            (format!("{KEY}\n\nnonsense\n"), Err(IdentityError::Line(3))),
            (KEY[..60].to_owned(), Err(IdentityError::Line(1))),
            (RECIPIENT.into(), Err(IdentityError::PublicKey(1))),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA".into(),
                Err(IdentityError::MalformedKey),
            ),
            (
                "-----BEGIN CERTIFICATE-----".into(),
                Err(IdentityError::MalformedKey),
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----".into(),
                Err(IdentityError::Unsupported(
                    "a private key of this format".into(),
                )),
            ),
            (
                "age-encryption.org/v1\n".into(),
                Err(IdentityError::Altered),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(outcome(text.as_bytes()), expected);
        }
        assert_eq!(outcome(b"\xff\xfe"), Err(IdentityError::Line(1)));
    }

    proptest! {
        #[test]
        fn no_text_panics(start in "(AGE-|-----BEGIN OPENSSH PRIVATE KEY-----\n|age-)?", text: Vec<u8>) {
            let _ = outcome(&[start.as_bytes(), &text].concat());
        }
    }
}
