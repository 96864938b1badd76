//! `fn::open::age: {path, as}`: a file that is encrypted as a whole. Its content is always secret.

use crate::eval::{Call, ProviderError};
use crate::provider::inputs::Inputs;
use crate::provider::{Config, file};
use crate::value::Value;

pub(super) const INPUTS: &str = r#"{
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "as": {"type": "string", "enum": ["text", "json", "yaml", "dotenv", "base64", "bytes"]}
    },
    "required": ["path"],
    "additionalProperties": false
}"#;

pub(super) fn open(call: &Call<'_>, config: &Config) -> Result<Value, ProviderError> {
    let inputs = Inputs::of(call);
    let path = inputs.path()?;
    let format = inputs.format()?;
    let sealed = file::read(&inputs, call, &path, config)?;
    let content = call.decrypter.decrypt_file(&sealed).map_err(|fault| {
        let mut error = inputs.error(format_args!("{}: {}", path.shown, fault.message));
        error.hint = fault.hint;
        error
    })?;
    // What was decrypted is read here, and what is read of it is secret again.
    format
        .decode(content.expose(), true, call.origin)
        .map_err(|reason| inputs.error(format_args!("{}: {reason}", path.shown)))
}
