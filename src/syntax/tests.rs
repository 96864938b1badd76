//! What holds for whole documents: spans are exact, meaning is as specified, nothing panics.

mod corpus;
mod generate;

use std::sync::Arc;

use proptest::prelude::*;

use saphyr_parser::Parser;

use corpus::{CORPUS, RELAXED};
use generate::document;

use super::*;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;

fn source(text: &str) -> Arc<Source> {
    Source::new("test", None, text)
}

fn node(text: &str) -> Node {
    let (node, diagnostics) = parse(&source(text));
    assert!(diagnostics.is_empty(), "{text:?}: {diagnostics:?}");
    node.expect("it parses")
}

/// All that a document says, but for its positions.
fn shape(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "null".into(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Number(text) => text.to_string(),
        NodeKind::String(string) => format!("{:?}", string.text),
        NodeKind::List { items, .. } => {
            let items: Vec<_> = items.iter().map(shape).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Map { entries, .. } => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| format!("{:?}: {}", entry.key, shape(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// The spans of all scalars, keys included, in the order in which the shape shows them.
fn scalars(node: &Node, spans: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::List { items, .. } => items.iter().for_each(|item| scalars(item, spans)),
        NodeKind::Map { entries, .. } => {
            for entry in entries {
                spans.push(entry.key_span);
                scalars(&entry.value, spans);
            }
        }
        _ => spans.push(node.span),
    }
}

/// Replaces the scalar number `target` of a shape.
fn reshape(node: &Node, target: usize) -> String {
    fn walk(node: &Node, left: &mut Option<usize>) -> String {
        let mut hit = || {
            let is_hit = *left == Some(0);
            *left = left.and_then(|left| left.checked_sub(1));
            is_hit
        };
        match &node.kind {
            NodeKind::List { items, .. } => {
                let items: Vec<_> = items.iter().map(|item| walk(item, left)).collect();
                format!("[{}]", items.join(", "))
            }
            NodeKind::Map { entries, .. } => {
                let mut texts = Vec::new();
                for entry in entries {
                    let is_hit = *left == Some(0);
                    *left = left.and_then(|left| left.checked_sub(1));
                    let key = if is_hit { "MARK" } else { &entry.key };
                    texts.push(format!("{key:?}: {}", walk(&entry.value, left)));
                }
                format!("{{{}}}", texts.join(", "))
            }
            _ if hit() => "\"MARK\"".into(),
            _ => shape(node),
        }
    }
    walk(node, &mut Some(target))
}

/// Replacing the text of any scalar's span changes that scalar and nothing else.
fn check_spans(text: &str) {
    let root = node(text);
    let mut spans = Vec::new();
    scalars(&root, &mut spans);
    for (number, span) in spans.iter().enumerate() {
        let range = span.range();
        let before = &text[..range.start];
        let mark = match before.bytes().last() {
            _ if text[range.end..].starts_with([':', '#']) => "\"MARK\"",
            _ if !range.is_empty() => "MARK",
            None | Some(b':' | b'-') => " MARK",
            _ if text[range.end..].starts_with(['\r', '\n']) => "\n: MARK",
            _ => ": MARK",
        };
        let spliced = format!("{before}{mark}{}", &text[range.end..]);
        let (changed, diagnostics) = parse(&source(&spliced));
        assert!(
            diagnostics.is_empty(),
            "{text:?}: {spliced:?}: {diagnostics:?}"
        );
        let changed = changed.expect("it parses");
        assert_eq!(
            shape(&changed),
            reshape(&root, number),
            "{text:?}: {spliced:?}"
        );
    }
    check_positions(text, &root);
}

/// Lines and columns agree with offsets, and children lie within their parents.
fn check_positions(text: &str, node: &Node) {
    let span = node.span;
    assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize));
    let before = text[..span.start as usize].trim_start_matches('\u{feff}');
    let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next());
    let column = last.map_or(0, |last| last.chars().count());
    assert_eq!(
        (span.line as usize, span.column as usize),
        (lines + 1, column + 1),
        "{text:?}"
    );
    let mut children: Vec<(Span, Option<&Node>)> = Vec::new();
    match &node.kind {
        NodeKind::List { items, flow } => {
            children.extend(items.iter().map(|item| (item.span, Some(item))));
            assert!(!flow || text[span.range()].ends_with(']'), "{text:?}");
        }
        NodeKind::Map { entries, flow } => {
            for entry in entries {
                children.push((entry.key_span, None));
                children.push((entry.value.span, Some(&entry.value)));
            }
            assert!(!flow || text[span.range()].ends_with('}'), "{text:?}");
        }
        _ => {}
    }
    let mut end = span.start;
    for (child, node) in children {
        assert!(
            end <= child.start && child.end <= span.end,
            "{text:?}: {child:?} in {span:?}"
        );
        end = child.end;
        if let Some(node) = node {
            check_positions(text, node);
        }
    }
}

#[test]
fn spans_are_exact() {
    for text in CORPUS {
        check_spans(text);
    }
    for text in RELAXED {
        assert!(
            Parser::new_from_str(text).any(|event| event.is_err()),
            "{text:?}"
        );
        check_spans(text);
    }
}

#[test]
fn spans_are_exact_with_other_line_breaks() {
    for text in CORPUS
        .iter()
        .chain(RELAXED)
        .filter(|text| !text.contains('\r'))
    {
        check_spans(&text.replace('\n', "\r\n"));
    }
}

#[test]
fn faults_are_reported_where_they_are() {
    for (text, expected) in [
        (
            "a: &x 1\nb: *x\n",
            &["2:4 b: alias nodes are not supported"][..],
        ),
        (
            "&x a: 1\n*x : 2\n",
            &["2:1 : alias nodes are not supported"],
        ),
        (
            "v:\n  1: a\n  true: b\n  ~: c\n  [d]: e\n  : f\n  \"1\": g\n",
            &[
                "2:3 v: mapping keys must be strings",
                "3:3 v: mapping keys must be strings",
                "4:3 v: mapping keys must be strings",
                "5:3 v: mapping keys must be strings",
                "6:3 v: mapping keys must be strings",
            ],
        ),
        (
            "v: [!!int hunter2, !!bool yes]\nw: !!null x\n",
            &[
                "1:5 v[0]: yaml: cannot decode the scalar as a !!int",
                "1:20 v[1]: yaml: cannot decode the scalar as a !!bool",
                "2:4 w: yaml: cannot decode the scalar as a !!null",
            ],
        ),
        (
            "a: .nan\nb: [-.inf]\n",
            &[
                "1:4 a: numbers must be finite",
                "2:5 b[0]: numbers must be finite",
            ],
        ),
        (
            "values: [a\n",
            &["2:1 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "values: [a",
            &["1:11 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "values: [a: b\n",
            &["2:1 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "v:\n  a: [\"b\",\n  c: d\n",
            &["3:3 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "imports: [a\nvalues:\n",
            &["2:7 : yaml: did not find expected ',' or ']'"],
        ),
        ("a: {b\n", &["2:1 : yaml: did not find expected ',' or '}'"]),
        (
            "a:\n  b: [c\nd: e",
            &["3:2 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "a: [${b.c}, d]\n",
            &["1:6 : yaml: did not find expected ',' or ']'"],
        ),
        (
            "a: @hunter2\n",
            &["1:4 : yaml: found character that cannot start any token"],
        ),
        (
            "ä: 1\nb: c: d\n",
            &["2:5 : yaml: mapping values are not allowed in this context"],
        ),
        (
            "a: \"\\q\"\n",
            &["1:4 : yaml: while parsing a quoted scalar, found unknown escape character"],
        ),
    ] {
        let found: Vec<_> = parse(&source(text)).1.iter().map(line_of).collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

/// A diagnostic on one line.
fn line_of(diagnostic: &Diagnostic) -> String {
    let place = match &diagnostic.place {
        Place::At(origin) => format!("{}:{}", origin.span.line, origin.span.column),
        Place::In(_) | Place::Nowhere => "?".into(),
    };
    format!("{place} {}: {}", diagnostic.path, diagnostic.message)
}

#[test]
fn faults_of_meaning_leave_no_document() {
    for (text, has_node) in [
        ("a: *x\n", false),
        ("a: &x 1\nb: *x\n", false),
        ("1: a\n", false),
        ("a: !!int b\n", false),
        ("a: [\n", false),
        ("a: .inf\n", true),
        ("", false),
        ("# c\n", true),
        ("\u{feff}", true),
        ("---\n", true),
    ] {
        assert_eq!(parse(&source(text)).0.is_some(), has_node, "{text:?}");
    }
    for text in ["# c\n", "  ", "---\n...\n", "null", "~\n", "\u{feff}\n"] {
        assert!(matches!(node(text).kind, NodeKind::Null), "{text:?}");
    }
}

#[test]
fn documents_say_what_they_are_written_to_say() {
    for (text, expected) in [
        (
            "a: 3.10\nb: 0x1F\nc: ~\nd: True\n",
            "{\"a\": 3.10, \"b\": 31, \"c\": null, \"d\": true}",
        ),
        (
            "a: \"3.10\"\nb: !foo 7\nc: !!str 7\n",
            "{\"a\": \"3.10\", \"b\": \"7\", \"c\": \"7\"}",
        ),
        (
            "a: !!int \"5\"\nb: ! 5\nc: !!float 5\n",
            "{\"a\": 5, \"b\": 5, \"c\": 5}",
        ),
        (
            "a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\n",
            "{\"a\": \"x\\n y\\n\", \"b\": \"x y\\nz\"}",
        ),
        ("a: |\n  x", "{\"a\": \"x\"}"),
        ("a: |\n  x\n ", "{\"a\": \"x\\n\"}"),
        ("a: |+\n  x\n  ", "{\"a\": \"x\\n\"}"),
        ("a: |-\n  x", "{\"a\": \"x\"}"),
        ("a: x\n  y\n\n  z\n", "{\"a\": \"x y\\nz\"}"),
        ("a: \"\\u00e4\\x41\\t\\\n   b\"\n", "{\"a\": \"äA\\tb\"}"),
        ("<<: 1\na: 1\na: 2\n", "{\"<<\": 1, \"a\": 1, \"a\": 2}"),
        ("!!set {a, b}\n", "{\"a\": null, \"b\": null}"),
        ("!!omap [a: 1, b: 2]\n", "[{\"a\": 1}, {\"b\": 2}]"),
        ("{a:1, b: c:d}\n", "{\"a:1\": null, \"b\": \"c:d\"}"),
        ("a: &x 1\nb: &x 2\n", "{\"a\": 1, \"b\": 2}"),
        ("a: 1\n---\n*broken\n", "{\"a\": 1}"),
        ("%TAG ! tag:x,1:\n---\na: !y 1\n", "{\"a\": \"1\"}"),
    ] {
        assert_eq!(shape(&node(text)), expected, "{text:?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let brackets = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let dashes = |depth| "- ".repeat(depth) + "x";
    assert!(parse(&source(&brackets(255))).0.is_some());
    assert!(parse(&source(&dashes(MAX_DEPTH))).0.is_some());
    for (text, expected) in [
        (
            brackets(256),
            "brackets are nested more than 255 levels deep",
        ),
        (
            "[".repeat(1_000_000),
            "brackets are nested more than 255 levels deep",
        ),
        (
            "{a: ".repeat(100_000),
            "brackets are nested more than 255 levels deep",
        ),
        (dashes(MAX_DEPTH + 1), "nested more than 1000 levels deep"),
        (dashes(100_000), "nested more than 1000 levels deep"),
    ] {
        let (node, diagnostics) = parse(&source(&text));
        assert!(node.is_none());
        assert_eq!(diagnostics[0].message, expected);
    }
}

#[test]
fn size_has_a_limit() {
    let (node, diagnostics) = parse(&source(&"#".repeat(MAX_BYTES + 1)));
    assert!(node.is_none());
    assert_eq!(diagnostics[0].message, "definition is larger than 16 MiB");
}

#[test]
fn one_long_line_takes_no_longer_than_many() {
    let text = format!("a: [{}]\n", "'ä', |-x, ".repeat(100_000).replace('|', ""));
    let NodeKind::Map { entries, .. } = node(&text).kind else {
        panic!("it is a mapping");
    };
    assert_eq!(entries[0].value.span.range(), 3..text.len() - 1);
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[-a:#'\"\\[\\]{}|>&*!%@,? \t\r\n0ä\u{feff}\u{0}]{0,60}") {
        let _ = parse(&source(&text));
    }

    #[test]
    fn spans_are_exact_in_any_document(text in document()) {
        // What is generated is nearly always a document.
        if parse(&source(&text)).1.is_empty() {
            check_spans(&text);
        }
    }
}
