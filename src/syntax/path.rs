//! Paths into a document: as people type them, and as diagnostics show them.

use std::fmt::Write;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the entry of a mapping.
    Key(Box<str>),
    /// Into the element of a list, counted from 0.
    Index(usize),
}

impl Step {
    /// A step into the entry `key`.
    pub fn key(key: impl Into<Box<str>>) -> Self {
        Step::Key(key.into())
    }
}

/// Renders a path as diagnostics show it: `values.a.b[0]["c-d"]`.
pub fn render(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) => push_key(&mut path, key),
            Step::Index(index) => push_index(&mut path, *index),
        }
    }
    path
}

/// Appends a step into the entry `key` to a rendered path. An empty key adds nothing.
pub fn push_key(path: &mut String, key: &str) {
    if is_name(key) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else if !key.is_empty() {
        path.push_str("[\"");
        path.push_str(&key.replace('"', "\\\""));
        path.push_str("\"]");
    }
}

/// Appends a step into the element `index` to a rendered path.
pub fn push_index(path: &mut String, index: usize) {
    write!(path, "[{index}]").expect("writing to a string does not fail");
}

/// Whether the key is written without brackets.
fn is_name(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
