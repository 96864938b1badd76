//! What is wrong with identities.

use std::fmt;

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

impl IdentityError {
    /// What helps, if anything does; `name` is that of the source.
    pub(in crate::crypt) fn hint(&self, name: &str) -> Option<String> {
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
