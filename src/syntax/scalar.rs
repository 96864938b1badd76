//! What a scalar's text means: null, boolean, number or string.
//!
//! The rules are those of the YAML that Pulumi ESC reads (YAML 1.2's core schema with YAML 1.1's octal and underscored
//! numbers), but for one thing: a number that is written as JSON writes it keeps its text.

use std::fmt::Write;

/// What a text without quotes resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Empty, `~`, `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer from -2^63 to 2^64-1, as the text of a JSON number.
    Integer(Box<str>),
    /// Any other finite number, as the text of a JSON number.
    Float(Box<str>),
    /// `.nan`, `.inf`.
    NotFinite,
    /// Any other text.
    String,
}

/// The tags that convert scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarTag {
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`, and any tag that is not known.
    Str,
}

impl ScalarTag {
    /// The tag that is written so, its handle replaced by the prefix that it stands for. There is none for the
    /// non-specific `!`, which leaves a scalar to resolve as if it had no tag.
    pub(super) fn named(prefix: &str, suffix: &str) -> Option<Self> {
        const CORE: &str = "tag:yaml.org,2002:";
        let name = match (prefix, suffix) {
            ("", "!") => return None,
            // A verbatim tag has no prefix.
            ("", verbatim) => verbatim.strip_prefix(CORE),
            (CORE, suffix) => Some(suffix),
            _ => None,
        };
        Some(match name {
            Some("null") => ScalarTag::Null,
            Some("bool") => ScalarTag::Bool,
            Some("int") => ScalarTag::Int,
            Some("float") => ScalarTag::Float,
            _ => ScalarTag::Str,
        })
    }

    /// The tag as people write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            ScalarTag::Null => "!!null",
            ScalarTag::Bool => "!!bool",
            ScalarTag::Int => "!!int",
            ScalarTag::Float => "!!float",
            ScalarTag::Str => "!!str",
        }
    }

    /// Resolves a text that has this tag, quoted or not. There is no result where the text is not of the tag's kind.
    pub(super) fn resolve(self, text: &str) -> Option<Resolved> {
        let resolved = match self {
            ScalarTag::Str => Resolved::String,
            _ => resolve(text),
        };
        let fits = match &resolved {
            Resolved::Null => self == ScalarTag::Null,
            Resolved::Bool(_) => self == ScalarTag::Bool,
            Resolved::Integer(_) => matches!(self, ScalarTag::Int | ScalarTag::Float),
            Resolved::Float(_) | Resolved::NotFinite => self == ScalarTag::Float,
            Resolved::String => self == ScalarTag::Str,
        };
        fits.then_some(resolved)
    }
}

/// Resolves a text without quotes and without a tag.
pub(super) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ => match text.as_bytes()[0] {
            b'.' | b'+' | b'-' | b'0'..=b'9' => resolve_number(text),
            _ => Resolved::String,
        },
    }
}

/// Whether the text is a number as RFC 8259, section 6, writes it.
pub(super) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let leading_zero =
        unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.as_bytes()[1].is_ascii_digit();
    let Some(float) = split_float(unsigned) else {
        return false;
    };
    !leading_zero && !float.whole.is_empty() && float.fraction != Some("")
}

fn resolve_number(text: &str) -> Resolved {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Resolved::NotFinite,
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => return Resolved::NotFinite,
        _ => {}
    }
    // Underscores separate digits anywhere but in what begins with a point.
    let digits = if text.contains('_') && !text.starts_with('.') {
        text.replace('_', "")
    } else {
        text.to_owned()
    };
    if let Some(integer) = parse_integer(&digits) {
        return Resolved::Integer(if is_json_number(text) {
            text.into()
        } else {
            integer.to_string().into()
        });
    }
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    if split_float(unsigned).is_none() {
        return Resolved::String;
    }
    match digits.parse::<f64>() {
        Ok(float) if !float.is_finite() => Resolved::String,
        Ok(_) if is_json_number(text) => Resolved::Float(text.into()),
        Ok(float) => Resolved::Float(float_text(float).into()),
        Err(_) => Resolved::String,
    }
}

/// Reads an integer from -2^63 to 2^64-1: decimal, or behind `0x`, `0o`, `0b`, or octal behind a bare `0`.
fn parse_integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // `from_str_radix` would take a second sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let integer = if negative { -magnitude } else { magnitude };
    (integer >= i128::from(i64::MIN)).then_some(integer)
}

/// The parts of a decimal number without a sign.
struct Float<'a> {
    whole: &'a str,
    fraction: Option<&'a str>,
}

/// Splits `1`, `1.`, `.5`, `1.5e-3`; nothing if it is none of these.
fn split_float(text: &str) -> Option<Float<'_>> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    let has_digits = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let fits = exponent_fits && has_digits && is_digits(whole) && fraction.is_none_or(is_digits);
    fits.then_some(Float { whole, fraction })
}

/// The shortest text that reads back as the same number; with an exponent where it is below -4 or at least 21.
fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let exponent = scientific
        .rsplit_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok())
        .expect("`{:e}` writes an exponent");
    let mut text = String::new();
    let written = if (-4..21).contains(&exponent) {
        write!(text, "{float}")
    } else {
        write!(text, "{float:e}")
    };
    written.expect("writing to a string does not fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> String {
        match resolve(text) {
            Resolved::Null => "null".into(),
            Resolved::Bool(value) => format!("bool {value}"),
            Resolved::Integer(text) => format!("int {text}"),
            Resolved::Float(text) => format!("float {text}"),
            Resolved::NotFinite => "not finite".into(),
            Resolved::String => "string".into(),
        }
    }

    #[test]
    fn plain_texts_resolve() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("NULL", "null"),
            ("nUll", "string"),
            ("True", "bool true"),
            ("FALSE", "bool false"),
            ("yes", "string"),
            ("off", "string"),
            ("y", "string"),
            ("0", "int 0"),
            ("-0", "int -0"),
            ("+0", "int 0"),
            ("42", "int 42"),
            ("+5", "int 5"),
            ("-5", "int -5"),
            ("1_000", "int 1000"),
            ("1_", "int 1"),
            ("_1", "string"),
            ("017", "int 15"),
            ("-017", "int -15"),
            ("0o17", "int 15"),
            ("0O17", "int 15"),
            ("0o8", "string"),
            ("08", "float 8"),
            ("0x1F", "int 31"),
            ("-0x1f", "int -31"),
            ("0x_1F", "int 31"),
            ("0x", "string"),
            ("0x+1", "string"),
            ("0b101", "int 5"),
            ("0b2", "string"),
            ("--1", "string"),
            ("18446744073709551615", "int 18446744073709551615"),
            ("18446744073709551616", "float 18446744073709551616"),
            ("-9223372036854775808", "int -9223372036854775808"),
            ("-9223372036854775809", "float -9223372036854775809"),
            ("0xFFFFFFFFFFFFFFFFF", "string"),
            ("3.10", "float 3.10"),
            ("1e3", "float 1e3"),
            ("1E+3", "float 1E+3"),
            ("-0.0", "float -0.0"),
            ("1e400", "string"),
            ("1e-400", "float 1e-400"),
            (".5", "float 0.5"),
            ("+.5", "float 0.5"),
            ("-.5", "float -0.5"),
            ("._5", "string"),
            ("1.", "float 1"),
            ("+1.5", "float 1.5"),
            ("01.5", "float 1.5"),
            ("1_0.5", "float 10.5"),
            ("1.e25", "float 1e25"),
            ("1.e-7", "float 1e-7"),
            ("1.e20", "float 100000000000000000000"),
            (".", "string"),
            ("-", "string"),
            ("+", "string"),
            (".e1", "string"),
            ("1e", "string"),
            ("1e+", "string"),
            ("1.2.3", "string"),
            ("190:20", "string"),
            ("0x1p3", "string"),
            ("infinity", "string"),
            ("-infinity", "string"),
            ("2020-01-01", "string"),
            (".nan", "not finite"),
            (".NaN", "not finite"),
            (".Nan", "string"),
            ("-.nan", "string"),
            (".inf", "not finite"),
            ("-.Inf", "not finite"),
            ("+.INF", "not finite"),
            ("<<", "string"),
        ] {
            assert_eq!(text_of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn tags_convert_or_fail() {
        let core = "tag:yaml.org,2002:";
        for (suffix, text, expected) in [
            ("str", "7", Some(Resolved::String)),
            ("int", "0x10", Some(Resolved::Integer("16".into()))),
            ("int", "abc", None),
            ("int", "1.0", None),
            ("float", "5", Some(Resolved::Float("5".into()))),
            ("float", "x", None),
            ("bool", "true", Some(Resolved::Bool(true))),
            ("bool", "yes", None),
            ("null", "", Some(Resolved::Null)),
            ("null", "x", None),
            ("binary", "AAAA", Some(Resolved::String)),
        ] {
            let tag = ScalarTag::named(core, suffix).expect("it is specific");
            let found = tag.resolve(text).map(|resolved| match resolved {
                Resolved::Integer(text) if tag == ScalarTag::Float => Resolved::Float(text),
                other => other,
            });
            assert_eq!(found, expected, "!!{suffix} {text}");
        }
        assert_eq!(ScalarTag::named("", "!"), None);
        assert_eq!(ScalarTag::named("!", "foo"), Some(ScalarTag::Str));
        assert_eq!(
            ScalarTag::named("", "tag:yaml.org,2002:int"),
            Some(ScalarTag::Int)
        );
    }
}
