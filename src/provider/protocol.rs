//! What escrun and a plugin say to each other: one JSON request, one JSON answer.
//!
//! `{"protocol":1,"method":"schema"}` is answered by `{"inputs":SCHEMA,"outputs":SCHEMA}`, of a rotator with
//! `"state":SCHEMA` as well. `{"protocol":1,"method":"open","inputs":X,"context":C}`, for a rotator with `"state":S`, is
//! answered by `{"value":V}`, with `"lifetimeSeconds":N` beside it if V is good for no longer than that. In V an object
//! whose only key is `$secret` stands for what is under that key, as a secret; `"secret":true` beside `value` makes all
//! of it one. `{"error":"text"}` answers either.

use std::sync::Arc;
use std::time::Duration;

use crate::encode::{self, Redaction};
use crate::eval::{Call, ProviderSchema};
use crate::schema::{self, Schema};
use crate::source::Origin;
use crate::value::{Data, Object, Text, Value};

/// The request for the schemas.
pub(super) fn schema_request() -> Text {
    Text::plain("{\"protocol\":1,\"method\":\"schema\"}\n")
}

/// The request for an answer, in locked memory: secrets are in it as they are.
///
/// # Errors
/// When it gets too large.
pub(super) fn open_request(call: &Call<'_>) -> Result<Text, String> {
    let json =
        |value: &Value| encode::json(value, Redaction::Reveal).map_err(|error| error.to_string());
    let inputs = json(call.inputs)?;
    let context = json(call.context)?;
    let state = call.state.map(json).transpose()?;
    let mut parts: Vec<&[u8]> = vec![
        b"{\"protocol\":1,\"method\":\"open\",\"inputs\":",
        inputs.text.bytes(),
        b",\"context\":",
        context.text.bytes(),
    ];
    if let Some(state) = &state {
        parts.extend([b",\"state\":", state.text.bytes()]);
    }
    parts.push(b"}\n");
    Ok(Text::join(&parts, true))
}

/// Why an answer is not what was asked for.
pub enum AnswerError {
    /// The plugin says what went wrong; its text may hold secrets.
    Told(Vec<u8>),
    /// It says nothing that can be understood; the reason holds nothing of what it said.
    Broken(String),
}

impl From<&str> for AnswerError {
    fn from(reason: &str) -> Self {
        AnswerError::Broken(reason.to_owned())
    }
}

/// Reads the answer with the schemas.
///
/// # Errors
/// When the plugin tells of a fault, or its answer is not one.
pub fn read_schema(answer: &[u8], origin: &Origin) -> Result<ProviderSchema, AnswerError> {
    let answer = read(answer, origin)?;
    let compile = |key: &str| {
        let found = answer
            .members
            .get(key)
            .map(|member| compiled(&member.value));
        let broken =
            |reason| AnswerError::Broken(format!("the schema `{key}` is invalid: {reason}"));
        found.transpose().map_err(broken)
    };
    Ok(ProviderSchema {
        inputs: compile("inputs")?.ok_or("its answer has no `inputs`")?,
        outputs: compile("outputs")?.ok_or("its answer has no `outputs`")?,
        state: compile("state")?,
    })
}

/// Compiles a schema that is data from outside.
fn compiled(value: &Value) -> Result<Schema, String> {
    // Of the alternatives that a schema may be, the last is the object that it nearly always is.
    let mut faults = schema::check(schema::schema_of_schemas(), value);
    let _ = faults.pop();
    match faults.pop() {
        Some(fault) => Err(fault.message),
        None => Schema::compile(value),
    }
}

/// What a plugin has answered.
pub struct Answer {
    /// The value.
    pub value: Value,
    /// How long it is good for, if the plugin says so.
    pub lifetime: Option<Duration>,
}

/// Reads the answer with the value.
///
/// # Errors
/// When the plugin tells of a fault, or its answer is not one.
pub fn read_value(answer: &[u8], origin: &Origin) -> Result<Answer, AnswerError> {
    let answer = read(answer, origin)?;
    let secret = match answer
        .members
        .get("secret")
        .map(|member| &member.value.data)
    {
        None | Some(Data::Bool(false)) => false,
        Some(Data::Bool(true)) => true,
        Some(_) => return Err("`secret` in its answer is no boolean".into()),
    };
    let lifetime = answer.members.get("lifetimeSeconds");
    let lifetime = lifetime.map(|member| seconds(&member.value)).transpose()?;
    let value = answer
        .members
        .get("value")
        .ok_or("its answer has neither `value` nor `error`")?;
    let value = unwrapped(value.value.clone());
    Ok(Answer {
        value: if secret { value.into_secret() } else { value },
        lifetime,
    })
}

/// A number of seconds.
fn seconds(value: &Value) -> Result<Duration, &'static str> {
    let text = match &value.data {
        Data::Number(text) => std::str::from_utf8(text.bytes()).ok(),
        _ => None,
    };
    let seconds = text.and_then(|text| text.parse().ok());
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or("`lifetimeSeconds` in its answer is no number of seconds")
}

fn read(answer: &[u8], origin: &Origin) -> Result<Arc<Object>, AnswerError> {
    if answer.trim_ascii().is_empty() {
        return Err("it answered nothing".into());
    }
    let answer = encode::decode_whole_json(answer, false, origin)
        .map_err(|reason| AnswerError::Broken(format!("its answer is not JSON: {reason}")))?;
    let Data::Object(answer) = answer.data else {
        return Err("its answer is no object".into());
    };
    match answer.members.get("error").map(|member| &member.value.data) {
        None => Ok(answer),
        Some(Data::String(text)) => Err(AnswerError::Told(text.bytes().to_vec())),
        Some(_) => Err("`error` in its answer is no string".into()),
    }
}

/// Takes `{"$secret": X}` for X as a secret, at every level.
fn unwrapped(value: Value) -> Value {
    let data = match value.data {
        Data::List(items) => Data::List(items.iter().cloned().map(unwrapped).collect()),
        Data::Object(mut object) => {
            if object.members.len() == 1
                && let Some(member) = object.members.get("$secret")
            {
                return unwrapped(member.value.clone()).into_secret();
            }
            for member in Arc::make_mut(&mut object).members.values_mut() {
                let inner = std::mem::replace(&mut member.value.data, Data::Null);
                let inner = Value::new(inner, member.value.origin.clone());
                member.value = unwrapped(inner);
            }
            Data::Object(object)
        }
        data => data,
    };
    Value::new(data, value.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};

    fn origin() -> Origin {
        Origin::new(&Source::new("test", None, ""), Span::default())
    }

    fn shown(answer: &str) -> Result<String, String> {
        match read_value(answer.as_bytes(), &origin()) {
            Ok(Answer { value, .. }) => {
                let json = encode::json(&value, Redaction::Redact).expect("small");
                Ok(String::from_utf8_lossy(json.text.bytes()).into_owned())
            }
            Err(AnswerError::Told(text)) => {
                Err(format!("told: {}", String::from_utf8_lossy(&text)))
            }
            Err(AnswerError::Broken(reason)) => Err(reason),
        }
    }

    #[test]
    fn answers_are_read() {
        let cases = [
            (r#"{"value":{"a":[1.50,null]}}"#, Ok(r#"{"a":[1.50,null]}"#)),
            (r#" {"value":"x","secret":true} "#, Ok(r#""[secret]""#)),
            (r#"{"value":"x","secret":false,"more":1}"#, Ok(r#""x""#)),
            (
                r#"{"value":{"a":{"$secret":"x"},"b":[{"$secret":{"c":1}}],"c":{"$secret":1,"d":2}}}"#,
                Ok(r#"{"a":"[secret]","b":["[secret]"],"c":{"$secret":1,"d":2}}"#),
            ),
            (
                r#"{"value":{"$secret":{"$secret":1}}}"#,
                Ok(r#""[secret]""#),
            ),
            (r#"{"error":"no such thing"}"#, Err("told: no such thing")),
            (r#"{"value":1,"error":"no"}"#, Err("told: no")),
            (r#"{"error":7}"#, Err("`error` in its answer is no string")),
            (r#"{"value":1,"lifetimeSeconds":1.5}"#, Ok("1")),
            (
                r#"{"value":1,"lifetimeSeconds":-1}"#,
                Err("`lifetimeSeconds` in its answer is no number of seconds"),
            ),
            (
                r#"{"value":1,"secret":"yes"}"#,
                Err("`secret` in its answer is no boolean"),
            ),
            ("{}", Err("its answer has neither `value` nor `error`")),
            ("[]", Err("its answer is no object")),
            ("", Err("it answered nothing")),
            ("\n", Err("it answered nothing")),
            (
                "hush",
                Err("its answer is not JSON: invalid character looking for beginning of value"),
            ),
            (
                r#"{"value":1} {"value":2}"#,
                Err("its answer is not JSON: text follows the value"),
            ),
            (
                r#"warning: x {"value":1}"#,
                Err("its answer is not JSON: invalid character looking for beginning of value"),
            ),
            (
                r#"{"value":"#,
                Err("its answer is not JSON: unexpected EOF"),
            ),
        ];
        for (answer, expected) in cases {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(shown(answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_secret_answer_is_secret_at_every_level() {
        let value = read_value(br#"{"value":{"a":{"$secret":{"b":["x"]}}}}"#, &origin())
            .ok()
            .expect("a value")
            .value;
        assert!(!value.secret && value.holds_secret());
        let inner = value.member("a").and_then(|a| a.member("b")).expect("b");
        assert!(inner.secret);
        let Data::List(items) = &inner.data else {
            panic!("a list")
        };
        assert!(matches!(&items[0].data, Data::String(Text::Secret(_))));
    }

    #[test]
    fn broken_schemas_are_told() {
        let cases = [
            (r#"{"inputs":true}"#, "its answer has no `outputs`"),
            (
                r#"{"inputs":true,"outputs":{"type":"integer"}}"#,
                "the schema `outputs` is invalid: expected one of [\"string\",\"number\",\"boolean\",\"array\",\"object\",\"null\"]",
            ),
            (
                r##"{"inputs":{"$ref":"#/$defs/x"},"outputs":true}"##,
                "the schema `inputs` is invalid: unknown subschema #/$defs/x",
            ),
            (
                r#"{"inputs":5,"outputs":true}"#,
                "the schema `inputs` is invalid: expected object, got number",
            ),
        ];
        for (answer, expected) in cases {
            match read_schema(answer.as_bytes(), &origin()) {
                Err(AnswerError::Broken(reason)) => assert_eq!(reason, expected),
                _ => panic!("{answer} is broken"),
            }
        }
        assert!(
            read_schema(
                br#"{"inputs":true,"outputs":false,"state":{"type":"object"}}"#,
                &origin()
            )
            .is_ok()
        );
    }
}
