//! Reads paths out of unknown values by what is known of their shape.

use std::fmt;
use std::sync::Arc;

use super::keywords::{Keywords, Node, Type};
use super::{Schema, View};

/// Why a path does not lead on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Neither a list nor an object.
    NotContainer,
    /// A key on a list.
    KeyOnList,
    /// An index on an object.
    IndexOnObject,
    /// An index beyond the end of a list whose length is known.
    OutOfBounds {
        /// The index.
        index: usize,
        /// The length.
        length: usize,
    },
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessError::NotContainer => f.write_str("receiver must be an array or an object"),
            AccessError::KeyOnList => {
                f.write_str("cannot access an array element using a property name")
            }
            AccessError::IndexOnObject => {
                f.write_str("cannot access an object property using an integer index")
            }
            AccessError::OutOfBounds { index, length } => {
                write!(
                    f,
                    "array index {index} out-of-bounds for array of length {length}"
                )
            }
        }
    }
}

impl std::error::Error for AccessError {}

impl Schema {
    /// The schema of the property `key`: [`Schema::never`] if there is none. References and alternatives are followed.
    ///
    /// # Errors
    /// When no value of this schema has properties.
    pub fn property(&self, key: &str) -> Result<Schema, AccessError> {
        self.view().access(&Access::Key(key), 0)
    }

    /// Whether an object may meet it.
    pub fn may_be_object(&self) -> bool {
        self.property("").is_ok()
    }

    /// The schema of the element `index`. References and alternatives are followed.
    ///
    /// # Errors
    /// When no value of this schema has such an element.
    pub fn element(&self, index: usize) -> Result<Schema, AccessError> {
        self.view().access(&Access::Index(index), 0)
    }
}

enum Access<'a> {
    Key(&'a str),
    Index(usize),
}

/// References and alternatives nested deeper than this are taken to allow anything; recursive ones are.
const MAX_DEPTH: usize = 64;

impl View<'_> {
    fn access(self, access: &Access<'_>, depth: usize) -> Result<Schema, AccessError> {
        let keywords = match &**self.node {
            Node::Never => return Ok(Schema::never()),
            Node::Always | Node::Scoped(_) => return Ok(Schema::always()),
            Node::Keywords(keywords) => keywords,
        };
        if let Some(kind) = keywords.kind.or_else(|| keywords.implied_kind()) {
            return self.access_typed(kind, keywords, access);
        }
        if depth >= MAX_DEPTH {
            return Ok(Schema::always());
        }
        if let Some(target) = self.target(keywords) {
            return target.access(access, depth + 1);
        }
        let alternatives = if keywords.any_of.is_empty() {
            &keywords.one_of
        } else {
            &keywords.any_of
        };
        if alternatives.is_empty() {
            return Ok(Schema::always());
        }
        let mut found = Vec::new();
        let mut refused = None;
        for alternative in alternatives {
            match self.part(alternative).access(access, depth + 1) {
                Ok(schema) if schema.is_always() => return Ok(schema),
                Ok(schema) => found.push(schema),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        // A property that is missing from one alternative says nothing of the others.
        if found.iter().any(|schema| !schema.is_never()) {
            found.retain(|schema| !schema.is_never());
        }
        match (found.len(), refused) {
            (0, Some(error)) => Err(error),
            (0 | 1, _) => Ok(found.pop().unwrap_or_else(Schema::always)),
            _ => Ok(Schema::any_of(found)),
        }
    }

    fn access_typed(
        self,
        kind: Type,
        keywords: &Keywords,
        access: &Access<'_>,
    ) -> Result<Schema, AccessError> {
        let (declared, further): (Option<&Arc<Node>>, _) = match (kind, access) {
            (Type::Object, Access::Key(key)) => {
                (keywords.properties.get(*key), &keywords.additional)
            }
            (Type::Array, Access::Index(index)) => {
                (keywords.prefix_items.get(*index), &keywords.items)
            }
            (Type::Object, Access::Index(_)) => return Err(AccessError::IndexOnObject),
            (Type::Array, Access::Key(_)) => return Err(AccessError::KeyOnList),
            _ => return Err(AccessError::NotContainer),
        };
        let Some(part) = declared.or(further.as_ref()) else {
            return Ok(Schema::always());
        };
        let part = self.part(part);
        match access {
            Access::Index(index) if declared.is_none() && part.is_never() => {
                let (index, length) = (*index, keywords.prefix_items.len());
                Err(AccessError::OutOfBounds { index, length })
            }
            _ => Ok(part.to_schema()),
        }
    }
}

impl Keywords {
    /// The type that keywords speak of without naming it: what has only `properties` may be read like an object.
    fn implied_kind(&self) -> Option<Type> {
        if !self.properties.is_empty() || self.additional.is_some() {
            Some(Type::Object)
        } else if !self.prefix_items.is_empty() || self.items.is_some() {
            Some(Type::Array)
        } else {
            None
        }
    }
}
