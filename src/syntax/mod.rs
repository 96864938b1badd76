//! YAML text to [`Node`]s with exact spans, and edits of the text that leave the rest as it was.
//!
//! This is the only place that names the YAML event parser. It knows the shape of a document, not its meaning.
//!
//! The parser reads YAML 1.2, Pulumi ESC's reads what libyaml does. Where that makes a difference to what people write,
//! libyaml is followed: a tab may part a colon from its value, what stands in quotes or brackets need not be indented
//! (`relax`), a block scalar at the end of a document that lacks its last line break has none, octal and underscored
//! numbers (`scalar`). Known to remain: control characters and U+FEFF in the text, more leniency with tabs and anchors'
//! names than libyaml's, no line breaks but CR, LF and CRLF, brackets at most 255 levels deep.

#![forbid(unsafe_code)]

mod builder;
mod collection;
pub mod edit;
mod gap;
mod index;
mod lex;
mod parse;
pub mod path;
mod relax;
mod scalar;
#[cfg(test)]
mod tests;

pub use parse::{MAX_BYTES, MAX_DEPTH, parse};

use crate::source::Span;

/// A node of the document. The span covers the node's text exactly: quotes, the header of a block scalar and closing
/// brackets included, tags and anchors too; a trailing comment is not part of it. A block collection starts at its first
/// key or dash and ends with its last descendant.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
}

/// The shape of a node.
#[derive(Debug)]
pub enum NodeKind {
    /// Empty, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as the text of a JSON number.
    Number(Box<str>),
    /// Any other scalar.
    String(StringNode),
    /// A sequence.
    List {
        /// The elements.
        items: Vec<Node>,
        /// Whether it is written in brackets.
        flow: bool,
    },
    /// A mapping.
    Map {
        /// The entries in document order, those with equal keys included.
        entries: Vec<Entry>,
        /// Whether it is written in braces.
        flow: bool,
    },
}

/// A string scalar.
// No `Debug`: the text may be a plaintext secret.
pub struct StringNode {
    /// The text with quotes, escapes and folding undone.
    pub text: Box<str>,
    /// How it is written.
    pub style: Style,
    /// Length of the tag and anchor in front, in bytes, with the blanks behind them; 0 if there are none.
    pub properties: u32,
}

impl std::fmt::Debug for StringNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StringNode")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// An entry of a mapping.
#[derive(Debug)]
pub struct Entry {
    /// The key's text.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}
