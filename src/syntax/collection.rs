//! Lists and mappings whose end has not been seen.

use super::gap::{is_indicator, skip_gap};
use super::path::{push_index, push_key};
use super::{Entry, Node, NodeKind};
use crate::source::Span;

/// A collection that is open.
pub(super) struct Collection {
    /// Where it starts, its properties included.
    pub(super) start: usize,
    /// Where it starts, without its properties.
    pub(super) bracket: usize,
    /// Whether it ends with a bracket.
    pub(super) flow: bool,
    /// What it holds so far.
    pub(super) content: Content,
}

/// What an open collection holds so far.
pub(super) enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// The key whose value comes next.
        key: Option<(Box<str>, Span)>,
    },
}

impl Collection {
    /// Skips what stands between what ends at `at` and the next node: `?`, `:`, `-` or `,`. Returns `at` if nothing does.
    pub(super) fn skip_indicator(&self, text: &str, at: usize) -> usize {
        let next = skip_gap(text, at);
        let is = |mark| text.as_bytes().get(next) == Some(&mark);
        match &self.content {
            Content::List(_) if is_indicator(text, next, b'-') && !self.flow => next + 1,
            Content::List(_) if self.flow && is(b',') => next + 1,
            Content::Map { key: None, .. } => {
                let comma = self.flow && is(b',');
                let key = if comma {
                    skip_gap(text, next + 1)
                } else {
                    next
                };
                match comma {
                    _ if is_indicator(text, key, b'?') => key + 1,
                    true => next + 1,
                    false => at,
                }
            }
            Content::Map { key: Some(_), .. } if is(b':') => next + 1,
            _ => at,
        }
    }

    /// The end of the collection, whose last child ends at `at`.
    ///
    /// The parser's own end is that of a trailing comma, if there is one.
    pub(super) fn end(&self, text: &str, at: usize) -> usize {
        if !self.flow {
            return at;
        }
        let next = skip_gap(text, at);
        let bracket = match text[next..].starts_with(',') {
            true => skip_gap(text, next + 1),
            false => next,
        };
        (bracket + 1).min(text.len())
    }

    /// Whether the next node is a key.
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.content, Content::Map { key: None, .. })
    }

    /// Adds the next node. Returns whether it can stand there: a key must be a string.
    pub(super) fn add(&mut self, node: Node) -> bool {
        let (entries, key) = match &mut self.content {
            Content::List(items) => {
                items.push(node);
                return true;
            }
            Content::Map { entries, key } => (entries, key),
        };
        if let Some((key, key_span)) = key.take() {
            entries.push(Entry {
                key,
                key_span,
                value: node,
            });
            return true;
        }
        let (text, fits) = match node.kind {
            NodeKind::String(string) => (string.text, true),
            _ => (Box::default(), false),
        };
        *key = Some((text, node.span));
        fits
    }

    /// Appends the step to the child that is being built to a rendered path.
    pub(super) fn push_step(&self, path: &mut String) {
        match &self.content {
            Content::List(items) => push_index(path, items.len()),
            Content::Map { key: Some(key), .. } => push_key(path, &key.0),
            Content::Map { key: None, .. } => {}
        }
    }

    /// The node that it is, now that it is complete.
    pub(super) fn into_kind(self) -> NodeKind {
        let flow = self.flow;
        match self.content {
            Content::List(items) => NodeKind::List { items, flow },
            Content::Map { entries, .. } => NodeKind::Map { entries, flow },
        }
    }
}
