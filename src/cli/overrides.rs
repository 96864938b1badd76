//! `--set` and `--context`: values from the command line.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::error::Failure;
use crate::ast::{self, Parsed};
use crate::source::{Origin, Source, Span};
use crate::syntax::path::{self, Step};
use crate::syntax::{Entry, Node, NodeKind, StringNode, Style};
use crate::value::{Data, Member, Object, Text, Value};

/// The definition that goes over everything: each `PATH=VALUE` as a text, of which nothing is interpolated.
pub(super) fn definition(settings: &[String]) -> Result<Option<Rc<Parsed>>, Failure> {
    if settings.is_empty() {
        return Ok(None);
    }
    let mut tree = Tree::default();
    for setting in settings {
        let (path, text) = split("--set", setting)?;
        tree.insert("--set", &path, text)?;
    }
    let source = Source::new("--set", None, "");
    let values = entry("values", tree.into_node());
    let document = node(NodeKind::Map {
        entries: vec![values],
        flow: false,
    });
    Ok(Some(Rc::new(ast::parse_node(&source, &document))))
}

/// The object that `--context` options describe.
pub(super) fn context(settings: &[String]) -> Result<Object, Failure> {
    let mut tree = Tree::default();
    for setting in settings {
        let (path, text) = split("--context", setting)?;
        if let Some(Step::Key(key)) = path.first()
            && matches!(&**key, "currentEnvironment" | "rootEnvironment")
        {
            return Err(Failure::usage(format!("reserved context key: \"{key}\"")));
        }
        tree.insert("--context", &path, text)?;
    }
    let source = Source::new("--context", None, "");
    Ok(tree.into_object(&Origin::new(&source, Span::default())))
}

fn split<'a>(option: &str, setting: &'a str) -> Result<(Vec<Step>, &'a str), Failure> {
    // A key in brackets may hold the sign.
    let at = setting
        .char_indices()
        .scan(false, |quoted, (at, c)| {
            *quoted ^= c == '"';
            Some((at, c == '=' && !*quoted))
        })
        .find(|(_, separates)| *separates)
        .map(|(at, _)| at);
    let Some(at) = at else {
        return Err(Failure::usage(format!(
            "{option} takes PATH=VALUE, and there is no = in its argument"
        )));
    };
    let (path, text) = (&setting[..at], &setting[at + 1..]);
    let steps = path::parse(path).map_err(|error| {
        Failure::usage(format!("{option}: invalid property path {path}: {error}"))
    })?;
    Ok((steps, text))
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
    fn insert(&mut self, option: &str, path: &[Step], text: &str) -> Result<(), Failure> {
        let [Step::Key(key), rest @ ..] = path else {
            let message = format!(
                "{option}: a path into a list cannot be set: set the list's parent instead"
            );
            return Err(Failure::usage(message));
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
            Branch::Text(_) => Err(Failure::usage(format!(
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
