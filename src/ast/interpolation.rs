//! `${…}` in strings: the grammar of accesses.

use std::ops::Range;
use std::sync::Arc;

use crate::source::Span;

/// What an accessor selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Into an object.
    Key(Arc<str>),
    /// Into a list.
    Index(i64),
}

impl Selector {
    fn key(text: impl Into<Arc<str>>) -> Self {
        Selector::Key(text.into())
    }
}

/// A step of an access, with the place where it is written.
pub struct Accessor {
    /// What it selects.
    pub selector: Selector,
    /// Where it stands: with its dot or brackets if the string is a plain scalar, else the whole string.
    pub span: Span,
}

/// What stands between `${` and `}`.
pub struct Access {
    /// At least one step.
    pub accessors: Box<[Accessor]>,
}

/// A piece of a string with interpolations.
pub enum Part {
    /// Text, `$$` undone.
    Text(Box<str>),
    /// The value of an access.
    Access(Access),
}

/// A string taken apart; ranges are bytes within its text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scanned {
    pub(super) parts: Vec<ScannedPart>,
    pub(super) faults: Vec<Fault>,
}

#[derive(Debug, PartialEq)]
pub(super) enum ScannedPart {
    Text(String),
    Access(Vec<(Selector, Range<usize>)>),
}

/// A breach of the grammar.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) message: &'static str,
    pub(super) range: Range<usize>,
}

const MISSING_BRACE: &str = "missing closing brace '}' in interpolation";
const EMPTY_NAME: &str = "property name must not be empty";
const MISSING_BRACKET: &str = "subscript is missing closing bracket ']'";
const MISSING_QUOTE: &str = "key subscript is missing closing quote '\"'";
const EMPTY_KEY: &str = "key subscript must not be empty";
const BAD_INDEX: &str = "numeric subscript must be a positive base-10 integer";
const INDEX_FIRST: &str =
    "the first accessor must be a property name or key subscript, not a numeric subscript";

/// Takes a string apart. `$$` is one `$`, `${` starts an access, everything else is text. Goes on after a fault, so that
/// one string can have several.
pub(super) fn scan(text: &str) -> Scanned {
    let mut scanned = Scanned::default();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        plain.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$$") {
            plain.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            if !plain.is_empty() {
                scanned
                    .parts
                    .push(ScannedPart::Text(std::mem::take(&mut plain)));
            }
            let mut access = AccessScanner {
                text,
                position: text.len() - after.len(),
                faults: &mut scanned.faults,
            };
            let accessors = access.scan();
            rest = &text[access.position..];
            scanned.parts.push(ScannedPart::Access(accessors));
        } else {
            plain.push('$');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        scanned.parts.push(ScannedPart::Text(plain));
    }
    scanned
}

struct AccessScanner<'a> {
    text: &'a str,
    position: usize,
    faults: &'a mut Vec<Fault>,
}

impl<'a> AccessScanner<'a> {
    /// Scans the accessors up to and including the closing brace.
    fn scan(&mut self) -> Vec<(Selector, Range<usize>)> {
        let mut accessors: Vec<(Selector, Range<usize>)> = Vec::new();
        if self.rest().starts_with('}') {
            accessors.push((Selector::key(""), self.position..self.position));
        }
        loop {
            let start = self.position;
            match self.rest().chars().next() {
                Some('}') => {
                    self.position += 1;
                    break;
                }
                Some('[') => {
                    let step = self.subscript();
                    if accessors.is_empty() && matches!(step, Selector::Index(_)) {
                        // The bracket that closes it is not part of the place.
                        let end =
                            self.position - usize::from(self.text[..self.position].ends_with(']'));
                        self.fault(INDEX_FIRST, start..end);
                    }
                    accessors.push((step, start..self.position));
                }
                Some('.') => {
                    self.position += 1;
                    let name = self.name();
                    if name.is_empty() {
                        self.fault(EMPTY_NAME, start..start + 1);
                    }
                    accessors.push((Selector::key(name), start..self.position));
                }
                Some(c) if !c.is_whitespace() => {
                    let name = self.name();
                    accessors.push((Selector::key(name), start..self.position));
                }
                _ => {
                    self.fault(MISSING_BRACE, start..start);
                    break;
                }
            }
        }
        if accessors.is_empty() {
            accessors.push((Selector::key(""), self.position..self.position));
        }
        accessors
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn fault(&mut self, message: &'static str, range: Range<usize>) {
        self.faults.push(Fault { message, range });
    }

    /// A name: everything up to `.`, `[`, `}` or white space.
    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| matches!(c, '.' | '[' | '}') || c.is_whitespace())
            .unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    /// A subscript; the position is at its opening bracket.
    fn subscript(&mut self) -> Selector {
        let open = self.position;
        self.position += 1;
        let step = if self.rest().starts_with('"') {
            self.quoted_key()
        } else {
            self.index()
        };
        if self.rest().starts_with(']') {
            self.position += 1;
        } else {
            self.fault(MISSING_BRACKET, open..self.position);
        }
        step
    }

    /// A key in quotes, in which only `\"` is an escape.
    fn quoted_key(&mut self) -> Selector {
        let quote = self.position;
        self.position += 1;
        let mut key = String::new();
        loop {
            let rest = self.rest();
            if let Some(after) = rest.strip_prefix("\\\"") {
                key.push('"');
                self.position = self.text.len() - after.len();
            } else if rest.starts_with('"') {
                self.position += 1;
                if key.is_empty() {
                    self.fault(EMPTY_KEY, quote..self.position);
                }
                break;
            } else if let Some(c) = rest.chars().next() {
                key.push(c);
                self.position += c.len_utf8();
            } else {
                self.fault(MISSING_QUOTE, quote..self.position);
                break;
            }
        }
        Selector::key(key)
    }

    /// An index; what is none is used as a key. It ends where the access could go on or end.
    fn index(&mut self) -> Selector {
        let start = self.position;
        let rest = self.rest();
        if rest.is_empty() {
            return Selector::key("");
        }
        let end = rest.find(['[', ']', '}']).unwrap_or(rest.len());
        self.position += end;
        let digits = &rest[..end];
        match digits.parse::<i64>() {
            Ok(index) => Selector::Index(index),
            Err(_) => {
                self.fault(BAD_INDEX, start..self.position);
                Selector::key(digits)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders what was scanned: text in quotes, accesses as their steps.
    fn show(text: &str) -> String {
        let parts = scan(text).parts.into_iter().map(|part| match part {
            ScannedPart::Text(text) => format!("{text:?}"),
            ScannedPart::Access(accessors) => {
                let steps = accessors.iter().map(|(step, _)| match step {
                    Selector::Key(key) => format!("<{key}>"),
                    Selector::Index(index) => format!("[{index}]"),
                });
                steps.collect()
            }
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn text_and_accesses_are_told_apart() {
        let cases = [
            ("", ""),
            ("plain", "\"plain\""),
            ("$$", "\"$\""),
            ("$${a}", "\"${a}\""),
            ("$$${a}", "\"$\" <a>"),
            ("$$$", "\"$$\""),
            ("$a $ {a} a$", "\"$a $ {a} a$\""),
            ("${a}", "<a>"),
            (" ${a}", "\" \" <a>"),
            ("${a}${b}", "<a> <b>"),
            (r#"${a.b["c.d"][1].0}"#, "<a><b><c.d>[1]<0>"),
            (r#"${["a\"b\n"]}"#, "<a\"b\\n>"),
            (r#"${a["b"]c}"#, "<a><b><c>"),
            ("${.a}", "<a>"),
            ("${}", "<>"),
            ("${à.Å}", "<à><Å>"),
            ("${a[+1][01][-1]}", "<a>[1][1][-1]"),
        ];
        for (text, expected) in cases {
            assert_eq!(show(text), expected, "{text}");
            let faults = scan(text).faults;
            assert!(faults.is_empty(), "{text}: {faults:?}");
        }
    }

    #[test]
    fn faults_are_told_with_their_place() {
        type Faults<'a> = &'a [(&'a str, Range<usize>)];
        let cases: [(&str, &str, Faults<'_>); 11] = [
            ("${a", "<a>", &[(MISSING_BRACE, 3..3)]),
            ("${a b}", "<a> \" b}\"", &[(MISSING_BRACE, 3..3)]),
            ("${a.}", "<a><>", &[(EMPTY_NAME, 3..4)]),
            ("${a[1}", "<a>[1]", &[(MISSING_BRACKET, 3..5)]),
            (
                "${a[",
                "<a><>",
                &[(MISSING_BRACKET, 3..4), (MISSING_BRACE, 4..4)],
            ),
            (
                "${a[[]",
                "<a><><>",
                &[
                    (BAD_INDEX, 4..4),
                    (MISSING_BRACKET, 3..4),
                    (BAD_INDEX, 5..5),
                    (MISSING_BRACE, 6..6),
                ],
            ),
            (
                "${a[\"b}",
                "<a><b}>",
                &[
                    (MISSING_QUOTE, 4..7),
                    (MISSING_BRACKET, 3..7),
                    (MISSING_BRACE, 7..7),
                ],
            ),
            ("${a[\"\"]}", "<a><>", &[(EMPTY_KEY, 4..6)]),
            ("${a[x]}", "<a><x>", &[(BAD_INDEX, 4..5)]),
            ("${[2]}", "[2]", &[(INDEX_FIRST, 2..4)]),
            ("${a[ 1 ]}", "<a>< 1 >", &[(BAD_INDEX, 4..7)]),
        ];
        for (text, parts, expected) in cases {
            assert_eq!(show(text), parts, "{text}");
            let faults: Vec<_> = scan(text)
                .faults
                .into_iter()
                .map(|f| (f.message, f.range))
                .collect();
            assert_eq!(faults, expected, "{text}");
        }
    }
}
