use super::*;
use crate::encode::samples::{list, origin, string};
use crate::encode::{Redaction, json};
use proptest::prelude::*;

fn decode(text: &str) -> Result<String, String> {
    let value = decode_json(text.as_bytes(), false, &origin())?;
    let encoded = json(&value, Redaction::Reveal).unwrap();
    Ok(String::from_utf8(encoded.text.bytes().to_vec()).unwrap())
}

#[test]
fn the_first_value_is_read() {
    let cases = [
        ("1 2", "1"),
        ("01", "0"),
        (" \t\r\n-0.50e+07x", "-0.50e+07"),
        ("1e400", "1e400"),
        ("truefalse", "true"),
        ("null", "null"),
        (r#""a"b"#, r#""a""#),
        ("[]]", "[]"),
        ("[1 , [ ] , { } ]", "[1,[],{}]"),
        (r#"{"a":1,"b":2,"a":{"c":3}}"#, r#"{"a":{"c":3},"b":2}"#),
        (r#""\"\\\/\b\f\n\r\t\u00e9""#, r#""\"\\/\b\f\n\r\té""#),
        (r#""\ud83e\udd80""#, "\"🦀\""),
        (r#""\ud83e""#, "\"\u{fffd}\""),
        (r#""\ud83e\u0041""#, "\"\u{fffd}A\""),
        (r#""\udd80\ud83e\udd80""#, "\"\u{fffd}🦀\""),
    ];
    for (text, expected) in cases {
        assert_eq!(decode(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn faults_are_told_in_the_words_of_the_original() {
    let cases = [
        ("", "EOF"),
        ("  \n", "EOF"),
        ("{", "unexpected EOF"),
        ("[1", "unexpected EOF"),
        ("\"a", "unexpected EOF"),
        ("tr", "unexpected EOF"),
        ("1.", "unexpected EOF"),
        ("-", "unexpected EOF"),
        (
            "hello",
            "invalid character 'h' looking for beginning of value",
        ),
        ("é", "invalid character 'Ã' looking for beginning of value"),
        (
            "\u{80}",
            "invalid character 'Â' looking for beginning of value",
        ),
        (
            "\0",
            "invalid character '\\x00' looking for beginning of value",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            "{1}",
            "invalid character '1' looking for beginning of object key string",
        ),
        (
            "{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        (
            "{\"a\":1 \"b\"",
            "invalid character '\"' after object key:value pair",
        ),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        (
            "\"\\u00g\"",
            "invalid character 'g' in \\u hexadecimal character escape",
        ),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        (
            "tru'",
            "invalid character '\\'' in literal true (expecting 'e')",
        ),
        ("-a", "invalid character 'a' in numeric literal"),
        (
            "1.a",
            "invalid character 'a' after decimal point in numeric literal",
        ),
        (
            "1ea",
            "invalid character 'a' in exponent of numeric literal",
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(decode(text), Err(reason.to_owned()), "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let value = decode_json(b"\"a\xff\xc3\"", false, &origin()).unwrap();
    let Data::String(text) = value.data else {
        panic!("not a string");
    };
    assert_eq!(text.bytes(), "a\u{fffd}\u{fffd}".as_bytes());
}

#[test]
fn a_secret_is_secret_at_every_level_and_in_faults() {
    let value = decode_json(br#"{"a":[1.50,null]}"#, true, &origin()).unwrap();
    let a = value.member("a").unwrap();
    let Data::List(items) = &a.data else {
        panic!("not a list");
    };
    assert!(value.secret && a.secret && items.iter().all(|item| item.secret));
    assert!(matches!(items[0].data, Data::Number(Text::Secret(_))));
    for (text, reason) in [
        (
            "hunter2",
            "invalid character looking for beginning of value",
        ),
        ("tiger", "invalid character in literal"),
    ] {
        let fault = decode_json(text.as_bytes(), true, &origin());
        assert_eq!(fault.err().as_deref(), Some(reason));
    }
}

#[test]
fn members_are_from_outside() {
    let value = decode_json(br#"{"a":1}"#, false, &origin()).unwrap();
    let Data::Object(object) = value.data else {
        panic!("not an object");
    };
    assert!(object.members["a"].outside);
}

#[test]
fn depth_is_limited() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(decode(&nested(DEEPEST)).is_ok());
    let fault = decode(&nested(DEEPEST + 1));
    assert_eq!(fault, Err("exceeded max depth of 1000".to_owned()));
    assert!(decode(&"[{\"a\":".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..64), secret: bool) {
        let _ = decode_json(&text, secret, &origin());
    }

    #[test]
    fn almost_json_does_not_panic(text in r#"([\[\]{},:"\\ue\-.0-9a-f]|"a"|true|\\ud83e){0,32}"#) {
        let _ = decode_json(text.as_bytes(), false, &origin());
    }

    #[test]
    fn what_is_written_is_read(texts in proptest::collection::vec(any::<String>(), 3)) {
        let value = list([string(&texts[0]), string(&texts[1]), string(&texts[2])]);
        let encoded = json(&value, Redaction::Reveal).unwrap();
        let read = decode_json(encoded.text.bytes(), false, &origin()).unwrap();
        let Data::List(items) = read.data else { panic!("not a list") };
        for (item, text) in items.iter().zip(&texts) {
            let Data::String(read) = &item.data else { panic!("not a string") };
            prop_assert_eq!(read.bytes(), text.as_bytes());
        }
    }
}

proptest! {
    #[test]
    fn a_whole_text_is_read_where_serde_reads_it(text in r#"[\[\]{}"\\,:0-9.e+truefalsn \n-]{0,40}"#) {
        let strict = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        let ours = decode_whole_json(text.as_bytes(), false, &origin());
        prop_assert_eq!(strict, ours.is_ok(), "{}", text);
    }
}

#[test]
fn reasons_for_a_whole_text_hold_nothing_of_it() {
    for (text, expected) in [
        ("{} x", "text follows the value"),
        ("01", "text follows the value"),
        ("hush", "invalid character looking for beginning of value"),
        ("trush", "invalid character in literal"),
    ] {
        let reason = decode_whole_json(text.as_bytes(), false, &origin()).err();
        assert_eq!(reason.as_deref(), Some(expected), "{text}");
    }
}
