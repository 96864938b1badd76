//! Text to a [`Node`]: drives the event parser.

use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScanError};

use super::builder::Builder;
use super::relax::Relaxed;
use super::{Node, NodeKind};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// The longest text that is parsed, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// How deeply lists and mappings may be nested. In brackets the parser allows only 255 levels.
pub const MAX_DEPTH: usize = 1_000;

/// Parses the first document of a source.
///
/// There is no node where the text has no bytes at all, where it is no YAML (then there is one diagnostic and no
/// other), and where it has an alias, a key that is no string, or a tag that does not fit its scalar (all of these are
/// reported). A document of nothing but blanks and comments is a null. Diagnostics never show a scalar's text.
///
/// Never panics, and takes time in proportion to the length of the text.
pub fn parse(source: &Arc<Source>) -> (Option<Node>, Vec<Diagnostic>) {
    let text = source.text();
    if text.is_empty() {
        return (None, Vec::new());
    }
    if text.len() > MAX_BYTES {
        let message = format!("definition is larger than {} MiB", MAX_BYTES >> 20);
        return (None, vec![Diagnostic::error_in(source, message)]);
    }
    match build(source, None) {
        Ok(builder) => builder.finish(),
        Err(fault) => relaxed(source).unwrap_or_else(|| (None, vec![*fault])),
    }
}

/// Drives the parser through the first document.
fn build<'a>(
    source: &'a Arc<Source>,
    relaxed: Option<&'a Relaxed>,
) -> Result<Builder<'a>, Box<Diagnostic>> {
    let mut builder = Builder::new(source, relaxed);
    let text = relaxed.map_or(source.text(), |relaxed| &relaxed.text);
    for event in Parser::new_from_str(text) {
        match event {
            // Later documents do not count, not even their faults.
            Ok((Event::DocumentEnd | Event::StreamEnd, _)) => break,
            Ok((event, span)) => builder.take(event, span)?,
            // The parser would repeat the error for ever.
            Err(error) => return Err(Box::new(syntax_error(source, &builder, &error))),
        }
    }
    Ok(builder)
}

/// Parses what libyaml reads and the event parser refuses. There is nothing if the text is not of that kind.
fn relaxed(source: &Arc<Source>) -> Option<(Option<Node>, Vec<Diagnostic>)> {
    let relaxed = Relaxed::new(source.text())?;
    let builder = build(source, Some(&relaxed)).ok()?;
    if !relaxed.is_faithful(source.text(), builder.root()?) {
        return None;
    }
    Some(builder.finish())
}

/// The message for a document that is nested too deeply.
pub(super) fn too_deep() -> String {
    format!("nested more than {MAX_DEPTH} levels deep")
}

/// The node of a document that has none.
pub(super) fn nothing() -> Node {
    let span = Span {
        line: 1,
        column: 1,
        ..Span::default()
    };
    Node {
        kind: NodeKind::Null,
        span,
    }
}

/// The parser's fault as a diagnostic, with the text of libyaml where people know it, but without its line numbers,
/// which do not agree with the place.
fn syntax_error(source: &Arc<Source>, builder: &Builder<'_>, error: &ScanError) -> Diagnostic {
    let info = error.info();
    let span = builder.span_of_mark(*error.marker());
    if info == "recursion limit exceeded" {
        let message = "brackets are nested more than 255 levels deep";
        return Diagnostic::error(source, span, "", message);
    }
    if let Some(bracket) = builder.open_bracket().filter(|_| is_unclosed(info)) {
        return unclosed(source, span, bracket);
    }
    let what = if info.starts_with("unexpected character") {
        // Its own words would show the character, which may begin a secret.
        "found character that cannot start any token"
    } else {
        info
    };
    let message = format!("yaml: {what}");
    Diagnostic::error(source, span, "", message)
}

/// Whether this is what the parser says, inside brackets, of what can only stand behind them.
fn is_unclosed(info: &str) -> bool {
    info.ends_with("expected ',' or ']'")
        || info.ends_with("expected ',' or '}'")
        || info.starts_with("invalid indentation")
        || info == "illegal placement of ':' indicator"
}

/// The fault of brackets that start at `bracket` and are not closed.
fn unclosed(source: &Arc<Source>, span: Span, bracket: Span) -> Diagnostic {
    let (open, close) = match source.text().as_bytes().get(bracket.start as usize) {
        Some(b'{') => ('{', '}'),
        _ => ('[', ']'),
    };
    let message = format!("yaml: did not find expected ',' or '{close}'");
    let dollar = (span.start as usize).checked_sub(1);
    let at_reference = dollar.is_some_and(|at| source.text().as_bytes()[at..].starts_with(b"${"));
    let hint = if at_reference {
        format!("within '{open}' and '{close}', a reference must be quoted: \"${{a.b}}\"")
    } else {
        format!("close the '{open}' of line {}", bracket.line)
    };
    Diagnostic::error(source, span, "", message).with_hint(hint)
}
