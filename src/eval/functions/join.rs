//! `fn::join: [DELIMITER, LIST]`

use super::bytes;
use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::value::{Data, Text, Value};

impl Scope<'_, '_> {
    pub(super) fn join(&mut self, delimiter: ExprId, list: ExprId, id: ExprId) -> Value {
        let delimiter = self.string_argument(delimiter, id);
        let list = self.argument(list, &Schema::array_of(Schema::string()), id);
        let secret = delimiter.value.holds_secret() || list.value.holds_secret();
        let Data::List(items) = &list.value.data else {
            return self.unusable(id, Schema::string(), secret);
        };
        if !delimiter.usable || !list.usable {
            return self.unusable(id, Schema::string(), secret);
        }
        let mut pieces = Vec::with_capacity(items.len() * 2);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                pieces.push(bytes(&delimiter.value));
            }
            pieces.push(bytes(item));
        }
        Value {
            secret,
            ..self.value(id, Data::String(Text::join(&pieces, secret)))
        }
    }
}
