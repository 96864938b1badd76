//! `fn::toJSON`, `fn::toYAML` and `fn::toString`: a value as text.

use crate::ast::ExprId;
use crate::encode::{Encoded, Error, Redaction};
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::value::{Data, Value};

impl Scope<'_, '_> {
    pub(super) fn encoded(
        &mut self,
        value: ExprId,
        encode: fn(&Value, Redaction) -> Result<Encoded, Error>,
        id: ExprId,
    ) -> Value {
        let value = self.evaluate(value, None);
        let secret = value.holds_secret();
        if value.holds_unknown() {
            return self.unusable(id, Schema::string(), secret);
        }
        match encode(&value, Redaction::Reveal) {
            Ok(encoded) => Value {
                secret,
                ..self.value(id, Data::String(encoded.text))
            },
            Err(error) => {
                self.error(id, format!("the {error}"));
                self.unusable(id, Schema::string(), secret)
            }
        }
    }
}
