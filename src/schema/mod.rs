//! Schemas: what is known of a value's shape, and what a value has to be.
//!
//! A schema is compiled once ([`Schema::compile`]) and then checked against values ([`check`]), read through by paths
//! ([`Schema::property`], [`Schema::element`]). Its keywords are those of JSON Schema that the environment language
//! supports. Nothing here reads definitions or knows of expressions.
//!
//! No message holds a text that comes from a secret value: `[secret]` stands in its place.

mod check;
mod compare;
mod compile;
mod decimal;
mod equal;
mod keywords;
mod message;
mod meta;
mod path;
mod pattern;

use std::sync::Arc;

pub use check::{Mismatch, check};
pub use keywords::Type;
pub use meta::schema_of_schemas;
pub use path::AccessError;

use keywords::{Keywords, Name, Node};

/// A compiled schema. Cloning it counts references.
#[derive(Clone)]
pub struct Schema {
    node: Arc<Node>,
    scope: Scope,
}

/// What `$ref`s in a schema refer to, by number; so that recursive schemas are no reference cycles.
type Scope = Option<Arc<[Arc<Node>]>>;

impl Schema {
    fn from_node(node: Node) -> Self {
        Self {
            node: Arc::new(node),
            scope: None,
        }
    }

    fn of(keywords: Keywords) -> Self {
        Self::from_node(Node::Keywords(Box::new(keywords)))
    }

    fn typed(kind: Type) -> Self {
        Self::of(Keywords {
            kind: Some(kind),
            ..Keywords::default()
        })
    }

    /// The schema that every value meets.
    pub fn always() -> Self {
        Self::from_node(Node::Always)
    }

    /// The schema that no value meets.
    pub fn never() -> Self {
        Self::from_node(Node::Never)
    }

    /// Any string.
    pub fn string() -> Self {
        Self::typed(Type::String)
    }

    /// Any number.
    pub fn number() -> Self {
        Self::typed(Type::Number)
    }

    /// Either boolean.
    pub fn boolean() -> Self {
        Self::typed(Type::Boolean)
    }

    /// Only null.
    pub fn null() -> Self {
        Self::typed(Type::Null)
    }

    /// A list of any length whose elements all meet `items`.
    pub fn array_of(items: Schema) -> Self {
        Self::of(Keywords {
            kind: Some(Type::Array),
            items: Some(items.into_node()),
            ..Keywords::default()
        })
    }

    /// A list with an element for each of `items`, and no other.
    pub fn tuple(items: impl IntoIterator<Item = Schema>) -> Self {
        let prefix_items: Vec<_> = items.into_iter().map(Schema::into_node).collect();
        let mut keywords = Keywords {
            kind: Some(Type::Array),
            items: Some(Arc::new(Node::Never)),
            ..Keywords::default()
        };
        keywords.limits_mut().min_items = Some(keywords::Limit::of_count(prefix_items.len()));
        keywords.prefix_items = prefix_items;
        Self::of(keywords)
    }

    /// An object with `properties`, of which those in `required` must be there; others may be.
    pub fn object<'a>(
        properties: impl IntoIterator<Item = (&'a str, Schema)>,
        required: &[&str],
    ) -> Self {
        Self::of(Keywords {
            kind: Some(Type::Object),
            properties: properties
                .into_iter()
                .map(|(key, schema)| (Arc::from(key), schema.into_node()))
                .collect(),
            required: required.iter().map(|key| Name::plain(key)).collect(),
            ..Keywords::default()
        })
    }

    /// An object whose properties all meet `properties`.
    pub fn map_of(properties: Schema) -> Self {
        Self::of(Keywords {
            kind: Some(Type::Object),
            additional: Some(properties.into_node()),
            ..Keywords::default()
        })
    }

    /// What meets at least one of `alternatives`.
    pub fn any_of(alternatives: impl IntoIterator<Item = Schema>) -> Self {
        Self::of(Keywords {
            any_of: alternatives.into_iter().map(Schema::into_node).collect(),
            ..Keywords::default()
        })
    }

    /// What meets exactly one of `alternatives`.
    pub fn one_of(alternatives: impl IntoIterator<Item = Schema>) -> Self {
        Self::of(Keywords {
            one_of: alternatives.into_iter().map(Schema::into_node).collect(),
            ..Keywords::default()
        })
    }

    /// This object schema, without properties other than those it names.
    #[must_use]
    pub fn closed(mut self) -> Self {
        if let Node::Keywords(keywords) = &*self.node {
            let mut keywords = keywords.clone();
            keywords.additional = Some(Arc::new(Node::Never));
            self.node = Arc::new(Node::Keywords(keywords));
        }
        self
    }

    /// Whether every value meets it because it is `true` (or has not a single keyword).
    pub fn is_always(&self) -> bool {
        self.view().is_always()
    }

    /// Whether it is `false`.
    pub fn is_never(&self) -> bool {
        self.view().is_never()
    }

    /// The type it names, if it names one itself.
    pub fn kind(&self) -> Option<Type> {
        self.view().keywords()?.kind
    }

    /// What its keyword `secret` says; it is looked for behind `$ref`s too.
    pub fn secret(&self) -> Option<bool> {
        let mut view = self.view();
        // A chain of references longer than there are definitions goes in circles.
        for _ in 0..=view.scope_len() {
            let keywords = view.keywords()?;
            if keywords.secret.is_some() {
                return keywords.secret;
            }
            view = view.target(keywords)?;
        }
        None
    }

    /// Whether the property `key` is needed only while rotating.
    pub fn is_rotate_only(&self, key: &str) -> bool {
        let mut view = self.view();
        for _ in 0..=view.scope_len() {
            let Some(keywords) = view.keywords() else {
                return false;
            };
            if keywords.rotate_only.iter().any(|name| &**name == key) {
                return true;
            }
            let Some(target) = view.target(keywords) else {
                return false;
            };
            view = target;
        }
        false
    }

    fn view(&self) -> View<'_> {
        View {
            node: &self.node,
            scope: &self.scope,
        }
        .unscoped()
    }

    /// This schema as a part of another one, which may have a scope of its own.
    fn into_node(self) -> Arc<Node> {
        if self.scope.is_none() {
            self.node
        } else {
            Arc::new(Node::Scoped(self))
        }
    }
}

fn literal_string(text: &str) -> keywords::Literal {
    keywords::Literal::String(Arc::from(text.as_bytes()))
}

/// A part of a schema together with the scope of its references.
#[derive(Clone, Copy)]
struct View<'a> {
    node: &'a Arc<Node>,
    scope: &'a Scope,
}

impl<'a> View<'a> {
    fn unscoped(mut self) -> Self {
        while let Node::Scoped(schema) = &**self.node {
            self = View {
                node: &schema.node,
                scope: &schema.scope,
            };
        }
        self
    }

    fn keywords(self) -> Option<&'a Keywords> {
        match &**self.node {
            Node::Keywords(keywords) => Some(keywords),
            _ => None,
        }
    }

    /// A part of this schema.
    fn part(self, node: &'a Arc<Node>) -> Self {
        View {
            node,
            scope: self.scope,
        }
        .unscoped()
    }

    /// What `$ref` among `keywords` (of this schema) refers to.
    fn target(self, keywords: &Keywords) -> Option<Self> {
        let nodes = self.scope.as_ref()?;
        Some(self.part(nodes.get(keywords.reference?)?))
    }

    fn scope_len(self) -> usize {
        self.scope.as_ref().map_or(0, |nodes| nodes.len())
    }

    fn is_never(self) -> bool {
        matches!(**self.node, Node::Never)
    }

    fn is_always(self) -> bool {
        match &**self.node {
            Node::Always => true,
            Node::Keywords(keywords) => keywords.is_empty(),
            Node::Never | Node::Scoped(_) => false,
        }
    }

    /// Tells parts apart.
    fn id(self) -> *const Node {
        Arc::as_ptr(self.node)
    }

    fn to_schema(self) -> Schema {
        Schema {
            node: Arc::clone(self.node),
            scope: self.scope.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
