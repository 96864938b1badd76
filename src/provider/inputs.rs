//! The inputs of built-in providers, which have been checked against their schemas.

use super::error;
use super::format::Format;
use crate::eval::{Call, ProviderError};
use crate::quote::quoted;
use crate::secret::REDACTED;
use crate::value::{Data, Value};

/// The inputs of one call.
pub(super) struct Inputs<'a> {
    provider: &'a str,
    value: &'a Value,
}

/// Something that an input names.
pub(super) struct Named<'a> {
    pub(super) bytes: &'a [u8],
    /// The name for messages, which do not show it if it is secret.
    pub(super) shown: String,
}

impl<'a> Inputs<'a> {
    pub(super) fn of(call: &Call<'a>) -> Self {
        Self {
            provider: call.provider,
            value: call.inputs,
        }
    }

    /// An error of this provider.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> ProviderError {
        error(format!("fn::open::{}: {message}", self.provider))
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.value.member(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a [u8]>, ProviderError> {
        self.get(key)
            .map(|value| self.text_of(key, value))
            .transpose()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&'a [u8]>>, ProviderError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match &value.data {
            Data::List(items) => {
                let texts = items.iter().map(|item| self.text_of(key, item));
                texts.collect::<Result<_, _>>().map(Some)
            }
            _ => Err(self.wrong(key, "array", value)),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, ProviderError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.data {
                Data::Bool(flag) => Ok(Some(flag)),
                _ => Err(self.wrong(key, "boolean", value)),
            },
        }
    }

    /// A number of seconds.
    pub(super) fn seconds(&self, key: &str) -> Result<Option<std::time::Duration>, ProviderError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let Data::Number(text) = &value.data else {
            return Err(self.wrong(key, "number", value));
        };
        let seconds = std::str::from_utf8(text.bytes())
            .ok()
            .and_then(|text| text.parse().ok());
        let duration =
            seconds.and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
        duration
            .map(Some)
            .ok_or_else(|| self.error(format_args!("`{key}` is no number of seconds")))
    }

    /// The file that `path` names.
    pub(super) fn path(&self) -> Result<Named<'a>, ProviderError> {
        let bytes = self
            .text("path")?
            .ok_or_else(|| self.error("`path` is missing"))?;
        let is_secret = self.value.secret || self.get("path").is_some_and(|value| value.secret);
        let shown = if is_secret {
            REDACTED.to_owned()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        Ok(Named { bytes, shown })
    }

    /// A name for a message, unless it is secret.
    pub(super) fn shown(&self, name: &[u8]) -> String {
        if self.value.holds_secret() {
            REDACTED.to_owned()
        } else {
            quoted(&String::from_utf8_lossy(name))
        }
    }

    /// How what was read is taken: `as`, by default `text`.
    pub(super) fn format(&self) -> Result<Format, ProviderError> {
        match self.text("as")? {
            None => Ok(Format::Text),
            Some(name) => Format::named(name).ok_or_else(|| self.error("`as` names no format")),
        }
    }

    /// Whether the answer is secret: `secret`, by default yes.
    pub(super) fn secret(&self) -> Result<bool, ProviderError> {
        Ok(self.boolean("secret")?.unwrap_or(true))
    }

    fn text_of(&self, key: &str, value: &'a Value) -> Result<&'a [u8], ProviderError> {
        match &value.data {
            Data::String(text) => Ok(text.bytes()),
            _ => Err(self.wrong(key, "string", value)),
        }
    }

    fn wrong(&self, key: &str, expected: &str, value: &Value) -> ProviderError {
        self.error(format_args!(
            "`{key}`: expected {expected}, got {}",
            value.type_name()
        ))
    }
}
