use std::sync::Arc;

use super::*;
use crate::encode::samples::{bytes, object, secret, string};
use crate::export::{Composed, Options, project};
use crate::value::{Text, Value};

fn variables<const N: usize>(members: [(&str, Value); N]) -> Variables {
    let merged = object([("environmentVariables", object(members))]);
    let named = vec![(Arc::from("e"), merged.clone())];
    project(&Composed { named, merged }, &Options::default()).variables
}

fn one(name: &str, value: &[u8], format: Format) -> Result<String, String> {
    let variables = variables([(name, bytes(value))]);
    match write(&variables, format, Redaction::Reveal) {
        Ok(encoded) => Ok(String::from_utf8_lossy(encoded.text.bytes()).into_owned()),
        Err(faults) => Err(faults[0].message.clone()),
    }
}

#[test]
fn values_are_quoted_for_their_reader() {
    use Format::{Docker, Dotenv, Fish, Github, Json, Nul, Shell, Systemd, Yaml};
    let cases = [
        (Dotenv, "", "A=\n"),
        (Dotenv, "http://a:80/b", "A=http://a:80/b\n"),
        (Dotenv, "a b", "A='a b'\n"),
        (Dotenv, "a'\\n", "A=`a'\\n`\n"),
        (Dotenv, "a'\nb", "A=\"a'\nb\"\n"),
        (Dotenv, "'`", "A=\"'`\"\n"),
        (Shell, "", "export A=''\n"),
        (Shell, "a'$b\n`c`", "export A='a'\\''$b\n`c`'\n"),
        (Fish, "a'\\$b\n", "set -gx A 'a\\'\\\\$b\n'\n"),
        (Json, "<é>\n", "{\n  \"A\": \"\\u003cé\\u003e\\n\"\n}\n"),
        (Yaml, "42", "A: \"42\"\n"),
        (Docker, " a'\"#$ ", "A= a'\"#$ \n"),
        (Github, "", "A<<EOF\n\nEOF\n"),
        (Github, "a\nEOF\nb", "A<<EOF_1\na\nEOF\nb\nEOF_1\n"),
        (
            Github,
            "EOF\nEOF_2\r\nEOF_1",
            "A<<EOF_3\nEOF\nEOF_2\r\nEOF_1\nEOF_3\n",
        ),
        (Nul, " a\n'=\"", "A= a\n'=\"\0"),
        (Systemd, "a \"$b\\`\nc", "A=\"a \\\"\\$b\\\\\\`\nc\"\n"),
    ];
    for (format, value, expected) in cases {
        let written = one("A", value.as_bytes(), format);
        assert_eq!(written.as_deref(), Ok(expected), "{}", format.name());
    }
}

#[test]
fn what_a_notation_cannot_hold_is_refused_by_name() {
    use Format::{Docker, Dotenv, Fish, Github, Json, Shell, Systemd, Yaml};
    let cases: [(Format, &str, &[u8], &str); 22] = [
        (Dotenv, "A", b"\xff", "its value is not UTF-8"),
        (
            Dotenv,
            "A",
            b"a\rb",
            "its value contains a carriage return, which readers drop",
        ),
        (
            Dotenv,
            "A",
            b"'\"`",
            "its value contains all three kinds of quotes",
        ),
        (
            Dotenv,
            "A",
            b"'`\\n",
            "its value contains all three kinds of quotes",
        ),
        (
            Dotenv,
            "A B",
            b"",
            "the name must be letters, digits, `_`, `.` and `-`, with a letter or `_` first",
        ),
        (Shell, "a-b", b"", BAD_NAME),
        (Shell, "UID", b"", "shells keep this name for themselves"),
        (Fish, "a.b", b"", BAD_NAME),
        (Fish, "status", b"", "fish keeps this name for itself"),
        (Json, "A", b"\xff", "its value is not UTF-8"),
        (Yaml, "A", b"\xff", "its value is not UTF-8"),
        (Docker, "A", b"a\nb", "its value has several lines"),
        (Docker, "A", b"a\r", "its value ends in a carriage return"),
        (Docker, "A", b"\xff", "its value is not UTF-8"),
        (Docker, "A", &[b'x'; 65_533], "it is longer than 64 KiB"),
        (
            Docker,
            "#A",
            b"",
            "the name must be ASCII without blanks, and not begin with `#`",
        ),
        (Github, "GITHUB_SHA", b"", "workflows cannot set this name"),
        (
            Github,
            "NODE_OPTIONS",
            b"",
            "workflows cannot set this name",
        ),
        (Github, "A<<B", b"", BAD_NAME),
        (
            Systemd,
            "A",
            b"a\x1bb",
            "its value contains a control character",
        ),
        (Systemd, "A", b"\xff", "its value is not UTF-8"),
        (
            Systemd,
            "A",
            "\u{ffff}".as_bytes(),
            "its value contains a code point that is no character",
        ),
    ];
    for (format, name, value, reason) in cases {
        let notation = format.name();
        let expected = format!("the variable {name} cannot be written as {notation}: {reason}");
        assert_eq!(one(name, value, format), Err(expected));
    }
}

#[test]
fn all_misfits_are_told() {
    let variables = variables([("A", string("\n")), ("B", string("")), ("C", string("\n"))]);
    let faults = write(&variables, Format::Docker, Redaction::Reveal).err();
    assert_eq!(faults.unwrap().len(), 2);
}

#[test]
fn secrets_are_locked_or_redacted_in_every_notation() {
    let variables = variables([("A", string("open")), ("B", secret(string("hunter2")))]);
    for format in Format::ALL {
        let revealed = write(&variables, format, Redaction::Reveal).unwrap();
        assert!(revealed.secret && matches!(revealed.text, Text::Secret(_)));
        let redacted = write(&variables, format, Redaction::Redact).unwrap();
        assert!(!redacted.secret && matches!(redacted.text, Text::Plain(_)));
        let text = String::from_utf8_lossy(redacted.text.bytes()).into_owned();
        assert!(text.contains(REDACTED) && text.contains("open") && !text.contains("hunter2"));
    }
}

#[test]
fn no_variables_give_an_empty_document() {
    for format in Format::ALL {
        let written = write(&Variables::default(), format, Redaction::Reveal).unwrap();
        let empty: &[u8] = match format {
            Format::Json | Format::Yaml => b"{}\n",
            _ => b"",
        };
        assert_eq!(written.text.bytes(), empty);
    }
}
