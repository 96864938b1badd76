//! From the parser's positions, which count characters, to bytes, and from bytes to lines and columns.

use crate::source::Span;

/// How far apart the places are whose position is known without counting, in bytes.
const STRIDE: usize = 64;

/// What is known of a place in the text.
#[derive(Clone, Copy)]
struct Mark {
    /// Characters before it.
    chars: u32,
    /// Line breaks before it.
    breaks: u32,
    /// Characters before the line that it lies in.
    line_chars: u32,
}

/// Finds positions in a text in time that does not depend on how long the text or its lines are.
pub(super) struct TextIndex<'a> {
    text: &'a str,
    ascii: bool,
    marks: Vec<Mark>,
}

impl<'a> TextIndex<'a> {
    /// Reads the text once. It must be shorter than 4 GiB.
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut marks = Vec::with_capacity(bytes.len() / STRIDE + 1);
        let mut mark = Mark {
            chars: 0,
            breaks: 0,
            // A byte-order mark takes no column.
            line_chars: u32::from(text.starts_with('\u{feff}')),
        };
        for start in (0..=bytes.len()).step_by(STRIDE) {
            marks.push(mark);
            advance(&mut mark, bytes, start, (start + STRIDE).min(bytes.len()));
        }
        Self {
            text,
            ascii: text.is_ascii(),
            marks,
        }
    }

    /// The offset in bytes of the character number `chars`; the end of the text if there are fewer.
    pub(super) fn byte_of_char(&self, chars: usize) -> usize {
        if self.ascii {
            return chars.min(self.text.len());
        }
        let after = self
            .marks
            .partition_point(|mark| mark.chars as usize <= chars);
        let known = after.saturating_sub(1);
        let mut missing = chars - (self.marks[known].chars as usize).min(chars);
        let bytes = self.text.as_bytes();
        let mut at = known * STRIDE;
        while at < bytes.len() {
            if is_char_start(bytes[at]) {
                if missing == 0 {
                    break;
                }
                missing -= 1;
            }
            at += 1;
        }
        at
    }

    /// The span from `start` to `end`, given in bytes.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let start = start.min(self.text.len());
        let known = start / STRIDE;
        let mut mark = self.marks[known];
        advance(&mut mark, self.text.as_bytes(), known * STRIDE, start);
        Span {
            start: start as u32,
            end: end.clamp(start, self.text.len()) as u32,
            line: mark.breaks + 1,
            column: mark.chars.saturating_sub(mark.line_chars) + 1,
        }
    }
}

/// Moves `mark` from the offset `from` to the offset `to`.
fn advance(mark: &mut Mark, bytes: &[u8], from: usize, to: usize) {
    for at in from..to {
        let byte = bytes[at];
        mark.chars += u32::from(is_char_start(byte));
        if byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            mark.breaks += 1;
            mark.line_chars = mark.chars;
        }
    }
}

/// Whether a character of UTF-8 begins with this byte.
fn is_char_start(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_agree_with_counting() {
        let line = "aä€😀\t:x".repeat(40);
        let text = format!("\u{feff}a\r\n{line}\rb\n\n{line}{line}\n");
        let index = TextIndex::new(&text);
        let (mut line, mut column) = (1, 0);
        for (chars, (at, c)) in text.char_indices().enumerate() {
            assert_eq!(index.byte_of_char(chars), at);
            if at > 0 {
                let span = index.span(at, at);
                assert_eq!((span.line, span.column), (line, column + 1), "at {at}");
                column += 1;
            }
            if c == '\n' || (c == '\r' && !text[at..].starts_with("\r\n")) {
                (line, column) = (line + 1, 0);
            }
        }
        assert_eq!(index.byte_of_char(1_000_000), text.len());
    }

    #[test]
    fn ends_are_clamped() {
        let index = TextIndex::new("ab");
        assert_eq!(index.span(9, 1).range(), 2..2);
        assert_eq!(index.span(1, 9).range(), 1..2);
        assert_eq!(TextIndex::new("").span(0, 0).range(), 0..0);
    }
}
