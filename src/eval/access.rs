//! Resolving `${…}` (specification, 3.4): over literals as far as they go, so that an object may refer to its own
//! siblings, then over values.

use std::rc::Rc;
use std::sync::Arc;

use super::merge::inherited;
use super::scope::{Scope, definition_of};
use crate::ast::{Access, Accessor, Call, ExprId, ExprKind, Property, Selector, find_property};
use crate::quote::quoted;
use crate::schema::Schema;
use crate::suggest::nearest;
use crate::value::{Data, Value};

/// Where a walk has come to.
enum Receiver {
    /// At an expression of this definition, with what it inherits.
    Expression(ExprId, Option<Value>),
    /// At a value.
    Value(Value),
}

impl Scope<'_, '_> {
    /// The value that an access leads to. None if it leads nowhere, which has been reported (or is told by no
    /// message, as for an inline reference that is too short).
    pub(super) fn resolve(&mut self, access: &Access, id: ExprId) -> Option<Value> {
        let (first, mut steps) = access.accessors.split_first()?;
        let mut receiver = match &first.selector {
            Selector::Key(key) => match &**key {
                "imports" => Receiver::Value(self.imports.clone()),
                "context" => Receiver::Value(self.context.clone()),
                "environments" => {
                    let [project, environment, rest @ ..] = steps else {
                        return None;
                    };
                    steps = rest;
                    Receiver::Value(self.inline_reference(project, environment, id)?)
                }
                key => {
                    let parsed = Rc::clone(&self.parsed);
                    let base = self.base.clone();
                    self.property(
                        &definition_of(&parsed).values,
                        base.as_ref(),
                        key,
                        first,
                        id,
                    )?
                }
            },
            Selector::Index(_) => {
                self.access_error(
                    first,
                    id,
                    "cannot access an object property using an integer index",
                );
                return None;
            }
        };
        for accessor in steps {
            receiver = self.step(receiver, accessor, id)?;
        }
        Some(match receiver {
            Receiver::Expression(expression, base) => self.evaluate(expression, base.as_ref()),
            Receiver::Value(value) => value,
        })
    }

    /// The environment that `${environments.PROJECT.ENVIRONMENT}` names.
    fn inline_reference(
        &mut self,
        project: &Accessor,
        environment: &Accessor,
        id: ExprId,
    ) -> Option<Value> {
        let (Selector::Key(project), Selector::Key(environment)) =
            (&project.selector, &environment.selector)
        else {
            return None;
        };
        let name: Arc<str> = Arc::from(format!("{project}/{environment}"));
        let path = definition_of(&self.parsed).path_of(id);
        let origin = self.origin(id);
        let value = self.pass.environment(&name, &origin, &path)?;
        self.pass.note_use(&origin.source, &name);
        Some(value)
    }

    fn step(&mut self, receiver: Receiver, accessor: &Accessor, id: ExprId) -> Option<Receiver> {
        let (expression, base) = match receiver {
            Receiver::Value(value) => {
                return self
                    .step_into_value(&value, accessor, id)
                    .map(Receiver::Value);
            }
            Receiver::Expression(expression, base) => (expression, base),
        };
        let parsed = Rc::clone(&self.parsed);
        // A final base stands whatever the literal over it says.
        let is_final = base.as_ref().is_some_and(|base| base.is_final);
        match &definition_of(&parsed).expression(expression).kind {
            ExprKind::Object(properties) if !is_final => match &accessor.selector {
                Selector::Key(key) => self.property(properties, base.as_ref(), key, accessor, id),
                Selector::Index(_) => {
                    self.access_error(
                        accessor,
                        id,
                        "cannot access an object property using an integer index",
                    );
                    None
                }
            },
            ExprKind::List(items) if !is_final => {
                let index = self.index(accessor, items.len(), id)?;
                Some(Receiver::Expression(items[index], None))
            }
            ExprKind::Call(call)
                if matches!(**call, Call::Plaintext(..) | Call::Ciphertext(..)) && !is_final =>
            {
                self.access_error(accessor, id, "receiver must be an array or an object");
                None
            }
            _ => {
                let value = self.evaluate(expression, base.as_ref());
                self.step_into_value(&value, accessor, id)
                    .map(Receiver::Value)
            }
        }
    }

    /// The property `key` of an object literal, or what the literal inherits.
    fn property(
        &mut self,
        properties: &[Property],
        base: Option<&Value>,
        key: &str,
        accessor: &Accessor,
        id: ExprId,
    ) -> Option<Receiver> {
        let below = base.and_then(|base| inherited(base, key));
        if let Some(property) = find_property(properties, key) {
            return Some(Receiver::Expression(property.value, below));
        }
        if below.is_none() {
            let own = || properties.iter().map(|property| &*property.key);
            let shown: Vec<&str> = match base.filter(|base| is_object(base)) {
                Some(base) => own_keys(base).collect(),
                None => own().collect(),
            };
            let all = own().chain(base.into_iter().flat_map(shown_keys));
            self.unknown_property(key, shown, all, accessor, id);
        }
        below.map(Receiver::Value)
    }

    fn step_into_value(&mut self, value: &Value, accessor: &Accessor, id: ExprId) -> Option<Value> {
        match (&value.data, &accessor.selector) {
            (Data::Object(_), Selector::Index(_)) => {
                self.access_error(
                    accessor,
                    id,
                    "cannot access an object property using an integer index",
                );
                None
            }
            (Data::Object(_), Selector::Key(key)) => {
                let found = inherited(value, key);
                if found.is_none() {
                    self.unknown_property(key, own_keys(value), shown_keys(value), accessor, id);
                }
                found
            }
            (Data::List(items), _) => {
                let index = self.index(accessor, items.len(), id)?;
                Some(items[index].clone())
            }
            (Data::Unknown(schema), selector) => {
                let schema = self.step_into_unknown(schema, selector, accessor, id)?;
                let unknown = Value::new(Data::Unknown(schema), value.origin.clone());
                Some(Value {
                    secret: value.secret,
                    ..unknown
                })
            }
            _ => {
                self.access_error(accessor, id, "receiver must be an array or an object");
                None
            }
        }
    }

    fn step_into_unknown(
        &mut self,
        schema: &Schema,
        selector: &Selector,
        accessor: &Accessor,
        id: ExprId,
    ) -> Option<Schema> {
        let result = match selector {
            Selector::Key(key) => schema.property(key),
            Selector::Index(index) => match usize::try_from(*index) {
                Ok(index) => schema.element(index),
                Err(_) => {
                    self.access_error(accessor, id, "array indices must not be negative");
                    return None;
                }
            },
        };
        result
            .map_err(|error| self.access_error(accessor, id, &error.to_string()))
            .ok()
    }

    /// The index that an accessor names in a list of `length` elements.
    fn index(&mut self, accessor: &Accessor, length: usize, id: ExprId) -> Option<usize> {
        let message = match accessor.selector {
            Selector::Key(_) => "cannot access an array element using a property name".to_owned(),
            Selector::Index(index) if index < 0 => "array indices must not be negative".to_owned(),
            Selector::Index(index) => match usize::try_from(index) {
                Ok(index) if index < length => return Some(index),
                _ => format!("array index {index} out-of-bounds for array of length {length}"),
            },
        };
        self.access_error(accessor, id, &message);
        None
    }

    /// Reports a key that is not there. The message suggests one of the keys `own` of the object where the search
    /// ended; the hint, if there is none among these, one of all the keys there are.
    fn unknown_property<'k>(
        &mut self,
        key: &str,
        own: impl IntoIterator<Item = &'k str>,
        all: impl IntoIterator<Item = &'k str>,
        accessor: &Accessor,
        id: ExprId,
    ) {
        let mut message = format!("unknown property {}", quoted(key));
        let mut hint = None;
        let did_you_mean = |near: &str| format!("did you mean {}?", quoted(near));
        if let Some(near) = self.suggestion(key, own) {
            message += &format!("; {}", did_you_mean(near));
        } else {
            hint = self.suggestion(key, all).map(did_you_mean);
        }
        self.error_at(id, accessor.span, message, hint);
    }

    /// The candidate that `key` may have been meant to be, as long as looking for such has not taken too long.
    fn suggestion<'k>(
        &mut self,
        key: &str,
        candidates: impl IntoIterator<Item = &'k str>,
    ) -> Option<&'k str> {
        let left = &mut self.pass.comparisons_left;
        let mut affordable = Vec::new();
        for candidate in candidates {
            *left = left.checked_sub(key.len().saturating_mul(candidate.len()))?;
            affordable.push(candidate);
        }
        nearest(key, affordable)
    }

    fn access_error(&mut self, accessor: &Accessor, id: ExprId, message: &str) {
        self.error_at(id, accessor.span, message, None);
    }
}

/// The keys of an object that messages may name: those of a secret they may not.
fn shown_keys(value: &Value) -> impl Iterator<Item = &str> {
    let object = match &value.data {
        Data::Object(object) if !value.secret => Some(object),
        _ => None,
    };
    object
        .into_iter()
        .flat_map(|object| object.members.keys().map(|key| &**key))
}

/// The keys of the object at the bottom of all that a value was merged onto, where the search for a key ends.
fn own_keys(value: &Value) -> impl Iterator<Item = &str> {
    let mut bottom = value;
    while let Data::Object(object) = &bottom.data
        && !object.closed
        && let Some(base) = &bottom.base
        && is_object(base.value())
    {
        bottom = base.value();
    }
    shown_keys(bottom)
}

fn is_object(value: &Value) -> bool {
    matches!(value.data, Data::Object(_))
}
