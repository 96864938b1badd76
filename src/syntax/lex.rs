//! A rough reading of a text, for the forms that libyaml reads and the event parser refuses: closing brackets and
//! lines in quotes that are not indented, a tab behind a colon, a comment right behind a quote or bracket.
//!
//! It need not be right about every text: what is made of it is checked against the nodes that come out.

use super::gap::{is_indicator, line_end, quoted_end, skip_break};

/// Blanks that the event parser wants and the text does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pad {
    /// Where they belong, in bytes.
    pub(super) at: usize,
    /// How many.
    pub(super) count: usize,
}

/// What was found.
#[derive(Default)]
pub(super) struct Lexed {
    /// At starts of lines and in front of comments, in order.
    pub(super) pads: Vec<Pad>,
    /// Tabs that should be blanks, in order.
    pub(super) tabs: Vec<usize>,
}

/// Reads a text.
pub(super) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        text,
        at: if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        },
        line: 0,
        column: None,
        found: Lexed::default(),
    };
    lexer.line = lexer.at;
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// The start of the current line.
    line: usize,
    /// The column of the key or dash that what follows belongs to.
    column: Option<usize>,
    found: Lexed,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Reads what stands at the current place, outside brackets.
    fn token(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        if start == self.line && rest.starts_with('%') {
            self.at = line_end(self.text, start);
            return;
        }
        if start == self.line && (rest.starts_with("---") || rest.starts_with("...")) {
            self.column = None;
            self.at += 3;
            return;
        }
        match self.text.as_bytes()[start] {
            b' ' | b'\t' => self.at += 1,
            b'\n' | b'\r' => self.next_line(),
            b'#' => self.at = line_end(self.text, start),
            b'-' | b'?' if is_indicator(self.text, start, self.text.as_bytes()[start]) => {
                self.column = Some(start - self.line);
                self.at += 1;
            }
            b':' if is_indicator(self.text, start, b':') => self.colon(),
            b'&' | b'!' | b'*' => {
                let length = self.text[start..].find([' ', '\t', '\n', '\r']);
                self.at = length.map_or(self.text.len(), |length| start + length);
            }
            b'|' | b'>' => self.block_scalar(),
            b'"' | b'\'' => {
                self.quoted();
                self.key(start);
                self.comment();
            }
            b'[' | b'{' => {
                self.brackets();
                self.key(start);
                self.comment();
            }
            _ => self.plain(),
        }
    }

    fn next_line(&mut self) {
        self.at = skip_break(self.text, self.at);
        self.line = self.at;
    }

    fn colon(&mut self) {
        self.at += 1;
        if self.byte(self.at) == Some(b'\t') {
            self.found.tabs.push(self.at);
        }
    }

    /// Notes that what started at `start` and was just read is a key, if it is one.
    fn key(&mut self, start: usize) {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t']);
        if is_indicator(rest, 0, b':') && start >= self.line {
            self.column = Some(start - self.line);
        }
    }

    /// A comment that nothing parts from what stands in front of it.
    fn comment(&mut self) {
        if self.byte(self.at) == Some(b'#') {
            self.found.pads.push(Pad {
                at: self.at,
                count: 1,
            });
            self.at = line_end(self.text, self.at);
        }
    }

    /// Skips the lines that belong to what was begun: blank ones, and those further in than its key or dash.
    fn skip_lines(&mut self, stop_at_comments: bool) {
        self.at = line_end(self.text, self.at);
        while self.at < self.text.len() {
            let next = skip_break(self.text, self.at);
            let end = line_end(self.text, next);
            let line = &self.text[next..end];
            let indent = line.len() - line.trim_start_matches(' ').len();
            let inside = self.column.is_none_or(|column| indent > column);
            let comment = stop_at_comments && line.trim_start().starts_with('#');
            if comment || (!inside && !line.trim().is_empty()) {
                break;
            }
            self.at = end;
        }
    }

    fn block_scalar(&mut self) {
        self.skip_lines(false);
    }

    fn plain(&mut self) {
        let start = self.at;
        let end = line_end(self.text, start);
        let bytes = self.text.as_bytes();
        while self.at < end {
            if is_indicator(self.text, self.at, b':') {
                self.key(start);
                return;
            }
            if bytes[self.at] == b'#' && matches!(bytes[self.at - 1], b' ' | b'\t') {
                self.at = end;
                return;
            }
            self.at += 1;
        }
        self.skip_lines(true);
    }

    /// Reads a quoted scalar and pads its lines.
    fn quoted(&mut self) {
        let end = quoted_end(self.text, self.at);
        loop {
            let next = line_end(self.text, self.at);
            if next >= end {
                break;
            }
            self.at = next;
            self.next_line();
            self.pad();
        }
        self.at = end;
    }

    /// Pads the line that starts here, if it is not further in than the key or dash.
    fn pad(&mut self) {
        let line = &self.text[self.at..line_end(self.text, self.at)];
        let indent = line.len() - line.trim_start_matches(' ').len();
        let wanted = self.column.map_or(0, |column| column + 1);
        let mark = line.starts_with("---") || line.starts_with("...");
        if indent < wanted && !line.trim().is_empty() && !mark {
            let count = wanted - indent;
            self.found.pads.push(Pad { at: self.at, count });
        }
    }

    /// Reads to the bracket that closes the one here, and pads the lines on the way.
    fn brackets(&mut self) {
        let mut depth = 0;
        // Whether a quote would start a scalar here.
        let mut fresh = true;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'[' | b'{' => {
                    depth += 1;
                    fresh = true;
                }
                b']' | b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b'"' | b'\'' if fresh => {
                    self.quoted();
                    fresh = false;
                    self.comment();
                    continue;
                }
                b',' => fresh = true,
                b':' => {
                    self.colon();
                    fresh = true;
                    continue;
                }
                b'\n' | b'\r' => {
                    self.next_line();
                    self.pad();
                    continue;
                }
                b'#' if matches!(self.byte(self.at - 1), Some(b' ' | b'\t' | b'\n' | b'\r')) => {
                    self.at = line_end(self.text, self.at);
                    continue;
                }
                b'#' if matches!(
                    self.byte(self.at - 1),
                    Some(b',' | b'[' | b'{' | b']' | b'}')
                ) =>
                {
                    self.comment();
                    continue;
                }
                b' ' | b'\t' => {}
                _ => fresh = false,
            }
            self.at += 1;
        }
    }
}
