//! `fn::open::env: {name, default, secret}` gives the text of one variable, and `{names: [..], default, secret}` an object
//! of several.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::eval::{Call, ProviderError};
use crate::provider::Config;
use crate::provider::format::flagged;
use crate::provider::inputs::Inputs;
use crate::quote::quoted;
use crate::value::{Data, Member, Object, Text, Value};
use crate::withheld::is_withheld;

pub(super) const INPUTS: &str = r#"{
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "default": {"type": "string"},
        "secret": {"type": "boolean"}
    },
    "additionalProperties": false
}"#;

pub(super) const OUTPUTS: &str = r#"{
    "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]
}"#;

pub(super) fn open(call: &Call<'_>, config: &Config) -> Result<Value, ProviderError> {
    let inputs = Inputs::of(call);
    let default = inputs.text("default")?;
    let secret = inputs.secret()?;
    let (name, names) = (inputs.text("name")?, inputs.texts("names")?);
    let asked = match (name, &names) {
        (Some(name), None) => vec![name],
        (None, Some(names)) => names.clone(),
        _ => return Err(inputs.error("expected either `name` or `names`")),
    };
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for name in asked {
        if is_withheld(OsStr::from_bytes(name)) {
            let shown = quoted(&String::from_utf8_lossy(name));
            return Err(inputs.error(format_args!(
                "{shown} is escrun's own secret and no definition reads it"
            )));
        }
        if !config.allows_variable(OsStr::from_bytes(name)) {
            let mut error = inputs.error(format_args!(
                "the daemon's settings do not allow reading {}",
                inputs.shown(name)
            ));
            error.hint = Some(
                "whoever runs the daemon can list it there under providers.variables".to_owned(),
            );
            return Err(error);
        }
        match config
            .variable(OsStr::from_bytes(name))
            .map(OsStr::as_bytes)
            .or(default)
        {
            Some(value) => found.push((name, value)),
            None => missing.push(inputs.shown(name)),
        }
    }
    if !missing.is_empty() {
        let mut error = inputs.error(format_args!("not set: {}", missing.join(", ")));
        error.hint = Some("`default` says what a variable is that is not set".to_owned());
        return Err(error);
    }
    let string = |text: &[u8]| {
        flagged(
            Data::String(Text::join(&[text], secret)),
            secret,
            call.origin,
        )
    };
    if names.is_none() {
        return found
            .first()
            .map(|(_, value)| string(value))
            .ok_or_else(|| inputs.error("no name"));
    }
    let members: BTreeMap<_, _> = found
        .into_iter()
        .map(|(name, value)| {
            let member = Member {
                value: string(value),
                // The list of names may itself be what something else answered.
                outside: true,
            };
            (Arc::from(String::from_utf8_lossy(name)), member)
        })
        .collect();
    Ok(flagged(
        Data::Object(Arc::new(Object::new(members))),
        secret,
        call.origin,
    ))
}
