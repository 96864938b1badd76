//! What a daemon gives: variables and files, or values. Texts go from the answer to places of their own in locked memory,
//! and nowhere else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::encode::decode_whole_json;
use crate::export::SecretText;
use crate::protocol::Place;
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::value::{Data, Text, Value};

/// What is wrong with an answer that is not as the protocol has it.
const MISSHAPEN: &str = "its answer is not what was asked for";

/// Environments as a process is given them.
pub struct Opened {
    /// What they were composed of, in one word.
    pub revision: Box<str>,
    /// The variables.
    pub variables: Vec<Given>,
    /// The files.
    pub files: Vec<Given>,
    /// Every secret text of the values, if that was asked for.
    pub secrets: Vec<SecretText>,
    /// How long all this may be used.
    pub lifetime: Option<Duration>,
    /// What is not an error, as the objects that `--message-format json` prints.
    pub warnings: Vec<serde_json::Value>,
}

/// A variable or a file.
pub struct Given {
    /// The name of the variable; a file's has its path.
    pub name: Box<str>,
    /// The value or the content, in locked memory.
    pub text: Text,
    /// Where it is from and whether it is secret, if that was asked for.
    pub place: Option<Place>,
}

impl Opened {
    /// Reads the body of an answer. What has names that no process can be given is none.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(body: &[u8]) -> Result<Self, &'static str> {
        let value = decode(body, true)?;
        let texts = |key| -> Result<Vec<Given>, &'static str> {
            let details = value.member("details");
            let given = members(value.member(key))?.map(|(name, member)| {
                // A file has its variable's name.
                if !is_name(name) || (key == "files" && !is_file_name(name)) {
                    return Err(MISSHAPEN);
                }
                let place = details.and_then(|details| details.member(name));
                Ok(Given {
                    name: name.into(),
                    text: text(member)?,
                    place: place.map(read_place).transpose()?,
                })
            });
            given.collect()
        };
        let secrets = items(value.member("secrets"))?.iter().map(secret_text);
        let warnings = items(value.member("diagnostics"))?.iter().map(warning);
        Ok(Self {
            revision: revision(&value)?,
            variables: texts("variables")?,
            files: texts("files")?,
            secrets: secrets.collect::<Result<_, _>>()?,
            lifetime: match value.member("lifetimeSeconds") {
                None => None,
                Some(seconds) => Some(Duration::from_secs(number(seconds)?)),
            },
            warnings: warnings.collect::<Result<_, _>>()?,
        })
    }
}

/// The values of the body of an answer: all of them, or the one that was asked for.
/// If `secret`, all of them are marked as such, with their texts in locked memory.
///
/// # Errors
/// When it is none.
pub fn read_values(body: &[u8], secret: bool) -> Result<Value, &'static str> {
    let value = decode(body, secret)?;
    revision(&value)?;
    match (value.member("values"), value.member("value")) {
        (Some(values), _) => Ok(values.clone()),
        (None, Some(value)) => Ok(bytes(value).unwrap_or_else(|| value.clone())),
        (None, None) => Err(MISSHAPEN),
    }
}

/// The text that is no UTF-8, if that is what stands there in base64: nothing else does.
fn bytes(value: &Value) -> Option<Value> {
    let Data::Object(object) = &value.data else {
        return None;
    };
    let found = text(value).ok().filter(|_| object.members.len() == 1)?;
    let is_other = str::from_utf8(found.bytes()).is_err();
    is_other.then(|| Value {
        secret: value.secret,
        ..Value::new(Data::String(found), value.origin.clone())
    })
}

/// All of the body; if it is `secret`, each text of it in locked memory.
pub(super) fn decode(body: &[u8], secret: bool) -> Result<Value, &'static str> {
    let nowhere = Origin::new(&Source::new("the daemon", None, ""), Span::default());
    decode_whole_json(body, secret, &nowhere).map_err(|_| MISSHAPEN)
}

/// A text, or bytes that are none, which stand there in base64.
///
/// # Errors
/// When it is something else.
pub fn text(value: &Value) -> Result<Text, &'static str> {
    match &value.data {
        Data::String(text) => Ok(text.clone()),
        Data::Object(_) => {
            let encoded = value.member("base64").and_then(string).ok_or(MISSHAPEN)?;
            // Decoded in place: the result is in the same kind of memory.
            let room = base64::decoded_len_estimate(encoded.bytes().len());
            Secret::try_fill(room, |buffer| {
                STANDARD.decode_slice(encoded.bytes(), buffer)
            })
            .map(Text::secret)
            .map_err(|_| MISSHAPEN)
        }
        _ => Err(MISSHAPEN),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn is_file_name(name: &str) -> bool {
    !name.contains('/') && !matches!(name, "." | "..")
}

fn secret_text(item: &Value) -> Result<SecretText, &'static str> {
    Ok(SecretText {
        path: plain(item, "path")?,
        text: text(item.member("text").ok_or(MISSHAPEN)?)?,
    })
}

fn revision(value: &Value) -> Result<Box<str>, &'static str> {
    Ok(plain(value, "revision")?.into())
}

/// The members of an object, if it is there.
fn members(value: Option<&Value>) -> Result<impl Iterator<Item = (&str, &Value)>, &'static str> {
    let members = match value.map(|value| &value.data) {
        None => None,
        Some(Data::Object(object)) => Some(&object.members),
        Some(_) => return Err(MISSHAPEN),
    };
    let members = members.into_iter().flatten();
    Ok(members.map(|(key, member)| (&**key, &member.value)))
}

/// The items of a list, if it is there.
fn items(value: Option<&Value>) -> Result<&[Value], &'static str> {
    match value.map(|value| &value.data) {
        None => Ok(&[]),
        Some(Data::List(items)) => Ok(items),
        Some(_) => Err(MISSHAPEN),
    }
}

fn string(value: &Value) -> Option<&Text> {
    match &value.data {
        Data::String(text) => Some(text),
        _ => None,
    }
}

/// A member that is a text, and no secret.
fn plain(value: &Value, key: &str) -> Result<String, &'static str> {
    let text = value.member(key).and_then(string).ok_or(MISSHAPEN)?;
    String::from_utf8(text.bytes().to_vec()).map_err(|_| MISSHAPEN)
}

/// A number, which is no secret.
fn number<N: std::str::FromStr>(value: &Value) -> Result<N, &'static str> {
    let Data::Number(text) = &value.data else {
        return Err(MISSHAPEN);
    };
    let text = str::from_utf8(text.bytes()).map_err(|_| MISSHAPEN)?;
    text.parse().map_err(|_| MISSHAPEN)
}

fn read_place(value: &Value) -> Result<Place, &'static str> {
    let position = |key| number(value.member(key).ok_or(MISSHAPEN)?);
    Ok(Place {
        environment: plain(value, "environment")?,
        line: position("line")?,
        column: position("column")?,
        path: plain(value, "path")?,
        secret: match value.member("secret").map(|secret| &secret.data) {
            Some(Data::Bool(secret)) => *secret,
            _ => return Err(MISSHAPEN),
        },
    })
}

/// A diagnostic, which holds no secret: an object of texts and numbers.
fn warning(value: &Value) -> Result<serde_json::Value, &'static str> {
    let member = |(key, value): (&str, &Value)| {
        let json = match &value.data {
            Data::Null => serde_json::Value::Null,
            Data::Number(_) => number::<u64>(value)?.into(),
            Data::String(text) => String::from_utf8_lossy(text.bytes()).into(),
            _ => return Err(MISSHAPEN),
        };
        Ok((key.to_owned(), json))
    };
    let members: Result<serde_json::Map<_, _>, _> = members(Some(value))?.map(member).collect();
    Ok(members?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(given: &Given) -> (&str, &[u8]) {
        (&given.name, given.text.bytes())
    }

    #[test]
    fn what_is_given_is_read() {
        let body = br#"{
            "revision": "abc",
            "variables": {"A": "1", "B": {"base64": "/wA="}},
            "files": {"F": "x\ny"},
            "details": {"A": {"environment": "app", "line": 3, "column": 5, "path": "values.a", "secret": false}},
            "secrets": [{"path": "values.s", "text": "hunter2"}],
            "lifetimeSeconds": 60,
            "diagnostics": [{"severity": "warning", "message": "odd", "line": 3, "hint": null}],
            "later": [1]
        }"#;
        let opened = Opened::read(body).unwrap();
        assert_eq!(&*opened.revision, "abc");
        let variables: Vec<_> = opened.variables.iter().map(bytes).collect();
        assert_eq!(variables, [("A", &b"1"[..]), ("B", b"\xff\0")]);
        assert_eq!(bytes(&opened.files[0]), ("F", &b"x\ny"[..]));
        let place = opened.variables[0].place.as_ref().unwrap();
        assert_eq!(
            (&*place.environment, place.line, place.secret),
            ("app", 3, false)
        );
        assert!(opened.variables[1].place.is_none());
        assert_eq!(opened.secrets[0].text.bytes(), b"hunter2");
        assert_eq!(opened.lifetime, Some(Duration::from_secs(60)));
        let expected = serde_json::json!(
            [{"severity": "warning", "message": "odd", "line": 3, "hint": null}]
        );
        assert_eq!(serde_json::Value::from(opened.warnings), expected);
        let all = opened.variables.iter().chain(&opened.files);
        assert!(
            all.into_iter()
                .all(|given| matches!(given.text, Text::Secret(_)))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"revision": 1}"#,
            r#"{"revision": "a", "variables": []}"#,
            r#"{"revision": "a", "variables": {"A": 1}}"#,
            r#"{"revision": "a", "variables": {"A": {"base64": "!"}}}"#,
            r#"{"revision": "a", "files": {"A": {}}}"#,
            r#"{"revision": "a", "secrets": [{}]}"#,
            r#"{"revision": "a", "secrets": {}}"#,
            r#"{"revision": "a", "variables": {"A=B": ""}}"#,
            r#"{"revision": "a", "variables": {"": ""}}"#,
            r#"{"revision": "a", "files": {"../A": ""}}"#,
            r#"{"revision": "a", "files": {"..": ""}}"#,
            r#"{"revision": "a", "lifetimeSeconds": -1}"#,
            r#"{"revision": "a", "variables": {"A": ""}, "details": {"A": {"line": 1}}}"#,
            r#"{"revision": "a"} x"#,
        ] {
            assert!(Opened::read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read_values(br#"{"revision": "a"}"#, true).is_err());
        let value = read_values(br#"{"revision": "a", "value": null}"#, true).unwrap();
        assert!(matches!(value.data, Data::Null));
        let of = |encoded: &str| {
            let body = format!(r#"{{"revision": "a", "value": {{"base64": "{encoded}"}}}}"#);
            read_values(body.as_bytes(), true).unwrap()
        };
        assert!(matches!(of("/wA=").data, Data::String(text) if text.bytes() == b"\xff\0"));
        // A definition may have such a key.
        assert_eq!(of("aGVsbG8=").type_name(), "object");
    }
}
