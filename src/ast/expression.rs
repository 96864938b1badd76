//! Nodes below `values` to expressions.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::interpolation::{Fault, Scanned, ScannedPart, scan};
use super::places::Places;
use super::{
    Access, Accessor, Call, Definition, ExprId, ExprKind, Expression, Part, PathId, Paths,
    PlaintextSecret, Property, Selector, call,
};
use crate::diagnostic::Diagnostic;
use crate::quote::quoted;
use crate::source::{Source, Span};
use crate::suggest::nearest;
use crate::syntax::path::Step;
use crate::syntax::{Entry, Node, NodeKind, StringNode};
use crate::value::Text;

/// Builds the expressions of one definition.
pub(super) struct Builder {
    pub(super) source: Arc<Source>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) deferred: Vec<Diagnostic>,
    pub(super) plaintext_secrets: Vec<PlaintextSecret>,
    pub(super) paths: Paths,
    expressions: Vec<Expression>,
}

impl Builder {
    pub(super) fn new(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            diagnostics: Vec::new(),
            deferred: Vec::new(),
            plaintext_secrets: Vec::new(),
            paths: Paths::default(),
            expressions: Vec::new(),
        }
    }

    /// Hands over what was built.
    pub(super) fn finish(self) -> (Definition, Vec<Diagnostic>) {
        let definition = Definition {
            source: self.source,
            imports: Vec::new(),
            values: Box::default(),
            encryption: None,
            plaintext_secrets: self.plaintext_secrets,
            deferred: self.deferred,
            expressions: self.expressions,
            paths: self.paths,
        };
        (definition, self.diagnostics)
    }

    pub(super) fn error(&mut self, span: Span, path: PathId, message: impl Into<String>) {
        let path = self.paths.render(path);
        self.diagnostics
            .push(Diagnostic::error(&self.source, span, path, message));
    }

    pub(super) fn add(&mut self, kind: ExprKind, span: Span, path: PathId) -> ExprId {
        self.expressions.push(Expression { kind, span, path });
        // A document has fewer nodes than bytes, and its size is limited far below 4 GiB.
        ExprId((self.expressions.len() - 1) as u32)
    }

    /// Builds the expression of a node. The depth of the recursion is that of the document, which `syntax` limits.
    pub(super) fn expression(&mut self, node: &Node, path: PathId) -> ExprId {
        let kind = match &node.kind {
            NodeKind::Null => ExprKind::Null,
            NodeKind::Bool(value) => ExprKind::Bool(*value),
            NodeKind::Number(text) => ExprKind::Number(Text::plain(text.as_bytes())),
            NodeKind::String(string) => self.string(string, node.span, path),
            NodeKind::List { items, .. } => {
                let items = items.iter().enumerate();
                let ids = items
                    .map(|(index, item)| self.element(item, path, index))
                    .collect();
                ExprKind::List(ids)
            }
            NodeKind::Map { entries, .. } => match call::recognize(entries) {
                call::Form::Call(name, argument) => {
                    ExprKind::Call(Box::new(self.call(name, argument, node.span, path)))
                }
                call::Form::Reserved(_) | call::Form::Object => {
                    self.misplaced_functions(entries, node.span, path);
                    let keyed = self.keys(entries, path);
                    ExprKind::Object(self.properties_hiding(keyed, path, call::may_mean_secret))
                }
            },
        };
        self.add(kind, node.span, path)
    }

    /// Builds the element `index` of a list.
    pub(super) fn element(&mut self, node: &Node, list: PathId, index: usize) -> ExprId {
        let path = self.paths.push(Some(list), Step::Index(index));
        self.expression(node, path)
    }

    /// Builds what may have been meant as a secret.
    fn hidden(&mut self, node: &Node, path: PathId) -> ExprId {
        let call = match &node.kind {
            // Taken literally, as the text of a secret is.
            NodeKind::String(string) => {
                Call::Plaintext(Text::join(&[string.text.as_bytes()], true), node.span)
            }
            _ => Call::Hidden(self.expression(node, path)),
        };
        self.add(ExprKind::Call(Box::new(call)), node.span, path)
    }

    /// Builds an expression that nothing will evaluate, so that the faults in its text are told.
    pub(super) fn ignored(&mut self, node: &Node, path: PathId) {
        let deferred = self.deferred.len();
        self.expression(node, path);
        self.deferred.truncate(deferred);
    }

    /// Reports the keys of an object that look like functions.
    pub(super) fn misplaced_functions(&mut self, entries: &[Entry], span: Span, path: PathId) {
        if let call::Form::Reserved(entry) = call::recognize(entries) {
            self.error(entry.key_span, path, "'fn::' is a reserved prefix");
            self.hint_function_name(&entry.key);
        }
        let several = entries.len() > 1;
        for entry in entries
            .iter()
            .filter(|entry| several && entry.key.starts_with("fn::"))
        {
            let message = format!(
                "illegal call to builtin function: {} must be the only key within its containing object",
                quoted(&entry.key)
            );
            self.error(span, path, message);
        }
    }

    fn hint_function_name(&mut self, key: &str) {
        let known = call::FUNCTIONS
            .iter()
            .find(|name| name.eq_ignore_ascii_case(key));
        let hint = match known {
            Some(name) => Some(format!(
                "names of functions are case-sensitive: write {name}"
            )),
            None => nearest(key, call::FUNCTIONS).map(|name| format!("did you mean {name}?")),
        };
        if let (Some(hint), Some(diagnostic)) = (hint, self.diagnostics.last_mut()) {
            diagnostic.hint = Some(hint);
        }
    }

    /// The entries of an object with their keys, `$$` undone. Those whose keys hold interpolations are left out.
    pub(super) fn keys<'a>(
        &mut self,
        entries: &'a [Entry],
        path: PathId,
    ) -> Vec<(Arc<str>, &'a Entry)> {
        let mut keyed = Vec::with_capacity(entries.len());
        for entry in entries {
            if !entry.key.contains('$') {
                keyed.push((Arc::from(&*entry.key), entry));
                continue;
            }
            let Scanned { parts, faults } = scan(&entry.key);
            let mut places = Places::whole(&entry.key, entry.key_span);
            self.report_faults(faults, &mut places, path);
            let mut key = String::new();
            let mut literal = true;
            for part in parts {
                match part {
                    ScannedPart::Text(text) => key.push_str(&text),
                    ScannedPart::Access(_) => literal = false,
                }
            }
            if literal {
                keyed.push((Arc::from(key), entry));
            } else {
                self.error(entry.key_span, path, "object keys must be strings");
                let path = self.paths.push(Some(path), Step::key(&*entry.key));
                self.ignored(&entry.value, path);
            }
        }
        keyed
    }

    /// Builds entries, sorted by key. Of entries with the same key the first is used and the others are told when the
    /// definition is evaluated.
    pub(super) fn properties(
        &mut self,
        entries: Vec<(Arc<str>, &Entry)>,
        parent: PathId,
    ) -> Box<[Property]> {
        self.properties_hiding(entries, parent, |_| false)
    }

    /// The same, with what stands at some keys kept secret.
    fn properties_hiding(
        &mut self,
        entries: Vec<(Arc<str>, &Entry)>,
        parent: PathId,
        is_hidden: fn(&str) -> bool,
    ) -> Box<[Property]> {
        let mut properties: BTreeMap<Arc<str>, Property> = BTreeMap::new();
        for (key, entry) in entries {
            let path = self.paths.push(Some(parent), Step::key(&*key));
            if properties.contains_key(&key) {
                self.ignored(&entry.value, path);
                let message = format!("duplicate key {}", quoted(&key));
                let path = self.paths.render(path);
                self.deferred.push(
                    Diagnostic::error(&self.source, entry.key_span, path, message)
                        .with_hint("the first one is used; remove or rename the other"),
                );
            } else {
                let value = if is_hidden(&entry.key) {
                    self.hidden(&entry.value, path)
                } else {
                    self.expression(&entry.value, path)
                };
                properties.insert(
                    Arc::clone(&key),
                    Property {
                        key,
                        key_span: entry.key_span,
                        value,
                    },
                );
            }
        }
        properties.into_values().collect()
    }

    fn string(&mut self, string: &StringNode, span: Span, path: PathId) -> ExprKind {
        if !string.text.contains('$') {
            return ExprKind::String(Text::plain(string.text.as_bytes()));
        }
        let Scanned { mut parts, faults } = scan(&string.text);
        let mut places = Places::new(string, span);
        self.report_faults(faults, &mut places, path);
        let mut access = |accessors: Vec<(Selector, Range<usize>)>| Access {
            accessors: accessors
                .into_iter()
                .map(|(selector, range)| Accessor {
                    selector,
                    span: places.of(&range),
                })
                .collect(),
        };
        match parts.as_mut_slice() {
            [] => ExprKind::String(Text::plain(b"")),
            [ScannedPart::Text(text)] => ExprKind::String(Text::plain(text.as_bytes())),
            [ScannedPart::Access(accessors)] => {
                ExprKind::Reference(access(std::mem::take(accessors)))
            }
            _ => ExprKind::Interpolation(
                parts
                    .into_iter()
                    .map(|part| match part {
                        ScannedPart::Text(text) => Part::Text(text.into()),
                        ScannedPart::Access(accessors) => Part::Access(access(accessors)),
                    })
                    .collect(),
            ),
        }
    }

    fn report_faults(&mut self, faults: Vec<Fault>, places: &mut Places<'_>, path: PathId) {
        for fault in faults {
            self.error(places.of(&fault.range), path, fault.message);
            if let Some(diagnostic) = self.diagnostics.last_mut() {
                diagnostic.hint =
                    Some("write $$ for a dollar sign that starts no reference".into());
            }
        }
    }

    /// The text of a node that must be a string without interpolation, `$$` undone.
    pub(super) fn literal(&self, node: &Node) -> Option<String> {
        let NodeKind::String(string) = &node.kind else {
            return None;
        };
        match scan(&string.text).parts.as_slice() {
            [] => Some(String::new()),
            [ScannedPart::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }
}
