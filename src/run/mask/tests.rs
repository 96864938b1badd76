//! What every redactor does, whatever the secrets, the stream and its pieces are.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::patterns::Patterns;
use super::plan::Plan;
use super::{Matcher, Redactor};
use crate::secret::REDACTED;

/// What comes out, and after each chunk how much has not.
fn redact(redactor: &mut Redactor, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in chunks {
        redactor.room()[..chunk.len()].copy_from_slice(chunk);
        out.extend(redactor.advance(chunk.len()).flatten());
    }
    out.extend(redactor.finish().flatten());
    out
}

fn redacted(secrets: &[&str], text: &str) -> String {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    let mut redactor = Redactor::new(Arc::new(Matcher::new(&secrets)));
    let out = redact(&mut redactor, &[text.as_bytes()]);
    String::from_utf8_lossy(&out).into_owned()
}

/// All patterns, as they are.
fn patterns(secrets: &[&[u8]]) -> Vec<Vec<u8>> {
    let patterns = Patterns::write(&Plan::new(secrets), secrets);
    let text = patterns.text.as_slice();
    let places = patterns.places.iter();
    places.map(|place| text[place.clone()].to_vec()).collect()
}

/// Where `patterns` stand in `text`; what overlaps is one.
fn occurrences(patterns: &[Vec<u8>], text: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for start in 0..text.len() {
        let here = patterns
            .iter()
            .filter(|pattern| text[start..].starts_with(pattern));
        let Some(length) = here.map(Vec::len).max() else {
            continue;
        };
        match found.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(start + length),
            _ => found.push(start..start + length),
        }
    }
    found
}

/// What is ready when `text` has come, by the definition.
fn expected(patterns: &[Vec<u8>], text: &[u8], ended: bool) -> Vec<u8> {
    let may_begin = |end: &[u8]| {
        patterns
            .iter()
            .any(|pattern| pattern.len() > end.len() && pattern.starts_with(end))
    };
    let held = (0..text.len()).find(|start| !ended && may_begin(&text[*start..]));
    let held = held.unwrap_or(text.len());
    let mut out = Vec::new();
    let mut left = 0;
    for range in occurrences(patterns, text) {
        if range.start >= held {
            break;
        }
        out.extend(&text[left..range.start]);
        out.extend(REDACTED.as_bytes());
        left = range.end;
    }
    out.extend(text.get(left..held).unwrap_or_default());
    out
}

/// Checks everything that is promised for `text`, as it comes in `sizes`.
fn check(secrets: &[&[u8]], text: &[u8], sizes: &[usize]) {
    let patterns = patterns(secrets);
    let mut redactor = Redactor::new(Arc::new(Matcher::new(secrets)));
    // The second time, as another stream.
    for _ in 0..2 {
        let mut out = Vec::new();
        let mut came = 0;
        let mut sizes = sizes.iter().copied().cycle();
        while came < text.len() {
            let size = sizes.next().unwrap_or(1).clamp(1, text.len() - came);
            redactor.room()[..size].copy_from_slice(&text[came..came + size]);
            came += size;
            out.extend(redactor.advance(size).flatten());
            let expected = expected(&patterns, &text[..came], false);
            assert_eq!(
                String::from_utf8_lossy(&out),
                String::from_utf8_lossy(&expected),
                "of {came} bytes"
            );
        }
        out.extend(redactor.finish().flatten());
        let expected = expected(&patterns, text, true);
        assert_eq!(
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&expected)
        );
    }
}

#[test]
fn secrets_are_replaced_in_the_forms_in_which_programs_write_them() {
    let secret = "p\u{e4}ss/w\"rd 1+2&";
    for (text, expected) in [
        ("it is p\u{e4}ss/w\"rd 1+2&.", "it is [secret]."),
        // As `printf … | base64` does.
        ("cMOkc3MvdyJyZCAxKzIm", "[secret]"),
        // user:… and admin:…
        ("dXNlcjpww6Rzcy93InJkIDErMiY=", "dXNlcjp[secret]"),
        ("YWRtaW46cMOkc3MvdyJyZCAxKzIm", "YWRtaW46[secret]"),
        ("70c3a473732f7722726420312b3226", "[secret]"),
        ("70C3A473732F7722726420312B3226", "[secret]"),
        ("?a=p%C3%A4ss%2Fw%22rd%201%2B2%26&b", "?a=[secret]&b"),
        ("?a=p%c3%a4ss%2fw%22rd+1%2b2%26&b", "?a=[secret]&b"),
        (r#"{"a":"päss/w\"rd 1+2&"}"#, r#"{"a":"[secret]"}"#),
        (r#"{"a":"p\u00e4ss\/w\"rd 1+2&"}"#, r#"{"a":"[secret]"}"#),
        (r#"{"a":"p\u00E4ss/w\"rd 1+2&"}"#, r#"{"a":"[secret]"}"#),
        (r#"{"a":"päss/w\"rd 1+2\u0026"}"#, r#"{"a":"[secret]"}"#),
    ] {
        assert_eq!(redacted(&[secret], text), expected, "{text}");
    }
}

#[test]
fn lines_are_replaced_by_themselves() {
    let key = "-----BEGIN KEY-----\nAAAABBBB\nabc\n  CCCCDDDD\n\n-----END KEY-----\n";
    for (text, expected) in [
        (key, "[secret]"),
        ("> AAAABBBB <", "> [secret] <"),
        ("CCCCDDDD\nabc\n", "[secret]\nabc\n"),
        ("x\r\n-----END KEY-----\r\n", "x\r\n[secret]\r\n"),
    ] {
        assert_eq!(redacted(&[key], text), expected, "{text}");
    }
    assert_eq!(redacted(&[key], &key.replace('\n', "\r\n")), "[secret]");
    assert_eq!(redacted(&[&key.replace('\n', "\r\n")], key), "[secret]");
}

#[test]
fn wrapped_base64_is_replaced_by_line() {
    use ::base64::Engine as _;
    let secret: String = ('!'..'~').cycle().take(200).collect();
    // As `echo` does.
    for end in ["", "\n"] {
        let encoded = ::base64::engine::general_purpose::STANDARD.encode(format!("{secret}{end}"));
        for width in [64, 76] {
            let lines: Vec<&str> = encoded
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).expect("ASCII"))
                .collect();
            let out = redacted(&[&secret], &lines.join("\n"));
            for line in out.lines() {
                let rest = line.strip_prefix(REDACTED).expect("a mark");
                assert!(rest.len() <= 4, "{out}");
            }
        }
    }
}

#[test]
fn overlapping_secrets_leave_nothing() {
    for (secrets, text, expected) in [
        (&["abcdef", "defghi"][..], "xabcdefghix", "x[secret]x"),
        (
            &["abcdefgh", "cdef"],
            "abcdefg abcdefgh",
            "ab[secret]g [secret]",
        ),
        (&["aaaa"], "aaaaaaaaa aaa", "[secret] aaa"),
        (&["abcd", "efgh"], "abcdefgh", "[secret][secret]"),
        (&["abcd", "abcdefgh"], "abcdefg!", "[secret]efg!"),
    ] {
        assert_eq!(redacted(secrets, text), expected, "{text}");
    }
}

#[test]
fn large_secrets_and_many_are_masked() {
    let large: Vec<u8> = (0..1 << 20)
        .map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80)
        .collect();
    let many: Vec<String> = (0..2000)
        .map(|index| format!("secret-number-{index:05}"))
        .collect();
    let mut secrets: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
    secrets.push(&large);
    let matcher = Matcher::new(&secrets);
    assert_eq!(matcher.plain_only(), [2000]);
    let mut redactor = Redactor::new(Arc::new(matcher));
    let text = [
        b"<",
        &large[..],
        b"> secret-number-01999 ",
        &large[..1 << 19],
    ]
    .concat();
    let chunks: Vec<&[u8]> = text.chunks(10_000).collect();
    let out = redact(&mut redactor, &chunks);
    let expected = [b"<[secret]> [secret] ", &large[..1 << 19]].concat();
    assert!(out == expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Few letters, so that secrets begin alike, repeat themselves and overlap.
    #[test]
    fn nothing_leaks_and_nothing_else_is_changed(
        secrets in proptest::collection::vec("[ab]{3,9}|a{4,12}b?|[ab\n]{4,12}", 0..5),
        text in "[ab]{0,60}|[ab\r\n]{0,60}",
        sizes in proptest::collection::vec(1usize..9, 1..6),
    ) {
        let secrets: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
        check(&secrets, text.as_bytes(), &sizes);
    }

    /// Texts made of pieces of what is looked for.
    #[test]
    fn parts_of_forms_are_told_from_whole_ones(
        secrets in proptest::collection::vec("[a-d \"/é\n]{4,20}", 1..4),
        parts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
        sizes in proptest::collection::vec(1usize..40, 1..6),
    ) {
        let secrets: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
        let patterns = patterns(&secrets);
        let mut text = Vec::new();
        for (pattern, start, end) in parts {
            if patterns.is_empty() {
                break;
            }
            let pattern = pattern.get(&patterns);
            // Every other is whole.
            let start = start.index(2 * pattern.len()).saturating_sub(pattern.len());
            let end = (start + end.index(2 * pattern.len())).min(pattern.len());
            text.extend(&pattern[start..end]);
        }
        check(&secrets, &text, &sizes);
    }
}
