//! Merging a value over a base (specification, 2.4).

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
    let object = match &over.data {
        Data::Object(own) => Some(merge_object(own, base, diagnostics)),
        _ => None,
    };
    let merged = match object {
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

/// How many members the objects have together that [`merge`] makes. What it takes as it is costs nothing.
pub(super) fn merged_members(over: &Value, base: &Value) -> u64 {
    let Data::Object(own) = &over.data else {
        return 0;
    };
    let all = own.members.len() as u64;
    if base.is_final {
        return 0;
    }
    if own.closed {
        return all;
    }
    let of_base = match &base.data {
        Data::Object(base) if own.rest.is_none() => {
            let is_own = |key: &&Arc<str>| own.members.contains_key(*key);
            base.members.keys().filter(|key| !is_own(key)).count()
        }
        _ => 0,
    };
    let below = own.members.iter().map(|(key, member)| {
        inherited(base, key).map_or(0, |base| merged_members(&member.value, &base))
    });
    below.fold(all + of_base as u64, u64::saturating_add)
}

fn merge_object(over: &Object, base: &Value, diagnostics: &mut Vec<Diagnostic>) -> Object {
    if over.closed {
        return over.clone();
    }
    let mut object = below(base, |key| over.members.contains_key(key));
    // An unknown between two objects hides what lies below it.
    if let Some(rest) = &over.rest {
        object.members.clear();
        object.rest = Some(rest.clone());
    }
    for (key, member) in &over.members {
        let value = match inherited(base, key) {
            Some(below) => merge(member.value.clone(), &below, diagnostics),
            None => member.value.clone(),
        };
        object
            .members
            .insert(Arc::clone(key), Member { value, ..*member });
    }
    object
}

/// What an object has of its base: the members that it does not have itself, and what is known of further ones.
pub(super) fn below(base: &Value, has: impl Fn(&str) -> bool) -> Object {
    match &base.data {
        Data::Object(base) => {
            let inherited = base.members.iter().filter(|(key, _)| !has(key));
            Object {
                members: inherited
                    .map(|(key, member)| (Arc::clone(key), member.clone()))
                    .collect(),
                rest: base.rest.clone(),
                closed: base.closed,
            }
        }
        Data::Unknown(shape) if shape.may_be_object() => Object {
            rest: Some(shape.clone()),
            ..Object::default()
        },
        _ => Object {
            closed: true,
            ..Object::default()
        },
    }
}

/// What `key` of a base is, if the base has it or may have it.
pub(super) fn inherited(base: &Value, key: &str) -> Option<Value> {
    let shape = match &base.data {
        Data::Object(object) => match object.members.get(key) {
            Some(member) => return Some(member.value.clone()),
            None => object.rest.as_ref()?,
        },
        Data::Unknown(shape) => shape,
        _ => return None,
    };
    Some(Value::new(
        Data::Unknown(shape.property(key).ok()?),
        base.origin.clone(),
    ))
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

#[cfg(test)]
mod tests;
