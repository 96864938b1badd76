//! Where the pieces of a string stand in the document.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::source::Span;
use crate::syntax::{StringNode, Style};

/// Finds the places of pieces of a string. Only in a plain scalar on one line does every character of the text stand
/// where its column says; elsewhere the whole string is the place.
pub(super) struct Places<'a> {
    text: &'a str,
    span: Span,
    /// Present if the pieces have places of their own.
    plain: Option<Plain>,
}

/// A plain scalar.
struct Plain {
    /// Where its text starts. There is none if it is folded over several lines.
    offset: Option<u32>,
    /// The piece that was asked for last, and its distance in columns from the start: the next one is near it, and a
    /// text can have as many pieces as characters.
    last: (usize, u32),
}

impl<'a> Places<'a> {
    /// The places in a string that has the `span`.
    pub(super) fn new(string: &'a StringNode, span: Span) -> Self {
        let properties = string.properties;
        let plain = (string.style == Style::Plain).then(|| {
            let on_one_line =
                (span.end - span.start) as usize == string.text.len() + properties as usize;
            Plain {
                offset: on_one_line.then_some(span.start + properties),
                last: (0, 0),
            }
        });
        Self {
            text: &string.text,
            span,
            plain,
        }
    }

    /// One place for all that is in `text`.
    pub(super) fn whole(text: &'a str, span: Span) -> Self {
        Self {
            text,
            span,
            plain: None,
        }
    }

    /// The place of the bytes `range` of the text.
    pub(super) fn of(&mut self, range: &Range<usize>) -> Span {
        let span = self.span;
        let Some(plain) = &mut self.plain else {
            return span;
        };
        let (at, columns) = plain.last;
        let columns = if range.start >= at {
            columns + width(&self.text[at..range.start])
        } else {
            columns.saturating_sub(width(&self.text[range.start..at]))
        };
        plain.last = (range.start, columns);
        let column = span.column + columns;
        match plain.offset {
            Some(offset) => Span {
                start: offset + range.start as u32,
                end: offset + range.end as u32,
                line: span.line,
                column,
            },
            // Counted along the first line.
            None => Span { column, ..span },
        }
    }
}

/// How many columns a text takes: two for a wide character, none for a tab or another control character.
fn width(text: &str) -> u32 {
    let shown = text.split(|c: char| c.is_control());
    shown.map(UnicodeWidthStr::width).sum::<usize>() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_what_is_seen() {
        for (text, expected) in [
            ("ab", 2),
            ("a\tb\n", 2),
            ("\u{e9}e\u{301}", 2),
            ("\u{65e5}\u{672c}", 4),
            ("\u{1f600}", 2),
        ] {
            assert_eq!(width(text), expected, "{text:?}");
        }
    }

    #[test]
    fn pieces_may_be_asked_for_in_any_order() {
        let text = "\u{65e5}\u{e9} ${a}";
        let string = StringNode {
            text: text.into(),
            style: Style::Plain,
            properties: 0,
        };
        let span = Span {
            start: 10,
            end: 10 + text.len() as u32,
            line: 2,
            column: 5,
        };
        let mut places = Places::new(&string, span);
        for (start, column) in [(6, 9), (0, 5), (3, 7), (6, 9), (5, 8)] {
            assert_eq!(places.of(&(start..start)).column, column, "at {start}");
        }
    }
}
