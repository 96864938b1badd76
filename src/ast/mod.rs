//! Nodes to [`Definition`]s: what a document means. Evaluates nothing.

use crate::source::Span;

/// Names an expression of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// The `encryption` part of a definition.
#[derive(Debug, Default)]
pub struct Encryption {
    /// For whom secrets are encrypted, as written (comments behind a recipient included).
    pub recipients: Vec<(String, Span)>,
    /// The age header that wraps the definition's file key.
    pub header: Option<(String, Span)>,
    /// The digest of the recipients that the header was made for.
    pub recipients_digest: Option<(String, Span)>,
}
