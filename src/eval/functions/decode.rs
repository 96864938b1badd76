//! `fn::fromJSON` and `fn::fromYAML`: the value that a text describes.

use super::bytes;
use crate::ast::ExprId;
use crate::encode::{decode_json, decode_yaml};
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::source::Origin;
use crate::value::Value;

/// A notation that can be read.
pub(super) struct Notation {
    name: &'static str,
    decode: fn(&[u8], bool, &Origin) -> Result<Value, String>,
}

pub(super) const JSON: Notation = Notation {
    name: "JSON",
    decode: decode_json,
};
pub(super) const YAML: Notation = Notation {
    name: "YAML",
    decode: decode_yaml,
};

impl Scope<'_, '_> {
    /// A secret text gives a value that is secret at every level.
    pub(super) fn decoded(&mut self, text: ExprId, notation: &Notation, id: ExprId) -> Value {
        let text = self.string_argument(text, id);
        let secret = text.value.holds_secret();
        if !text.usable {
            return self.unusable(id, Schema::always(), secret);
        }
        match (notation.decode)(bytes(&text.value), secret, &self.origin(id)) {
            Ok(value) => value,
            Err(reason) => {
                self.error(id, format!("decoding {} string: {reason}", notation.name));
                self.unusable(id, Schema::always(), secret)
            }
        }
    }
}
