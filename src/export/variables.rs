//! The variables that a composed value gives.

use std::sync::Arc;

use crate::source::Origin;
use crate::value::{Data, Member, Object, Text, Value};

/// Why a variable is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `environmentVariables` names it.
    Declared,
    /// It is a leaf, named after its path.
    Flattened,
    /// `files` names it: its value is the content of a file, and a process is given the path.
    File,
}

/// One variable.
#[derive(Clone)]
pub struct Variable {
    /// Its name, without `=` and NUL.
    pub name: Arc<str>,
    /// Its value, without NUL; in locked memory if it is secret. Need not be UTF-8.
    pub value: Text,
    /// Whether any part of the value is secret.
    pub secret: bool,
    /// The expression that the value is from.
    pub origin: Origin,
    /// The document path of the value (`values.app.host`).
    pub path: String,
    /// Why it is exported.
    pub kind: Kind,
}

/// A file that a process is given, by a variable that holds its path.
#[derive(Clone)]
pub struct File {
    /// The variable, whose name is that of a file too.
    pub variable: Arc<str>,
    /// What the file holds: any bytes; in locked memory if they are secret.
    pub content: Text,
    /// Whether any part of the content is secret.
    pub secret: bool,
    /// The expression that the content is from.
    pub origin: Origin,
    /// The document path of the content (`values.files.TLS_KEY`).
    pub path: String,
}

/// Variables in the order of their names, each name once.
#[derive(Clone, Default)]
pub struct Variables {
    sorted: Vec<Variable>,
}

impl Variables {
    /// Sorts `variables`, whose names differ.
    pub fn new(mut variables: Vec<Variable>) -> Self {
        variables.sort_by(|a, b| a.name.cmp(&b.name));
        Self { sorted: variables }
    }

    /// The variable `name`.
    pub fn find(&self, name: &str) -> Option<&Variable> {
        let found = self
            .sorted
            .binary_search_by(|variable| (*variable.name).cmp(name));
        found.ok().map(|index| &self.sorted[index])
    }

    /// All of them, by name.
    pub fn iter(&self) -> std::slice::Iter<'_, Variable> {
        self.sorted.iter()
    }

    /// Those that `keep` wants.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Variable) -> bool) -> Self {
        let kept = self.sorted.iter().filter(|variable| keep(variable));
        Self {
            sorted: kept.cloned().collect(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The variables as an object of strings. Nothing, if there are none: a value has an origin.
    pub(super) fn to_value(&self) -> Option<Value> {
        let origin = self.sorted.first()?.origin.clone();
        let member = |variable: &Variable| {
            let data = Data::String(variable.value.clone());
            let member = Member {
                value: Value {
                    secret: variable.secret,
                    ..Value::new(data, variable.origin.clone())
                },
                outside: false,
            };
            (Arc::clone(&variable.name), member)
        };
        let object = Object::new(self.sorted.iter().map(member).collect());
        Some(Value::new(Data::Object(Arc::new(object)), origin))
    }
}

impl<'a> IntoIterator for &'a Variables {
    type Item = &'a Variable;
    type IntoIter = std::slice::Iter<'a, Variable>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
