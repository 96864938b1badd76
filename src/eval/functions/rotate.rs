//! `fn::rotate`: a provider with stored state. It is opened here, never rotated.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::open::is_settled;
use crate::ast::{ExprId, ExprKind};
use crate::eval::scope::{Scope, definition_of};
use crate::eval::{ProviderError, ProviderSchema};
use crate::schema::Schema;
use crate::value::{Data, Member, Object, Value};

impl Scope<'_, '_> {
    pub(super) fn rotate(
        &mut self,
        provider: &str,
        inputs: ExprId,
        state: Option<ExprId>,
        id: ExprId,
    ) -> Value {
        let schema = self.rotator_schema(provider, id);
        let skipped = |key: &str| {
            schema
                .as_ref()
                .is_some_and(|(schema, _)| schema.inputs.is_rotate_only(key))
        };
        let inputs_value = self.rotator_inputs(inputs, skipped);
        let state_value = match state {
            Some(state) => self.evaluate(state, None),
            None => self.value(id, Data::Null),
        };
        let Some((schema, state_schema)) = schema else {
            return self.unknown(id, Schema::always());
        };
        let state_schema = Schema::one_of([state_schema, Schema::null()]);
        let fits = self.check(id, &schema.inputs, &inputs_value)
            & self.check(id, &state_schema, &state_value)
            && self.require_object(inputs, &inputs_value);
        let inputs_value = without_skipped(inputs_value, &schema.inputs);
        if !fits || self.is_check() || !is_settled(&inputs_value) || !is_settled(&state_value) {
            return self.unknown(id, schema.outputs);
        }
        self.ask(
            provider,
            (inputs, &inputs_value),
            Some(&state_value),
            schema.outputs,
            id,
        )
    }

    /// The schemas of a rotator, that of its state apart.
    fn rotator_schema(&mut self, provider: &str, id: ExprId) -> Option<(ProviderSchema, Schema)> {
        let mut schema = self.provider_schema(provider, "rotator", id)?;
        let Some(state) = schema.state.take() else {
            let message = format!("unknown rotator \"{provider}\"");
            let hint = Some(format!(
                "the provider {provider} keeps no state: use fn::open::{provider}"
            ));
            self.provider_error(ProviderError { message, hint }, id);
            return None;
        };
        Some((schema, state))
    }

    /// The inputs, without evaluating those that only rotating needs. In check mode the environment that was asked
    /// for has them evaluated, so that its access to what they name is checked.
    fn rotator_inputs(&mut self, inputs: ExprId, skipped: impl Fn(&str) -> bool) -> Value {
        let parsed = Rc::clone(&self.parsed);
        let ExprKind::Object(properties) = &definition_of(&parsed).expression(inputs).kind else {
            return self.evaluate(inputs, None);
        };
        if self.is_check() && self.is_root {
            return self.evaluate(inputs, None);
        }
        let mut members = BTreeMap::new();
        for property in properties {
            let value = if skipped(&property.key) {
                self.unknown(property.value, Schema::always())
            } else {
                self.evaluate(property.value, None)
            };
            let member = Member::from(value);
            members.insert(Arc::clone(&property.key), member);
        }
        self.value(inputs, Data::Object(Arc::new(Object::new(members))))
    }
}

/// The inputs that opening needs.
fn without_skipped(inputs: Value, schema: &Schema) -> Value {
    let Data::Object(object) = &inputs.data else {
        return inputs;
    };
    if !object.members.keys().any(|key| schema.is_rotate_only(key)) {
        return inputs;
    }
    let mut object = (**object).clone();
    object.members.retain(|key, _| !schema.is_rotate_only(key));
    Value {
        secret: inputs.secret,
        ..Value::new(Data::Object(Arc::new(object)), inputs.origin)
    }
}
