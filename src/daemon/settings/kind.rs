//! What kind of value a key takes: what is right in words, and how it is read. A fault is told by these words alone and
//! with its place, which the parser knows only of errors that arise within a visitor.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::project::config::refused;

/// A kind of value that is written as one text or number.
pub(super) struct Kind<T> {
    /// What it has to be: goes on after `must be`.
    pub(super) words: &'static str,
    /// Its meaning; none if it is something else.
    pub(super) read: fn(&str) -> Option<T>,
}

impl<T> Clone for Kind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kind<T> {}

impl<T> Kind<T> {
    /// Reads a key that has to have a value.
    pub(super) fn required<'de, D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }

    /// Reads a key that may be without a value.
    pub(super) fn optional<'de, D: Deserializer<'de>>(
        self,
        from: D,
    ) -> Result<Option<T>, D::Error> {
        from.deserialize_option(Optional(self))
    }

    fn understand<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| refused(format_args!("must be {}", self.words)))
    }
}

impl<T> Visitor<'_> for Kind<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.understand(text)
    }
}

struct Optional<T>(Kind<T>);

impl<'de, T> Visitor<'de> for Optional<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.words)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.required(from).map(Some)
    }
}

/// One value or a list of them, or nothing.
pub(super) struct List<T> {
    /// What the first is.
    pub(super) first: Kind<T>,
    /// What the others are.
    pub(super) others: Kind<T>,
    /// Which values must not be in one list.
    pub(super) is_same: fn(&T, &T) -> bool,
}

impl<T: PartialEq> Kind<T> {
    /// Reads a key with one or more of these, none of them twice.
    pub(super) fn list<'de, D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
        let list = List {
            first: self,
            others: self,
            is_same: T::eq,
        };
        list.read(from)
    }
}

impl<T> List<T> {
    /// Reads a key.
    pub(super) fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, T> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a list of such", self.first.words)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![self.first.understand(text)?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let kind = if values.is_empty() {
                self.first
            } else {
                self.others
            };
            let item = Item {
                kind,
                before: &values,
                is_same: self.is_same,
            };
            match list.next_element_seed(item)? {
                Some(value) => values.push(value),
                // None could mean all or nothing.
                None if values.is_empty() => return Err(refused("must not be empty")),
                None => return Ok(values),
            }
        }
    }
}

/// A value in a list.
struct Item<'a, T> {
    kind: Kind<T>,
    before: &'a [T],
    is_same: fn(&T, &T) -> bool,
}

impl<'de, T> DeserializeSeed<'de> for Item<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for Item<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.words)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let value = self.kind.understand(text)?;
        match self.before.iter().any(|one| (self.is_same)(one, &value)) {
            true => Err(refused("is in the list already")),
            false => Ok(value),
        }
    }
}
