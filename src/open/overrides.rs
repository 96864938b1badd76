//! Values from whoever asks: what goes over all definitions, and what `${context}` holds.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{self, Parsed};
use crate::source::{Origin, Source, Span};
use crate::syntax::path::{self, Step};
use crate::syntax::{Entry, Node, NodeKind, StringNode, Style};
use crate::value::{Data, Member, Object, Text, Value};

/// What is wrong with what was asked for: one line for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// The definition that goes over everything: texts by path, of which nothing is interpolated. `option` is what they were
/// given by.
///
/// # Errors
/// When a path is none, names a function, or contradicts another one.
pub fn overrides<'a>(
    option: &str,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Option<Rc<Parsed>>, Invalid> {
    let mut tree = Tree::default();
    for (path, text) in settings {
        let path = parse(option, path)?;
        // Who asks a daemon would else have it call functions with its rights and identities, of which no rule knows.
        let call = path.iter().find_map(|step| match step {
            Step::Key(key) if ast::is_reserved_prefix(key) => Some(key),
            _ => None,
        });
        if let Some(key) = call {
            return Err(Invalid(format!(
                "{option}: {key} names a function; only texts can be set"
            )));
        }
        tree.insert(option, &path, text)?;
    }
    if tree.branches.is_empty() {
        return Ok(None);
    }
    let source = Source::new(option, None, "");
    let values = entry("values", tree.into_node());
    let document = node(NodeKind::Map {
        entries: vec![values],
        flow: false,
    });
    Ok(Some(Rc::new(ast::parse_node(&source, &document))))
}

/// The object of texts by path. `option` is what they were given by.
///
/// # Errors
/// When a path is none or escrun's own, or contradicts another one.
pub fn context<'a>(
    option: &str,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Object, Invalid> {
    let mut tree = Tree::default();
    for (path, text) in settings {
        let path = parse(option, path)?;
        if let Some(Step::Key(key)) = path.first()
            && matches!(&**key, "currentEnvironment" | "rootEnvironment")
        {
            return Err(Invalid(format!("reserved context key: \"{key}\"")));
        }
        tree.insert(option, &path, text)?;
    }
    let source = Source::new(option, None, "");
    Ok(tree.into_object(&Origin::new(&source, Span::default())))
}

fn parse(option: &str, path: &str) -> Result<Vec<Step>, Invalid> {
    path::parse(path)
        .map_err(|error| Invalid(format!("{option}: invalid property path {path}: {error}")))
}

/// Texts by path.
#[derive(Default)]
struct Tree {
    branches: BTreeMap<Box<str>, Branch>,
}

enum Branch {
    Text(String),
    Tree(Tree),
}

impl Tree {
    fn insert(&mut self, option: &str, path: &[Step], text: &str) -> Result<(), Invalid> {
        let [Step::Key(key), rest @ ..] = path else {
            return Err(Invalid(format!(
                "{option}: a path into a list cannot be set: set the list's parent instead"
            )));
        };
        if rest.is_empty() {
            self.branches
                .insert(key.clone(), Branch::Text(text.to_owned()));
            return Ok(());
        }
        let branch = self
            .branches
            .entry(key.clone())
            .or_insert_with(|| Branch::Tree(Tree::default()));
        match branch {
            Branch::Tree(tree) => tree.insert(option, rest, text),
            Branch::Text(_) => Err(Invalid(format!(
                "{option} gives {key} a value and a value below it"
            ))),
        }
    }

    fn into_node(self) -> Node {
        let entries = self.branches.into_iter().map(|(key, branch)| {
            let value = match branch {
                Branch::Tree(tree) => tree.into_node(),
                // Taken literally: a dollar sign starts nothing.
                Branch::Text(text) => node(NodeKind::String(StringNode {
                    text: text.replace('$', "$$").into(),
                    style: Style::DoubleQuoted,
                    properties: 0,
                })),
            };
            entry(&key.replace('$', "$$"), value)
        });
        node(NodeKind::Map {
            entries: entries.collect(),
            flow: false,
        })
    }

    fn into_object(self, origin: &Origin) -> Object {
        let members = self.branches.into_iter().map(|(key, branch)| {
            let data = match branch {
                Branch::Text(text) => Data::String(Text::plain(text)),
                Branch::Tree(tree) => Data::Object(Arc::new(tree.into_object(origin))),
            };
            (
                Arc::from(key),
                Member::from(Value::new(data, origin.clone())),
            )
        });
        Object::new(members.collect())
    }
}

fn node(kind: NodeKind) -> Node {
    Node {
        kind,
        span: Span::default(),
    }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry {
        key: key.into(),
        key_span: Span::default(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_can_be_set() {
        for path in [
            "x[\"fn::secret\"].ciphertext",
            "x[\"fn::open::file\"].path",
            "[\"FN::fromJSON\"]",
            "environmentVariables.X[\"fn::open\"].provider",
        ] {
            let refused = overrides("set", [(path, "x")]).err();
            assert!(
                refused.is_some_and(|refused| refused.0.ends_with("only texts can be set")),
                "{path}"
            );
        }
        assert!(overrides("set", [("x.y", "fn::secret")]).is_ok_and(|set| set.is_some()));
    }
}
