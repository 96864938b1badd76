//! JSON to values, as `fn::fromJSON` reads it (language specification, section 4.6): the first value of the text counts
//! and what follows it is ignored, the last of equal keys wins, and number texts are kept. Or as everyone else reads it:
//! nothing may follow the value.

mod unescape;

use std::collections::BTreeMap;
use std::sync::Arc;

use unescape::unescape;

use super::{DEEPEST, Error, Part, Sink, build};
use crate::quote::is_printable;
use crate::source::Origin;
use crate::value::{Data, Member, Object, Text, Value};

/// Decodes the first JSON value of `text`. If `secret`, all values at every level are, and lie in locked memory. All have
/// `origin`, and members are marked as chosen from outside.
///
/// # Errors
/// The reason, for a message `decoding JSON string: REASON`. It holds nothing of the text if `secret`.
pub fn decode_json(text: &[u8], secret: bool, origin: &Origin) -> Result<Value, String> {
    Reader::new(text, secret, origin).first()
}

/// Decodes a `text` that is one JSON value and nothing else; otherwise like [`decode_json`].
///
/// # Errors
/// The reason. It holds nothing of the text, secret or not.
pub fn decode_whole_json(text: &[u8], secret: bool, origin: &Origin) -> Result<Value, String> {
    let mut reader = Reader {
        quotes: false,
        ..Reader::new(text, secret, origin)
    };
    let value = reader.first()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err("text follows the value".to_owned()),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    secret: bool,
    /// Whether reasons quote the text.
    quotes: bool,
    origin: &'a Origin,
}

/// What became of a collection when a value was put into it.
enum Put {
    /// Another value follows.
    More(Open),
    /// That was the last one.
    Complete(Data),
}

/// A collection of which the end has not been read.
enum Open {
    List(Vec<Value>),
    /// The members so far, and the key of the next one.
    Object(BTreeMap<Arc<str>, Member>, Arc<str>),
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], secret: bool, origin: &'a Origin) -> Self {
        Self {
            text,
            at: 0,
            secret,
            quotes: !secret,
            origin,
        }
    }

    fn first(&mut self) -> Result<Value, String> {
        match self.peek() {
            None => Err("EOF".to_owned()),
            Some(_) => self.value(),
        }
    }

    /// Reads one value. What is open is kept in a list, not on the stack, which text from outside must not fill.
    fn value(&mut self) -> Result<Value, String> {
        let mut open = Vec::new();
        loop {
            let mut data = match self.peek() {
                Some(b'[' | b'{') if open.len() == DEEPEST => {
                    return Err(format!("exceeded max depth of {DEEPEST}"));
                }
                Some(b'[') => match self.begin_list() {
                    None => Data::List(Arc::from([])),
                    Some(list) => {
                        open.push(list);
                        continue;
                    }
                },
                Some(b'{') => match self.begin_object()? {
                    None => Data::Object(Arc::default()),
                    Some(object) => {
                        open.push(object);
                        continue;
                    }
                },
                _ => self.scalar()?,
            };
            // The value is complete, and may in turn complete those that it stands in.
            loop {
                let value = Value {
                    secret: self.secret,
                    ..Value::new(data, self.origin.clone())
                };
                let Some(parent) = open.pop() else {
                    return Ok(value);
                };
                match self.put(parent, value)? {
                    Put::More(parent) => {
                        open.push(parent);
                        break;
                    }
                    Put::Complete(collection) => data = collection,
                }
            }
        }
    }

    fn scalar(&mut self) -> Result<Data, String> {
        match self.byte() {
            Some(b'"') => {
                let raw = self.string()?;
                Ok(Data::String(self.text_of(raw, unescape)?))
            }
            Some(b'-' | b'0'..=b'9') => {
                let raw = self.number()?;
                Ok(Data::Number(self.text_of(raw, copy)?))
            }
            Some(b't') => self.literal("true", Data::Bool(true)),
            Some(b'f') => self.literal("false", Data::Bool(false)),
            Some(b'n') => self.literal("null", Data::Null),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    /// Reads `[`, and `]` if the list is empty: then nothing is open.
    fn begin_list(&mut self) -> Option<Open> {
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return None;
        }
        Some(Open::List(Vec::new()))
    }

    /// Reads `{` and the first key, or `}` if the object is empty: then nothing is open.
    fn begin_object(&mut self) -> Result<Option<Open>, String> {
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        Ok(Some(Open::Object(BTreeMap::new(), self.key()?)))
    }

    /// Puts a value into its collection, and reads what follows it there.
    fn put(&mut self, parent: Open, value: Value) -> Result<Put, String> {
        let next = self.peek();
        match parent {
            Open::List(mut items) => {
                items.push(value);
                match next {
                    Some(b',') => {
                        self.at += 1;
                        Ok(Put::More(Open::List(items)))
                    }
                    Some(b']') => {
                        self.at += 1;
                        Ok(Put::Complete(Data::List(Arc::from(items))))
                    }
                    _ => Err(self.unexpected("after array element")),
                }
            }
            Open::Object(mut members, key) => {
                let member = Member {
                    value,
                    outside: true,
                };
                members.insert(key, member);
                match next {
                    Some(b',') => {
                        self.at += 1;
                        Ok(Put::More(Open::Object(members, self.key()?)))
                    }
                    Some(b'}') => {
                        self.at += 1;
                        Ok(Put::Complete(Data::Object(Arc::new(Object::new(members)))))
                    }
                    _ => Err(self.unexpected("after object key:value pair")),
                }
            }
        }
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<Arc<str>, String> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let raw = self.string()?;
        let key = self.text_of(raw, unescape)?;
        if self.peek() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        // `unescape` gives nothing but UTF-8; keys are names, which the type of objects keeps as plain text.
        Ok(Arc::from(String::from_utf8_lossy(key.bytes())))
    }

    /// Reads a string, and gives what stands between its quotes.
    fn string(&mut self) -> Result<&'a [u8], String> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.byte() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {}
                        Some(b'u') => {
                            for _ in 0..4 {
                                self.at += 1;
                                if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(
                                        self.unexpected("in \\u hexadecimal character escape")
                                    );
                                }
                            }
                        }
                        _ => return Err(self.unexpected("in string escape code")),
                    }
                    self.at += 1;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(raw)
    }

    /// Reads a number. A zero ends the number, since whatever follows a value is somebody else's.
    fn number(&mut self) -> Result<&'a [u8], String> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits("in numeric literal")?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected(context));
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str, data: Data) -> Result<Data, String> {
        for expected in word.bytes() {
            if self.byte() != Some(expected) {
                let expecting = format!("in literal {word} (expecting '{}')", expected as char);
                // Which word it is tells of the text.
                let context = if self.quotes {
                    &expecting
                } else {
                    "in literal"
                };
                return Err(self.unexpected(context));
            }
            self.at += 1;
        }
        Ok(data)
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.byte()
    }

    /// What is wrong with the byte that comes next, in the words of Go's `encoding/json`.
    fn unexpected(&self, context: &str) -> String {
        match self.byte() {
            None => "unexpected EOF".to_owned(),
            Some(_) if !self.quotes => format!("invalid character {context}"),
            Some(byte) => format!("invalid character {} {context}", quoted(byte)),
        }
    }

    fn text_of(
        &self,
        raw: &[u8],
        write: fn(&[u8], &mut dyn Sink) -> Result<(), Error>,
    ) -> Result<Text, String> {
        let built = build(|sink| {
            if self.secret {
                sink.note(Part::Secret);
            }
            write(raw, sink)
        });
        match built {
            Ok(encoded) => Ok(encoded.text),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A byte as Go quotes it: taken as a code point, in single quotes.
fn quoted(byte: u8) -> String {
    let character = char::from(byte);
    let escaped = match character {
        '\'' | '\\' => format!("\\{character}"),
        '\n' | '\r' | '\t' => character.escape_default().to_string(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        _ if is_printable(character) => character.to_string(),
        '\0'..='\u{7f}' => format!("\\x{byte:02x}"),
        _ => format!("\\u{byte:04x}"),
    };
    format!("'{escaped}'")
}

fn copy(raw: &[u8], sink: &mut dyn Sink) -> Result<(), Error> {
    sink.write(raw)
}

#[cfg(test)]
mod tests;
