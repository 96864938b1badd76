//! What holds for whole documents: spans are exact, meaning is as specified, nothing panics.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;

/// Documents that use every form that definitions are written in.
const CORPUS: &[&str] = &[
    "a: b",
    "a: b\n",
    "\u{feff}a: b\nc: d\n",
    "a: b\r\nc: |\r\n  x\r\n  y\r\n\r\nd: 'q'\r\n",
    "---\na: 1 # one\nb: \"two\" # two\nc: 'it''s' # three\n...\n---\nother: document\n",
    "%YAML 1.2\n---\na: b\n",
    "--- # comment\na: b\n",
    "# head\n\na:   # of a\n  # of b\n  b: c   # of c\n\n  # tail of b\nd: # null\ne: ~\n",
    "a:\n- 1\n-   two\n-\n- - x\n  - y\n-   k: v\n    l: w\nb:\n  - z\n  -\n    - deep\n",
    "- a\n- b: c\n  d: e\n-\n  f: g\n-\n- - - h\n",
    "a: {b: c, \"d\": 'e', f: [1, 2, {g: h}], i: , j}\nk: []\nl: {}\nm: [a, ]\n",
    "{a: 1, b: [x, y, z], c: {d: e}}\n",
    "[a: b, c, \"d\": e, ? f : g, ? h]\n",
    "{\"a\":1, 'b':[x], c : d, ? e : f, ? g}\n",
    "a: [\n  one,   # first\n  # between\n  \"two\"  # second\n  ]\nb: 2\n",
    "a: plain text over\n  several\n\n  lines # end\nb: x\n",
    "a: \"double \\\" \\\\ \\\n   continued\n   over\n\n   lines\" # end\nb: 'single\n  over ''\n  lines'\nc: x\n",
    "a: |\n  literal\n    indented\n\n  text\n\n\nb: >-\n  folded\n  text\n\n  par\nc: |+\n  keep\n\n\nd: |2\n    two more\n  x\ne: x\n",
    "a: | # comment | x\n  text # no comment\n# comment\nb: >+  # c\n  t\n\n  # no comment\n # comment\nc: d\n",
    "a: |\n  last line without break",
    "a: |-\n  strip\n  \n    \nb: |-\n  spaces\n     \nc: x\n",
    "a: |\n\n\n  leading blanks\nb: |\nc: |-\n\n\nd: |+\n\n\ne: >\n\n x\nf: |+\n  only\n",
    "a: |\n",
    "a: |+\n  x\n\n\n",
    "a: |+\n  x\n   ",
    "a: |-\n  x\n\n\n",
    "a:\n  |\n  x\nb:\n    >\n    y\n",
    "- |\n  a\n- >\n  b\n- - |\n    c\n  - d\n-   k: |\n      e\n    l: |1\n      f\n",
    "--- |\n  root\n  text\n",
    "|\nroot at column one\nnext\n",
    "\"root\"",
    "'root' # c",
    "root\n",
    "--- root\n",
    "a: !foo bar\nb: &x baz\nc: !!str 7\nd: &y !!int \"8\"\ne: !!str &z |\n  t\nf: !foo\n  x: y\ng: &w\n  - 1\nh: ! x\ni: !<tag:yaml.org,2002:str> 5\n",
    "a: &e\nb: !!null\nc: !!str\nd: &f # c\n  v\ne: &g |2\n    x\n    \n     \nf: {a: &h, b: !!str , c: &i x}\n",
    "&a k: &b v\n&c l : w\n",
    "!!map\na: b\n",
    "? a\n: b\n? c\n? \"d\"\n: - e\n  - f\n? |\n  g\n: h\n",
    "grüße: \"größer 😀\" # ünï\n😀: [ä, 'ö', \"ü\"]\nschön: |\n  ß\n  é\nx: y\n",
    "url: http://x.y:80/z#frag\ntime: 12:30:45\ntext: a:b c::d #no\nq: it's \"ok\"\nf: a, b] c}\nd: -x\ne: ?x\ng: :x\n",
    "a: -1\nb: - \n",
    "a:    \n\n\nb:\n   \n",
    "fn::secret: x\nvalues:\n  \"fn::join\": [\",\", [a, \"${b}\"]]\n  fn::open::x: {}\n",
    "\"quoted key\": 1\n'single': 2\n\"\": 3\n<<: 4\n2020-01-01: 5\n",
    "a: b # no break",
    "a: ''\nb: \"\"\nc: '' # c\n",
    "a: x\n\n# trailing\n",
    "a: \"x\"    \nb:\t\"y\"\t\nc: z \t \nd: | \t\n  w\n",
];

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
            _ if text[range.end..].starts_with(':') => "\"MARK\"",
            _ if !range.is_empty() => "MARK",
            None | Some(b':' | b'-' | b'?') => " MARK",
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
}

#[test]
fn spans_are_exact_with_other_line_breaks() {
    for text in CORPUS.iter().filter(|text| !text.contains('\r')) {
        check_spans(&text.replace('\n', "\r\n"));
    }
}
