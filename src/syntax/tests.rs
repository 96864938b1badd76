//! What holds for whole documents: spans are exact, meaning is as specified, nothing panics.

use std::sync::Arc;

use proptest::prelude::*;

use saphyr_parser::Parser;

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
    "a: -1\nb: -.5\nc: --\n",
    "a:    \n\n\nb:\n   \n",
    "fn::secret: x\nvalues:\n  \"fn::join\": [\",\", [a, \"${b}\"]]\n  fn::open::x: {}\n",
    "\"quoted key\": 1\n'single': 2\n\"\": 3\n<<: 4\n2020-01-01: 5\n",
    "a: b # no break",
    "a: ''\nb: \"\"\nc: '' # c\n",
    "a: x\n\n# trailing\n",
    "a: \"x\"    \nb:\t\"y\"\t\nc: z \t \nd: | \t\n  w\n",
];

/// Documents that only libyaml and its kin read, and this crate with them.
const RELAXED: &[&str] = &[
    "a:\tb\nc:\t\"d\"\ne:\t-x\n",
    "a: [\n  \"x\",\n]\nb:\n  c: {\n    d: \"e\"\n  }\n  f: [\n]\n",
    "- [\n\"x\"\n]\n- k: {\n  a: 'b',\n  c:\td\n}\n  l: m\n",
    "a: \"x\ny\n\nz\" # c\nb: 'p\nq'\nc: |\n  [\n  \"\n\"d\": it's [\ne: f\n",
    "a: \"x\"#c\nb: [y]#c\nc: [\"z\"#c\n]\nd: it's#ok\n",
    "grüße: [\n  \"größer\"\n]\nä: \"ö\nü\"\nx: y\n",
    "a: [ # it's\n  'b', # \"x\n]\nc: x\n",
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
            "values: [\n",
            &["2:1 : yaml: line 1: did not find expected ',' or ']'"],
        ),
        (
            "a: {b\n",
            &["2:1 : yaml: line 1: did not find expected ',' or '}'"],
        ),
        (
            "a:\n  b: [c\nd: e",
            &["3:2 : yaml: line 1: did not find expected ',' or ']'"],
        ),
        (
            "a: @hunter2\n",
            &["1:4 : yaml: line 1: found character that cannot start any token"],
        ),
        (
            "ä: 1\nb: c: d\n",
            &["2:5 : yaml: line 2: mapping values are not allowed in this context"],
        ),
        (
            "a: \"\\q\"\n",
            &["1:4 : yaml: line 1: while parsing a quoted scalar, found unknown escape character"],
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

/// Lines of a block mapping or list that no line breaks yet.
type Lines = Vec<String>;

fn inline() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(String::new()),
        "[a-zä😀0-9]([a-zä :#'\"0-9]{0,8}[a-zß0-9])?".prop_filter("plain", |text| {
            !text.contains(": ") && !text.contains(" #") && !text.ends_with(':')
        }),
        "[a-z#:,\\[ß -]{0,9}".prop_map(|text| format!("'{text}'")),
        "[a-z#:,\\]😀 -]{0,9}".prop_map(|text| format!("\"{text}\"")),
        "(&[a-z]{1,3} )?(!!str )?[a-z]{1,4}",
        Just("!!null".to_owned()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        let filled =
            inner.prop_map(
                |text| match text.is_empty() || text.contains([',', ':', '#', '\'']) {
                    true => "\"q\"".to_owned(),
                    false => text,
                },
            );
        prop_oneof![
            proptest::collection::vec(filled.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" , "))),
            proptest::collection::vec(filled, 0..4).prop_map(|values| {
                let entries: Vec<_> = values.iter().map(|value| format!("k: {value}")).collect();
                format!("{{ {}}}", entries.join(", "))
            }),
        ]
    })
}

fn lines() -> impl Strategy<Value = Lines> {
    let comment = prop_oneof![Just(""), Just("  # it's [a"), Just(" "), Just("\t")];
    let leaf = (inline(), comment).prop_map(|(text, comment)| vec![format!("{text}{comment}")]);
    let block = (
        "[|>][+-]?( # c)?",
        proptest::collection::vec("  [a-zä#:][a-z #:\"]{0,6}|  |  x\t", 0..4),
        proptest::collection::vec(prop_oneof![Just(""), Just("  ")], 0..3),
    )
        .prop_map(|(head, body, blanks)| {
            let mut lines = vec![head];
            lines.extend(body);
            lines.extend(blanks.into_iter().map(str::to_owned));
            lines
        });
    let leaf = prop_oneof![leaf, block];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = proptest::collection::vec((inner, any::<bool>()), 1..4);
        (children, any::<bool>()).prop_map(|(children, list)| {
            let mut lines = vec![String::new()];
            for (number, (child, gap)) in children.iter().enumerate() {
                let lead = if list {
                    "-".to_owned()
                } else {
                    format!("k{number}:")
                };
                let mut child = child.iter();
                lines.extend(child.next().map(|first| format!("  {lead} {first}")));
                lines.extend(child.map(|line| format!("  {line}")));
                if *gap {
                    lines.push("  # between".into());
                }
            }
            lines
        })
    })
}

fn document() -> impl Strategy<Value = String> {
    (lines(), any::<bool>()).prop_map(|(lines, crlf)| {
        let head = if lines[0].is_empty() { "" } else { "k: " };
        let text = format!("{head}{}\n", lines.join("\n"));
        if crlf {
            text.replace('\n', "\r\n")
        } else {
            text
        }
    })
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
