//! Values to YAML text.

use super::layout::Layout;
use super::site::Parent;
use super::tree::NewValue;
use crate::syntax::Style;
use crate::syntax::scalar::{Resolved, resolve};

/// A value as it stands in block style.
pub(super) struct Written {
    /// What stands behind the indicator; empty for what starts on the next line.
    pub(super) head: String,
    /// The lines that follow, without breaks.
    pub(super) body: Vec<String>,
}

impl Written {
    fn line(head: String) -> Self {
        let body = Vec::new();
        Self { head, body }
    }

    /// The lines below, each behind a line break.
    pub(super) fn tail(&self, line_break: &str) -> String {
        let mut tail = String::new();
        for line in &self.body {
            tail.push_str(line_break);
            tail.push_str(line);
        }
        tail
    }
}

/// Writes a value in block style below a parent. `style` is how what it replaces was written.
pub(super) fn block(
    value: &NewValue,
    parent: Parent,
    style: Option<Style>,
    layout: &Layout,
) -> Written {
    match value {
        NewValue::String(text) => literal(text, parent, style, layout)
            .unwrap_or_else(|| Written::line(flow(value, style))),
        NewValue::Map(entries) if !entries.is_empty() => {
            let column = layout.map_column(parent);
            let lines = entries
                .iter()
                .flat_map(|(key, value)| entry(key, value, column, layout));
            below(lines.collect(), parent)
        }
        NewValue::List(items) if !items.is_empty() => {
            let column = layout.list_column(parent);
            let lines = items.iter().flat_map(|value| item(value, column, layout));
            below(lines.collect(), parent)
        }
        _ => Written::line(flow(value, style)),
    }
}

/// The lines of an entry of a block mapping whose keys stand in `column`.
pub(super) fn entry(key: &str, value: &NewValue, column: usize, layout: &Layout) -> Vec<String> {
    let written = block(value, Parent::Map(column), None, layout);
    let gap = if written.head.is_empty() { "" } else { " " };
    let first = format!(
        "{}{}:{gap}{}",
        " ".repeat(column),
        quote(key, None),
        written.head
    );
    std::iter::once(first).chain(written.body).collect()
}

/// The lines of an item of a block list whose dashes stand in `column`.
pub(super) fn item(value: &NewValue, column: usize, layout: &Layout) -> Vec<String> {
    let written = block(value, Parent::List(column), None, layout);
    let first = format!("{}- {}", " ".repeat(column), written.head);
    std::iter::once(first).chain(written.body).collect()
}

/// Lines that start behind a dash, or else on the line below.
fn below(mut lines: Vec<String>, parent: Parent) -> Written {
    let head = match parent {
        Parent::List(_) => lines.remove(0).trim_start().to_owned(),
        _ => String::new(),
    };
    Written { head, body: lines }
}

/// Writes a value on one line, as it may stand in brackets.
pub(super) fn flow(value: &NewValue, style: Option<Style>) -> String {
    match value {
        NewValue::Null => "null".into(),
        NewValue::Bool(value) => value.to_string(),
        NewValue::Number(text) => text.to_string(),
        NewValue::String(text) => quote(text, style),
        NewValue::List(items) => {
            let items: Vec<_> = items.iter().map(|item| flow(item, None)).collect();
            format!("[{}]", items.join(", "))
        }
        NewValue::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| flow_entry(key, value))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// An entry of a mapping in braces.
pub(super) fn flow_entry(key: &str, value: &NewValue) -> String {
    format!("{}: {}", quote(key, None), flow(value, None))
}

/// A string on one line, without quotes where they are not needed.
fn quote(text: &str, style: Option<Style>) -> String {
    let style = match style {
        None | Some(Style::Plain) if can_be_plain(text) => return text.to_owned(),
        Some(Style::SingleQuoted | Style::DoubleQuoted) => style,
        _ if text.contains(['"', '\\']) => Some(Style::SingleQuoted),
        _ => Some(Style::DoubleQuoted),
    };
    if style == Some(Style::SingleQuoted) && text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quote(text)
    }
}

fn double_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_printable(c) => quoted.push(c),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character may stand for itself on one line of a definition, for every parser of YAML.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// Whether a text without quotes reads back as itself, as a string, in block and in flow style, as key and as value.
///
/// Stricter than need be: words that YAML 1.1 took for booleans get quotes, for the sake of other programs.
fn can_be_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "<<", "="];
    let Some(first) = text.chars().next() else {
        return false;
    };
    let indicator = "-?:,[]{}#&*!|>'\"%@`".contains(first);
    // `-x` is a string, `- x` is none.
    let harmless = first == '-' && text[1..].starts_with(|c: char| c.is_ascii_alphanumeric());
    (!indicator || harmless)
        && resolve(text) == Resolved::String
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && text.trim() == text
        && text.chars().all(is_printable)
        && !text.contains([',', '[', ']', '{', '}'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !looks_like_date(text)
}

/// Whether other parsers may take the text for a timestamp.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 4 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
}

/// Writes a text as a literal block scalar, if it has several lines (or was one before) and can be one.
fn literal(text: &str, parent: Parent, style: Option<Style>, layout: &Layout) -> Option<Written> {
    let was_block = matches!(style, Some(Style::Literal | Style::Folded));
    let content = text.trim_end_matches('\n');
    let wanted = content.contains('\n') || was_block;
    let step = layout.text_step();
    let column = match parent {
        Parent::Map(column) | Parent::List(column) => column + step,
        Parent::Root => step,
        Parent::Flow => return None,
    };
    let lines: Vec<&str> = content.split('\n').collect();
    let fits = lines.iter().all(|line| {
        line.chars().all(|c| is_printable(c) || c == '\t')
            && (line.is_empty() || !line.trim().is_empty())
    });
    if !layout.block_scalars
        || !wanted
        || !fits
        || content.is_empty()
        || content.starts_with(['\t', '\n'])
    {
        return None;
    }
    let mut head = String::from("|");
    if content.starts_with(' ') {
        // The first line would be taken for the measure of the indentation.
        if step > 9 || parent == Parent::Root {
            return None;
        }
        head.push_str(&step.to_string());
    }
    match text.len() - content.len() {
        0 => head.push('-'),
        1 => {}
        // A scalar that keeps its last breaks would take the blank lines behind it, too.
        _ => return None,
    }
    let indented = |line: &&str| match line.is_empty() {
        true => String::new(),
        false => format!("{}{line}", " ".repeat(column)),
    };
    let body = lines.iter().map(indented).collect();
    Some(Written { head, body })
}
