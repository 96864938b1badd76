//! An edit changes what it was asked for, or nothing.

use std::sync::Arc;

use escrun::source::Source;
use escrun::syntax::edit::{NewValue, remove, set};
use escrun::syntax::path::{Step, parse as parse_path};
use escrun::syntax::{self, NodeKind};

/// Takes a definition, a path and a text, with NUL between them.
pub fn check(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let mut parts = data.splitn(3, '\0');
    let (Some(definition), path, text) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let Ok(path) = parse_path(path.unwrap_or("values.a")) else {
        return;
    };
    let source = Source::new("test", None, definition);
    let text = text.unwrap_or("new");
    let values = [
        NewValue::string(text),
        NewValue::entry("fn::secret", NewValue::string(text)),
        NewValue::List(vec![NewValue::string(text), NewValue::Null]),
    ];
    for value in values {
        if let Ok(edited) = set(&source, &path, &value) {
            assert!(
                said(&edited, &path) == Some(value),
                "something else was set"
            );
        }
    }
    if let Ok(edited) = remove(&source, &path) {
        // The item behind a removed one takes its place.
        let is_key = matches!(path.last(), Some(Step::Key(_)));
        assert!(
            !is_key || said(&edited, &path).is_none(),
            "it is still there"
        );
    }
}

/// What a definition says at a path.
fn said(definition: &str, path: &[Step]) -> Option<NewValue> {
    let source: Arc<Source> = Source::new("test", None, definition);
    let (root, faults) = syntax::parse(&source);
    assert!(!faults.iter().any(|fault| fault.is_error()), "broken");
    let root = root?;
    let mut node = &root;
    for step in path {
        node = match (&node.kind, step) {
            (NodeKind::Map { entries, .. }, Step::Key(key)) => {
                &entries.iter().find(|entry| entry.key == *key)?.value
            }
            (NodeKind::List { items, .. }, Step::Index(index)) => items.get(*index)?,
            _ => return None,
        };
    }
    Some(NewValue::of(node))
}
