//! `fn::split: [DELIMITER, TEXT]`

use super::bytes;
use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::value::{Data, Text, Value};

impl Scope<'_, '_> {
    /// Splits at every occurrence; an empty delimiter splits into characters. The parts of a secret are secret.
    pub(super) fn split(&mut self, delimiter: ExprId, text: ExprId, id: ExprId) -> Value {
        let delimiter = self.string_argument(delimiter, id);
        let text = self.string_argument(text, id);
        let secret = delimiter.value.holds_secret() || text.value.holds_secret();
        if !delimiter.usable || !text.usable {
            return self.unusable(id, Schema::array_of(Schema::string()), secret);
        }
        let pieces = pieces(bytes(&text.value), bytes(&delimiter.value));
        if !self.may_list(pieces.len(), id) {
            return self.unusable(id, Schema::array_of(Schema::string()), secret);
        }
        let parts = pieces.into_iter().map(|piece| {
            let part = self.value(id, Data::String(Text::join(&[piece], secret)));
            Value { secret, ..part }
        });
        let parts = parts.collect();
        self.value(id, Data::List(parts))
    }
}

fn pieces<'a>(mut text: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    if delimiter.is_empty() {
        while !text.is_empty() {
            let (head, tail) = text.split_at(first_character(text));
            pieces.push(head);
            text = tail;
        }
        return pieces;
    }
    if let (Ok(text), Ok(delimiter)) = (std::str::from_utf8(text), std::str::from_utf8(delimiter)) {
        // The same pieces, in time that grows with the text alone.
        return text.split(delimiter).map(str::as_bytes).collect();
    }
    while let Some(at) = text
        .windows(delimiter.len())
        .position(|window| window == delimiter)
    {
        pieces.push(&text[..at]);
        text = &text[at + delimiter.len()..];
    }
    pieces.push(text);
    pieces
}

/// The length of the first character; one byte where the text is no UTF-8.
fn first_character(text: &[u8]) -> usize {
    let longest = text.len().min(4);
    (1..=longest)
        .find(|length| std::str::from_utf8(&text[..*length]).is_ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn text_is_split_at_every_delimiter() {
        let cases: [(&str, &str, &[&str]); 7] = [
            (",", "a,b,,c,", &["a", "b", "", "c", ""]),
            (",", "", &[""]),
            ("::", "a:::b", &["a", ":b"]),
            (";", "a,b", &["a,b"]),
            ("", "héllo", &["h", "é", "l", "l", "o"]),
            ("", "😀x", &["😀", "x"]),
            ("", "", &[]),
        ];
        for (delimiter, text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|piece| piece.as_bytes()).collect();
            assert_eq!(
                pieces(text.as_bytes(), delimiter.as_bytes()),
                expected,
                "{text:?} at {delimiter:?}"
            );
        }
        assert_eq!(
            pieces(b"a\xff\xfeb", b""),
            [b"a", &b"\xff"[..], b"\xfe", b"b"]
        );
    }
}
