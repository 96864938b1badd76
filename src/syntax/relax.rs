//! Texts that libyaml reads and the event parser refuses, rewritten so that it reads them too, with the way back to
//! the positions of the text as it stands.

use super::gap::skip_properties;
use super::lex::{Lexed, Pad, lex};
use super::parse::MAX_BYTES;
use super::{Node, NodeKind};
use crate::source::Span;

/// A text with more blanks than the one that it stands for.
pub(super) struct Relaxed {
    /// The text to parse.
    pub(super) text: String,
    found: Lexed,
    /// Where the blanks of each pad start in the new text.
    starts: Vec<usize>,
}

impl Relaxed {
    /// Adds blanks where the event parser wants them. There is nothing where the text seems to have all, or where it
    /// would grow too large.
    pub(super) fn new(text: &str) -> Option<Self> {
        let found = lex(text);
        let added: usize = found.pads.iter().map(|pad| pad.count).sum();
        if (found.pads.is_empty() && found.tabs.is_empty()) || added > MAX_BYTES {
            return None;
        }
        let mut relaxed = String::with_capacity(text.len() + added);
        let mut starts = Vec::with_capacity(found.pads.len());
        let mut tabs = found.tabs.iter().copied().peekable();
        let mut done = 0;
        let end = Pad {
            at: text.len(),
            count: 0,
        };
        for (number, pad) in found.pads.iter().chain([&end]).enumerate() {
            while let Some(tab) = tabs.next_if(|tab| *tab < pad.at) {
                relaxed.push_str(&text[done..tab]);
                relaxed.push(' ');
                done = tab + 1;
            }
            relaxed.push_str(&text[done..pad.at]);
            done = pad.at;
            if number < found.pads.len() {
                starts.push(relaxed.len());
            }
            relaxed.extend(std::iter::repeat_n(' ', pad.count));
        }
        Some(Self {
            text: relaxed,
            found,
            starts,
        })
    }

    /// The offset in the text as it stands of an offset in the new one.
    pub(super) fn original(&self, at: usize) -> usize {
        let after = self.starts.partition_point(|start| *start <= at);
        match after.checked_sub(1) {
            None => at,
            Some(number) => {
                let (pad, start) = (self.found.pads[number], self.starts[number]);
                pad.at + (at - start).saturating_sub(pad.count)
            }
        }
    }

    /// Whether the blanks that were added stand where they mean nothing, going by the nodes that came out.
    pub(super) fn is_faithful(&self, text: &str, root: &Node) -> bool {
        let mut extents = Extents::default();
        extents.collect(root);
        // Later documents are not looked at, by any parser.
        let end = root.span.end as usize;
        let mut pads = self.found.pads.iter().take_while(|pad| pad.at < end);
        let mut tabs = self.found.tabs.iter().take_while(|tab| **tab < end);
        pads.all(|pad| extents.allow_pad(text, pad.at))
            && tabs.all(|tab| Extents::around(&extents.scalars, *tab).is_none())
    }
}

/// Where scalars and the outermost brackets stand, in order.
#[derive(Default)]
struct Extents {
    scalars: Vec<Span>,
    brackets: Vec<Span>,
}

impl Extents {
    fn collect(&mut self, node: &Node) {
        let (flow, end) = match node.kind {
            NodeKind::List { flow, .. } | NodeKind::Map { flow, .. } => {
                (flow, self.brackets.last().map_or(0, |span| span.end))
            }
            _ => (false, 0),
        };
        if flow && node.span.start >= end {
            self.brackets.push(node.span);
        }
        match &node.kind {
            NodeKind::List { items, .. } => items.iter().for_each(|item| self.collect(item)),
            NodeKind::Map { entries, .. } => {
                for entry in entries {
                    self.scalars.push(entry.key_span);
                    self.collect(&entry.value);
                }
            }
            _ => self.scalars.push(node.span),
        }
    }

    /// Whether blanks at an offset mean nothing: in front of a comment, or at the start of a line in quotes or brackets.
    fn allow_pad(&self, text: &str, at: usize) -> bool {
        let Some(scalar) = Self::around(&self.scalars, at) else {
            let in_brackets = Self::around(&self.brackets, at).is_some();
            return in_brackets || text[at..].starts_with('#');
        };
        let content = skip_properties(text, scalar.start as usize).1;
        text[..at].ends_with(['\n', '\r']) && text[content..].starts_with(['"', '\''])
    }

    /// The span that an offset lies in, its ends excluded.
    fn around(spans: &[Span], at: usize) -> Option<Span> {
        let after = spans.partition_point(|span| (span.start as usize) < at);
        let span = *spans.get(after.checked_sub(1)?)?;
        (at < span.end as usize).then_some(span)
    }
}
