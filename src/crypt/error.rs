//! What goes wrong when opening and sealing. No text here holds any content: neither of secrets nor of identities.

use std::fmt;

use super::{CiphertextError, HeaderError, IdentityError, PayloadError, RecipientError};
use crate::diagnostic::Extent;
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
    /// No identity that is open fits, but one may that waits for its passphrase.
    Waiting {
        /// The names of the sources that wait.
        names: Vec<String>,
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

impl Error {
    /// Whether all that is missing is an identity that fits.
    pub fn is_locked(&self) -> bool {
        matches!(self, Error::NoIdentity { .. } | Error::NoneFits { .. })
    }

    /// How far it reaches: identities are those of the run, and a header is that of a definition.
    fn extent(&self) -> Extent {
        match self {
            Error::NoIdentity { .. } | Error::Identity { .. } => Extent::Run,
            Error::NoneFits { .. }
            | Error::Waiting { .. }
            | Error::NoHeader
            | Error::Header(_)
            | Error::HeaderAltered
            | Error::ForPassphrase
            | Error::Plugin { .. } => Extent::Definition,
            _ => Extent::Place,
        }
    }

    /// What helps, if anything general does.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::NoHeader => "seal the secret again, or restore `encryption.header`",
            Error::HeaderAltered | Error::Header(_) => {
                "restore the header from an earlier revision"
            }
            Error::Payload(_) => "restore the ciphertext from an earlier revision of the same file",
            Error::NoIdentity { problems, .. } if !problems.is_empty() => {
                "mend what is wrong with it, or name another with `--identity FILE`"
            }
            Error::NoIdentity { searched, .. } if !searched.is_empty() => {
                return Some(format!(
                    "name one with `--identity FILE`; looked in {}",
                    searched.join(", ")
                ));
            }
            Error::NoIdentity { .. } => "name one with `--identity FILE`",
            Error::NoneFits { problems, .. } if !problems.is_empty() => {
                "mend what kept the others from being tried, or name another with `--identity FILE`"
            }
            Error::NoneFits { .. } => {
                "name another with `--identity FILE`, or have someone who can open it add your recipient"
            }
            Error::Waiting { .. } => "unlock it with `escrun unlock`",
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
            Error::Waiting { names } => write!(
                f,
                "no identity that is unlocked fits ({} waits for its passphrase)",
                names.join(", ")
            ),
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
            extent: error.extent(),
        }
    }
}
