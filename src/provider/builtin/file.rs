//! `fn::open::file: {path, as, secret}` and `fn::open::dotenv: {path, secret}`.

use crate::eval::{Call, ProviderError};
use crate::provider::format::Format;
use crate::provider::inputs::Inputs;
use crate::provider::{Config, file};
use crate::value::Value;

pub(super) const INPUTS: &str = r#"{
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "as": {"type": "string", "enum": ["text", "json", "yaml", "dotenv", "base64", "bytes"]},
        "secret": {"type": "boolean"}
    },
    "required": ["path"],
    "additionalProperties": false
}"#;

pub(super) const DOTENV_INPUTS: &str = r#"{
    "type": "object",
    "properties": {"path": {"type": "string", "minLength": 1}, "secret": {"type": "boolean"}},
    "required": ["path"],
    "additionalProperties": false
}"#;

pub(super) fn open(call: &Call<'_>, config: &Config) -> Result<Value, ProviderError> {
    let format = Inputs::of(call).format()?;
    read(call, config, format)
}

pub(super) fn open_dotenv(call: &Call<'_>, config: &Config) -> Result<Value, ProviderError> {
    read(call, config, Format::Dotenv)
}

fn read(call: &Call<'_>, config: &Config, format: Format) -> Result<Value, ProviderError> {
    let inputs = Inputs::of(call);
    let path = inputs.path()?;
    let secret = inputs.secret()?;
    let bytes = file::read(&inputs, call, &path, config)?;
    format
        .decode(&bytes, secret, call.origin)
        .map_err(|reason| inputs.error(format_args!("{}: {reason}", path.shown)))
}
