//! What is asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most environments that one call names: more than anyone lists, and each is decided by itself.
pub const MOST_ENVIRONMENTS: usize = 64;

/// The body of `POST /v1/open` and of `POST /v1/check`: which environments, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenCall {
    /// The environments, later ones over earlier ones.
    pub environments: Vec<String>,
    /// What is given: variables and files, or values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub view: View,
    /// The one value that is wanted, as a path below `values`; only with the view `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What becomes variables: `all` or `declared`; what each definition does if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportCall>,
    /// Globs: only variables with such names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Globs: no variables with such names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// No variables with these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    /// Stands in front of every variable's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Texts by path that go over all definitions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Texts by path for `${context…}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Whether to tell of each variable and file where it is from and whether it is secret.
    #[serde(default, skip_serializing_if = "is_default")]
    pub details: bool,
    /// Whether to list every secret text of the values besides, for who hides them in output.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secrets: bool,
    /// Whether each secret is given as [`REDACTED`](crate::secret::REDACTED): for who only looks, so that what nobody
    /// wants to see never leaves the daemon.
    #[serde(default, skip_serializing_if = "is_default")]
    pub redact: bool,
    /// Whether nothing is decrypted and no provider asked; what they would give is `[unknown]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub symbolic: bool,
}

/// What of the environments is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// What a process is given: variables and the content of files.
    #[default]
    Variables,
    /// The tree of values.
    Values,
}

/// Which values become variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportCall {
    /// Every value.
    All,
    /// Only what definitions declare.
    Declared,
}

/// The most stanzas that `POST /v1/unwrap` takes at once.
pub const MOST_STANZAS: usize = 64;

/// The body of `POST /v1/unwrap`: stanzas of an age header, of which one may be for an identity of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnwrapCall {
    /// At most [`MOST_STANZAS`].
    pub stanzas: Vec<StanzaCall>,
}

/// A stanza (age-encryption.org/v1, "Recipient stanza").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StanzaCall {
    /// The type of the recipient, such as `X25519`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What follows the type.
    #[serde(default)]
    pub args: Vec<String>,
    /// The wrapped file key, in base64.
    pub body: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
