//! The functions of the language, one file each.

mod base64;
mod concat;
mod decode;
mod encoding;
mod finality;
mod join;
mod open;
mod rotate;
mod secret;
mod split;
mod validate;

use super::scope::Scope;
use crate::ast::{Call, ExprId};
use crate::encode;
use crate::schema::Schema;
use crate::value::{Data, Value};

/// The longest list that a function makes.
const MAX_ELEMENTS: usize = 1_000_000;

impl Scope<'_, '_> {
    /// The result of a call.
    pub(super) fn call(&mut self, call: &Call, id: ExprId) -> Value {
        match call {
            Call::Plaintext(text, span) => self.plaintext(text, *span, id),
            Call::Ciphertext(ciphertext, _) => self.ciphertext(ciphertext, id),
            Call::Open { provider, inputs } => self.open(provider, *inputs, id),
            Call::Rotate {
                provider,
                inputs,
                state,
            } => self.rotate(provider, *inputs, *state, id),
            Call::Join(delimiter, list) => self.join(*delimiter, *list, id),
            Call::Split(delimiter, text) => self.split(*delimiter, *text, id),
            Call::Concat(lists) => self.concat(*lists, id),
            Call::ToJson(value) => self.encoded(*value, encode::json, id),
            Call::ToYaml(value) => self.encoded(*value, encode::yaml, id),
            Call::ToString(value) => self.encoded(*value, encode::text, id),
            Call::FromJson(text) => self.decoded(*text, &decode::JSON, id),
            Call::FromYaml(text) => self.decoded(*text, &decode::YAML, id),
            Call::ToBase64(text) => self.encode_base64(*text, id),
            Call::FromBase64(text) => self.decode_base64(*text, id),
            Call::Final(value) => self.finality(*value, id),
            Call::Validate { schema, value } => self.validate(*schema, *value, id),
            Call::Hidden(value) => self.hidden(*value),
            Call::Invalid => self.unknown(id, Schema::always()),
        }
    }

    /// The value of an argument that must be a string; what it is not is reported.
    fn string_argument(&mut self, argument: ExprId, id: ExprId) -> Argument {
        self.argument(argument, &Schema::string(), id)
    }

    /// The value of an argument that must meet a schema.
    fn argument(&mut self, argument: ExprId, schema: &Schema, id: ExprId) -> Argument {
        let value = self.evaluate(argument, None);
        let fits = self.check(id, schema, &value);
        Argument {
            usable: fits && !value.holds_unknown(),
            value,
        }
    }

    /// Whether a list of `count` elements may be made; if not, that is reported. A list that is written takes bytes of
    /// a definition for each element, one that is made takes none.
    fn may_list(&mut self, count: usize, id: ExprId) -> bool {
        if count > MAX_ELEMENTS {
            self.error(
                id,
                format!("the list has more than {MAX_ELEMENTS} elements"),
            );
        }
        count <= MAX_ELEMENTS
    }

    /// The result of a call whose arguments cannot be used.
    fn unusable(&self, id: ExprId, schema: Schema, secret: bool) -> Value {
        Value {
            secret,
            ..self.unknown(id, schema)
        }
    }
}

/// An argument after it was checked.
struct Argument {
    value: Value,
    /// Whether it meets its schema and is known, all of it.
    usable: bool,
}

/// The bytes of a string.
fn bytes(value: &Value) -> &[u8] {
    match &value.data {
        Data::String(text) => text.bytes(),
        _ => b"",
    }
}
