//! `fn::final`: a value that later definitions cannot override.

use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::value::Value;

impl Scope<'_, '_> {
    /// The value with its own flags, marked.
    pub(super) fn finality(&mut self, value: ExprId, id: ExprId) -> Value {
        let value = self.evaluate(value, None);
        Value {
            is_final: true,
            ..value.relocated(self.origin(id))
        }
    }
}
