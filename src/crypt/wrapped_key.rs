//! A stanza on its way between processes.

use age_core::format::{Stanza, is_arbitrary_string};

/// A stanza of an age header: the file key, wrapped for one recipient (age-encryption.org/v1, "Recipient stanza").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    kind: String,
    arguments: Vec<String>,
    body: Vec<u8>,
}

impl WrappedKey {
    /// A stanza of its type, arguments and body. `None` if type or arguments are not what a header can hold: printable
    /// ASCII without blanks.
    pub fn new(kind: String, arguments: Vec<String>, body: Vec<u8>) -> Option<Self> {
        let fits = is_arbitrary_string(&kind) && arguments.iter().all(is_arbitrary_string);
        fits.then_some(Self {
            kind,
            arguments,
            body,
        })
    }

    /// The type, such as `X25519`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What follows the type.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The wrapped key.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn from_age(stanza: &Stanza) -> Self {
        Self {
            kind: stanza.tag.clone(),
            arguments: stanza.args.clone(),
            body: stanza.body.clone(),
        }
    }

    pub(super) fn to_age(&self) -> Stanza {
        Stanza {
            tag: self.kind.clone(),
            args: self.arguments.clone(),
            body: self.body.clone(),
        }
    }
}
