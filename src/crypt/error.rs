//! What goes wrong when opening and sealing. No text here holds any content: neither of secrets nor of identities.

use std::fmt;

use crate::eval::DecryptError;

/// Why something did not open or could not be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The ciphertext's form is wrong.
    Ciphertext(CiphertextError),
    /// The ciphertext is a payload, but there is no header that it could stand under.
    NoHeader,
    /// The header's form is wrong.
    Header(HeaderError),
    /// The header's MAC is wrong, or a stanza that is for one of our keys does not open.
    HeaderAltered,
    /// The payload does not open.
    Payload(PayloadError),
    /// There is no identity at all.
    NoIdentity {
        /// Where identities were looked for.
        searched: Vec<String>,
        /// Why those that were found are unusable.
        problems: Vec<String>,
    },
    /// There are identities, but none fits.
    NoneFits {
        /// The sources of the identities.
        tried: Vec<String>,
        /// The types of the header's stanzas, in their order.
        stanzas: Vec<String>,
        /// Why some identities could not be tried.
        problems: Vec<String>,
    },
    /// The header is for a passphrase, which is only supported for identity files.
    ForPassphrase,
    /// An identity that was asked for is unusable.
    Identity {
        /// The source: a file's path or the name of a variable.
        name: String,
        /// What is wrong with it.
        problem: IdentityError,
    },
    /// A recipient is ill-formed.
    Recipient {
        /// Its position in the list, from 0.
        index: usize,
        /// What is wrong with it.
        problem: RecipientError,
    },
    /// There is nobody to encrypt for.
    NoRecipients,
    /// Recipients that may not stand together, such as post-quantum and classic ones.
    IncompatibleRecipients,
    /// A plugin did not wrap the file key.
    Plugin {
        /// The program's name.
        program: String,
        /// What it said.
        problem: String,
    },
    /// The operating system gave no random bytes.
    NoRandomness,
}

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

/// Why a payload does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// It has a length that no payload has.
    Truncated,
    /// It was cut or changed, or belongs under another header.
    Altered,
}

/// What is wrong with an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// There is no such file.
    NotFound,
    /// It cannot be read; the operating system's reason.
    Unreadable(String),
    /// It is mine, on a disk, and others can read it.
    Exposed,
    /// It is longer than any identity.
    TooLong,
    /// It holds no identity.
    Empty,
    /// A line (from 1) is not an identity.
    Line(usize),
    /// A line (from 1) is a public key.
    PublicKey(usize),
    /// A private key that is ill-formed.
    MalformedKey,
    /// A key of a kind that cannot decrypt; what kind.
    Unsupported(String),
    /// An age file that is not protected by a passphrase.
    NotPassphrase,
    /// An age file whose passphrase takes too much work (2 to this power).
    WorkFactor(u8),
    /// A protected file that was cut or changed.
    Altered,
    /// The passphrase is wrong.
    WrongPassphrase,
    /// It is protected, and there is no terminal.
    NoTerminal,
    /// It is protected, and no passphrase was given.
    Declined,
    /// It needs a plugin, and none may be started here.
    PluginsRefused,
    /// It needs a program that is not in PATH.
    MissingPlugin(String),
    /// Its plugin failed; what it said.
    Plugin(String),
}

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

impl Error {
    /// What helps, if anything general does.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::NoHeader => "seal the secret again, or restore `encryption.header`",
            Error::HeaderAltered | Error::Header(_) => {
                "restore the header from an earlier revision"
            }
            Error::Payload(_) => "restore the ciphertext from an earlier revision of the same file",
            Error::NoIdentity { searched, .. } if !searched.is_empty() => {
                return Some(format!(
                    "name one with `--identity FILE`; looked in {}",
                    searched.join(", ")
                ));
            }
            Error::NoIdentity { .. } => "name one with `--identity FILE`",
            Error::NoneFits { .. } => {
                "name another with `--identity FILE`, or have someone who can open it add your recipient"
            }
            Error::ForPassphrase => "encrypt it to recipients instead",
            Error::Identity { name, problem } => return problem.hint(name),
            Error::Recipient { problem, .. } => match problem {
                RecipientError::PrivateKey => {
                    "put its public key here, and treat the private key as disclosed"
                }
                _ => "recipients look like `age1…`, `ssh-ed25519 …` or `ssh-rsa …`",
            },
            Error::NoRecipients => "add one to `encryption.recipients`",
            Error::IncompatibleRecipients => "use post-quantum recipients only, or none",
            Error::Ciphertext(_) | Error::Plugin { .. } | Error::NoRandomness => return None,
        };
        Some(hint.to_owned())
    }
}

impl IdentityError {
    fn hint(&self, name: &str) -> Option<String> {
        let hint = match self {
            IdentityError::Exposed => return Some(format!("chmod 600 {}", shell_word(name))),
            IdentityError::NoTerminal => {
                "run it from a terminal, or use an identity without a passphrase"
            }
            IdentityError::PublicKey(_) => "give the file with the private key",
            IdentityError::NotPassphrase => {
                "decrypt it first; only passphrase-protected files are opened"
            }
            IdentityError::MissingPlugin(_) => "install the plugin, or put its folder into PATH",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Quotes `word` for a POSIX shell, where that is needed.
fn shell_word(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&b);
    if !word.is_empty() && !word.starts_with('-') && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("-- '{}'", word.replace('\'', r"'\''"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Ciphertext(error) => error.fmt(f),
            Error::NoHeader => f.write_str("no header in `encryption.header`"),
            Error::Header(error) => error.fmt(f),
            Error::HeaderAltered => f.write_str("the age header was changed after it was made"),
            Error::Payload(error) => error.fmt(f),
            Error::NoIdentity { problems, .. } => {
                f.write_str("there is no identity to decrypt with")?;
                write_problems(f, problems)
            }
            Error::NoneFits {
                tried,
                stanzas,
                problems,
            } => {
                write!(
                    f,
                    "no identity fits (tried {}; the header is for {})",
                    tried.join(", "),
                    counted(stanzas)
                )?;
                write_problems(f, problems)
            }
            Error::ForPassphrase => f.write_str("it is encrypted with a passphrase"),
            Error::Identity { name, problem } => write!(f, "identity {name}: {problem}"),
            Error::Recipient { index, problem } => {
                write!(f, "recipient {}: {problem}", index + 1)
            }
            Error::NoRecipients => f.write_str("there are no recipients to encrypt for"),
            Error::IncompatibleRecipients => {
                f.write_str("the recipients may not be mixed with each other")
            }
            Error::Plugin { program, problem } => write!(f, "{program}: {problem}"),
            Error::NoRandomness => f.write_str("the operating system gives no random bytes"),
        }
    }
}

fn write_problems(f: &mut fmt::Formatter<'_>, problems: &[String]) -> fmt::Result {
    problems
        .iter()
        .try_for_each(|problem| write!(f, "; {problem}"))
}

/// Renders `[X25519, X25519, ssh-rsa]` as `2 X25519, 1 ssh-rsa`.
fn counted(types: &[String]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in types {
        match counts.iter_mut().find(|(seen, _)| seen == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let parts: Vec<String> = counts.iter().map(|(n, c)| format!("{c} {n}")).collect();
    parts.join(", ")
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

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PayloadError::Truncated => "the ciphertext was cut",
            PayloadError::Altered => {
                "the ciphertext was cut or changed, or belongs under another header"
            }
        })
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::NotFound => f.write_str("there is no such file"),
            IdentityError::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
            IdentityError::Exposed => f.write_str("other users can read or change the file"),
            IdentityError::TooLong => f.write_str("too long for an identity"),
            IdentityError::Empty => f.write_str("holds no identity"),
            IdentityError::Line(line) => write!(f, "line {line} is not an identity"),
            IdentityError::PublicKey(line) => {
                write!(f, "line {line} is a public key, not an identity")
            }
            IdentityError::MalformedKey => f.write_str("the private key is ill-formed"),
            IdentityError::Unsupported(kind) => write!(f, "{kind} cannot be used"),
            IdentityError::NotPassphrase => f.write_str("is encrypted, but not with a passphrase"),
            IdentityError::WorkFactor(power) => {
                write!(f, "its passphrase takes too much work (2^{power})")
            }
            IdentityError::Altered => f.write_str("the encrypted file was cut or changed"),
            IdentityError::WrongPassphrase => f.write_str("wrong passphrase"),
            IdentityError::NoTerminal => {
                f.write_str("needs an answer, and there is no terminal to ask on")
            }
            IdentityError::Declined => f.write_str("no passphrase was given"),
            IdentityError::PluginsRefused => {
                f.write_str("needs an age plugin, and none may be started here")
            }
            IdentityError::MissingPlugin(program) => write!(f, "{program} is not in PATH"),
            IdentityError::Plugin(message) => write!(f, "the plugin failed: {message}"),
        }
    }
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

impl std::error::Error for Error {}

impl From<CiphertextError> for Error {
    fn from(error: CiphertextError) -> Self {
        Error::Ciphertext(error)
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Error::Header(error)
    }
}

impl From<PayloadError> for Error {
    fn from(error: PayloadError) -> Self {
        Error::Payload(error)
    }
}

impl From<Error> for DecryptError {
    fn from(error: Error) -> Self {
        DecryptError {
            message: error.to_string(),
            hint: error.hint(),
        }
    }
}
