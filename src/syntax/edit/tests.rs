//! Edits as texts before and after.

use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Arc<Source> {
    Source::new("test", None, text)
}

fn keys(path: &str) -> Vec<Step> {
    crate::syntax::path::parse(path).expect("the test's path is one")
}

fn text(text: &str) -> NewValue {
    NewValue::string(text)
}

fn ciphertext() -> NewValue {
    NewValue::entry(
        "fn::secret",
        NewValue::entry("ciphertext", text("3q2+7w==")),
    )
}

#[track_caller]
fn check_set(before: &str, path: &str, value: &NewValue, after: &str) {
    let edited = set(&source(before), &keys(path), value);
    assert_eq!(edited.expect("it can be set"), after);
}

#[test]
fn scalars_are_replaced_where_they_stand() {
    for (before, path, new, after) in [
        ("a: b\n", "a", "c", "a: c\n"),
        ("a: b", "a", "c", "a: c"),
        ("a: b   # why\n", "a", "c", "a: c   # why\n"),
        (
            "a: 'b' # why\nz: 1\n",
            "a",
            "it's",
            "a: 'it''s' # why\nz: 1\n",
        ),
        ("a: \"b\"\n", "a", "c", "a: \"c\"\n"),
        ("a: b\n", "a", "7", "a: \"7\"\n"),
        ("a: b\n", "a", "true", "a: \"true\"\n"),
        ("a: b\n", "a", "", "a: \"\"\n"),
        ("a: b\n", "a", " c", "a: \" c\"\n"),
        ("a: b\n", "a", "x: y", "a: \"x: y\"\n"),
        ("a: b\n", "a", "x #y", "a: \"x #y\"\n"),
        ("a: b\n", "a", "\"x\" \\y", "a: '\"x\" \\y'\n"),
        ("a: b\n", "a", "\u{7}\u{2028}'", "a: \"\\u0007\\u2028'\"\n"),
        ("a: b\n", "a", "http://h:1/p?q#f", "a: http://h:1/p?q#f\n"),
        ("a: b\n", "a", "-x", "a: -x\n"),
        ("a: b\n", "a", "- x", "a: \"- x\"\n"),
        ("a: b\n", "a", "yes", "a: \"yes\"\n"),
        ("a: b\n", "a", "2020-01-01", "a: \"2020-01-01\"\n"),
        ("a: [b, c]\n", "a[1]", "x, y", "a: [b, \"x, y\"]\n"),
        ("a: {b: c}\n", "a.b", "x}", "a: {b: \"x}\"}\n"),
        ("a: {b: , c: d}\n", "a.b", "x", "a: {b: x , c: d}\n"),
        ("a: {b, c: d}\n", "a.b", "x", "a: {b: x, c: d}\n"),
        (
            "a:\n  - b\n  - c # d\n",
            "a[1]",
            "x",
            "a:\n  - b\n  - x # d\n",
        ),
        ("a:   # none\nb: 1\n", "a", "x", "a: x   # none\nb: 1\n"),
        ("a:\n# none\n", "a", "x", "a: x\n# none\n"),
        ("- a\n-\n", "[1]", "x", "- a\n- x\n"),
        ("? a\n? b\n", "a", "x", "? a\n: x\n? b\n"),
        ("a: !foo b\n", "a", "c", "a: c\n"),
        ("a:\n  'b'\nc: d\n", "a", "x", "a:\n  'x'\nc: d\n"),
        ("a: b\n  c # d\ne: f\n", "a", "x", "a: x # d\ne: f\n"),
        ("a: \"b\n  c\" # d\n", "a", "x", "a: \"x\" # d\n"),
        ("a: b\r\nc: d\r\n", "c", "x", "a: b\r\nc: x\r\n"),
        (
            "a:\n  # note\n  b: c\n  d: e # f\ng: h\n",
            "a",
            "x",
            "a: x\n  # note\ng: h\n",
        ),
        ("a:\n- b\n- c\n\ng: h\n", "a", "x", "a: x\n\ng: h\n"),
        ("- a: b\n  c: d\n- e\n", "[0]", "x", "- x\n- e\n"),
    ] {
        check_set(before, path, &text(new), after);
    }
}

#[test]
fn lines_become_block_scalars() {
    for (before, new, after) in [
        ("k: b # c\nz: 1\n", "x\ny", "k: |- # c\n  x\n  y\nz: 1\n"),
        ("k: b\n", "x\n\ny\n", "k: |\n  x\n\n  y\n"),
        ("k: b", "x\ny\n", "k: |\n  x\n  y\n"),
        (
            "k: b\nz: 1\n",
            "x\ny\n\n\n",
            "k: \"x\\ny\\n\\n\\n\"\nz: 1\n",
        ),
        ("k: b\n", "  x\ny", "k: |2-\n    x\n  y\n"),
        ("k: b\n", "\tx\ny", "k: \"\\tx\\ny\"\n"),
        ("k: b\n", "x\n  \ny", "k: \"x\\n  \\ny\"\n"),
        ("k: b\n", "x\r\ny", "k: \"x\\r\\ny\"\n"),
        ("k: b\n", "\n", "k: \"\\n\"\n"),
        ("k: b\n", "x\n", "k: \"x\\n\"\n"),
        ("k: {a: b}\n", "x\ny", "k: |-\n  x\n  y\n"),
        (
            "k: >- # c\n  a\n  b\n\nz: 1\n",
            "x",
            "k: |- # c\n  x\n\nz: 1\n",
        ),
        (
            "k: |\n  a\n\n\nz: 1\n",
            "x\ny\n",
            "k: |\n  x\n  y\n\n\nz: 1\n",
        ),
        (
            "k: |\r\n  a\r\nz: 1\r\n",
            "x\ny\n",
            "k: |\r\n  x\r\n  y\r\nz: 1\r\n",
        ),
        (
            "z:\n    a: 1\nk: b\n",
            "x\ny",
            "z:\n    a: 1\nk: |-\n    x\n    y\n",
        ),
        ("k:\n  # note\n  a: b\n", "x\ny", "k: \"x\\ny\"\n  # note\n"),
    ] {
        let edited = set(&source(before), &keys("k"), &text(new));
        assert_eq!(edited.ok().as_deref(), Some(after), "{before:?}");
    }
    let flow = set(&source("a: {k: b}\n"), &keys("a.k"), &text("x\ny"));
    assert_eq!(flow.expect("it can be set"), "a: {k: \"x\\ny\"}\n");
}

#[test]
fn what_is_missing_is_added_behind_its_siblings() {
    for (before, path, after) in [
        ("", "values.a.b", "values:\n  a:\n    b: x\n"),
        ("# c\n", "values.a", "# c\nvalues:\n  a: x\n"),
        ("# c", "values.a", "# c\nvalues:\n  a: x\n"),
        ("\u{feff}", "values.a", "\u{feff}values:\n  a: x\n"),
        ("---\n", "values.a", "---\nvalues:\n  a: x\n"),
        ("---", "values.a", "---\nvalues:\n  a: x\n"),
        (
            "---\n# c\n...\n",
            "values.a",
            "---\n# c\nvalues:\n  a: x\n...\n",
        ),
        ("--- # c\n---\nother\n", "a", "--- # c\na: x\n---\nother\n"),
        ("--- null\n", "a", "---\na: x\n"),
        ("--- {}\n", "a", "---\na: x\n"),
        ("{}\n", "a", "a: x\n"),
        ("values:\n", "values.a", "values:\n  a: x\n"),
        (
            "values: # c\n\n# d\n",
            "values.a",
            "values: # c\n  a: x\n\n# d\n",
        ),
        ("values: ~ # c\n", "values.a", "values: # c\n  a: x\n"),
        ("values: {}\n", "values.a", "values:\n  a: x\n"),
        (
            "values: {} # c\nz: 1\n",
            "values.a",
            "values: # c\n  a: x\nz: 1\n",
        ),
        ("values: {b: 1}\n", "values.a", "values: {b: 1, a: x}\n"),
        ("values: {b: 1, }\n", "values.a", "values: {b: 1, a: x, }\n"),
        ("values: {b: {}}\n", "values.b.a", "values: {b: {a: x}}\n"),
        (
            "values:\n  b: 1 # c\n\nz: 1\n",
            "values.a",
            "values:\n  b: 1 # c\n  a: x\n\nz: 1\n",
        ),
        (
            "values:\n    b: 1",
            "values.a",
            "values:\n    b: 1\n    a: x\n",
        ),
        (
            "values:\r\n  b: 1\r\n",
            "values.a",
            "values:\r\n  b: 1\r\n  a: x\r\n",
        ),
        (
            "a:\n  b: |\n    t\n\n\nz: 1\n",
            "a.c",
            "a:\n  b: |\n    t\n  c: x\n\n\nz: 1\n",
        ),
        (
            "a:\n  b: |+\n    t\n\nz: 1\n",
            "a.c",
            "a:\n  b: |+\n    t\n\n  c: x\nz: 1\n",
        ),
        ("a:\n  b:\nz: 1\n", "a.c", "a:\n  b:\n  c: x\nz: 1\n"),
        ("a: [b]\n", "a[1]", "a: [b, x]\n"),
        ("a: []\n", "a[0]", "a:\n  - x\n"),
        ("a:\n- b\nc: []\n", "c[0]", "a:\n- b\nc:\n- x\n"),
        ("a:\n  - b # c\n", "a[1]", "a:\n  - b # c\n  - x\n"),
        (
            "a:\n- b: c\n  d: e\n",
            "a[0].f",
            "a:\n- b: c\n  d: e\n  f: x\n",
        ),
        ("a:\n- b\n", "a[1].c.d", "a:\n- b\n- c:\n    d: x\n"),
        (
            "a: [\n  b, # c\n  d # e\n  ]\n",
            "a[2]",
            "a: [\n  b, # c\n  d, # e\n  x\n  ]\n",
        ),
        (
            "a: {\n  b: 1, # c\n  }\n",
            "a.d",
            "a: {\n  b: 1, # c\n  d: x,\n  }\n",
        ),
        ("a: b\n", "c[0].d", "a: b\nc:\n  - d: x\n"),
        ("a: b\n", "[\"c: d\"]", "a: b\n\"c: d\": x\n"),
        ("a: b\n", "[\"1\"]", "a: b\n\"1\": x\n"),
        ("&x\na: b\n", "c", "&x\na: b\nc: x\n"),
        ("? a\n: b\n", "c", "? a\n: b\nc: x\n"),
    ] {
        check_set(before, path, &text("x"), after);
    }
}

#[test]
fn trees_are_written_as_their_surroundings_are() {
    for (before, path, after) in [
        (
            "s: plain # c\nz: 1\n",
            "s",
            "s: # c\n  fn::secret:\n    ciphertext: 3q2+7w==\nz: 1\n",
        ),
        (
            "s: |\n  a\n  b\nz: 1\n",
            "s",
            "s:\n  fn::secret:\n    ciphertext: 3q2+7w==\nz: 1\n",
        ),
        (
            "a: {s: plain}\n",
            "a.s",
            "a: {s: {fn::secret: {ciphertext: 3q2+7w==}}}\n",
        ),
        (
            "a:\n- plain\n- z\n",
            "a[0]",
            "a:\n- fn::secret:\n    ciphertext: 3q2+7w==\n- z\n",
        ),
        (
            "a:\n    b: c\n",
            "a.s",
            "a:\n    b: c\n    s:\n        fn::secret:\n            ciphertext: 3q2+7w==\n",
        ),
        (
            "s:\n  # c\n  old:\n    x: 1\nz: 1\n",
            "s",
            "s:\n  # c\n  fn::secret:\n    ciphertext: 3q2+7w==\nz: 1\n",
        ),
        (
            "s: {old: 1}\n",
            "s",
            "s: {fn::secret: {ciphertext: 3q2+7w==}}\n",
        ),
    ] {
        check_set(before, path, &ciphertext(), after);
    }
    let list = NewValue::List(vec![
        NewValue::List(vec![text("a"), NewValue::Number("1".into())]),
        NewValue::Map(vec![
            ("b".into(), NewValue::Null),
            ("c".into(), NewValue::Bool(true)),
        ]),
        NewValue::Map(Vec::new()),
    ]);
    check_set(
        "k: 1\n",
        "k",
        &list,
        "k:\n  - - a\n    - 1\n  - b: null\n    c: true\n  - {}\n",
    );
}

#[test]
fn entries_are_removed() {
    for (before, path, after) in [
        ("a: b\nc: d\n", "a", "c: d\n"),
        ("a: b\nc: d\n", "c", "a: b\n"),
        ("a: b\nc: d", "c", "a: b"),
        (
            "a: b\n# c\nc: d # e\n\n# f\ng: h\n",
            "c",
            "a: b\n# c\n\n# f\ng: h\n",
        ),
        ("a:\n  b: c\n", "a.b", "a: {}\n"),
        ("a: b\n", "a", "{}\n"),
        ("a: [b, c, d]\n", "a[1]", "a: [b, d]\n"),
        ("a: [b, c]\n", "a[1]", "a: [b]\n"),
        ("a: [b]\n", "a[0]", "a: []\n"),
        ("a: {b: c, d: e}\n", "a.b", "a: {d: e}\n"),
        ("a:\n- b\n-\n- d\n", "a[1]", "a:\n- b\n- d\n"),
        ("a:\n- b: c\n  d: e\n", "a[0].b", "a:\n- d: e\n"),
        ("a:\n- b: c\n  d: e\n", "a[0].d", "a:\n- b: c\n"),
        ("a: |\n  x\n  y\nb: c\n", "a", "b: c\n"),
        ("? a\n: b\n? c\n: d\n", "c", "? a\n: b\n"),
        ("\u{feff}a: b\nc: d\n", "a", "\u{feff}c: d\n"),
    ] {
        let edited = remove(&source(before), &keys(path));
        assert_eq!(edited.expect("it can be removed"), after, "{before:?}");
    }
}

#[test]
fn nodes_are_replaced_together() {
    let before = "a:\n  fn::secret: one # c\nb: [{fn::secret: two}]\nencryption:\n  header: old\n";
    let (root, _) = parse(&source(before));
    let root = root.expect("it parses");
    let mut spans = Vec::new();
    for found in ["one", "two", "old"] {
        let start = before.find(found).expect("it is there") as u32;
        spans.push(find(&root, start).expect("it is a node"));
    }
    let replacements = [
        (spans[2], text("line\nline\n")),
        (spans[0], NewValue::entry("ciphertext", text("AA=="))),
        (spans[1], NewValue::entry("ciphertext", text("BB=="))),
    ];
    let after = "a:\n  fn::secret: # c\n    ciphertext: AA==\nb: [{fn::secret: {ciphertext: BB==}}]\n\
        encryption:\n  header: |\n    line\n    line\n";
    assert_eq!(
        replace_nodes(&source(before), &replacements).expect("they can"),
        after
    );
    let key = Span {
        start: 0,
        end: 1,
        line: 1,
        column: 1,
    };
    assert!(replace_nodes(&source(before), &[(key, text("x"))]).is_err());
}

fn find(node: &Node, start: u32) -> Option<Span> {
    match &node.kind {
        NodeKind::Map { entries, .. } => entries.iter().find_map(|entry| find(&entry.value, start)),
        NodeKind::List { items, .. } => items.iter().find_map(|item| find(item, start)),
        _ => (node.span.start == start).then_some(node.span),
    }
}

#[test]
fn paths_that_do_not_fit_are_refused() {
    for (before, path, message) in [
        ("a: [b]\n", "a.b", "a.b: key for an array must be an int"),
        ("a: [b]\n", "a[2]", "a[2]: array index out of range"),
        (
            "a: {b: c}\n",
            "a[0]",
            "a[0]: key for a map must be a string",
        ),
        ("a: b\n", "a.c", "a.c: expected an array or an object"),
        ("a: b\n", "c[1]", "c[1]: array index out of range"),
        ("a:\n", "a[1]", "a[1]: array index out of range"),
        ("a: 1\na: 2\n", "a", "a: the key is there twice"),
        (
            "a: *x\n",
            "a",
            "the definition has errors, so it was not changed",
        ),
    ] {
        let fault = set(&source(before), &keys(path), &text("hunter2"));
        assert_eq!(fault.expect_err("it is refused").to_string(), message);
    }
    let fault = remove(&source("a: b\n"), &keys("c"));
    assert_eq!(
        fault.expect_err("it is refused").to_string(),
        "c: there is no such value"
    );
}

/// Definitions as people write them: every comment and value differs, so that none can stand in for another.
const DEFINITION: &str = "# head\nimports: [base] # i\n\nvalues:\n  # above\n  app:\n    name: \"x\" # n\n    ports:\n    - 80 # p\n    \
    - 443\n    text: |\n      one\n      # not a comment\n\n    flow: {a: 1, b: [c, d]} # f\n  # between\n  empty: # e\n  \
    deep:\n    - k: v # k\n      l: w\n    # tail\nlast: >-\n  folded\n  text\n# end\n";

/// A value, for finding out which one did not work.
fn shown(value: &NewValue) -> String {
    match value {
        NewValue::String(text) => format!("{text:?}"),
        NewValue::List(items) => format!("{:?}", items.iter().map(shown).collect::<Vec<_>>()),
        NewValue::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key, shown(value)));
            format!("{:?}", entries.collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[ -~\n\tä😀\u{85}\u{feff}\r]{0,20}",
        "[a-z ]{0,3}(\n[a-z ]{0,4}){0,4}\n{0,3}",
        "-{0,3}[0-9_.xeo+-]{1,6}",
    ]
}

fn any_value() -> impl Strategy<Value = NewValue> {
    let leaf = prop_oneof![
        4 => any_text().prop_map(NewValue::string),
        1 => Just(NewValue::Null),
        1 => any::<bool>().prop_map(NewValue::Bool),
        1 => (-9_i32..99).prop_map(|number| NewValue::Number(number.to_string().into())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(NewValue::List),
            proptest::collection::vec((any_text(), inner), 0..3).prop_map(|entries| {
                let entries = entries.into_iter();
                NewValue::Map(entries.map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_can_stand_anywhere(
        value in any_value(),
        path in proptest::sample::select(vec![
            "imports[0]", "imports[1]", "values.app.name", "values.app.ports[0]", "values.app.ports[2]",
            "values.app.text", "values.app.flow.a", "values.app.flow.b[1]", "values.app.flow.z", "values.empty",
            "values.empty.x.y", "values.deep[0].k", "values.deep[0].z", "values.deep[1]", "values.new", "last", "top.new",
        ]),
        crlf in any::<bool>(),
    ) {
        let before = if crlf { DEFINITION.replace('\n', "\r\n") } else { DEFINITION.to_owned() };
        // That all other values are as they were is what the edit itself makes sure of.
        let after = set(&source(&before), &keys(path), &value);
        let after = after.map_err(|_| TestCaseError::fail(shown(&value)))?;
        for comment in ["# head", "# i", "# above", "# n", "# p", "# f", "# between", "# e", "# k", "# tail", "# end"] {
            prop_assert!(after.contains(comment), "{comment} is gone: {after}");
        }
        prop_assert_eq!(crlf, after.contains("\r\n"));
        prop_assert!(!crlf || !after.replace("\r\n", "").contains('\n'));
    }

    #[test]
    fn edits_of_any_text_never_panic(
        text in "([a-c]: |- |  |\n|[|>][-+]?|\\[|\\]|\\{|\\}|, |#|'|\"|&a |\t|x|\r\n){0,16}",
        value in any_value(),
        path in proptest::sample::select(vec!["a", "a.b", "a[0]", "b.c[0]", "[0]", "[1].a", ""]),
    ) {
        let _ = set(&source(&text), &keys(path), &value);
        let _ = remove(&source(&text), &keys(path));
    }
}
