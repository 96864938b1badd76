//! Texts for messages: quoted strings and compact JSON, without secrets.

use std::fmt::Write as _;

use super::keywords::{Literal, Name};
use crate::secret::REDACTED;
use crate::value::{Data, Value};

/// The names, or what stands for the secret ones, separated by commas.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let mut out = String::new();
    for name in names {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(if name.secret { REDACTED } else { &name.text });
    }
    out
}

/// The JSON list of `literals`.
pub(super) fn literals(literals: &[Literal]) -> String {
    let texts: Vec<_> = literals.iter().map(literal).collect();
    format!("[{}]", texts.join(","))
}

/// The JSON of `literal`.
pub(super) fn literal(literal: &Literal) -> String {
    let mut out = String::new();
    match literal {
        Literal::String(text) => write_string(&mut out, text),
        Literal::Value(value) if value.weight() > HEAVIEST => {
            out.push_str("a value that is too large to show");
        }
        Literal::Value(value) => write_value(&mut out, value),
    }
    out
}

/// A constant that is larger than this, in bytes when written out, is not shown.
const HEAVIEST: u64 = 64 * 1024;

/// Compact JSON, keys sorted by their bytes.
fn write_value(out: &mut String, value: &Value) {
    if value.secret {
        out.push_str(REDACTED);
        return;
    }
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(true) => out.push_str("true"),
        Data::Bool(false) => out.push_str("false"),
        Data::Number(text) => out.push_str(&String::from_utf8_lossy(text.bytes())),
        Data::String(text) => write_string(out, text.bytes()),
        Data::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Data::Object(object) => {
            out.push('{');
            for (index, (key, member)) in object.members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(out, key.as_bytes());
                out.push(':');
                write_value(out, &member.value);
            }
            out.push('}');
        }
        Data::Unknown(_) => out.push_str("[unknown]"),
    }
}

fn write_string(out: &mut String, text: &[u8]) {
    out.push('"');
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // As the JSON of `fn::toJSON` has them.
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                append(out, format_args!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes all");
}
