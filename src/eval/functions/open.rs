//! `fn::open`: what a provider answers.

use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{self, Definition, ExprId, ExprKind};
use crate::eval::scope::{Scope, definition_of};
use crate::eval::{Call, Progress, ProviderError, ProviderSchema};
use crate::schema::Schema;
use crate::value::{Data, Value};

impl Scope<'_, '_> {
    pub(super) fn open(&mut self, provider: &str, inputs: ExprId, id: ExprId) -> Value {
        let schema = self.provider_schema(provider, "provider", id);
        let value = self.evaluate(inputs, None);
        let Some(schema) = schema else {
            return self.unknown(id, Schema::always());
        };
        let fits = self.check(id, &schema.inputs, &value) && self.require_object(inputs, &value);
        if !fits || self.is_check() || !is_settled(&value) {
            return self.unknown(id, schema.outputs);
        }
        self.ask(provider, (inputs, &value), None, schema.outputs, id)
    }

    /// The schemas of a provider. None if there are none (yet), which has been reported.
    pub(super) fn provider_schema(
        &mut self,
        provider: &str,
        kind: &str,
        id: ExprId,
    ) -> Option<ProviderSchema> {
        match self.pass.host.providers.schema(provider) {
            Progress::Done(Ok(schema)) => Some(schema),
            Progress::Done(Err(error)) => {
                let message =
                    error
                        .message
                        .replacen("unknown provider", &format!("unknown {kind}"), 1);
                self.provider_error(ProviderError { message, ..error }, id);
                None
            }
            Progress::Pending => None,
        }
    }

    /// Reports inputs that are no object.
    pub(super) fn require_object(&mut self, inputs: ExprId, value: &Value) -> bool {
        let fits = matches!(value.data, Data::Object(_) | Data::Unknown(_));
        if !fits {
            self.error(
                inputs,
                format!("expected object, got {}", value.type_name()),
            );
        }
        fits
    }

    /// Asks a provider for its answer, secret if anything that went in was, but for what its schema calls public.
    pub(super) fn ask(
        &mut self,
        provider: &str,
        (inputs_id, inputs): (ExprId, &Value),
        state: Option<&Value>,
        outputs: Schema,
        id: ExprId,
    ) -> Value {
        let parsed = Rc::clone(&self.parsed);
        let definition = definition_of(&parsed);
        let source = &definition.source;
        let origin = self.origin(id);
        let influences = |key: &str| {
            if is_written_out(definition, inputs_id, Some(key)) {
                Vec::new()
            } else {
                self.pass.influences(source)
            }
        };
        let call = Call {
            id: (source, id),
            provider,
            inputs,
            state,
            context: &self.context,
            decrypter: self.pass.host.decrypter,
            origin: &origin,
            influences: &influences,
        };
        match self.pass.host.providers.open(&call) {
            Progress::Pending => self.unknown(id, outputs),
            Progress::Done(Ok(answer)) => {
                let secret = inputs.holds_secret() || state.is_some_and(Value::holds_secret);
                if secret {
                    mark_secret(answer, &outputs)
                } else {
                    answer
                }
            }
            Progress::Done(Err(error)) => {
                self.provider_error(error, id);
                self.unknown(id, outputs)
            }
        }
    }

    pub(super) fn provider_error(&mut self, error: ProviderError, id: ExprId) {
        let span = definition_of(&self.parsed).expression(id).span;
        self.error_at(id, span, error.message, error.hint);
    }
}

/// Whether inputs are known whole: a member that may still come from an unknown base counts as unknown here.
pub(super) fn is_settled(value: &Value) -> bool {
    !value.holds_unknown()
        && match &value.data {
            Data::List(items) => items.iter().all(is_settled),
            Data::Object(object) => {
                object.rest.is_none()
                    && object
                        .members
                        .values()
                        .all(|member| is_settled(&member.value))
            }
            _ => true,
        }
}

/// Whether an expression, or what it has at `key`, is what its text says, whatever other definitions say.
fn is_written_out(definition: &Definition, id: ExprId, key: Option<&str>) -> bool {
    match &definition.expression(id).kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::List(items) => items
            .iter()
            .all(|item| is_written_out(definition, *item, None)),
        ExprKind::Object(properties) => properties
            .iter()
            .filter(|property| key.is_none_or(|key| *property.key == *key))
            .all(|property| is_written_out(definition, property.value, None)),
        ExprKind::Call(call) => {
            matches!(**call, ast::Call::Plaintext(..) | ast::Call::Ciphertext(..))
        }
        ExprKind::Interpolation(_) | ExprKind::Reference(_) => false,
    }
}

/// Marks an answer as secret at every level, except where the schema says `secret: false`.
fn mark_secret(value: Value, schema: &Schema) -> Value {
    if schema.secret() == Some(false) {
        return value;
    }
    let part = |part: &Value, schema: Result<Schema, _>| match schema {
        Ok(schema) => mark_secret(part.clone(), &schema),
        Err(_) => part.clone().into_secret(),
    };
    let (data, secret) = match &value.data {
        Data::List(items) => {
            let parts = items.iter().enumerate();
            let parts: Arc<[Value]> = parts
                .map(|(index, item)| part(item, schema.element(index)))
                .collect();
            let secret = parts.iter().all(|part| part.secret);
            (Data::List(parts), secret)
        }
        Data::Object(object) => {
            let mut object = (**object).clone();
            for (key, member) in &mut object.members {
                member.value = part(&member.value, schema.property(key));
            }
            let secret = object.members.values().all(|member| member.value.secret);
            (Data::Object(Arc::new(object)), secret)
        }
        _ => return value.into_secret(),
    };
    // What has a public part is no secret as a whole; its parts say what is.
    Value {
        secret,
        ..Value::new(data, value.origin)
    }
}
