//! `fn::concat: [LIST, …]`

use crate::ast::ExprId;
use crate::eval::scope::Scope;
use crate::schema::Schema;
use crate::value::{Data, Value};

impl Scope<'_, '_> {
    /// Elements keep their flags, and a list that is secret as a whole makes the whole secret.
    pub(super) fn concat(&mut self, lists: ExprId, id: ExprId) -> Value {
        let any_list = Schema::array_of(Schema::always());
        let lists = self.argument(lists, &Schema::array_of(any_list.clone()), id);
        let items = match &lists.value.data {
            Data::List(items) if lists.usable => items,
            _ => return self.unusable(id, any_list, lists.value.holds_secret()),
        };
        let secret = lists.value.secret || items.iter().any(|list| list.secret);
        let lists = items.iter().filter_map(|list| match &list.data {
            Data::List(list) => Some(list),
            _ => None,
        });
        let count = lists.clone().map(|list| list.len()).sum();
        if !self.may_list(count, id) {
            return self.unusable(id, any_list, secret);
        }
        let mut elements = Vec::with_capacity(count);
        lists.for_each(|list| elements.extend_from_slice(list));
        Value {
            secret,
            ..self.value(id, Data::List(elements.into()))
        }
    }
}
