//! Regular expressions in the syntax of RE2, by an engine whose syntax differs in a few places.

use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled pattern may be, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles a pattern, which may match anywhere in a text.
///
/// # Errors
/// The reason, on one line.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let build = RegexBuilder::new(&translated(pattern))
        .size_limit(SIZE_LIMIT)
        .build();
    build.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "too large".to_owned(),
        // A syntax error draws the pattern and points at the place; the reason is in its last line.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    })
}

/// RE2's `\d`, `\s`, `\w` and `\b` are of ASCII, `\Q…\E` quotes, and its classes know neither nesting nor set operations.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('s') => out.push_str(r"[\t\n\f\r ]"),
                Some('S') => out.push_str(r"[^\t\n\f\r ]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('b') if !in_class => out.push_str(r"(?-u:\b)"),
                Some('B') if !in_class => out.push_str(r"(?-u:\B)"),
                Some('Q') if !in_class => quote(&mut chars, &mut out),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket that closes in the first place is an ordinary character.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                // `[:alpha:]`
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            ']' => {
                in_class = false;
                out.push(']');
            }
            c => out.push(c),
        }
    }
    out
}

fn quote(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        let mut buffer = [0; 4];
        out.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn matches_as_re2_does() {
        let cases: [(&str, &[u8], bool); 19] = [
            ("b", b"abc", true),
            ("^b", b"abc", false),
            ("^a$", b"a\n", false),
            (r"^\d+$", "٣".as_bytes(), false),
            (r"^\D$", "٣".as_bytes(), true),
            (r"^[\d,]+$", b"1,2", true),
            (r"^\w+$", "é".as_bytes(), false),
            (r"^[^\s]+$", b"a b", false),
            (r"\bfoo\b", b"a foo b", true),
            ("^[[]$", b"[", true),
            ("^[]a]+$", b"]a", true),
            ("^[^]a]$", b"]", false),
            ("^[[:alpha:]]+$", b"ab", true),
            ("^[a&&b]+$", b"a&b", true),
            ("^[a~~b]+$", b"a~", true),
            (r"^\Qa.b\E.$", b"a.bc", true),
            (r"^\Qa.b\E.$", b"axbc", false),
            ("^.$", "é".as_bytes(), true),
            (r"\pL", "é".as_bytes(), true),
        ];
        for (pattern, text, expected) in cases {
            let regex = compile(pattern).expect(pattern);
            assert_eq!(regex.is_match(text), expected, "{pattern}");
        }
    }

    #[test]
    fn a_reason_is_one_line() {
        for pattern in ["[", "(", "*a", "(?=a)", r"(a)\1", "a{1000}{1000}{1000}"] {
            let reason = compile(pattern).expect_err(pattern);
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
        }
    }
}
