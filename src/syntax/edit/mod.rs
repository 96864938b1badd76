//! Edits of a definition's text that leave everything else byte for byte as it was: comments, order, blank lines, line
//! breaks.
//!
//! Every edit is checked before anyone sees it: the new text is parsed, and must say what the old one said but for the
//! change that was asked for.

mod change;
mod layout;
mod site;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::fmt;
use std::sync::Arc;

pub use tree::NewValue;

use change::Change;
use layout::Layout;
use site::{Site, Text};

use super::index::TextIndex;
use super::parse::nothing;
use super::path::{Step, render};
use super::{Node, NodeKind, parse};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Why a text was not edited. Never shows any of it.
#[derive(Debug)]
pub enum EditError {
    /// The text has faults of its own.
    Faulty(Vec<Diagnostic>),
    /// The path does not fit the text.
    Path {
        /// The path, as far as it was followed.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is written in a way that this edit cannot deal with.
    Unsupported,
}

impl EditError {
    fn path(path: &[Step], reason: &'static str) -> Self {
        EditError::Path {
            path: render(path),
            reason,
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditError::Faulty(_) => f.write_str("the definition has errors, so it was not changed"),
            EditError::Path { path, reason } => write!(f, "{path}: {reason}"),
            EditError::Unsupported => f.write_str(
                "the definition is written in a way that cannot be changed without touching the rest of it",
            ),
        }
    }
}

impl std::error::Error for EditError {}

/// Sets the value at a path from the document's root, and returns the new text.
///
/// What is there keeps its style where the new value can be written in it; what is not there is added behind its
/// siblings, missing parents included (a mapping for a key, a list for index 0). The index one past the end of a list
/// appends to it.
///
/// # Errors
/// [`EditError::Path`] where a step does not fit what it meets.
pub fn set(source: &Arc<Source>, path: &[Step], value: &NewValue) -> Result<String, EditError> {
    let document = Document::parse(source)?;
    let text = document.text();
    let (site, taken) = text.follow(&document.root, path)?;
    let (step, rest) = match path[taken..].split_first() {
        None => (None, &path[..0]),
        Some((step, rest)) => (Some(step), rest),
    };
    if let Some(at) = rest
        .iter()
        .position(|step| !matches!(step, Step::Key(_) | Step::Index(0)))
    {
        let path = &path[..taken + 2 + at];
        return Err(EditError::path(path, "array index out of range"));
    }
    let changes = |layout: &Layout| match step {
        None => text.replace(site, value, layout),
        Some(step) => {
            let wrapped = NewValue::wrapped(value.clone(), rest);
            if is_empty(site.node) {
                let parent = NewValue::wrapped(wrapped, std::slice::from_ref(step));
                text.replace(site, &parent, layout)
            } else {
                text.append(site, step, &wrapped, layout)
            }
        }
    };
    let mut expected = NewValue::of(&document.root);
    expected.set(path, value.clone());
    document.change(site, changes, &expected)
}

/// Removes the entry or item at a path from the document's root, and returns the new text. Comments above it stay.
///
/// # Errors
/// [`EditError::Path`] where the path leads nowhere.
pub fn remove(source: &Arc<Source>, path: &[Step]) -> Result<String, EditError> {
    let document = Document::parse(source)?;
    let text = document.text();
    let Some((step, parents)) = path.split_last() else {
        return Err(EditError::path(
            path,
            "the document itself cannot be removed",
        ));
    };
    if text.follow(&document.root, path)?.1 < path.len() {
        return Err(EditError::path(path, "there is no such value"));
    }
    let (site, _) = text.follow(&document.root, parents)?;
    let (count, number, empty) = match (&site.node.kind, step) {
        (NodeKind::Map { entries, .. }, Step::Key(key)) => (
            entries.len(),
            entries.iter().position(|entry| entry.key == *key),
            NewValue::Map(Vec::new()),
        ),
        (NodeKind::List { items, .. }, Step::Index(index)) => {
            (items.len(), Some(*index), NewValue::List(Vec::new()))
        }
        _ => (0, None, NewValue::Null),
    };
    let number = number.ok_or_else(|| EditError::path(path, "there is no such value"))?;
    let changes = |layout: &Layout| match count {
        1 => text.replace(site, &empty, layout),
        _ => text.cut(site, &text.parts_of(site), number),
    };
    let mut expected = NewValue::of(&document.root);
    expected.remove(path);
    document.change(site, changes, &expected)
}

/// Replaces nodes, given by their spans, and returns the new text.
///
/// # Errors
/// [`EditError::Unsupported`] where a span is not that of a value, or lies in another one.
pub fn replace_nodes(
    source: &Arc<Source>,
    replacements: &[(Span, NewValue)],
) -> Result<String, EditError> {
    let document = Document::parse(source)?;
    let text = document.text();
    let mut wanted: Vec<_> = replacements.iter().collect();
    wanted.sort_by_key(|(span, _)| (span.start, span.end));
    let mut expected = NewValue::of(&document.root);
    let mut walk = Replacing {
        text,
        wanted: &wanted,
        sites: Vec::with_capacity(wanted.len()),
    };
    walk.visit(text.root(&document.root), &mut expected);
    let sites = walk.sites;
    if sites.len() != replacements.len() {
        return Err(EditError::Unsupported);
    }
    let Some((first, _)) = sites.first() else {
        return Ok(text.text.to_owned());
    };
    let replace =
        |(site, value): &(Site<'_>, &NewValue), layout: &Layout| text.replace(*site, value, layout);
    let changes = |layout: &Layout| {
        sites
            .iter()
            .flat_map(|site| replace(site, layout))
            .collect()
    };
    document.change(*first, changes, &expected)
}

/// Finds the sites of spans, in the order of the text.
struct Replacing<'a, 'w> {
    text: Text<'a>,
    wanted: &'w [&'w (Span, NewValue)],
    sites: Vec<(Site<'a>, &'w NewValue)>,
}

impl<'a> Replacing<'a, '_> {
    fn visit(&mut self, site: Site<'a>, expected: &mut NewValue) {
        let Some((span, value)) = self.wanted.get(self.sites.len()) else {
            return;
        };
        let node = site.node;
        if span.start > node.span.end {
            return;
        }
        if span.range() == node.span.range() {
            *expected = value.clone();
            self.sites.push((site, value));
            return;
        }
        match (&node.kind, expected) {
            (NodeKind::Map { entries, .. }, NewValue::Map(expected)) => {
                for (entry, (_, expected)) in entries.iter().zip(expected) {
                    self.visit(self.text.value(site, entry), expected);
                }
            }
            (NodeKind::List { items, .. }, NewValue::List(expected)) => {
                for (number, expected) in expected.iter_mut().enumerate() {
                    self.visit(self.text.item(site, items, number), expected);
                }
            }
            _ => {}
        }
    }
}

/// A text that is to be edited.
struct Document<'a> {
    source: &'a Arc<Source>,
    index: TextIndex<'a>,
    root: Node,
}

impl<'a> Document<'a> {
    fn parse(source: &'a Arc<Source>) -> Result<Self, EditError> {
        let (root, diagnostics) = parse(source);
        let root = match root {
            Some(root) => root,
            None if source.text().is_empty() => nothing(),
            None => return Err(EditError::Faulty(diagnostics)),
        };
        let index = TextIndex::new(source.text());
        Ok(Self {
            source,
            index,
            root,
        })
    }

    fn text(&self) -> Text<'_> {
        Text {
            text: self.source.text(),
            index: &self.index,
        }
    }

    /// Makes the changes that fit the layout of what is around `near`, and checks that the new text says what is
    /// expected.
    fn change(
        &self,
        near: Site<'_>,
        changes: impl Fn(&Layout) -> Vec<Change>,
        expected: &NewValue,
    ) -> Result<String, EditError> {
        let text = self.text();
        let layout = Layout::of(text, &self.root, near);
        // A block scalar would take comments that are indented as far as it is, and stand behind it.
        let inline = Layout {
            block_scalars: false,
            ..layout
        };
        [layout, inline]
            .iter()
            .filter_map(|layout| spliced(text.text, changes(layout), layout))
            .find(|text| says(text, expected))
            .ok_or(EditError::Unsupported)
    }
}

/// The text with the changes made; nothing where they overlap.
fn spliced(old: &str, mut changes: Vec<Change>, layout: &Layout) -> Option<String> {
    changes.sort_by_key(|change| change.range.start);
    let added: usize = changes.iter().map(|change| change.text.len()).sum();
    let mut text = String::with_capacity(old.len() + added + layout.line_break.len());
    let mut done = 0;
    for change in &changes {
        text.push_str(old.get(done..change.range.start)?);
        text.push_str(&change.text);
        done = change.range.end;
    }
    text.push_str(old.get(done..)?);
    // Lines that are new at the end are whole; a block scalar without its last break reads differently elsewhere.
    let is_last = |change: &&Change| done == old.len() && change.text.contains('\n');
    if changes.last().filter(is_last).is_some() && !text.ends_with('\n') {
        text.push_str(layout.line_break);
    }
    Some(text)
}

/// Whether a text parses to what is expected.
fn says(text: &str, expected: &NewValue) -> bool {
    let (node, _) = parse(&Source::new("edited", None, text));
    match node {
        Some(node) => NewValue::of(&node) == *expected,
        None => text.is_empty() && *expected == NewValue::Null,
    }
}

/// Whether a node holds nothing, so that a collection can take its place.
fn is_empty(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Null => true,
        NodeKind::List { items, .. } => items.is_empty(),
        NodeKind::Map { entries, .. } => entries.is_empty(),
        _ => false,
    }
}
