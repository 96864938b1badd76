//! `fn::validate: {schema: SCHEMA, value: VALUE}`

use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::schema::{Schema, schema_of_schemas};
use crate::value::Value;

impl Scope<'_, '_> {
    /// The value, valid or not; what is wrong with it or with the schema is reported.
    pub(super) fn validate(&mut self, schema: ExprId, value: ExprId, id: ExprId) -> Value {
        let schema_value = self.evaluate(schema, None);
        let value = self.evaluate(value, None);
        if self.check(schema, schema_of_schemas(), &schema_value) && !schema_value.holds_unknown() {
            match Schema::compile(&schema_value) {
                Ok(compiled) => {
                    self.check(id, &compiled, &value);
                }
                Err(reason) => self.error(schema, format!("invalid schema: {reason}")),
            }
        }
        value.relocated(self.origin(id))
    }
}
