//! Where a node stands in the text: its parent, and the indicator that introduces it.

use super::EditError;
use crate::syntax::gap::{is_indicator, skip_gap, skip_properties};
use crate::syntax::index::TextIndex;
use crate::syntax::path::Step;
use crate::syntax::{Entry, Node, NodeKind};

/// What a node stands in. Columns count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// Nothing: it is the document.
    Root,
    /// A block mapping whose keys stand in this column.
    Map(usize),
    /// A block list whose dashes stand in this column.
    List(usize),
    /// Something that is written in brackets.
    Flow,
}

/// A node and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    /// The node.
    pub(super) node: &'a Node,
    /// What it stands in.
    pub(super) parent: Parent,
    /// The first byte behind the `:` or `-` that introduces it. There is none where that is left out (`? key`).
    pub(super) lead: Option<usize>,
}

/// The text of a document, for finding sites in it.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) index: &'a TextIndex<'a>,
}

impl<'a> Text<'a> {
    /// The document.
    pub(super) fn root(&self, node: &'a Node) -> Site<'a> {
        Site {
            node,
            parent: Parent::Root,
            lead: Some(node.span.start as usize),
        }
    }

    /// The column, from 0, of the keys of a block mapping or the dashes of a block list.
    pub(super) fn column(&self, node: &Node) -> usize {
        let start = node.span.start as usize;
        let first = match &node.kind {
            NodeKind::Map { entries, .. } => entries.first().map(|entry| entry.key_span.start),
            _ => None,
        };
        // The properties in front may be those of the first key.
        let own = first != Some(node.span.start) && self.text[start..].starts_with(['&', '!']);
        let at = if own {
            skip_properties(self.text, start).1
        } else {
            start
        };
        self.index.span(at, at).column as usize - 1
    }

    /// What the children of the node at a site stand in.
    pub(super) fn parent_of_children(&self, site: Site<'_>) -> Parent {
        match &site.node.kind {
            _ if site.parent == Parent::Flow => Parent::Flow,
            NodeKind::Map { flow: false, .. } => Parent::Map(self.column(site.node)),
            NodeKind::List { flow: false, .. } => Parent::List(self.column(site.node)),
            _ => Parent::Flow,
        }
    }

    /// The value of an entry of the mapping at a site.
    pub(super) fn value(&self, site: Site<'a>, entry: &'a Entry) -> Site<'a> {
        let next = skip_gap(self.text, entry.key_span.end as usize);
        let colon = next <= entry.value.span.start as usize && self.text[next..].starts_with(':');
        Site {
            node: &entry.value,
            parent: self.parent_of_children(site),
            lead: colon.then_some(next + 1),
        }
    }

    /// An item of the list at a site.
    pub(super) fn item(&self, site: Site<'a>, items: &'a [Node], number: usize) -> Site<'a> {
        let before = match number.checked_sub(1) {
            Some(before) => items[before].span.end as usize,
            None => skip_properties(self.text, site.node.span.start as usize).1,
        };
        let next = skip_gap(self.text, before);
        Site {
            node: &items[number],
            parent: self.parent_of_children(site),
            lead: is_indicator(self.text, next, b'-').then_some(next + 1),
        }
    }

    /// Follows a path as far as it exists. Returns the last site and the number of steps that led there.
    pub(super) fn follow(
        &self,
        root: &'a Node,
        path: &[Step],
    ) -> Result<(Site<'a>, usize), EditError> {
        let mut site = self.root(root);
        for (taken, step) in path.iter().enumerate() {
            let fault = |reason| Err(EditError::path(&path[..=taken], reason));
            site = match (&site.node.kind, step) {
                (NodeKind::Map { entries, .. }, Step::Key(key)) => {
                    let mut found = entries.iter().filter(|entry| entry.key == *key);
                    match (found.next(), found.next()) {
                        (None, _) => return Ok((site, taken)),
                        (Some(entry), None) => self.value(site, entry),
                        (Some(_), Some(_)) => return fault("the key is there twice"),
                    }
                }
                (NodeKind::List { items, .. }, Step::Index(index)) => match *index {
                    index if index < items.len() => self.item(site, items, index),
                    index if index == items.len() => return Ok((site, taken)),
                    _ => return fault("array index out of range"),
                },
                (NodeKind::Null, Step::Key(_) | Step::Index(0)) => return Ok((site, taken)),
                (NodeKind::Null, Step::Index(_)) => return fault("array index out of range"),
                (NodeKind::List { .. }, Step::Key(_)) => {
                    return fault("key for an array must be an int");
                }
                (NodeKind::Map { .. }, Step::Index(_)) => {
                    return fault("key for a map must be a string");
                }
                _ => return fault("expected an array or an object"),
            };
        }
        Ok((site, path.len()))
    }
}
