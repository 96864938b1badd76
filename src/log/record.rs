//! An event, as it is told.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use serde::ser::{SerializeMap, Serializer};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::quote::{is_printable, quoted};

/// The field that holds what is told in words.
const MESSAGE: &str = "message";

/// What an event says.
pub(super) struct Record {
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// What a field holds.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Number(i64),
    Flag(bool),
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Record {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut record = Self {
            level: *event.metadata().level(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        record
    }

    /// How grave it is, in a word.
    fn severity(&self) -> &'static str {
        match self.level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG | Level::TRACE => "debug",
        }
    }

    /// A line for people.
    pub(super) fn text(&self) -> String {
        let mut line = "escrun: ".to_owned();
        if self.level != Level::INFO {
            line += self.severity();
            line += ": ";
        }
        // What stands between lines of other programs is one line.
        line.extend(
            self.message
                .chars()
                .map(|c| if is_printable(c) { c } else { '\u{fffd}' }),
        );
        for (name, value) in &self.fields {
            let value = value.to_string();
            let is_plain = |c: char| is_printable(c) && !matches!(c, ' ' | '"' | '=' | '\\');
            let value = if !value.is_empty() && value.chars().all(is_plain) {
                value
            } else {
                quoted(&value)
            };
            let _ = write!(line, " {name}={value}");
        }
        line.push('\n');
        line
    }

    /// A line of JSON.
    pub(super) fn json(&self, time: SystemTime) -> Vec<u8> {
        let mut line = Vec::new();
        let time = humantime::format_rfc3339_millis(time).to_string();
        let written = serde_json::Serializer::new(&mut line)
            .serialize_map(None)
            .and_then(|mut map| {
                map.serialize_entry("time", &time)?;
                map.serialize_entry("level", self.severity())?;
                map.serialize_entry(MESSAGE, &self.message)?;
                for (name, value) in &self.fields {
                    match value {
                        Value::Number(number) => map.serialize_entry(name, number)?,
                        Value::Flag(flag) => map.serialize_entry(name, flag)?,
                        Value::Text(text) => map.serialize_entry(name, text)?,
                    }
                }
                map.end()
            });
        written.expect("texts and numbers can always be written as JSON");
        line.push(b'\n');
        line
    }

    fn add(&mut self, field: &Field, value: Value) {
        if field.name() == MESSAGE {
            self.message = value.to_string();
        } else {
            self.fields.push((field.name(), value));
        }
    }
}

impl Visit for Record {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let value =
            i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Number);
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Flag(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::Text(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record(level: Level, message: &str) -> Record {
        Record {
            level,
            message: message.to_owned(),
            fields: vec![
                ("child", Value::Number(12)),
                ("signal", Value::Text("SIGTERM".into())),
                ("reason", Value::Text("no \"such\" file".into())),
            ],
        }
    }

    #[test]
    fn a_record_is_one_line_of_text() {
        assert_eq!(
            record(Level::WARN, "a\nb").text(),
            "escrun: warning: a\u{fffd}b child=12 signal=SIGTERM reason=\"no \\\"such\\\" file\"\n"
        );
        assert!(
            record(Level::INFO, "ready")
                .text()
                .starts_with("escrun: ready child")
        );
    }

    #[test]
    fn a_record_is_one_line_of_json() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let line = record(Level::ERROR, "a\nb").json(time);
        assert_eq!(
            String::from_utf8(line).expect("UTF-8"),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\",\"message\":\"a\\nb\",\"child\":12,\
             \"signal\":\"SIGTERM\",\"reason\":\"no \\\"such\\\" file\"}\n"
        );
    }
}
