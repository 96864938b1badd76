//! Changes of the text, and the ways to replace, add and remove nodes.

use std::ops::Range;

use super::layout::Layout;
use super::site::{Parent, Site, Text};
use super::tree::NewValue;
use super::write::{self, Written};
use crate::syntax::gap::{
    before_break, line_end, line_start, skip_break, skip_gap, skip_properties,
};
use crate::syntax::path::Step;
use crate::syntax::{Node, NodeKind, Style};

/// What a piece of the text becomes.
pub(super) struct Change {
    /// The piece, in bytes.
    pub(super) range: Range<usize>,
    /// Its new text.
    pub(super) text: String,
}

impl Change {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { range, text }
    }

    fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(at..at, text)
    }
}

impl Text<'_> {
    /// Replaces the node at a site.
    pub(super) fn replace(&self, site: Site<'_>, value: &NewValue, layout: &Layout) -> Vec<Change> {
        let range = site.node.span.range();
        let style = style_of(site.node);
        // What was in brackets stays in brackets, unless they were empty.
        let brackets = is_flow(site.node) && value.is_collection();
        if site.parent == Parent::Flow || brackets {
            let mut text = write::flow(value, style);
            if range.is_empty() {
                text.insert_str(0, if site.lead.is_some() { " " } else { ": " });
            }
            return vec![Change::new(range, text)];
        }
        let written = write::block(value, site.parent, style, layout);
        match site.parent {
            Parent::Root => self.replace_root(site.node, &written, layout),
            _ if range.is_empty() => self.fill(site, &written, layout),
            _ => self.overwrite(site, &written, layout),
        }
    }

    /// Gives a value to what had none.
    fn fill(&self, site: Site<'_>, written: &Written, layout: &Layout) -> Vec<Change> {
        let at = site.node.span.start as usize;
        let tail = written.tail(layout.line_break);
        let mut head = written.head.clone();
        if !head.is_empty() {
            head.insert(0, ' ');
        }
        match (site.lead, site.parent) {
            (None, Parent::Map(column)) => {
                let colon = format!("{}{}:", layout.line_break, " ".repeat(column));
                let at = line_end(self.text, at);
                vec![Change::insert(at, colon + &head + &tail)]
            }
            _ => vec![
                Change::insert(at, head),
                Change::insert(line_end(self.text, at), tail),
            ],
        }
    }

    /// Replaces a node of some width in block style.
    fn overwrite(&self, site: Site<'_>, written: &Written, layout: &Layout) -> Vec<Change> {
        let Range { start, end } = site.node.span.range();
        let lead = site.lead.unwrap_or(start);
        let first_line = line_start(self.text, start);
        let tail = written.tail(layout.line_break);
        let on_next_line = lead < first_line;
        if on_next_line && written.head.is_empty() {
            // The new lines stand where the old ones did.
            let body = written.body.join(layout.line_break);
            return vec![Change::new(first_line..end, body)];
        }
        if on_next_line && is_collection(site.node) {
            let lines = before_break(self.text, first_line)..line_end(self.text, end);
            let at = line_end(self.text, lead);
            // The two meet where nothing stands between the indicator and the old lines.
            return match at == lines.start {
                true if at == lead => vec![Change::new(lines, format!(" {}{tail}", written.head))],
                true => vec![
                    Change::insert(lead, format!(" {}", written.head)),
                    Change::new(lines, tail),
                ],
                false => vec![
                    Change::insert(lead, format!(" {}", written.head)),
                    Change::insert(at, tail),
                    Change::new(lines, ""),
                ],
            };
        }
        let (head_end, body) = self.parts(site.node);
        let head_start = if written.head.is_empty() { lead } else { start };
        vec![
            Change::new(head_start..head_end, written.head.clone()),
            Change::new(body, tail),
        ]
    }

    /// The end of what stands on the first line of a node, and the range of the lines below; a comment may stand
    /// between them.
    fn parts(&self, node: &Node) -> (usize, Range<usize>) {
        let Range { start, end } = node.span.range();
        if !matches!(style_of(node), Some(Style::Literal | Style::Folded)) {
            let below = line_end(self.text, end);
            return (end, below..below);
        }
        let header = skip_properties(self.text, start).1;
        let indicators = self.text[header..]
            .find([' ', '\t', '\r', '\n'])
            .unwrap_or(self.text.len() - header);
        let below = line_end(self.text, header);
        (header + indicators, below..end.max(below))
    }

    fn replace_root(&self, node: &Node, written: &Written, layout: &Layout) -> Vec<Change> {
        let Range { start, end } = node.span.range();
        if start == end {
            return self.fill_root(start, written, layout);
        }
        if !written.head.is_empty() {
            let (head_end, body) = self.parts(node);
            let tail = written.tail(layout.line_break);
            return vec![
                Change::new(start..head_end, written.head.clone()),
                Change::new(body, tail),
            ];
        }
        let before = self.text[line_start(self.text, start)..start].trim_start_matches('\u{feff}');
        let mut text = written.body.join(layout.line_break);
        if !before.is_empty() {
            text.insert_str(0, layout.line_break);
        }
        let blanks = before.len() - before.trim_end().len();
        vec![Change::new(start - blanks..end, text)]
    }

    /// Writes a document where there is none, behind the comments.
    fn fill_root(&self, at: usize, written: &Written, layout: &Layout) -> Vec<Change> {
        let next = skip_gap(self.text, at);
        let mut lines: Vec<&str> = written.body.iter().map(String::as_str).collect();
        if !written.head.is_empty() {
            lines.insert(0, &written.head);
        }
        let mut text = String::new();
        // What follows, if anything does, is the end of the document or another one. What stands in front may be a
        // comment without a line break, or `---`.
        let before = &self.text[line_start(self.text, next)..next];
        if !before.trim_start_matches('\u{feff}').is_empty() {
            text.push_str(layout.line_break);
        }
        for line in lines {
            text.push_str(line);
            text.push_str(layout.line_break);
        }
        vec![Change::insert(next, text)]
    }

    /// Adds an entry or an item behind the last one of the collection at a site, which is not empty.
    pub(super) fn append(
        &self,
        site: Site<'_>,
        step: &Step,
        value: &NewValue,
        layout: &Layout,
    ) -> Vec<Change> {
        let last = match &site.node.kind {
            NodeKind::Map { entries, .. } => entries.last().map(|entry| entry.value.span),
            NodeKind::List { items, .. } => items.last().map(|item| item.span),
            _ => None,
        };
        let end = last.map_or(site.node.span.end, |span| span.end) as usize;
        if is_flow(site.node) || site.parent == Parent::Flow {
            let text = match step {
                Step::Key(key) => write::flow_entry(key, value),
                Step::Index(_) => write::flow(value, None),
            };
            return self.append_in_brackets(site.node, end, text, layout);
        }
        let column = self.column(site.node);
        let lines = match step {
            Step::Key(key) => write::entry(key, value, column, layout),
            Step::Index(_) => write::item(value, column, layout),
        };
        let mut text = String::new();
        for line in lines {
            text.push_str(layout.line_break);
            text.push_str(&line);
        }
        vec![Change::insert(line_end(self.text, end), text)]
    }

    /// Adds behind what ends at `end`, on a line of its own if the brackets hold lines.
    fn append_in_brackets(
        &self,
        node: &Node,
        end: usize,
        text: String,
        layout: &Layout,
    ) -> Vec<Change> {
        let next = skip_gap(self.text, end);
        let has_comma = self.text[next..].starts_with(',');
        let end = if has_comma { next + 1 } else { end };
        let last = match &node.kind {
            NodeKind::Map { entries, .. } => entries.last().map(|entry| entry.key_span),
            NodeKind::List { items, .. } => items.last().map(|item| item.span),
            _ => None,
        };
        let last = last.map_or(end, |span| span.start as usize);
        let line = line_start(self.text, last);
        let indent = &self.text[line..last];
        let own_line = indent.trim().is_empty() && line > node.span.start as usize;
        let comma = if has_comma { "" } else { "," };
        let trailing_comma = if has_comma { "," } else { "" };
        if !own_line {
            return vec![Change::insert(
                end,
                format!("{comma} {text}{trailing_comma}"),
            )];
        }
        let line = format!("{}{indent}{text}{trailing_comma}", layout.line_break);
        // A bracket that closes on the same line stays there; a comment stays with what it speaks of.
        let rest = &self.text[end..line_end(self.text, end)];
        let at = match rest.trim_start() {
            "" => end + rest.len(),
            rest_text if rest_text.starts_with('#') => end + rest.len(),
            _ => end,
        };
        vec![Change::insert(end, comma), Change::insert(at, line)]
    }

    /// Removes an entry or an item: what spans from `start` to `end`, number `number` of `count` in `site`.
    pub(super) fn cut(&self, site: Site<'_>, parts: &[Range<usize>], number: usize) -> Vec<Change> {
        let part = parts[number].clone();
        let next = parts.get(number + 1).map(|next| next.start);
        let before = number.checked_sub(1).map(|before| parts[before].end);
        if is_flow(site.node) || site.parent == Parent::Flow {
            let range = match (next, before) {
                (Some(next), _) => part.start..next,
                (None, Some(before)) => before..part.end,
                (None, None) => part,
            };
            return vec![Change::new(range, "")];
        }
        let line = line_start(self.text, part.start);
        let own_line = self.text[line..part.start]
            .trim_start_matches('\u{feff}')
            .trim()
            .is_empty();
        let range = match next {
            // It shares its line with the dash of what it stands in.
            Some(next) if !own_line => part.start..next,
            _ => {
                let end = line_end(self.text, part.end);
                let start = line
                    + (self.text[line..].len()
                        - self.text[line..].trim_start_matches('\u{feff}').len());
                match skip_break(self.text, end) {
                    // The last line has no break, so the one before loses its own.
                    after if after == end && line > 0 => before_break(self.text, line)..end,
                    after => start..after,
                }
            }
        };
        vec![Change::new(range, "")]
    }

    /// The entries or items of a collection as ranges of the text, from key or dash to the end of the value.
    pub(super) fn parts_of(&self, site: Site<'_>) -> Vec<Range<usize>> {
        let mut at = skip_properties(self.text, site.node.span.start as usize).1;
        let flow = is_flow(site.node);
        let mut part = |start: usize, end: u32, mark: char| {
            let gap = skip_gap(self.text, at);
            let first = self.text[gap..].starts_with(mark) && gap < start && !flow;
            at = end as usize;
            (if first { gap } else { start })..end as usize
        };
        match &site.node.kind {
            NodeKind::Map { entries, .. } => entries
                .iter()
                .map(|entry| part(entry.key_span.start as usize, entry.value.span.end, '?'))
                .collect(),
            NodeKind::List { items, .. } => items
                .iter()
                .map(|item| {
                    // An item without a value ends behind its dash.
                    part(item.span.start as usize, item.span.end, '-')
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn is_flow(node: &Node) -> bool {
    match node.kind {
        NodeKind::List { flow, .. } | NodeKind::Map { flow, .. } => flow && is_collection(node),
        _ => false,
    }
}

/// Whether a node has children.
fn is_collection(node: &Node) -> bool {
    match &node.kind {
        NodeKind::List { items, .. } => !items.is_empty(),
        NodeKind::Map { entries, .. } => !entries.is_empty(),
        _ => false,
    }
}

fn style_of(node: &Node) -> Option<Style> {
    match &node.kind {
        NodeKind::String(string) => Some(string.style),
        _ => None,
    }
}
