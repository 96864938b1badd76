//! Nodes to [`Definition`]s: what a document means. Evaluates nothing.
//!
//! Expressions lie in one list and name each other by index, so that evaluation keeps its state beside them, nothing
//! here is recursive to drop, and the path of an expression is told from its parents only when a fault needs it.

mod arguments;
mod call;
mod document;
mod expression;
mod interpolation;
mod path;
mod places;

use std::sync::Arc;

pub use call::{Call, is_reserved_prefix};
pub use document::{Parsed, parse, parse_node};
pub use interpolation::{Access, Accessor, Part, Selector};
pub use path::{PathId, Paths};

use crate::diagnostic::Diagnostic;
use crate::source::{Origin, Source, Span};
use crate::syntax::path::Step;
use crate::value::Text;

/// A definition: what one document says, before anything is evaluated.
pub struct Definition {
    /// The document.
    pub source: Arc<Source>,
    /// The imports in list order; elements without a usable name are left out.
    pub imports: Vec<Import>,
    /// The entries of `values`, sorted by key, without duplicates.
    pub values: Box<[Property]>,
    /// The `encryption` part.
    pub encryption: Option<Encryption>,
    /// The plaintexts under `fn::secret`, anywhere below `values`.
    pub plaintext_secrets: Vec<PlaintextSecret>,
    /// Faults that do not keep the document from being used, told when it is evaluated: duplicate and reserved keys.
    pub deferred: Vec<Diagnostic>,
    expressions: Vec<Expression>,
    paths: Paths,
}

impl Definition {
    /// The expression that `id` names.
    pub fn expression(&self, id: ExprId) -> &Expression {
        &self.expressions[id.0 as usize]
    }

    /// How many expressions there are.
    pub fn expression_count(&self) -> usize {
        self.expressions.len()
    }

    /// All expressions, in document order.
    pub fn expressions(&self) -> impl Iterator<Item = (ExprId, &Expression)> {
        (0..).map(ExprId).zip(&self.expressions)
    }

    /// The document path of an expression, as diagnostics show it.
    pub fn path_of(&self, id: ExprId) -> String {
        self.paths.render(self.expression(id).path)
    }

    /// The path of an expression below `values`, as a cycle is told: the first key never quoted.
    pub fn path_below_values(&self, id: ExprId) -> String {
        self.paths.render_below_values(self.expression(id).path)
    }

    /// The keys and indices from the root of the document to an expression.
    pub fn steps_of(&self, id: ExprId) -> Vec<Step> {
        self.paths.steps(self.expression(id).path)
    }

    /// Where an expression stands.
    pub fn origin(&self, id: ExprId) -> Origin {
        Origin::new(&self.source, self.expression(id).span)
    }
}

/// An element of `imports`.
pub struct Import {
    /// The environment's name, taken literally.
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
    /// Whether the import's values become the base of this definition's own.
    pub merge: bool,
    /// Its place in the list.
    pub index: usize,
}

/// The `encryption` part of a definition.
#[derive(Debug, Default)]
pub struct Encryption {
    /// For whom secrets are encrypted, as written (a comment behind a recipient included).
    pub recipients: Vec<(String, Span)>,
    /// The age header that wraps the definition's file key.
    pub header: Option<(String, Span)>,
    /// The digest of the recipients that the header was made for.
    pub recipients_digest: Option<(String, Span)>,
}

/// A plaintext that waits to be encrypted.
pub struct PlaintextSecret {
    /// Where the text stands: the scalar itself.
    pub span: Span,
    /// The document path of the text.
    pub path: String,
    /// The text.
    pub text: Text,
}

/// Names an expression of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// An expression.
pub struct Expression {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// Its document path.
    pub path: PathId,
}

/// The kinds of expressions.
pub enum ExprKind {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Text),
    /// A string without interpolation.
    String(Text),
    /// Text with accesses in it: always a string.
    Interpolation(Box<[Part]>),
    /// Exactly one access: the value itself.
    Reference(Access),
    /// A list literal.
    List(Box<[ExprId]>),
    /// An object literal: its entries sorted by key, without duplicates.
    Object(Box<[Property]>),
    /// A call of a function.
    Call(Box<Call>),
}

/// An entry of an object literal.
pub struct Property {
    /// The key.
    pub key: Arc<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: ExprId,
}

/// Finds the entry `key` among sorted properties.
pub fn find_property<'a>(properties: &'a [Property], key: &str) -> Option<&'a Property> {
    let index = properties
        .binary_search_by(|property| (*property.key).cmp(key))
        .ok()?;
    Some(&properties[index])
}
