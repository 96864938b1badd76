//! What a document says, without how it is written: what edits write, and what they are checked against.

use std::fmt;

use crate::syntax::path::Step;
use crate::syntax::{Node, NodeKind};

/// A value to write.
#[derive(Clone, PartialEq, Eq)]
pub enum NewValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as the text of a JSON number.
    Number(Box<str>),
    /// A string. It is written so that it reads back as this string and as nothing else.
    String(Box<str>),
    /// A list.
    List(Vec<NewValue>),
    /// A mapping, in the order in which it is written.
    Map(Vec<(Box<str>, NewValue)>),
}

// What a value says may be a plaintext secret, so only its kind shows.
impl fmt::Debug for NewValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NewValue::Null => "Null",
            NewValue::Bool(_) => "Bool",
            NewValue::Number(_) => "Number",
            NewValue::String(_) => "String",
            NewValue::List(_) => "List",
            NewValue::Map(_) => "Map",
        })
    }
}

impl NewValue {
    /// A string.
    pub fn string(text: impl Into<Box<str>>) -> Self {
        NewValue::String(text.into())
    }

    /// A mapping of one entry.
    pub fn entry(key: impl Into<Box<str>>, value: NewValue) -> Self {
        NewValue::Map(vec![(key.into(), value)])
    }

    /// What a node says.
    pub fn of(node: &Node) -> Self {
        match &node.kind {
            NodeKind::Null => NewValue::Null,
            NodeKind::Bool(value) => NewValue::Bool(*value),
            NodeKind::Number(text) => NewValue::Number(text.clone()),
            NodeKind::String(string) => NewValue::String(string.text.clone()),
            NodeKind::List { items, .. } => {
                NewValue::List(items.iter().map(NewValue::of).collect())
            }
            NodeKind::Map { entries, .. } => NewValue::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), NewValue::of(&entry.value)))
                    .collect(),
            ),
        }
    }

    /// Whether it is written in several parts: a list or a mapping that is not empty.
    pub(super) fn is_collection(&self) -> bool {
        match self {
            NewValue::List(items) => !items.is_empty(),
            NewValue::Map(entries) => !entries.is_empty(),
            _ => false,
        }
    }

    /// Puts `value` at the end of `steps`, none of which exists yet: a mapping for a key, a list for an index.
    pub(super) fn wrapped(value: NewValue, steps: &[Step]) -> Self {
        steps.iter().rev().fold(value, |value, step| match step {
            Step::Key(key) => NewValue::entry(key.clone(), value),
            Step::Index(_) => NewValue::List(vec![value]),
        })
    }

    /// Sets the value at a path, whose parents need not exist.
    pub(super) fn set(&mut self, path: &[Step], value: NewValue) {
        let Some((step, rest)) = path.split_first() else {
            *self = value;
            return;
        };
        match (&mut *self, step) {
            (NewValue::Map(entries), Step::Key(key)) => {
                match entries.iter_mut().find(|(name, _)| name == key) {
                    Some((_, child)) => child.set(rest, value),
                    None => entries.push((key.clone(), Self::wrapped(value, rest))),
                }
            }
            (NewValue::List(items), Step::Index(index)) => match items.get_mut(*index) {
                Some(item) => item.set(rest, value),
                None => items.push(Self::wrapped(value, rest)),
            },
            _ => *self = Self::wrapped(value, path),
        }
    }

    /// Removes what is at a path that exists.
    pub(super) fn remove(&mut self, path: &[Step]) {
        let Some((step, rest)) = path.split_first() else {
            return;
        };
        match (self, step) {
            (NewValue::Map(entries), Step::Key(key)) => {
                if let Some(at) = entries.iter().position(|(name, _)| name == key) {
                    match rest {
                        [] => drop(entries.remove(at)),
                        rest => entries[at].1.remove(rest),
                    }
                }
            }
            (NewValue::List(items), Step::Index(index)) if *index < items.len() => match rest {
                [] => drop(items.remove(*index)),
                rest => items[*index].remove(rest),
            },
            _ => {}
        }
    }
}
