//! The schema of schemas.

use std::sync::{Arc, LazyLock};

use super::Schema;
use super::keywords::{Keywords, Literal, Node, Type};
use super::literal_string;

/// What a value has to be to describe a schema: a boolean, or an object whose keywords have the right types.
pub fn schema_of_schemas() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(build);
    &SCHEMA
}

fn build() -> Schema {
    let node = |schema: Schema| schema.into_node();
    // The only definition of the scope is the schema itself.
    let itself = || {
        Schema::of(Keywords {
            reference: Some(0),
            ..Keywords::default()
        })
    };
    let mut properties = Vec::new();
    let mut add = |keys: &[&'static str], schema: fn() -> Schema| {
        for key in keys {
            properties.push((Arc::from(*key), schema().into_node()));
        }
    };
    add(&["$ref", "pattern", "title", "description"], Schema::string);
    add(&["uniqueItems", "deprecated", "secret"], Schema::boolean);
    add(&["const", "default"], Schema::always);
    add(&["enum", "examples"], || Schema::array_of(Schema::always()));
    add(&["required", "rotateOnly"], || {
        Schema::array_of(Schema::string())
    });
    add(&["dependentRequired"], || {
        Schema::map_of(Schema::array_of(Schema::string()))
    });
    add(
        &[
            "multipleOf",
            "minimum",
            "exclusiveMinimum",
            "maximum",
            "exclusiveMaximum",
        ],
        Schema::number,
    );
    add(
        &[
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
        ],
        Schema::number,
    );
    add(&["type"], || {
        Schema::of(Keywords {
            enumeration: Some(type_names()),
            ..Keywords::default()
        })
    });
    for key in ["items", "additionalProperties"] {
        properties.push((Arc::from(key), node(itself())));
    }
    for key in ["anyOf", "oneOf", "prefixItems"] {
        properties.push((Arc::from(key), node(Schema::array_of(itself()))));
    }
    for key in ["$defs", "properties"] {
        properties.push((Arc::from(key), node(Schema::map_of(itself()))));
    }
    let object = Schema::of(Keywords {
        kind: Some(Type::Object),
        properties: properties.into_iter().collect(),
        ..Keywords::default()
    });
    let schema: Arc<Node> = node(Schema::any_of([Schema::boolean(), object]));
    Schema {
        node: Arc::clone(&schema),
        scope: Some(Arc::from([schema])),
    }
}

fn type_names() -> Vec<Literal> {
    Type::ALL
        .iter()
        .map(|kind| literal_string(kind.name()))
        .collect()
}
