//! Reads `NAME=value` files by the rules of node's `--env-file`, except that what node silently misreads (an unclosed
//! quote, text behind a quote, a line without `=`) is an error here.

/// Reads all assignments, in order.
///
/// A name may follow `export`. A value in double quotes, single quotes or backticks may span lines; in double quotes `\n`
/// is a line feed, and nothing else is an escape. A value without quotes ends at `#` and loses blanks at both ends.
///
/// # Errors
/// What is wrong, with its line; nothing of the text.
pub fn parse(text: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let mut variables = Vec::new();
    while reader.skip_to_assignment() {
        let name = reader.name()?;
        let value = reader.value()?;
        variables.push((name, value));
    }
    Ok(variables)
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    /// Passes over empty lines and comments. Returns whether anything follows.
    fn skip_to_assignment(&mut self) -> bool {
        loop {
            self.rest = self.rest.trim_ascii_start_counting(&mut self.line);
            match self.rest.first() {
                None => return false,
                Some(b'#') => {
                    self.take_line();
                }
                Some(_) => return true,
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let end = self
            .rest
            .iter()
            .position(|byte| matches!(byte, b'=' | b'\n'));
        let Some(end) = end.filter(|end| self.rest[*end] == b'=') else {
            return Err(self.fault("expected NAME=value"));
        };
        let mut name = self.rest[..end].trim_ascii();
        if let Some(exported) = name.strip_prefix(b"export")
            && exported.first().is_some_and(u8::is_ascii_whitespace)
        {
            name = exported.trim_ascii_start();
        }
        self.rest = &self.rest[end + 1..];
        let is_name =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if name.is_empty() || name[0].is_ascii_digit() || !name.iter().all(is_name) {
            return Err(self.fault("what stands before = is no name of a variable"));
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn value(&mut self) -> Result<Vec<u8>, String> {
        let blanks = self
            .rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.rest = &self.rest[blanks..];
        match self.rest {
            [quote @ (b'"' | b'\'' | b'`'), rest @ ..] => self.quoted(*quote, rest),
            _ => {
                let line = self.take_line();
                let end = line
                    .iter()
                    .position(|byte| *byte == b'#')
                    .unwrap_or(line.len());
                Ok(line[..end].trim_ascii().to_vec())
            }
        }
    }

    fn quoted(&mut self, quote: u8, rest: &'a [u8]) -> Result<Vec<u8>, String> {
        let Some(end) = rest.iter().position(|byte| *byte == quote) else {
            return Err(self.fault("the quote is not closed"));
        };
        let (inside, behind) = (&rest[..end], &rest[end + 1..]);
        let mut value = Vec::with_capacity(inside.len());
        let mut at = 0;
        while at < inside.len() {
            match &inside[at..] {
                [b'\\', b'n', ..] if quote == b'"' => {
                    value.push(b'\n');
                    at += 2;
                }
                // Line ends are those of Unix, as node has them.
                [b'\r', b'\n', ..] => at += 1,
                [byte, ..] => {
                    value.push(*byte);
                    at += 1;
                }
                [] => break,
            }
        }
        self.line += inside.iter().filter(|byte| **byte == b'\n').count();
        self.rest = behind;
        let line = self.line;
        let behind = self.take_line().trim_ascii();
        if behind.is_empty() || behind.starts_with(b"#") {
            Ok(value)
        } else {
            Err(format!("line {line}: text follows the closing quote"))
        }
    }

    /// The rest of the line; its end is passed.
    fn take_line(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.line += usize::from(end.is_some());
        self.rest = rest;
        line
    }

    fn fault(&self, reason: &str) -> String {
        format!("line {}: {reason}", self.line)
    }
}

trait TrimCounting {
    /// Trims white space at the start, counting the lines that it ends.
    fn trim_ascii_start_counting(&self, lines: &mut usize) -> &Self;
}

impl TrimCounting for [u8] {
    fn trim_ascii_start_counting(&self, lines: &mut usize) -> &Self {
        let trimmed = self.trim_ascii_start();
        let blanks = &self[..self.len() - trimmed.len()];
        *lines += blanks.iter().filter(|byte| **byte == b'\n').count();
        trimmed
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    #[test]
    fn reads_what_node_reads() {
        // Checked against node's --env-file (version 20).
        let cases: [(&str, &[(&str, &str)]); 30] = [
            ("", &[]),
            ("\u{feff}A=1", &[("A", "1")]),
            ("A=1\nB=2\n", &[("A", "1"), ("B", "2")]),
            (" A = x y \n", &[("A", "x y")]),
            ("A=x\r\nB=y\r\n", &[("A", "x"), ("B", "y")]),
            (
                "export A=1\nexport\t B=2\nexportC=3",
                &[("A", "1"), ("B", "2"), ("exportC", "3")],
            ),
            ("# c\n\n  # d\n A=1", &[("A", "1")]),
            ("A=x#y z", &[("A", "x")]),
            ("A= #x", &[("A", "")]),
            ("A=\n\nB=1", &[("A", ""), ("B", "1")]),
            ("A=\"#x\" # c", &[("A", "#x")]),
            ("A='x' # 'y'\nB=2", &[("A", "x"), ("B", "2")]),
            (r#"A="a\nb\t\\ $B ${C}""#, &[("A", "a\nb\\t\\\\ $B ${C}")]),
            (r"A='a\nb'", &[("A", "a\\nb")]),
            (r"A=`a\nb`", &[("A", "a\\nb")]),
            (r"A=a\nb", &[("A", "a\\nb")]),
            ("A=\"x\r\ny\"\r\nB=1", &[("A", "x\ny"), ("B", "1")]),
            ("A='\nB=1'\nC=2", &[("A", "\nB=1"), ("C", "2")]),
            ("A=`\"q\" 'r'`", &[("A", "\"q\" 'r'")]),
            ("A==1=", &[("A", "=1=")]),
            ("A=a\"b\"", &[("A", "a\"b\"")]),
            ("A=a 'b' c", &[("A", "a 'b' c")]),
            ("A=é", &[("A", "é")]),
            ("A=1\nA=2", &[("A", "1"), ("A", "2")]),
            ("A=\"\"", &[("A", "")]),
            ("A=a\\\nB=1", &[("A", "a\\"), ("B", "1")]),
            ("A=\"a\\\nb\"", &[("A", "a\\\nb")]),
            ("W.X-Y=1", &[("W.X-Y", "1")]),
            ("A=\t1\t", &[("A", "1")]),
            ("\n\n", &[]),
        ];
        for (text, expected) in cases {
            let got = parse(text.as_bytes()).expect(text);
            let got: Vec<_> = got
                .iter()
                .map(|(name, value)| (&**name, std::str::from_utf8(value).expect("UTF-8")))
                .collect();
            assert_eq!(got, expected, "{text:?}");
        }
    }

    #[test]
    fn faults_name_the_line_and_nothing_else() {
        let cases = [
            ("A=1\nhush", "line 2: expected NAME=value"),
            ("hush\nB=1", "line 1: expected NAME=value"),
            (
                "=hush",
                "line 1: what stands before = is no name of a variable",
            ),
            (
                "a hush=1",
                "line 1: what stands before = is no name of a variable",
            ),
            (
                "1A=hush",
                "line 1: what stands before = is no name of a variable",
            ),
            ("# c\n\nA=\"hush", "line 3: the quote is not closed"),
            ("A='\n\n' hush", "line 3: text follows the closing quote"),
            (r#"A="a\"hush""#, "line 1: text follows the closing quote"),
            (
                "A='x'\nB='y' hush\n",
                "line 2: text follows the closing quote",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text.as_bytes()), Err(expected.to_owned()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[A#='\"`\\\\n\n\r \t]{0,40}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn quoted_text_comes_back(text in "[^'\r]{0,40}") {
            let file = format!("A='{text}'\n");
            prop_assert_eq!(parse(file.as_bytes()), Ok(vec![("A".to_owned(), text.into_bytes())]));
        }
    }
}
