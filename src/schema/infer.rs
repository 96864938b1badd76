//! Schemas of values, and of values merged over others.

use std::sync::Arc;

use super::check::type_of;
use super::keywords::{Keywords, Literal, Name, Node, Type};
use super::{Schema, View};
use crate::value::{Data, Object, Value};

/// Of a value larger than this, in bytes when written out, only the type is told. Values that share parts can be far
/// larger than they look.
const HEAVIEST: u64 = 16 * 1024 * 1024;

/// The schema that says all that is known of `value`. Of a secret it tells the type alone, so that schemas can be shown.
pub fn infer(value: &Value) -> Schema {
    let kind = match (&value.data, type_of(value)) {
        (Data::Unknown(schema), _) => return schema.clone(),
        (_, Some(kind)) => kind,
        (_, None) => return Schema::always(),
    };
    let mut keywords = Keywords {
        kind: Some(kind),
        ..Keywords::default()
    };
    if value.weight() > HEAVIEST {
        return Schema::of(keywords);
    }
    match &value.data {
        Data::List(items) => {
            keywords.prefix_items = items.iter().map(|item| infer(item).into_node()).collect();
            keywords.items = Some(Arc::new(Node::Never));
        }
        Data::Object(object) => infer_object(object, &mut keywords),
        Data::Bool(_) | Data::Number(_) | Data::String(_) if !value.secret => {
            keywords.constant = Some(Literal::Value(value.clone()));
        }
        _ => {}
    }
    Schema::of(keywords)
}

fn infer_object(object: &Object, keywords: &mut Keywords) {
    for (key, member) in &object.members {
        let schema = infer(&member.value).into_node();
        keywords.properties.insert(Arc::clone(key), schema);
        keywords.required.push(Name {
            text: Arc::clone(key),
            secret: false,
        });
    }
    let Some(rest) = &object.rest else { return };
    // What lies below may hold more; its own schema knows which.
    let below = merged(&Schema::of(keywords.clone()), rest);
    if let Some(all) = below.view().keywords() {
        *keywords = all.clone();
    }
}

/// The schema of a value of schema `top` merged over one of schema `base`: objects have the properties of both, all
/// else replaces.
pub fn merged(top: &Schema, base: &Schema) -> Schema {
    merge(top.view(), base.view())
}

fn merge(top: View<'_>, base: View<'_>) -> Schema {
    let (Some(over), Some(under)) = (top.keywords(), base.keywords()) else {
        return top.to_schema();
    };
    if over.kind != Some(Type::Object) || under.kind != Some(Type::Object) {
        return top.to_schema();
    }
    let mut keywords = Keywords {
        kind: Some(Type::Object),
        ..Keywords::default()
    };
    for (key, part) in &under.properties {
        let schema = match over.properties.get(key) {
            Some(part_over) => merge(top.part(part_over), base.part(part)),
            None => base.part(part).to_schema(),
        };
        keywords
            .properties
            .insert(Arc::clone(key), schema.into_node());
    }
    for (key, part) in &over.properties {
        if !keywords.properties.contains_key(key) {
            let schema = top.part(part).to_schema();
            keywords
                .properties
                .insert(Arc::clone(key), schema.into_node());
        }
    }
    keywords.required.clone_from(&over.required);
    for name in &under.required {
        if !over.requires(&name.text) {
            keywords.required.push(name.clone());
        }
    }
    keywords.required.sort_by(|a, b| a.text.cmp(&b.text));
    // Beyond what is named there is what either side allows; a side that is closed adds nothing.
    keywords.additional = match (&over.additional, &under.additional) {
        (Some(a), Some(b)) if top.part(a).is_never() => Some(base.part(b).to_schema().into_node()),
        (Some(a), Some(b)) if base.part(b).is_never() => Some(top.part(a).to_schema().into_node()),
        _ => None,
    };
    Schema::of(keywords)
}
