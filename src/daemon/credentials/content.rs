//! The bytes of a credential, out of the answer that the unit would have been given. Texts stay in locked memory.

use std::sync::Arc;

use super::refusal::Refusal;
use crate::client::{Given, Opened, read_text, read_values};
use crate::daemon::settings::CredentialValue;
use crate::encode::{self, Redaction};
use crate::export::format::{self, Format};
use crate::export::{Kind, Variable, Variables};
use crate::source::{Origin, Source, Span};
use crate::value::{Data, Text, Value};

/// What is wanted of the body of an answer.
///
/// # Errors
/// When it is not in there, or cannot be written.
pub(super) fn content(wanted: &CredentialValue, body: &[u8]) -> Result<Text, Refusal> {
    let misshapen = |_| Refusal::Misshapen;
    match wanted {
        CredentialValue::Path(_) => one(&read_values(body, true).map_err(misshapen)?),
        CredentialValue::Variable(name) => {
            let opened = Opened::read(body).map_err(misshapen)?;
            named(opened.variables, name, "variable")
        }
        CredentialValue::File(name) => {
            let opened = Opened::read(body).map_err(misshapen)?;
            named(opened.files, name, "file")
        }
        CredentialValue::All(format) => {
            let opened = Opened::read(body).map_err(misshapen)?;
            all(opened.variables, *format)
        }
    }
}

/// A value as text: strings and the bytes that are none as they are, anything else as JSON.
fn one(value: &Value) -> Result<Text, Refusal> {
    if let Ok(text) = read_text(value) {
        return Ok(text);
    }
    match value.data {
        Data::Null => Ok(Text::plain("")),
        _ => match encode::json(value, Redaction::Reveal) {
            Ok(encoded) => Ok(encoded.text),
            Err(error) => Err(Refusal::Unwritable(error.to_string())),
        },
    }
}

fn named(given: Vec<Given>, name: &str, kind: &'static str) -> Result<Text, Refusal> {
    let found = given.into_iter().find(|given| &*given.name == name);
    found
        .map(|given| given.text)
        .ok_or_else(|| Refusal::Missing(kind, name.to_owned()))
}

/// All variables in a notation.
fn all(given: Vec<Given>, format: Format) -> Result<Text, Refusal> {
    let nowhere = Origin::new(&Source::new("the daemon", None, ""), Span::default());
    let variable = |given: Given| Variable {
        name: Arc::from(given.name),
        value: given.text,
        secret: true,
        origin: nowhere.clone(),
        path: String::new(),
        kind: Kind::Declared,
    };
    let variables = Variables::new(given.into_iter().map(variable).collect());
    match format::write(&variables, format, Redaction::Reveal) {
        Ok(encoded) => Ok(encoded.text),
        Err(faults) => {
            let first = faults.into_iter().next().map(|fault| fault.message);
            Err(Refusal::Unwritable(first.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: &str = r#"{"revision":"r","variables":{"A":"1","B":"two words","C":{"base64":"/wA="}},
        "files":{"KEY":"-----BEGIN\n"}}"#;

    fn given(wanted: &CredentialValue, body: &str) -> Result<Vec<u8>, String> {
        let text = content(wanted, body.as_bytes()).map_err(|refusal| refusal.to_string())?;
        assert!(text.bytes().is_empty() || matches!(text, Text::Secret(_)));
        Ok(text.bytes().to_vec())
    }

    fn value(value: &str) -> Result<Vec<u8>, String> {
        let body = format!("{{\"revision\":\"r\",\"value\":{value}}}");
        given(&CredentialValue::Path("a".into()), &body)
    }

    #[test]
    fn values_are_given_as_texts() {
        for (json, expected) in [
            (r#""hunter2""#, "hunter2"),
            (r#""a\nb\u0000""#, "a\nb\0"),
            ("12.50", "12.50"),
            ("true", "true"),
            ("null", ""),
            (r#"["a",1]"#, r#"["a",1]"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"c"}}"#),
        ] {
            assert_eq!(value(json), Ok(expected.into()), "{json}");
        }
        assert_eq!(value(r#"{"base64":"/wA="}"#), Ok(vec![0xff, 0]));
    }

    #[test]
    fn variables_and_files_are_found_by_name() {
        let variable = |name: &str| given(&CredentialValue::Variable(name.into()), VARIABLES);
        assert_eq!(variable("B"), Ok(b"two words".to_vec()));
        assert_eq!(variable("C"), Ok(vec![0xff, 0]));
        assert_eq!(
            variable("KEY"),
            Err("the environments have no variable KEY".into())
        );
        let file = |name: &str| given(&CredentialValue::File(name.into()), VARIABLES);
        assert_eq!(file("KEY"), Ok(b"-----BEGIN\n".to_vec()));
        assert_eq!(file("A"), Err("the environments have no file A".into()));
    }

    #[test]
    fn all_variables_are_given_in_a_notation_that_holds_them() {
        let texts = r#"{"revision":"r","variables":{"A":"1","B":"two words"},"files":{}}"#;
        assert_eq!(
            given(&CredentialValue::All(Format::Json), texts)
                .map(|text| text.trim_ascii().to_vec()),
            Ok(b"{\n  \"A\": \"1\",\n  \"B\": \"two words\"\n}".to_vec())
        );
        let dotenv = given(&CredentialValue::All(Format::Dotenv), texts).expect("text");
        assert!(dotenv.starts_with(b"A="));
        let told = given(&CredentialValue::All(Format::Json), VARIABLES).expect_err("no UTF-8");
        assert!(
            told.contains("the variable C cannot be written as json"),
            "{told}"
        );
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "{\"revision\":\"r\"}",
            "{\"revision\":\"r\",\"value\":",
        ] {
            assert!(
                given(&CredentialValue::Path("a".into()), body).is_err(),
                "{body}"
            );
        }
    }
}
