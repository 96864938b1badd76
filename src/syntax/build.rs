//! The parser's events to a tree of [`Node`]s with exact spans.

use std::borrow::Cow;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, ScalarStyle, Tag};

use super::gap::{block_end, is_indicator, quoted_end, skip_gap, skip_properties};
use super::index::TextIndex;
use super::parse::{MAX_DEPTH, nothing, too_deep};
use super::path::{push_index, push_key};
use super::relax::Relaxed;
use super::scalar::{Resolved, ScalarTag, resolve};
use super::{Entry, Node, NodeKind, StringNode, Style};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Builds one document.
pub(super) struct Builder<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    index: TextIndex<'a>,
    /// The text that is parsed in its place, if there is one.
    relaxed: Option<(&'a Relaxed, TextIndex<'a>)>,
    /// The collections that are open, outermost first.
    open: Vec<Collection>,
    /// The first byte behind all that has been taken.
    at: usize,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
    /// Whether a fault was found that leaves no usable document.
    rejected: bool,
}

/// A collection whose end has not been seen.
struct Collection {
    start: usize,
    /// Whether it ends with a bracket.
    flow: bool,
    content: Content,
}

/// What an open collection holds so far.
enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// The key whose value comes next.
        key: Option<(Box<str>, Span)>,
    },
}

/// Where a node starts.
struct Start {
    /// Its first byte, that of its properties included.
    node: usize,
    /// The end of its properties.
    properties_end: usize,
    /// The first byte of the node proper.
    content: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Arc<Source>, relaxed: Option<&'a Relaxed>) -> Self {
        Self {
            source,
            text: source.text(),
            index: TextIndex::new(source.text()),
            relaxed: relaxed.map(|relaxed| (relaxed, TextIndex::new(&relaxed.text))),
            open: Vec::new(),
            at: 0,
            root: None,
            diagnostics: Vec::new(),
            rejected: false,
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// When the document is nested too deeply; it is of no use then.
    pub(super) fn take(
        &mut self,
        event: Event<'_>,
        span: saphyr_parser::Span,
    ) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::DocumentStart(true) => self.at = self.byte(span.end),
            Event::Scalar(value, style, anchor, tag) => {
                let start = self.start(&span, anchor > 0 || tag.is_some(), style);
                self.scalar(&value, style, tag.as_deref(), &start, &span);
            }
            Event::Alias(_) => {
                self.skip_indicator();
                let (start, end) = (self.byte(span.start), self.byte(span.end));
                let span = self.index.span(start, end);
                self.reject(span, "alias nodes are not supported");
                self.at = end;
                // A string, so that an alias in the place of a key is one fault, not two.
                let node = Node {
                    kind: string("", Style::Plain, 0),
                    span,
                };
                self.place(node);
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::List(Vec::new()), anchor, tag.as_ref(), &span)?;
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    key: None,
                };
                self.open(content, anchor, tag.as_ref(), &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&span),
            _ => {}
        }
        Ok(())
    }

    /// The document, once it is complete.
    pub(super) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// The document and what is wrong with it.
    pub(super) fn finish(self) -> (Option<Node>, Vec<Diagnostic>) {
        let root = self.root.unwrap_or_else(nothing);
        ((!self.rejected).then_some(root), self.diagnostics)
    }

    /// The place of one of the parser's marks.
    pub(super) fn span_of_mark(&self, mark: Marker) -> Span {
        let at = self.byte(mark);
        self.index.span(at, at)
    }

    /// Where the innermost open collection starts.
    pub(super) fn innermost_start(&self) -> Option<Span> {
        let innermost = self.open.last()?;
        Some(self.index.span(innermost.start, innermost.start))
    }

    fn byte(&self, mark: Marker) -> usize {
        match &self.relaxed {
            None => self.index.byte_of_char(mark.index()),
            Some((relaxed, index)) => relaxed.original(index.byte_of_char(mark.index())),
        }
    }

    /// Finds where the node of an event starts, behind the indicator that introduces it.
    fn start(&mut self, span: &saphyr_parser::Span, properties: bool, style: ScalarStyle) -> Start {
        self.skip_indicator();
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let node = if block && !properties {
            // The parser says where its content starts.
            skip_gap(self.text, self.at)
        } else {
            self.byte(span.start)
        };
        let (properties_end, content) = if properties {
            skip_properties(self.text, node)
        } else {
            (node, node)
        };
        Start {
            node,
            properties_end,
            content,
        }
    }

    /// Skips what stands between the last node and the next one: `?`, `:`, `-` or `,`.
    fn skip_indicator(&mut self) {
        let Some(parent) = self.open.last() else {
            return;
        };
        let next = skip_gap(self.text, self.at);
        let is = |mark| self.text.as_bytes().get(next) == Some(&mark);
        match &parent.content {
            Content::List(_) if is_indicator(self.text, next, b'-') && !parent.flow => {
                self.at = next + 1;
            }
            Content::List(_) if parent.flow && is(b',') => self.at = next + 1,
            Content::Map { key: None, .. } => {
                let comma = parent.flow && is(b',');
                let key = if comma {
                    skip_gap(self.text, next + 1)
                } else {
                    next
                };
                if is_indicator(self.text, key, b'?') {
                    self.at = key + 1;
                } else if comma {
                    self.at = next + 1;
                }
            }
            Content::Map { key: Some(_), .. } if is(b':') => self.at = next + 1,
            _ => {}
        }
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        start: &Start,
        span: &saphyr_parser::Span,
    ) {
        let missing = style == ScalarStyle::Plain && value.is_empty();
        if missing && self.is_key() {
            self.at = skip_gap(self.text, self.at);
        }
        let (node, end) = match style {
            _ if missing && start.properties_end == start.node => (self.at, self.at),
            _ if missing => (start.node, start.properties_end),
            ScalarStyle::Plain => (start.node, self.byte(span.end)),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                (start.node, quoted_end(self.text, start.content))
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let stop = self.byte(span.end);
                (start.node, block_end(self.text, start.content, stop, value))
            }
        };
        self.at = end;
        let span = self.index.span(node, end);
        let properties = (start.content - start.node) as u32;
        let kind = self.resolve(value, style, tag, span, properties);
        self.place(Node { kind, span });
    }

    /// What a scalar means.
    fn resolve(
        &mut self,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
        properties: u32,
    ) -> NodeKind {
        let tag = tag.and_then(|tag| ScalarTag::named(&tag.handle, &tag.suffix));
        let resolved = match tag {
            Some(tag) => tag.resolve(value).unwrap_or_else(|| {
                let message = format!("yaml: cannot decode the scalar as a {}", tag.name());
                self.reject(span, &message);
                Resolved::String
            }),
            None if style == ScalarStyle::Plain => resolve(value),
            None => Resolved::String,
        };
        match resolved {
            Resolved::Null => NodeKind::Null,
            Resolved::Bool(value) => NodeKind::Bool(value),
            Resolved::Integer(text) | Resolved::Float(text) => NodeKind::Number(text),
            Resolved::String => string(value, style_of(style), properties),
            Resolved::NotFinite => {
                let path = self.path();
                let message = "numbers must be finite";
                let diagnostic = Diagnostic::error(self.source, span, path, message)
                    .with_hint("put it in quotes to make it a string");
                self.diagnostics.push(diagnostic);
                string(value, style_of(style), properties)
            }
        }
    }

    fn open(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        span: &saphyr_parser::Span,
    ) -> Result<(), Box<Diagnostic>> {
        let properties = anchor > 0 || tag.is_some();
        let mut start = self.start(span, properties, ScalarStyle::Plain);
        let is_list = matches!(content, Content::List(_));
        // Only a bracket has a width.
        let opening = if is_list { b'[' } else { b'{' };
        let flow = self.byte(span.end) > start.content
            && self.text.as_bytes().get(start.content) == Some(&opening);
        if is_list && !flow && !properties {
            // The parser places a list that is not indented behind its first dash.
            start.node = skip_gap(self.text, self.at);
        }
        if self.open.len() >= MAX_DEPTH {
            let span = self.index.span(start.node, start.node);
            let diagnostic = Diagnostic::error(self.source, span, self.path(), too_deep());
            return Err(Box::new(diagnostic));
        }
        if flow {
            self.at = start.content + 1;
        } else if properties {
            self.at = start.content;
        }
        self.open.push(Collection {
            start: start.node,
            flow,
            content,
        });
        Ok(())
    }

    fn close(&mut self, span: &saphyr_parser::Span) {
        let Some(collection) = self.open.pop() else {
            return;
        };
        if collection.flow {
            self.at = (self.byte(span.start) + 1).min(self.text.len());
        }
        let flow = collection.flow;
        let kind = match collection.content {
            Content::List(items) => NodeKind::List { items, flow },
            Content::Map { entries, .. } => NodeKind::Map { entries, flow },
        };
        let span = self.index.span(collection.start, self.at);
        self.place(Node { kind, span });
    }

    /// Whether the next node is a key.
    fn is_key(&self) -> bool {
        let innermost = self.open.last().map(|parent| &parent.content);
        matches!(innermost, Some(Content::Map { key: None, .. }))
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        match self.open.last_mut().map(|parent| &mut parent.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key }) => match key.take() {
                Some((key, key_span)) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
                None => {
                    let span = node.span;
                    if let NodeKind::String(text) = node.kind {
                        *key = Some((text.text, span));
                    } else {
                        *key = Some((Box::default(), span));
                        self.reject(span, "mapping keys must be strings");
                    }
                }
            },
        }
    }

    fn reject(&mut self, span: Span, message: &str) {
        let diagnostic = Diagnostic::error(self.source, span, self.path(), message);
        self.diagnostics.push(diagnostic);
        self.rejected = true;
    }

    /// The path of the node that is being built.
    fn path(&self) -> String {
        let mut path = String::new();
        for collection in &self.open {
            match &collection.content {
                Content::List(items) => push_index(&mut path, items.len()),
                Content::Map { key: Some(key), .. } => push_key(&mut path, &key.0),
                Content::Map { key: None, .. } => {}
            }
        }
        path
    }
}

fn string(text: &str, style: Style, properties: u32) -> NodeKind {
    NodeKind::String(StringNode {
        text: text.into(),
        style,
        properties,
    })
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
