//! Merging a value over a base (specification, 2.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::value::{Data, Member, Object, Value};

/// Merges `over` onto `base`: objects merge by key, anything else replaces. Values keep their own flags; what a final
/// value of the base was to be replaced by is dropped, with a warning.
pub fn merge(over: Value, base: &Value, diagnostics: &mut Vec<Diagnostic>) -> Value {
    if base.is_final {
        // The same value, reached twice on the way of a shared import, overrides nothing.
        if over.origin != base.origin {
            diagnostics.push(final_override(&over, base));
        }
        return base.clone();
    }
    let data = match (&over.data, &base.data) {
        (Data::Object(own), Data::Object(below)) => Some(merge_objects(own, below, diagnostics)),
        (Data::Object(own), Data::Unknown(shape)) if shape.may_be_object() => {
            let below = Object {
                rest: Some(shape.clone()),
                ..Object::default()
            };
            Some(merge_objects(own, &below, diagnostics))
        }
        (Data::Object(own), _) => Some(Object {
            closed: true,
            ..(**own).clone()
        }),
        _ => None,
    };
    let merged = match data {
        Some(object) => Value {
            secret: over.secret,
            is_final: over.is_final,
            base: over.base,
            ..Value::new(Data::Object(Arc::new(object)), over.origin)
        },
        None => over,
    };
    merged.onto(base)
}

fn merge_objects(over: &Object, base: &Object, diagnostics: &mut Vec<Diagnostic>) -> Object {
    if over.closed {
        return over.clone();
    }
    let mut members = BTreeMap::new();
    // An unknown between two objects hides what lies below it.
    if over.rest.is_none() {
        for (key, member) in &base.members {
            if !over.members.contains_key(key) {
                members.insert(Arc::clone(key), Member { ..member.clone() });
            }
        }
    }
    for (key, member) in &over.members {
        let value = match inherited(base, &member.value, key) {
            Some(below) => merge(member.value.clone(), &below, diagnostics),
            None => member.value.clone(),
        };
        members.insert(Arc::clone(key), Member { value, ..*member });
    }
    let rest = over.rest.clone().or_else(|| base.rest.clone());
    Object {
        members,
        rest,
        closed: base.closed,
    }
}

/// What `key` of `base` is, if it has it or may have it.
fn inherited(base: &Object, over: &Value, key: &str) -> Option<Value> {
    if let Some(member) = base.members.get(key) {
        return Some(member.value.clone());
    }
    let shape = base.rest.as_ref()?.property(key).ok()?;
    Some(Value::new(Data::Unknown(shape), over.origin.clone()))
}

/// The warning for a value that would replace a final one.
pub(super) fn final_override(over: &Value, base: &Value) -> Diagnostic {
    Diagnostic::warning(
        &over.origin.source,
        over.origin.span,
        "",
        "cannot override final value",
    )
    .with_hint(format!("the value is final at {}", base.origin))
}
