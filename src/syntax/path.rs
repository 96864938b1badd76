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

    /// Appends the step to a rendered path.
    pub fn push_to(&self, path: &mut String) {
        match self {
            Step::Key(key) => push_key(path, key),
            Step::Index(index) => push_index(path, *index),
        }
    }
}

/// Renders a path as diagnostics show it: `values.a.b[0]["c-d"]`.
pub fn render(steps: &[Step]) -> String {
    let mut path = String::new();
    steps.iter().for_each(|step| step.push_to(&mut path));
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

/// Parses a path as people type it: names separated by `.`, keys of any text as `["key"]` (a quote in it as `\"`),
/// list positions as `[0]`, a key `*` as `[*]`. The empty text is the path to the whole.
///
/// # Errors
/// What is wrong with the text, without the text.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    if rest.starts_with('.') {
        return Err("expected property path to start with a name or index".into());
    }
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            match name.chars().next() {
                None => return Err("expected property path to end with a name or index".into()),
                Some('.') => return Err("property name must not be empty".into()),
                Some(_) => rest = name,
            }
        }
        let (step, after) = match rest.strip_prefix('[') {
            Some(subscript) => match subscript.strip_prefix('"') {
                Some(quoted) => parse_quoted(quoted)?,
                None => parse_index(subscript)?,
            },
            None => {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                (Step::key(&rest[..end]), &rest[end..])
            }
        };
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

/// Parses a key behind `["`.
fn parse_quoted(text: &str) -> Result<(Step, &str), String> {
    let mut key = String::new();
    let mut rest = text;
    loop {
        let end = rest
            .find(['"', '\\'])
            .ok_or("missing closing quote in property name")?;
        key.push_str(&rest[..end]);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix("\\\"") {
            key.push('"');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('\\') {
            key.push('\\');
            rest = after;
        } else {
            break;
        }
    }
    let after = rest
        .strip_prefix("\"]")
        .ok_or("missing closing bracket in property access")?;
    Ok((Step::key(key), after))
}

/// Parses an index behind `[`.
fn parse_index(text: &str) -> Result<(Step, &str), String> {
    let (index, after) = text
        .split_once(']')
        .ok_or("missing closing bracket in array index")?;
    if index == "*" {
        return Ok((Step::key("*"), after));
    }
    let index = index
        .parse()
        .map_err(|_| "invalid array index: it must be a whole number from 0")?;
    Ok((Step::Index(index), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths_parse() {
        let key = |key: &str| Step::key(key);
        for (text, expected) in [
            ("", vec![]),
            ("a", vec![key("a")]),
            ("a.b-c.0", vec![key("a"), key("b-c"), key("0")]),
            (
                "a[0][12].b",
                vec![key("a"), Step::Index(0), Step::Index(12), key("b")],
            ),
            (
                r#"["a.b"]["c\"d"].e"#,
                vec![key("a.b"), key("c\"d"), key("e")],
            ),
            (r#"a["b\n"]c"#, vec![key("a"), key("b\\n"), key("c")]),
            (r#"a.["b"][*]"#, vec![key("a"), key("b"), key("*")]),
            (r#"[""]"#, vec![key("")]),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_explained() {
        for (text, expected) in [
            (".a", "expected property path to start with a name or index"),
            ("a.", "expected property path to end with a name or index"),
            ("a..b", "property name must not be empty"),
            (r#"["a"#, "missing closing quote in property name"),
            (r#"["a\""#, "missing closing quote in property name"),
            (r#"["a""#, "missing closing bracket in property access"),
            ("a[1", "missing closing bracket in array index"),
            (
                "a[-1]",
                "invalid array index: it must be a whole number from 0",
            ),
            (
                "a[]",
                "invalid array index: it must be a whole number from 0",
            ),
        ] {
            assert_eq!(parse(text), Err(expected.into()), "{text}");
        }
    }

    #[test]
    fn paths_render_as_diagnostics_show_them() {
        for (text, expected) in [
            ("values.a.b[0][\"c-d\"]", "values.a.b[0][\"c-d\"]"),
            ("[\"1a\"]._x", "[\"1a\"]._x"),
            ("a[\"b\\\"c\"]", "a[\"b\\\"c\"]"),
            ("a[\"\"].b", "a.b"),
        ] {
            assert_eq!(render(&parse(text).expect("it is a path")), expected);
        }
    }
}
