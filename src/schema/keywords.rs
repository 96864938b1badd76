//! What a compiled schema is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;

use super::Schema;
use super::decimal::Decimal;
use crate::value::Value;

/// The types that schemas name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `string`
    String,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
    /// `array`
    Array,
    /// `object`
    Object,
    /// `null`
    Null,
}

impl Type {
    /// All of them, in the order in which messages list them.
    pub(super) const ALL: [Type; 6] = [
        Type::String,
        Type::Number,
        Type::Boolean,
        Type::Array,
        Type::Object,
        Type::Null,
    ];

    /// The type called `name`.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Number => "number",
            Type::Boolean => "boolean",
            Type::Array => "array",
            Type::Object => "object",
            Type::Null => "null",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema or a part of one.
pub(super) enum Node {
    /// `true`
    Always,
    /// `false`
    Never,
    /// An object of keywords. All that are present must be met.
    Keywords(Box<Keywords>),
    /// A schema whose references have a scope of their own.
    Scoped(Schema),
}

/// The keywords of one schema.
#[derive(Clone, Default)]
pub(super) struct Keywords {
    /// `$ref`, as a number in the scope.
    pub(super) reference: Option<usize>,
    pub(super) any_of: Vec<Arc<Node>>,
    pub(super) one_of: Vec<Arc<Node>>,
    pub(super) constant: Option<Literal>,
    pub(super) enumeration: Option<Vec<Literal>>,
    /// `type`
    pub(super) kind: Option<Type>,
    pub(super) prefix_items: Vec<Arc<Node>>,
    pub(super) items: Option<Arc<Node>>,
    pub(super) properties: BTreeMap<Arc<str>, Arc<Node>>,
    /// `additionalProperties`
    pub(super) additional: Option<Arc<Node>>,
    pub(super) required: Vec<Name>,
    pub(super) dependent_required: BTreeMap<Arc<str>, Vec<Name>>,
    pub(super) limits: Option<Box<Limits>>,
    pub(super) rotate_only: Vec<Arc<str>>,
    pub(super) secret: Option<bool>,
}

impl Keywords {
    pub(super) fn limits_mut(&mut self) -> &mut Limits {
        self.limits.get_or_insert_default()
    }

    /// Whether nothing is demanded.
    pub(super) fn is_empty(&self) -> bool {
        self.reference.is_none()
            && self.any_of.is_empty()
            && self.one_of.is_empty()
            && self.constant.is_none()
            && self.enumeration.is_none()
            && self.kind.is_none()
            && self.prefix_items.is_empty()
            && self.items.is_none()
            && self.properties.is_empty()
            && self.additional.is_none()
            && self.required.is_empty()
            && self.dependent_required.is_empty()
            && self.limits.is_none()
    }

    pub(super) fn requires(&self, key: &str) -> bool {
        self.required.iter().any(|name| &*name.text == key)
    }
}

/// The keywords that bound numbers, lengths and counts.
#[derive(Clone, Default)]
pub(super) struct Limits {
    pub(super) multiple_of: Option<Limit>,
    pub(super) minimum: Option<Limit>,
    pub(super) exclusive_minimum: Option<Limit>,
    pub(super) maximum: Option<Limit>,
    pub(super) exclusive_maximum: Option<Limit>,
    pub(super) min_length: Option<Limit>,
    pub(super) max_length: Option<Limit>,
    pub(super) pattern: Option<Pattern>,
    pub(super) min_items: Option<Limit>,
    pub(super) max_items: Option<Limit>,
    pub(super) min_properties: Option<Limit>,
    pub(super) max_properties: Option<Limit>,
}

/// A number with the text that messages show.
#[derive(Clone)]
pub(super) struct Limit {
    pub(super) number: Decimal,
    pub(super) shown: Arc<str>,
}

impl Limit {
    pub(super) fn of_count(count: usize) -> Self {
        Self {
            number: Decimal::from_count(count),
            shown: count.to_string().into(),
        }
    }
}

/// A compiled pattern with the text that messages show.
#[derive(Clone)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    pub(super) shown: Arc<str>,
}

/// The name of a property in a list of names.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) text: Arc<str>,
    /// Whether the name comes from a secret value and messages must not show it.
    pub(super) secret: bool,
}

impl Name {
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: Arc::from(text),
            secret: false,
        }
    }
}

/// A value that `const` or `enum` demands.
#[derive(Clone)]
pub(super) enum Literal {
    /// A plain string, for schemas that are built in.
    String(Arc<[u8]>),
    /// Any value without unknowns.
    Value(Value),
}
