//! The parser's events to a tree of [`Node`]s with exact spans.

use std::borrow::Cow;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, ScalarStyle, Tag};

use super::collection::{Collection, Content};
use super::gap::{block_end, quoted_end, skip_gap, skip_properties, trim_at_end};
use super::index::TextIndex;
use super::parse::{MAX_DEPTH, nothing, too_deep};
use super::relax::Relaxed;
use super::scalar::{Resolved, ScalarTag, resolve};
use super::{Node, NodeKind, StringNode, Style};
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
            Event::SequenceEnd | Event::MappingEnd => self.close(),
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

    /// The innermost bracket that is open.
    pub(super) fn open_bracket(&self) -> Option<Span> {
        let innermost = self.open.iter().rfind(|collection| collection.flow)?;
        Some(self.index.span(innermost.bracket, innermost.bracket))
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

    /// Skips the indicator that introduces the next node.
    fn skip_indicator(&mut self) {
        if let Some(parent) = self.open.last() {
            self.at = parent.skip_indicator(self.text, self.at);
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
        let value = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let stop = self.byte(span.end);
                trim_at_end(self.text, start.content, stop, value)
            }
            _ => value,
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
            bracket: start.content,
            content,
        });
        Ok(())
    }

    fn close(&mut self) {
        let Some(collection) = self.open.pop() else {
            return;
        };
        self.at = collection.end(self.text, self.at);
        let span = self.index.span(collection.start, self.at);
        let kind = collection.into_kind();
        self.place(Node { kind, span });
    }

    /// Whether the next node is a key.
    fn is_key(&self) -> bool {
        self.open.last().is_some_and(Collection::wants_key)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        let span = node.span;
        let fits = match self.open.last_mut() {
            Some(parent) => parent.add(node),
            None => {
                self.root = Some(node);
                true
            }
        };
        if !fits {
            self.reject(span, "mapping keys must be strings");
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
            collection.push_step(&mut path);
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
